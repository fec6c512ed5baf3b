package en16931_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/documents"
	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	twoRates      = "02-clean-two-vat-rates.xml"
	allowance     = "03-clean-allowance-and-charge.xml"
	reverseCharge = "04-clean-reverse-charge.xml"
	exempt        = "05-clean-exempt-training.xml"
	credit        = "07-credit-note.xml"
	outOfScope    = "25-currency-without-decimals.xml"
	zeroRated     = "28-clean-zero-rated.xml"
)

func demo(t *testing.T, name string) string {
	t.Helper()
	text, err := documents.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func validate(t *testing.T, text string) []en16931.Result {
	t.Helper()
	doc, err := ubl.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return en16931.Validate(doc)
}

// Each case spoils one thing in a clean document.
func TestOneFaultFailsItsRules(t *testing.T) {
	cases := []struct {
		name, file, old, new string // all occurrences of the regular expression old
		want                 []string
	}{
		{"nothing", twoRates, "", "", nil},
		{"number empty", twoRates, "<cbc:ID>2026-0188</cbc:ID>", "<cbc:ID> </cbc:ID>", []string{"BR-02"}},
		{"no type code", credit, "<cbc:CreditNoteTypeCode>.*\n", "", []string{"BR-04"}},
		{"no totals at all", twoRates, "(?s)<cac:LegalMonetaryTotal>.*</cac:LegalMonetaryTotal>", "", []string{"BR-12", "BR-13", "BR-14", "BR-15", "BR-CO-15"}},
		{"no lines", twoRates, "(?s)<cac:InvoiceLine>.*</cac:InvoiceLine>", "", []string{"BR-16", "BR-CO-10", "BR-S-01", "BR-S-08"}},
		{"no country", twoRates, "<cbc:IdentificationCode>DE<.*\n", "", []string{"BR-09", "BR-11"}},
		{"seller without identifiers", twoRates, "<cbc:CompanyID>(DE274930158|GnR 2207)<.*\n", "", []string{"BR-CO-26", "BR-S-02"}},
		{"unit missing", twoRates, ` unitCode="E48"`, "", []string{"BR-23"}},
		{"negative price", twoRates, ">12.50<", ">-12.50<", []string{"BR-27"}},
		{"allowance without reason", allowance, "<cbc:AllowanceChargeReason(Code)?>(95|Early).*\n", "", []string{"BR-33", "BR-CO-21"}},
		{"account without number", twoRates, "(?s)<cac:PayeeFinancialAccount>.*</cac:PayeeFinancialAccount>", "", []string{"BR-61"}},
		{"sum of lines", twoRates, `(<cac:LegalMonetaryTotal>\s*<cbc:LineExtensionAmount currencyID="EUR">)3048.00`, "${1}3048.01", []string{"BR-CO-10", "BR-CO-13"}},
		{"sum of allowances", allowance, ">245.80</cbc:AllowanceTotalAmount>", ">245.00</cbc:AllowanceTotalAmount>", []string{"BR-CO-11", "BR-CO-13"}},
		{"sum of charges missing", allowance, "<cbc:ChargeTotalAmount.*\n", "", []string{"BR-CO-12", "BR-CO-13"}},
		{"indicator as a number", allowance, "<cbc:ChargeIndicator>false<", "<cbc:ChargeIndicator>0<", nil},
		{"paid in part, not deducted", twoRates, "<cbc:PayableAmount", `<cbc:PrepaidAmount currencyID="EUR">1</cbc:PrepaidAmount>$0`, []string{"BR-CO-16"}},
		{"rounding", twoRates, `<cbc:PayableAmount currencyID="EUR">3326.16`, `<cbc:PayableRoundingAmount currencyID="EUR">-0.16</cbc:PayableRoundingAmount><cbc:PayableAmount currencyID="EUR">3326.00`, nil},
		{"amount that is no number", twoRates, ">3326.16</cbc:PayableAmount>", ">3,326.16</cbc:PayableAmount>", []string{"BR-CO-16"}},
		{"two VAT totals in the currency", twoRates, "<cac:LegalMonetaryTotal>", `<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">278.16</cbc:TaxAmount></cac:TaxTotal>$0`, []string{"BR-CO-15"}},
		{"VAT total in the accounting currency", twoRates, "<cac:LegalMonetaryTotal>", `<cac:TaxTotal><cbc:TaxAmount currencyID="SEK">3100.00</cbc:TaxAmount></cac:TaxTotal>$0`, nil},
		{"rate of one line", twoRates, `(?s)(<cbc:ID>5</cbc:ID>.*<cbc:Percent>)19`, "${1}7", []string{"BR-S-08"}},
		{"standard rate of zero", twoRates, `(?s)(<cbc:ID>5</cbc:ID>.*<cbc:Percent>)19`, "${1}0", []string{"BR-S-05", "BR-S-08"}},
		{"reverse charge with a rate", reverseCharge, `(?s)(<cbc:ID>4</cbc:ID>.*<cbc:Percent>)0`, "${1}20", []string{"BR-AE-05"}},
		{"reverse charge, buyer unknown", reverseCharge, "<cbc:CompanyID>(DE215604839|HRB 62091)<.*\n", "", []string{"BR-AE-02"}},
		{"reverse charge without reason", reverseCharge, "<cbc:TaxExemptionReason>.*\n", "", []string{"BR-AE-10"}},
		{"exempt with another base", exempt, "<cbc:TaxableAmount currencyID=\"EUR\">3006.00", "<cbc:TaxableAmount currencyID=\"EUR\">3006.01", []string{"BR-E-08"}},
		{"zero rated with a reason", zeroRated, "(<cbc:Percent>0</cbc:Percent>)(\\s*<cac:TaxScheme>\\s*<cbc:ID>VAT</cbc:ID>\\s*</cac:TaxScheme>\\s*</cac:TaxCategory>)", "$1<cbc:TaxExemptionReason>x</cbc:TaxExemptionReason>$2", []string{"BR-Z-10"}},
		{"tax at a rate that rounds to zero", zeroRated, `(?s)(<cbc:TaxAmount currencyID="EUR">)0.00(.*?<cbc:TaxAmount currencyID="EUR">)0.00(.*?<cbc:Percent>)0<`, "${1}9.96${2}9.96${3}0.4<", []string{"BR-CO-15", "BR-CO-17", "BR-Z-09"}},
		{"out of scope beside standard rate", outOfScope, `(?s)(<cbc:ID>4</cbc:ID>.*<cac:ClassifiedTaxCategory>\s*<cbc:ID>)O`, "${1}S", []string{"BR-S-01", "BR-S-02", "BR-S-05", "BR-O-08", "BR-O-12"}},
		{"point of VAT as date and code", twoRates, "(?s)(<cbc:DocumentCurrencyCode>.*<cac:InvoicePeriod>)", "<cbc:TaxPointDate>2026-02-06</cbc:TaxPointDate>${1}<cbc:DescriptionCode>35</cbc:DescriptionCode>", []string{"BR-CO-03"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := demo(t, c.file)
			if c.old != "" {
				spoiled := regexp.MustCompile(c.old).ReplaceAllString(text, c.new)
				if spoiled == text {
					t.Fatal("the case changes nothing")
				}
				text = spoiled
			}
			if diff := cmp.Diff(c.want, failures(validate(t, text))); diff != "" {
				t.Errorf("(- want, + got)\n%s", diff)
			}
		})
	}
}

func TestIntraCommunitySupply(t *testing.T) {
	supply := strings.ReplaceAll(demo(t, reverseCharge), "<cbc:ID>AE<", "<cbc:ID>K<")
	country := "<cac:Delivery><cac:DeliveryLocation><cac:Address><cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:Address></cac:DeliveryLocation>"
	if diff := cmp.Diff([]string{"BR-IC-12"}, failures(validate(t, supply))); diff != "" {
		t.Errorf("without a country (- want, + got)\n%s", diff)
	}
	supply = strings.Replace(supply, "<cac:Delivery>", country, 1)
	if failing := failures(validate(t, supply)); failing != nil {
		t.Errorf("with a country: %v", failing)
	}
	supply = regexp.MustCompile("<cbc:TaxExemptionReason>.*\n").ReplaceAllString(supply, "")
	if diff := cmp.Diff([]string{"BR-IC-10"}, failures(validate(t, supply))); diff != "" {
		t.Errorf("without a reason (- want, + got)\n%s", diff)
	}
}

func TestOutcomes(t *testing.T) {
	outcomes := map[string]en16931.Outcome{}
	for _, r := range validate(t, demo(t, twoRates)) {
		outcomes[r.ID] = r.Outcome
	}
	for id, want := range map[string]en16931.Outcome{
		"BR-01": en16931.Pass, "BR-CO-10": en16931.Pass, "BR-S-08": en16931.Pass,
		"BR-CO-11": en16931.NotApplicable, "BR-31": en16931.NotApplicable, "BR-AE-01": en16931.NotApplicable, "BR-18": en16931.NotApplicable,
	} {
		if outcomes[id] != want {
			t.Errorf("%s is %q, want %q", id, outcomes[id], want)
		}
	}
}

func TestFailurePointsAtTheFirstElement(t *testing.T) {
	text := strings.ReplaceAll(demo(t, twoRates), "<cac:Price>", "<cac:Price/><cac:Prize>")
	text = strings.ReplaceAll(text, "</cac:Price>", "</cac:Prize>")
	for _, r := range validate(t, text) {
		if r.ID != "BR-26" {
			continue
		}
		want := en16931.Result{
			ID: "BR-26", Version: en16931.Release, Outcome: en16931.Fail,
			Message: "cac:Price/cbc:PriceAmount is missing or empty (and 4 more like it)",
			Pointer: "/Invoice/cac:InvoiceLine[1]",
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("(- want, + got)\n%s", diff)
		}
	}
}

func TestRulesAreDescribed(t *testing.T) {
	terms := regexp.MustCompile(`^B[TG]-\d+((, | to )B[TG]-\d+)*$`)
	seen := map[string]bool{}
	results := validate(t, demo(t, twoRates))
	for i, info := range en16931.Rules() {
		if seen[info.ID] || info.Version != en16931.Release || info.Group == "" || !terms.MatchString(info.Terms) || !strings.HasSuffix(info.Statement, ".") || strings.Contains(info.Statement, "%") {
			t.Errorf("%+v", info)
		}
		seen[info.ID] = true
		if results[i].ID != info.ID {
			t.Errorf("result %d is of %s, rule of %s", i, results[i].ID, info.ID)
		}
	}
}

// Whatever a document says, a result says nothing of it but names.
func TestResultsKeepContentToThemselves(t *testing.T) {
	const canary = "canary7731"
	for _, name := range []string{twoRates, allowance, reverseCharge, credit} {
		text := demo(t, name)
		body := strings.Index(text, "<cbc:CustomizationID>")
		text = text[:body] + regexp.MustCompile(`>[^<>\s][^<>]*</cbc:(\w+)>`).ReplaceAllStringFunc(text[body:], func(s string) string {
			if strings.Contains(s, ">VAT<") || strings.Contains(s, "ChargeIndicator") {
				return s
			}
			return regexp.MustCompile("^>[^<]*").ReplaceAllString(s, ">"+canary)
		})
		results := validate(t, strings.ReplaceAll(text, `="EUR"`, `="`+canary+`"`))
		if len(failures(results)) == 0 {
			t.Errorf("%s: nothing fails", name)
		}
		for _, r := range results {
			if strings.Contains(r.Message+r.Pointer, canary) {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

// Lines that add up pass; a header one cent off does not, however many digits.
func TestSumOfLinesIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.SliceOfN(rapid.Int64Range(-1e15, 1e15), 1, 30).Draw(t, "cents")
		off := rapid.Int64Range(-1, 1).Draw(t, "off")
		var lines strings.Builder
		sum := off
		for _, c := range cents {
			sum += c
			fmt.Fprintf(&lines, "<cac:InvoiceLine><cbc:LineExtensionAmount>%s</cbc:LineExtensionAmount></cac:InvoiceLine>", money(c))
		}
		text := `<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">` +
			"<cac:LegalMonetaryTotal><cbc:LineExtensionAmount>" + money(sum) + "</cbc:LineExtensionAmount></cac:LegalMonetaryTotal>" + lines.String() + "</Invoice>"
		doc, err := ubl.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range en16931.Validate(doc) {
			if r.ID == "BR-CO-10" && (r.Outcome == en16931.Pass) != (off == 0) {
				t.Fatalf("off by %d: %s", off, r.Outcome)
			}
		}
	})
}

func money(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}
