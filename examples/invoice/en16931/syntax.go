package en16931

import (
	"maps"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// Rules for how UBL writes an invoice (CEN/TS 16931-3-2). Of these the artefacts
// have some eight hundred; here are those that an official case names.
var syntaxRules = []row{
	{"UBL-SR-12", "BT-31", "The seller has one VAT identifier at most.", document.where(vatRegistered(seller)), oneVATID(seller)},
	{"UBL-SR-18", "BT-48", "The buyer has one VAT identifier at most.", document.where(vatRegistered(buyer)), oneVATID(buyer)},
	{"UBL-SR-42", "BT-31, BT-32", "The seller has two tax registrations at most.", each(strings.TrimSuffix(seller, "/")), twoTaxes},
	{"UBL-SR-43", "BT-18", "Only a reference to an invoiced object has a type or a scheme.", each("cac:AdditionalDocumentReference"), schemeOfObject},
	{"UBL-SR-44", "BT-83", "All payment references are the same.", anywhere("cbc:PaymentID"), asTheFirst},
	{"UBL-SR-47", "BT-81", "All payment means codes are the same.", anywhere("cbc:PaymentMeansCode"), asTheFirst},
	{"UBL-DT-01", "BT-92 to BT-117, BT-131, BT-136 to BT-142", "Amounts other than prices have two decimals at most.", ending("Amount").where(isNoPrice), fewDecimals},
	{"UBL-DT-06", "BT-125", "An attached document says of what media type it is.", ending("BinaryObject"), attribute("mimeCode")},
	{"UBL-DT-07", "BT-125", "An attached document has a file name.", ending("BinaryObject"), attribute("filename")},
}

func vatRegistered(party string) func(*ubl.Element) bool {
	return func(root *ubl.Element) bool { return vatID(root, party) }
}

func oneVATID(party string) check {
	return func(_ *invoice, root *ubl.Element) string {
		ids := 0
		for _, e := range root.All(party + "cac:PartyTaxScheme") {
			if isVAT(e) {
				ids += len(e.All("cbc:CompanyID"))
			}
		}
		if ids > 1 {
			return party + "cac:PartyTaxScheme/cbc:CompanyID stands there more than once for VAT"
		}
		return ""
	}
}

func twoTaxes(_ *invoice, party *ubl.Element) string {
	if len(party.All("cac:PartyTaxScheme")) > 2 {
		return "cac:PartyTaxScheme stands there more than twice"
	}
	return ""
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

// asTheFirst wants an element to say the same as the first of its name.
func asTheFirst(in *invoice, at *ubl.Element) string {
	if at.Value() != in.named[at.Name][0].Value() {
		return at.Name + " does not say the same everywhere"
	}
	return ""
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
