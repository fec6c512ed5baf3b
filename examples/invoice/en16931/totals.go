package en16931

import (
	"github.com/cockroachdb/apd/v3"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

var totalsRules = []row{
	{"BR-12", "BT-106", "The totals have the sum of the lines.", document, filled(monetary + "cbc:LineExtensionAmount")},
	{"BR-13", "BT-109", "The totals have the amount without VAT.", document, filled(monetary + "cbc:TaxExclusiveAmount")},
	{"BR-14", "BT-112", "The totals have the amount with VAT.", document, filled(monetary + "cbc:TaxInclusiveAmount")},
	{"BR-15", "BT-115", "The totals have the amount due.", document, filled(monetary + "cbc:PayableAmount")},
	{"BR-53", "BT-6, BT-111", "With a currency of its own for VAT accounting, the VAT total is given in it.", each("cbc:TaxCurrencyCode"), accountedTotal},
	{"BR-CO-10", "BT-106, BT-131", "The sum of the lines is what the lines add up to.", totals, lineTotal},
	{"BR-CO-11", "BT-92, BT-107", "The sum of allowances is what the allowances add up to.", totalsOf(allowances, "cbc:AllowanceTotalAmount"), sumOf(allowances, "cbc:AllowanceTotalAmount")},
	{"BR-CO-12", "BT-99, BT-108", "The sum of charges is what the charges add up to.", totalsOf(charges, "cbc:ChargeTotalAmount"), sumOf(charges, "cbc:ChargeTotalAmount")},
	{"BR-CO-13", "BT-106 to BT-109", "The amount without VAT is the lines minus allowances plus charges.", totals, totalWithoutVAT},
	{"BR-CO-14", "BT-110, BT-117", "The VAT total is what its breakdown adds up to.", each("cac:TaxTotal").where(having("cac:TaxSubtotal")), taxTotal},
	{"BR-CO-15", "BT-109, BT-110, BT-112", "The amount with VAT is the amount without plus the one VAT total in the document's currency.", inCurrency, totalWithVAT},
	{"BR-CO-16", "BT-112 to BT-115", "The amount due is the amount with VAT minus what is paid, plus rounding.", totals, amountDue},
}

var breakdownRules = []row{
	{"BR-45", "BT-116", "Each VAT breakdown has a taxable amount.", breakdown, filled("cbc:TaxableAmount")},
	{"BR-46", "BT-117", "Each VAT breakdown has a tax amount.", breakdown, filled("cbc:TaxAmount")},
	{"BR-47", "BT-118", "Each VAT breakdown has a VAT category.", breakdown, vatCategory(documentVAT)},
	{"BR-48", "BT-118, BT-119", "Each VAT breakdown has a rate, unless it is outside the scope of VAT.", breakdown, ratePresent},
	{"BR-CO-17", "BT-116, BT-117, BT-119", "Each breakdown's tax is its rate of its taxable amount, within one unit of currency.", breakdown, taxOfBreakdown},
	{"BR-CO-18", "BG-23", "The document has a VAT breakdown.", document, given("cac:TaxTotal/cac:TaxSubtotal")},
}

func accountedTotal(in *invoice, currency *ubl.Element) string {
	if len(in.taxIn(currency.Value())) == 0 {
		return "no cac:TaxTotal/cbc:TaxAmount is in the currency of cbc:TaxCurrencyCode"
	}
	return ""
}

func lineTotal(in *invoice, at *ubl.Element) string {
	f := newFigures()
	declared := f.need(at, "cbc:LineExtensionAmount")
	sum := round(f.sum(in.lines, "cbc:LineExtensionAmount"), 2)
	return f.equal(declared, sum, "cbc:LineExtensionAmount", "the sum of the lines' cbc:LineExtensionAmount")
}

// totalsOf is the totals if they or the document speak of such amounts at all.
func totalsOf(amounts scope, declared string) scope {
	return func(in *invoice) []*ubl.Element {
		if len(amounts(in))+len(in.unclear)+len(in.root.All(monetary+declared)) > 0 {
			return in.totals
		}
		return nil
	}
}

func sumOf(amounts scope, declared string) check {
	return func(in *invoice, at *ubl.Element) string {
		if len(in.unclear) > 0 {
			return "a cac:AllowanceCharge does not say by cbc:ChargeIndicator which it is"
		}
		f := newFigures()
		total := f.need(at, declared)
		sum := round(f.sum(amounts(in), "cbc:Amount"), 2)
		return f.equal(total, sum, declared, "the sum of cac:AllowanceCharge/cbc:Amount")
	}
}

func totalWithoutVAT(_ *invoice, at *ubl.Element) string {
	f := newFigures()
	declared, sum := f.need(at, "cbc:TaxExclusiveAmount"), f.need(at, "cbc:LineExtensionAmount")
	if has(at, "cbc:ChargeTotalAmount") || has(at, "cbc:AllowanceTotalAmount") {
		sum = plus(sum, f.maybe(at, "cbc:ChargeTotalAmount"))
		sum = round(minus(sum, f.maybe(at, "cbc:AllowanceTotalAmount")), 2)
	}
	return f.equal(declared, sum, "cbc:TaxExclusiveAmount", "cbc:LineExtensionAmount - cbc:AllowanceTotalAmount + cbc:ChargeTotalAmount")
}

// taxTotal judges a total that has a breakdown; the one in the accounting
// currency has none.
func taxTotal(_ *invoice, at *ubl.Element) string {
	f := newFigures()
	declared, sum := f.need(at, "cbc:TaxAmount"), round(f.sum(at.All("cac:TaxSubtotal"), "cbc:TaxAmount"), 2)
	return f.equal(declared, sum, "cbc:TaxAmount", "the sum of cac:TaxSubtotal/cbc:TaxAmount")
}

// inCurrency is the document if it has a currency to pick the VAT total by.
func inCurrency(in *invoice) []*ubl.Element {
	if in.currency == "" {
		return nil
	}
	return document(in)
}

func totalWithVAT(in *invoice, at *ubl.Element) string {
	taxes := in.taxIn(in.currency)
	if len(taxes) != 1 {
		return "there is not exactly one cac:TaxTotal/cbc:TaxAmount in the document's currency"
	}
	f := newFigures()
	declared, sum := f.need(at, monetary+"cbc:TaxInclusiveAmount"), f.need(at, monetary+"cbc:TaxExclusiveAmount")
	sum = round(plus(sum, f.value(taxes[0])), 2)
	return f.equal(declared, sum, monetary+"cbc:TaxInclusiveAmount", "cbc:TaxExclusiveAmount + cac:TaxTotal/cbc:TaxAmount")
}

// amountDue rounds a side only if it is a difference, as the artefacts do.
func amountDue(_ *invoice, at *ubl.Element) string {
	f := newFigures()
	due, owed := f.need(at, "cbc:PayableAmount"), f.need(at, "cbc:TaxInclusiveAmount")
	if has(at, "cbc:PayableRoundingAmount") {
		due = round(minus(due, f.maybe(at, "cbc:PayableRoundingAmount")), 2)
	}
	if has(at, "cbc:PrepaidAmount") {
		owed = round(minus(owed, f.maybe(at, "cbc:PrepaidAmount")), 2)
	}
	return f.equal(due, owed, "cbc:PayableAmount - cbc:PayableRoundingAmount", "cbc:TaxInclusiveAmount - cbc:PrepaidAmount")
}

func ratePresent(in *invoice, at *ubl.Element) string {
	for _, category := range at.All(documentVAT) {
		if isVAT(category) && category.First("cbc:ID").Value() == outOfScope {
			return ""
		}
	}
	return oneOf([]string{documentVAT + "/cbc:Percent"}, "is missing for VAT",
		func(e *ubl.Element) bool { return isVAT(e.Parent()) })(in, at)
}

// taxOfBreakdown wants no tax at all where there is no rate or one that rounds
// to zero.
func taxOfBreakdown(_ *invoice, at *ubl.Element) string {
	f := newFigures()
	tax, rate := f.need(at, "cbc:TaxAmount"), new(apd.Decimal)
	for _, category := range at.All(documentVAT) {
		if isVAT(category) {
			rate = f.maybe(category, "cbc:Percent")
			break
		}
	}
	if round(rate, 0).IsZero() {
		return f.equal(round(tax, 0), new(apd.Decimal), "cbc:TaxAmount", "zero, which a rate of zero gives")
	}
	return f.near(abs(tax), taxOn(f.need(at, "cbc:TaxableAmount"), rate), "cbc:TaxAmount", "cbc:Percent of cbc:TaxableAmount")
}

// taxOn is the tax that a rate in per cent puts on an amount, without its sign.
func taxOn(amount, rate *apd.Decimal) *apd.Decimal {
	return round(percentOf(rate, abs(amount)), 2)
}
