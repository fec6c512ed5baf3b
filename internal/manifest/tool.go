package manifest

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Impact is what a call of a tool can change.
type Impact string

// The impacts.
const (
	ImpactRead Impact = "read" // nothing
	ImpactLow  Impact = "low"  // something that can be taken back
	ImpactHigh Impact = "high" // something that cannot, or not easily
)

// Execution says who carries a permitted call out.
type Execution string

// The executions.
const (
	// ExecutionTarget: the target system redeems the permit before it acts,
	// so that execution is enforced.
	ExecutionTarget Execution = "target"
	// ExecutionCaller: the caller acts by itself; execution is declared. This
	// is the default.
	ExecutionCaller Execution = "caller"
)

// Tool is one tool that the workflow may use.
type Tool struct {
	// Name is "server/tool".
	Name      string
	Impact    Impact
	Execution Execution
	// Subject names the argument that is the digest of the document which the
	// action is about; "" where there is none.
	Subject string
	// Hold names the approval that is asked for where the origin of an
	// argument is not what it must be; by default the one that takes most
	// people, of several the first.
	Hold string
	// Args are all the arguments the tool takes: others are refused.
	Args []Arg
}

// Server is the part of the name before the slash.
func (t Tool) Server() string {
	server, _, _ := strings.Cut(t.Name, "/")
	return server
}

// Arg finds an argument by name.
func (t Tool) Arg(name string) (Arg, bool) {
	return find(t.Args, func(a Arg) bool { return a.Name == name })
}

// Wants is where an argument of the tool must come from.
func (t Tool) Wants(a Arg) Provenance {
	switch {
	case a.Provenance != "":
		return a.Provenance
	case t.Impact == ImpactHigh:
		return ProvenanceTrusted
	}
	return ProvenanceAny
}

// ArgType is what an argument is in JSON.
type ArgType string

// The types of arguments.
const (
	ArgString  ArgType = "string"
	ArgInteger ArgType = "integer"
	ArgBoolean ArgType = "boolean"
	ArgStrings ArgType = "strings" // a list of strings
	ArgAmount  ArgType = "amount"  // a string that holds a whole number of minor units, up to 18 digits
	ArgNumber  ArgType = "number"  // a number with at most 4 digits after the point, and 14 before it
	ArgJSON    ArgType = "json"    // anything; policies do not see into it
)

// Provenance is where an argument must come from.
type Provenance string

// The provenances.
const (
	// ProvenanceAny is not looked at.
	ProvenanceAny Provenance = "any"
	// ProvenanceTrusted may not stand in untrusted content alone. This is the
	// default of tools with high impact; of others, any is.
	ProvenanceTrusted Provenance = "trusted"
	// ProvenanceProse is for free text, as of a subject or a note: of it only
	// what leads elsewhere may not stand in untrusted content alone, and a row
	// of words that is hardly the caller's own. Common words stand everywhere.
	ProvenanceProse Provenance = "prose"
	// ProvenanceCited must stand in a cited field, or in what a person said.
	ProvenanceCited Provenance = "cited"
)

// Arg is one argument of a tool.
type Arg struct {
	Name string
	Type ArgType
	// Required is true unless the file says required: false.
	Required bool
	// Pattern is a regular expression (Go RE2) for the whole of a string, or
	// of each of strings; "" for none.
	Pattern string
	// Enum lists the only values a string, or each of strings, may have; nil
	// for any. Of json, it lists the words in it that need no origin.
	Enum []string
	// MaxLength bounds a string, or each of strings, in characters: up to
	// 16384, default 2000.
	MaxLength int
	// Min and Max bound an integer (default within 2^53) or an amount (default
	// within 18 digits), both inclusive.
	Min, Max int64
	// MaxItems bounds strings: up to 1000, default 100.
	MaxItems int
	// Attested names the value, among those that the checks attested for the
	// subject, that this argument must equal; "" for none.
	Attested string
	// Provenance is where it must come from; "" is the tool's default.
	Provenance Provenance

	pattern *regexp.Regexp
}

const (
	maxExact  = 1 << 53
	maxAmount = 1_000_000_000_000_000_000 - 1
)

func (r *reader) tool(name string, n at) Tool {
	t := Tool{Name: name, Execution: ExecutionCaller}
	r.fields(n,
		need("impact", func(n at) { t.Impact = Impact(r.oneOf(n, "read", "low", "high")) }),
		may("execution", func(n at) { t.Execution = Execution(r.oneOf(n, "target", "caller")) }),
		may("subject", func(n at) { t.Subject = r.word(n, argForm) }),
		may("hold", func(n at) { t.Hold = r.word(n, nameForm) }),
		may("args", func(n at) {
			r.entries(n, argForm, maxArgs, func(name string, n at) { t.Args = append(t.Args, r.arg(name, n)) })
		}),
	)
	return t
}

func (r *reader) arg(name string, n at) Arg {
	a := Arg{Name: name, Required: true, MaxLength: 2000, MaxItems: 100, Min: -maxExact, Max: maxExact}
	before := len(r.problems)
	r.fields(n,
		need("type", func(n at) {
			a.Type = ArgType(r.oneOf(n, "string", "integer", "boolean", "strings", "amount", "number", "json"))
		}),
		may("required", func(n at) { a.Required = r.boolean(n) }),
		may("pattern", func(n at) { a.Pattern = r.text(n, 500); a.pattern = r.pattern(n, a.Pattern) }),
		may("enum", func(n at) { a.Enum = r.enum(n) }),
		may("max_length", func(n at) { a.MaxLength = int(r.integer(n, 1, 16384)) }),
		may("min", func(n at) { a.Min = r.integer(n, -maxAmount, maxAmount) }),
		may("max", func(n at) { a.Max = r.integer(n, -maxAmount, maxAmount) }),
		may("max_items", func(n at) { a.MaxItems = int(r.integer(n, 1, 1000)) }),
		may("attested", func(n at) { a.Attested = r.word(n, inputForm) }),
		may("provenance", func(n at) { a.Provenance = Provenance(r.oneOf(n, "any", "prose", "trusted", "cited")) }),
	)
	if len(r.problems) == before {
		r.bounds(n, &a)
	}
	return a
}

// bounds refuses keys that mean nothing for the argument's type, and bounds
// that nothing can satisfy.
func (r *reader) bounds(n at, a *Arg) {
	for key, types := range map[string][]ArgType{
		"pattern": {ArgString, ArgStrings}, "enum": {ArgString, ArgStrings, ArgJSON}, "max_length": {ArgString, ArgStrings},
		"min": {ArgInteger, ArgAmount, ArgNumber}, "max": {ArgInteger, ArgAmount, ArgNumber}, "max_items": {ArgStrings},
		"attested": {ArgString, ArgInteger, ArgBoolean, ArgAmount},
	} {
		if has(n, key) && !slices.Contains(types, a.Type) {
			r.sayAt(join(n.path, key), "means nothing for type %s: take it out", a.Type)
		}
	}
	if a.Type == ArgAmount && !has(n, "min") {
		a.Min = -maxAmount
	}
	if a.Type == ArgAmount && !has(n, "max") {
		a.Max = maxAmount
	}
	if a.Min > a.Max {
		r.sayAt(join(n.path, "max"), "is below min: nothing fits between")
	}
}

// has reports whether a mapping has a key.
func has(n at, key string) bool {
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (r *reader) enum(n at) (values []string) {
	r.items(n, maxList, func(item at) {
		switch s := r.text(item, 200); {
		case s == "":
		case slices.Contains(values, s):
			r.say(item, "%q stands twice in the list", clip(s, 60))
		default:
			values = append(values, s)
		}
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.say(n, "is empty: name at least one value, or take enum out")
	}
	return values
}

// pattern compiles a regular expression that speaks of a whole string. One
// that is not anchored would accept anything around what it means.
func (r *reader) pattern(n at, text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		r.say(n, "is no regular expression (Go RE2): %v", err)
		return nil
	}
	if tree, err := syntax.Parse(text, syntax.Perl); err != nil || !anchored(tree) {
		r.say(n, "must speak of the whole value: write ^(?:%s)$", clip(strings.TrimSuffix(strings.TrimPrefix(text, "^"), "$"), 80))
	}
	return compiled
}

func anchored(tree *syntax.Regexp) bool {
	last := len(tree.Sub) - 1
	return tree.Op == syntax.OpConcat && last > 0 &&
		tree.Sub[0].Op == syntax.OpBeginText && tree.Sub[last].Op == syntax.OpEndText
}
