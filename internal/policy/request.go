package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/evidencefactory/evf/evidence"
)

const (
	maxNames    = 1024 // in one list of facts
	maxName     = 256  // bytes
	requestForm = 1    // version of RequestValue
)

// Request is one call to judge: everything that the verdict depends on beside
// the Set itself.
type Request struct {
	Identity string         // who calls
	Tool     string         // "server/tool"
	Args     evidence.Value // an object; null counts as one without members
	Facts    Facts          // what the gate found out by itself
	Now      time.Time      // policies see it in whole milliseconds
}

// Facts are what the gate computed about a call, never what the caller said.
// The zero value is the least that can be known. Lists are sets: order and
// repeats do not matter.
type Facts struct {
	ChecksPassed   bool     // every required check has a result and none failed
	ChecksFailed   []string // ids of required checks that did not pass
	ChecksMissing  []string // required checks without a result
	ArgsAttested   bool     // every argument that must be attested equals what the checks attested
	ArgsUnattested []string // names of arguments that do not
	Routed         bool     // routing rules were evaluated for this run
	Route          []string // approvals that the routing demands; none: straight through
	Approvals      []string // approvals granted for exactly these arguments
	ArgsCited      []string // arguments that stand in cited fields
	ArgsPerson     []string // arguments that stand in what a person said
	ArgsUnknown    []string // arguments that stand nowhere
	ArgsUntrusted  []string // arguments that stand in untrusted content alone
	CallsInRun     int64    // calls allowed in this run before this one
	InitiatorKind  string   // what the run goes back to; "" where unknown
}

// check finds facts that cannot be, or that are out of bounds.
func (f *Facts) check() error {
	for _, list := range f.lists() {
		if len(*list.field) > maxNames {
			return fmt.Errorf("facts: %s has more than %d entries", list.name, maxNames)
		}
		for _, s := range *list.field {
			if s == "" || len(s) > maxName || !utf8.ValidString(s) {
				return fmt.Errorf("facts: %s has an entry that is empty, longer than %d bytes or not UTF-8", list.name, maxName)
			}
		}
	}
	switch {
	case len(f.InitiatorKind) > maxName || !utf8.ValidString(f.InitiatorKind):
		return errors.New("facts: initiator_kind is too long or not UTF-8")
	case f.CallsInRun < 0 || f.CallsInRun > 1<<53:
		return errors.New("facts: calls_in_run is not a count")
	case f.ChecksPassed && len(f.ChecksFailed)+len(f.ChecksMissing) > 0:
		return errors.New("facts: checks cannot have passed while some failed or are missing")
	case f.ArgsAttested && len(f.ArgsUnattested) > 0:
		return errors.New("facts: arguments cannot be attested while some are not")
	case !f.Routed && len(f.Route) > 0:
		return errors.New("facts: a run that was not routed has no route")
	}
	return nil
}

// fact is one field of Facts under the name that policies know it by.
type fact[T any] struct {
	name  string
	field *T
}

// lists are the sets among the facts.
func (f *Facts) lists() [9]fact[[]string] {
	return [9]fact[[]string]{
		{"checks_failed", &f.ChecksFailed}, {"checks_missing", &f.ChecksMissing},
		{"args_unattested", &f.ArgsUnattested}, {"route", &f.Route}, {"approvals", &f.Approvals},
		{"args_cited", &f.ArgsCited}, {"args_person", &f.ArgsPerson}, {"args_unknown", &f.ArgsUnknown}, {"args_untrusted", &f.ArgsUntrusted},
	}
}

// flags are the truths among the facts.
func (f *Facts) flags() [3]fact[bool] {
	return [3]fact[bool]{
		{"checks_passed", &f.ChecksPassed}, {"args_attested", &f.ArgsAttested}, {"routed", &f.Routed},
	}
}

// RequestValue is r as a record keeps it: the same request always gives the
// same bytes, and ParseRequest gives back what Evaluate judges alike.
func RequestValue(r Request) (evidence.Value, error) {
	if err := r.check(); err != nil {
		return evidence.Value{}, err
	}
	facts, err := factsValue(r.Facts)
	if err != nil {
		return evidence.Value{}, err
	}
	version, err := evidence.IntValue(requestForm)
	if err != nil {
		return evidence.Value{}, err
	}
	return evidence.ObjectValue(
		evidence.Field{Name: "v", Value: version},
		evidence.Field{Name: "identity", Value: evidence.StringValue(r.Identity)},
		evidence.Field{Name: "tool", Value: evidence.StringValue(r.Tool)},
		evidence.Field{Name: "args", Value: r.Args},
		evidence.Field{Name: "facts", Value: facts},
		evidence.Field{Name: "now", Value: evidence.StringValue(string(evidence.TimeOf(r.Now)))},
	)
}

// check finds what cannot be written down, and so must not be judged.
func (r *Request) check() error {
	if !utf8.ValidString(r.Identity) || !utf8.ValidString(r.Tool) {
		return errors.New("request: identity or tool is not UTF-8")
	}
	if _, err := evidence.TimeOf(r.Now).Parse(); err != nil {
		return errors.New("request: now is not in the years 0 to 9999")
	}
	return r.Facts.check()
}

func factsValue(f Facts) (evidence.Value, error) {
	calls, err := evidence.IntValue(f.CallsInRun)
	if err != nil {
		return evidence.Value{}, err
	}
	fields := []evidence.Field{
		{Name: "calls_in_run", Value: calls},
		{Name: "initiator_kind", Value: evidence.StringValue(f.InitiatorKind)},
	}
	for _, flag := range f.flags() {
		fields = append(fields, evidence.Field{Name: flag.name, Value: evidence.BoolValue(*flag.field)})
	}
	for _, list := range f.lists() {
		sorted := slices.Compact(slices.Sorted(slices.Values(*list.field)))
		values := make([]evidence.Value, len(sorted))
		for i, s := range sorted {
			values[i] = evidence.StringValue(s)
		}
		fields = append(fields, evidence.Field{Name: list.name, Value: evidence.ArrayValue(values...)})
	}
	return evidence.ObjectValue(fields...)
}

// ParseRequest reads back what RequestValue wrote, exactly: a value that it
// would not have written is an error.
func ParseRequest(v evidence.Value) (Request, error) {
	text := func(name string) string { m, _ := v.Get(name); return m.Text() }
	if version, _ := v.Get("v"); version.Text() != "1" {
		return Request{}, errors.New("policy request: only version 1 is known")
	}
	now, err := evidence.Time(text("now")).Parse()
	if err != nil {
		return Request{}, fmt.Errorf("policy request: now: %w", err)
	}
	args, _ := v.Get("args")
	facts, _ := v.Get("facts")
	r := Request{Identity: text("identity"), Tool: text("tool"), Args: args, Facts: parseFacts(facts), Now: now}
	again, err := RequestValue(r)
	if err != nil {
		return Request{}, fmt.Errorf("policy request: %w", err)
	}
	if string(again.Canonical()) != string(v.Canonical()) {
		return Request{}, errors.New("policy request: has missing, unknown or wrongly typed members, or lists that are not sorted sets")
	}
	return r, nil
}

// parseFacts takes what it can; ParseRequest compares the whole afterwards.
func parseFacts(v evidence.Value) (f Facts) {
	for _, flag := range f.flags() {
		m, _ := v.Get(flag.name)
		*flag.field = m.IsTrue()
	}
	for _, list := range f.lists() {
		m, _ := v.Get(list.name)
		for _, e := range m.Elems() {
			*list.field = append(*list.field, e.Text())
		}
	}
	calls, _ := v.Get("calls_in_run")
	f.CallsInRun, _ = calls.Int()
	kind, _ := v.Get("initiator_kind")
	f.InitiatorKind = kind.Text()
	return f
}
