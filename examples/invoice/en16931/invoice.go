package en16931

import (
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// invoice is a document as the rules look at it: surveyed once, so that no rule
// has to search for every line again.
type invoice struct {
	root       *ubl.Element
	named      map[string][]*ubl.Element // every element of the document, by its name
	currency   string
	lines      []*ubl.Element // BG-25
	allowances []*ubl.Element // BG-20
	charges    []*ubl.Element // BG-21
	unclear    []*ubl.Element // one of these two, but nobody can tell which
	totals     []*ubl.Element // BG-22
	breakdown  []*ubl.Element // BG-23

	lineVAT, allowanceVAT, chargeVAT, breakdownVAT vatIndex

	bases map[base]*figures // what lines, charges and allowances add up to
}

// vatIndex holds VAT categories by the code in them.
type vatIndex map[string][]*ubl.Element

// base identifies a sum of taxable amounts. An empty rate stands for all rates.
type base struct{ category, rate string }

const (
	documentVAT = "cac:TaxCategory"
	itemVAT     = "cac:Item/cac:ClassifiedTaxCategory"
)

func survey(doc *ubl.Document) *invoice {
	in := &invoice{
		root:      doc.Root,
		named:     map[string][]*ubl.Element{},
		currency:  doc.Currency(),
		lines:     doc.Lines(),
		totals:    doc.Root.All("cac:LegalMonetaryTotal"),
		breakdown: doc.Root.All("cac:TaxTotal/cac:TaxSubtotal"),
		bases:     map[base]*figures{},
	}
	for _, e := range doc.Root.All("cac:AllowanceCharge") {
		switch directionOf(e) {
		case charge:
			in.charges = append(in.charges, e)
		case allowance:
			in.allowances = append(in.allowances, e)
		default:
			in.unclear = append(in.unclear, e)
		}
	}
	in.index(doc.Root)
	in.lineVAT = byCategory(in.lines, itemVAT)
	in.allowanceVAT = byCategory(in.allowances, documentVAT)
	in.chargeVAT = byCategory(in.charges, documentVAT)
	in.breakdownVAT = byCategory(in.breakdown, documentVAT)

	in.addUp(in.lines, itemVAT, "cbc:LineExtensionAmount", (*figures).add)
	in.addUp(in.charges, documentVAT, "cbc:Amount", (*figures).add)
	in.addUp(in.allowances, documentVAT, "cbc:Amount", (*figures).subtract)
	return in
}

// index enters an element and all below it, in document order.
func (in *invoice) index(e *ubl.Element) {
	in.named[e.Name] = append(in.named[e.Name], e)
	for _, child := range e.Children {
		in.index(child)
	}
}

// taxIn are the VAT totals in a currency.
func (in *invoice) taxIn(currency string) []*ubl.Element {
	var found []*ubl.Element
	for _, tax := range in.root.All("cac:TaxTotal/cbc:TaxAmount") {
		if id, _ := tax.Attr("currencyID"); id == currency {
			found = append(found, tax)
		}
	}
	return found
}

// direction tells an allowance from a charge, which UBL writes as one element.
type direction int

const (
	neither direction = iota
	allowance
	charge
)

func directionOf(e *ubl.Element) direction {
	switch e.First("cbc:ChargeIndicator").Value() {
	case "false", "0":
		return allowance
	case "true", "1":
		return charge
	}
	return neither
}

// byCategory sorts the VAT categories at path under each owner by their code.
func byCategory(owners []*ubl.Element, path string) vatIndex {
	found := vatIndex{}
	for _, owner := range owners {
		for _, category := range owner.All(path) {
			if isVAT(category) {
				code := category.First("cbc:ID").Value()
				found[code] = append(found[code], category)
			}
		}
	}
	return found
}

// isVAT tells the VAT scheme of a tax category or party tax scheme from others.
func isVAT(e *ubl.Element) bool {
	return strings.EqualFold(e.First("cac:TaxScheme/cbc:ID").Value(), "VAT")
}

// addUp adds each owner's amount to the bases of its category: the one of its
// rate, and the one of all rates.
func (in *invoice) addUp(owners []*ubl.Element, path, amount string, add func(*figures, *apd.Decimal)) {
	for _, owner := range owners {
		category := owner.First(path)
		code := category.First("cbc:ID").Value()
		for _, key := range []base{{code, rateOf(category)}, {category: code}} {
			sum := in.bases[key]
			if sum == nil {
				sum = newFigures()
				in.bases[key] = sum
			}
			add(sum, sum.maybe(owner, amount))
		}
	}
}

// rateOf writes equal rates alike. A missing rate is "none", never "".
func rateOf(category *ubl.Element) string {
	percent := category.First("cbc:Percent").Value()
	rate, err := ubl.ParseDecimal(percent)
	if err != nil {
		return "none"
	}
	return ubl.CanonicalDecimal(rate)
}

// The scopes that tables share.
var (
	document   scope = func(in *invoice) []*ubl.Element { return []*ubl.Element{in.root} }
	lines      scope = func(in *invoice) []*ubl.Element { return in.lines }
	allowances scope = func(in *invoice) []*ubl.Element { return in.allowances }
	charges    scope = func(in *invoice) []*ubl.Element { return in.charges }
	totals     scope = func(in *invoice) []*ubl.Element { return in.totals }
	breakdown  scope = func(in *invoice) []*ubl.Element { return in.breakdown }
)

// each is the scope of all elements at a path from the root.
func each(path string) scope {
	return func(in *invoice) []*ubl.Element { return in.root.All(path) }
}

// inLines is the scope of all elements at a path from a line.
func inLines(path string) scope { return lines.below(path) }

// inLinesOnly is the scope of line allowances or of line charges.
func inLinesOnly(kind direction) scope {
	return inLines("cac:AllowanceCharge").where(func(e *ubl.Element) bool { return directionOf(e) == kind })
}

// anywhere is the scope of all elements of these names, wherever they stand.
func anywhere(names ...string) scope {
	return func(in *invoice) []*ubl.Element {
		var found []*ubl.Element
		for _, name := range names {
			found = append(found, in.named[name]...)
		}
		return found
	}
}

// below is the scope of all elements at a path from those in this one.
func (s scope) below(path string) scope {
	return func(in *invoice) []*ubl.Element {
		var found []*ubl.Element
		for _, e := range s(in) {
			found = append(found, e.All(path)...)
		}
		return found
	}
}

// where narrows a scope.
func (s scope) where(keep func(*ubl.Element) bool) scope {
	return func(in *invoice) []*ubl.Element {
		var found []*ubl.Element
		for _, e := range s(in) {
			if keep(e) {
				found = append(found, e)
			}
		}
		return found
	}
}

// having keeps the elements that have something at every path.
func having(paths ...string) func(*ubl.Element) bool {
	return func(e *ubl.Element) bool {
		return !slices.ContainsFunc(paths, func(path string) bool { return !has(e, path) })
	}
}

// under keeps the elements whose parent has the name.
func under(parent string) func(*ubl.Element) bool {
	return func(e *ubl.Element) bool { return e.Parent() != nil && e.Parent().Name == parent }
}

// marked keeps the elements that have the attribute.
func marked(attribute string) func(*ubl.Element) bool {
	return func(e *ubl.Element) bool { _, has := e.Attr(attribute); return has }
}
