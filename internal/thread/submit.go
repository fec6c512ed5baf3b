package thread

import (
	"context"
	"strconv"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/workflow"
)

// Submit keeps drafts of a workload, all or none. What is wrong with one of
// several comes as a *recorder.DraftError.
func (t *Threads) Submit(ctx context.Context, by *identity.Caller, drafts []recorder.Draft) ([]store.Placed, error) {
	var c *workflow.Compiled
	var who manifest.Identity
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		if c, who, err = t.Standing(tx, by); err != nil {
			return err
		}
		return t.admits(tx, by, who, drafts)
	})
	if err != nil {
		return nil, err
	}
	return t.rec.Append(ctx, Origin(by, c, who), recorder.Batch{
		Drafts: drafts,
		Guard: func(tx store.Tx) error {
			joined := map[evidence.RunID]bool{}
			for i, d := range drafts {
				if !joined[d.Run] {
					if err := t.accepts(tx, by, who, &d); err != nil {
						return ofDraft(drafts, i, err)
					}
					joined[d.Run] = d.Type != evidence.TypeChangeObserved
				}
				if err := displaces(tx, c, who, &d); err != nil {
					return ofDraft(drafts, i, err)
				}
			}
			return t.StillGood(tx, by, c)
		},
	})
}

// ofDraft says which of several drafts an error is about.
func ofDraft(drafts []recorder.Draft, i int, err error) error {
	if len(drafts) == 1 {
		return err
	}
	return &recorder.DraftError{Index: i, Err: err}
}

// displaces refuses a result of checks in place of another identity's. A
// suite's latest result is what counts, so a checker who may record one check
// of a suite could otherwise make all the others' findings go away.
func displaces(tx store.Tx, c *workflow.Compiled, who manifest.Identity, d *recorder.Draft) error {
	if d.Type != evidence.TypeCheckResult {
		return nil
	}
	document, _ := d.Body.Get("document")
	suite, _ := d.Body.Get("suite")
	key := store.Check{Run: d.Run, Document: evidence.Digest(document.Text()), Suite: suite.Text()}.Key()
	have, err := store.Load[store.Check](tx, key.ID)
	if err != nil {
		if evidence.KindOf(err) == evidence.NotFound {
			return nil
		}
		return err
	}
	// What its author may no longer record does not count, and can go.
	author, _ := c.Identity(have.Identity)
	if have.Identity == who.Name || len(c.Counted(have)) == 0 && !(have.Attests && decision.Vouches(author, have.Suite)) {
		return nil
	}
	return evidence.Errorf(evidence.Conflict, "/body/suite", "identity %s recorded this suite for the document: record yours as a suite of its own", have.Identity)
}

// MaxOfWorkloads bounds the records that a run takes from workloads. Runs are
// read back whole, and what the house itself has to say still fits.
const MaxOfWorkloads = maxRun - 2000

// admits refuses drafts before any work is done for them: what is refused
// here has cost no key and no lock. The guard looks again at what may change.
func (t *Threads) admits(tx store.Tx, by *identity.Caller, who manifest.Identity, drafts []recorder.Draft) error {
	known := map[evidence.RunID]bool{}
	for i := range drafts {
		d := &drafts[i]
		if err := mayRecord(who, d); err != nil {
			return ofDraft(drafts, i, err)
		}
		if known[d.Run] || !evidence.IsUUIDv7(string(d.Run)) { // the recorder says so, in its words
			continue
		}
		known[d.Run] = true
		length, err := tx.RunLength(d.Run)
		if err == nil && length+uint64(len(drafts)) > MaxOfWorkloads {
			err = evidence.Errorf(evidence.Invalid, "/run", "run %s has %d records, and takes %d from workloads: begin a new run", d.Run, length, MaxOfWorkloads)
		}
		if err == nil {
			err = t.accepts(tx, by, who, d)
		}
		if err != nil && !t.repeats(tx, by, d) {
			return ofDraft(drafts, i, err)
		}
	}
	return nil
}

// repeats reports whether the caller has placed a draft's id before: a retry
// gets its first answer even where the run takes no more.
func (t *Threads) repeats(tx store.Tx, by *identity.Caller, d *recorder.Draft) bool {
	_, err := tx.RowByID(by.Grant, d.ID)
	return err == nil
}

// accepts refuses a draft for a run that takes no more. What a target read back
// is taken after the end too: an agent that ends its run must not silence the
// system it acted on.
func (t *Threads) accepts(tx store.Tx, by *identity.Caller, who manifest.Identity, d *recorder.Draft) error {
	r, err := t.Open(tx, by, d.Run)
	if err != nil && r.Workflow == by.Workflow && r.Ended != "" && d.Type == evidence.TypeChangeObserved && !who.Starts {
		return nil
	}
	return err
}

// mayRecord holds a draft against what the manifest lets the identity say.
func mayRecord(who manifest.Identity, d *recorder.Draft) error {
	if d.Type.Shape() == nil {
		return recorder.UnknownType()
	}
	if !who.MayRecord(d.Type) {
		return evidence.Errorf(evidence.Denied, "/type", "identity %s may not record %s: the manifest does not list it", who.Name, d.Type)
	}
	if d.Run == "" {
		return evidence.Errorf(evidence.Invalid, "/run", "is missing: a workload's records belong to a run")
	}
	if d.Type != evidence.TypeCheckResult {
		return nil
	}
	suite, _ := d.Body.Get("suite")
	checks, _ := d.Body.Get("checks")
	for i, one := range checks.Elems() {
		id, _ := one.Get("check")
		if !who.MayCheck(suite.Text() + "/" + id.Text()) {
			return evidence.Errorf(evidence.Denied, "/body/checks/"+strconv.Itoa(i)+"/check", "identity %s may not record this check: the manifest does not list it", who.Name)
		}
	}
	// Attested values weigh like all the checks of a suite, and so does a
	// result that names none.
	attests, _ := d.Body.Get("attests")
	if (len(checks.Elems()) == 0 || len(attests.Elems()) > 0) && !decision.Vouches(who, suite.Text()) {
		return evidence.Errorf(evidence.Denied, "/body/suite", "identity %s may not record the whole of this suite, which attesting takes: the manifest does not list it", who.Name)
	}
	return nil
}
