package gate

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/workflow"
)

// Redemption is a target asking whether it may act.
type Redemption struct {
	Action evidence.ActionID
	Run    evidence.RunID // as the caller told the target; "" where it did not
	Permit string
	Tool   string
	Args   evidence.Value // as the target received them
}

// Redeem spends a permit. Nil means: act now, once. Every refusal is
// evidence.Denied and a record of its own; nothing about the permit is told.
func (g *Gate) Redeem(ctx context.Context, by *identity.Caller, r Redemption) error {
	r.Args = orEmpty(r.Args)
	if !toolForm.MatchString(r.Tool) {
		return evidence.Errorf(evidence.Invalid, "/tool", "is not written server/tool")
	}
	var l leave
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		l, err = g.leaveFor(tx, by, r)
		return err
	})
	if err != nil {
		return err
	}
	code, err := g.holds(ctx, by, r, l)
	if err != nil {
		return err
	}
	if code == "" {
		code, err = g.spend(ctx, by, r, l)
	}
	if err != nil || code == "" {
		return err
	}
	return g.refuse(ctx, by, r, l, code)
}

// leave is what is known of the permit that a redeemer brings.
type leave struct {
	workflow *workflow.Compiled
	who      manifest.Identity
	act      store.Action
	run      store.Run
	found    bool // the action is one of the redeemer's workflow
	revoked  bool // the permit's holder has lost their key, or the tool
	stopped  bool // a stop order is in force
}

func (g *Gate) leaveFor(tx store.Tx, by *identity.Caller, r Redemption) (l leave, err error) {
	if l.workflow, l.who, err = g.threads.Standing(tx, by); err != nil {
		return l, err
	}
	if l.act, err = store.Load[store.Action](tx, string(r.Action)); err == nil {
		l.run, err = store.Load[store.Run](tx, string(l.act.Run))
		l.found = err == nil && l.run.Workflow == by.Workflow
	}
	if err != nil && evidence.KindOf(err) == evidence.NotFound {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	stops, err := decision.Stops(tx, by.Workflow)
	if err != nil {
		return l, err
	}
	l.stopped = len(stops) > 0
	holder, err := store.Load[store.Grant](tx, l.act.Grant)
	if err != nil {
		return l, err
	}
	who, ok := l.workflow.Identity(l.act.Identity)
	l.revoked = holder.Revoked || l.workflow.Mode == manifest.ModeEnforce && !(ok && who.MayCall(l.act.Server+"/"+l.act.Tool))
	return l, nil
}

// holds says what is wrong with a permit, "" for nothing.
func (g *Gate) holds(ctx context.Context, by *identity.Caller, r Redemption, l leave) (code string, err error) {
	want := g.permit(by.Tenant.ID(), r.Action, l.act.ArgsDigest, l.act.Expires)
	good := subtle.ConstantTimeCompare([]byte(want), []byte(r.Permit)) == 1
	server, _, _ := strings.Cut(r.Tool, "/")
	switch {
	case !l.who.MayRedeem(server):
		return "wrong-tool", nil // not this redeemer's to carry out
	case !l.found, r.Run != "" && r.Run != l.act.Run:
		return "no-such-action", nil
	case !good || l.act.Expires == "":
		return "wrong-permit", nil
	case l.act.Server+"/"+l.act.Tool != r.Tool:
		return "wrong-tool", nil
	}
	o, err := g.decided(ctx, by.Tenant, l.act.Decided)
	if err != nil {
		return "", err
	}
	if _, err := sameArgs(o, l.act.ArgsDigest, r.Args); err != nil && evidence.KindOf(err) == evidence.Conflict {
		return "wrong-args", nil
	} else if err != nil {
		return "", err
	}
	return l.late(evidence.TimeOf(g.now())), nil
}

// late says whether a good permit comes too late. The end of a run ends its
// permits, and so does the end of the leave of whoever holds them.
func (l leave) late(now evidence.Time) string {
	switch {
	case l.act.Status != store.ActionStarted:
		return "spent"
	case now >= l.act.Expires, l.run.Ended != "":
		return "expired"
	case l.revoked:
		return "revoked"
	case l.stopped:
		return "stopped"
	}
	return ""
}

// tooLate is why a guard refuses to spend a permit.
type tooLate string

func (code tooLate) Error() string { return "the permit is " + string(code) }

// spend records the redemption; the state is looked at again in the same
// transaction, so that of two redeemers at once one is told "spent".
func (g *Gate) spend(ctx context.Context, by *identity.Caller, r Redemption, l leave) (code string, err error) {
	body := evidence.ActionRedeemed{Action: string(l.act.ID), Tool: l.workflow.Named(r.Tool), ArgsDigest: l.act.ArgsDigest, Redeemer: by.Identity, Assurance: "enforced"}
	_, err = g.rec.Append(ctx, thread.House(by, l.workflow), recorder.Batch{
		Drafts: []recorder.Draft{g.draft(evidence.TypeActionRedeemed, l.act.Run, g.now(), body)},
		Guard: func(tx store.Tx) error {
			now, err := g.leaveFor(tx, by, r)
			if err != nil {
				return err
			}
			if code := now.late(evidence.TimeOf(g.now())); code != "" {
				return tooLate(code)
			}
			return g.threads.StillGood(tx, by, l.workflow)
		},
	})
	var refused tooLate
	if errors.As(err, &refused) {
		return string(refused), nil
	}
	return "", err
}

func (g *Gate) refuse(ctx context.Context, by *identity.Caller, r Redemption, l leave, code string) error {
	body := evidence.ActionRefused{Tool: l.workflow.Named(r.Tool), Code: code, Redeemer: by.Identity, Assurance: "enforced"}
	var run evidence.RunID
	if l.found {
		run, body.Action = l.act.Run, string(l.act.ID)
	}
	if _, err := g.rec.Append(ctx, thread.House(by, l.workflow), recorder.Batch{Drafts: []recorder.Draft{g.draft(evidence.TypeActionRefused, run, g.now(), body)}}); err != nil {
		return err
	}
	return evidence.Errorf(evidence.Denied, "/permit", "is not good for this call (%s): ask the gate for leave", code)
}

// Outcome is what a caller says came of an action.
type Outcome struct {
	ID       evidence.RecordID // idempotency key
	Occurred evidence.Time
	Status   string // succeeded, failed, refused or unknown
	Attempts int64
	Code     string
	Message  string
	Response evidence.Value
}

// maxAttempts bounds what a caller may say of how often it tried.
const maxAttempts = 1_000_000

// Done records an outcome and closes the action. What the caller says stays
// declared until a read-back says the same.
func (g *Gate) Done(ctx context.Context, by *identity.Caller, action evidence.ActionID, out Outcome) (store.Placed, error) {
	if out.Attempts < 0 || out.Attempts > maxAttempts {
		return store.Placed{}, evidence.Errorf(evidence.Invalid, "/attempts", "is not a number from 0 to %d", maxAttempts)
	}
	var c *workflow.Compiled
	var act store.Action
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		if c, _, err = g.threads.Standing(tx, by); err != nil {
			return err
		}
		act, err = g.own(tx, by, action)
		return err
	})
	if err != nil {
		return store.Placed{}, err
	}
	if err := keepable("/response", out.Response); err != nil {
		return store.Placed{}, err
	}
	o := thread.House(by, c)
	body := evidence.ActionFinished{Action: string(action), Status: out.Status, Attempts: out.Attempts, Code: out.Code,
		Message: out.Message, Response: out.Response, Assurance: o.Assurance}
	o.Submitter = by.Grant
	placed, err := g.rec.Append(ctx, o, recorder.Batch{
		Drafts: []recorder.Draft{{ID: out.ID, Type: evidence.TypeActionFinished, Occurred: out.Occurred, Run: act.Run, Body: evidence.Body(body)}},
		Guard: func(tx store.Tx) error {
			now, err := g.own(tx, by, action)
			if err != nil {
				return err
			}
			if now.Status != store.ActionStarted && now.Status != store.ActionRedeemed {
				return evidence.Errorf(evidence.Conflict, "", "action %s is %s: there is no outcome to record", action, now.Status)
			}
			return g.threads.StillGood(tx, by, c)
		},
	})
	if err != nil {
		return store.Placed{}, err
	}
	return placed[0], nil
}

// own is an action that the caller's identity asked for.
func (g *Gate) own(tx store.Tx, by *identity.Caller, id evidence.ActionID) (store.Action, error) {
	act, err := store.Load[store.Action](tx, string(id))
	if err != nil {
		return act, err
	}
	run, err := store.Load[store.Run](tx, string(act.Run))
	if err != nil {
		return act, err
	}
	if run.Workflow != by.Workflow || act.Identity != by.Identity {
		return act, evidence.Errorf(evidence.NotFound, "", "no such action: %s", id)
	}
	return act, nil
}
