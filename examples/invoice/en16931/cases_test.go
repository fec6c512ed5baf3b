package en16931_test

import (
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// el writes an element; behind its name there may stand attributes.
func el(name string, inner ...string) string {
	tag, _, _ := strings.Cut(name, " ")
	return "<" + name + ">" + strings.Join(inner, "") + "</" + tag + ">"
}

// snippet is a document of these elements only.
func snippet(kind string, inner ...string) string {
	const schema = "urn:oasis:names:specification:ubl:schema:xsd:"
	return el(kind+` xmlns="`+schema+kind+`-2" xmlns:cac="`+schema+`CommonAggregateComponents-2" xmlns:cbc="`+schema+`CommonBasicComponents-2"`, inner...)
}

// outcomeOf is what one rule says of a snippet.
func outcomeOf(t *testing.T, id, text string) en16931.Result {
	t.Helper()
	doc, err := ubl.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range en16931.Validate(doc) {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("there is no rule %s", id)
	return en16931.Result{}
}

func allowanceCharge(indicator string, inner ...string) string {
	return el("cac:AllowanceCharge", el("cbc:ChargeIndicator", indicator), strings.Join(inner, ""))
}

func line(inner ...string) string  { return el("cac:InvoiceLine", inner...) }
func total(inner ...string) string { return el("cac:LegalMonetaryTotal", inner...) }
func tax(inner ...string) string   { return el("cac:TaxTotal", inner...) }

func category(name, code, rate string) string {
	percent := ""
	if rate != "" {
		percent = el("cbc:Percent", rate)
	}
	return el(name, el("cbc:ID", code), percent, el("cac:TaxScheme", el("cbc:ID", "VAT")))
}

// amounts are the rules about decimals, each with a place for an amount.
var amounts = map[string]func(string) string{
	"BR-DEC-01": func(a string) string { return allowanceCharge("false", el("cbc:Amount", a)) },
	"BR-DEC-02": func(a string) string { return allowanceCharge("false", el("cbc:BaseAmount", a)) },
	"BR-DEC-05": func(a string) string { return allowanceCharge("true", el("cbc:Amount", a)) },
	"BR-DEC-06": func(a string) string { return allowanceCharge("true", el("cbc:BaseAmount", a)) },
	"BR-DEC-09": func(a string) string { return total(el("cbc:LineExtensionAmount", a)) },
	"BR-DEC-10": func(a string) string { return total(el("cbc:AllowanceTotalAmount", a)) },
	"BR-DEC-11": func(a string) string { return total(el("cbc:ChargeTotalAmount", a)) },
	"BR-DEC-12": func(a string) string { return total(el("cbc:TaxExclusiveAmount", a)) },
	"BR-DEC-13": func(a string) string {
		return el("cbc:DocumentCurrencyCode", "EUR") + tax(el(`cbc:TaxAmount currencyID="EUR"`, a)) + tax(el(`cbc:TaxAmount currencyID="SEK"`, "1.2345"))
	},
	"BR-DEC-14": func(a string) string { return total(el("cbc:TaxInclusiveAmount", a)) },
	"BR-DEC-15": func(a string) string {
		return el("cbc:TaxCurrencyCode", "SEK") + tax(el(`cbc:TaxAmount currencyID="EUR"`, "1.2345")) + tax(el(`cbc:TaxAmount currencyID="SEK"`, a))
	},
	"BR-DEC-16": func(a string) string { return total(el("cbc:PrepaidAmount", a)) },
	"BR-DEC-17": func(a string) string { return total(el("cbc:PayableRoundingAmount", a)) },
	"BR-DEC-18": func(a string) string { return total(el("cbc:PayableAmount", a)) },
	"BR-DEC-19": func(a string) string { return tax(el("cac:TaxSubtotal", el("cbc:TaxableAmount", a))) },
	"BR-DEC-20": func(a string) string { return tax(el("cac:TaxSubtotal", el("cbc:TaxAmount", a))) },
	"BR-DEC-23": func(a string) string { return line(el("cbc:LineExtensionAmount", a)) },
	"BR-DEC-24": func(a string) string { return line(allowanceCharge("false", el("cbc:Amount", a))) },
	"BR-DEC-25": func(a string) string { return line(allowanceCharge("false", el("cbc:BaseAmount", a))) },
	"BR-DEC-27": func(a string) string { return line(allowanceCharge("true", el("cbc:Amount", a))) },
	"BR-DEC-28": func(a string) string { return line(allowanceCharge("true", el("cbc:BaseAmount", a))) },
}

func TestDecimals(t *testing.T) {
	for id, with := range amounts {
		for amount, want := range map[string]en16931.Outcome{"1": en16931.Pass, "1.2": en16931.Pass, " -1.23 ": en16931.Pass, "1.234": en16931.Fail, "1.230": en16931.Fail} {
			if got := outcomeOf(t, id, snippet("Invoice", with(amount))); got.Outcome != want {
				t.Errorf("%s on %s is %s, want %s", id, amount, got.Outcome, want)
			}
		}
		if got := outcomeOf(t, id, snippet("Invoice")); got.Outcome != en16931.NotApplicable {
			t.Errorf("%s on nothing is %s", id, got.Outcome)
		}
	}
}

// ownCases are about rules that no official case names, and about what official
// cases leave open.
var ownCases = []struct {
	name, rule string
	doc        string
	want       en16931.Outcome
}{
	{"period turned round", "BR-29", snippet("Invoice", period("2026-02-01", "2026-01-31")), en16931.Fail},
	{"period of one day", "BR-29", snippet("Invoice", period("2026-02-01", "2026-02-01")), en16931.Pass},
	{"period with time zones", "BR-29", snippet("Invoice", period("2026-02-01+01:00", "2026-02-01+02:00")), en16931.Fail},
	{"period across time zones", "BR-29", snippet("Invoice", period("2026-02-01+01:00", "2026-02-01Z")), en16931.Pass},
	{"period that ends on no day", "BR-29", snippet("Invoice", period("2026-02-01", "2026-02-30")), en16931.Fail},
	{"period that begins on no day", "BR-30", snippet("Invoice", line(period("soon", "2026-02-03"))), en16931.Fail},
	{"period without end", "BR-29", snippet("Invoice", el("cac:InvoicePeriod", el("cbc:StartDate", "2026-02-01"))), en16931.NotApplicable},
	{"line's period is not the document's", "BR-29", snippet("Invoice", line(period("2026-02-01", "2026-01-31"))), en16931.NotApplicable},
	{"allowance or charge, nobody knows", "BR-CO-11", snippet("Invoice", allowanceCharge("maybe", el("cbc:Amount", "1")), total(el("cbc:AllowanceTotalAmount", "0"))), en16931.Fail},
	{"charge or allowance, nobody knows", "BR-CO-12", snippet("Invoice", el("cac:AllowanceCharge", el("cbc:Amount", "1")), total(el("cbc:ChargeTotalAmount", "0"))), en16931.Fail},
	{"first line at fault", "BR-21", snippet("Invoice", line(), line(el("cbc:ID", "2"))), en16931.Fail},
	{"payee who is the seller by number", "BR-17", snippet("Invoice", el("cac:AccountingSupplierParty", el("cac:Party", creditor("0088"))),
		el("cac:PayeeParty", el("cac:PartyName", el("cbc:Name", "x")), creditor("0088"))), en16931.Fail},
	{"card by eleven digits", "BR-51", snippet("Invoice", el("cac:PaymentMeans", el("cac:CardAccount", el("cbc:PrimaryAccountNumberID", "12345678901")))), en16931.Fail},
	{"Greece in VAT", "BR-CO-09", snippet("Invoice", vatNumber("EL123456789")), en16931.Pass},
	{"no such country in VAT", "BR-CO-09", snippet("Invoice", vatNumber("XX123456789")), en16931.Fail},
	{"country in small letters", "BR-CO-09", snippet("Invoice", vatNumber("de123456789")), en16931.Fail},
	{"VAT number of one letter", "BR-CO-09", snippet("Invoice", vatNumber("D")), en16931.Fail},
	{"VAT number in two-byte letters", "BR-CO-09", snippet("Invoice", vatNumber("ÄÖ1")), en16931.Fail},

	{"rate that is no number", "BR-S-08", snippet("Invoice", el("cac:InvoiceLine", el("cbc:LineExtensionAmount", "10"), el("cac:Item", category("cac:ClassifiedTaxCategory", "S", "x"))),
		tax(el("cac:TaxSubtotal", el("cbc:TaxableAmount", "10"), category("cac:TaxCategory", "S", "x")))), en16931.Fail},
	{"breakdown without rate", "BR-S-08", snippet("Invoice", tax(el("cac:TaxSubtotal", el("cbc:TaxableAmount", "10"), category("cac:TaxCategory", "S", "")))), en16931.NotApplicable},
	{"base below one that nothing has", "BR-S-08", snippet("Invoice", breakdown("S", "0.50", "0", "7")), en16931.Fail},
	{"base below one that nothing has", "BR-AF-08", snippet("Invoice", breakdown("L", "0.50", "0", "7")), en16931.Pass},
	{"base off by less than one", "BR-AF-08", snippet("Invoice", taxedLine("L", "10.00", "7"), breakdown("L", "10.99", "0.77", "7")), en16931.Pass},
	{"base off by one", "BR-AF-08", snippet("Invoice", taxedLine("L", "10.00", "7"), breakdown("L", "11.00", "0.77", "7")), en16931.Fail},
	{"base at another rate", "BR-AG-08", snippet("Invoice", taxedLine("M", "10.00", "4"), breakdown("M", "10.00", "0.77", "7")), en16931.Fail},
	{"rate of zero", "BR-AG-05", snippet("Invoice", taxedLine("M", "10.00", "0")), en16931.Pass},
	{"rate below zero", "BR-AG-05", snippet("Invoice", taxedLine("M", "10.00", "-1")), en16931.Fail},
	{"rate missing", "BR-AF-05", snippet("Invoice", taxedLine("L", "10.00", "")), en16931.Fail},
	{"reason missing", "BR-IC-10", snippet("Invoice", breakdown("K", "1", "0", "0")), en16931.Fail},
	{"split payment in Italy", "BR-B-01", snippet("Invoice", inCountry("IT"), taxedLine("B", "10.00", "22")), en16931.Pass},
	{"split payment elsewhere", "BR-B-01", snippet("Invoice", inCountry("SM"), taxedLine("B", "10.00", "22")), en16931.Fail},
	{"no split payment", "BR-B-01", snippet("Invoice", inCountry("SM"), taxedLine("S", "10.00", "22")), en16931.NotApplicable},
	{"split payment alone", "BR-B-02", snippet("Invoice", taxedLine("B", "10.00", "22"), breakdown("B", "10.00", "2.20", "22")), en16931.Pass},
	{"split payment beside another rate", "BR-B-02", snippet("Invoice", taxedLine("B", "10.00", "22"), taxedLine("S", "10.00", "22")), en16931.Fail},

	{"credit note's code in an invoice", "BR-CL-01", snippet("Invoice", el("cbc:InvoiceTypeCode", "381")), en16931.Fail},
	{"credit note's code", "BR-CL-01", snippet("CreditNote", el("cbc:CreditNoteTypeCode", "381")), en16931.Pass},
	{"two codes in one", "BR-CL-14", snippet("Invoice", inCountry("IT FR")), en16931.Fail},
	{"no code", "BR-CL-14", snippet("Invoice", inCountry("")), en16931.Fail},
	{"amount without currency", "BR-CL-03", snippet("Invoice", total(el("cbc:PayableAmount", "1"))), en16931.Fail},
	{"SEPA creditor that sells", "BR-CL-10", snippet("Invoice", el("cac:AccountingSupplierParty", el("cac:Party", creditor("SEPA")))), en16931.Pass},
	{"SEPA creditor that buys", "BR-CL-10", snippet("Invoice", el("cac:AccountingCustomerParty", el("cac:Party", creditor("SEPA")))), en16931.Fail},
	{"identifier of a withdrawn scheme", "BR-CL-10", snippet("Invoice", el("cac:PayeeParty", creditor("0092"))), en16931.Fail},
	{"identifier without scheme", "BR-CL-10", snippet("Invoice", el("cac:PayeeParty", el("cac:PartyIdentification", el("cbc:ID", "1")))), en16931.NotApplicable},
	{"exemption in small letters", "BR-CL-22", snippet("Invoice", el("cbc:TaxExemptionReasonCode", "vatex-eu-o")), en16931.Pass},
	{"no such exemption", "BR-CL-22", snippet("Invoice", el("cbc:TaxExemptionReasonCode", "VATEX-EU-X")), en16931.Fail},
	{"electronic address", "BR-CL-25", snippet("Invoice", el(`cbc:EndpointID schemeID="EM"`, "a@b.example")), en16931.Pass},
	{"electronic address of a withdrawn scheme", "BR-CL-25", snippet("Invoice", el(`cbc:EndpointID schemeID="9958"`, "1")), en16931.Fail},
	{"place of delivery", "BR-CL-26", snippet("Invoice", el("cac:DeliveryLocation", el(`cbc:ID schemeID="0088"`, "1"))), en16931.Pass},
	{"place of delivery of no scheme", "BR-CL-26", snippet("Invoice", el("cac:DeliveryLocation", el(`cbc:ID schemeID="0001"`, "1"))), en16931.Fail},
	{"price of three decimals", "UBL-DT-01", snippet("Invoice", line(el("cac:Price", el("cbc:PriceAmount", "1.234"), allowanceCharge("false", el("cbc:Amount", "0.001"))))), en16931.NotApplicable},
}

func period(from, to string) string {
	return el("cac:InvoicePeriod", el("cbc:StartDate", from), el("cbc:EndDate", to))
}

func vatNumber(id string) string {
	return el("cac:TaxRepresentativeParty", el("cac:PartyTaxScheme", el("cbc:CompanyID", id), el("cac:TaxScheme", el("cbc:ID", "VAT"))))
}

func inCountry(code string) string {
	return el("cac:Delivery", el("cac:DeliveryLocation", el("cac:Address", el("cac:Country", el("cbc:IdentificationCode", code)))))
}

func creditor(scheme string) string {
	return el("cac:PartyIdentification", el(`cbc:ID schemeID="`+scheme+`"`, "1"))
}

func taxedLine(code, net, rate string) string {
	return line(el("cbc:LineExtensionAmount", net), el("cac:Item", category("cac:ClassifiedTaxCategory", code, rate)))
}

func breakdown(code, taxable, amount, rate string) string {
	return tax(el("cac:TaxSubtotal", el("cbc:TaxableAmount", taxable), el("cbc:TaxAmount", amount), category("cac:TaxCategory", code, rate)))
}

func TestOwnCases(t *testing.T) {
	for _, c := range ownCases {
		t.Run(c.rule+" "+c.name, func(t *testing.T) {
			if got := outcomeOf(t, c.rule, c.doc); got.Outcome != c.want {
				t.Errorf("%s %s %s, want %s", got.Outcome, got.Pointer, got.Message, c.want)
			}
		})
	}
}

// ownCase tells whether a case of our own makes the rule fail.
func ownCase(id string) bool {
	if amounts[id] != nil {
		return true
	}
	for _, c := range ownCases {
		if c.rule == id && c.want == en16931.Fail {
			return true
		}
	}
	return false
}

// A rule speaks up only where there is something it speaks about: of a document
// that is nothing but its root, what is missing is missed and no more.
func TestEmptyDocument(t *testing.T) {
	for _, r := range validate(t, snippet("CreditNote")) {
		if r.Outcome == en16931.Pass {
			t.Errorf("%s passes on an empty document", r.ID)
		}
		if (r.Message == "" || r.Pointer == "") != (r.Outcome != en16931.Fail) {
			t.Errorf("%s is %s: %q at %q", r.ID, r.Outcome, r.Message, r.Pointer)
		}
	}
}

// No document makes the rules panic, or leaves one without a verdict.
func FuzzValidate(f *testing.F) {
	for _, c := range ownCases {
		f.Add([]byte(c.doc))
	}
	for _, with := range amounts {
		f.Add([]byte(snippet("CreditNote", with("999999999999999999999999999999"))))
	}
	declared := len(en16931.Rules())
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := ubl.Parse(text)
		if err != nil {
			return
		}
		results := en16931.Validate(doc)
		if len(results) != declared {
			t.Fatalf("%d results for %d rules", len(results), declared)
		}
		for _, r := range results {
			if (r.Outcome == en16931.Fail) != (r.Message != "") || (r.Outcome == en16931.Fail) != (r.Pointer != "") {
				t.Errorf("%+v", r)
			}
		}
	})
}
