package manifest

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/evidencefactory/evf/evidence"
)

// cross finds what no section can see by itself.
func (r *reader) cross(m *Manifest) {
	r.crossIdentities(m)
	r.crossTools(m)
	r.crossChecks(m)
	r.crossRouting(m)
	given := r.nodes["policies"]
	absent := given == nil || given.Style&yaml.LiteralStyle != 0 && strings.TrimSpace(given.Value) == ""
	if m.Mode == ModeEnforce && len(m.Tools) > 0 && absent {
		r.sayAt("mode", "enforce without policies denies every call: add policies, or begin with observe")
	}
}

func (r *reader) crossIdentities(m *Manifest) {
	starts := false
	for _, i := range m.Identities {
		starts = starts || i.Starts
		path := join("identities", i.Name)
		for n, pattern := range i.Tools {
			if !slices.ContainsFunc(m.Tools, func(t Tool) bool { return matches(pattern, t.Name) }) {
				r.sayAt(fmt.Sprintf("%s.tools[%d]", path, n), "no tool %s is declared: %s", pattern, nearest(pattern, toolNames(m)))
			}
		}
		for n, server := range i.Redeems {
			if !slices.ContainsFunc(m.Tools, func(t Tool) bool { return t.Server() == server }) {
				r.sayAt(fmt.Sprintf("%s.redeems[%d]", path, n), "no tool of a server %s is declared", server)
			}
		}
		r.crossDuties(m, i, path)
	}
	if !starts && len(m.Identities) > 0 {
		r.sayAt("identities", "nobody may begin a run: give one of them starts: true")
	}
}

// crossDuties keeps apart what must not be in one hand.
func (r *reader) crossDuties(m *Manifest, i Identity, path string) {
	if records := i.MayRecord(evidence.TypeCheckResult); records != (len(i.Checks) > 0) {
		if records {
			r.sayAt(path+".records", "%s is listed, but no checks: say which check ids it may record", evidence.TypeCheckResult)
		} else {
			r.sayAt(path+".checks", "needs %s among its records", evidence.TypeCheckResult)
		}
	}
	for _, t := range m.Tools {
		if !i.MayCall(t.Name) {
			continue
		}
		if t.Impact == ImpactHigh && len(i.Checks) > 0 {
			r.sayAt(path+".checks", "records checks and may call %s, which has high impact: whoever acts on a check must not be the one who records it; use two identities", t.Name)
		}
		if i.MayRedeem(t.Server()) {
			r.sayAt(path+".redeems", "redeems the permits of %s and may call %s: a target must not permit its own calls; use two identities", t.Server(), t.Name)
		}
	}
}

func (r *reader) crossTools(m *Manifest) {
	for _, t := range m.Tools {
		path := join("tools", t.Name)
		redeemer := func(i Identity) bool { return i.MayRedeem(t.Server()) }
		if t.Execution == ExecutionTarget && !slices.ContainsFunc(m.Identities, redeemer) {
			r.sayAt(path+".execution", "is target, but no identity redeems the permits of %s: declare one with redeems: [%s]", t.Server(), t.Server())
		}
		if subject, ok := t.Arg(t.Subject); t.Subject != "" && (!ok || subject.Type != ArgString || !subject.Required) {
			r.sayAt(path+".subject", "must name a required argument of type string")
		}
		if _, known := m.Approval(t.Hold); t.Hold != "" && !known {
			r.sayAt(path+".hold", "no approval %q is declared: add it under approvals", t.Hold)
		}
		for _, a := range t.Args {
			if a.Attested == "" {
				continue
			}
			checker := func(i Identity) bool { return len(i.Checks) > 0 }
			attested := path + ".args." + a.Name + ".attested"
			if t.Subject == "" {
				r.sayAt(attested, "needs the tool's subject: the document that the value was attested for")
			}
			if !slices.ContainsFunc(m.Identities, checker) {
				r.sayAt(attested, "no identity records checks, so nothing can be attested: declare one with checks")
			}
		}
	}
}

// crossChecks wants every required check to have someone who may record it.
func (r *reader) crossChecks(m *Manifest) {
	for n, required := range m.Required {
		covers := func(pattern string) bool { return overlap(pattern, required) }
		if !slices.ContainsFunc(m.Identities, func(i Identity) bool { return slices.ContainsFunc(i.Checks, covers) }) {
			r.sayAt(fmt.Sprintf("checks.required[%d]", n), "no identity may record %s, so it can never pass: list it among an identity's checks", required)
		}
	}
}

func (r *reader) crossRouting(m *Manifest) {
	first := map[string]int{}
	for n, rule := range m.Routing {
		path := fmt.Sprintf("routing[%d]", n)
		if before, twice := first[rule.ID]; twice && rule.ID != "" {
			r.sayAt(path+".id", "rule %q stands twice, first as routing[%d]: give it its own id", rule.ID, before)
		} else {
			first[rule.ID] = n
		}
		if _, known := m.Approval(rule.To); rule.To != "" && !known {
			r.sayAt(path+".to", "no approval %q is declared: add it under approvals", rule.To)
		}
	}
}

func toolNames(m *Manifest) []string {
	names := make([]string, len(m.Tools))
	for i, t := range m.Tools {
		names[i] = t.Name
	}
	return names
}
