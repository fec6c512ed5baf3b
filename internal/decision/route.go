package decision

import (
	"maps"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/manifest"
)

// Inputs joins what a caller declares with what is known better, and lists
// what the rules read. Values that checkers attested for the document, and
// what is known of its checks, take precedence; where checkers disagree the
// caller's word does not decide.
func (s *State) Inputs(declared map[string]evidence.Value) (rows []evidence.RoutingInput) {
	all := map[string]evidence.RoutingInput{}
	put := func(name string, v evidence.Value, how string) {
		all[name] = evidence.RoutingInput{Name: name, Value: v, Assurance: how}
	}
	checked := s.attested()
	for name, v := range declared {
		if !checked.doubted[name] {
			put(name, v, "declared")
		}
	}
	for name, v := range checked.values {
		put(name, evidence.StringValue(v), "observed")
	}
	outcomes := s.outcomes()
	put("checks_failed", listValue(failed(outcomes)), "enforced")
	put("checks_run", evidence.BoolValue(len(outcomes) > 0), "enforced")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if slices.ContainsFunc(s.Rules.Routing, func(r manifest.Rule) bool { return r.Input == name }) {
			rows = append(rows, all[name])
		}
	}
	return rows
}

func listValue(list []string) evidence.Value {
	values := make([]evidence.Value, len(list))
	for i, s := range list {
		values[i] = evidence.StringValue(s)
	}
	return evidence.ArrayValue(values...)
}

// Routed applies the rules to inputs, and is the record of it. The result
// depends on nothing else.
func (r *Rules) Routed(document evidence.Digest, inputs []evidence.RoutingInput) (evidence.DecisionRouted, error) {
	read := map[string]manifest.Input{}
	for _, in := range inputs {
		v, err := Input(in.Value)
		if err != nil {
			return evidence.DecisionRouted{}, err
		}
		if in.Assurance != "enforced" {
			v = v.Guarded() // whatever it is, it is not ours to show
		}
		read[in.Name] = v
	}
	routing := r.Route(read)
	d := evidence.DecisionRouted{Document: document, Outcome: "straight-through", To: routing.To, Inputs: inputs,
		Rules: ruleOutcomes(routing), Summary: routingSummary(routing), Assurance: r.Assurance()}
	if len(routing.To) > 0 {
		d.Outcome = "person"
	}
	return d, nil
}

// Input gives a JSON value its type for the rules.
func Input(v evidence.Value) (manifest.Input, error) {
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
		return Clip("No rule sends this case to a person: it goes straight through.")
	}
	var why []string
	for _, rule := range r.Rules {
		if rule.Matched {
			why = append(why, rule.Summary)
		}
	}
	return Clip("Goes to " + strings.Join(r.To, ", ") + ": " + strings.Join(why, " "))
}
