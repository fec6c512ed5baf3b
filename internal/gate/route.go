package gate

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/workflow"
)

// Case is what a workflow's rules are asked about.
type Case struct {
	ID       evidence.RecordID // of the record of it, and idempotency key
	Occurred evidence.Time
	Run      evidence.RunID
	Document evidence.Digest
	Inputs   map[string]evidence.Value // declared by the caller
}

// Routed is where a case goes.
type Routed struct {
	Placed  store.Placed
	To      []string // approvals; none: straight through
	Rules   []evidence.RuleOutcome
	Summary string
}

// Route applies the manifest's rules. Values that checkers attested for the
// document, and what is known of its checks, take precedence over what the
// caller declares.
func (g *Gate) Route(ctx context.Context, by *identity.Caller, k Case) (*Routed, error) {
	var s *seen
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		s, err = g.lookAt(tx, by, k.Run, func(*workflow.Compiled) evidence.Digest { return k.Document })
		return err
	})
	if err != nil {
		return nil, err
	}
	inputs, rows, err := g.inputs(ctx, by.Tenant, s, k)
	if err != nil {
		return nil, err
	}
	routing := s.workflow.Route(inputs)
	body := evidence.DecisionRouted{Document: k.Document, Outcome: "straight-through", To: routing.To, Inputs: rows, Rules: ruleOutcomes(routing)}
	if len(routing.To) > 0 {
		body.Outcome = "person"
	}
	body.Summary = routingSummary(routing)
	o := thread.House(by, s.workflow)
	o.Submitter, o.Assurance = by.Grant, "enforced"
	placed, err := g.rec.Append(ctx, o, recorder.Batch{
		Drafts: []recorder.Draft{{ID: k.ID, Type: evidence.TypeDecisionRouted, Occurred: k.Occurred, Run: k.Run, Body: evidence.Body(body)}},
		Guard: func(tx store.Tx) error {
			if _, err := g.threads.Open(tx, by, k.Run); err != nil {
				return err
			}
			return g.threads.StillGood(tx, by, s.workflow)
		},
	})
	if err != nil {
		return nil, err
	}
	return &Routed{Placed: placed[0], To: routing.To, Rules: body.Rules, Summary: body.Summary}, nil
}

// inputs joins what the caller declares with what is known better.
func (g *Gate) inputs(ctx context.Context, t store.Tenant, s *seen, k Case) (map[string]manifest.Input, []evidence.RoutingInput, error) {
	known := map[string]evidence.Value{}
	how := map[string]string{}
	for name, v := range k.Inputs {
		known[name], how[name] = v, "declared"
	}
	values, err := g.attested(ctx, t, s)
	if err != nil {
		return nil, nil, err
	}
	for name, v := range values {
		known[name], how[name] = evidence.StringValue(v), "observed"
	}
	known["checks_failed"], how["checks_failed"] = s.failed(), "enforced"
	known["checks_run"], how["checks_run"] = evidence.BoolValue(len(s.Checks) > 0), "enforced"
	inputs := map[string]manifest.Input{}
	var rows []evidence.RoutingInput
	for _, name := range slices.Sorted(maps.Keys(known)) {
		in, err := input(known[name])
		if err != nil {
			return nil, nil, evidence.Errorf(evidence.Invalid, "/inputs/"+name, "%w", err)
		}
		inputs[name] = in
		rows = append(rows, evidence.RoutingInput{Name: name, Value: known[name], Assurance: how[name]})
	}
	return inputs, rows, nil
}

// failed lists the checks that did not pass.
func (s *seen) failed() evidence.Value {
	outcomes := s.outcomes()
	var list []evidence.Value
	for _, id := range slices.Sorted(maps.Keys(outcomes)) {
		if outcomes[id] != manifest.OutcomePass && outcomes[id] != manifest.OutcomeNotApplicable {
			list = append(list, evidence.StringValue(id))
		}
	}
	return evidence.ArrayValue(list...)
}

// input gives a JSON value its type for the rules.
func input(v evidence.Value) (manifest.Input, error) {
	switch v.Kind() {
	case evidence.Null:
		return manifest.Input{}, nil
	case evidence.String:
		return manifest.TextInput(v.Text()), nil
	case evidence.Bool:
		return manifest.BoolInput(v.IsTrue()), nil
	case evidence.Number:
		if n, ok := v.Int(); ok {
			return manifest.IntInput(n), nil
		}
		return manifest.Input{}, evidence.Errorf(evidence.Invalid, "", "is a number with a fraction: send whole minor units")
	case evidence.Array:
		var list []string
		for _, e := range v.Elems() {
			if e.Kind() != evidence.String {
				return manifest.Input{}, evidence.Errorf(evidence.Invalid, "", "is a list with something else than strings in it")
			}
			list = append(list, e.Text())
		}
		return manifest.ListInput(list), nil
	}
	return manifest.Input{}, evidence.Errorf(evidence.Invalid, "", "is an object: rules read strings, whole numbers, booleans and lists of strings")
}

func ruleOutcomes(r manifest.Routing) (list []evidence.RuleOutcome) {
	for _, rule := range r.Rules {
		list = append(list, evidence.RuleOutcome{Rule: rule.ID, Version: rule.Version, Matched: rule.Matched, Input: rule.Input, Op: string(rule.Op),
			Threshold: rule.Threshold, Value: rule.Value, Band: rule.Band, To: rule.To, Summary: rule.Summary})
	}
	return list
}

func routingSummary(r manifest.Routing) string {
	if len(r.To) == 0 {
		return clip("No rule sends this case to a person: it goes straight through.")
	}
	var why []string
	for _, rule := range r.Rules {
		if rule.Matched {
			why = append(why, rule.Summary)
		}
	}
	return clip("Goes to " + strings.Join(r.To, ", ") + ": " + strings.Join(why, " "))
}
