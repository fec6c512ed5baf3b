// Package erasure forgets by authority: a person's values, or a run's, by
// destroying the keys they lie under, and the bytes of single records where
// that is asked. It also lets retention run, and keeps what a legal hold
// covers from both.
//
// The order is always the same. The erasure is recorded first and is durable;
// then the keys are destroyed, then the MACs by which retries of what lay under
// them are recognised, then the bytes removed. Each step done again changes
// nothing, and every start does again what is on record and may not be done, so
// a crash anywhere in between is finished by the next start.
package erasure

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/vault"
	"github.com/evidencefactory/evf/internal/workflow"
)

// Config is what an Eraser works on.
type Config struct {
	Recorder  *recorder.Recorder
	Vault     *vault.Vault
	People    *identity.Directory
	Workflows *workflow.Registry
	Ledger    *ledger.Ledger
	// List keeps the erasures outside the house, for restores. The zero List
	// keeps nothing.
	List  List
	Clock func() time.Time
}

// Eraser carries erasures out. It is safe for concurrent use.
type Eraser struct {
	cfg Config
	// step runs one named step; tests make it fail before and after.
	step func(name string, do func() error) error
}

// New makes an Eraser.
func New(cfg Config) *Eraser {
	return &Eraser{cfg: cfg, step: func(_ string, do func() error) error { return do() }}
}

// Request asks for one erasure: of a subject or of a run.
type Request struct {
	Subject string // a name as it was given to the house, or a pseudonym
	Run     evidence.RunID
	// Expunge names records of the run whose bytes go too, by id or by type.
	Expunge   []string
	Authority string // who ordered it and on what basis: public, and for ever
	Dry       bool   // only say what would go
}

// Order is one erasure as it is recorded and carried out.
type Order struct {
	Kind     string // subject, run or retention
	Subject  string // a pseudonym
	Run      evidence.RunID
	Classes  []evidence.Class // that retention takes
	Keys     []string
	Expunged []evidence.Expunged

	authority string
	basis     evidence.Digest
	repeats   evidence.RecordID
	by        string
	wanted    []string // what to expunge, by id or type
}

// Erase carries an erasure out, or says what it would take. A run that is
// still open, a person who still holds a key and anything under a legal hold
// are evidence.Conflict. With an error of kind Unavailable the erasure may be
// on record already; the next one, or the next start, finishes it.
func (e *Eraser) Erase(ctx context.Context, by *identity.Caller, req Request) (Order, error) {
	o, err := e.order(ctx, by, req)
	if err != nil {
		return o, err
	}
	t := by.Tenant
	if !req.Dry {
		if err := e.Resume(ctx, t); err != nil {
			return o, err
		}
	}
	orders, err := e.carryOut(ctx, t, by, []Order{o}, req.Dry)
	if err != nil {
		return o, err
	}
	return orders[0], nil
}

// order reads a request. Its errors never quote a name that was sent.
func (e *Eraser) order(ctx context.Context, by *identity.Caller, req Request) (o Order, err error) {
	if err := checkAuthority(req.Authority); err != nil {
		return o, err
	}
	o = Order{authority: req.Authority, by: by.Ref, wanted: req.Expunge}
	switch {
	case (req.Subject == "") == (req.Run == ""):
		return o, evidence.Errorf(evidence.Invalid, "", "an erasure is of a subject or of a run: name one of the two")
	case req.Run != "" && !evidence.IsUUIDv7(string(req.Run)):
		return o, evidence.Errorf(evidence.Invalid, "/run", "is not a lower-case UUIDv7")
	case req.Subject != "" && len(req.Expunge) > 0:
		return o, evidence.Errorf(evidence.Invalid, "/expunge", "records are expunged with the run that they are of: name the run")
	case req.Run != "":
		o.Kind, o.Run = "run", req.Run
		return o, nil
	}
	o.Kind = "subject"
	o.Subject, err = e.who(ctx, by.Tenant.ID(), req.Subject)
	return o, err
}

// checkAuthority wants one line that is fit to be read by anyone.
func checkAuthority(text string) error {
	switch {
	case strings.TrimSpace(text) == "" || len(text) > 300:
		return evidence.Errorf(evidence.Invalid, "/authority", "is empty or longer than 300 bytes: say who ordered it and on what basis")
	case strings.ContainsFunc(text, unicode.IsControl):
		return evidence.Errorf(evidence.Invalid, "/authority", "is not one line of text")
	}
	return nil
}

// who finds the pseudonym that a name, or the pseudonym itself, stands for.
func (e *Eraser) who(ctx context.Context, t evidence.TenantID, name string) (string, error) {
	if len(name) <= 200 {
		for _, prefix := range []string{"person", "schedule", "workload"} {
			ref, err := e.cfg.Vault.Known(ctx, t, prefix, name)
			if err != nil || ref != "" {
				return ref, err
			}
		}
		if stands, err := e.cfg.Vault.Stands(ctx, t, name); err != nil || stands {
			return name, err
		}
	}
	return "", evidence.Errorf(evidence.NotFound, "/subject", "stands for nobody here: give the name as the house was given it, or the pseudonym")
}

// carryOut plans, records and destroys, while nobody else appends; then it
// removes bytes. It returns what each order took.
func (e *Eraser) carryOut(ctx context.Context, t store.Tenant, by *identity.Caller, orders []Order, dry bool) ([]Order, error) {
	var placed []store.Placed
	err := e.cfg.Recorder.Alone(func(appendAlone func(context.Context, recorder.Origin, recorder.Batch) ([]store.Placed, error)) error {
		var drafts []recorder.Draft
		for i := range orders {
			if err := e.plan(ctx, t, &orders[i]); err != nil {
				return err
			}
			drafts = append(drafts, e.drafts(&orders[i])...)
		}
		allowed := func(tx store.Tx) error { return e.allowed(ctx, tx, t, by, orders) }
		if dry {
			return t.View(ctx, allowed)
		}
		// A caller who goes away must not leave it half done, nor leave open
		// whether it is on record.
		err := e.step("record", func() (err error) {
			placed, err = appendAlone(context.WithoutCancel(ctx), house(t, by), recorder.Batch{Drafts: drafts, Guard: allowed})
			return err
		})
		if err != nil {
			return err
		}
		return e.destroy(context.WithoutCancel(ctx), t, placed)
	})
	if err != nil || dry {
		return orders, err
	}
	return orders, e.settle(context.WithoutCancel(ctx), t, placed)
}

// drafts are the records of one order, as many as its bounds need.
func (e *Eraser) drafts(o *Order) (drafts []recorder.Draft) {
	keys, expunged := o.Keys, o.Expunged
	for len(drafts) == 0 || len(keys) > 0 || len(expunged) > 0 {
		k, x := min(len(keys), evidence.MaxErasedKeys), min(len(expunged), evidence.MaxErasedExpunged)
		classes := make([]string, len(o.Classes))
		for i, c := range o.Classes {
			classes[i] = string(c)
		}
		drafts = append(drafts, e.draft(evidence.TypeErasurePerformed, evidence.ErasurePerformed{
			Kind: o.Kind, Subject: o.Subject, Of: o.Run, Classes: classes, Keys: keys[:k], Expunged: expunged[:x],
			Authority: o.authority, Basis: o.basis, Repeats: o.repeats, By: o.by}))
		keys, expunged = keys[k:], expunged[x:]
	}
	return drafts
}

func (e *Eraser) draft(typ evidence.Type, body any) recorder.Draft {
	return recorder.Draft{ID: evidence.RecordID(uuid.Must(uuid.NewV7()).String()), Type: typ, Occurred: evidence.TimeOf(e.cfg.Clock()), Body: evidence.Body(body)}
}

// house is the origin of what this package records; by is nil where the house
// acts by itself.
func house(t store.Tenant, by *identity.Caller) recorder.Origin {
	o := recorder.Origin{Tenant: t, Submitter: "evf", House: true, Assurance: "enforced",
		Actor: evidence.Actor{Kind: "platform", Ref: "evf"}, Source: evidence.Source{Name: "evf", Kind: "erasure", Version: "1"}}
	if by != nil {
		o.Actor = evidence.Actor{Kind: "human", Ref: by.Ref}
	}
	return o
}

// destroy takes the keys of erasures just recorded. Where one fails the others
// are still tried; the vault keeps the keys of all of them shut until they are
// destroyed.
func (e *Eraser) destroy(ctx context.Context, t store.Tenant, placed []store.Placed) error {
	var errs []error
	for _, p := range placed {
		_, err := e.each(ctx, t, []uint64{p.Seq}, "destroy", func(recorded vault.Erasure) error { return e.cfg.Vault.Destroy(ctx, t.ID(), recorded) })
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// each does one step for the erasures recorded at some seqs, in order, and
// lists the records that they expunge.
func (e *Eraser) each(ctx context.Context, t store.Tenant, seqs []uint64, step string, do func(vault.Erasure) error) (expunged []uint64, err error) {
	for _, seq := range seqs {
		recorded, err := read(ctx, t, seq)
		if err != nil {
			return nil, err
		}
		if err := e.step(step, func() error { return do(recorded) }); err != nil {
			return nil, err
		}
		_, body, err := recorded.Read()
		if err != nil {
			return nil, err
		}
		for _, x := range body.Expunged {
			expunged = append(expunged, uint64(x.Seq))
		}
	}
	return expunged, nil
}

// read is the erasure recorded at a seq.
func read(ctx context.Context, t store.Tenant, seq uint64) (found vault.Erasure, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		rows, err := tx.Rows(seq, 1)
		if err != nil {
			return err
		}
		if len(rows) == 0 || rows[0].Seq != seq {
			return evidence.Errorf(evidence.NotFound, "", "erasure %d is not in the store: run fsck", seq)
		}
		found = vault.Erasure{Leaf: rows[0].Leaf, Record: rows[0].Record}
		return nil
	})
	return found, err
}

// settle does what needs no lock: the list outside, and what follows the keys.
func (e *Eraser) settle(ctx context.Context, t store.Tenant, placed []store.Placed) error {
	var seqs []uint64
	for _, p := range placed {
		seqs = append(seqs, p.Seq)
	}
	expunged, err := e.each(ctx, t, seqs, "list", func(recorded vault.Erasure) error { return e.cfg.List.add(t, recorded) })
	if err != nil {
		return err
	}
	return e.follow(ctx, t, expunged)
}

// follow does what comes after the keys: MACs are cleared, then bytes go.
func (e *Eraser) follow(ctx context.Context, t store.Tenant, expunged []uint64) error {
	if err := e.forget(ctx, t); err != nil || len(expunged) == 0 {
		return err
	}
	return e.expunge(ctx, t, expunged)
}

// expunge removes the bytes of records, after everything so far is sealed: the
// log must not need them any more.
func (e *Eraser) expunge(ctx context.Context, t store.Tenant, seqs []uint64) error {
	log := e.cfg.Ledger.For(t.ID())
	if log == nil {
		return evidence.Errorf(evidence.Unavailable, "", "the log of tenant %s is not open", t.ID())
	}
	if err := e.step("seal", func() error { return log.Seal(ctx) }); err != nil {
		return evidence.Errorf(evidence.Unavailable, "", "the erasure is on record, and records are expunged only once that is sealed: %w", err)
	}
	for page := range slices.Chunk(seqs, 256) {
		if err := e.step("expunge", func() error { return t.Expunge(ctx, page) }); err != nil {
			return err
		}
	}
	return nil
}
