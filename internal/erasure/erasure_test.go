package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/store/storetest"
	"github.com/evidencefactory/evf/internal/vault"
	"github.com/evidencefactory/evf/internal/workflow"
)

// fixture is what an Eraser works on, on a folder. Opened again on the same
// folder, or on a copy of it, it is the same house after a crash.
type fixture struct {
	*testing.T
	dir    string
	vault  *vault.Vault
	store  *sqlite.Store
	rec    *recorder.Recorder
	ledger *ledger.Ledger
	eraser *Eraser
	tenant store.Tenant
	by     *identity.Caller
	run    evidence.RunID
	stop   func()
}

func open(t *testing.T, dir string) *fixture {
	t.Helper()
	h := &fixture{T: t, dir: dir}
	_, missing := os.Stat(h.path("evf.db"))
	fresh := errors.Is(missing, fs.ErrNotExist)
	h.must(os.MkdirAll(h.path("keys"), 0o700))
	var err error
	h.vault, err = vault.Open(t.Context(), h.path("keys"), fresh)
	h.must(err)
	h.store, err = sqlite.Open(t.Context(), sqlite.Config{Path: h.path("evf.db"), Clock: storetest.Clock()})
	h.must(err)
	h.stop = func() { h.must(errors.Join(h.store.Close(), h.vault.Close())); h.stop = func() {} }
	t.Cleanup(func() { h.stop() })
	h.tenant, err = h.store.ForTenant(t.Context(), "acme", func() string { return "evf-test/acme" })
	h.must(err)
	h.rec = recorder.New(h.vault)
	now := func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }
	people := identity.New(h.rec, h.vault, func(evidence.TenantID) store.Tenant { return h.tenant }, now)
	h.ledger = ledger.New(ledger.Config{Logs: h.path("log"), Keys: h.path("keys"), WriteKey: vault.WriteKeyFile, Log: slog.New(slog.DiscardHandler)})
	_, err = h.ledger.Open(t.Context(), h.tenant)
	h.must(err)
	h.eraser = New(Config{Recorder: h.rec, Vault: h.vault, People: people, Workflows: workflow.New(h.rec, people, now), Ledger: h.ledger,
		List: List{Path: h.path("erasures.jsonl")}, Clock: now})
	return h
}

func (h *fixture) path(name string) string { return filepath.Join(h.dir, name) }

func (h *fixture) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// told is a house with a run that has ended, its records sealed.
func told(t *testing.T) *fixture {
	h := open(t, filepath.Join(t.TempDir(), "house"))
	h.run = evidence.RunID(storetest.NewID())
	var token string
	h.must(h.eraser.cfg.People.FirstAdmin(t.Context(), h.tenant, "admin@example.org", func(s string) error { token = s; return nil }))
	var err error
	h.by, err = h.eraser.cfg.People.Authenticate(t.Context(), token)
	h.must(err)
	h.record(evidence.TypeRunStarted, evidence.RunStarted{Initiator: evidence.Person{Kind: "human", Ref: "person-ina", Name: "Ina"},
		Dispatcher: evidence.Person{Kind: "human", Ref: "person-ina", Name: "Ina"}, Trigger: "a mail"})
	h.record(evidence.TypeStepObserved, evidence.StepObserved{Step: "telltale-step", Status: "finished", Summary: "a guarded summary"})
	h.record(evidence.TypeFieldsExtracted, evidence.FieldsExtracted{Document: evidence.ZeroDigest, Extractor: "x", Version: "1", Readable: true,
		Fields: []evidence.ExtractedField{{Name: "total", Value: "12.00", Pointer: "/a", Confidence: 1}}})
	h.record(evidence.TypeRunEnded, evidence.RunEnded{Outcome: "completed", Records: 3})
	h.must(h.ledger.For("acme").Seal(t.Context()))
	return h
}

func (h *fixture) record(typ evidence.Type, body any) {
	h.Helper()
	_, err := h.rec.Append(h.Context(), recorder.Origin{Tenant: h.tenant, Submitter: "evf", House: true, Actor: evidence.Actor{Kind: "platform", Ref: "evf"},
		Source: evidence.Source{Name: "evf", Kind: "test", Version: "1"}, Identity: "agent", Assurance: "declared"},
		recorder.Batch{Drafts: []recorder.Draft{{ID: evidence.RecordID(storetest.NewID()), Type: typ, Occurred: "2026-03-02T09:00:00.000000000Z", Run: h.run, Body: evidence.Body(body)}}})
	h.must(err)
}

// crash is another house that stands as this one did at this moment.
func (h *fixture) crash() *fixture {
	h.Helper()
	dir := filepath.Join(h.TempDir(), "crashed")
	h.must(os.CopyFS(dir, os.DirFS(h.dir)))
	h.stop()
	again := open(h.T, dir)
	again.run, again.by = h.run, h.by
	if again.by != nil {
		by := *h.by
		by.Tenant = again.tenant
		again.by = &by
	}
	return again
}

// fsck wants no problem, and gives the notes.
func (h *fixture) fsck() (notes []string) {
	h.Helper()
	keys, err := ledger.VerifierKeys(h.Context(), h.path("keys"), h.tenant)
	h.must(err)
	r, err := ledger.Fsck(h.Context(), ledger.FsckConfig{Tenant: h.tenant, Logs: h.path("log"), Keys: keys,
		Open: func(ctx context.Context, row store.Row) (by []evidence.RecordID, err error) {
			o, err := h.rec.Open(ctx, "acme", row)
			if err != nil {
				return nil, err
			}
			for _, e := range o.Erased {
				by = append(by, e.Erasure)
			}
			return by, nil
		},
		Values: func(ctx context.Context, each func(string, evidence.RecordID)) error {
			return h.vault.EachKey(ctx, "acme", func(k vault.Key) { each(k.Full, k.Erasure) })
		},
		Kept: func(ctx context.Context, each func(evidence.RecordID, *evidence.ErasurePerformed)) error {
			return h.vault.EachErasure(ctx, "acme", func(e vault.Erasure) error {
				leaf, body, err := e.Read()
				if err == nil {
					each(leaf.ID, body)
				}
				return err
			})
		}})
	h.must(err)
	for _, p := range r.Problems {
		h.Errorf("fsck: %s", p)
	}
	for _, n := range r.Notes {
		notes = append(notes, n.String())
	}
	return notes
}

func (h *fixture) rows() (rows []store.Row) {
	h.Helper()
	h.must(h.tenant.View(h.Context(), func(tx store.Tx) (err error) {
		rows, err = tx.Rows(0, 1000)
		return err
	}))
	return rows
}

// readable counts the run's values that open, and its records that have bytes.
func (h *fixture) readable() (values, records int) {
	h.Helper()
	for _, row := range h.rows() {
		if row.Run != h.run || row.Expunged() {
			continue
		}
		o, err := h.rec.Open(h.Context(), "acme", row)
		h.must(err)
		records, values = records+1, values+len(o.Disclosures)
	}
	return values, records
}

func (h *fixture) count(typ evidence.Type) (n int) {
	for _, row := range h.rows() {
		if row.Type == typ {
			n++
		}
	}
	return n
}

func (h *fixture) holds(want string) bool {
	h.Helper()
	found := false
	h.must(filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || bytes.Contains(data, []byte(want))
		return err
	}))
	return found
}

var errCrash = errors.New("the power went")

// failing makes one step fail, before or after it took.
func failing(step string, after bool) func(string, func() error) error {
	return func(name string, do func() error) error {
		if name != step {
			return do()
		}
		if after {
			return errors.Join(do(), errCrash)
		}
		return errCrash
	}
}

// TestCrashes stops an erasure before and after each step, as a crash would,
// and starts again: either nothing was ordered and all is there, or all of it
// is gone, and nothing else is.
func TestCrashes(t *testing.T) {
	for _, step := range []string{"record", "destroy", "list", "forget", "seal", "expunge"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after %t", step, after), func(t *testing.T) {
				t.Parallel()
				h := told(t)
				values, records := h.readable()
				macs, others := h.macs(string(h.run)), h.macs("/house/")
				if values < 4 || records != 4 || !h.holds("telltale-step") {
					t.Fatalf("%d values of %d records before", values, records)
				}
				h.eraser.step = failing(step, after)
				_, err := h.eraser.Erase(t.Context(), h.by, Request{Run: h.run, Authority: "a court", Expunge: []string{"step.observed"}})
				if !errors.Is(err, errCrash) {
					t.Fatalf("erased: %v", err)
				}
				ordered := step != "record" || after

				h = h.crash()
				notes := h.fsck()
				if carried := ordered && (step == "seal" || step == "expunge" || step == "list") || step == "destroy" && after; carried {
					if v, _ := h.readable(); v > 0 {
						t.Errorf("%d values are readable though their keys were destroyed", v)
					}
				}
				if wanted := ordered && !(step == "expunge" && after); wanted != (len(notes) > 0) {
					t.Errorf("fsck notes %v", notes)
				}
				h.must(h.eraser.Resume(t.Context(), h.tenant))
				v, n := h.readable()
				switch {
				case ordered && (v > 0 || n != records-1):
					t.Errorf("ordered, and %d values of %d records are readable after a start", v, n)
				case !ordered && (v != values || n != records):
					t.Errorf("never ordered, and only %d values of %d records are readable", v, n)
				case ordered == h.holds("telltale-step"):
					t.Errorf("ordered: %t; the record's bytes are in a file: %t", ordered, !ordered)
				case ordered != (h.kept(macs) == 0) || h.kept(others) != len(others):
					t.Errorf("ordered: %t; %d of %d MACs are in a file, and %d of %d that nothing was erased of", ordered, h.kept(macs), len(macs), h.kept(others), len(others))
				}
				if notes := h.fsck(); len(notes) > 0 {
					t.Errorf("fsck after a start notes %v", notes)
				}
				if n := h.count(evidence.TypeErasurePerformed); n > 1 || (n == 1) != ordered {
					t.Errorf("%d erasures are on record", n)
				}
				list, err := os.ReadFile(h.path("erasures.jsonl"))
				if (err == nil) != ordered || ordered && bytes.Count(list, []byte("\n")) != 1 {
					t.Errorf("the list holds %d lines, %v", bytes.Count(list, []byte("\n")), err)
				}
				before := len(h.rows())
				h.must(h.eraser.Resume(t.Context(), h.tenant)) // done again it changes nothing
				if len(h.rows()) != before {
					t.Error("a second start records something")
				}
			})
		}
	}
}

// TestCrashesWhileRepeating puts the records back to before an erasure and
// crashes while that is made good.
func TestCrashesWhileRepeating(t *testing.T) {
	for _, step := range []string{"record again", "destroy", "list", "forget", "seal", "expunge"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after %t", step, after), func(t *testing.T) {
				t.Parallel()
				h := told(t)
				old := filepath.Join(t.TempDir(), "old.db")
				h.must(sqlite.Copy(t.Context(), h.path("evf.db"), old, nil))
				macs := h.macs(string(h.run))
				oldLog := filepath.Join(t.TempDir(), "log")
				h.must(os.CopyFS(oldLog, os.DirFS(h.path("log"))))
				_, err := h.eraser.Erase(t.Context(), h.by, Request{Run: h.run, Authority: "a court", Expunge: []string{"step.observed"}})
				h.must(err)
				run := h.run
				h.stop()
				h.must(os.RemoveAll(h.path("log")))
				h.must(os.CopyFS(h.path("log"), os.DirFS(oldLog)))
				h.must(os.Rename(old, h.path("evf.db")))
				h = open(t, h.dir)
				h.run = run
				if n := h.count(evidence.TypeErasurePerformed); n != 0 {
					t.Fatal("the records were not put back")
				}
				if v, _ := h.readable(); v > 0 {
					t.Errorf("%d values are readable again", v)
				}
				if notes := h.fsck(); len(notes) == 0 {
					t.Error("fsck says nothing of an erasure that is not on record")
				}
				h.eraser.step = failing(step, after)
				if err := h.eraser.Resume(t.Context(), h.tenant); !errors.Is(err, errCrash) {
					t.Fatalf("resumed: %v", err)
				}
				h = h.crash()
				h.fsck()
				h.must(h.eraser.Resume(t.Context(), h.tenant))
				if v, n := h.readable(); v > 0 || n != 3 || h.holds("telltale-step") || h.kept(macs) > 0 {
					t.Errorf("%d values of %d records are readable, bytes in a file: %t, MACs: %d", v, n, h.holds("telltale-step"), h.kept(macs))
				}
				if notes := h.fsck(); len(notes) > 0 || h.count(evidence.TypeErasurePerformed) != 1 {
					t.Errorf("%d erasures on record, fsck notes %v", h.count(evidence.TypeErasurePerformed), notes)
				}
			})
		}
	}
}

// TestAppendRefused makes keys for a record that is then refused: a key
// without a use is no fault.
func TestAppendRefused(t *testing.T) {
	h := told(t)
	h.run = evidence.RunID(storetest.NewID())
	_, err := h.rec.Append(t.Context(), recorder.Origin{Tenant: h.tenant, Submitter: "evf", House: true, Actor: evidence.Actor{Kind: "platform", Ref: "evf"},
		Source: evidence.Source{Name: "evf", Kind: "test", Version: "1"}, Assurance: "declared"},
		recorder.Batch{Drafts: []recorder.Draft{{ID: evidence.RecordID(storetest.NewID()), Type: evidence.TypeStepObserved, Occurred: "2026-03-02T09:00:00.000000000Z", Run: h.run,
			Body: evidence.Body(evidence.StepObserved{Step: "s", Status: "finished", Summary: "x"})}}, Guard: func(store.Tx) error { return errCrash }})
	if !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	h = h.crash()
	keys, err := h.vault.LiveOf(t.Context(), "acme", "", h.run)
	h.must(err)
	if notes := h.fsck(); len(notes) > 0 || len(keys) != 2 {
		t.Errorf("%d keys, fsck notes %v", len(keys), notes)
	}
}

// TestManyKeys erases more than one record can name.
func TestManyKeys(t *testing.T) {
	h := told(t)
	e := &Order{Kind: "subject", Subject: "person-ina", authority: "a court", by: "person-1"}
	for range 3 * evidence.MaxErasedKeys / 2 {
		e.Keys = append(e.Keys, evidence.KeyName(evidence.RunID(storetest.NewID()), evidence.Personal, strings.Repeat("x", 27))+"/1")
	}
	if n := len(h.eraser.drafts(e)); n != 2 {
		t.Errorf("%d records for %d keys", n, len(e.Keys))
	}
	var keys []string
	for _, d := range h.eraser.drafts(e) {
		body, err := evidence.Decode[evidence.ErasurePerformed](d.Body)
		h.must(err)
		if err := d.Type.Shape().Check("", d.Body); err != nil {
			t.Error(err)
		}
		keys = append(keys, body.Keys...)
	}
	if !slices.Equal(keys, e.Keys) {
		t.Error("keys are left out, or named twice")
	}
}
