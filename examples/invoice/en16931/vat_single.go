package en16931

import (
	"slices"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

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
	return filled(deliverTo+"/"+country)(in, root)
}
