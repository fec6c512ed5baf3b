package packet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// Redaction is one field of a record that this packet does not open.
type Redaction struct {
	Record  evidence.RecordID `json:"record"`
	Pointer string            `json:"pointer"` // RFC 6901, into the body as it was submitted
	Class   evidence.Class    `json:"class"`
	// Digest is the commitment that stands for the field, where it is the only
	// closed one in its place; "" where several could be meant.
	Digest string `json:"digest,omitempty"`
	Reason string `json:"reason"` // ReasonWithheld or ReasonDropped
}

// The reasons of a Redaction.
const (
	ReasonWithheld = "withheld" // from this reader; the vault may hold it
	ReasonDropped  = "dropped"  // a secret, which was never stored
)

// redact lists what stays closed of a record, in the record's own order.
func redact(rec *evidence.Record, opened []evidence.Disclosure) []Redaction {
	disclosed := map[string]bool{}
	known := map[string]bool{}
	for i := range opened {
		disclosed[opened[i].Pointer] = true
		known[opened[i].Digest()] = true
	}
	var list []Redaction
	for _, w := range rec.Withheld {
		switch {
		case disclosed[w.Pointer]:
		case w.Class == evidence.Secret:
			list = append(list, Redaction{Record: rec.ID, Pointer: w.Pointer, Class: w.Class, Reason: ReasonDropped})
		default:
			digest := closedDigest(rec.Body, w.Pointer, known)
			list = append(list, Redaction{Record: rec.ID, Pointer: w.Pointer, Class: w.Class, Digest: digest, Reason: ReasonWithheld})
		}
	}
	return list
}

// closedDigest finds the commitment of a field that nothing opens: an array's
// element says its own, an object's members share one list.
func closedDigest(body evidence.Value, pointer string, known map[string]bool) string {
	frame, last, ok := parentOf(body, pointer)
	if !ok {
		return ""
	}
	if frame.Kind() == evidence.Array {
		element, _ := index(frame, last)
		digest, _ := element.Get("...")
		return digest.Text()
	}
	digests, _ := frame.Get("_sd")
	var closed []string
	for _, d := range digests.Elems() {
		if !known[d.Text()] {
			closed = append(closed, d.Text())
		}
	}
	if len(closed) == 1 {
		return closed[0]
	}
	return ""
}

// unescape reads one reference token (RFC 6901 section 4).
var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// parentOf walks an RFC 6901 pointer to the value that holds its last token.
func parentOf(v evidence.Value, pointer string) (frame evidence.Value, last string, ok bool) {
	tokens := strings.Split(pointer, "/")
	if len(tokens) < 2 || tokens[0] != "" {
		return v, "", false
	}
	for i, t := range tokens {
		if strings.IndexByte(t, '~') >= 0 {
			tokens[i] = unescape.Replace(t)
		}
	}
	for _, t := range tokens[1 : len(tokens)-1] {
		if v.Kind() == evidence.Array {
			v, ok = index(v, t)
		} else {
			v, ok = v.Get(t)
		}
		if !ok {
			return v, "", false
		}
	}
	return v, tokens[len(tokens)-1], true
}

func index(list evidence.Value, token string) (evidence.Value, bool) {
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 || i >= len(list.Elems()) {
		return evidence.Value{}, false
	}
	return list.Elems()[i], true
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
	f := fieldAt(shape, d.Pointer)
	frame, last, ok := parentOf(revealed, d.Pointer)
	if f == nil || !ok {
		return fmt.Errorf("disclosure %s is no field of type %s", d.Pointer, rec.Type)
	}
	v, _ := frame.Get(last)
	if frame.Kind() == evidence.Array {
		v, _ = index(frame, last)
	}
	of, subject := f.Shape, ""
	switch {
	case f.Name != last: // an element; those have no subject of their own
		of = f.Elem
	case f.Class == evidence.Personal && f.Subject != "":
		who, _ := frame.Get(f.Subject)
		subject = who.Text()
	}
	if d.Subject != subject {
		return fmt.Errorf("disclosure %s names another subject than the record does", d.Pointer)
	}
	return of.Check(d.Pointer, v)
}

// fieldAt is the field that a pointer leads to, nil where the type has none.
func fieldAt(shape *evidence.Shape, pointer string) (f *evidence.FieldShape) {
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if shape.Kind == evidence.Array {
			shape = shape.Elem
			continue
		}
		if f = shape.Field(token); f == nil {
			return nil
		}
		shape = f.Shape
	}
	return f
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
