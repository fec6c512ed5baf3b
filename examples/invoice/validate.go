package invoice

import (
	"context"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/examples/invoice/books"
	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"github.com/evidencefactory/evf/examples/invoice/vendors"
)

// Validator checks documents under an identity of its own: it reads the bytes
// for itself, and what it attests is what the gate holds the agent's arguments
// against.
type Validator struct {
	Client  *client.Client // with the key of identity invoice-validator
	Vendors *vendors.Master
	Books   *books.Client // to look whether an invoice stands already
}

// undecided is the outcome of a check that could not be made.
const undecided en16931.Outcome = "error"

// unregistered stands for a vendor that the master does not know. The books
// know no such vendor either, so nothing is ever posted to it.
const unregistered = "unregistered"

func (v *Validator) vendorID(doc *ubl.Document) string {
	if vendor, ok := v.Vendors.Vendor(doc); ok {
		return vendor.ID
	}
	return unregistered
}

// Check runs every suite over a document and records what each found. A
// document that does not parse is left to the agent's own record of that.
func (v *Validator) Check(ctx context.Context, run evidence.RunID, data []byte) ([]Rule, error) {
	doc, err := ubl.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("validator: %w", err)
	}
	digest := evidence.DigestOf(data)
	posted, err := v.posted(ctx, doc)
	if err != nil {
		return nil, err
	}
	suites := []evidence.CheckResult{
		suite(digest, "en16931", en16931.Release, en16931.Validate(doc)),
		suite(digest, "vendor", "4", v.Vendors.Check(doc)),
		suite(digest, "books", "1", []en16931.Result{posted}),
	}
	suites[0].Attests = v.attest(doc)
	var rules []Rule
	bodies := make([]client.Typed, len(suites))
	for i, s := range suites {
		bodies[i] = client.Typed{Type: evidence.TypeCheckResult, Body: s}
		for _, c := range s.Checks {
			rules = append(rules, Rule{ID: c.Check, Suite: s.Suite, Verdict: c.Outcome, OK: c.Outcome == "pass" || c.Outcome == "not-applicable", Message: c.Message, Pointer: c.Pointer})
		}
	}
	_, err = v.Client.Join(run).Record(ctx, bodies...)
	return rules, err
}

// maxPointers bounds the places that one record names. The rest of its 60 KiB
// has room for 256 checks, so the findings themselves always fit.
const maxPointers = 8 << 10

func suite(digest evidence.Digest, name, version string, results []en16931.Result) evidence.CheckResult {
	s := evidence.CheckResult{Document: digest, Suite: name, Version: version, Outcome: "pass"}
	pointers := 0
	for _, r := range results {
		switch {
		case r.Outcome == en16931.Fail:
			s.Outcome = "fail"
		case r.Outcome == undecided && s.Outcome == "pass":
			s.Outcome = "error"
		}
		c := evidence.CheckOutcome{Check: r.ID, Version: r.Version, Outcome: string(r.Outcome), Message: clip(r.Message, 500), Pointer: clip(r.Pointer, 500)}
		if pointers += len(c.Pointer); pointers > maxPointers {
			c.Pointer = ""
		}
		s.Checks = append(s.Checks, c)
	}
	return s
}

// attest vouches for the figures that a posting may use.
func (v *Validator) attest(doc *ubl.Document) (list []evidence.Attested) {
	f := read(doc)
	for _, one := range []evidence.Attested{
		{Name: "kind", Value: f.Kind}, {Name: "vendor", Value: v.vendorID(doc)}, {Name: "number", Value: f.Number}, {Name: "issued", Value: f.Issued},
		{Name: "net_minor", Value: f.Net}, {Name: "tax_minor", Value: f.Tax}, {Name: "payable_minor", Value: f.Payable},
		{Name: "currency", Value: f.Currency}, {Name: "iban", Value: f.IBAN},
	} {
		if one.Value != "" && len(one.Value) <= 500 {
			list = append(list, one)
		}
	}
	return list
}

// posted looks whether the books hold the invoice already. Books that cannot
// be asked make an error of the check, which never counts as passed.
func (v *Validator) posted(ctx context.Context, doc *ubl.Document) (en16931.Result, error) {
	r := en16931.Result{ID: "not-posted-before", Version: "1", Outcome: en16931.Pass}
	vendor, number := v.vendorID(doc), certain(doc, "number")
	if vendor == unregistered || number == "" {
		r.Outcome = en16931.NotApplicable
		return r, nil
	}
	found, err := v.Books.GetEntry(ctx, books.GetArgs{Vendor: vendor, Number: number})
	var refused *books.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Code == books.CodeNotFound:
		return r, nil
	case errors.As(err, &refused):
		r.Outcome, r.Message = undecided, "The books did not say whether they hold this invoice."
		return r, nil
	case err != nil:
		return r, err
	}
	for _, e := range found.Entries {
		if e.VoidedBy == "" && e.Voids == "" && e.Kind == books.Kind(doc.Kind) {
			r.Outcome, r.Message = en16931.Fail, "The books hold an entry for this vendor and number already."
		}
	}
	return r, nil
}
