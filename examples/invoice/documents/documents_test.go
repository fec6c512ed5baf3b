package documents_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/documents"
	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"github.com/evidencefactory/evf/examples/invoice/vendors"
	"github.com/google/go-cmp/cmp"
)

// expectation is what the pure checks say about a document.
type expectation struct {
	refused error    // by ubl.Parse
	fails   []string // rules of en16931 and vendors
	unsure  []string // fields below ubl.Certain
	minor   string   // payable, in minor units
	money   string   // its currency, EUR unless given
}

var expected = map[string]expectation{
	"01-clean-office-supplies.xml":      {minor: "201973"},
	"02-clean-two-vat-rates.xml":        {minor: "332616"},
	"03-clean-allowance-and-charge.xml": {minor: "588907"},
	"04-clean-reverse-charge.xml":       {minor: "945480"},
	"05-clean-exempt-training.xml":      {minor: "300600"},
	"06-clean-forty-lines.xml":          {minor: "79393"},
	"07-credit-note.xml":                {minor: "30702"},
	"08-totals-wrong.xml":               {minor: "339642", fails: []string{"BR-CO-10"}},
	"09-vat-wrong.xml":                  {minor: "530385", fails: []string{"BR-CO-17", "BR-S-09"}},
	"10-unknown-vendor.xml":             {minor: "174573", fails: []string{"vendor-known"}},
	"11-changed-iban.xml":               {minor: "1248000", fails: []string{"vendor-bank"}},
	"12-over-limit.xml":                 {minor: "1000001"},
	"13-duplicate-of-01.xml":            {minor: "201973"},
	"14-two-accounts.xml":               {minor: "319646", unsure: []string{"payee_iban 400", "payee_iban 400", "payee_account_name 900", "payee_account_name 900"}},
	"15-bad-due-date.xml":               {minor: "65212", unsure: []string{"due_date 200"}},
	"16-not-an-invoice.xml":             {refused: ubl.ErrNotInvoice},
	"17-not-xml.xml":                    {refused: ubl.ErrMalformed},
	"18-injection.xml":                  {minor: "427210"},
	"19-target-fails-twice.xml":         {minor: "136800"},
	"20-blocked-vendor.xml":             {minor: "804321", fails: []string{"vendor-active"}},
	"21-changed-iban-small.xml":         {minor: "200126", fails: []string{"vendor-bank"}},
	"22-invalid-iban.xml":               {minor: "223487", fails: []string{"vendor-bank"}, unsure: []string{"payee_iban 200"}},
	"23-entity-declaration.xml":         {refused: ubl.ErrForbidden},
	"24-foreign-currency.xml":           {minor: "7977500", money: "SEK"},
	"25-currency-without-decimals.xml":  {minor: "783000", money: "JPY"},
	"26-at-the-limit.xml":               {minor: "1000000"},
	"27-foreign-vat-id.xml":             {minor: "98913", fails: []string{"vendor-vat", "vendor-bank"}},
	"28-clean-zero-rated.xml":           {minor: "249000"},
}

func TestDocumentsAreWhatTheReadmeSays(t *testing.T) {
	master, err := vendors.Load(documents.Vendors)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			want, listed := expected[name]
			if !listed {
				t.Fatal("no expectation for this document")
			}
			if diff := cmp.Diff(want.strings(), judged(t, master, name)); diff != "" {
				t.Errorf("(- want, + got)\n%s", diff)
			}
		})
	}
	if len(names(t)) != len(expected) {
		t.Errorf("%d documents for %d expectations", len(names(t)), len(expected))
	}
}

func (e expectation) strings() []string {
	if e.refused != nil {
		return []string{"refused: " + e.refused.Error()}
	}
	money := e.money
	if money == "" {
		money = "EUR"
	}
	var lines []string
	for _, id := range e.fails {
		lines = append(lines, "fails "+id)
	}
	for _, field := range e.unsure {
		lines = append(lines, "unsure "+field)
	}
	return append(lines, "payable "+e.minor+" "+money)
}

func judged(t *testing.T, master *vendors.Master, name string) []string {
	doc, err := ubl.Parse(read(t, name))
	if err != nil {
		return []string{"refused: " + errors.Unwrap(err).Error()}
	}
	var lines []string
	for _, r := range slices.Concat(en16931.Validate(doc), master.Check(doc)) {
		if r.Outcome == en16931.Fail {
			lines = append(lines, "fails "+r.ID)
		}
	}
	for _, f := range doc.Fields() {
		if f.Confidence < ubl.Certain {
			lines = append(lines, fmt.Sprintf("unsure %s %d", f.Name, f.Confidence))
		}
	}
	payable, err := doc.Payable()
	if err != nil {
		t.Error(err)
	}
	return append(lines, "payable "+payable.Minor+" "+payable.Currency)
}

func TestDuplicateHasOtherBytesAndTheSameFields(t *testing.T) {
	first, second := read(t, "01-clean-office-supplies.xml"), read(t, "13-duplicate-of-01.xml")
	if string(first) == string(second) {
		t.Fatal("the bytes are the same")
	}
	if diff := cmp.Diff(fields(t, first), fields(t, second)); diff != "" {
		t.Errorf("another prefix must not change a field or pointer (- first, + second)\n%s", diff)
	}
}

// fields leaves out notes, in which the two differ.
func fields(t *testing.T, text []byte) []ubl.Field {
	doc, err := ubl.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(doc.Fields(), func(f ubl.Field) bool { return f.Name == "note" })
}

func TestInjectionStaysInTheNote(t *testing.T) {
	doc, err := ubl.Parse(read(t, "18-injection.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var hostile string
	for _, f := range doc.Field("note") {
		if strings.Contains(f.Value, "vendors.update") {
			hostile = f.Value
		}
	}
	if hostile == "" {
		t.Fatal("no note names the tool")
	}
	for _, f := range doc.Field("payee_iban") {
		if strings.Contains(hostile, f.Value) {
			t.Error("the note must ask for another account than the document's")
		}
	}
}

func TestReadmeListsEveryDocument(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t) {
		if !strings.Contains(string(readme), "| "+name+" |") {
			t.Errorf("README.md has no row for %s", name)
		}
	}
}

func names(t *testing.T) []string {
	t.Helper()
	found, err := fs.Glob(documents.FS, "*.xml")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := documents.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
