package gate

import (
	"context"
	"crypto/subtle"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
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
	var c *workflow.Compiled
	var act store.Action
	var found bool
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		server, _, _ := strings.Cut(r.Tool, "/")
		standing, who, err := g.threads.Standing(tx, by)
		if err != nil {
			return err
		}
		if c = standing; !who.MayRedeem(server) {
			return evidence.Errorf(evidence.Denied, "", "identity %s redeems no permits of %s", who.Name, server)
		}
		act, err = store.Load[store.Action](tx, string(r.Action))
		if err == nil {
			run, err := store.Load[store.Run](tx, string(act.Run))
			found = err == nil && run.Workflow == by.Workflow
		}
		if evidence.KindOf(err) == evidence.NotFound {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	code, err := g.holds(ctx, by, r, act, found)
	if err != nil {
		return err
	}
	if code == "" {
		code, err = g.spend(ctx, by, c, r, act)
	}
	if err != nil || code == "" {
		return err
	}
	return g.refuse(ctx, by, c, r, act, found, code)
}

// holds says what is wrong with a permit, "" for nothing.
func (g *Gate) holds(ctx context.Context, by *identity.Caller, r Redemption, act store.Action, found bool) (code string, err error) {
	want := g.permit(by.Tenant.ID(), r.Action, act.ArgsDigest, act.Expires)
	good := subtle.ConstantTimeCompare([]byte(want), []byte(r.Permit)) == 1
	switch {
	case !found, r.Run != "" && r.Run != act.Run:
		return "no-such-action", nil
	case !good || act.Expires == "":
		return "wrong-permit", nil
	case act.Server+"/"+act.Tool != r.Tool:
		return "wrong-tool", nil
	}
	o, err := g.decided(ctx, by.Tenant, act.Decided)
	if err != nil {
		return "", err
	}
	if _, err := sameArgs(o, act.ArgsDigest, r.Args); evidence.KindOf(err) == evidence.Conflict && err != nil {
		return "wrong-args", nil
	} else if err != nil {
		return "", err
	}
	return late(act, evidence.TimeOf(g.now())), nil
}

// late says whether a good permit comes too late.
func late(act store.Action, now evidence.Time) string {
	switch {
	case act.Status != store.ActionStarted:
		return "spent"
	case now >= act.Expires:
		return "expired"
	}
	return ""
}

// spend records the redemption; the state is looked at again in the same
// transaction, so that of two redeemers at once one is told "spent".
func (g *Gate) spend(ctx context.Context, by *identity.Caller, c *workflow.Compiled, r Redemption, act store.Action) (code string, err error) {
	body := evidence.ActionRedeemed{Action: string(act.ID), Tool: g.toolOf(c, r.Tool), ArgsDigest: act.ArgsDigest, Redeemer: by.Identity, Assurance: "enforced"}
	_, err = g.rec.Append(ctx, thread.House(by, c), recorder.Batch{
		Drafts: []recorder.Draft{g.draft(evidence.TypeActionRedeemed, act.Run, g.now(), body)},
		Guard: func(tx store.Tx) error {
			now, err := store.Load[store.Action](tx, string(act.ID))
			if err != nil {
				return err
			}
			if code = late(now, evidence.TimeOf(g.now())); code != "" {
				return errStale
			}
			return g.threads.StillGood(tx, by, c)
		},
	})
	if code != "" {
		return code, nil
	}
	return "", err
}

func (g *Gate) refuse(ctx context.Context, by *identity.Caller, c *workflow.Compiled, r Redemption, act store.Action, found bool, code string) error {
	body := evidence.ActionRefused{Tool: g.toolOf(c, r.Tool), Code: code, Redeemer: by.Identity, Assurance: "enforced"}
	var run evidence.RunID
	if found {
		run, body.Action = act.Run, string(act.ID)
	}
	if _, err := g.rec.Append(ctx, thread.House(by, c), recorder.Batch{Drafts: []recorder.Draft{g.draft(evidence.TypeActionRefused, run, g.now(), body)}}); err != nil {
		return err
	}
	return evidence.Errorf(evidence.Denied, "/permit", "is not good for this call (%s): ask the gate for leave", code)
}

func (g *Gate) toolOf(c *workflow.Compiled, name string) evidence.Tool {
	return tool(&seen{workflow: c}, Action{Tool: name})
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

// Done records an outcome and closes the action. What the caller says stays
// declared until a read-back says the same.
func (g *Gate) Done(ctx context.Context, by *identity.Caller, action evidence.ActionID, out Outcome) (store.Placed, error) {
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
