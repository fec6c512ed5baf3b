// Package thread keeps runs and what belongs to them: a run begins under a
// registered workflow and goes back to its initiator; only its own workflow's
// identities join it, each with the types of record that the manifest gives
// it; and its records are read back in order as one story.
package thread

import (
	"context"
	"errors"
	"slices"
	"strconv"
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
	if have.Identity == who.Name || len(Counted(c, have)) == 0 {
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
		return nil // the recorder says so, in its words
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
	if (len(checks.Elems()) == 0 || len(attests.Elems()) > 0) && !Vouches(who, suite.Text()) {
		return evidence.Errorf(evidence.Denied, "/body/suite", "identity %s may not record the whole of this suite, which attesting takes: the manifest does not list it", who.Name)
	}
	return nil
}

// Counted are the outcomes of a result, by id, that its author may still record
// under the manifest in force: a result is worth what its author is.
func Counted(c *workflow.Compiled, result store.Check) map[string]string {
	who, _ := c.Identity(result.Identity)
	counted := map[string]string{}
	for id, outcome := range result.Outcomes {
		if who.MayCheck(id) {
			counted[id] = outcome
		}
	}
	return counted
}

// Vouches reports whether an identity may record a whole suite, and so attest
// values under its name.
func Vouches(who manifest.Identity, suite string) bool { return who.MayCheck(suite + "/*") }

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

// List reads a tenant's runs in order of id, that is of time, after the one
// given.
func (t *Threads) List(ctx context.Context, tenant store.Tenant, workflow string, after evidence.RunID, limit int) (list []store.Run, err error) {
	err = tenant.View(ctx, func(tx store.Tx) error {
		list, err = store.LoadAll[store.Run](tx, workflow, "", string(after), limit)
		return err
	})
	return list, err
}

// maxRun bounds the records of a run that are read into one story.
const maxRun = 10000

// Story reads a run and all its records, opened as far as the vault still can.
// Where a workflow is given, runs of others are not found.
func (t *Threads) Story(ctx context.Context, tenant store.Tenant, workflow string, run evidence.RunID) (r store.Run, story []*recorder.Opened, err error) {
	var rows []store.Row
	err = tenant.View(ctx, func(tx store.Tx) error {
		if r, err = store.Load[store.Run](tx, string(run)); err != nil {
			return err
		}
		if workflow != "" && r.Workflow != workflow {
			return evidence.Errorf(evidence.NotFound, "", "no such run: %s", run)
		}
		rows, err = tx.RunRows(run, 0, maxRun+1)
		return err
	})
	if err != nil {
		return r, nil, err
	}
	if len(rows) > maxRun {
		return r, nil, evidence.Errorf(evidence.Invalid, "", "run %s has more than %d records", run, maxRun)
	}
	for _, row := range rows {
		o, err := t.rec.Open(ctx, tenant.ID(), row)
		if err != nil {
			return r, nil, err
		}
		story = append(story, o)
	}
	return r, story, nil
}
