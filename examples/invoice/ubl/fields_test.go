package ubl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"github.com/google/go-cmp/cmp"
)

// summary writes fields as "name value confidence".
func summary(fields []ubl.Field) []string {
	var lines []string
	for _, f := range fields {
		lines = append(lines, fmt.Sprintf("%s %s %d", f.Name, f.Value, f.Confidence))
	}
	return lines
}

func TestConfidence(t *testing.T) {
	const eur = `<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>`
	seller := func(s string) string {
		return "<cac:AccountingSupplierParty><cac:Party>" + s + "</cac:Party></cac:AccountingSupplierParty>"
	}
	account := func(id string) string {
		return "<cac:PaymentMeans><cac:PayeeFinancialAccount><cbc:ID>" + id + "</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>"
	}
	taxID := func(scheme, id string) string {
		return "<cac:PartyTaxScheme><cbc:CompanyID>" + id + "</cbc:CompanyID><cac:TaxScheme><cbc:ID>" + scheme + "</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
	}
	payable := func(currency, amount string) string {
		return `<cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="` + currency + `">` + amount + "</cbc:PayableAmount></cac:LegalMonetaryTotal>"
	}
	tax := func(currency, amount string) string {
		return `<cac:TaxTotal><cbc:TaxAmount currencyID="` + currency + `">` + amount + "</cbc:TaxAmount></cac:TaxTotal>"
	}
	dueInMeans := "<cac:PaymentMeans><cbc:PaymentDueDate>2026-03-01</cbc:PaymentDueDate></cac:PaymentMeans>"
	cases := []struct {
		name, field, doc string
		want             []string
	}{
		{"certain", "number", invoice("<cbc:ID> F-1\n</cbc:ID>"), []string{"number F-1 1000"}},
		{"absent", "number", invoice(""), nil},
		{"empty is absent", "number", invoice("<cbc:ID> </cbc:ID>"), nil},
		{"elsewhere is absent", "number", invoice("<cac:OrderReference><cbc:ID>1</cbc:ID></cac:OrderReference>"), nil},
		{"repeated alike", "number", invoice("<cbc:ID>1</cbc:ID><cbc:ID>1</cbc:ID>"), []string{"number 1 900"}},
		{"repeated unlike", "number", invoice("<cbc:ID>1</cbc:ID><cbc:ID>2</cbc:ID>"), []string{"number 1 400"}},
		{"date", "issue_date", invoice("<cbc:IssueDate>2026-02-28</cbc:IssueDate>"), []string{"issue_date 2026-02-28 1000"}},
		{"no such day", "issue_date", invoice("<cbc:IssueDate>2026-02-30</cbc:IssueDate>"), []string{"issue_date 2026-02-30 200"}},
		{"date of another form", "issue_date", invoice("<cbc:IssueDate>28.02.2026</cbc:IssueDate>"), []string{"issue_date 28.02.2026 200"}},
		{"due date in its place", "due_date", invoice("<cbc:DueDate>2026-03-01</cbc:DueDate>" + dueInMeans), []string{"due_date 2026-03-01 1000"}},
		{"due date contradicted", "due_date", invoice("<cbc:DueDate>2026-03-02</cbc:DueDate>" + dueInMeans), []string{"due_date 2026-03-02 400"}},
		{"due date of a credit note's place", "due_date", invoice(dueInMeans), []string{"due_date 2026-03-01 700"}},
		{"due date of a credit note", "due_date", creditNote(dueInMeans), []string{"due_date 2026-03-01 1000"}},
		{"name", "seller_name", invoice(seller("<cac:PartyName><cbc:Name>T</cbc:Name></cac:PartyName><cac:PartyLegalEntity><cbc:RegistrationName>R</cbc:RegistrationName></cac:PartyLegalEntity>")), []string{"seller_name R 1000"}},
		{"trading name", "seller_name", invoice(seller("<cac:PartyName><cbc:Name>T</cbc:Name></cac:PartyName>")), []string{"seller_name T 700"}},
		{"VAT id", "seller_vat_id", invoice(seller(taxID("TAX", "12/34") + taxID("VAT", "DE1"))), []string{"seller_vat_id DE1 1000"}},
		{"tax number only", "seller_vat_id", invoice(seller(taxID("TAX", "12/34"))), []string{"seller_vat_id 12/34 700"}},
		{"two VAT ids", "seller_vat_id", invoice(seller(taxID("VAT", "DE1") + taxID("vat", "DE2"))), []string{"seller_vat_id DE1 400"}},
		{"IBAN", "payee_iban", invoice(account("DE89 3704 0044 0532 0130 00")), []string{"payee_iban DE89370400440532013000 1000"}},
		{"IBAN twice", "payee_iban", invoice(account("DE89370400440532013000") + account("de89 3704 0044 0532 0130 00")), []string{"payee_iban DE89370400440532013000 900", "payee_iban DE89370400440532013000 900"}},
		{"two IBANs", "payee_iban", invoice(account("DE89370400440532013000") + account("GB82WEST12345698765432")), []string{"payee_iban DE89370400440532013000 400", "payee_iban GB82WEST12345698765432 400"}},
		{"wrong check digits", "payee_iban", invoice(account("DE88370400440532013000")), []string{"payee_iban DE88370400440532013000 200"}},
		{"notes stand on their own", "note", invoice("<cbc:Note>a</cbc:Note><cbc:Note>b</cbc:Note>"), []string{"note a 1000", "note b 1000"}},
		{"amount", "payable", invoice(eur + payable("EUR", "10.00")), []string{"payable 10.00 1000"}},
		{"amount in words", "payable", invoice(eur + payable("EUR", "ten")), []string{"payable ten 200"}},
		{"amount with an exponent", "payable", invoice(eur + payable("EUR", "1e9")), []string{"payable 1e9 200"}},
		{"amount in another currency", "payable", invoice(eur + payable("USD", "10.00")), []string{"payable 10.00 400"}},
		{"currency contradicted", "currency", invoice(eur + payable("USD", "10.00")), []string{"currency EUR 400"}},
		{"currency from the amount", "currency", invoice(payable("EUR", "10.00")), []string{"currency EUR 700"}},
		{"currency of another form", "currency", invoice("<cbc:DocumentCurrencyCode>Euro</cbc:DocumentCurrencyCode>"), []string{"currency Euro 200"}},
		{"tax total beside the accounting currency's", "tax_total", invoice(eur + tax("SEK", "110") + tax("EUR", "10")), []string{"tax_total 10 1000"}},
		{"tax total in another currency only", "tax_total", invoice(eur + tax("SEK", "110")), []string{"tax_total 110 400"}},
		{"type", "type", invoice("<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>"), []string{"type invoice 1000"}},
		{"type without a code", "type", invoice(""), []string{"type invoice 700"}},
		{"type contradicted", "type", invoice("<cbc:InvoiceTypeCode>381</cbc:InvoiceTypeCode>"), []string{"type invoice 400"}},
		{"credit note", "type", creditNote("<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>"), []string{"type credit-note 1000"}},
		{"credit note contradicted", "type", creditNote("<cbc:CreditNoteTypeCode>380</cbc:CreditNoteTypeCode>"), []string{"type credit-note 400"}},
		{"line count", "line_count", invoice("<cbc:LineCountNumeric>2.0</cbc:LineCountNumeric><cac:InvoiceLine/><cac:InvoiceLine/>"), []string{"line_count 2 1000"}},
		{"line count contradicted", "line_count", invoice("<cbc:LineCountNumeric>2</cbc:LineCountNumeric><cac:InvoiceLine/>"), []string{"line_count 1 400"}},
		{"no such field", "colour", invoice(""), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, summary(parse(t, c.doc).Field(c.field))); diff != "" {
				t.Errorf("(- want, + got)\n%s", diff)
			}
		})
	}
}

func TestFieldsOfAWholeDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "documents", "03-clean-allowance-and-charge.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range parse(t, string(text)).Fields() {
		if f.Confidence != ubl.Certain {
			t.Errorf("%s is not certain", f.Name)
		}
		if !strings.HasPrefix(f.Name, "line.") || strings.HasPrefix(f.Name, "line.2.") {
			got = append(got, f.Name+" = "+f.Value+" @ "+f.Pointer)
		}
	}
	const party = "/Invoice/cac:AccountingSupplierParty/cac:Party/"
	want := []string{
		"type = invoice @ /Invoice/cbc:InvoiceTypeCode",
		"number = 26-30417 @ /Invoice/cbc:ID",
		"issue_date = 2026-02-11 @ /Invoice/cbc:IssueDate",
		"due_date = 2026-03-13 @ /Invoice/cbc:DueDate",
		"currency = EUR @ /Invoice/cbc:DocumentCurrencyCode",
		"seller_name = Waterkant Standbouw B.V. @ " + party + "cac:PartyLegalEntity/cbc:RegistrationName",
		"seller_vat_id = NL861204973B01 @ " + party + "cac:PartyTaxScheme/cbc:CompanyID",
		"seller_company_id = 74120396 @ " + party + "cac:PartyLegalEntity/cbc:CompanyID",
		"payee_iban = NL86RABO0341905562 @ /Invoice/cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID",
		"payee_account_name = Waterkant Standbouw B.V. @ /Invoice/cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:Name",
		"buyer_name = Steinbach Maschinenbau AG @ /Invoice/cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName",
		"buyer_reference = KST-540 @ /Invoice/cbc:BuyerReference",
		"order_reference = PO-45090 @ /Invoice/cac:OrderReference/cbc:ID",
		"line_count = 4 @ /Invoice/cac:InvoiceLine",
		"line_total = 4932.80 @ /Invoice/cac:LegalMonetaryTotal/cbc:LineExtensionAmount",
		"tax_total = 1022.07 @ /Invoice/cac:TaxTotal/cbc:TaxAmount",
		"total_without_vat = 4867.00 @ /Invoice/cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount",
		"total_with_vat = 5889.07 @ /Invoice/cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount",
		"payable = 5889.07 @ /Invoice/cac:LegalMonetaryTotal/cbc:PayableAmount",
		"vat.1.category = S @ /Invoice/cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:ID",
		"vat.1.rate = 21 @ /Invoice/cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:Percent",
		"vat.1.taxable = 4867.00 @ /Invoice/cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount",
		"vat.1.tax = 1022.07 @ /Invoice/cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount",
		"line.2.id = 2 @ /Invoice/cac:InvoiceLine[2]/cbc:ID",
		"line.2.name = Stand construction, per square metre @ /Invoice/cac:InvoiceLine[2]/cac:Item/cbc:Name",
		"line.2.quantity = 36 @ /Invoice/cac:InvoiceLine[2]/cbc:InvoicedQuantity",
		"line.2.net = 2250.00 @ /Invoice/cac:InvoiceLine[2]/cbc:LineExtensionAmount",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
}

func TestPayableWantsCertainty(t *testing.T) {
	doc := func(currency, amount string) string {
		return invoice("<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>" +
			`<cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="` + currency + `">` + amount + "</cbc:PayableAmount></cac:LegalMonetaryTotal>")
	}
	if got, err := parse(t, doc("EUR", "12480.00")).Payable(); err != nil || got != (ubl.Money{Minor: "1248000", Currency: "EUR"}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{doc("USD", "1.00"), doc("EUR", "1,00"), doc("EUR", "1.001"), invoice("")} {
		if got, err := parse(t, text).Payable(); err == nil {
			t.Errorf("got %v, want an error", got)
		}
	}
}
