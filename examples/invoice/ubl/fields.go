package ubl

import (
	"fmt"
	"slices"
	"strconv"
)

// Field is one extracted value.
type Field struct {
	Name       string
	Value      string // the text as it stands, trimmed; a right IBAN in electronic form
	Pointer    string // XPath of the element or attribute it stood at
	Confidence int    // per mille: Certain, Repeated, Fallback, Ambiguous or Malformed
}

// Confidence levels, in per mille. They are not probabilities: each names the
// one thing that is known about how the value was found, and the same document
// always gives the same levels. Where several apply, the lowest counts. A value
// that is absent (or an empty element) gives no field at all.
const (
	// Certain: exactly one well-formed value, at the place that the EN 16931
	// syntax binding names, and nothing that means the same says otherwise.
	Certain = 1000
	// Repeated: the place holds the value more than once, always the same.
	Repeated = 900
	// Fallback: the place is empty; a neighbouring element had the value.
	Fallback = 700
	// Ambiguous: two candidates disagree, or an amount is in another currency
	// than the document. A single field then has the first candidate.
	Ambiguous = 400
	// Malformed: the text is not a date, decimal, code or IBAN as required.
	Malformed = 200
)

// Fields extracts the header, then the VAT breakdown, then the lines.
//
//	type                  invoice or credit-note, by root element and type code (BT-3)
//	number                BT-1
//	issue_date            BT-2, YYYY-MM-DD
//	due_date              BT-9, YYYY-MM-DD
//	currency              BT-5, ISO 4217
//	seller_name           BT-27; fallback: trading name
//	seller_vat_id         BT-31; fallback: a tax registration of another scheme
//	seller_company_id     BT-30; fallback: another identifier of the seller
//	payee_iban            BT-84, one for each account
//	payee_account_name    BT-85, one for each account
//	buyer_name            BT-44; fallback: trading name
//	buyer_reference       BT-10
//	order_reference       BT-13
//	note                  BT-22, one for each note
//	line_count            number of lines (BG-25)
//	line_total            BT-106, sum of lines net
//	tax_total             BT-110, in the document's currency
//	total_without_vat     BT-109
//	total_with_vat        BT-112
//	prepaid               BT-113
//	rounding              BT-114
//	payable               BT-115
//	vat.N.category, vat.N.rate, vat.N.taxable, vat.N.tax    BT-118, 119, 116, 117, N from 1
//	line.N.id, line.N.name, line.N.quantity, line.N.net     BT-126, 153, 129, 131, N from 1
func (d *Document) Fields() []Field {
	var fields []Field
	for _, s := range header {
		fields = append(fields, s.read(s.name, d, d.Root)...)
	}
	fields = append(fields, d.group("vat", d.Root.All("cac:TaxTotal/cac:TaxSubtotal"), breakdown)...)
	return append(fields, d.group("line", d.Lines(), line)...)
}

// Field extracts the header fields of one name: none when absent, several only
// for payee_iban, payee_account_name and note.
func (d *Document) Field(name string) []Field {
	for _, s := range header {
		if s.name == name {
			return s.read(name, d, d.Root)
		}
	}
	return nil
}

// Payable is the amount due (BT-115). It is an error unless the field payable
// and the currency are both Certain.
func (d *Document) Payable() (Money, error) {
	amount, currency := d.Field("payable"), d.Field("currency")
	if len(amount) == 0 || len(currency) == 0 {
		return Money{}, fmt.Errorf("the document names no payable amount with its currency")
	}
	if amount[0].Confidence != Certain || currency[0].Confidence != Certain {
		return Money{}, fmt.Errorf("the payable amount or its currency is ambiguous or malformed")
	}
	return ParseMoney(amount[0].Value, currency[0].Value)
}

func (d *Document) group(prefix string, elements []*Element, specs []spec) []Field {
	var fields []Field
	for i, e := range elements {
		for _, s := range specs {
			fields = append(fields, s.read(prefix+"."+strconv.Itoa(i+1)+"."+s.name, d, e)...)
		}
	}
	return fields
}

// spec says where a field's candidates stand.
type spec struct {
	name  string
	place selector   // where the syntax binding puts it
	same  []selector // elsewhere with the same meaning: compared, and a fallback
	near  []selector // of a similar meaning: a fallback only
	card  cardinality
}

type cardinality int

const (
	one   cardinality = iota // one value; the first of several
	each                     // a field for each value, all of which should agree
	every                    // a field for each value, which stand on their own
)

func (s spec) read(name string, d *Document, at *Element) []Field {
	found, ceiling := s.place(d, at), Certain
	rivals := gather(s.same, d, at)
	if len(found) == 0 {
		found, rivals, ceiling = rivals, nil, Fallback
	}
	for i := 0; len(found) == 0 && i < len(s.near); i++ {
		found = s.near[i](d, at)
	}
	if s.card != every {
		ceiling = min(ceiling, agreement(found, rivals))
	}
	if s.card == one && len(found) > 1 {
		found = found[:1]
	}
	var fields []Field
	for _, c := range found {
		fields = append(fields, Field{name, c.value, c.pointer, min(ceiling, c.confidence)})
	}
	return fields
}

func gather(selectors []selector, d *Document, at *Element) []candidate {
	var all []candidate
	for _, s := range selectors {
		all = append(all, s(d, at)...)
	}
	return all
}

// agreement is the ceiling that several candidates put on each other.
func agreement(found, rivals []candidate) int {
	if len(found) == 0 {
		return Certain
	}
	differs := func(c candidate) bool { return c.meaning != found[0].meaning }
	switch {
	case slices.ContainsFunc(found, differs), slices.ContainsFunc(rivals, differs):
		return Ambiguous
	case len(found) > 1:
		return Repeated
	}
	return Certain
}

const (
	seller = "cac:AccountingSupplierParty/cac:Party/"
	buyer  = "cac:AccountingCustomerParty/cac:Party/"
	totals = "cac:LegalMonetaryTotal/"
	payee  = "cac:PaymentMeans/cac:PayeeFinancialAccount/"
	paidBy = "cac:PaymentMeans/cbc:PaymentDueDate"
)

var header = []spec{
	{name: "type", place: documentType},
	{name: "number", place: text("cbc:ID")},
	{name: "issue_date", place: date("cbc:IssueDate")},
	{name: "due_date", place: byKind(date("cbc:DueDate"), date(paidBy)), same: []selector{byKind(date(paidBy), date("cbc:DueDate"))}},
	{name: "currency", place: currency("cbc:DocumentCurrencyCode"), same: []selector{currencyOf(totals + "cbc:PayableAmount")}},
	{name: "seller_name", place: text(seller + "cac:PartyLegalEntity/cbc:RegistrationName"), near: []selector{text(seller + "cac:PartyName/cbc:Name")}},
	{name: "seller_vat_id", place: taxID(seller+"cac:PartyTaxScheme", true), near: []selector{taxID(seller+"cac:PartyTaxScheme", false)}},
	{name: "seller_company_id", place: text(seller + "cac:PartyLegalEntity/cbc:CompanyID"), near: []selector{text(seller + "cac:PartyIdentification/cbc:ID")}},
	{name: "payee_iban", place: iban(payee + "cbc:ID"), card: each},
	{name: "payee_account_name", place: text(payee + "cbc:Name"), card: each},
	{name: "buyer_name", place: text(buyer + "cac:PartyLegalEntity/cbc:RegistrationName"), near: []selector{text(buyer + "cac:PartyName/cbc:Name")}},
	{name: "buyer_reference", place: text("cbc:BuyerReference")},
	{name: "order_reference", place: text("cac:OrderReference/cbc:ID")},
	{name: "note", place: text("cbc:Note"), card: every},
	{name: "line_count", place: lineCount, same: []selector{decimal("cbc:LineCountNumeric")}},
	{name: "line_total", place: amount(totals + "cbc:LineExtensionAmount")},
	{name: "tax_total", place: taxTotal, near: []selector{amount("cac:TaxTotal/cbc:TaxAmount")}},
	{name: "total_without_vat", place: amount(totals + "cbc:TaxExclusiveAmount")},
	{name: "total_with_vat", place: amount(totals + "cbc:TaxInclusiveAmount")},
	{name: "prepaid", place: amount(totals + "cbc:PrepaidAmount")},
	{name: "rounding", place: amount(totals + "cbc:PayableRoundingAmount")},
	{name: "payable", place: amount(totals + "cbc:PayableAmount")},
}

var breakdown = []spec{
	{name: "category", place: text("cac:TaxCategory/cbc:ID")},
	{name: "rate", place: decimal("cac:TaxCategory/cbc:Percent")},
	{name: "taxable", place: amount("cbc:TaxableAmount")},
	{name: "tax", place: amount("cbc:TaxAmount")},
}

var line = []spec{
	{name: "id", place: text("cbc:ID")},
	{name: "name", place: text("cac:Item/cbc:Name")},
	{name: "quantity", place: byKind(decimal("cbc:InvoicedQuantity"), decimal("cbc:CreditedQuantity"))},
	{name: "net", place: amount("cbc:LineExtensionAmount")},
}
