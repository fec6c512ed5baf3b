// Package storetest is the suite that every engine of the store must pass, and
// the records that such tests are made of.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// Open opens the engine under test on a folder of its own, and again on the
// same folder after the store was closed. The suite closes what it opens.
type Open func(t testing.TB, dir string) store.Store

// Run holds an engine against the contract of package store.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *house)
	}{
		{"sequence is dense under concurrency", dense},
		{"tenants share nothing", isolation},
		{"tenants keep their origin", origins},
		{"repeat answers the first place", repeats},
		{"other content under an id is a conflict", conflicts},
		{"refused guard leaves no trace", refusedGuards},
		{"guard sees the state just before", guardState},
		{"one approval is consumed once", consumedOnce},
		{"batch is all or nothing", allOrNothing},
		{"objects are kept by digest", objects},
		{"records are read page by page", paging},
		{"walk reads whole tables", walk},
		{"view is one snapshot", snapshot},
		{"checkpoint is compared and swapped", checkpoints},
		{"epoch begins with its record or not at all", epochs},
		{"expunging removes bytes and nothing else", expunging},
		{"forgetting clears MACs and nothing else", forgetting},
		{"appends go on while a reader holds up forgetting", forgettingWaits},
		{"mark of what was forgotten only rises", forgottenMark},
		{"reopening keeps everything", reopening},
		{"closing loses nothing acknowledged", closing},
		{"cancelled caller may try again", cancelled},
		{"projections equal the fold", folds},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &house{T: t, dir: t.TempDir(), open: open}
			h.Store = open(t, h.dir)
			t.Cleanup(func() { h.must(h.Store.Close()) })
			c.test(t, h)
		})
	}
}

// house is an engine on a folder.
type house struct {
	*testing.T
	store.Store
	dir  string
	open Open
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) reopen() {
	h.Helper()
	h.must(h.Store.Close())
	h.Store = h.open(h.T, h.dir)
}

func (h *house) tenant(id evidence.TenantID) store.Tenant {
	h.Helper()
	t, err := h.ForTenant(h.Context(), id, func() string { return "origin of " + string(id) })
	h.must(err)
	return t
}

func (h *house) append(t store.Tenant, b store.Batch) []store.Placed {
	h.Helper()
	placed, err := t.Append(h.Context(), &b)
	h.must(err)
	return placed
}

// refused wants an append to fail with an error of a kind.
func (h *house) refused(t store.Tenant, kind evidence.ErrorKind, b store.Batch) {
	h.Helper()
	if _, err := t.Append(h.Context(), &b); err == nil || evidence.KindOf(err) != kind {
		h.Fatalf("append: %v, want an error of kind %s", err, kind)
	}
}

func (h *house) view(t store.Tenant, f func(store.Tx) error) {
	h.Helper()
	h.must(t.View(h.Context(), f))
}

// state is everything that a tenant shows, to be compared as a whole.
type state struct {
	Head    store.Head
	Rows    []store.Row
	States  []store.StateRow
	Links   []store.PlacedLink
	Objects map[evidence.Digest]string
}

func (h *house) state(t store.Tenant) (s state) {
	h.Helper()
	h.view(t, func(tx store.Tx) (err error) {
		s.Objects = map[evidence.Digest]string{}
		digests, err := tx.Objects("", 1<<20)
		for _, d := range digests {
			data, one := tx.Object(d)
			err = errors.Join(err, one)
			s.Objects[d] = string(data)
		}
		var errs [4]error
		s.Head, errs[0] = tx.Head()
		s.Rows, errs[1] = tx.Rows(0, 1<<20)
		s.States, errs[2] = tx.States(store.Key{}, 1<<20)
		s.Links, errs[3] = tx.Links(store.PlacedLink{}, 1<<20)
		return errors.Join(append(errs[:], err)...)
	})
	return s
}

// unchanged wants f to leave no trace in a tenant.
func (h *house) unchanged(t store.Tenant, f func()) {
	h.Helper()
	before := h.state(t)
	f()
	if diff := cmp.Diff(before, h.state(t)); diff != "" {
		h.Fatalf("it left a trace (-before +after):\n%s", diff)
	}
}

// Fact is the part of a record that a test cares about.
type Fact struct {
	ID    evidence.RecordID // "" for a new one
	Type  evidence.Type
	Run   evidence.RunID
	Links []evidence.Link // in order
	Body  any             // one of package evidence's, with the fields set that are the server's
}

// NewID is a fresh UUIDv7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Entry makes the entry that a recorder would. Seal turns the disclosures of
// withheld fields into the row's vault block; nil drops them.
func (f Fact) Entry(submitter string, seal func(id evidence.RecordID, run evidence.RunID, list []evidence.Disclosure) []byte) store.Entry {
	if f.ID == "" {
		f.ID = evidence.RecordID(NewID())
	}
	body := evidence.Body(f.Body)
	w := evidence.Withholder{Salt: salt}
	sealed, disclosures, withheld, err := w.Withhold(f.Type.Shape(), body)
	if err != nil {
		panic(err) // a test's own mistake
	}
	r := &evidence.Record{
		Salt: base64.RawURLEncoding.EncodeToString(salt()), ID: f.ID, Type: f.Type,
		Occurred: "2026-03-01T09:00:00.000000000Z", Received: "0000-00-00T00:00:00.000000000Z", Run: f.Run, Links: f.Links,
		Actor: evidence.Actor{Kind: "agent", Ref: "poster"}, Source: evidence.Source{Name: "test", Kind: "api", Version: "1"},
		Body: sealed, Withheld: withheld,
	}
	data, at := r.Canonical()
	e := store.Entry{Submitter: submitter, Record: r, Bytes: data, Received: at}
	e.MAC = []byte(evidence.DigestOf(fmt.Append(nil, f.ID, f.Type, f.Run, f.Links, string(body.Canonical()))))
	if seal != nil {
		e.Vault = seal(f.ID, f.Run, disclosures)
	}
	return e
}

func salt() []byte {
	b := make([]byte, evidence.SaltSize)
	rand.Read(b)
	return b
}

// Step is a plain fact: it folds into nothing.
func Step(run evidence.RunID, name string, links ...evidence.Link) Fact {
	return Fact{Type: evidence.TypeStepObserved, Run: run, Links: links,
		Body: evidence.StepObserved{Step: name, Status: "finished", Summary: "did " + name, Assurance: "declared"}}
}

// RunStarted begins a run.
func RunStarted(run evidence.RunID) Fact {
	who := evidence.Person{Kind: "human", Ref: "person-1", Name: "Ada"}
	return Fact{Type: evidence.TypeRunStarted, Run: run,
		Body: evidence.RunStarted{Initiator: who, Dispatcher: who, Identity: "poster", Assurance: "declared"}}
}

// Batch makes a batch of facts from one submitter.
func Batch(submitter string, facts ...Fact) store.Batch {
	b := store.Batch{Entries: make([]store.Entry, len(facts))}
	for i, f := range facts {
		b.Entries[i] = f.Entry(submitter, nil)
	}
	return b
}

// Clock ticks by a microsecond at each reading. It is safe for concurrent use.
func Clock() func() evidence.Time {
	var tick atomic.Int64
	return func() evidence.Time {
		return evidence.Time(fmt.Sprintf("2026-03-01T09:00:00.%09dZ", tick.Add(1)*1000%1e9))
	}
}

var ctx = context.Background()
