package ubl

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// selector finds the candidates for a field at or below an element. Empty
// elements are no candidates.
type selector func(d *Document, at *Element) []candidate

// candidate is a value that may become a field.
type candidate struct {
	value, pointer string
	meaning        string // equal for equal values, however written
	confidence     int    // of this value by itself
}

// form judges a text: what it means, and how far it can be trusted.
type form func(d *Document, e *Element) (meaning string, confidence int)

// at makes a selector of the elements at path and the form their text must have.
func at(path string, f form) selector {
	return func(d *Document, from *Element) []candidate {
		return candidates(d, from.All(path), f)
	}
}

func candidates(d *Document, elements []*Element, f form) []candidate {
	var found []candidate
	for _, e := range elements {
		if e.Value() == "" {
			continue
		}
		meaning, confidence := f(d, e)
		found = append(found, candidate{e.Value(), e.Path(), meaning, confidence})
	}
	return found
}

func text(path string) selector     { return at(path, anyText) }
func date(path string) selector     { return at(path, isDate) }
func decimal(path string) selector  { return at(path, isDecimal) }
func amount(path string) selector   { return at(path, isAmount) }
func currency(path string) selector { return at(path, isCurrency) }

func anyText(_ *Document, e *Element) (string, int) { return e.Value(), Certain }

func isDate(_ *Document, e *Element) (string, int) {
	if _, err := time.Parse(time.DateOnly, e.Value()); err != nil {
		return e.Value(), Malformed
	}
	return e.Value(), Certain
}

func isDecimal(_ *Document, e *Element) (string, int) {
	n, err := ParseDecimal(e.Value())
	if err != nil {
		return e.Value(), Malformed
	}
	return CanonicalDecimal(n), Certain
}

// isAmount also wants the currencyID that UBL requires.
func isAmount(d *Document, e *Element) (string, int) {
	meaning, confidence := isDecimal(d, e)
	id, given := e.Attr("currencyID")
	switch {
	case !given:
		return meaning, Malformed
	case id != d.Currency():
		return meaning, min(confidence, Ambiguous)
	}
	return meaning, confidence
}

func isCurrency(_ *Document, e *Element) (string, int) {
	if !currencyForm.MatchString(e.Value()) {
		return e.Value(), Malformed
	}
	return e.Value(), Certain
}

// currencyOf selects the currencyID attributes of amounts.
func currencyOf(path string) selector {
	return func(_ *Document, from *Element) []candidate {
		var found []candidate
		for _, e := range from.All(path) {
			if id, given := e.Attr("currencyID"); given {
				found = append(found, candidate{id, e.Path() + "/@currencyID", id, Certain})
			}
		}
		return found
	}
}

// iban gives a right IBAN in electronic form, anything else as it stands.
func iban(path string) selector {
	return func(_ *Document, from *Element) []candidate {
		var found []candidate
		for _, e := range from.All(path) {
			if id, err := ParseIBAN(e.Value()); err == nil {
				found = append(found, candidate{id, e.Path(), id, Certain})
			} else if e.Value() != "" {
				found = append(found, candidate{e.Value(), e.Path(), e.Value(), Malformed})
			}
		}
		return found
	}
}

// taxID selects identifiers of the VAT scheme, or of any other scheme.
func taxID(path string, vat bool) selector {
	return func(d *Document, from *Element) []candidate {
		var ids []*Element
		for _, e := range from.All(path) {
			scheme := e.First("cac:TaxScheme/cbc:ID").Value()
			if strings.EqualFold(scheme, "VAT") == vat {
				ids = append(ids, e.All("cbc:CompanyID")...)
			}
		}
		return candidates(d, ids, anyText)
	}
}

// taxTotal selects the tax total in the document's currency; a second one may
// stand beside it in the accounting currency (BT-111).
func taxTotal(d *Document, from *Element) []candidate {
	own := func(e *Element) bool {
		id, _ := e.Attr("currencyID")
		return id == d.Currency()
	}
	totals := from.All("cac:TaxTotal/cbc:TaxAmount")
	totals = slices.DeleteFunc(totals, func(e *Element) bool { return !own(e) })
	return candidates(d, totals, isAmount)
}

// byKind takes one place in invoices and another in credit notes.
func byKind(invoice, creditNote selector) selector {
	return func(d *Document, from *Element) []candidate {
		if d.Kind == CreditNote {
			return creditNote(d, from)
		}
		return invoice(d, from)
	}
}

// lineCount points at all lines together.
func lineCount(d *Document, from *Element) []candidate {
	count := strconv.Itoa(len(d.Lines()))
	name := map[Kind]string{Invoice: "cac:InvoiceLine", CreditNote: "cac:CreditNoteLine"}[d.Kind]
	return []candidate{{count, from.Path() + "/" + name, count, Certain}}
}

// creditCodes are the codes of UNTDID 1001 that EN 16931 allows in a UBL
// CreditNote; all others belong into an Invoice.
var creditCodes = []string{"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"}

// documentType is the root's word, which the type code must confirm.
func documentType(d *Document, from *Element) []candidate {
	kind, name := string(d.Kind), "cbc:InvoiceTypeCode"
	if d.Kind == CreditNote {
		name = "cbc:CreditNoteTypeCode"
	}
	codes := from.All(name)
	if len(codes) == 0 || codes[0].Value() == "" {
		return []candidate{{kind, from.Path(), kind, Fallback}}
	}
	confidence := Certain
	for _, code := range codes {
		if slices.Contains(creditCodes, code.Value()) != (d.Kind == CreditNote) {
			confidence = Ambiguous
		}
	}
	return []candidate{{kind, codes[0].Path(), kind, confidence}}
}
