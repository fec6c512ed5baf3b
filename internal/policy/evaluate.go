package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// Effect is what a Verdict says about a call.
type Effect string

// The effects, in rising order of weight.
const (
	Allow Effect = "allow" // it may run
	Hold  Effect = "hold"  // it may run once the approvals in Verdict.Require are given
	Deny  Effect = "deny"
)

// Codes of a Reason.
const (
	CodePermitted        = "permitted"         // a permit applies
	CodeApprovalRequired = "approval-required" // a permit applies that asks for an approval
	CodeForbidden        = "forbidden"         // a forbid applies
	CodeNoPolicy         = "no-policy"         // no permit applies
	CodeNotRouted        = "not-routed"        // a permit leaves it to the routing, and there was none
	CodeInvalidRequest   = "invalid-request"   // the call does not fit the workflow's schema
	CodePolicyError      = "policy-error"      // a policy could not be evaluated
)

// maxReasons is how many reasons a record of the verdict holds.
const maxReasons = 64

// Verdict is the judgement of one Request.
type Verdict struct {
	Effect   Effect
	Policies []Determining // those that decided, in the order of the text
	Require  []string      // approvals still outstanding, each once; only with Hold
	Reasons  []Reason      // 1 to 64; no argument's value stands in them
}

// Determining is one policy that decided: on an allow or a hold every permit
// that applied, on a deny every forbid that applied, on a policy error every
// policy that erred.
type Determining struct {
	ID, Version string
	Effect      string // permit or forbid
	Reason      string
	Controls    []string
}

// Reason says why, to a program and to a person.
type Reason struct {
	Code string
	Text string
}

// Evaluate judges r. It never errs and never lets an error pass as leave:
// whatever cannot be evaluated is denied, with the reason.
func (s *Set) Evaluate(r Request) Verdict {
	v := s.judge(r)
	v.Reasons = v.Reasons[:min(len(v.Reasons), maxReasons)]
	return v
}

func (s *Set) judge(r Request) Verdict {
	request, err := s.request(r)
	if err != nil {
		return deny(CodeInvalidRequest, err.Error())
	}
	decision, diagnostic := cedar.Authorize(inOrder(s.clauses), s.entities, request)
	switch {
	case len(diagnostic.Errors) > 0:
		return s.erred(diagnostic.Errors)
	case decision == cedar.Allow:
		return permitted(r.Facts, s.determining(diagnostic.Reasons))
	case len(diagnostic.Reasons) > 0:
		return forbidden(s.determining(diagnostic.Reasons))
	}
	return deny(CodeNoPolicy, fmt.Sprintf("no policy permits identity %s to call %s", r.Identity, r.Tool))
}

func deny(code, text string) Verdict {
	return Verdict{Effect: Deny, Reasons: []Reason{{Code: code, Text: text}}}
}

// request turns r into Cedar's terms and checks it against the schema.
func (s *Set) request(r Request) (types.Request, error) {
	tool, known := s.tools[r.Tool]
	switch {
	case !s.identities[r.Identity]:
		return types.Request{}, errors.New("the caller is no identity of this workflow")
	case !known:
		return types.Request{}, errors.New("the tool is not declared by this workflow")
	}
	if err := r.check(); err != nil {
		return types.Request{}, err
	}
	for _, name := range slices.Concat(r.Facts.Route, r.Facts.Approvals) {
		if !s.approvals[name] {
			return types.Request{}, errors.New("facts: route or approvals name an approval that the workflow does not declare")
		}
	}
	args, err := argsRecord(tool, r.Args)
	if err != nil {
		return types.Request{}, err
	}
	request := types.Request{
		Principal: types.NewEntityUID(typeIdentity, types.String(r.Identity)),
		Action:    types.NewEntityUID(typeAction, types.String(r.Tool)),
		Resource:  types.NewEntityUID(typeTool, types.String(r.Tool)),
		Context: types.NewRecord(types.RecordMap{
			"args": args, "facts": r.Facts.record(), "now": types.Long(r.Now.UnixMilli()),
		}),
	}
	if s.validator.Request(request) != nil { // its text would quote the arguments
		return types.Request{}, errors.New("the request does not fit the workflow's schema")
	}
	return request, nil
}

// determining are the policies that the engine named.
func (s *Set) determining(reasons []types.DiagnosticReason) []*clause {
	clauses := make([]*clause, len(reasons))
	for i, r := range reasons {
		clauses[i] = s.clause(r.PolicyID)
	}
	return clauses
}

// erred denies: a forbid may be among the policies that could not speak. The
// engine's own message may quote arguments, so it is left out.
func (s *Set) erred(errs []types.DiagnosticError) Verdict {
	v := Verdict{Effect: Deny}
	for _, e := range errs {
		c := s.clause(e.PolicyID)
		v.Policies = append(v.Policies, c.determining())
		v.Reasons = append(v.Reasons, Reason{CodePolicyError,
			fmt.Sprintf("policy %s (line %d) could not be evaluated for this call, so it is denied", c.id, c.line)})
	}
	return v
}

func forbidden(clauses []*clause) Verdict {
	v := Verdict{Effect: Deny}
	for _, c := range clauses {
		v.Policies = append(v.Policies, c.determining())
		v.Reasons = append(v.Reasons, Reason{CodeForbidden, c.reason})
	}
	return v
}

// permitted applies the obligations of every permit that applies: a second,
// laxer permit does not lift what the first one asks for.
func permitted(facts Facts, clauses []*clause) Verdict {
	v := Verdict{Effect: Allow}
	for _, c := range clauses {
		if c.requireRouted && !facts.Routed {
			v := deny(CodeNotRouted, "policy "+c.id+" leaves it to the routing, and this run was not routed")
			v.Policies = []Determining{c.determining()}
			return v
		}
		v.Policies = append(v.Policies, c.determining())
		outstanding := c.outstanding(facts)
		if len(outstanding) == 0 {
			v.Reasons = append(v.Reasons, Reason{CodePermitted, c.reason})
		}
		for _, name := range outstanding {
			v.Effect = Hold
			v.Reasons = append(v.Reasons, Reason{CodeApprovalRequired, "approval " + name + " is required: " + c.reason})
			if !slices.Contains(v.Require, name) {
				v.Require = append(v.Require, name)
			}
		}
	}
	return v
}

// outstanding are the approvals that c asks for and that are not given.
func (c *clause) outstanding(facts Facts) (names []string) {
	require := c.require
	if c.requireRouted {
		require = slices.Concat(require, slices.Sorted(slices.Values(facts.Route)))
	}
	for _, name := range require {
		if !slices.Contains(facts.Approvals, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (c *clause) determining() Determining {
	effect := "permit"
	if !bool(c.policy.Effect()) {
		effect = "forbid"
	}
	return Determining{ID: c.id, Version: c.version, Effect: effect, Reason: c.reason, Controls: slices.Clone(c.controls)}
}
