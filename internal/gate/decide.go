package gate

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// judged is a decision on its way to the record.
type judged struct {
	record    evidence.AuthorizationDecided
	answer    *Verdict
	consumed  []store.Approval
	shown     approval.Presentation // what people are to be shown
	initiator evidence.Person       // and whose name beside it
	execution string
}

// evaluate reaches the verdict and writes it down with all it rests on.
func (g *Gate) evaluate(ctx context.Context, by *identity.Caller, s *seen, a Action, salt []byte) (*judged, error) {
	digest, err := evidence.SaltedDigest(salt, a.Args)
	if err != nil {
		return nil, err
	}
	if err := g.read(ctx, by.Tenant, s); err != nil {
		return nil, err
	}
	s.Sources = a.Sources
	request := policy.Request{Identity: by.Identity, Tool: a.Tool, Args: a.Args, Facts: s.Facts(a.Tool, a.Args, digest), Now: s.Now}
	v := s.Judge(request)
	d := &judged{execution: "caller"}
	if d.record, err = s.Authorization(a.ID, digest, request, v); err != nil {
		return nil, err
	}
	d.record.Grant = by.Grant
	if d.record.Sealed, err = sealed(a.Args, salt); err != nil {
		return nil, err
	}
	d.answer = &Verdict{Effect: s.Effect(d.record.Verdict), Evaluated: d.record.Verdict,
		Policies: d.record.Policies, Reasons: d.record.Reasons, Summary: d.record.Summary}
	if t, ok := s.workflow.Tool(a.Tool); ok && t.Execution == manifest.ExecutionTarget {
		d.execution = "target"
	}
	switch d.answer.Effect {
	case "hold":
		err = g.present(ctx, by, s, a, d)
	case "allow":
		d.consumed = s.Usable(digest)
	}
	return d, err
}

// sealed are arguments beside the salt of their digest.
func sealed(args evidence.Value, salt []byte) (evidence.Value, error) {
	return evidence.ObjectValue(
		evidence.Field{Name: "args", Value: args},
		evidence.Field{Name: "salt", Value: evidence.StringValue(base64.RawURLEncoding.EncodeToString(salt))})
}

// question is the safe sentence that an approval is listed by: what is asked
// for and what brought it to a person.
func question(a Action, d *judged) string {
	var why []string
	for _, r := range d.shown.Rules {
		why = append(why, r.Summary)
	}
	if len(why) == 0 {
		why = d.shown.Why
	}
	return decision.Clip(a.Tool + ": " + strings.Join(why, " "))
}

// again answers about an action that was asked for before. It is done unless
// the hold has ended and the action must be decided anew, under the salt that
// its digest was made with.
func (g *Gate) again(ctx context.Context, by *identity.Caller, s *seen, a Action, salt *[]byte) (v *Verdict, done bool, err error) {
	first, err := g.decided(ctx, by.Tenant, s.Action.Decided)
	if err != nil {
		return nil, true, err
	}
	if *salt, err = sameArgs(first, s.Action.ArgsDigest, a.Args); err != nil {
		return nil, true, err
	}
	body, err := evidence.Decode[evidence.AuthorizationDecided](first.Full)
	if err != nil {
		return nil, true, err
	}
	v = &Verdict{Effect: body.Verdict, Evaluated: body.Verdict, Reasons: body.Reasons, Policies: body.Policies, Summary: body.Summary, Record: first.Record.ID}
	if body.Mode != string(manifest.ModeEnforce) && !stopped(body.Reasons) {
		v.Effect = "allow"
	}
	if len(s.Stops) > 0 && v.Effect == "allow" {
		return nil, true, evidence.Errorf(evidence.Denied, "", "a stop order came after this action was allowed: its permit is no leave any more")
	}
	switch s.Action.Status {
	case store.ActionHeld:
		if v.Approvals = s.waiting(); len(v.Approvals) == 0 {
			return nil, false, nil
		}
	case store.ActionStarted, store.ActionRedeemed, store.ActionFinished:
		v.Expires = s.Action.Expires
		v.Permit = g.permit(by.Tenant.ID(), a.ID, s.Action.ArgsDigest, v.Expires)
	}
	return v, true, nil
}

// stopped reports whether a verdict was a stop order's.
func stopped(reasons []evidence.Reason) bool {
	return len(reasons) > 0 && reasons[0].Code == decision.CodeStopped
}

// waiting are the approvals that a held action still waits for: none where it
// must be decided anew, because all were given, one was refused or came too
// late, or the manifest asks for others now.
func (s *seen) waiting() (list []store.Approval) {
	for _, ap := range s.Approvals {
		switch {
		case ap.Status == store.ApprovalRejected, ap.Status == store.ApprovalExpired, evidence.TimeOf(s.Now) >= ap.Expires, !s.AsInForce(ap):
			return nil
		case ap.Status == store.ApprovalWaiting:
			list = append(list, ap)
		}
	}
	return list
}

// decided opens the authorization.decided at seq.
func (g *Gate) decided(ctx context.Context, t store.Tenant, seq uint64) (*recorder.Opened, error) {
	var rows []store.Row
	err := t.View(ctx, func(tx store.Tx) (err error) {
		rows, err = tx.Rows(seq, 1)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("record %d is gone from the store: run fsck", seq)
	}
	return g.rec.Open(ctx, t.ID(), rows[0])
}

// sameArgs holds arguments against the digest that an action was decided on,
// and returns its salt.
func sameArgs(o *recorder.Opened, want evidence.Digest, args evidence.Value) ([]byte, error) {
	sealed, _ := o.Full.Get("sealed_args")
	text, ok := sealed.Get("salt")
	if !ok {
		return nil, evidence.Errorf(evidence.Conflict, "/id", "what this action was decided on has been erased: use a new id")
	}
	salt, err := base64.RawURLEncoding.DecodeString(text.Text())
	if err != nil {
		return nil, err
	}
	got, err := evidence.SaltedDigest(salt, args)
	if err != nil {
		return nil, err
	}
	if got != want {
		return nil, evidence.Errorf(evidence.Conflict, "/args", "are not those this action was decided on: use a new id")
	}
	return salt, nil
}

// ask makes the request for one approval that a hold needs.
func (g *Gate) ask(s *seen, a Action, d *judged, name string, now time.Time) (recorder.Draft, store.Approval, error) {
	ap, ok := s.workflow.Approval(name)
	if !ok {
		return recorder.Draft{}, store.Approval{}, fmt.Errorf("manifest %s declares no approval %s", s.workflow.Digest(), name)
	}
	salt := make([]byte, evidence.SaltSize)
	rand.Read(salt)
	r := approval.Request{
		Name: name, Action: a.ID, Tool: d.record.Tool, ArgsDigest: d.record.ArgsDigest,
		Role: ap.Role, Quorum: int64(ap.Quorum), Expires: now.Add(ap.Expires),
		ApartFrom: s.Apart(ap.ApartFrom), Summary: question(a, d), Salt: salt, Shown: d.shown, Initiator: d.initiator,
	}
	draft, id, err := r.Draft(a.Run, now)
	return draft, store.Approval{ID: id, Name: name, Action: a.ID, Run: a.Run, Role: ap.Role, Quorum: int64(ap.Quorum),
		Status: store.ApprovalWaiting, Expires: evidence.TimeOf(r.Expires), Summary: r.Summary}, err
}
