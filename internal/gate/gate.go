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
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
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
}

// New makes a Gate.
func New(rec *recorder.Recorder, v *vault.Vault, threads *thread.Threads, now func() time.Time) *Gate {
	return &Gate{rec: rec, vault: v, threads: threads, now: now}
}

// Action is what a caller wants to do. The same id asks about the same action
// again: after a hold, or because an answer was lost.
type Action struct {
	ID   evidence.ActionID
	Run  evidence.RunID
	Tool string // server/name
	Args evidence.Value
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
	if !evidence.IsUUIDv7(string(a.ID)) {
		return nil, evidence.Errorf(evidence.Invalid, "/id", "is not a lower-case UUIDv7")
	}
	if a.Args.Kind() == evidence.Null {
		a.Args, _ = evidence.ObjectValue()
	}
	for range maxTries {
		v, err := g.decide(ctx, by, a)
		if !errors.Is(err, errStale) {
			return v, err
		}
	}
	return nil, evidence.Errorf(evidence.Unavailable, "", "the run changes faster than this action can be decided: try again")
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
		if !reflect.DeepEqual(now, c) {
			return errStale
		}
		return g.threads.StillGood(tx, by, c.workflow)
	}
	if _, err := g.rec.Append(ctx, thread.House(by, c.workflow), batch); err != nil {
		return nil, err
	}
	return d.verdict, nil
}

// batch is everything that one decision writes: approvals spent, the verdict,
// and the start or the questions that follow from it.
func (g *Gate) batch(by *identity.Caller, c *seen, a Action, d *decision) (b recorder.Batch, err error) {
	now := g.now()
	decided := g.draft(evidence.TypeAuthorizationDecided, a.Run, now, d.record)
	d.verdict.Record = decided.ID
	b.Drafts = append(b.Drafts, decided)
	switch d.verdict.Effect {
	case "allow":
		for _, ap := range d.consumed {
			b.Drafts = append([]recorder.Draft{approval.Consume(ap, now)}, b.Drafts...)
		}
		expires := evidence.TimeOf(now.Add(PermitLife))
		b.Drafts = append(b.Drafts, g.draft(evidence.TypeActionStarted, a.Run, now, evidence.ActionStarted{
			Action: string(a.ID), Tool: d.record.Tool, ArgsDigest: d.record.ArgsDigest,
			Execution: d.execution, Expires: expires, Assurance: "enforced"}))
		d.verdict.Expires = expires
		d.verdict.Permit = g.permit(by.Tenant.ID(), a.ID, d.record.ArgsDigest, expires)
	case "hold":
		for _, name := range d.require {
			ask, ap, err := g.ask(c, a, d, name, now)
			if err != nil {
				return b, err
			}
			b.Drafts = append(b.Drafts, ask)
			d.verdict.Approvals = append(d.verdict.Approvals, ap)
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
