package en16931

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// The rules for how UBL writes an invoice (CEN/TS 16931-3-2): mostly that what
// UBL may repeat stands there once. Those that only warn about attributes and
// elements that EN 16931-1 does not know are not kept.
var syntaxRules = []row{
	{"UBL-SR-01", "BT-12", "One contract at most is referred to.", document, atMost(1, "cac:ContractDocumentReference/cbc:ID")},
	{"UBL-SR-02", "BT-15", "One receiving advice at most is referred to.", document, atMost(1, "cac:ReceiptDocumentReference/cbc:ID")},
	{"UBL-SR-03", "BT-16", "One despatch advice at most is referred to.", document, atMost(1, "cac:DespatchDocumentReference/cbc:ID")},
	{"UBL-SR-04", "BT-18", "One invoiced object at most is referred to.", document, oneInvoicedObject},
	{"UBL-SR-05", "BT-20", "Payment terms stand there once at most.", document, atMost(1, "cac:PaymentTerms/cbc:Note")},
	{"UBL-SR-06", "BG-3", "A reference to earlier invoices names one at most.", each("cac:BillingReference"), atMost(1, "cac:InvoiceDocumentReference")},
	{"UBL-SR-07", "BT-25", "A reference to an earlier invoice has its number.", each("cac:BillingReference"), given("cac:InvoiceDocumentReference/cbc:ID")},
	{"UBL-SR-08", "BG-14", "There is one invoicing period at most.", document, atMost(1, "cac:InvoicePeriod")},
	{"UBL-SR-09", "BT-27", "The seller has one name at most.", document, atMost(1, seller+"cac:PartyLegalEntity/cbc:RegistrationName")},
	{"UBL-SR-10", "BT-28", "The seller has one trading name at most.", document, atMost(1, seller+"cac:PartyName/cbc:Name")},
	{"UBL-SR-11", "BT-30", "The seller has one legal registration at most.", document, atMost(1, seller+"cac:PartyLegalEntity/cbc:CompanyID")},
	{"UBL-SR-12", "BT-31", "The seller has one VAT identifier at most.", document, oneTaxID(seller, true)},
	{"UBL-SR-13", "BT-32", "The seller has one other tax registration at most.", document, oneTaxID(seller, false)},
	{"UBL-SR-14", "BT-33", "The seller's legal information stands there once at most.", document, atMost(1, seller+"cac:PartyLegalEntity/cbc:CompanyLegalForm")},
	{"UBL-SR-15", "BT-44", "The buyer has one name at most.", document, atMost(1, buyer+"cac:PartyLegalEntity/cbc:RegistrationName")},
	{"UBL-SR-16", "BT-46", "The buyer has one identifier at most.", document, atMost(1, buyer+"cac:PartyIdentification/cbc:ID")},
	{"UBL-SR-17", "BT-47", "The buyer has one legal registration at most.", document, atMost(1, buyer+"cac:PartyLegalEntity/cbc:CompanyID")},
	{"UBL-SR-18", "BT-48", "The buyer has one VAT identifier at most.", document, oneTaxID(buyer, true)},
	{"UBL-SR-19", "BT-59", "A payee has one name, other than the seller's.", each("cac:PayeeParty"), all(atMost(1, "cac:PartyName/cbc:Name"), namedApart)},
	{"UBL-SR-20", "BT-60", "A payee has one identifier at most, and another name than the seller's.", each("cac:PayeeParty"), all(onePayeeID, namedApart)},
	{"UBL-SR-21", "BT-61", "A payee has one legal registration at most, and another name than the seller's.", each("cac:PayeeParty"), all(atMost(1, "cac:PartyLegalEntity/cbc:CompanyID"), namedApart)},
	{"UBL-SR-22", "BT-62", "A tax representative has one name at most.", each("cac:TaxRepresentativeParty"), atMost(1, "cac:PartyName/cbc:Name")},
	{"UBL-SR-23", "BT-63", "A tax representative has one VAT identifier at most.", each("cac:TaxRepresentativeParty"), atMost(1, "cac:PartyTaxScheme/cbc:CompanyID")},
	{"UBL-SR-24", "BG-13", "There is one delivery at most.", document, atMost(1, "cac:Delivery")},
	{"UBL-SR-25", "BT-70", "Whom it was delivered to has one name at most.", each("cac:Delivery"), atMost(1, "cac:DeliveryParty/cac:PartyName/cbc:Name")},
	{"UBL-SR-26", "BT-83", "Payment instructions have one reference at most.", each("cac:PaymentMeans"), atMost(1, "cbc:PaymentID")},
	{"UBL-SR-27", "BT-81", "Payment instructions have one means code at most.", each("cac:PaymentMeans"), atMost(1, "cbc:PaymentMeansCode")},
	{"UBL-SR-28", "BT-89", "Payment instructions have one mandate's reference at most.", each("cac:PaymentMeans"), atMost(1, "cac:PaymentMandate/cbc:ID")},
	{"UBL-SR-29", "BT-90", "There is one identifier of a SEPA creditor at most.", document, oneCreditor},
	{"UBL-SR-30", "BT-97", "An allowance has one reason in words at most.", ofKind(allowance), atMost(1, "cbc:AllowanceChargeReason")},
	{"UBL-SR-31", "BT-104", "A charge has one reason in words at most.", ofKind(charge), atMost(1, "cbc:AllowanceChargeReason")},
	{"UBL-SR-32", "BT-120", "A breakdown has one reason for exemption in words at most.", anywhere("cac:TaxSubtotal"), atMost(1, "cac:TaxCategory/cbc:TaxExemptionReason")},
	{"UBL-SR-33", "BT-123", "A supporting document has one description at most.", each("cac:AdditionalDocumentReference"), atMost(1, "cbc:DocumentDescription")},
	{"UBL-SR-34", "BT-127", "A line has one note at most.", lines, atMost(1, "cbc:Note")},
	{"UBL-SR-35", "BT-132", "A line refers to one order line at most.", lines, atMost(1, "cac:OrderLineReference/cbc:LineID")},
	{"UBL-SR-36", "BG-26", "A line has one period at most.", lines, atMost(1, "cac:InvoicePeriod")},
	{"UBL-SR-37", "BT-147", "A price has one discount at most.", lines, atMost(1, "cac:Price/cac:AllowanceCharge/cbc:Amount")},
	{"UBL-SR-39", "BT-11", "One project at most is referred to.", document, atMost(1, "cac:ProjectReference/cbc:ID")},
	{"UBL-SR-40", "BT-45", "The buyer has one trading name at most.", document, atMost(1, buyer+"cac:PartyName/cbc:Name")},
	{"UBL-SR-42", "BT-31, BT-32", "The seller has two tax registrations at most.", each(strings.TrimSuffix(seller, "/")), atMost(2, "cac:PartyTaxScheme")},
	{"UBL-SR-43", "BT-18", "Only a reference to an invoiced object has a type or a scheme.", each("cac:AdditionalDocumentReference"), schemeOfObject},
	{"UBL-SR-44", "BT-83", "All payment references are the same.", document, alike("cbc:PaymentID")},
	{"UBL-SR-45", "BT-9", "There is one due date at most.", document, atMost(1, "cac:PaymentMeans/cbc:PaymentDueDate")},
	{"UBL-SR-46", "BT-82", "The means of payment are put into words once at most.", document, oneMeansText},
	{"UBL-SR-47", "BT-81", "All payment means codes are the same.", document, alike("cbc:PaymentMeansCode")},
	{"UBL-SR-48", "BG-30", "A line has exactly one VAT category.", lines, all(given(itemVAT), atMost(1, itemVAT))},
	{"UBL-SR-49", "BT-8", "There is one code of the VAT point at most.", document, atMost(1, "cac:InvoicePeriod/cbc:DescriptionCode")},
	{"UBL-SR-50", "BT-154", "An item has one description at most.", lines, atMost(1, "cac:Item/cbc:Description")},
	{"UBL-SR-51", "BT-162, BT-163, BT-164, BT-165", "An address has one third line at most.", anywhere("cac:PostalAddress", "cac:Address"), atMost(1, "cac:AddressLine")},
	{"UBL-SR-52", "BT-128", "A line refers to one object at most.", lines, atMost(1, "cac:DocumentReference")},
	{"UBL-SR-53", "BT-31, BT-32, BT-48, BT-63", "A tax registration has its identifier and scheme.", anywhere("cac:PartyTaxScheme"), all(given("cac:TaxScheme/cbc:ID"), given("cbc:CompanyID"))},
	{"UBL-SR-54", "BG-18", "There is one payment card at most.", document, atMost(1, "cac:PaymentMeans/cac:CardAccount")},
	{"UBL-SR-55", "BG-19", "There is one mandate for direct debit at most.", document, atMost(1, "cac:PaymentMeans/cac:PaymentMandate")},
	{"UBL-SR-56", "BT-17", "One tender or lot at most is referred to.", document, atMost(1, "cac:OriginatorDocumentReference/cbc:ID")},
	{"UBL-DT-01", "BT-92 to BT-117, BT-131, BT-136 to BT-142", "Amounts other than prices have two decimals at most.", ending("Amount").where(isNoPrice), fewDecimals},
	{"UBL-DT-06", "BT-125", "An attached document says of what media type it is.", ending("BinaryObject"), attribute("mimeCode")},
	{"UBL-DT-07", "BT-125", "An attached document has a file name.", ending("BinaryObject"), attribute("filename")},
}

func oneInvoicedObject(_ *invoice, root *ubl.Element) string {
	ids := 0
	for _, e := range root.All("cac:AdditionalDocumentReference") {
		if e.First("cbc:DocumentTypeCode").Value() == "130" {
			ids += len(e.All("cbc:ID"))
		}
	}
	return single(ids, "an invoiced object's cbc:ID")
}

// oneTaxID counts the tax registrations of a party under VAT, or under others.
func oneTaxID(party string, vat bool) check {
	return func(_ *invoice, root *ubl.Element) string {
		ids := 0
		for _, e := range root.All(party + "cac:PartyTaxScheme") {
			if has(e, "cac:TaxScheme/cbc:ID") && isVAT(e) == vat {
				ids += len(e.All("cbc:CompanyID"))
			}
		}
		return single(ids, party+"cac:PartyTaxScheme/cbc:CompanyID")
	}
}

// single wants no more than one.
func single(n int, what string) string {
	if n > 1 {
		return fmt.Sprintf("%s stands there %d times, at most 1 may", what, n)
	}
	return ""
}

// namedApart wants a payee and a seller who both have names, and different ones.
func namedApart(_ *invoice, payee *ubl.Element) string {
	for _, own := range payee.All("cac:PartyName/cbc:Name") {
		for _, other := range payee.Parent().All(seller + "cac:PartyLegalEntity/cbc:RegistrationName") {
			if own.Value() != other.Value() {
				return ""
			}
		}
	}
	return "cac:PartyName/cbc:Name is no other than the seller's cac:PartyLegalEntity/cbc:RegistrationName"
}

// onePayeeID counts what says its scheme; the one of a SEPA creditor is BT-90.
func onePayeeID(_ *invoice, payee *ubl.Element) string {
	ids := 0
	for _, id := range payee.All("cac:PartyIdentification/cbc:ID") {
		if marked("schemeID")(id) && !isCreditor(id) {
			ids++
		}
	}
	return single(ids, "cac:PartyIdentification/cbc:ID")
}

func isCreditor(id *ubl.Element) bool {
	scheme, _ := id.Attr("schemeID")
	return strings.EqualFold(scheme, "SEPA")
}

func oneCreditor(in *invoice, _ *ubl.Element) string {
	creditors := anywhere("cbc:ID").where(under("cac:PartyIdentification")).where(isCreditor)(in)
	return single(len(creditors), "cac:PartyIdentification/cbc:ID of scheme SEPA")
}

func schemeOfObject(in *invoice, reference *ubl.Element) string {
	code := reference.First("cbc:DocumentTypeCode")
	switch {
	case code.Value() == "130", code.Value() == "50" && in.root.Name == "CreditNote":
		return ""
	case code != nil:
		return "cbc:DocumentTypeCode is not that of an invoiced object"
	case slices.ContainsFunc(reference.All("cbc:ID"), marked("schemeID")):
		return "the attribute schemeID of cbc:ID is only for an invoiced object"
	}
	return ""
}

// alike wants all elements of a name to say the same.
func alike(name string) check {
	return func(in *invoice, _ *ubl.Element) string {
		all := in.named[name]
		if slices.ContainsFunc(all, func(e *ubl.Element) bool { return e.Value() != all[0].Value() }) {
			return name + " does not say the same everywhere"
		}
		return ""
	}
}

func oneMeansText(_ *invoice, root *ubl.Element) string {
	codes := slices.DeleteFunc(root.All("cac:PaymentMeans/cbc:PaymentMeansCode"), func(e *ubl.Element) bool { return !marked("name")(e) })
	return single(len(codes), "the attribute name of cac:PaymentMeans/cbc:PaymentMeansCode")
}

// ofKind is the scope of all allowances or of all charges, also of lines and
// prices.
func ofKind(kind direction) scope {
	return anywhere("cac:AllowanceCharge").where(func(e *ubl.Element) bool { return directionOf(e) == kind })
}

// ending is the scope of all elements whose name ends so.
func ending(suffix string) scope {
	return func(in *invoice) []*ubl.Element {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(in.named)), func(name string) bool { return !strings.HasSuffix(name, suffix) })
		return anywhere(names...)(in)
	}
}

// isNoPrice leaves out prices and what they are reduced by, which may be finer.
func isNoPrice(amount *ubl.Element) bool {
	return !strings.HasSuffix(amount.Name, "PriceAmount") && !(amount.Parent().Name == "cac:AllowanceCharge" && amount.Parent().Parent() != nil && amount.Parent().Parent().Name == "cac:Price")
}
