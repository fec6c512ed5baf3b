// Package ubl reads electronic invoices: UBL 2.1 Invoice and CreditNote
// documents (OASIS, ISO/IEC 19845) as EN 16931 binds them (CEN/TS 16931-3-2).
//
// Parse turns bytes from outside into a bounded tree of elements. Every element
// knows its place, as an XPath with the conventional prefixes cac and cbc,
// whatever prefixes the document itself uses. Fields extracts what an invoice
// clerk would copy out, and says where each value stood and how certain the
// extraction is.
//
// The package is pure: no clock, disk, network or logger. Amounts are exact
// decimals, never floats.
package ubl

// Limits of what Parse accepts. A document beyond one of them is refused.
const (
	MaxSize       = 10 << 20 // bytes, as received
	MaxDepth      = 100      // nested elements, the root included
	MaxElements   = 500_000
	MaxAttributes = 64 // of one element, namespace declarations included
)

// Kind says which of the two documents it is, by its root element.
type Kind string

const (
	Invoice    Kind = "invoice"
	CreditNote Kind = "credit-note"
)

// Document is a parsed invoice or credit note. It is read-only and safe for
// concurrent use as long as nobody changes its elements.
type Document struct {
	Kind Kind
	Root *Element

	currency string // read for every amount, so looked up once
}

// Parse reads one UBL Invoice or CreditNote. Its error is an *Error, which
// wraps one of ErrTooLarge, ErrEncoding, ErrForbidden, ErrTooDeep, ErrMalformed
// and ErrNotInvoice. That a document parses says nothing about its being a
// valid invoice.
func Parse(doc []byte) (*Document, error) {
	if len(doc) > MaxSize {
		return nil, &Error{Kind: ErrTooLarge, Line: 1, Reason: "it has more than 10 MiB"}
	}
	text, err := decode(doc)
	if err != nil {
		return nil, err
	}
	root, err := newReader(text).read()
	if err != nil {
		return nil, err
	}
	currency := root.First("cbc:DocumentCurrencyCode").Value()
	return &Document{Kind: kinds[root.Name], Root: root, currency: currency}, nil
}

var kinds = map[string]Kind{"Invoice": Invoice, "CreditNote": CreditNote}

// Lines returns the invoice lines (BG-25) in document order.
func (d *Document) Lines() []*Element {
	if d.Kind == CreditNote {
		return d.Root.All("cac:CreditNoteLine")
	}
	return d.Root.All("cac:InvoiceLine")
}

// Currency is the document currency code (BT-5) as it stands, "" without one.
func (d *Document) Currency() string { return d.currency }
