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
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/workflow"
)

// decision is a verdict on its way to the record.
type decision struct {
	record    evidence.AuthorizationDecided
	verdict   *Verdict
	require   []string // approvals to ask for
	consumed  []store.Approval
	shown     approval.Presentation // what they are to be shown
	execution string
}

// evaluate reaches the verdict. An action whose shape, tool or caller the
// manifest does not allow is denied before any policy is asked.
func (g *Gate) evaluate(ctx context.Context, by *identity.Caller, s *seen, a Action, salt []byte) (*decision, error) {
	digest, err := evidence.SaltedDigest(salt, a.Args)
	if err != nil {
		return nil, err
	}
	facts, err := g.facts(ctx, by.Tenant, s, a, digest)
	if err != nil {
		return nil, err
	}
	request := policy.Request{Identity: by.Identity, Tool: a.Tool, Args: a.Args, Facts: facts, Now: s.now}
	d := &decision{execution: "caller"}
	verdict := g.judge(s, a, request)
	if err := g.fill(d, by, s, a, salt, request, verdict); err != nil {
		return nil, err
	}
	d.record.ArgsDigest = digest
	if t, ok := s.workflow.Tool(a.Tool); ok && t.Execution == manifest.ExecutionTarget {
		d.execution = "target"
	}
	if d.verdict.Effect == "hold" {
		d.require = verdict.Require
		if d.shown, err = g.present(ctx, by, s, a, d); err != nil {
			return nil, err
		}
	}
	if d.verdict.Effect == "allow" {
		d.consumed = s.usable(digest)
	}
	for _, ap := range d.consumed {
		d.record.Approvals = append(d.record.Approvals, string(ap.ID))
	}
	return d, nil
}

// judge asks the manifest first, then the policies.
func (g *Gate) judge(s *seen, a Action, r policy.Request) policy.Verdict {
	deny := func(code, format string, args ...any) policy.Verdict {
		return policy.Verdict{Effect: policy.Deny, Reasons: []policy.Reason{{Code: code, Text: fmt.Sprintf(format, args...)}}}
	}
	for _, ap := range s.Approvals {
		switch {
		case ap.Status == store.ApprovalRejected:
			return deny("approval-rejected", "%s rejected this action.", ap.Role)
		case ap.Status == store.ApprovalExpired, ap.Status != store.ApprovalConsumed && evidence.TimeOf(s.now) >= ap.Expires:
			return deny("approval-expired", "The approval by a %s was not given and used before %s.", ap.Role, ap.Expires)
		}
	}
	if s.workflow.Mode == manifest.ModeObserve {
		return policy.Verdict{Effect: policy.Allow, Reasons: []policy.Reason{{Code: "observe-mode", Text: "The workflow is in observe mode: no policy was asked."}}}
	}
	t, ok := s.workflow.Tool(a.Tool)
	switch {
	case !ok:
		return deny("unknown-tool", "The workflow declares no such tool.")
	case !s.identity.MayCall(a.Tool):
		return deny("tool-not-allowed", "Identity %s may not call %s.", s.identity.Name, a.Tool)
	}
	if problems := t.CheckArgs(a.Args); len(problems) > 0 {
		v := policy.Verdict{Effect: policy.Deny}
		for _, p := range problems[:min(len(problems), 20)] {
			v.Reasons = append(v.Reasons, policy.Reason{Code: "bad-argument", Text: p.Pointer + ": " + p.Message})
		}
		return v
	}
	return s.workflow.Policies.Evaluate(r)
}

// fill writes down the verdict with all it rests on.
func (g *Gate) fill(d *decision, by *identity.Caller, s *seen, a Action, salt []byte, request policy.Request, v policy.Verdict) error {
	sealed, err := evidence.ObjectValue(
		evidence.Field{Name: "args", Value: a.Args},
		evidence.Field{Name: "salt", Value: evidence.StringValue(base64.RawURLEncoding.EncodeToString(salt))})
	if err != nil {
		return err
	}
	asked, err := policy.RequestValue(request)
	if err != nil {
		return err
	}
	d.verdict = &Verdict{Effect: string(v.Effect), Evaluated: string(v.Effect), Policies: policies(v), Reasons: reasons(v)}
	if s.workflow.Mode != manifest.ModeEnforce {
		d.verdict.Effect = "allow" // evaluated and recorded, never in the way
	}
	d.verdict.Summary = summary(a, v, s)
	f := request.Facts
	d.record = evidence.AuthorizationDecided{
		Action: string(a.ID), Tool: toolOf(s.workflow, a.Tool), Sealed: sealed, Document: s.document,
		Verdict: string(v.Effect), Mode: string(s.workflow.Mode), Policies: d.verdict.Policies, Reasons: d.verdict.Reasons, Require: v.Require,
		Facts: evidence.Facts{ChecksPassed: f.ChecksPassed, ChecksFailed: f.ChecksFailed, ChecksMissing: f.ChecksMissing,
			ArgsAttested: f.ArgsAttested, ArgsUnattested: f.ArgsUnattested, Routed: f.Routed, Route: f.Route,
			Approvals: f.Approvals, CallsInRun: f.CallsInRun, InitiatorKind: f.InitiatorKind},
		Identity: by.Identity, Grant: by.Grant, PolicySet: s.workflow.Policies.Digest(), Schema: s.workflow.SchemaDigest(),
		Engine: policy.EngineVersion, Request: asked, Summary: d.verdict.Summary, Assurance: s.assurance(),
	}
	return nil
}

// assurance is that of what the gate decides: it enforces nothing outside
// enforce mode.
func (s *seen) assurance() string {
	if s.workflow.Mode == manifest.ModeEnforce {
		return "enforced"
	}
	return "observed"
}

// toolOf names a tool with the impact that the manifest gives it.
func toolOf(c *workflow.Compiled, full string) evidence.Tool {
	server, name, _ := strings.Cut(full, "/")
	t, ok := c.Tool(full)
	if !ok {
		return evidence.Tool{Server: server, Name: name, Impact: "unknown"}
	}
	return evidence.Tool{Server: server, Name: name, Impact: string(t.Impact)}
}

func policies(v policy.Verdict) (list []evidence.PolicyOutcome) {
	for _, p := range v.Policies {
		list = append(list, evidence.PolicyOutcome{ID: p.ID, Version: p.Version, Effect: p.Effect, Reason: p.Reason, Controls: p.Controls})
	}
	return list
}

func reasons(v policy.Verdict) (list []evidence.Reason) {
	for _, r := range v.Reasons {
		list = append(list, evidence.Reason{Code: r.Code, Text: clip(r.Text)})
	}
	return list[:min(len(list), 64)]
}

// summary is the safe sentence: a template over typed fields, no arguments.
func summary(a Action, v policy.Verdict, s *seen) string {
	verb := map[policy.Effect]string{policy.Allow: "allowed", policy.Hold: "held", policy.Deny: "denied"}[v.Effect]
	why := ""
	if len(v.Reasons) > 0 {
		why = ": " + v.Reasons[0].Text
	}
	return clip(fmt.Sprintf("%s %s for %s%s", a.Tool, verb, s.identity.Name, why))
}

// question is the safe sentence that an approval is listed by: what is asked
// for and what brought it to a person.
func question(a Action, d *decision) string {
	var why []string
	for _, r := range d.shown.Rules {
		why = append(why, r.Summary)
	}
	if len(why) == 0 {
		why = d.shown.Why
	}
	return clip(a.Tool + ": " + strings.Join(why, " "))
}

func clip(s string) string {
	const most = 480
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
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
	if body.Mode != string(manifest.ModeEnforce) {
		v.Effect = "allow"
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

// waiting are the approvals that a held action still waits for: none where it
// must be decided anew, because all were given, one was refused or came too
// late, or the manifest asks for others now.
func (s *seen) waiting() (list []store.Approval) {
	for _, ap := range s.Approvals {
		switch {
		case ap.Status == store.ApprovalRejected, ap.Status == store.ApprovalExpired, evidence.TimeOf(s.now) >= ap.Expires, !s.asInForce(ap):
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
func (g *Gate) ask(s *seen, a Action, d *decision, name string, now time.Time) (recorder.Draft, store.Approval, error) {
	ap, ok := s.workflow.Approval(name)
	if !ok {
		return recorder.Draft{}, store.Approval{}, fmt.Errorf("manifest %s declares no approval %s", s.workflow.Digest(), name)
	}
	salt := make([]byte, evidence.SaltSize)
	rand.Read(salt)
	r := approval.Request{
		Name: name, Action: a.ID, Tool: d.record.Tool, ArgsDigest: d.record.ArgsDigest,
		Role: ap.Role, Quorum: int64(ap.Quorum), Expires: now.Add(ap.Expires),
		ApartFrom: s.apart(ap.ApartFrom), Summary: question(a, d), Salt: salt, Shown: d.shown,
	}
	draft, id, err := r.Draft(a.Run, now)
	return draft, store.Approval{ID: id, Name: name, Action: a.ID, Run: a.Run, Role: ap.Role, Quorum: int64(ap.Quorum),
		Status: store.ApprovalWaiting, Expires: evidence.TimeOf(r.Expires), Summary: r.Summary}, err
}
