// Package recorder is the one door in. A Draft from an authenticated surface
// is held against the catalogue, scanned for what must never be stored, its
// guarded fields are withheld behind salted commitments, and the record goes to
// the store with its projections in one transaction, behind the caller's guard. When Append returns, the record is
// durable; what it refused left no trace.
package recorder

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/vault"
)

// MaxBatch bounds the drafts of one batch.
const MaxBatch = 1000

// Origin is who and what stands behind a batch, as the surface that let it in
// knows it. Nothing in it comes from the drafts.
type Origin struct {
	Tenant    store.Tenant
	Submitter string // whose retries are recognised: a grant's id
	Actor     evidence.Actor
	Source    evidence.Source
	Workflow  *evidence.WorkflowRef // nil outside any workflow
	Identity  string                // the manifest's name for the caller
	Assurance string                // how facts from this origin are known
	// Raise gives the manifest's higher class for a field, by type and
	// pointer pattern. Nil raises none.
	Raise func(t evidence.Type, pattern string) evidence.Class
	// House is set by our own packages only: they may write reserved types.
	House bool
}

// Batch is drafts that are kept together or not at all.
type Batch struct {
	Drafts []Draft
	// Objects are kept by digest beside the records.
	Objects [][]byte
	// Guard sees the state just before the batch, in the same transaction.
	Guard func(store.Tx) error
	// Epoch gives the tenant's log up for another with the batch.
	Epoch *store.Epoch
}

// Recorder turns drafts into records. It is safe for concurrent use.
type Recorder struct {
	vault *vault.Vault
	// erasing is held for reading from the first look for a key until what is
	// sealed under it is placed, and for writing while keys are destroyed.
	erasing sync.RWMutex
}

// New makes a Recorder that keeps withheld values in v.
func New(v *vault.Vault) *Recorder { return &Recorder{vault: v} }

// Append keeps a batch and answers where each record stands, in order. A
// repeated draft (same submitter, same id, same content) answers the first
// place again; other content under the id is evidence.Conflict. Errors name
// the field at fault, and come as a *DraftError where a batch has several
// drafts and one of them is refused.
func (r *Recorder) Append(ctx context.Context, o Origin, b Batch) ([]store.Placed, error) {
	r.erasing.RLock()
	defer r.erasing.RUnlock()
	return r.append(ctx, o, b)
}

// Alone runs f while no other batch is on its way, with an Append of its own:
// what f appends stands behind everything that was prepared before, and
// nothing is prepared before f returns. Erasures need that, and nothing else
// does: everyone waits.
func (r *Recorder) Alone(f func(appendAlone func(context.Context, Origin, Batch) ([]store.Placed, error)) error) error {
	r.erasing.Lock()
	defer r.erasing.Unlock()
	return f(r.append)
}

func (r *Recorder) append(ctx context.Context, o Origin, b Batch) ([]store.Placed, error) {
	if len(b.Drafts) == 0 || len(b.Drafts) > MaxBatch {
		return nil, evidence.Errorf(evidence.Invalid, "", "a batch has 1 to %d drafts, this has %d", MaxBatch, len(b.Drafts))
	}
	if err := checkObjects(b.Objects); err != nil {
		return nil, err
	}
	entries := make([]store.Entry, len(b.Drafts))
	for i := range b.Drafts {
		e, err := r.prepare(ctx, &o, &b.Drafts[i])
		if err != nil && len(b.Drafts) > 1 {
			err = &DraftError{Index: i, Err: err}
		}
		if err != nil {
			return nil, err
		}
		entries[i] = *e
	}
	return o.Tenant.Append(ctx, &store.Batch{Entries: entries, Objects: b.Objects, Guard: b.Guard, Epoch: b.Epoch})
}

// DraftError says which draft of a batch was refused, and why.
type DraftError struct {
	Index int // from 0
	Err   error
}

func (e *DraftError) Error() string { return fmt.Sprintf("draft %d: %v", e.Index+1, e.Err) }

// Unwrap is what is wrong with the draft.
func (e *DraftError) Unwrap() error { return e.Err }

// placeholder holds the room of a received time until the writer sets it.
const placeholder evidence.Time = "0000-00-00T00:00:00.000000000Z"

// prepare does all work that needs no lock: validate, clean, withhold, encrypt
// and canonicalise.
func (r *Recorder) prepare(ctx context.Context, o *Origin, d *Draft) (*store.Entry, error) {
	body, err := o.check(d)
	if err != nil {
		return nil, err
	}
	body, removed, err := o.clean(d, body)
	if err != nil {
		return nil, err
	}
	w := evidence.Withholder{Salt: salt}
	if o.Raise != nil {
		w.Raise = func(pattern string) evidence.Class { return o.Raise(d.Type, pattern) }
	}
	sealed, disclosures, withheld, err := w.Withhold(d.Type.Shape(), body)
	if err != nil {
		return nil, evidence.Errorf(evidence.Invalid, "/body", "%w", err)
	}
	place := vault.Place{Tenant: o.Tenant.ID(), Run: d.Run, Record: d.ID}
	block, err := r.vault.Seal(ctx, place, disclosures)
	if err != nil {
		return nil, err
	}
	linked := links(d, body)
	if len(linked) > evidence.MaxLinks {
		return nil, evidence.Errorf(evidence.Invalid, "/links", "has %d elements with those that the body implies, at most %d are allowed", len(linked), evidence.MaxLinks)
	}
	rec := &evidence.Record{
		Salt: base64.RawURLEncoding.EncodeToString(salt()), ID: d.ID, Type: d.Type,
		Occurred: d.Occurred, Received: placeholder, Run: d.Run, Links: linked,
		Workflow: o.Workflow, Actor: o.Actor, Source: o.Source, Body: sealed, Withheld: withheld, Removed: removed,
	}
	data, at := rec.Canonical()
	if len(data) > evidence.MaxRecord {
		return nil, evidence.Errorf(evidence.Invalid, "/body", "makes a record of %d bytes, at most %d are allowed: keep larger content as an object and cite its digest", len(data), evidence.MaxRecord)
	}
	return &store.Entry{Submitter: o.Submitter, MAC: r.mac(o, d), Record: rec, Bytes: data, Received: at, Vault: block}, nil
}

// mac recognises a retry without keeping what was sent in clear.
func (r *Recorder) mac(o *Origin, d *Draft) []byte {
	rest := evidence.Record{ID: d.ID, Type: d.Type, Occurred: d.Occurred, Run: d.Run, Links: d.Links, Body: d.Body}
	data, _ := rest.Canonical()
	return r.vault.MAC(o.Tenant.ID(), "draft", data)
}

// check holds a draft against the catalogue and its origin, and returns the
// body with the fields that are ours to set.
func (o *Origin) check(d *Draft) (evidence.Value, error) {
	if !evidence.IsUUIDv7(string(d.ID)) {
		return evidence.Value{}, evidence.Errorf(evidence.Invalid, "/id", "is not a lower-case UUIDv7")
	}
	if d.Run != "" && !evidence.IsUUIDv7(string(d.Run)) {
		return evidence.Value{}, evidence.Errorf(evidence.Invalid, "/run", "is not a lower-case UUIDv7")
	}
	if _, err := d.Occurred.Parse(); err != nil {
		return evidence.Value{}, evidence.Errorf(evidence.Invalid, "/occurred", "%w", err)
	}
	if err := evidence.CheckLinks(d.Links); err != nil {
		return evidence.Value{}, err
	}
	shape := d.Type.Shape()
	switch {
	case shape == nil:
		return evidence.Value{}, UnknownType()
	case d.Type.Reserved() && !o.House:
		return evidence.Value{}, evidence.Errorf(evidence.Denied, "/type", "%s is written by the server only", d.Type)
	}
	body, err := o.setFields(shape, d.Body)
	if err != nil {
		return evidence.Value{}, err
	}
	return body, shape.Check("/body", body)
}

// UnknownType refuses a draft whose type the catalogue does not have.
func UnknownType() error {
	return evidence.Errorf(evidence.Invalid, "/type", "is not a type of record that this version knows")
}

// setFields puts in what the caller may not say of itself.
func (o *Origin) setFields(shape *evidence.Shape, body evidence.Value) (evidence.Value, error) {
	fields := make([]evidence.Field, 0, len(body.Fields())+2)
	for _, m := range body.Fields() {
		if f := shape.Field(m.Name); f != nil && f.Server {
			return evidence.Value{}, evidence.Errorf(evidence.Invalid, "/body/"+m.Name, "is set by the server: leave it out")
		}
		fields = append(fields, m)
	}
	for i := range shape.Fields {
		switch f := &shape.Fields[i]; {
		case !f.Server:
		case f.Name == "assurance":
			fields = append(fields, evidence.Field{Name: f.Name, Value: evidence.StringValue(o.Assurance)})
		case f.Name == "identity":
			fields = append(fields, evidence.Field{Name: f.Name, Value: evidence.StringValue(o.Identity)})
		}
	}
	return evidence.ObjectValue(fields...)
}

// links are the draft's own and those that its body's key fields imply.
func links(d *Draft, body evidence.Value) []evidence.Link {
	all := append([]evidence.Link(nil), d.Links...)
	for i := range d.Type.Shape().Fields {
		f := &d.Type.Shape().Fields[i]
		if v, ok := body.Get(f.Name); ok && f.Link != "" {
			all = append(all, evidence.Link{Kind: f.Link, ID: v.Text()})
		}
	}
	return evidence.SortLinks(all)
}

func salt() []byte {
	b := make([]byte, evidence.SaltSize)
	rand.Read(b)
	return b
}
