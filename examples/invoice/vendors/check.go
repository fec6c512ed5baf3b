package vendors

import (
	"slices"

	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// Vendor finds who sent a document: by the seller's VAT id, or else by the
// seller's name. It is false if the master has neither.
func (m *Master) Vendor(doc *ubl.Document) (Vendor, bool) {
	vat, name := first(doc, "seller_vat_id"), first(doc, "seller_name")
	i, found := m.byVAT[plainID(vat.Value)]
	if !found {
		i, found = m.byName[plainName(name.Value)]
	}
	if !found {
		return Vendor{}, false
	}
	v := m.vendors[i]
	v.IBANs = slices.Clone(v.IBANs)
	return v, true
}

// Check compares a document with the master. It always gives these results, in
// this order; all but the first are not-applicable to a vendor that is unknown,
// except that a broken IBAN fails whoever sent it:
//
//	vendor-known@1   the seller is in the master, by VAT id or name
//	vendor-vat@1     VAT id and name do not belong to different vendors
//	vendor-bank@4    every account to pay into is a right IBAN and in the master
//	vendor-active@1  the vendor is active, and was when the invoice was issued
func (m *Master) Check(doc *ubl.Document) []en16931.Result {
	v, known := m.Vendor(doc)
	if !known {
		name := first(doc, "seller_name")
		return []en16931.Result{
			fail("vendor-known", "1", "the seller is not in the vendor master", where(doc, name)),
			unknown("vendor-vat", "1"),
			brokenBank(doc, unknown("vendor-bank", "4")),
			unknown("vendor-active", "1"),
		}
	}
	return []en16931.Result{
		pass("vendor-known", "1", "the seller is in the vendor master"),
		m.checkVAT(doc, v),
		brokenBank(doc, checkBank(doc, v)),
		checkActive(doc, v),
	}
}

func (m *Master) checkVAT(doc *ubl.Document, v Vendor) en16931.Result {
	const id, version = "vendor-vat", "1"
	vat, name := first(doc, "seller_vat_id"), first(doc, "seller_name")
	if doubtful(vat) || doubtful(name) {
		return fail(id, version, "the seller's VAT id or name is given twice, differently", where(doc, vat))
	}
	if plainID(vat.Value) != plainID(v.VATID) {
		return fail(id, version, "the seller's VAT id is not the one in the vendor master", where(doc, vat))
	}
	if i, found := m.byName[plainName(name.Value)]; found && m.vendors[i].ID != v.ID {
		return fail(id, version, "the seller's VAT id and name belong to different vendors", where(doc, vat))
	}
	return pass(id, version, "the seller's VAT id is the one in the vendor master")
}

func checkBank(doc *ubl.Document, v Vendor) en16931.Result {
	const id, version = "vendor-bank", "4"
	accounts := doc.Field("payee_iban")
	if len(accounts) == 0 {
		return en16931.Result{ID: id, Version: version, Outcome: en16931.NotApplicable, Message: "the document names no account to pay into"}
	}
	for _, account := range accounts {
		if !slices.Contains(v.IBANs, account.Value) {
			return fail(id, version, "the account to pay into is not in the vendor master", account.Pointer)
		}
	}
	return pass(id, version, "every account to pay into is in the vendor master")
}

// brokenBank overrides a result if an account is no right IBAN, which needs no
// master to know.
func brokenBank(doc *ubl.Document, otherwise en16931.Result) en16931.Result {
	for _, account := range doc.Field("payee_iban") {
		if _, err := ubl.ParseIBAN(account.Value); err != nil {
			return fail(otherwise.ID, otherwise.Version, "the account to pay into is not a right IBAN", account.Pointer)
		}
	}
	return otherwise
}

func checkActive(doc *ubl.Document, v Vendor) en16931.Result {
	const id, version = "vendor-active", "1"
	issued := first(doc, "issue_date")
	switch {
	case v.Status != Active:
		return fail(id, version, "the vendor is blocked", where(doc, first(doc, "seller_name")))
	case issued.Confidence != ubl.Certain:
		return fail(id, version, "the issue date is missing, ambiguous or malformed, so it cannot be compared", where(doc, issued))
	case issued.Value < v.Since: // both YYYY-MM-DD, which sort as text
		return fail(id, version, "the issue date is before the vendor was taken into the master", where(doc, issued))
	}
	return pass(id, version, "the vendor is active")
}

// where is the place of a field, or the whole document if it is absent.
func where(doc *ubl.Document, f ubl.Field) string {
	if f.Pointer == "" {
		return doc.Root.Path()
	}
	return f.Pointer
}

// doubtful tells a field that a second one contradicts.
func doubtful(f ubl.Field) bool { return f.Value != "" && f.Confidence <= ubl.Ambiguous }

// first is the first field of a name, the zero Field without one.
func first(doc *ubl.Document, name string) ubl.Field {
	for _, f := range doc.Field(name) {
		return f
	}
	return ubl.Field{}
}

func pass(id, version, message string) en16931.Result {
	return en16931.Result{ID: id, Version: version, Outcome: en16931.Pass, Message: message}
}

func fail(id, version, message, pointer string) en16931.Result {
	return en16931.Result{ID: id, Version: version, Outcome: en16931.Fail, Message: message, Pointer: pointer}
}

func unknown(id, version string) en16931.Result {
	return en16931.Result{ID: id, Version: version, Outcome: en16931.NotApplicable, Message: "the seller is not in the vendor master"}
}
