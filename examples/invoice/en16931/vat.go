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
	taxed  bool   // bases are kept apart by rate, and the tax is their product
	reason check  // what the breakdown must say about exemption
	needs  string // completes "… needs …"
	known  func(parties) bool
}

const outOfScope = "O"

var vatFamilies = []vatFamily{
	{"S", "BR-S", "standard rated", ratePositive, true, noExemption, "a tax registration of the seller", parties.sellerTaxed},
	{"Z", "BR-Z", "zero rated", rateZero, false, noExemption, "a tax registration of the seller", parties.sellerTaxed},
	{"E", "BR-E", "exempt from VAT", rateZero, false, exemption, "a tax registration of the seller", parties.sellerTaxed},
	{"AE", "BR-AE", "under reverse charge", rateZero, false, exemption, "a tax registration of the seller and a VAT or company identifier of the buyer", parties.reverseCharge},
	{"K", "BR-IC", "an intra-community supply", rateZero, false, exemption, "the VAT identifiers of seller and buyer", parties.intraCommunity},
	{"G", "BR-G", "an export outside the EU", rateZero, false, exemption, "the VAT identifier of the seller", parties.sellerVAT},
	{outOfScope, "BR-O", "outside the scope of VAT", rateAbsent, false, exemption, "no VAT identifier of seller or buyer", parties.noVAT},
}

func vatRules() []rule {
	var all []rule
	for _, family := range vatFamilies {
		all = append(all, family.rules()...)
	}
	return slices.Concat(all, supplyRules, scopeRules)
}

// The rules that only one category has.
var (
	supplyRules = []rule{
		{"BR-IC-11", "vat", "An intra-community supply has a delivery date or an invoicing period.", inBreakdown("K"), supplyDate},
		{"BR-IC-12", "vat", "An intra-community supply names the country it was delivered to.", inBreakdown("K"), supplyCountry},
	}
	scopeRules = []rule{
		{"BR-O-11", "vat", "A breakdown outside the scope of VAT stands alone.", inBreakdown(outOfScope), only(func(in *invoice) vatIndex { return in.breakdownVAT })},
		{"BR-O-12", "vat", "With a breakdown outside the scope of VAT, so are all lines.", inBreakdown(outOfScope), only(func(in *invoice) vatIndex { return in.lineVAT })},
		{"BR-O-13", "vat", "With a breakdown outside the scope of VAT, so are all allowances.", inBreakdown(outOfScope), only(func(in *invoice) vatIndex { return in.allowanceVAT })},
		{"BR-O-14", "vat", "With a breakdown outside the scope of VAT, so are all charges.", inBreakdown(outOfScope), only(func(in *invoice) vatIndex { return in.chargeVAT })},
	}
)

func (v vatFamily) rules() []rule {
	onLines := v.elements(func(in *invoice) vatIndex { return in.lineVAT })
	onAllowances := v.elements(func(in *invoice) vatIndex { return in.allowanceVAT })
	onCharges := v.elements(func(in *invoice) vatIndex { return in.chargeVAT })
	onBreakdown := v.elements(func(in *invoice) vatIndex { return in.breakdownVAT })
	return []rule{
		v.rule("01", "What is %s is summed up in the VAT breakdown.", v.document(v.used), v.summedUp),
		v.rule("02", "A line that is %s needs "+v.needs+".", v.document(onLines), v.identified),
		v.rule("03", "An allowance that is %s needs "+v.needs+".", v.document(onAllowances), v.identified),
		v.rule("04", "A charge that is %s needs "+v.needs+".", v.document(onCharges), v.identified),
		v.rule("05", "The VAT rate of a line that is %s fits that.", onLines, v.rate),
		v.rule("06", "The VAT rate of an allowance that is %s fits that.", onAllowances, v.rate),
		v.rule("07", "The VAT rate of a charge that is %s fits that.", onCharges, v.rate),
		v.rule("08", "The taxable amount of what is %s is what lines, allowances and charges add up to.", onBreakdown, v.taxable),
		v.rule("09", "The tax on what is %s fits its rate.", onBreakdown, v.tax),
		v.rule("10", "A reason for exemption fits what is %s.", onBreakdown, v.reason),
	}
}

func (v vatFamily) rule(number, statement string, s scope, c check) rule {
	return rule{v.prefix + "-" + number, "vat", fmt.Sprintf(statement, v.name), s, c}
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
	case sums > 1 && !v.taxed:
		return "more than one cac:TaxSubtotal has the category " + v.code
	case v.taxed && sums == len(v.used(in)):
		return "a cac:TaxSubtotal has the category " + v.code + ", but no line, allowance or charge has"
	}
	return ""
}

func (v vatFamily) identified(_ *invoice, root *ubl.Element) string {
	if v.known(parties{root}) {
		return ""
	}
	return "the category " + v.code + " needs " + v.needs
}

// taxable compares a breakdown with the sums that the survey made.
func (v vatFamily) taxable(in *invoice, category *ubl.Element) string {
	subtotal := category.Parent()
	key := base{category: v.code}
	if v.taxed {
		if !has(category, "cbc:Percent") {
			return "" // BR-48 says so
		}
		key.rate = rateOf(category)
	}
	sum := in.bases[key]
	if sum == nil {
		sum = newFigures()
	}
	f := &figures{fault: sum.fault}
	declared := f.need(subtotal, "cbc:TaxableAmount")
	const what, other = "cbc:TaxableAmount", "the sum of lines, charges and allowances of that category"
	if !v.taxed {
		return f.equal(declared, &sum.total, what, other)
	}
	if in.bases[key] == nil {
		return "no line, allowance or charge has the rate of the breakdown"
	}
	return f.near(declared, &sum.total, what, other+" and rate")
}

func (v vatFamily) tax(_ *invoice, category *ubl.Element) string {
	f := newFigures()
	subtotal := category.Parent()
	tax := f.need(subtotal, "cbc:TaxAmount")
	if !v.taxed {
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
