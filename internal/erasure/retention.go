package erasure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/store"
)

// Retention is how one pass of retention goes.
type Retention struct {
	Dry bool // only say what is due
	// Confirm lets it run though the clock is far ahead of when it last ran.
	Confirm bool
}

// Due is what retention takes, or would take, of one run.
type Due struct {
	Order
	Workflow string
	Ended    evidence.Time
}

// Retained is what one pass did.
type Retained struct {
	Due  []Due
	Held int  // runs that are due and under a legal hold
	More bool // there are others, for the next pass
}

// Bounds of one pass.
const (
	maxDue   = 500
	maxBatch = 50 // runs whose erasures are recorded together

	// maxAhead is how far the clock may have moved since the last pass. A
	// clock that jumps would end every period at once, and what it takes does
	// not come back.
	maxAhead = 7 * 24 * time.Hour
)

// Retain erases what its period is over for: of every run that has ended, each
// class of values for which the time since the end is longer than what the
// run's own manifest says and than what the manifest now in force says. By is
// nil where the house does it by itself.
func (e *Eraser) Retain(ctx context.Context, t store.Tenant, by *identity.Caller, r Retention) (Retained, error) {
	now := evidence.TimeOf(e.cfg.Clock())
	last, err := e.lastLook(ctx, t, now)
	if err != nil {
		return Retained{}, err
	}
	if ahead := between(last, now); ahead > maxAhead && !r.Confirm && !r.Dry {
		return Retained{}, evidence.Errorf(evidence.Conflict, "", "the clock is %d days ahead of when retention last looked (%s), and it does not go on by itself: see what is due, check the clock, and confirm", ahead/(24*time.Hour), last)
	}
	if !r.Dry {
		if err := e.Resume(ctx, t); err != nil {
			return Retained{}, err
		}
	}
	out, unjudged := e.due(ctx, t, now)
	if r.Dry {
		return out, unjudged
	}
	for from := 0; from < len(out.Due); from += maxBatch {
		batch := out.Due[from:min(from+maxBatch, len(out.Due))]
		orders := make([]Order, len(batch))
		for i := range batch {
			orders[i] = batch[i].Order
		}
		if _, err := e.carryOut(ctx, t, by, orders, false); err != nil {
			return out, err
		}
	}
	return out, errors.Join(unjudged, e.cfg.Vault.SetRetained(ctx, t.ID(), max(now, last)))
}

// between is how long it is from one time to another.
func between(from, to evidence.Time) time.Duration {
	a, err := from.Parse()
	b, err2 := to.Parse()
	if err != nil || err2 != nil {
		return 0 // nothing is over that cannot be told
	}
	return b.Sub(a)
}

// lastLook is until when retention has looked. Where it never has, that is the
// time of the latest record, and noted, so that a later jump shows.
func (e *Eraser) lastLook(ctx context.Context, t store.Tenant, now evidence.Time) (evidence.Time, error) {
	last, err := e.cfg.Vault.Retained(ctx, t.ID())
	if err != nil || last != "" {
		return last, err
	}
	err = t.View(ctx, func(tx store.Tx) error {
		head, err := tx.Head()
		if err != nil || head.Next == 0 {
			return err
		}
		rows, err := tx.Rows(head.Next-1, 1)
		if err != nil || len(rows) == 0 {
			return err
		}
		leaf, err := evidence.ParseLeaf(rows[0].Leaf)
		if err == nil {
			last = leaf.Received
		}
		return err
	})
	if last == "" {
		last = now
	}
	if err != nil {
		return "", err
	}
	return last, e.cfg.Vault.SetRetained(ctx, t.ID(), last)
}

// BeginRetention notes from when on the clock is watched. It comes before
// anything is recorded under this start's clock.
func (e *Eraser) BeginRetention(ctx context.Context, t store.Tenant) error {
	_, err := e.lastLook(ctx, t, evidence.TimeOf(e.cfg.Clock()))
	return err
}

// due goes through the runs that have keys. The error is about runs that could
// not be judged: they are kept, and the others are good.
func (e *Eraser) due(ctx context.Context, t store.Tenant, now evidence.Time) (out Retained, err error) {
	var faults []error
	for after := evidence.RunID(""); ; {
		runs, err := e.cfg.Vault.Runs(ctx, t.ID(), after, 256)
		if err != nil || len(runs) == 0 {
			return out, errors.Join(append(faults, err)...)
		}
		for _, id := range runs {
			after = id
			if len(out.Due) == maxDue {
				out.More = true
				return out, errors.Join(faults...)
			}
			if err := e.dueOf(ctx, t, id, now, &out); err != nil {
				// What cannot be judged is kept, and said.
				faults = append(faults, fmt.Errorf("run %s: %w", id, err))
			}
		}
	}
}

// dueOf adds what is due of one run.
func (e *Eraser) dueOf(ctx context.Context, t store.Tenant, id evidence.RunID, now evidence.Time, out *Retained) error {
	var d Due
	var covers bool
	err := t.View(ctx, func(tx store.Tx) error {
		run, err := store.Load[store.Run](tx, string(id))
		if err != nil && evidence.KindOf(err) == evidence.NotFound {
			return nil // its keys were made, and it never began
		}
		if err != nil || run.Ended == "" {
			return err
		}
		own, inForce, err := e.manifests(tx, run)
		if err != nil {
			return err
		}
		d = Due{Workflow: run.Workflow, Ended: run.Ended, Order: Order{Kind: "retention", Run: id, by: "evf"}}
		for _, class := range manifest.Retained {
			longer := own
			if inForce.Retention.For(class) >= own.Retention.For(class) {
				longer = inForce
			}
			// One erasure follows one manifest; what follows another is for
			// the next pass.
			if over := between(run.Ended, now) > longer.Retention.For(class); over && (len(d.Classes) == 0 || d.basis == longer.Digest()) {
				d.Classes, d.basis = append(d.Classes, class), longer.Digest()
			}
		}
		if len(d.Classes) == 0 {
			return nil
		}
		holds, err := active(tx)
		if err != nil {
			return err
		}
		c, err := e.covered(ctx, tx, t, &d.Order)
		covers = held(holds, c) != nil
		return err
	})
	if err != nil || len(d.Classes) == 0 {
		return err
	}
	d.authority = fmt.Sprintf("retention of workflow %s, ended %s", d.Workflow, string(d.Ended)[:10])
	if err := e.plan(ctx, t, &d.Order); err != nil || len(d.Keys) == 0 {
		return err
	}
	if covers {
		out.Held++
		return nil
	}
	out.Due = append(out.Due, d)
	return nil
}

// manifests are the one that a run was made under and the one now in force.
func (e *Eraser) manifests(tx store.Tx, run store.Run) (own, inForce *manifest.Manifest, err error) {
	rows, err := tx.Rows(run.Seq, 1)
	if err != nil || len(rows) == 0 {
		return nil, nil, errors.Join(err, errors.New("its beginning cannot be read: run fsck"))
	}
	rec, err := evidence.ParseRecord(rows[0].Record)
	if err != nil || rec.Workflow == nil {
		return nil, nil, errors.Join(err, errors.New("its beginning names no manifest: run fsck"))
	}
	if own, err = e.cfg.Workflows.Manifest(tx, rec.Workflow.Digest); err != nil {
		return nil, nil, err
	}
	w, err := store.Load[store.Workflow](tx, run.Workflow)
	if err != nil {
		return nil, nil, err
	}
	inForce, err = e.cfg.Workflows.Manifest(tx, w.Digest)
	return own, inForce, err
}
