package en16931

import (
	"slices"
	"strings"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// Where the parties and totals stand.
const (
	seller         = "cac:AccountingSupplierParty/cac:Party/"
	buyer          = "cac:AccountingCustomerParty/cac:Party/"
	representative = "cac:TaxRepresentativeParty/"
	monetary       = "cac:LegalMonetaryTotal/"
	country        = "cac:Country/cbc:IdentificationCode"
	deliverTo      = "cac:Delivery/cac:DeliveryLocation/cac:Address"
)

var documentRules = []row{
	{"BR-01", "BT-24", "The document names the specification it follows.", document, filled("cbc:CustomizationID")},
	{"BR-02", "BT-1", "The document has a number.", document, filled("cbc:ID")},
	{"BR-03", "BT-2", "The document has an issue date.", document, filled("cbc:IssueDate")},
	{"BR-04", "BT-3", "The document has a type code.", document, filled("cbc:InvoiceTypeCode", "cbc:CreditNoteTypeCode")},
	{"BR-05", "BT-5", "The document has a currency.", document, filled("cbc:DocumentCurrencyCode")},
	{"BR-16", "BG-25", "The document has at least one line.", document, given("cac:InvoiceLine", "cac:CreditNoteLine")},
	{"BR-52", "BT-122", "A supporting document has a reference.", each("cac:AdditionalDocumentReference"), filled("cbc:ID")},
	{"BR-55", "BT-25", "A reference to an earlier invoice has that invoice's number.", each("cac:BillingReference"), filled("cac:InvoiceDocumentReference/cbc:ID")},
	{"BR-CO-03", "BT-7, BT-8", "The VAT point is given as a date or as a code, not both.", document.where(taxPointGiven), taxPointOnce},
}

var partyRules = []row{
	{"BR-06", "BT-27", "The seller's registered name is given.", document, filled(seller + "cac:PartyLegalEntity/cbc:RegistrationName")},
	{"BR-07", "BT-44", "The buyer's registered name is given.", document, filled(buyer + "cac:PartyLegalEntity/cbc:RegistrationName")},
	{"BR-08", "BG-5", "The seller has a postal address.", document, given(seller + "cac:PostalAddress")},
	{"BR-09", "BT-40", "The seller's address has a country code.", each(seller + "cac:PostalAddress"), filled(country)},
	{"BR-10", "BG-8", "The buyer has a postal address.", document, given(buyer + "cac:PostalAddress")},
	{"BR-11", "BT-55", "The buyer's address has a country code.", each(buyer + "cac:PostalAddress"), filled(country)},
	{"BR-17", "BT-59, BT-60", "A payee has a name, and is somebody else than the seller.", each("cac:PayeeParty"), payeeApart},
	{"BR-18", "BT-62", "A tax representative has a name.", each("cac:TaxRepresentativeParty"), filled("cac:PartyName/cbc:Name")},
	{"BR-19", "BG-12", "A tax representative has a postal address.", each("cac:TaxRepresentativeParty"), given("cac:PostalAddress")},
	{"BR-20", "BT-69", "A tax representative's address has a country code.", each(representative + "cac:PostalAddress"), filled(country)},
	{"BR-56", "BT-63", "A tax representative has a VAT identifier.", each("cac:TaxRepresentativeParty"), representativeVAT},
	{"BR-57", "BT-80", "A delivery address has a country code.", each(deliverTo), filled(country)},
	{"BR-62", "BT-34", "The seller's electronic address says by which scheme.", each(seller + "cbc:EndpointID"), attribute("schemeID")},
	{"BR-63", "BT-49", "The buyer's electronic address says by which scheme.", each(buyer + "cbc:EndpointID"), attribute("schemeID")},
	{"BR-CO-09", "BT-31, BT-48, BT-63", "A VAT identifier begins with a country code; Greece may use EL.", vatIdentifiers, countryPrefix},
	{"BR-CO-26", "BT-29, BT-30, BT-31", "The seller can be identified: by VAT, registration or another identifier.", document, sellerIdentified},
}

var paymentRules = []row{
	{"BR-49", "BT-81", "Payment instructions have a means code.", each("cac:PaymentMeans"), filled("cbc:PaymentMeansCode")},
	{"BR-50", "BT-84", "The account of a credit transfer has an identifier.", transfers("cac:PayeeFinancialAccount"), filled("cbc:ID")},
	{"BR-51", "BT-87", "A payment card is never named by its full number, only by its first six and last four digits.", each("cac:PaymentMeans/cac:CardAccount/cbc:PrimaryAccountNumberID"), cardShortened},
	{"BR-61", "BT-81, BT-84", "A credit transfer names the account to pay into.", transfers(""), filled("cac:PayeeFinancialAccount/cbc:ID")},
}

var lineRules = []row{
	{"BR-21", "BT-126", "Each line has an identifier.", lines, filled("cbc:ID")},
	{"BR-22", "BT-129", "Each line has a quantity.", lines, filled("cbc:InvoicedQuantity", "cbc:CreditedQuantity")},
	{"BR-23", "BT-130", "Each line's quantity has a unit.", lines, quantityUnit},
	{"BR-24", "BT-131", "Each line has a net amount.", lines, filled("cbc:LineExtensionAmount")},
	{"BR-25", "BT-153", "Each line names its item.", lines, filled("cac:Item/cbc:Name")},
	{"BR-26", "BT-146", "Each line has the item's net price.", lines, filled("cac:Price/cbc:PriceAmount")},
	{"BR-27", "BT-146", "No item's net price is negative.", lines, notNegative("cac:Price/cbc:PriceAmount", (*figures).need)},
	{"BR-28", "BT-148", "No item's gross price is negative.", inLines("cac:Price/cac:AllowanceCharge"), notNegative("cbc:BaseAmount", (*figures).maybe)},
	{"BR-54", "BG-32, BT-160, BT-161", "An item's attribute has a name and a value.", anywhere("cac:AdditionalItemProperty"), all(given("cbc:Name"), given("cbc:Value"))},
	{"BR-64", "BT-157", "An item's standard identifier says by which scheme.", inLines("cac:Item/cac:StandardItemIdentification/cbc:ID"), attribute("schemeID")},
	{"BR-65", "BT-158", "An item's classification says from which list.", inLines("cac:Item/cac:CommodityClassification/cbc:ItemClassificationCode"), attribute("listID")},
	{"BR-CO-04", "BT-151", "Each line has a VAT category.", lines, vatCategory(itemVAT)},
}

var allowanceRules = []row{
	{"BR-31", "BT-92", "Each allowance has an amount.", allowances, filled("cbc:Amount")},
	{"BR-32", "BT-95", "Each allowance has a VAT category.", allowances, vatCategory(documentVAT)},
	{"BR-33", "BT-97, BT-98", "Each allowance has a reason, in words or as a code.", allowances, reason},
	{"BR-36", "BT-99", "Each charge has an amount.", charges, filled("cbc:Amount")},
	{"BR-37", "BT-102", "Each charge has a VAT category.", charges, vatCategory(documentVAT)},
	{"BR-38", "BT-104, BT-105", "Each charge has a reason, in words or as a code.", charges, reason},
	{"BR-41", "BT-136", "Each line allowance has an amount.", inLinesOnly(allowance), filled("cbc:Amount")},
	{"BR-42", "BT-139, BT-140", "Each line allowance has a reason, in words or as a code.", inLinesOnly(allowance), reason},
	{"BR-43", "BT-141", "Each line charge has an amount.", inLinesOnly(charge), filled("cbc:Amount")},
	{"BR-44", "BT-144, BT-145", "Each line charge has a reason, in words or as a code.", inLinesOnly(charge), reason},
	{"BR-CO-21", "BT-97, BT-98", "Each allowance says why, as BR-33 asks.", allowances, reason},
	{"BR-CO-22", "BT-104, BT-105", "Each charge says why, as BR-38 asks.", charges, reason},
	{"BR-CO-23", "BT-139, BT-140", "Each line allowance says why, as BR-42 asks.", inLinesOnly(allowance), reason},
	{"BR-CO-24", "BT-144, BT-145", "Each line charge says why, as BR-44 asks.", inLinesOnly(charge), reason},
}

var reason = filled("cbc:AllowanceChargeReason", "cbc:AllowanceChargeReasonCode")

func quantityUnit(_ *invoice, at *ubl.Element) string {
	for _, name := range []string{"cbc:InvoicedQuantity", "cbc:CreditedQuantity"} {
		if _, has := at.First(name).Attr("unitCode"); has {
			return ""
		}
	}
	return "the quantity has no attribute unitCode"
}

func taxPointGiven(root *ubl.Element) bool {
	return has(root, "cbc:TaxPointDate") || has(root, "cac:InvoicePeriod/cbc:DescriptionCode")
}

func taxPointOnce(_ *invoice, at *ubl.Element) string {
	if has(at, "cbc:TaxPointDate") && has(at, "cac:InvoicePeriod/cbc:DescriptionCode") {
		return "cbc:TaxPointDate and cac:InvoicePeriod/cbc:DescriptionCode exclude each other"
	}
	return ""
}

// payeeApart compares names and identifiers, of which a party may have several.
func payeeApart(_ *invoice, payee *ubl.Element) string {
	if !has(payee, "cac:PartyName/cbc:Name") {
		return "cac:PartyName/cbc:Name is missing"
	}
	for _, path := range []string{"cac:PartyName/cbc:Name", "cac:PartyIdentification/cbc:ID"} {
		sellers := payee.Parent().All(seller + path)
		for _, own := range payee.All(path) {
			if slices.ContainsFunc(sellers, func(e *ubl.Element) bool { return e.Value() == own.Value() }) {
				return path + " is the seller's too"
			}
		}
	}
	return ""
}

func representativeVAT(_ *invoice, at *ubl.Element) string {
	if vatID(at, "") {
		return ""
	}
	return "cac:PartyTaxScheme/cbc:CompanyID is missing for VAT"
}

// vatIdentifiers is the scope of all VAT identifiers there are.
func vatIdentifiers(in *invoice) []*ubl.Element {
	var ids []*ubl.Element
	for _, scheme := range in.named["cac:PartyTaxScheme"] {
		if isVAT(scheme) {
			ids = append(ids, scheme.All("cbc:CompanyID")...)
		}
	}
	return ids
}

func countryPrefix(_ *invoice, id *ubl.Element) string {
	prefix := id.Value()[:min(2, len(id.Value()))]
	if countries[prefix] || prefix == "EL" {
		return ""
	}
	return "the VAT identifier does not begin with a country code"
}

// sellerIdentified leaves out the identifier of a SEPA creditor, which names a
// bank's customer and not a company.
func sellerIdentified(_ *invoice, at *ubl.Element) string {
	if vatID(at, seller) || has(at, seller+"cac:PartyLegalEntity/cbc:CompanyID") {
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
	return slices.ContainsFunc(root.All(party+"cac:PartyTaxScheme/cbc:CompanyID"), func(id *ubl.Element) bool { return isVAT(id.Parent()) })
}

func cardShortened(_ *invoice, number *ubl.Element) string {
	if runes := []rune(strings.Join(strings.Fields(number.Value()), " ")); len(runes) > 10 {
		return "the card is named by more than ten characters"
	}
	return ""
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
