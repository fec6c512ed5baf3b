package en16931

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/apd/v3"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// vatFamily is the set of rules that EN 16931 repeats for a VAT category. They
// differ in few points, which are its fields.
type vatFamily struct {
	code   string // UNTDID 5305
	prefix string // of the rule's identifiers
	name   string // completes "… is …"
	rate   demand // completes "the rate …", of a line, allowance or charge
	sums   sums   // how the breakdown adds up
	reason demand // completes "the breakdown …", about exemption
	needs  needs
}

// demand is a check in words.
type demand struct {
	words string
	check check
}

var (
	ratePositive    = demand{"is above zero", positiveRate}
	rateNotNegative = demand{"is not negative", notNegativeRate}
	rateZero        = demand{"is zero", zeroRate}
	rateAbsent      = demand{"is not given", noRate}

	exemption   = demand{"gives a reason for the exemption", exempted}
	noExemption = demand{"gives no reason for an exemption", notExempted}
)

// needs is whom a category needs to know.
type needs struct {
	words string // completes "… needs …"
	terms string
	known func(parties) bool
}

// sums is how the breakdown of a category adds up.
type sums int

const (
	once    sums = iota // in one breakdown of all, without any tax
	byRate              // in one for each rate, with the tax of that rate
	applied             // as byRate, and something has that rate
)

const (
	standardRated = "S"
	outOfScope    = "O"
	splitPayment  = "B"
)

var (
	sellerTaxed    = needs{"a tax registration of the seller", "BT-31, BT-32, BT-63", parties.sellerTaxed}
	sellerVAT      = needs{"the VAT identifier of the seller", "BT-31, BT-63", parties.sellerVAT}
	reverseCharge  = needs{"a tax registration of the seller and a VAT or company identifier of the buyer", "BT-31, BT-32, BT-47, BT-48, BT-63", parties.reverseCharge}
	intraCommunity = needs{"the VAT identifiers of seller and buyer", "BT-31, BT-48, BT-63", parties.intraCommunity}
	noVAT          = needs{"no VAT identifier of seller or buyer", "BT-31, BT-48, BT-63", parties.noVAT}
)

var vatFamilies = []vatFamily{
	{standardRated, "BR-S", "standard rated", ratePositive, applied, noExemption, sellerTaxed},
	{"Z", "BR-Z", "zero rated", rateZero, once, noExemption, sellerTaxed},
	{"E", "BR-E", "exempt from VAT", rateZero, once, exemption, sellerTaxed},
	{"AE", "BR-AE", "under reverse charge", rateZero, once, exemption, reverseCharge},
	{"K", "BR-IC", "an intra-community supply", rateZero, once, exemption, intraCommunity},
	{"G", "BR-G", "an export outside the EU", rateZero, once, exemption, sellerVAT},
	{outOfScope, "BR-O", "outside the scope of VAT", rateAbsent, once, exemption, noVAT},
	{"L", "BR-AF", "under the tax of the Canary Islands", rateNotNegative, byRate, noExemption, sellerTaxed},
	{"M", "BR-AG", "under the tax of Ceuta and Melilla", rateNotNegative, byRate, noExemption, sellerTaxed},
}

func vatRules() []row {
	var all []row
	for _, family := range vatFamilies {
		all = append(all, family.rules()...)
	}
	return slices.Concat(all, supplyRules, scopeRules, splitRules)
}

// The business terms of a VAT category's code, and of the rate beside it.
const (
	lineTerm, allowanceTerm, chargeTerm, breakdownTerm = "BT-151", "BT-95", "BT-102", "BT-118"
	usedTerms                                          = allowanceTerm + ", " + chargeTerm + ", " + breakdownTerm + ", " + lineTerm
)

func (v vatFamily) rules() []row {
	onLines := v.elements(func(in *invoice) vatIndex { return in.lineVAT })
	onAllowances := v.elements(func(in *invoice) vatIndex { return in.allowanceVAT })
	onCharges := v.elements(func(in *invoice) vatIndex { return in.chargeVAT })
	onBreakdown := v.elements(func(in *invoice) vatIndex { return in.breakdownVAT })
	return []row{
		v.row("01", usedTerms, "What is %s is summed up in the VAT breakdown.", v.document(v.used), v.summedUp),
		v.row("02", lineTerm+", "+v.needs.terms, "A line that is %s needs "+v.needs.words+".", v.document(onLines), v.identified),
		v.row("03", allowanceTerm+", "+v.needs.terms, "An allowance that is %s needs "+v.needs.words+".", v.document(onAllowances), v.identified),
		v.row("04", chargeTerm+", "+v.needs.terms, "A charge that is %s needs "+v.needs.words+".", v.document(onCharges), v.identified),
		v.row("05", lineTerm+", BT-152", "The rate of a line that is %s "+v.rate.words+".", onLines, v.rate.check),
		v.row("06", allowanceTerm+", BT-96", "The rate of an allowance that is %s "+v.rate.words+".", onAllowances, v.rate.check),
		v.row("07", chargeTerm+", BT-103", "The rate of a charge that is %s "+v.rate.words+".", onCharges, v.rate.check),
		v.row("08", "BT-92, BT-99, BT-116, BT-119, BT-131", "The taxable amount of what is %s is what lines, charges and allowances add up to"+v.sums.tolerance()+".", onBreakdown.where(v.addable), v.taxable),
		v.row("09", "BT-116, BT-117, BT-119", "The tax on what is %s is "+v.sums.tax()+".", onBreakdown, v.tax),
		v.row("10", breakdownTerm+", BT-120, BT-121", "The breakdown of what is %s "+v.reason.words+".", onBreakdown, v.reason.check),
	}
}

func (s sums) tax() string {
	if s == once {
		return "zero"
	}
	return "its rate of the taxable amount" + s.tolerance()
}

// tolerance is what the artefacts allow where amounts go by rate.
func (s sums) tolerance() string {
	if s == once {
		return ""
	}
	return ", within one unit of currency"
}

func (v vatFamily) row(number, terms, statement string, s scope, c check) row {
	return row{v.prefix + "-" + number, terms, fmt.Sprintf(statement, v.name), s, c}
}

// elements is the scope of this category's elements in one index.
func (v vatFamily) elements(index func(*invoice) vatIndex) scope {
	return func(in *invoice) []*ubl.Element { return index(in)[v.code] }
}

// document is the whole document as scope, if the other scope has anything.
func (v vatFamily) document(other scope) scope {
	return func(in *invoice) []*ubl.Element {
		if len(other(in)) == 0 {
			return nil
		}
		return document(in)
	}
}

// used is the scope of this category's elements anywhere.
func (v vatFamily) used(in *invoice) []*ubl.Element {
	return slices.Concat(in.lineVAT[v.code], in.allowanceVAT[v.code], in.chargeVAT[v.code], in.breakdownVAT[v.code])
}

// summedUp wants one breakdown; a taxed category has one for each rate, and none
// that nothing goes into.
func (v vatFamily) summedUp(in *invoice, _ *ubl.Element) string {
	sums := len(in.breakdownVAT[v.code])
	switch {
	case sums == 0:
		return "no cac:TaxSubtotal has the category " + v.code
	case sums > 1 && v.sums == once:
		return "more than one cac:TaxSubtotal has the category " + v.code
	case v.sums != once && sums == len(v.used(in)):
		return "a cac:TaxSubtotal has the category " + v.code + ", but no line, allowance or charge has"
	}
	return ""
}

func (v vatFamily) identified(_ *invoice, root *ubl.Element) string {
	if v.needs.known(parties{root}) {
		return ""
	}
	return "the category " + v.code + " needs " + v.needs.words
}

// addable keeps what can be added up: what goes by rate and has none is for
// BR-48 to find fault with.
func (v vatFamily) addable(category *ubl.Element) bool {
	return v.sums == once || has(category, "cbc:Percent")
}

// taxable compares a breakdown with the sums that the survey made.
func (v vatFamily) taxable(in *invoice, category *ubl.Element) string {
	key := base{category: v.code}
	if v.sums != once {
		key.rate = rateOf(category)
	}
	sum, found := in.bases[key]
	switch {
	case !found && v.sums == applied:
		return "no line, allowance or charge has the rate of the breakdown"
	case !found:
		sum = newFigures()
	}
	f := &figures{fault: sum.fault}
	if v.sums != once {
		f.need(category, "cbc:Percent")
	}
	declared := f.need(category.Parent(), "cbc:TaxableAmount")
	const what, other = "cbc:TaxableAmount", "the sum of lines, charges and allowances of that category"
	if v.sums == once {
		return f.equal(declared, &sum.total, what, other)
	}
	return f.near(declared, &sum.total, what, other+" and rate")
}

func (v vatFamily) tax(_ *invoice, category *ubl.Element) string {
	f := newFigures()
	subtotal := category.Parent()
	tax := f.need(subtotal, "cbc:TaxAmount")
	if v.sums == once {
		return f.equal(tax, new(apd.Decimal), "cbc:TaxAmount", "zero")
	}
	want := taxOn(f.need(subtotal, "cbc:TaxableAmount"), f.need(category, "cbc:Percent"))
	return f.near(abs(tax), want, "cbc:TaxAmount", "cbc:Percent of cbc:TaxableAmount")
}

func positiveRate(_ *invoice, category *ubl.Element) string {
	f := newFigures()
	if f.need(category, "cbc:Percent").Sign() <= 0 {
		f.blame("cbc:Percent is not above zero")
	}
	return f.fault
}

func notNegativeRate(_ *invoice, category *ubl.Element) string {
	f := newFigures()
	if f.need(category, "cbc:Percent").Sign() < 0 {
		f.blame("cbc:Percent is negative")
	}
	return f.fault
}

func zeroRate(_ *invoice, category *ubl.Element) string {
	f := newFigures()
	return f.equal(f.need(category, "cbc:Percent"), new(apd.Decimal), "cbc:Percent", "zero")
}

func noRate(_ *invoice, category *ubl.Element) string {
	if has(category, "cbc:Percent") {
		return "cbc:Percent is given"
	}
	return ""
}

var exempted = given("cbc:TaxExemptionReason", "cbc:TaxExemptionReasonCode")

func notExempted(in *invoice, category *ubl.Element) string {
	if exempted(in, category) == "" {
		return "a reason for exemption is given"
	}
	return ""
}
