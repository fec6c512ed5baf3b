package manifest

import (
	"slices"
	"strconv"
	"strings"
)

// Op is how a rule compares its input.
type Op string

// The comparisons.
const (
	OpOver    Op = "over"    // a whole number greater than the threshold
	OpUnder   Op = "under"   // a whole number less than the threshold
	OpEquals  Op = "equals"  // the same text or number
	OpIn      Op = "in"      // one of the listed
	OpNotIn   Op = "not_in"  // none of the listed
	OpIs      Op = "is"      // true, or false
	OpAny     Op = "any"     // a list that is not empty
	OpMissing Op = "missing" // no value
)

// Rule sends a case to a person when its input compares as it says.
type Rule struct {
	// ID names it, unique in the file.
	ID string
	// Version is raised with every change: 1 to 1000000.
	Version int64
	Input   string
	Op      Op
	// Threshold is what is compared with: one text for most, several for in
	// and not_in, "true" for any and missing.
	Threshold []string
	// Band is the user's word for the risk or confidence this stands for.
	Band string
	// To names the approval that the case then needs.
	To string
	// Summary is a sentence with {value}, {threshold}, {input} and {rule}.
	Summary string
}

// Input is one typed value that rules read. The zero Input is a missing one.
type Input struct {
	kind inputKind
	text string
	list []string

	guarded bool
}

type inputKind uint8

const (
	inputMissing inputKind = iota
	inputText
	inputInt
	inputBool
	inputList
)

// TextInput is a text. An empty one counts as missing. One that holds a whole
// number in plain digits, up to 18 of them, compares as a number too.
func TextInput(s string) Input {
	if s == "" {
		return Input{}
	}
	return Input{kind: inputText, text: s}
}

// IntInput is a whole number.
func IntInput(n int64) Input { return Input{kind: inputInt, text: strconv.FormatInt(n, 10)} }

// BoolInput is true or false.
func BoolInput(b bool) Input { return Input{kind: inputBool, text: strconv.FormatBool(b)} }

// ListInput is a list of texts; an empty list is not missing.
func ListInput(list []string) Input { return Input{kind: inputList, list: slices.Clone(list)} }

// Guarded is the same value, not to be shown to those who may see summaries
// only.
func (in Input) Guarded() Input {
	in.guarded = true
	return in
}

// String is how results and summaries show the value: bounded, one line.
func (in Input) String() string {
	s := in.text
	if in.kind == inputList {
		s = strings.Join(in.list, ", ")
	}
	return clip(strings.Map(printable, s), 200)
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// number is the value as a whole number.
func (in Input) number() (int64, bool) {
	if in.kind != inputInt && (in.kind != inputText || !plainInteger.MatchString(in.text)) {
		return 0, false
	}
	n, err := strconv.ParseInt(in.text, 10, 64)
	return n, err == nil
}

// Routing is what the rules made of a case.
type Routing struct {
	To    []string     // approvals the case needs, each once, in the order of the rules; none: straight through
	Rules []RuleResult // every rule, in the order of the file
}

// RuleResult is what one rule made of a case.
type RuleResult struct {
	ID        string
	Version   int64
	Input     string
	Op        Op
	Threshold string
	Value     string // "" where it is missing
	Band      string
	To        string
	Matched   bool
	Unknown   bool   // it matched because its input is missing or not comparable
	Summary   string // "" unless it matched; a guarded value does not stand in it
	Detail    string // the same with the value
}

// Route applies every rule. The result depends on nothing but the manifest
// and inputs. A rule whose input is missing, or cannot be compared as the rule
// compares, counts as matched: unknown is never pass.
func (m *Manifest) Route(inputs map[string]Input) (routing Routing) {
	for _, rule := range m.Routing {
		result := rule.apply(inputs[rule.Input])
		routing.Rules = append(routing.Rules, result)
		if result.Matched && !slices.Contains(routing.To, rule.To) {
			routing.To = append(routing.To, rule.To)
		}
	}
	return routing
}

func (rule Rule) apply(in Input) RuleResult {
	result := RuleResult{
		ID: rule.ID, Version: rule.Version, Input: rule.Input, Op: rule.Op, Band: rule.Band, To: rule.To,
		Threshold: clip(strings.Join(rule.Threshold, ", "), 400), Value: in.String(),
	}
	matched, known := rule.compare(in)
	result.Matched, result.Unknown = matched || !known, !known
	switch {
	case !known && in.kind == inputMissing:
		result.Summary = "There is no " + rule.Input + ", so rule " + rule.ID + " counts as met."
	case !known:
		result.Summary = "The " + rule.Input + " cannot be compared, so rule " + rule.ID + " counts as met."
	case matched:
		result.Summary, result.Detail = rule.fill(result, result.Value), rule.fill(result, result.Value)
		if in.guarded {
			result.Summary = rule.fill(result, withheld)
		}
	}
	if result.Detail == "" {
		result.Detail = result.Summary
	}
	return result
}

// withheld stands for a guarded value in a summary.
const withheld = "[withheld]"

// fill writes the rule's sentence.
func (rule Rule) fill(r RuleResult, value string) string {
	with := strings.NewReplacer("{value}", value, "{threshold}", r.Threshold, "{input}", rule.Input, "{rule}", rule.ID)
	return clip(with.Replace(rule.Summary), 500)
}

// compare is the comparison itself; known is false where it cannot be made.
func (rule Rule) compare(in Input) (matched, known bool) {
	if len(rule.Threshold) == 0 {
		return false, false // no rule that Parse made
	}
	switch rule.Op {
	case OpMissing:
		return in.kind == inputMissing, true
	case OpAny:
		return len(in.list) > 0, in.kind == inputList
	case OpOver, OpUnder:
		return rule.compareNumbers(in)
	}
	if in.kind == inputMissing || in.kind == inputList {
		return false, false
	}
	listed := slices.Contains(rule.Threshold, in.text)
	switch rule.Op {
	case OpEquals, OpIn:
		return listed, true
	case OpNotIn:
		return !listed, true
	case OpIs:
		return listed, in.text == "true" || in.text == "false"
	}
	return false, false
}

func (rule Rule) compareNumbers(in Input) (matched, known bool) {
	n, ok := in.number()
	threshold, err := strconv.ParseInt(rule.Threshold[0], 10, 64)
	if !ok || err != nil {
		return false, false
	}
	if rule.Op == OpOver {
		return n > threshold, true
	}
	return n < threshold, true
}
