package en16931

import (
	"github.com/cockroachdb/apd/v3"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// exact has room for the product of two decimals of ubl.MaxDigits and for sums
// of more of them than a document can hold, so only round2 ever rounds.
var exact = apd.BaseContext.WithPrecision(4 * ubl.MaxDigits)

// figures reads and adds amounts. It keeps the first fault, so that a check can
// do its arithmetic first and ask once.
type figures struct {
	total apd.Decimal
	fault string
}

func newFigures() *figures { return &figures{} }

// need reads a decimal that must be there.
func (f *figures) need(at *ubl.Element, path string) *apd.Decimal {
	if at.First(path).Value() == "" {
		f.blame(path + " is missing or empty")
		return new(apd.Decimal)
	}
	return f.maybe(at, path)
}

// maybe reads a decimal, zero when the element is absent.
func (f *figures) maybe(at *ubl.Element, path string) *apd.Decimal {
	if e := at.First(path); e != nil {
		return f.value(e)
	}
	return new(apd.Decimal)
}

// value reads the decimal in an element.
func (f *figures) value(e *ubl.Element) *apd.Decimal {
	d, err := ubl.ParseDecimal(e.Value())
	if err != nil {
		f.blame(e.Name + " is not a decimal number")
		return new(apd.Decimal)
	}
	return d
}

func (f *figures) blame(fault string) {
	if f.fault == "" {
		f.fault = fault
	}
}

func (f *figures) add(d *apd.Decimal)      { must(exact.Add(&f.total, &f.total, d)) }
func (f *figures) subtract(d *apd.Decimal) { must(exact.Sub(&f.total, &f.total, d)) }

// sum adds the decimal at path of every element; absent ones count as zero.
func (f *figures) sum(elements []*ubl.Element, path string) *apd.Decimal {
	for _, e := range elements {
		f.add(f.maybe(e, path))
	}
	return &f.total
}

// equal compares two figures that are called what and other in the fault.
func (f *figures) equal(a, b *apd.Decimal, what, other string) string {
	if f.fault == "" && a.Cmp(b) != 0 {
		return what + " differs from " + other
	}
	return f.fault
}

// near is equal with the tolerance of the official artefacts: less than one
// whole unit of the currency apart.
func (f *figures) near(a, b *apd.Decimal, what, other string) string {
	if f.fault == "" && abs(minus(a, b)).Cmp(one) >= 0 {
		return what + " is off by one or more from " + other
	}
	return f.fault
}

var (
	one     = apd.New(1, 0)
	percent = apd.New(1, -2)
)

func plus(a, b *apd.Decimal) *apd.Decimal {
	d := new(apd.Decimal)
	must(exact.Add(d, a, b))
	return d
}

func minus(a, b *apd.Decimal) *apd.Decimal {
	d := new(apd.Decimal)
	must(exact.Sub(d, a, b))
	return d
}

// percentOf is rate per cent of the amount.
func percentOf(rate, amount *apd.Decimal) *apd.Decimal {
	d := new(apd.Decimal)
	must(exact.Mul(d, rate, amount))
	must(exact.Mul(d, d, percent))
	return d
}

func abs(a *apd.Decimal) *apd.Decimal { return new(apd.Decimal).Abs(a) }

// round rounds to places after the point, halves towards positive infinity as
// XPath's fn:round does, which the artefacts use.
func round(a *apd.Decimal, places int32) *apd.Decimal {
	context := *exact
	context.Rounding = apd.RoundHalfUp
	if a.Negative {
		context.Rounding = apd.RoundHalfDown
	}
	d := new(apd.Decimal)
	must(context.Quantize(d, a, -places))
	return d
}

// must holds by the bounds on digits: no result can leave the context's range.
func must(_ apd.Condition, err error) {
	if err != nil {
		panic("cannot happen: decimal out of range: " + err.Error())
	}
}
