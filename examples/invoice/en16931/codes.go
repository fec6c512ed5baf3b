package en16931

import (
	"strings"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// Lists of more than 300 codes are not kept: UNTDID 1153 (BR-CL-07) and 4451
// (BR-CL-08), and the units of UN/ECE Recommendations 20 and 21 (BR-CL-23).
var codeRules = []row{
	{"BR-CL-01", "BT-3", "The type code is one of UNTDID 1001 that fits the document.", anywhere("cbc:InvoiceTypeCode", "cbc:CreditNoteTypeCode"), typeCode},
	{"BR-CL-03", "BT-5, BT-6", "Each amount is in a currency of ISO 4217.", anywhere(amountNames...), attributeIn(currencies, "currencyID", "ISO 4217")},
	{"BR-CL-04", "BT-5", "The currency is one of ISO 4217.", anywhere("cbc:DocumentCurrencyCode"), oneOfList(currencies, "ISO 4217")},
	{"BR-CL-05", "BT-6", "The accounting currency is one of ISO 4217.", anywhere("cbc:TaxCurrencyCode"), oneOfList(currencies, "ISO 4217")},
	{"BR-CL-06", "BT-8", "The code of the VAT point is one of UNTDID 2005.", anywhere("cbc:DescriptionCode").where(under("cac:InvoicePeriod")), oneOfList(taxPoints, "UNTDID 2005")},
	{"BR-CL-10", "BT-29, BT-46, BT-60", "A party's identifier is of a scheme of ISO 6523, or of SEPA for seller and payee.", anywhere("cbc:ID").where(under("cac:PartyIdentification")).where(marked("schemeID")), partyScheme},
	{"BR-CL-11", "BT-30, BT-47, BT-61", "A party's registration is of a scheme of ISO 6523.", anywhere("cbc:CompanyID").where(under("cac:PartyLegalEntity")).where(marked("schemeID")), scheme},
	{"BR-CL-13", "BT-158", "An item's classification is from a list of UNTDID 7143.", anywhere("cbc:ItemClassificationCode").where(under("cac:CommodityClassification")).where(marked("listID")), attributeIn(classifications, "listID", "UNTDID 7143")},
	{"BR-CL-14", "BT-40, BT-55, BT-69, BT-80", "Each country is one of ISO 3166-1.", anywhere("cbc:IdentificationCode").where(under("cac:Country")), oneOfList(countries, "ISO 3166-1")},
	{"BR-CL-15", "BT-159", "An item's country of origin is one of ISO 3166-1.", anywhere("cbc:IdentificationCode").where(under("cac:OriginCountry")), oneOfList(countries, "ISO 3166-1")},
	{"BR-CL-16", "BT-81", "The means of payment is one of UNTDID 4461.", anywhere("cbc:PaymentMeansCode").where(under("cac:PaymentMeans")), oneOfList(paymentMeans, "UNTDID 4461")},
	{"BR-CL-17", "BT-95, BT-102, BT-118", "The VAT category of the breakdown, of an allowance or charge is one of UNTDID 5305.", anywhere("cbc:ID").where(under("cac:TaxCategory")), oneOfList(categories, "UNTDID 5305")},
	{"BR-CL-18", "BT-151", "A line's VAT category is one of UNTDID 5305.", anywhere("cbc:ID").where(under("cac:ClassifiedTaxCategory")), oneOfList(categories, "UNTDID 5305")},
	{"BR-CL-19", "BT-98, BT-140", "The reason code of an allowance is one of UNTDID 5189.", reasonCodes(allowance), oneOfList(allowanceReasons, "UNTDID 5189")},
	{"BR-CL-20", "BT-105, BT-145", "The reason code of a charge is one of UNTDID 7161.", reasonCodes(charge), oneOfList(chargeReasons, "UNTDID 7161")},
	{"BR-CL-21", "BT-157", "An item's standard identifier is of a scheme of ISO 6523.", anywhere("cbc:ID").where(under("cac:StandardItemIdentification")).where(marked("schemeID")), scheme},
	{"BR-CL-22", "BT-121", "The code for an exemption is one of the VATEX list.", anywhere("cbc:TaxExemptionReasonCode"), exemptionCode},
	{"BR-CL-24", "BT-125", "An attached document is of a media type that EN 16931-1 allows.", anywhere("cbc:EmbeddedDocumentBinaryObject").where(marked("mimeCode")), attributeIn(mediaTypes, "mimeCode", "media types allowed")},
	{"BR-CL-25", "BT-34, BT-49", "An electronic address is of a scheme of the EAS list.", anywhere("cbc:EndpointID").where(marked("schemeID")), attributeIn(addressSchemes, "schemeID", "EAS")},
	{"BR-CL-26", "BT-71", "The identifier of a delivery location is of a scheme of ISO 6523.", anywhere("cbc:ID").where(under("cac:DeliveryLocation")).where(marked("schemeID")), scheme},
}

// amountNames are the elements that hold an amount with its currency.
var amountNames = []string{
	"cbc:Amount", "cbc:BaseAmount", "cbc:PriceAmount", "cbc:TaxAmount", "cbc:TaxableAmount", "cbc:LineExtensionAmount", "cbc:TaxExclusiveAmount",
	"cbc:TaxInclusiveAmount", "cbc:AllowanceTotalAmount", "cbc:ChargeTotalAmount", "cbc:PrepaidAmount", "cbc:PayableRoundingAmount", "cbc:PayableAmount",
}

// scheme wants an identifier of ISO 6523.
var scheme = attributeIn(identifierSchemes, "schemeID", "ISO 6523")

// oneOfList wants the text of an element to be a code of the list.
func oneOfList(list codes, name string) check {
	return func(_ *invoice, at *ubl.Element) string {
		if !list[at.Value()] {
			return at.Name + " is not a code of " + name
		}
		return ""
	}
}

// attributeIn wants an attribute that is a code of the list.
func attributeIn(list codes, attribute, name string) check {
	return func(_ *invoice, at *ubl.Element) string {
		if code, _ := at.Attr(attribute); !list[strings.TrimSpace(code)] {
			return "the attribute " + attribute + " of " + at.Name + " is not a code of " + name
		}
		return ""
	}
}

func typeCode(in *invoice, at *ubl.Element) string {
	if at.Name == "cbc:CreditNoteTypeCode" {
		return oneOfList(creditTypes, "UNTDID 1001 for a credit note")(in, at)
	}
	return oneOfList(invoiceTypes, "UNTDID 1001 for an invoice")(in, at)
}

// partyScheme lets a creditor of SEPA direct debits be named by that.
func partyScheme(in *invoice, id *ubl.Element) string {
	if code, _ := id.Attr("schemeID"); strings.TrimSpace(code) == "SEPA" && (within(id, "cac:AccountingSupplierParty") || within(id, "cac:PayeeParty")) {
		return ""
	}
	return scheme(in, id)
}

func exemptionCode(_ *invoice, at *ubl.Element) string {
	if !exemptions[strings.ToUpper(at.Value())] {
		return at.Name + " is not a code of VATEX"
	}
	return ""
}

// reasonCodes is the scope of the reason codes of allowances or of charges,
// also of lines and prices.
func reasonCodes(kind direction) scope {
	return anywhere("cbc:AllowanceChargeReasonCode").where(func(e *ubl.Element) bool {
		return e.Parent() != nil && e.Parent().Name == "cac:AllowanceCharge" && directionOf(e.Parent()) == kind
	})
}

// within tells whether an element stands below one of the name.
func within(e *ubl.Element, name string) bool {
	for e = e.Parent(); e != nil; e = e.Parent() {
		if e.Name == name {
			return true
		}
	}
	return false
}
