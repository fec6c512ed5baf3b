package decision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/store"
)

// Engine names what decides: this package and the policy engine beneath it.
// The number is raised when facts are computed or sentences worded otherwise.
const Engine = "evf 1, " + policy.EngineVersion

// Facts computes what policies may rely on when a tool is called with
// arguments of this digest. Its lists are sets, sorted: a request that is read
// back from its record gives the very same.
func (s *State) Facts(tool string, args evidence.Value, digest evidence.Digest) policy.Facts {
	f := policy.Facts{CallsInRun: s.Run.Calls, InitiatorKind: s.Run.Initiator.Kind}
	f.ChecksPassed, f.ChecksFailed, f.ChecksMissing = s.Rules.RequiredChecks(tool, s.outcomes())
	f.ChecksMissing = set(f.ChecksMissing)
	attested := s.attested().values
	f.ArgsUnattested = set(s.unattested(attested, tool, args))
	f.ArgsAttested = len(f.ArgsUnattested) == 0
	s.provenance(attested, tool, args, &f)
	if s.Routed() {
		f.Routed, f.Route = true, set(s.Route.To)
	}
	for _, ap := range s.Usable(digest) {
		f.Approvals = append(f.Approvals, ap.Name)
	}
	f.Approvals = set(f.Approvals)
	return f
}

// CodeStopped is the reason of a denial by a stop order.
const CodeStopped = "stopped"

func set(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// Judge reaches the verdict. What people stopped or refused comes first, then
// the manifest: an action whose shape, tool or caller it does not allow is denied
// before any policy is asked.
func (s *State) Judge(r policy.Request) policy.Verdict {
	if len(s.Stops) > 0 {
		return deny(CodeStopped, "A stop order has been in force since %s: nothing is allowed until it is released.", s.Stops[0].Since)
	}
	for _, ap := range s.Approvals {
		switch {
		case ap.Status == store.ApprovalRejected:
			return deny("approval-rejected", "%s rejected this action.", ap.Role)
		case ap.Status == store.ApprovalExpired, ap.Status != store.ApprovalConsumed && evidence.TimeOf(s.Now) >= ap.Expires:
			return deny("approval-expired", "The approval by a %s was not given and used before %s.", ap.Role, ap.Expires)
		}
	}
	if s.Rules.Mode == manifest.ModeObserve {
		return policy.Verdict{Effect: policy.Allow, Reasons: []policy.Reason{{Code: "observe-mode", Text: "The workflow is in observe mode: no policy was asked."}}}
	}
	t, ok := s.Rules.Tool(r.Tool)
	switch {
	case !ok:
		return deny("unknown-tool", "The workflow declares no such tool.")
	case !s.Identity.MayCall(r.Tool):
		return deny("tool-not-allowed", "Identity %s may not call %s.", s.Identity.Name, r.Tool)
	}
	if problems := t.CheckArgs(r.Args); len(problems) > 0 {
		v := policy.Verdict{Effect: policy.Deny}
		for _, p := range problems[:min(len(problems), 20)] {
			v.Reasons = append(v.Reasons, policy.Reason{Code: "bad-argument", Text: p.Pointer + ": " + p.Message})
		}
		return v
	}
	return s.Rules.traced(t, r, s.Rules.Policies.Evaluate(r))
}

func deny(code, format string, args ...any) policy.Verdict {
	return policy.Verdict{Effect: policy.Deny, Reasons: []policy.Reason{{Code: code, Text: fmt.Sprintf(format, args...)}}}
}

// Authorization is the record of a verdict, as far as it follows from the
// state and the request. The caller adds what does not: the sealed arguments
// and the key that asked.
func (s *State) Authorization(action evidence.ActionID, digest evidence.Digest, r policy.Request, v policy.Verdict) (evidence.AuthorizationDecided, error) {
	asked, err := policy.RequestValue(r)
	if err != nil {
		return evidence.AuthorizationDecided{}, err
	}
	f := r.Facts
	d := evidence.AuthorizationDecided{
		Action: string(action), Tool: s.Rules.Named(r.Tool), ArgsDigest: digest, Document: s.Document,
		Verdict: string(v.Effect), Mode: string(s.Rules.Mode), Policies: policies(v), Reasons: reasons(v), Require: v.Require,
		Facts: evidence.Facts{ChecksPassed: f.ChecksPassed, ChecksFailed: f.ChecksFailed, ChecksMissing: f.ChecksMissing,
			ArgsAttested: f.ArgsAttested, ArgsUnattested: f.ArgsUnattested, ArgsCited: f.ArgsCited, ArgsPerson: f.ArgsPerson, ArgsUnknown: f.ArgsUnknown, ArgsUntrusted: f.ArgsUntrusted,
			Routed: f.Routed, Route: f.Route,
			Approvals: f.Approvals, CallsInRun: f.CallsInRun, InitiatorKind: f.InitiatorKind},
		Identity: r.Identity, PolicySet: s.Rules.Policies.Digest(), Schema: s.Rules.SchemaDigest(),
		Engine: Engine, Request: asked, Summary: summary(r, v), Assurance: s.Rules.Assurance(),
	}
	if s.Effect(d.Verdict) == "allow" {
		for _, ap := range s.Usable(digest) {
			d.Approvals = append(d.Approvals, string(ap.ID))
		}
	}
	return d, nil
}

func policies(v policy.Verdict) (list []evidence.PolicyOutcome) {
	for _, p := range v.Policies {
		list = append(list, evidence.PolicyOutcome{ID: p.ID, Version: p.Version, Effect: p.Effect, Reason: p.Reason, Controls: p.Controls})
	}
	return list
}

func reasons(v policy.Verdict) (list []evidence.Reason) {
	for _, r := range v.Reasons {
		list = append(list, evidence.Reason{Code: r.Code, Text: Clip(r.Text)})
	}
	return list[:min(len(list), 64)]
}

// summary is the safe sentence: a template over typed fields, no arguments.
func summary(r policy.Request, v policy.Verdict) string {
	verb := map[policy.Effect]string{policy.Allow: "allowed", policy.Hold: "held", policy.Deny: "denied"}[v.Effect]
	why := ""
	if len(v.Reasons) > 0 {
		why = ": " + v.Reasons[0].Text
	}
	return Clip(fmt.Sprintf("%s %s for %s%s", r.Tool, verb, r.Identity, why))
}

// Clip bounds a sentence to what a record holds.
func Clip(s string) string {
	const most = 480
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
