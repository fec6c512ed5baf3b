// Package gate is the enforcement point. Before decides one action: it
// computes the facts by itself, evaluates the workflow's policies, and records
// the verdict; only when that record is durable does a permit leave. Redeem
// spends a permit at the target, once, for exactly the arguments it was given
// for. Done records what came of it.
//
// Whatever cannot be computed, evaluated or recorded is a no.
package gate

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"hash/maphash"
	"regexp"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/vault"
)

// PermitLife is how long a permit can be redeemed.
const PermitLife = 5 * time.Minute

// Gate decides actions. It is safe for concurrent use.
type Gate struct {
	rec     *recorder.Recorder
	vault   *vault.Vault
	threads *thread.Threads
	now     func() time.Time

	seed  maphash.Seed
	turns [1024]sync.Mutex // see turn
}

// New makes a Gate.
func New(rec *recorder.Recorder, v *vault.Vault, threads *thread.Threads, now func() time.Time) *Gate {
	return &Gate{rec: rec, vault: v, threads: threads, now: now, seed: maphash.MakeSeed()}
}

// Action is what a caller wants to do. Null arguments are none. The same id asks about the same action
// again: after a hold, or because an answer was lost.
type Action struct {
	ID   evidence.ActionID
	Run  evidence.RunID
	Tool string // server/name
	Args evidence.Value
	// Sources are the texts that the arguments may come from. They are
	// compared and not kept, so an answer to a held action goes by those that
	// come with the last request.
	Sources decision.Sources
}

// Verdict is the gate's answer.
type Verdict struct {
	Effect    string // allow, hold or deny: what the caller must heed
	Evaluated string // the policies' verdict; differs from Effect outside enforce mode
	Reasons   []evidence.Reason
	Policies  []evidence.PolicyOutcome
	Summary   string
	Permit    string // with allow
	Expires   evidence.Time
	Approvals []store.Approval // with hold
	Record    evidence.RecordID
}

// errStale says that what a decision rested on moved while it was made.
var errStale = errors.New("state changed while deciding")

// maxTries bounds how often a decision is made anew because the state moved.
const maxTries = 16

// Before decides whether an action may run. A permit in the answer means that
// authorization and start are on stable storage.
func (g *Gate) Before(ctx context.Context, by *identity.Caller, a Action) (*Verdict, error) {
	a.Args = orEmpty(a.Args)
	if err := a.check(); err != nil {
		return nil, err
	}
	defer g.turn(a.Run)()
	return settled(func() (*Verdict, error) { return g.decide(ctx, by, a) })
}

// turn waits for the decisions of a run that came first: an allowed action
// changes what the next one rests on, so that deciding many at once would only
// mean deciding them again.
func (g *Gate) turn(run evidence.RunID) (done func()) {
	m := &g.turns[maphash.String(g.seed, string(run))%uint64(len(g.turns))]
	m.Lock()
	return m.Unlock
}

// settled decides until nothing moves while deciding.
func settled[T any](decide func() (T, error)) (out T, err error) {
	for range maxTries {
		if out, err = decide(); !errors.Is(err, errStale) {
			return out, err
		}
	}
	return out, evidence.Errorf(evidence.Unavailable, "", "the run changes faster than it can be decided on: try again")
}

var toolForm = regexp.MustCompile(`^[a-z0-9-]{1,63}/[A-Za-z0-9_.-]{1,128}$`)

// check refuses what no record could hold. What merely is not allowed is
// decided on, and recorded.
func (a *Action) check() error {
	switch {
	case !evidence.IsUUIDv7(string(a.ID)):
		return evidence.Errorf(evidence.Invalid, "/id", "is not a lower-case UUIDv7")
	case !evidence.IsUUIDv7(string(a.Run)):
		return evidence.Errorf(evidence.Invalid, "/run", "is not a lower-case UUIDv7")
	case !toolForm.MatchString(a.Tool):
		return evidence.Errorf(evidence.Invalid, "/tool", "is not written server/tool")
	case a.Args.Kind() != evidence.Object:
		return evidence.Errorf(evidence.Invalid, "/args", "is a %s, an object is expected", a.Args.Kind())
	}
	return keepable("/args", a.Args)
}

// orEmpty reads absent arguments as none.
func orEmpty(args evidence.Value) evidence.Value {
	if args.Kind() == evidence.Null {
		args, _ = evidence.ObjectValue()
	}
	return args
}

// maxNesting leaves room for what a value is put into: arguments stand four
// levels deep where a person is shown them, and are read back within
// evidence.MaxDepth.
const maxNesting = 32

// keepable refuses a caller's value that could be recorded and then not be
// read back, or not be put in a packet, or that must never be stored.
func keepable(at string, v evidence.Value) error {
	switch {
	case v.Kind() == evidence.Null:
		return nil
	case len(v.Canonical()) > evidence.MaxRecord:
		return evidence.Errorf(evidence.Invalid, at, "is larger than %d bytes: send the digest of larger content", evidence.MaxRecord)
	case nesting(v) > maxNesting:
		return evidence.Errorf(evidence.Invalid, at, "is nested deeper than %d levels", maxNesting)
	}
	open := evidence.Shape{Open: true}
	if err := open.Check(at, v); err != nil {
		return err
	}
	return recorder.CheckOpen(at, v)
}

func nesting(v evidence.Value) (deepest int) {
	if v.Kind() != evidence.Array && v.Kind() != evidence.Object {
		return 0
	}
	for _, e := range v.Elems() {
		deepest = max(deepest, nesting(e))
	}
	for _, f := range v.Fields() {
		deepest = max(deepest, nesting(f.Value))
	}
	return deepest + 1
}

func (g *Gate) decide(ctx context.Context, by *identity.Caller, a Action) (*Verdict, error) {
	began := time.Now() // a duration, not a time that anything depends on
	var c *seen
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		c, err = g.look(tx, by, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Now = g.now()
	salt := make([]byte, evidence.SaltSize)
	rand.Read(salt)
	if c.Action != nil {
		if v, done, err := g.again(ctx, by, c, a, &salt); done || err != nil {
			return v, err
		}
	}
	d, err := g.evaluate(ctx, by, c, a, salt)
	if err != nil {
		return nil, err
	}
	d.record.LatencyUS = time.Since(began).Microseconds()
	batch, err := g.batch(by, c, a, d)
	if err != nil {
		return nil, err
	}
	batch.Guard = func(tx store.Tx) error {
		now, err := g.look(tx, by, a)
		if err != nil {
			return err
		}
		if !now.same(c) {
			return errStale
		}
		return g.threads.StillGood(tx, by, c.workflow)
	}
	if _, err := g.rec.Append(ctx, thread.House(by, c.workflow), batch); err != nil {
		return nil, err
	}
	return d.answer, nil
}

// batch is everything that one decision writes: approvals spent, the verdict,
// and the start or the questions that follow from it.
func (g *Gate) batch(by *identity.Caller, c *seen, a Action, d *judged) (b recorder.Batch, err error) {
	now := c.Now
	decided := g.draft(evidence.TypeAuthorizationDecided, a.Run, now, d.record)
	d.answer.Record = decided.ID
	b.Drafts = append(b.Drafts, decided)
	switch d.answer.Effect {
	case "allow":
		for _, ap := range d.consumed {
			b.Drafts = append([]recorder.Draft{approval.Consume(ap, now)}, b.Drafts...)
		}
		expires := evidence.TimeOf(now.Add(PermitLife))
		b.Drafts = append(b.Drafts, g.draft(evidence.TypeActionStarted, a.Run, now, evidence.ActionStarted{
			Action: string(a.ID), Tool: d.record.Tool, ArgsDigest: d.record.ArgsDigest,
			Execution: d.execution, Expires: expires, Assurance: d.record.Assurance}))
		d.answer.Expires = expires
		d.answer.Permit = g.permit(by.Tenant.ID(), a.ID, d.record.ArgsDigest, expires)
	case "hold":
		for _, name := range d.record.Require {
			ask, ap, err := g.ask(c, a, d, name, now)
			if err != nil {
				return b, err
			}
			b.Drafts = append(b.Drafts, ask)
			d.answer.Approvals = append(d.answer.Approvals, ap)
		}
	}
	return b, nil
}

func (g *Gate) draft(t evidence.Type, run evidence.RunID, now time.Time, body any) recorder.Draft {
	return recorder.Draft{ID: evidence.RecordID(uuid.Must(uuid.NewV7()).String()), Type: t, Run: run, Occurred: evidence.TimeOf(now), Body: evidence.Body(body)}
}

// permit is recomputed, never stored: a MAC over what it allows.
func (g *Gate) permit(t evidence.TenantID, a evidence.ActionID, args evidence.Digest, expires evidence.Time) string {
	return base64.RawURLEncoding.EncodeToString(g.vault.MAC(t, "permit", []byte(a), []byte(args), []byte(expires)))
}
