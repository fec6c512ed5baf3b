package manifest

import (
	"maps"
	"slices"
)

// Outcomes of a check that let a call pass; any other holds it up.
const (
	OutcomePass          = "pass"
	OutcomeNotApplicable = "not-applicable"
)

// RequiredChecks judges whether the results of checks, by id ("group/rule"),
// allow a call of tool. A required id needs a result that passed or did not
// apply; a required group/* needs at least one result of the group, and every
// one of them so. Results that nothing requires do not matter.
//
// failed are the ids that did not pass, sorted; missing the required ids and
// globs without any result, in the order of the file. Tools of read or low
// impact need no checks; an unknown tool counts as one of high impact.
func (m *Manifest) RequiredChecks(tool string, results map[string]string) (passed bool, failed, missing []string) {
	if t, known := m.Tool(tool); known && t.Impact != ImpactHigh {
		return true, nil, nil
	}
	ids := slices.Sorted(maps.Keys(results))
	for _, required := range m.Required {
		found := false
		for _, id := range ids {
			if !matches(required, id) {
				continue
			}
			found = true
			if outcome := results[id]; outcome != OutcomePass && outcome != OutcomeNotApplicable {
				failed = append(failed, id)
			}
		}
		if !found {
			missing = append(missing, required)
		}
	}
	slices.Sort(failed)
	failed = slices.Compact(failed)
	return len(failed)+len(missing) == 0, failed, missing
}
