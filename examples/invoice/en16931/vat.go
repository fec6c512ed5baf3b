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
	rate   check  // what the rate of a line, allowance or charge must be
	sums   sums   // how the breakdown adds up
	reason check  // what the breakdown must say about exemption
	needs  needs
}

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

// The rules that only one category has.
var (
	supplyRules = []row{
		{"BR-IC-11", "BT-72, BG-14", "An intra-community supply has a delivery date or an invoicing period.", inBreakdown("K"), supplyDate},
		{"BR-IC-12", "BT-80", "An intra-community supply names the country it was delivered to.", inBreakdown("K"), supplyCountry},
	}
	scopeRules = []row{
		{"BR-O-11", "BT-118", "A breakdown outside the scope of VAT stands alone.", inBreakdown(outOfScope), only(func(in *invoice) vatIndex { return in.breakdownVAT })},
		{"BR-O-12", "BT-118, BT-151", "With a breakdown outside the scope of VAT, so are all lines.", inBreakdown(outOfScope), only(func(in *invoice) vatIndex { return in.lineVAT })},
		{"BR-O-13", "BT-95, BT-118", "With a breakdown outside the scope of VAT, so are all allowances.", inBreakdown(outOfScope), only(func(in *invoice) vatIndex { return in.allowanceVAT })},
		{"BR-O-14", "BT-102, BT-118", "With a breakdown outside the scope of VAT, so are all charges.", inBreakdown(outOfScope), only(func(in *invoice) vatIndex { return in.chargeVAT })},
	}
	splitRules = []row{
		{"BR-B-01", "BT-40, BT-55, BT-95, BT-102, BT-151", "With split payment, every country of the document is Italy.", splitPaid, domesticInItaly},
		{"BR-B-02", "BT-95, BT-102, BT-118, BT-151", "Split payment does not stand beside the standard rate.", splitPaid, notBeside(standardRated)},
	}
)

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
		v.row("05", lineTerm+", BT-152", "The VAT rate of a line that is %s fits that.", onLines, v.rate),
		v.row("06", allowanceTerm+", BT-96", "The VAT rate of an allowance that is %s fits that.", onAllowances, v.rate),
		v.row("07", chargeTerm+", BT-103", "The VAT rate of a charge that is %s fits that.", onCharges, v.rate),
		v.row("08", "BT-92, BT-99, BT-116, BT-119, BT-131", "The taxable amount of what is %s is what lines, allowances and charges add up to.", onBreakdown.where(v.addable), v.taxable),
		v.row("09", "BT-116, BT-117, BT-119", "The tax on what is %s fits its rate.", onBreakdown, v.tax),
		v.row("10", breakdownTerm+", BT-120, BT-121", "A reason for exemption fits what is %s.", onBreakdown, v.reason),
	}
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

func ratePositive(_ *invoice, category *ubl.Element) string {
	f := newFigures()
	if f.need(category, "cbc:Percent").Sign() <= 0 {
		f.blame("cbc:Percent is not above zero")
	}
	return f.fault
}

func rateNotNegative(_ *invoice, category *ubl.Element) string {
	f := newFigures()
	if f.need(category, "cbc:Percent").Sign() < 0 {
		f.blame("cbc:Percent is negative")
	}
	return f.fault
}

func rateZero(_ *invoice, category *ubl.Element) string {
	f := newFigures()
	return f.equal(f.need(category, "cbc:Percent"), new(apd.Decimal), "cbc:Percent", "zero")
}

func rateAbsent(_ *invoice, category *ubl.Element) string {
	if has(category, "cbc:Percent") {
		return "cbc:Percent is given"
	}
	return ""
}

var exemption = given("cbc:TaxExemptionReason", "cbc:TaxExemptionReasonCode")

func noExemption(in *invoice, category *ubl.Element) string {
	if exemption(in, category) == "" {
		return "a reason for exemption is given"
	}
	return ""
}

// inBreakdown is the document if its breakdown has the category.
func inBreakdown(code string) scope {
	return func(in *invoice) []*ubl.Element {
		if len(in.breakdownVAT[code]) == 0 {
			return nil
		}
		return document(in)
	}
}

// only wants nothing in an index but what is outside the scope of VAT.
func only(index func(*invoice) vatIndex) check {
	return func(in *invoice, _ *ubl.Element) string {
		for code := range index(in) {
			if code != outOfScope {
				return "another VAT category stands beside " + outOfScope
			}
		}
		return ""
	}
}

// splitPaid is the document if anything in it is under split payment.
func splitPaid(in *invoice) []*ubl.Element {
	if !in.categorised(splitPayment) {
		return nil
	}
	return document(in)
}

// categorised tells whether anything has the category, whatever its scheme.
func (in *invoice) categorised(code string) bool {
	return slices.ContainsFunc(anywhere("cac:TaxCategory", "cac:ClassifiedTaxCategory")(in), func(e *ubl.Element) bool { return e.First("cbc:ID").Value() == code })
}

func domesticInItaly(in *invoice, _ *ubl.Element) string {
	if slices.ContainsFunc(in.named["cbc:IdentificationCode"], func(e *ubl.Element) bool { return e.Value() != "IT" }) {
		return "a cbc:IdentificationCode is not IT"
	}
	return ""
}

func notBeside(code string) check {
	return func(in *invoice, _ *ubl.Element) string {
		if in.categorised(code) {
			return "the category " + code + " stands beside " + splitPayment
		}
		return ""
	}
}

func supplyDate(_ *invoice, root *ubl.Element) string {
	period := root.First("cac:InvoicePeriod")
	if root.First("cac:Delivery/cbc:ActualDeliveryDate").Value() != "" || period != nil && len(period.Children) > 0 {
		return ""
	}
	return "cac:Delivery/cbc:ActualDeliveryDate and cac:InvoicePeriod are both missing"
}

func supplyCountry(in *invoice, root *ubl.Element) string {
	return filled("cac:Delivery/cac:DeliveryLocation/cac:Address/cac:Country/cbc:IdentificationCode")(in, root)
}

// parties asks who is registered for tax. The seller's side may be registered
// through its tax representative.
type parties struct{ root *ubl.Element }

func (p parties) sellerVAT() bool { return vatID(p.root, seller) || vatID(p.root, representative) }
func (p parties) buyerVAT() bool  { return vatID(p.root, buyer) }

// sellerTaxed accepts a registration of any tax scheme (BT-31, BT-32, BT-63).
func (p parties) sellerTaxed() bool {
	return has(p.root, seller+"cac:PartyTaxScheme/cbc:CompanyID") || vatID(p.root, representative)
}

func (p parties) reverseCharge() bool {
	return p.sellerTaxed() && (p.buyerVAT() || has(p.root, buyer+"cac:PartyLegalEntity/cbc:CompanyID"))
}

func (p parties) intraCommunity() bool { return p.sellerVAT() && p.buyerVAT() }
func (p parties) noVAT() bool          { return !p.sellerVAT() && !p.buyerVAT() }
