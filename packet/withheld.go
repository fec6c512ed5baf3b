package packet

import (
	"fmt"
	"slices"

	"github.com/evidencefactory/evf/evidence"
)

// Redaction is one field of a record that this packet does not open.
type Redaction struct {
	Record  evidence.RecordID `json:"record"`
	Pointer string            `json:"pointer"` // RFC 6901, into the body as it was submitted
	Class   evidence.Class    `json:"class"`
	// Digests are the closed commitments in the field's place, ascending. One
	// is the field's own; several stand, one each, for as many closed fields
	// of the same object, which all list the same. None for a secret.
	Digests []string `json:"digests,omitempty"`
	Reason  string   `json:"reason"` // ReasonWithheld, ReasonErased or ReasonDropped
	// Erasure is the record that says why, when and by whose authority the
	// field's key was destroyed, where the reason is ReasonErased.
	Erasure evidence.RecordID `json:"erasure,omitempty"`
}

// The reasons of a Redaction.
const (
	ReasonWithheld = "withheld" // from this reader; the vault may hold it
	ReasonErased   = "erased"   // its key was destroyed; nobody can open it
	ReasonDropped  = "dropped"  // a secret, which was never stored
)

// closed is a redaction, and what an erasure of it would name.
type closed struct {
	Redaction
	key string // the name of the key it lies under
	seq uint64 // of its record
}

// redact lists what stays closed of a record, in the record's own order.
func redact(seq uint64, rec *evidence.Record, opened []evidence.Disclosure) []closed {
	disclosed := map[string]bool{}
	known := map[string]bool{}
	for i := range opened {
		disclosed[opened[i].Pointer] = true
		known[opened[i].Digest()] = true
	}
	var list []closed
	for _, w := range rec.Withheld {
		switch {
		case disclosed[w.Pointer]:
		case w.Class == evidence.Secret:
			list = append(list, closed{Redaction: Redaction{Record: rec.ID, Pointer: w.Pointer, Class: w.Class, Reason: ReasonDropped}})
		default:
			digests := closedDigests(rec.Body, w.Pointer, known)
			list = append(list, closed{Redaction{Record: rec.ID, Pointer: w.Pointer, Class: w.Class, Digests: digests, Reason: ReasonWithheld}, rec.KeyName(w), seq})
		}
	}
	return list
}

// closedDigests are the commitments one of which stands for a field that
// nothing opens: an array's element says its own, an object's members share
// one list.
func closedDigests(body evidence.Value, pointer string, known map[string]bool) (still []string) {
	frame, last, ok := body.Parent(pointer)
	if !ok {
		return nil
	}
	if frame.Kind() == evidence.Array {
		element, _ := frame.Step(last)
		digest, _ := element.Get("...")
		return []string{digest.Text()}
	}
	digests, _ := frame.Get("_sd")
	for _, d := range digests.Elems() {
		if !known[d.Text()] {
			still = append(still, d.Text())
		}
	}
	return still
}

// checkOpened holds a record's disclosures against it: each opens a commitment
// where it says, with the class the record gives that field, in the record's
// order and so none twice. One at a time, to bound memory.
func checkOpened(rec *evidence.Record, opened []evidence.Disclosure) error {
	left := rec.Withheld
	for i := range opened {
		d := &opened[i]
		at := slices.IndexFunc(left, func(w evidence.Withheld) bool { return w.Pointer == d.Pointer })
		if at < 0 {
			return fmt.Errorf("disclosure %s is no withheld field of the record, or comes twice or out of order", d.Pointer)
		}
		if left[at].Class != d.Class {
			return fmt.Errorf("disclosure %s is of class %s, the record says %s", d.Pointer, d.Class, left[at].Class)
		}
		left = left[at+1:]
		revealed, err := evidence.Reveal(rec.Body, opened[i:i+1])
		if err != nil {
			return err
		}
		if err := checkField(rec, d, revealed); err != nil {
			return err
		}
	}
	return nil
}

// checkField holds what a disclosure says against the catalogue: the value has
// the field's shape, and the subject, which the commitment does not cover, is
// the one that the record names beside the field. Revealed is the body in which
// it stands.
func checkField(rec *evidence.Record, d *evidence.Disclosure, revealed evidence.Value) error {
	shape := rec.Type.Shape()
	if shape == nil {
		return nil
	}
	f, valid := reach(shape, tokensOf(d.Pointer))
	frame, last, ok := revealed.Parent(d.Pointer)
	v, ok2 := frame.Step(last)
	if !valid || !ok || !ok2 {
		return fmt.Errorf("disclosure %s is no field of type %s", d.Pointer, rec.Type)
	}
	of := f.Shape
	if f.Name != last { // an element
		of = f.Elem
	}
	if d.Subject != rec.Subject(d.Pointer) {
		return fmt.Errorf("disclosure %s names another subject than the record does", d.Pointer)
	}
	return of.Check(d.Pointer, v)
}

// sealedDigest is a digest in clear over a value that is withheld beside it:
// SHA-256(salt ‖ canonical value).
type sealedDigest struct {
	digest  string // the field with the digest
	pointer string // the withheld field {salt, member}
	member  string
}

var sealedDigests = map[evidence.Type]sealedDigest{
	evidence.TypeAuthorizationDecided: {"args_digest", "/sealed_args", "args"},
	evidence.TypeApprovalRequested:    {"presentation", "/shown", "presentation"},
}

// checkSealedDigest recomputes the record's salted digest where the value is
// disclosed; done is false where there was nothing to do.
func checkSealedDigest(rec *evidence.Record, opened []evidence.Disclosure) (done bool, err error) {
	of, ok := sealedDigests[rec.Type]
	i := slices.IndexFunc(opened, func(d evidence.Disclosure) bool { return d.Pointer == of.pointer })
	if !ok || i < 0 {
		return false, nil
	}
	_, v, err := opened[i].Open()
	if err != nil {
		return true, err
	}
	text, _ := v.Get("salt")
	salt, ok := unbase64(urlSafe, text.Text())
	if !ok {
		return true, fmt.Errorf("%s: salt is not strict base64url", of.pointer)
	}
	value, ok := v.Get(of.member)
	if !ok || len(v.Fields()) != 2 {
		return true, fmt.Errorf("%s: is not salt and %s", of.pointer, of.member)
	}
	got, err := evidence.SaltedDigest(salt, value)
	if err != nil {
		return true, fmt.Errorf("%s: %w", of.pointer, err)
	}
	want, _ := rec.Body.Get(of.digest)
	if want.Text() != string(got) {
		return true, fmt.Errorf("%s does not have the digest that %s says", of.pointer, of.digest)
	}
	return true, nil
}
