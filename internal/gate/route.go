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
// caller declares; where checkers disagree the caller's word does not decide.
func (g *Gate) Route(ctx context.Context, by *identity.Caller, k Case) (*Routed, error) {
	if !evidence.IsUUIDv7(string(k.Run)) {
		return nil, evidence.Errorf(evidence.NotFound, "", "there is no such run")
	}
	declared, err := k.declared()
	if err != nil {
		return nil, err
	}
	defer g.turn(k.Run)()
	return settled(func() (*Routed, error) { return g.route(ctx, by, k, declared) })
}

func (g *Gate) route(ctx context.Context, by *identity.Caller, k Case, declared map[string]manifest.Input) (*Routed, error) {
	document := func(*workflow.Compiled) evidence.Digest { return k.Document }
	var s *seen
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		s, err = g.lookAt(tx, by, k.Run, document)
		return err
	})
	if err != nil {
		return nil, err
	}
	inputs, rows, err := g.inputs(ctx, by.Tenant, s, k, declared)
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
	o.Submitter, o.Assurance = by.Grant, s.assurance()
	placed, err := g.rec.Append(ctx, o, recorder.Batch{
		Drafts: []recorder.Draft{{ID: k.ID, Type: evidence.TypeDecisionRouted, Occurred: k.Occurred, Run: k.Run, Body: evidence.Body(body)}},
		// A check that comes in meanwhile must not stand before a routing
		// that did not see it.
		Guard: func(tx store.Tx) error {
			now, err := g.lookAt(tx, by, k.Run, document)
			if err != nil {
				return err
			}
			if !now.same(s) {
				return errStale
			}
			return g.threads.StillGood(tx, by, s.workflow)
		},
	})
	if err != nil {
		return nil, err
	}
	return &Routed{Placed: placed[0], To: routing.To, Rules: body.Rules, Summary: body.Summary}, nil
}

// declared reads what the caller says as rules read it.
func (k *Case) declared() (map[string]manifest.Input, error) {
	inputs := map[string]manifest.Input{}
	for _, name := range slices.Sorted(maps.Keys(k.Inputs)) {
		in, err := input(k.Inputs[name])
		if err == nil {
			err = keepable("", k.Inputs[name])
		}
		if err != nil {
			return nil, evidence.Errorf(evidence.Invalid, "/inputs/"+pointerToken.Replace(name), "%w", err)
		}
		inputs[name] = in.Guarded() // whatever it is, it is not ours to show
	}
	return inputs, nil
}

var pointerToken = strings.NewReplacer("~", "~0", "/", "~1")

// known is one value that rules may read.
type known struct {
	value evidence.Value
	how   string // its assurance
}

// inputs joins what the caller declares with what is known better, and lists
// those that the rules read.
func (g *Gate) inputs(ctx context.Context, t store.Tenant, s *seen, k Case, declared map[string]manifest.Input) (map[string]manifest.Input, []evidence.RoutingInput, error) {
	checked, err := g.attested(ctx, t, s)
	if err != nil {
		return nil, nil, err
	}
	all := map[string]known{}
	for name, v := range k.Inputs {
		if !checked.doubted[name] {
			all[name] = known{v, "declared"}
		}
	}
	inputs := maps.Clone(declared)
	maps.DeleteFunc(inputs, func(name string, _ manifest.Input) bool { return checked.doubted[name] })
	for name, v := range checked.values {
		all[name], inputs[name] = known{evidence.StringValue(v), "observed"}, manifest.TextInput(v).Guarded()
	}
	outcomes := s.outcomes()
	failed, ran := failed(outcomes), len(outcomes) > 0
	all["checks_failed"], inputs["checks_failed"] = known{listValue(failed), "enforced"}, manifest.ListInput(failed)
	all["checks_run"], inputs["checks_run"] = known{evidence.BoolValue(ran), "enforced"}, manifest.BoolInput(ran)
	var rows []evidence.RoutingInput
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if slices.ContainsFunc(s.workflow.Routing, func(r manifest.Rule) bool { return r.Input == name }) {
			rows = append(rows, evidence.RoutingInput{Name: name, Value: all[name].value, Assurance: all[name].how})
		}
	}
	return inputs, rows, nil
}

func listValue(list []string) evidence.Value {
	values := make([]evidence.Value, len(list))
	for i, s := range list {
		values[i] = evidence.StringValue(s)
	}
	return evidence.ArrayValue(values...)
}

// failed lists the checks that did not pass.
func failed(outcomes map[string]string) (list []string) {
	for _, id := range slices.Sorted(maps.Keys(outcomes)) {
		if !passes(outcomes[id]) {
			list = append(list, id)
		}
	}
	return list
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
			Threshold: rule.Threshold, Value: rule.Value, Band: rule.Band, To: rule.To, Summary: rule.Summary, Detail: rule.Detail})
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
