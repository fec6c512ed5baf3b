package manifest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/evidencefactory/evf/evidence"
)

// Bounds of what one manifest may declare.
const (
	maxIdentities = 100
	maxTools      = 200
	maxArgs       = 64
	maxRules      = 200
	maxApprovals  = 50
	maxList       = 200

	day = 24 * time.Hour
)

// Forms of names.
var (
	nameForm   = formOf(`[a-z0-9-]{1,63}`, "use 1 to 63 of a-z, 0-9 and hyphen")
	toolForm   = formOf(`[a-z0-9-]{1,63}/[A-Za-z0-9_.-]{1,128}`, "write server/tool, such as books/post_invoice")
	toolsForm  = formOf(`[a-z0-9-]{1,63}/(\*|[A-Za-z0-9_.-]{1,128})`, "write server/tool, or server/* for all tools of a server")
	checksForm = formOf(`[A-Za-z0-9][A-Za-z0-9._-]{0,63}/(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})`, "write group/rule, or group/* for all rules of a group")
	typeForm   = formOf(`[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){1,3}`, "write a type of record, such as check.result")
	argForm    = formOf(`[A-Za-z][A-Za-z0-9_-]{0,63}`, "begin with a letter, then letters, digits, underscore and hyphen, up to 64")
	inputForm  = formOf(`[a-z][a-z0-9_.]{0,63}`, "use a-z, 0-9, underscore and dot, up to 64")
	bandForm   = formOf(`[a-z0-9-]{1,40}`, "use 1 to 40 of a-z, 0-9 and hyphen")
)

var (
	slots     = []string{"extraction", "validation", "authorization", "routing", "oversight", "action", "identity", "inputs", "operation"}
	outputs   = slots[:6] // owed unless the contract says otherwise
	apartFrom = []string{"initiator", "dispatcher", "author"}
)

func (r *reader) manifest(n at, m *Manifest) {
	m.Owes, m.Retention = slices.Clone(outputs), Retention{Default: 400 * day, Floor: 365 * day}
	r.fields(n,
		need("manifest", func(n at) {
			if n.Value != "1" {
				r.say(n, "only version 1 is known: write manifest: 1")
			}
		}),
		need("workflow", func(n at) { m.Workflow = r.word(n, nameForm) }),
		need("purpose", func(n at) { m.Purpose = r.text(n, 500) }),
		need("owner", func(n at) { m.Owner = r.text(n, 200) }),
		need("environment", func(n at) { m.Environment = r.word(n, nameForm) }),
		need("tier", func(n at) { m.Tier = Tier(r.oneOf(n, "low", "medium", "high", "critical")) }),
		need("mode", func(n at) { m.Mode = Mode(r.oneOf(n, "observe", "shadow", "enforce")) }),
		need("identities", func(n at) {
			r.entries(n, nameForm, maxIdentities, func(name string, n at) { m.Identities = append(m.Identities, r.identity(name, n)) })
		}),
		may("tools", func(n at) {
			r.entries(n, toolForm, maxTools, func(name string, n at) { m.Tools = append(m.Tools, r.tool(name, n)) })
		}),
		may("checks", func(n at) {
			r.fields(n, need("required", func(n at) { m.Required = r.words(n, checksForm, maxList) }))
		}),
		may("routing", func(n at) {
			r.items(n, maxRules, func(n at) { m.Routing = append(m.Routing, r.rule(n)) })
		}),
		may("approvals", func(n at) {
			r.entries(n, nameForm, maxApprovals, func(name string, n at) { m.Approvals = append(m.Approvals, r.approval(name, n)) })
		}),
		may("evidence", func(n at) {
			r.fields(n, need("owes", func(n at) { m.Owes = r.someOf(n, slots...) }))
		}),
		may("classes", func(n at) { m.Classes = r.classes(n) }),
		may("retention", func(n at) { r.retention(n, &m.Retention) }),
		may("policies", func(n at) { m.policies = r.policies(n, m.source) }),
	)
}

func (r *reader) identity(name string, n at) Identity {
	i := Identity{Name: name}
	r.fields(n,
		need("kind", func(n at) { i.Kind = r.oneOf(n, "agent", "workload") }),
		may("starts", func(n at) { i.Starts = r.boolean(n) }),
		may("records", func(n at) { i.Records = r.records(n) }),
		may("tools", func(n at) { i.Tools = r.words(n, toolsForm, maxList) }),
		may("checks", func(n at) { i.Checks = r.words(n, checksForm, maxList) }),
		may("redeems", func(n at) { i.Redeems = r.words(n, nameForm, maxList) }),
	)
	return i
}

// records reads the types that an identity may submit by itself.
func (r *reader) records(n at) (types []evidence.Type) {
	var known []string
	for _, t := range evidence.Types() {
		if !t.Reserved() {
			known = append(known, string(t))
		}
	}
	r.items(n, maxList, func(n at) {
		switch t := evidence.Type(r.word(n, typeForm)); {
		case t == "":
		case strings.HasPrefix(string(t), "run."):
			r.say(n, "runs begin and end through calls of their own: write starts: true instead")
		case t.Reserved():
			r.say(n, "only the system itself records %s: take it out", t)
		case t.Shape() == nil:
			r.say(n, "%q is no type of record: %s", string(t), nearest(string(t), known))
		default:
			types = append(types, t)
		}
	})
	return types
}

func (r *reader) approval(name string, n at) Approval {
	a := Approval{Name: name, Quorum: 1, Expires: 4 * time.Hour, ApartFrom: slices.Clone(apartFrom)}
	r.fields(n,
		need("role", func(n at) { a.Role = r.word(n, nameForm) }),
		may("quorum", func(n at) { a.Quorum = int(r.integer(n, 1, 10)) }),
		may("expires", func(n at) { a.Expires = r.duration(n, 90*day) }),
		may("apart_from", func(n at) { a.ApartFrom = r.someOf(n, apartFrom...) }),
	)
	return a
}

func (r *reader) classes(n at) (rules []ClassRule) {
	r.entries(n, typeForm, maxList, func(name string, n at) {
		t := evidence.Type(name)
		if t.Shape() == nil {
			r.say(n, "%q is no type of record: %s", name, nearest(name, words(evidence.Types())))
			return
		}
		r.mapping(n, func(key, value at) {
			class := evidence.Class(r.oneOf(value, "internal", "personal", "confidential", "secret"))
			r.raisable(key, t, class)
			rules = append(rules, ClassRule{t, key.Value, class})
		})
	})
	if len(rules) > maxList {
		r.say(n, "has %d rules, above the bound of %d", len(rules), maxList)
	}
	return rules
}

// raisable refuses a class that would silently do nothing, or that would take
// away what decisions rest on.
func (r *reader) raisable(key at, t evidence.Type, class evidence.Class) {
	f := t.Shape().At(key.Value)
	switch p := key.Value; {
	case !strings.HasPrefix(p, "/") || len(p) > 500 || strings.Contains(escapes.Replace(p), "~"):
		r.say(key, "%q is no JSON pointer: begin it with /, write * for every element", clip(key.Value, 60))
	case f == nil:
		r.say(key, "%s has no field %q: see schema/%s.v1.json", t, clip(key.Value, 60), t)
	case f.Key:
		r.say(key, "%s of %s joins and tests records, so it stays public: take this line out", key.Value, t)
	case class != "" && class.Rank() < f.Class.Rank():
		r.say(key, "%s of %s is %s already: a class can be raised, not lowered", key.Value, t, f.Class)
	case class == evidence.Secret && t.Reserved():
		r.say(key, "%s of %s cannot be dropped: decisions are made again from it", key.Value, t)
	}
}

// escapes are the two that RFC 6901 knows.
var escapes = strings.NewReplacer("~0", "", "~1", "")

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func (r *reader) retention(n at, keep *Retention) {
	const most = 36500 * day
	period := func(class evidence.Class) field {
		return may(string(class), func(n at) {
			if keep.Classes == nil {
				keep.Classes = map[evidence.Class]time.Duration{}
			}
			keep.Classes[class] = r.duration(n, most)
		})
	}
	r.fields(n,
		may("default", func(n at) { keep.Default = r.duration(n, most) }),
		period(evidence.Internal), period(evidence.Personal), period(evidence.Confidential),
		may("floor", func(n at) { keep.Floor = r.duration(n, most) }),
	)
	for _, class := range Retained {
		if d := keep.For(class); d < keep.Floor && d > 0 {
			r.say(n, "%s values are kept %s, which is below the floor of %s: keep them longer, or set a lower floor on purpose", class, inDays(d), inDays(keep.Floor))
		}
	}
}

func inDays(d time.Duration) string {
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

// policies is the Cedar text and where it stands in the file.
type policies struct {
	text   string
	line   int // of the line before the text
	indent int // characters before each of its lines
}

func (r *reader) policies(n at, source []byte) policies {
	if n.Kind != yaml.ScalarNode || n.Style&yaml.LiteralStyle == 0 {
		r.say(n, "must be a literal block, so that faults can be shown where they stand: write policies: | and indent the text below it")
		return policies{}
	}
	p := policies{text: n.Value, line: n.Line}
	lines := strings.Split(string(source), "\n")
	for i, text := range strings.Split(n.Value, "\n") {
		if strings.TrimSpace(text) != "" && n.Line+i < len(lines) {
			p.indent = spaces(lines[n.Line+i]) - spaces(text)
			break
		}
	}
	return p
}

func spaces(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

// PolicyText is the Cedar text, "" where the file has none.
func (m *Manifest) PolicyText() string { return m.policies.text }

// PolicyPosition turns a place in PolicyText into the place in the file: lines
// and columns from 1, columns in characters.
func (m *Manifest) PolicyPosition(line, column int) (fileLine, fileColumn int) {
	return m.policies.line + line, m.policies.indent + column
}
