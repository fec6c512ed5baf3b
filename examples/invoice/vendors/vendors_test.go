package vendors_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/documents"
	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"github.com/evidencefactory/evf/examples/invoice/vendors"
	"github.com/google/go-cmp/cmp"
)

const two = `vendors:
  - id: V-1
    name: Nordwind GmbH
    vat_id: DE298417365
    ibans: [DE12 2005 0000 4593 0277 88]
    status: active
    since: 2021-03-01
  - id: V-2
    name: Hoshikawa Seiki K.K.
    ibans: [GB82WEST12345698765432, DE89370400440532013000]
    status: blocked
    since: 2025-01-20
`

func TestLoadRefuses(t *testing.T) {
	cases := []struct{ name, old, new, want string }{
		{"unknown key", "status: blocked", "status: blocked\n    iban: x", "line 12: field iban not found"},
		{"key twice", "id: V-2", "id: V-2\n    id: V-3", "line 9"},
		{"another top key", "vendors:", "payees:", "field payees not found"},
		{"not YAML", "vendors:", "vendors: [", "line"},
		{"a list of text", two, "vendors: [a]", "line 1"},
		{"an empty entry", "vendors:\n", "vendors:\n  -\n", "empty"},
		{"no vendors", two, "vendors: []", "found 0"},
		{"nothing", two, "", "empty"},
		{"two documents", "vendors:", "---\nvendors: []\n---\nvendors:", "more than one"},
		{"id missing", "id: V-2", `id: ""`, "line 8: vendor \"\": id wants"},
		{"id with a slash", "id: V-2", "id: ../V", "line 8"},
		{"id twice", "id: V-2", "id: V-1", "line 8: vendor \"V-1\": another vendor has this id"},
		{"name missing", "name: Hoshikawa Seiki K.K.", `name: " "`, "name is missing"},
		{"name twice but for case", "Hoshikawa Seiki K.K.", "NORDWIND  gmbh", "another vendor has this name"},
		{"VAT id twice but for dots", "status: blocked", "status: blocked\n    vat_id: DE298.417.365", "another vendor has this vat_id"},
		{"VAT id without country", "DE298417365", `"298417365"`, "line 2: vendor \"V-1\": vat_id wants"},
		{"no account", "[DE12 2005 0000 4593 0277 88]", "[]", "at least one account"},
		{"broken account", "0277 88", "0277 89", "line 2: vendor \"V-1\": ibans[0]: not an IBAN"},
		{"account twice", "GB82WEST12345698765432", "DE89 3704 0044 0532 0130 00", "ibans[1]: listed twice"},
		{"status of another kind", "status: blocked", "status: paused", "status wants"},
		{"no such day", "2025-01-20", "2025-02-30", "since wants"},
		{"too large", "vendors:", strings.Repeat("#\n", vendors.MaxSize/2) + "vendors:", "more than"},
	}
	if _, err := vendors.Load([]byte(two)); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := vendors.Load([]byte(strings.Replace(two, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

// invoice is one of Nordwind's, with what a case changes in it.
func invoice(t *testing.T, old, new string) *ubl.Document {
	t.Helper()
	text, err := documents.FS.ReadFile("01-clean-office-supplies.xml")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), old, new, 1)
	if old != "" && changed == string(text) {
		t.Fatal("the case changes nothing")
	}
	doc, err := ubl.Parse([]byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestCheck(t *testing.T) {
	const (
		name    = "<cbc:RegistrationName>Nordwind GmbH<"
		vat     = "<cbc:CompanyID>DE298417365</cbc:CompanyID>"
		account = "<cbc:ID>DE12200500004593027788<"
		means   = "<cac:PaymentTerms>"
		issued  = "<cbc:IssueDate>2026-02-03<"
	)
	second := func(iban string) string {
		return "<cac:PaymentMeans><cac:PayeeFinancialAccount><cbc:ID>" + iban + "</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>" + means
	}
	cases := []struct {
		name, old, new           string
		known, vat, bank, active string // p, f or -
	}{
		{"clean", "", "", "p", "p", "p", "p"},
		{"account grouped", account, "<cbc:ID>DE12 2005 0000 4593 0277 88<", "p", "p", "p", "p"},
		{"account changed", account, "<cbc:ID>DE89370400440532013000<", "p", "p", "f", "p"},
		{"account broken", account, "<cbc:ID>DE12200500004593027787<", "p", "p", "f", "p"},
		{"account of another kind", account, "<cbc:ID>4593027788<", "p", "p", "f", "p"},
		{"a second account unknown", means, second("DE89370400440532013000"), "p", "p", "f", "p"},
		{"a second account the same", means, second("DE12200500004593027788"), "p", "p", "p", "p"},
		{"no account", account, "<cbc:ID><", "p", "p", "-", "p"},
		{"another name, known VAT id", name, "<cbc:RegistrationName>Nordwind Handel GmbH<", "p", "p", "p", "p"},
		{"name in capitals", name, "<cbc:RegistrationName>NORDWIND GMBH<", "p", "p", "p", "p"},
		{"VAT id grouped", vat, "<cbc:CompanyID>DE 298.417.365</cbc:CompanyID>", "p", "p", "p", "p"},
		{"VAT id of nobody", vat, "<cbc:CompanyID>DE298417366</cbc:CompanyID>", "p", "f", "p", "p"},
		{"VAT id missing", vat, "", "p", "f", "p", "p"},
		{"two VAT ids", vat, vat + "<cbc:CompanyID>DE1</cbc:CompanyID>", "p", "f", "p", "p"},
		{"name of another vendor", name, "<cbc:RegistrationName>Hoshikawa Seiki K.K.<", "p", "f", "p", "p"},
		{"issued before the vendor was known", issued, "<cbc:IssueDate>2021-02-28<", "p", "p", "p", "f"},
		{"issued on the first day", issued, "<cbc:IssueDate>2021-03-01<", "p", "p", "p", "p"},
		{"issued on no day", issued, "<cbc:IssueDate>2026-02-31<", "p", "p", "p", "f"},
		{"not issued", issued, "<cbc:IssueDate><", "p", "p", "p", "f"},
	}
	master, err := vendors.Load([]byte(two))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := []string{"vendor-known@1 " + c.known, "vendor-vat@1 " + c.vat, "vendor-bank@4 " + c.bank, "vendor-active@1 " + c.active}
			if diff := cmp.Diff(want, verdicts(t, master, invoice(t, c.old, c.new))); diff != "" {
				t.Errorf("(- want, + got)\n%s", diff)
			}
		})
	}
}

func TestCheckUnknownAndBlockedVendors(t *testing.T) {
	load := func(old, new string) *vendors.Master {
		master, err := vendors.Load([]byte(strings.Replace(two, old, new, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return master
	}
	clean := invoice(t, "", "")
	broken := invoice(t, "DE12200500004593027788", "DE13200500004593027788")
	absent := strings.NewReplacer("Nordwind GmbH", "Südwind GmbH", "DE298417365", "DE298417366")
	stranger, err := vendors.Load([]byte(absent.Replace(two)))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		master *vendors.Master
		doc    *ubl.Document
		want   []string
	}{
		{"blocked", load("active", "blocked"), clean, []string{"vendor-known@1 p", "vendor-vat@1 p", "vendor-bank@4 p", "vendor-active@1 f"}},
		{"unknown", stranger, clean, []string{"vendor-known@1 f", "vendor-vat@1 -", "vendor-bank@4 -", "vendor-active@1 -"}},
		{"unknown with a broken account", stranger, broken, []string{"vendor-known@1 f", "vendor-vat@1 -", "vendor-bank@4 f", "vendor-active@1 -"}},
		{"master without VAT id", load("    vat_id: DE298417365\n", ""), clean, []string{"vendor-known@1 p", "vendor-vat@1 f", "vendor-bank@4 p", "vendor-active@1 p"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, verdicts(t, c.master, c.doc)); diff != "" {
				t.Errorf("(- want, + got)\n%s", diff)
			}
		})
	}
}

// verdicts writes results as "id@version", then p, f or -. A failure and
// nothing else has a pointer; no message quotes the document.
func verdicts(t *testing.T, master *vendors.Master, doc *ubl.Document) []string {
	t.Helper()
	letters := map[string]string{"pass": "p", "fail": "f", "not-applicable": "-"}
	var lines []string
	for _, r := range master.Check(doc) {
		lines = append(lines, fmt.Sprintf("%s@%s %s", r.ID, r.Version, letters[string(r.Outcome)]))
		if failed := r.Outcome == en16931.Fail; failed != strings.HasPrefix(r.Pointer, "/Invoice") {
			t.Errorf("%s is %s with pointer %q", r.ID, r.Outcome, r.Pointer)
		}
		for _, f := range doc.Fields() {
			if strings.Contains(r.Message, f.Value) && len(f.Value) > 3 {
				t.Errorf("%s quotes %s: %s", r.ID, f.Name, r.Message)
			}
		}
	}
	return lines
}

func TestVendorCannotChangeTheMaster(t *testing.T) {
	master, err := vendors.Load([]byte(two))
	if err != nil {
		t.Fatal(err)
	}
	doc := invoice(t, "", "")
	v, found := master.Vendor(doc)
	if !found || v.ID != "V-1" || v.IBANs[0] != "DE12200500004593027788" {
		t.Fatalf("found %v: %+v", found, v)
	}
	v.IBANs[0] = "DE89370400440532013000"
	if again, _ := master.Vendor(doc); again.IBANs[0] != "DE12200500004593027788" {
		t.Error("the master took over a caller's change")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(two))
	f.Add([]byte("vendors:\n  - &a {id: x}\n  - *a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if master, err := vendors.Load(text); (master == nil) == (err == nil) {
			t.Fatalf("master %v with error %v", master, err)
		}
	})
}
