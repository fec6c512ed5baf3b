// Package manifest reads the YAML file that declares a workflow: who owns it,
// who may take part, which tools it may use on which terms, which checks it
// rests on, what is routed to a person, and what evidence it owes.
//
// The file is read strictly: what is not understood is refused, with line,
// column and what to do about it, and all faults at once. Everything that is
// decided from a manifest (arguments, required checks, routing) is a pure
// function of it and of its inputs, so that anyone can decide it again.
//
// The fields below are the reference; docs/manifest.md is the same with an
// annotated example. The package is pure: no clock, disk or network.
package manifest

import (
	"slices"
	"strings"
	"time"

	"github.com/evidencefactory/evf/evidence"
)

// Manifest is one workflow as declared. It is read with Parse and not changed
// afterwards; lists keep the order of the file.
type Manifest struct {
	// Workflow names it: 1 to 63 of a-z, 0-9 and hyphen.
	Workflow string
	// Purpose says in a sentence what it is for.
	Purpose string
	// Owner is the accountable human, usually a mail address.
	Owner string
	// Environment is a word of the user's own, such as production.
	Environment string
	Tier        Tier
	Mode        Mode
	// Identities may take part: keys are issued to these names only.
	Identities []Identity
	// Tools are all that may be called; any other call is refused.
	Tools []Tool
	// Required are the ids, or group/* globs, of the checks that a call of high
	// impact needs; see the method RequiredChecks.
	Required []string
	// Routing are the rules that decide which cases go to a person.
	Routing []Rule
	// Approvals are what a rule or a policy may ask for.
	Approvals []Approval
	// Owes are the packet slots that every run owes evidence for; by default
	// extraction, validation, authorization, routing, oversight and action.
	Owes []string
	// Classes raise the class of record fields. Whether the fields exist is
	// not checked here.
	Classes   []ClassRule
	Retention Retention

	policies policies
	source   []byte
	written  []line
}

// Tier is how much harm a workflow can do. It sets how strictly it is watched.
type Tier string

// Mode says what the gate does with its verdicts: observe records calls,
// shadow also evaluates them and never blocks, enforce blocks.
type Mode string

// The tiers and modes.
const (
	TierLow      Tier = "low"
	TierMedium   Tier = "medium"
	TierHigh     Tier = "high"
	TierCritical Tier = "critical"

	ModeObserve Mode = "observe"
	ModeShadow  Mode = "shadow"
	ModeEnforce Mode = "enforce"
)

// Approval is one kind of leave that people give.
type Approval struct {
	Name string
	// Role is what a person must hold to decide.
	Role string
	// Quorum is how many different people must approve: 1 to 10, default 1.
	Quorum int
	// Expires is how long a request waits, and a given approval stays usable:
	// up to 90 days, default 4h.
	Expires time.Duration
	// ApartFrom says who may not decide: initiator (whom the run goes back
	// to), dispatcher (who set it going), author (who wrote what is decided
	// on). Default all three; an empty list allows all.
	ApartFrom []string
}

// ClassRule raises the class of one field of one type of record.
type ClassRule struct {
	Type    evidence.Type
	Pointer string // RFC 6901; a token * stands for every element
	Class   evidence.Class
}

// Retention says how long withheld values of a run are kept after it ended.
// What stands in clear in a record is kept for ever.
type Retention struct {
	Default time.Duration // default 400d
	// Classes are the periods of internal, personal and confidential values,
	// where they differ from Default. A value under a person's key is personal.
	Classes map[evidence.Class]time.Duration
	// Floor is how long evidence is owed: no period is shorter. Default 365d.
	Floor time.Duration
}

// Retained are the classes that have a retention period.
var Retained = []evidence.Class{evidence.Internal, evidence.Personal, evidence.Confidential}

// For is how long values of a class are kept.
func (r Retention) For(c evidence.Class) time.Duration {
	if d, ok := r.Classes[c]; ok {
		return d
	}
	return r.Default
}

// Source is the YAML as given. The caller must not change it.
func (m *Manifest) Source() []byte { return m.source }

// Digest is over Source.
func (m *Manifest) Digest() evidence.Digest { return evidence.DigestOf(m.source) }

// Identity finds an identity by name.
func (m *Manifest) Identity(name string) (Identity, bool) {
	return find(m.Identities, func(i Identity) bool { return i.Name == name })
}

// Tool finds a tool by its full name, "server/tool".
func (m *Manifest) Tool(name string) (Tool, bool) {
	return find(m.Tools, func(t Tool) bool { return t.Name == name })
}

// Approval finds an approval by name.
func (m *Manifest) Approval(name string) (Approval, bool) {
	return find(m.Approvals, func(a Approval) bool { return a.Name == name })
}

// Holding names the approval that is asked for where an argument of a tool has
// not the origin that it must have: the tool's own, else the one that takes
// most people, of several the first; "" where the workflow declares none.
func (m *Manifest) Holding(t Tool) string {
	name, most := t.Hold, 0
	for _, a := range m.Approvals {
		if t.Hold == "" && a.Quorum > most {
			name, most = a.Name, a.Quorum
		}
	}
	return name
}

func find[T any](list []T, is func(T) bool) (found T, ok bool) {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], true
	}
	return found, false
}

// Identity is one participant that is no person.
type Identity struct {
	Name string
	// Kind is agent (a model decides what it does) or workload (code does).
	Kind string
	// Starts lets it begin and end runs.
	Starts bool
	// Records are the types of record it may submit by itself. Types that only
	// the house writes cannot be among them.
	Records []evidence.Type
	// Tools are the tools it may call: names, or server/* for all of a server.
	Tools []string
	// Checks are the checks whose results it may record: ids, or group/*. It
	// then needs check.result among its Records, and may not use tools of high
	// impact: a result is worth nothing from whoever gains by it.
	Checks []string
	// Redeems names the servers for which it redeems permits: it is the target.
	Redeems []string
}

// MayRecord reports whether it may submit records of type t by itself.
func (i Identity) MayRecord(t evidence.Type) bool { return slices.Contains(i.Records, t) }

// MayCheck reports whether it may record a result of the check "group/rule".
func (i Identity) MayCheck(id string) bool { return matchesAny(i.Checks, id) }

// MayCall reports whether the tool "server/tool" is on its allowlist. Whether
// the workflow declares such a tool is for Manifest.Tool to say.
func (i Identity) MayCall(tool string) bool { return matchesAny(i.Tools, tool) }

// MayRedeem reports whether it redeems the permits of a server's tools.
func (i Identity) MayRedeem(server string) bool { return slices.Contains(i.Redeems, server) }

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// matches compares a name "a/b" with a pattern: the same name, or "a/*".
func matches(pattern, name string) bool {
	if group, ok := strings.CutSuffix(pattern, "/*"); ok {
		head, rest, found := strings.Cut(name, "/")
		return found && head == group && rest != ""
	}
	return pattern == name
}

// overlap reports whether some name can match both patterns.
func overlap(a, b string) bool { return matches(a, b) || matches(b, a) }
