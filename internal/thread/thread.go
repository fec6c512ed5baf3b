// Package thread keeps runs and what belongs to them: a run begins under a
// registered workflow and goes back to its initiator; only its own workflow's
// identities join it, each with the types of record that the manifest gives
// it; and its records are read back in order as one story.
package thread

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/workflow"
)

// Threads opens, feeds, closes and reads runs.
type Threads struct {
	rec       *recorder.Recorder
	people    *identity.Directory
	workflows *workflow.Registry
	now       func() time.Time
}

// New makes Threads.
func New(rec *recorder.Recorder, people *identity.Directory, workflows *workflow.Registry, now func() time.Time) *Threads {
	return &Threads{rec: rec, people: people, workflows: workflows, now: now}
}

// Party is who a run goes back to, by name.
type Party struct {
	Kind string // human, schedule or workload
	Name string
}

// Begin is a request to begin a run. Sent again unchanged it begins nothing
// new.
type Begin struct {
	Run        evidence.RunID
	Occurred   evidence.Time
	Initiator  Party
	Dispatcher Party // who set it going; the initiator where empty
	Trigger    string
	Links      []evidence.Link
}

// Begin opens a run under the caller's workflow. A workflow that is not in
// force is evidence.Denied, and so is an identity that may not begin runs.
func (t *Threads) Begin(ctx context.Context, by *identity.Caller, b Begin) (store.Placed, error) {
	c, who, err := t.standing(ctx, by)
	if err != nil {
		return store.Placed{}, err
	}
	if !who.Starts {
		return store.Placed{}, evidence.Errorf(evidence.Denied, "", "identity %s may not begin runs of workflow %s (starts: true is not set)", who.Name, c.Workflow)
	}
	if b.Dispatcher == (Party{}) {
		b.Dispatcher = b.Initiator
	}
	body := evidence.RunStarted{Trigger: b.Trigger}
	if body.Initiator, err = t.person(ctx, by, "/initiator", b.Initiator); err != nil {
		return store.Placed{}, err
	}
	if body.Dispatcher, err = t.person(ctx, by, "/dispatcher", b.Dispatcher); err != nil {
		return store.Placed{}, err
	}
	placed, err := t.rec.Append(ctx, House(by, c), recorder.Batch{
		Drafts: []recorder.Draft{{ID: evidence.RecordID(b.Run), Type: evidence.TypeRunStarted, Occurred: b.Occurred, Run: b.Run, Links: b.Links, Body: evidence.Body(body)}},
		Guard: func(tx store.Tx) error {
			if _, err := store.Load[store.Run](tx, string(b.Run)); evidence.KindOf(err) != evidence.NotFound || err == nil {
				return evidence.Errorf(evidence.Conflict, "/run", "run %s exists already: use a new id", b.Run)
			}
			return t.StillGood(tx, by, c)
		},
	})
	if err != nil {
		return store.Placed{}, err
	}
	return placed[0], nil
}

func (t *Threads) person(ctx context.Context, by *identity.Caller, field string, p Party) (evidence.Person, error) {
	if !slices.Contains([]string{"human", "schedule", "workload"}, p.Kind) {
		return evidence.Person{}, evidence.Errorf(evidence.Invalid, field+"/kind", "is not human, schedule or workload")
	}
	if strings.TrimSpace(p.Name) == "" || len(p.Name) > 200 {
		return evidence.Person{}, evidence.Errorf(evidence.Invalid, field+"/name", "is empty or longer than 200 bytes: every run goes back to someone")
	}
	// A person is known by the same pseudonym here as where they hold a key,
	// so that nobody approves what they began.
	kind := p.Kind
	if kind == "human" {
		kind = "person"
	}
	ref, err := t.people.Pseudonym(ctx, by.Tenant.ID(), kind, p.Name)
	return evidence.Person{Kind: p.Kind, Ref: ref, Name: p.Name}, err
}

// End closes a run; nothing joins it afterwards.
func (t *Threads) End(ctx context.Context, by *identity.Caller, d recorder.Draft) (store.Placed, error) {
	c, who, err := t.standing(ctx, by)
	if err != nil {
		return store.Placed{}, err
	}
	if !who.Starts {
		return store.Placed{}, evidence.Errorf(evidence.Denied, "", "identity %s may not end runs of workflow %s", who.Name, c.Workflow)
	}
	d.Type = evidence.TypeRunEnded
	for range maxTries {
		placed, err := t.end(ctx, by, c, d)
		if !errors.Is(err, errGrown) {
			return placed, err
		}
	}
	return store.Placed{}, evidence.Errorf(evidence.Unavailable, "", "run %s grows faster than it can be ended: try again", d.Run)
}

// errGrown says that a run gained records while it was counted.
var errGrown = errors.New("the run has grown")

// maxTries bounds how often a run is counted anew.
const maxTries = 16

// end closes a run with the number of its records, so that whoever is handed
// them can count that none was left out.
func (t *Threads) end(ctx context.Context, by *identity.Caller, c *workflow.Compiled, d recorder.Draft) (store.Placed, error) {
	var length uint64
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		if length, err = t.countable(tx, by, d); err != nil {
			return err
		}
		n, err := evidence.IntValue(int64(length))
		if err != nil {
			return err
		}
		d.Body, err = evidence.ObjectValue(append(slices.Clone(d.Body.Fields()), evidence.Field{Name: "records", Value: n})...)
		return err
	})
	if err != nil {
		return store.Placed{}, err
	}
	placed, err := t.rec.Append(ctx, House(by, c), recorder.Batch{
		Drafts: []recorder.Draft{d},
		Guard: func(tx store.Tx) error {
			if err := t.joins(tx, by, c, d.Run); err != nil {
				return err
			}
			if now, err := tx.RunLength(d.Run); err != nil || now != length {
				return errors.Join(err, errGrown)
			}
			return nil
		},
	})
	if err != nil {
		return store.Placed{}, err
	}
	return placed[0], nil
}

// countable is the number of a run's records before its end; where this very
// draft ended it, the number that it was ended with.
func (t *Threads) countable(tx store.Tx, by *identity.Caller, d recorder.Draft) (uint64, error) {
	row, err := tx.RowByID(by.Grant, d.ID)
	if err != nil && evidence.KindOf(err) != evidence.NotFound {
		return 0, err
	}
	if err == nil && row.Run == d.Run && row.Type == evidence.TypeRunEnded {
		ended, err := evidence.ParseRecord(row.Record)
		if err != nil {
			return 0, err
		}
		n, _ := ended.Body.Get("records")
		count, _ := n.Int()
		return uint64(count), nil
	}
	return tx.RunLength(d.Run)
}

// standing is the caller's workflow as it is in force, and their place in it.
func (t *Threads) standing(ctx context.Context, by *identity.Caller) (c *workflow.Compiled, who manifest.Identity, err error) {
	err = by.Tenant.View(ctx, func(tx store.Tx) error {
		c, who, err = t.Standing(tx, by)
		return err
	})
	return c, who, err
}

// Standing is the caller's workflow as a snapshot has it in force, and their
// place in it.
func (t *Threads) Standing(tx store.Tx, by *identity.Caller) (*workflow.Compiled, manifest.Identity, error) {
	c, err := t.workflows.Active(tx, by.Workflow)
	if err != nil {
		return nil, manifest.Identity{}, err
	}
	who, ok := c.Identity(by.Identity)
	if !ok {
		return nil, who, evidence.Errorf(evidence.Denied, "", "workflow %s has no identity %s any more", c.Workflow, by.Identity)
	}
	return c, who, nil
}

// joins refuses a run that is not open, or not of the caller's workflow.
func (t *Threads) joins(tx store.Tx, by *identity.Caller, c *workflow.Compiled, run evidence.RunID) error {
	if _, err := t.Open(tx, by, run); err != nil {
		return err
	}
	return t.StillGood(tx, by, c)
}

// Open is the run, if it is open and of the caller's workflow. Runs of others
// are not found.
func (t *Threads) Open(tx store.Tx, by *identity.Caller, run evidence.RunID) (store.Run, error) {
	r, err := store.Load[store.Run](tx, string(run))
	if err == nil && r.Workflow != by.Workflow {
		err = evidence.Errorf(evidence.NotFound, "", "no such run: %s", run)
	}
	if err != nil {
		return r, err
	}
	if r.Ended != "" {
		return r, evidence.Errorf(evidence.Conflict, "/run", "run %s has ended: begin a new one", run)
	}
	return r, nil
}

// StillGood refuses a caller whose key was revoked, or whose manifest was
// replaced, since they were looked at. Guards call it.
func (t *Threads) StillGood(tx store.Tx, by *identity.Caller, c *workflow.Compiled) error {
	if err := t.people.StillGood(tx, by); err != nil {
		return err
	}
	return t.workflows.StillActive(tx, c)
}

// Origin is how a workload's own records are known: code that acts under an
// identity of its own observes, an agent declares.
func Origin(by *identity.Caller, c *workflow.Compiled, who manifest.Identity) recorder.Origin {
	o := recorder.Origin{
		Tenant: by.Tenant, Submitter: by.Grant, Workflow: c.Ref(), Identity: who.Name, Raise: c.Raise,
		Actor:     evidence.Actor{Kind: who.Kind, Ref: by.Ref},
		Source:    evidence.Source{Name: who.Name, Kind: "api", Version: "1"},
		Assurance: "declared",
	}
	if who.Kind == "workload" {
		o.Assurance = "observed"
	}
	return o
}

// House is the origin of records that the server itself writes about a
// workload's call.
func House(by *identity.Caller, c *workflow.Compiled) recorder.Origin {
	who, _ := c.Identity(by.Identity)
	o := Origin(by, c, who)
	o.House = true
	return o
}
