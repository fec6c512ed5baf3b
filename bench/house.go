package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/vault"
)

// house is a recorder with its store and vault, wired as the server does it.
type house struct {
	vault    *vault.Vault
	store    *sqlite.Store
	tenant   store.Tenant
	recorder *recorder.Recorder
	origin   recorder.Origin
}

func openHouse(ctx context.Context, dir string) (*house, error) {
	v, err := vault.Open(ctx, dir, true)
	if err != nil {
		return nil, err
	}
	s, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "evf.db"), Clock: now})
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	h := &house{vault: v, store: s, recorder: recorder.New(v)}
	if h.tenant, err = s.ForTenant(ctx, "bench", func() string { return ledger.NewOrigin("bench") }); err != nil {
		return nil, errors.Join(err, h.close())
	}
	h.origin = recorder.Origin{
		Tenant:    h.tenant,
		Submitter: newID(),
		Actor:     evidence.Actor{Kind: "agent", Ref: "invoice/invoice-agent"},
		Source:    evidence.Source{Name: "invoice-agent", Kind: "api", Version: "1"},
		Workflow:  &evidence.WorkflowRef{Name: "invoice", Digest: evidence.ZeroDigest, Tier: "high", Mode: "enforce"},
		Identity:  "invoice-agent",
		Assurance: "declared",
		Raise:     func(evidence.Type, string) evidence.Class { return evidence.Public },
	}
	return h, nil
}

func now() evidence.Time { return evidence.TimeOf(time.Now()) }

func (h *house) close() error { return errors.Join(h.store.Close(), h.vault.Close()) }

// kept is how many records the store holds.
func (h *house) kept(ctx context.Context) (n int64, err error) {
	err = h.tenant.View(ctx, func(tx store.Tx) error {
		head, err := tx.Head()
		n = int64(head.Next)
		return err
	})
	return n, err
}

// appender sends one kind of draft into a house. Each caller works in a run of
// its own.
type appender struct {
	*house
	kind *kind
	runs []string
	// guard is nil, or reads what a submission over the API does.
	guard func(run string) func(store.Tx) error
}

// openRecorder is the whole way in: parse, validate, withhold, encrypt, store,
// project.
func openRecorder(ctx context.Context, dir string, k *kind, callers int) (contender, error) {
	h, err := openHouse(ctx, dir)
	if err != nil {
		return nil, err
	}
	a := &appender{house: h, kind: k}
	for range callers {
		a.runs = append(a.runs, newID())
	}
	return a, nil
}

// openGuarded adds the guard of a submission: the run, the key and the
// manifest are looked up in the transaction that writes.
func openGuarded(ctx context.Context, dir string, k *kind, callers int) (contender, error) {
	c, err := openRecorder(ctx, dir, k, callers)
	if err != nil {
		return nil, err
	}
	a := c.(*appender)
	a.guard = func(run string) func(store.Tx) error {
		return func(tx store.Tx) error {
			for _, kind := range []string{"run", "grant", "workflow"} {
				if _, err := tx.Get(kind, run); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return a, nil
}

func (a *appender) append(ctx context.Context, caller int) error {
	run := a.runs[caller]
	d, err := recorder.ParseDraft(a.kind.request(newID(), run))
	if err != nil {
		return err
	}
	b := recorder.Batch{Drafts: []recorder.Draft{d}}
	if a.guard != nil {
		b.Guard = a.guard(run)
	}
	_, err = a.recorder.Append(ctx, a.origin, b)
	return err
}
