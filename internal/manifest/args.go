package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/evidencefactory/evf/evidence"
)

// maxUndeclared bounds how many undeclared arguments are named.
const maxUndeclared = 16

// ArgProblem is one fault of a call's arguments. Its message holds no value
// of an argument, so that it can be recorded and logged.
type ArgProblem struct {
	Pointer string // RFC 6901, into the arguments
	Message string
}

// CheckArgs holds a call's arguments against what the tool declares. No
// problems means that they are exactly what it takes. Null counts as an
// object without members.
func (t Tool) CheckArgs(args evidence.Value) (problems []ArgProblem) {
	if k := args.Kind(); k != evidence.Object && k != evidence.Null {
		return []ArgProblem{{"", "the arguments must be an object"}}
	}
	for _, a := range t.Args {
		v, given := args.Get(a.Name)
		switch {
		case given:
			problems = append(problems, a.check("/"+a.Name, v)...)
		case a.Required:
			problems = append(problems, ArgProblem{"/" + a.Name, "is missing"})
		}
	}
	undeclared := 0
	for _, f := range args.Fields() {
		if _, known := t.Arg(f.Name); known {
			continue
		}
		if undeclared++; undeclared <= maxUndeclared {
			problems = append(problems, ArgProblem{"/" + pointerToken.Replace(clip(f.Name, 64)), "is not declared for this tool: leave it out"})
		}
	}
	if undeclared > maxUndeclared {
		problems = append(problems, ArgProblem{"", fmt.Sprintf("%d more arguments are not declared for this tool", undeclared-maxUndeclared)})
	}
	return problems
}

var pointerToken = strings.NewReplacer("~", "~0", "/", "~1")

// check holds one argument against its declaration.
func (a Arg) check(pointer string, v evidence.Value) []ArgProblem {
	message := ""
	switch a.Type {
	case ArgString:
		message = a.checkString(v)
	case ArgStrings:
		return a.checkStrings(pointer, v)
	case ArgBoolean:
		if v.Kind() != evidence.Bool {
			message = "must be true or false"
		}
	case ArgInteger:
		n, ok := v.Int()
		if message = a.within(n); !ok {
			message = "must be a whole number"
		}
	case ArgAmount:
		message = a.checkAmount(v)
	case ArgNumber:
		message = a.checkNumber(v)
	}
	if message == "" {
		return nil
	}
	return []ArgProblem{{pointer, message}}
}

func (a Arg) checkString(v evidence.Value) string {
	switch s := v.Text(); {
	case v.Kind() != evidence.String:
		return "must be a string"
	case utf8.RuneCountInString(s) > a.MaxLength:
		return fmt.Sprintf("must have at most %d characters", a.MaxLength)
	case a.Enum != nil && !slices.Contains(a.Enum, s):
		return "must be one of " + clip(strings.Join(a.Enum, ", "), 300)
	case a.pattern != nil && !a.pattern.MatchString(s):
		return "must match " + a.Pattern
	}
	return ""
}

func (a Arg) checkStrings(pointer string, v evidence.Value) (problems []ArgProblem) {
	switch {
	case v.Kind() != evidence.Array:
		return []ArgProblem{{pointer, "must be a list of strings"}}
	case len(v.Elems()) > a.MaxItems:
		return []ArgProblem{{pointer, fmt.Sprintf("must have at most %d entries", a.MaxItems)}}
	}
	for i, e := range v.Elems() {
		if message := a.checkString(e); message != "" {
			problems = append(problems, ArgProblem{pointer + "/" + strconv.Itoa(i), message})
		}
	}
	return problems
}

func (a Arg) checkAmount(v evidence.Value) string {
	if v.Kind() != evidence.String || !plainInteger.MatchString(v.Text()) {
		return "must be a string that holds a whole number of minor units, such as \"12500\""
	}
	n, err := strconv.ParseInt(v.Text(), 10, 64)
	if err != nil {
		return "must have at most 18 digits"
	}
	return a.within(n)
}

var decimalForm = regexp.MustCompile(`^-?[0-9]{1,14}(\.[0-9]{1,4})?$`)

func (a Arg) checkNumber(v evidence.Value) string {
	if v.Kind() != evidence.Number || !decimalForm.MatchString(v.Text()) {
		return "must be a number with at most 14 digits before the point and 4 after it"
	}
	if n, err := strconv.ParseFloat(v.Text(), 64); err != nil || n < float64(a.Min) || n > float64(a.Max) {
		return fmt.Sprintf("must be from %d to %d", a.Min, a.Max)
	}
	return ""
}

func (a Arg) within(n int64) string {
	if n < a.Min || n > a.Max {
		return fmt.Sprintf("must be from %d to %d", a.Min, a.Max)
	}
	return ""
}
