package manifest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (r *reader) rule(n at) (rule Rule) {
	r.fields(n,
		need("id", func(n at) { rule.ID = r.word(n, nameForm) }),
		need("version", func(n at) { rule.Version = r.integer(n, 1, 1_000_000) }),
		need("when", func(n at) { r.when(n, &rule) }),
		need("band", func(n at) { rule.Band = r.word(n, bandForm) }),
		need("to", func(n at) { rule.To = r.word(n, nameForm) }),
		need("summary", func(n at) { rule.Summary = r.summary(n) }),
	)
	return rule
}

// when reads the input and the one comparison of a rule.
func (r *reader) when(n at, rule *Rule) {
	comparisons := 0
	op := func(op Op, read func(at) []string) field {
		return may(string(op), func(n at) {
			comparisons++
			rule.Op, rule.Threshold = op, read(n)
		})
	}
	r.fields(n,
		need("input", func(n at) { rule.Input = r.word(n, inputForm) }),
		op(OpOver, r.number), op(OpUnder, r.number), op(OpEquals, r.scalar),
		op(OpIn, r.scalars), op(OpNotIn, r.scalars), op(OpIs, r.truth),
		op(OpAny, r.yes), op(OpMissing, r.yes),
	)
	if n.Kind == yaml.MappingNode && comparisons != 1 {
		r.say(n, "needs exactly one comparison: over, under, equals, in, not_in, is, any or missing")
		rule.Op, rule.Threshold = "", nil
	}
}

func (r *reader) number(n at) []string {
	return []string{strconv.FormatInt(r.integer(n, -maxAmount, maxAmount), 10)}
}

func (r *reader) truth(n at) []string { return []string{strconv.FormatBool(r.boolean(n))} }

// yes reads the true of any and missing: their opposite is not a comparison.
func (r *reader) yes(n at) []string {
	if !r.boolean(n) {
		r.say(n, "can only be true: to ask for nothing, take the comparison out")
	}
	return []string{"true"}
}

// scalar reads one text or whole number to compare with.
func (r *reader) scalar(n at) []string {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" {
		return r.number(n)
	}
	return []string{r.text(n, 200)}
}

func (r *reader) scalars(n at) (list []string) {
	r.items(n, maxList, func(item at) {
		s := r.scalar(item)[0]
		if s != "" && slices.Contains(list, s) {
			r.say(item, "%q stands twice in the list", clip(s, 60))
		}
		list = append(list, s)
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.say(n, "is empty: name at least one value")
	}
	return list
}

var placeholder = regexp.MustCompile(`\{(value|threshold|input|rule)\}`)

// summary reads a template; a brace that is no placeholder is a misspelt one.
func (r *reader) summary(n at) string {
	s := r.text(n, 300)
	if strings.ContainsAny(placeholder.ReplaceAllString(s, ""), "{}") {
		r.say(n, "may hold {value}, {threshold}, {input} and {rule}, and no other braces")
	}
	return s
}
