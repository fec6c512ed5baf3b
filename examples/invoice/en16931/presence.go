package en16931

import (
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

const (
	seller         = "cac:AccountingSupplierParty/cac:Party/"
	buyer          = "cac:AccountingCustomerParty/cac:Party/"
	representative = "cac:TaxRepresentativeParty/"
	monetary       = "cac:LegalMonetaryTotal/"
)

var documentRules = []rule{
	{"BR-01", "document", "The document names the specification it follows.", document, filled("cbc:CustomizationID")},
	{"BR-02", "document", "The document has a number.", document, filled("cbc:ID")},
	{"BR-03", "document", "The document has an issue date.", document, filled("cbc:IssueDate")},
	{"BR-04", "document", "The document has a type code.", document, filled("cbc:InvoiceTypeCode", "cbc:CreditNoteTypeCode")},
	{"BR-05", "document", "The document has a currency.", document, filled("cbc:DocumentCurrencyCode")},
	{"BR-06", "party", "The seller's registered name is given.", document, filled(seller + "cac:PartyLegalEntity/cbc:RegistrationName")},
	{"BR-07", "party", "The buyer's registered name is given.", document, filled(buyer + "cac:PartyLegalEntity/cbc:RegistrationName")},
	{"BR-08", "party", "The seller has a postal address.", document, given(seller + "cac:PostalAddress")},
	{"BR-09", "party", "The seller's address has a country code.", each(seller + "cac:PostalAddress"), filled("cac:Country/cbc:IdentificationCode")},
	{"BR-10", "party", "The buyer has a postal address.", document, given(buyer + "cac:PostalAddress")},
	{"BR-11", "party", "The buyer's address has a country code.", each(buyer + "cac:PostalAddress"), filled("cac:Country/cbc:IdentificationCode")},
	{"BR-12", "totals", "The totals have the sum of the lines.", document, filled(monetary + "cbc:LineExtensionAmount")},
	{"BR-13", "totals", "The totals have the amount without VAT.", document, filled(monetary + "cbc:TaxExclusiveAmount")},
	{"BR-14", "totals", "The totals have the amount with VAT.", document, filled(monetary + "cbc:TaxInclusiveAmount")},
	{"BR-15", "totals", "The totals have the amount due.", document, filled(monetary + "cbc:PayableAmount")},
	{"BR-16", "line", "The document has at least one line.", document, given("cac:InvoiceLine", "cac:CreditNoteLine")},
	{"BR-18", "party", "A tax representative has a name.", each("cac:TaxRepresentativeParty"), filled("cac:PartyName/cbc:Name")},
	{"BR-19", "party", "A tax representative has a postal address.", each("cac:TaxRepresentativeParty"), given("cac:PostalAddress")},
	{"BR-20", "party", "A tax representative's address has a country code.", each(representative + "cac:PostalAddress"), filled("cac:Country/cbc:IdentificationCode")},
	{"BR-52", "document", "A supporting document has a reference.", each("cac:AdditionalDocumentReference"), filled("cbc:ID")},
	{"BR-55", "document", "A reference to an earlier invoice has that invoice's number.", each("cac:BillingReference"), filled("cac:InvoiceDocumentReference/cbc:ID")},
	{"BR-57", "party", "A delivery address has a country code.", each("cac:Delivery/cac:DeliveryLocation/cac:Address"), filled("cac:Country/cbc:IdentificationCode")},
	{"BR-62", "party", "The seller's electronic address says by which scheme.", each(seller + "cbc:EndpointID"), attribute("schemeID")},
	{"BR-63", "party", "The buyer's electronic address says by which scheme.", each(buyer + "cbc:EndpointID"), attribute("schemeID")},
	{"BR-CO-03", "document", "The VAT point is given as a date or as a code, not both.", document, taxPointOnce},
	{"BR-CO-26", "party", "The seller can be identified: by VAT, registration or another identifier.", document, sellerIdentified},
}

var lineRules = []rule{
	{"BR-21", "line", "Each line has an identifier.", lines, filled("cbc:ID")},
	{"BR-22", "line", "Each line has a quantity.", lines, filled("cbc:InvoicedQuantity", "cbc:CreditedQuantity")},
	{"BR-23", "line", "Each line's quantity has a unit.", lines, quantityUnit},
	{"BR-24", "line", "Each line has a net amount.", lines, filled("cbc:LineExtensionAmount")},
	{"BR-25", "line", "Each line names its item.", lines, filled("cac:Item/cbc:Name")},
	{"BR-26", "line", "Each line has the item's net price.", lines, filled("cac:Price/cbc:PriceAmount")},
	{"BR-27", "line", "No item's net price is negative.", lines, notNegative("cac:Price/cbc:PriceAmount", (*figures).need)},
	{"BR-28", "line", "No item's gross price is negative.", inLines("cac:Price/cac:AllowanceCharge"), notNegative("cbc:BaseAmount", (*figures).maybe)},
	{"BR-CO-04", "line", "Each line has a VAT category.", lines, vatCategory(itemVAT)},
}

var allowanceRules = []rule{
	{"BR-31", "allowance", "Each allowance has an amount.", allowances, filled("cbc:Amount")},
	{"BR-32", "allowance", "Each allowance has a VAT category.", allowances, vatCategory(documentVAT)},
	{"BR-33", "allowance", "Each allowance has a reason, in words or as a code.", allowances, reason},
	{"BR-36", "allowance", "Each charge has an amount.", charges, filled("cbc:Amount")},
	{"BR-37", "allowance", "Each charge has a VAT category.", charges, vatCategory(documentVAT)},
	{"BR-38", "allowance", "Each charge has a reason, in words or as a code.", charges, reason},
	{"BR-41", "allowance", "Each line allowance has an amount.", inLinesOnly(allowance), filled("cbc:Amount")},
	{"BR-42", "allowance", "Each line allowance has a reason, in words or as a code.", inLinesOnly(allowance), reason},
	{"BR-43", "allowance", "Each line charge has an amount.", inLinesOnly(charge), filled("cbc:Amount")},
	{"BR-44", "allowance", "Each line charge has a reason, in words or as a code.", inLinesOnly(charge), reason},
}

var paymentRules = []rule{
	{"BR-49", "payment", "Payment instructions have a means code.", each("cac:PaymentMeans"), filled("cbc:PaymentMeansCode")},
	{"BR-50", "payment", "The account of a credit transfer has an identifier.", transfers("cac:PayeeFinancialAccount"), filled("cbc:ID")},
	{"BR-61", "payment", "A credit transfer names the account to pay into.", transfers(""), filled("cac:PayeeFinancialAccount/cbc:ID")},
}

var reason = filled("cbc:AllowanceChargeReason", "cbc:AllowanceChargeReasonCode")

// filled wants an element with text at one of the paths.
func filled(paths ...string) check {
	return oneOf(paths, "is missing or empty", func(e *ubl.Element) bool { return e.Value() != "" })
}

// given wants an element at one of the paths, whatever is in it.
func given(paths ...string) check {
	return oneOf(paths, "is missing", func(*ubl.Element) bool { return true })
}

// oneOf wants an element that will do at one of the paths.
func oneOf(paths []string, fault string, willDo func(*ubl.Element) bool) check {
	fault = strings.Join(paths, " or ") + " " + fault
	return func(_ *invoice, at *ubl.Element) string {
		for _, path := range paths {
			for _, e := range at.All(path) {
				if willDo(e) {
					return ""
				}
			}
		}
		return fault
	}
}

func attribute(name string) check {
	return func(_ *invoice, at *ubl.Element) string {
		if _, has := at.Attr(name); !has {
			return "the attribute " + name + " is missing"
		}
		return ""
	}
}

// vatCategory wants a category of the VAT scheme with a code.
func vatCategory(path string) check {
	return oneOf([]string{path + "/cbc:ID"}, "is missing for VAT", func(e *ubl.Element) bool { return isVAT(e.Parent()) })
}

func quantityUnit(_ *invoice, at *ubl.Element) string {
	for _, name := range []string{"cbc:InvoicedQuantity", "cbc:CreditedQuantity"} {
		if _, has := at.First(name).Attr("unitCode"); has {
			return ""
		}
	}
	return "the quantity has no attribute unitCode"
}

// notNegative judges the decimal at path, which read fetches.
func notNegative(path string, read func(*figures, *ubl.Element, string) *apd.Decimal) check {
	return func(_ *invoice, at *ubl.Element) string {
		f := newFigures()
		if read(f, at, path).Sign() < 0 {
			f.blame(path + " is negative")
		}
		return f.fault
	}
}

func taxPointOnce(_ *invoice, at *ubl.Element) string {
	if at.First("cbc:TaxPointDate") != nil && at.First("cac:InvoicePeriod/cbc:DescriptionCode") != nil {
		return "cbc:TaxPointDate and cac:InvoicePeriod/cbc:DescriptionCode exclude each other"
	}
	return ""
}

// sellerIdentified leaves out the identifier of a SEPA creditor, which names a
// bank's customer and not a company.
func sellerIdentified(_ *invoice, at *ubl.Element) string {
	if vatID(at, seller) || at.First(seller+"cac:PartyLegalEntity/cbc:CompanyID") != nil {
		return ""
	}
	for _, id := range at.All(seller + "cac:PartyIdentification/cbc:ID") {
		if scheme, _ := id.Attr("schemeID"); scheme != "SEPA" {
			return ""
		}
	}
	return "the seller has no VAT identifier, cac:PartyLegalEntity/cbc:CompanyID or cac:PartyIdentification/cbc:ID"
}

// vatID tells whether a party has a VAT identifier.
func vatID(root *ubl.Element, party string) bool {
	for _, id := range root.All(party + "cac:PartyTaxScheme/cbc:CompanyID") {
		if isVAT(id.Parent()) {
			return true
		}
	}
	return false
}

// inLinesOnly is the scope of line allowances or of line charges.
func inLinesOnly(kind direction) scope {
	return func(in *invoice) []*ubl.Element {
		all := inLines("cac:AllowanceCharge")(in)
		return slices.DeleteFunc(all, func(e *ubl.Element) bool { return directionOf(e) != kind })
	}
}

// transfers picks payment means that are credit transfers (UNTDID 4461 codes 30
// and 58), or what they have at a path.
func transfers(path string) scope {
	return func(in *invoice) []*ubl.Element {
		var found []*ubl.Element
		for _, means := range in.root.All("cac:PaymentMeans") {
			code := means.First("cbc:PaymentMeansCode").Value()
			switch {
			case code != "30" && code != "58":
			case path == "":
				found = append(found, means)
			default:
				found = append(found, means.All(path)...)
			}
		}
		return found
	}
}
