package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// at is a node and the path that leads to it.
type at struct {
	*yaml.Node
	path string
}

// reader takes a document apart and collects what is wrong with it. A value
// that cannot be read is reported and read as zero, so that reading goes on.
type reader struct {
	problems Problems
	nodes    map[string]*yaml.Node // by path, for faults found between sections
}

func (r *reader) say(n at, format string, args ...any) {
	r.problems = append(r.problems, Problem{Line: n.Line, Column: n.Column, Path: n.path, Message: fmt.Sprintf(format, args...)})
}

// sayAt reports about the nearest node of a path that the file has.
func (r *reader) sayAt(path, format string, args ...any) {
	for place := path; place != ""; place = place[:max(0, strings.LastIndexAny(place, ".["))] {
		if n, ok := r.nodes[place]; ok {
			r.say(at{n, path}, format, args...)
			return
		}
	}
	r.say(at{&yaml.Node{Line: 1, Column: 1}, path}, format, args...)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// field is one known key of a mapping.
type field struct {
	name     string
	required bool
	read     func(at)
}

func need(name string, read func(at)) field { return field{name, true, read} }
func may(name string, read func(at)) field  { return field{name, false, read} }

// fields reads a mapping of known keys.
func (r *reader) fields(n at, known ...field) {
	given := map[string]bool{}
	r.mapping(n, func(key at, value at) {
		i := slices.IndexFunc(known, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			names := make([]string, len(known))
			for i, f := range known {
				names[i] = f.name
			}
			r.say(key, "unknown key %q: %s", clip(key.Value, 60), nearest(key.Value, names))
			return
		}
		given[key.Value] = true
		if value.Kind != yaml.AliasNode { // reported by survey
			known[i].read(value)
		}
	})
	for _, f := range known {
		if f.required && !given[f.name] && n.Kind == yaml.MappingNode {
			r.say(n, "%s is missing", f.name)
		}
	}
}

// entries reads a mapping whose keys are names that the user gives.
func (r *reader) entries(n at, form form, most int, read func(name string, value at)) {
	if n.Kind == yaml.MappingNode && len(n.Content)/2 > most {
		r.say(n, "has %d entries, above the bound of %d", len(n.Content)/2, most)
		return
	}
	r.mapping(n, func(key at, value at) {
		if !form.MatchString(key.Value) {
			r.say(key, "name %q is not allowed: %s", clip(key.Value, 60), form.hint)
		}
		if value.Kind != yaml.AliasNode {
			read(key.Value, value)
		}
	})
}

// mapping walks the keys and values of a mapping, each key once.
func (r *reader) mapping(n at, each func(key, value at)) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "a mapping (key: value)")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := at{n.Content[i], n.path}
		if key.Kind != yaml.ScalarNode || seen[key.Value] {
			continue // reported by survey
		}
		seen[key.Value] = true
		value := at{n.Content[i+1], join(n.path, clip(key.Value, 200))}
		r.nodes[value.path] = value.Node
		each(key, value)
	}
}

// items walks a list.
func (r *reader) items(n at, most int, each func(at)) {
	switch {
	case n.Kind != yaml.SequenceNode:
		r.wrong(n, "a list ([a, b] or lines that begin with -)")
	case len(n.Content) > most:
		r.say(n, "has %d entries, above the bound of %d", len(n.Content), most)
	default:
		for i, child := range n.Content {
			item := at{child, n.path + "[" + strconv.Itoa(i) + "]"}
			r.nodes[item.path] = child
			if child.Kind != yaml.AliasNode {
				each(item)
			}
		}
	}
}

// wrong reports a value of another type than wanted.
func (r *reader) wrong(n at, want string) {
	is := map[string]string{
		"!!map": "a mapping", "!!seq": "a list", "!!str": "text", "!!int": "a number",
		"!!float": "a number with a fraction", "!!bool": "true or false", "!!null": "empty", "!!timestamp": "a date",
	}[n.ShortTag()]
	if is == "" {
		is = "something else"
	}
	r.say(n, "is %s, but must be %s", is, want)
}

// text reads one line of up to most characters.
func (r *reader) text(n at, most int) string {
	s := strings.TrimRight(n.Value, "\n") // a block ends with one
	switch {
	case n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null":
		r.wrong(n, "text")
	case n.ShortTag() != "!!str":
		r.wrong(n, "text: put it in quotes")
	case strings.TrimSpace(s) == "":
		r.say(n, "is empty")
	case strings.TrimSpace(s) != s:
		r.say(n, "begins or ends with a space: take it out")
	case utf8.RuneCountInString(s) > most:
		r.say(n, "has %d characters, above the bound of %d", utf8.RuneCountInString(s), most)
	case strings.ContainsFunc(s, unicode.IsControl):
		r.say(n, "must be one line without control characters")
	default:
		return s
	}
	return ""
}

// form is what a kind of name must look like, and how to say so.
type form struct {
	*regexp.Regexp
	hint string
}

func formOf(pattern, hint string) form {
	return form{regexp.MustCompile("^(?:" + pattern + ")$"), hint}
}

// word reads a name of a form.
func (r *reader) word(n at, form form) string {
	before := len(r.problems)
	s := r.text(n, 300)
	if len(r.problems) == before && !form.MatchString(s) {
		r.say(n, "%q is not allowed: %s", clip(s, 60), form.hint)
		return ""
	}
	return s
}

// words reads a list of names, each once.
func (r *reader) words(n at, form form, most int) []string {
	list := []string{}
	r.items(n, most, func(item at) {
		switch s := r.word(item, form); {
		case s == "":
		case slices.Contains(list, s):
			r.say(item, "%q stands twice in the list", clip(s, 60))
		default:
			list = append(list, s)
		}
	})
	return list
}

// oneOf reads one of the known words.
func (r *reader) oneOf(n at, known ...string) string {
	before := len(r.problems)
	s := r.text(n, 300)
	if len(r.problems) > before {
		return ""
	}
	if !slices.Contains(known, s) {
		r.say(n, "%q is not known here: %s", clip(s, 60), nearest(s, known))
		return ""
	}
	return s
}

// someOf reads a list of known words.
func (r *reader) someOf(n at, known ...string) []string {
	list := []string{}
	r.items(n, len(known), func(item at) {
		switch s := r.oneOf(item, known...); {
		case s == "":
		case slices.Contains(list, s):
			r.say(item, "%q stands twice in the list", s)
		default:
			list = append(list, s)
		}
	})
	return list
}

var plainInteger = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,17})$`)

// integer reads a whole number in plain digits.
func (r *reader) integer(n at, least, most int64) int64 {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || !plainInteger.MatchString(n.Value) {
		r.say(n, "must be a whole number in plain digits")
		return least
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil || i < least || i > most {
		r.say(n, "must be from %d to %d", least, most)
		return least
	}
	return i
}

func (r *reader) boolean(n at) bool {
	if n.ShortTag() != "!!bool" || n.Value != "true" && n.Value != "false" {
		r.say(n, "must be true or false")
	}
	return n.Value != "false"
}

var (
	durationForm = regexp.MustCompile(`^([1-9][0-9]{0,5})(s|m|h|d)$`)
	units        = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
)

// duration reads one number with one unit. A day is 24 hours.
func (r *reader) duration(n at, most time.Duration) time.Duration {
	m := durationForm.FindStringSubmatch(n.Value)
	if n.Kind != yaml.ScalarNode || m == nil {
		r.say(n, "must be a duration above zero, such as 90s, 30m, 4h or 400d")
		return 0
	}
	count, _ := strconv.Atoi(m[1])
	d := time.Duration(count) * units[m[2]]
	if d > most {
		r.say(n, "must be at most %dd", most/units["d"])
	}
	return d
}
