package replay

import (
	"strings"
	"testing"
	"time"

	"github.com/evidencefactory/evf/internal/policy"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"tool as one word", `{"run":"r","tool":"bank/send","args":{}}`, ""},
		{"no arguments", `{"run":"r","tool":{"server":"bank","name":"send"}}`, ""},
		{"arguments that are null", `{"tool":"bank/send","args":null}`, ""},
		{"numbers as others write them", `{"tool":"bank/send","args":{"a":100.0,"b":1e3,"c":-0.50,"d":"1e3"}}`, ""},
		{"sources of every form", `{"tool":"bank/send","args":{},"inputs":["a",{"value":"b"},{"text":"c","source":"user"},{"name":"d","iban":"e"}],"untrusted":"one page"}`, ""},
		{"not JSON", `{"tool"`, "JSON"},
		{"a list", `[]`, "an object is expected"},
		{"no tool", `{"run":"r"}`, "tool: is neither"},
		{"half a tool", `{"tool":{"server":"bank"}}`, "tool: is neither"},
		{"arguments in a list", `{"tool":"bank/send","args":[1]}`, "args: is a array"},
		{"the same key twice", `{"tool":"bank/send","tool":"bank/x","args":{}}`, "twice"},
		{"a number that would lose digits", `{"tool":"bank/send","args":{"a":12345678901234567890}}`, "canonical"},
		{"no time", `{"tool":"bank/send","at":"noon"}`, "at: is no RFC 3339"},
		{"broken UTF-8", "{\"tool\":\"bank/\xff\"}", "UTF-8"},
	} {
		_, err := Parse([]byte(tt.line))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	c, err := Parse([]byte(`{"tool":"a/b","args":{"n":100.0},"inputs":["a",{"value":"b"},{"text":"c","source":"user"},{"name":"d","iban":"e"}],"untrusted":["x",{"content":{"y":["z",1]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	n, _ := c.Args.Get("n")
	if got := strings.Join(c.Sources.Cited, " ") + "|" + strings.Join(c.Sources.Person, " ") + "|" + strings.Join(c.Sources.Untrusted, " ") + "|" + n.Text(); got != "a b e d|c|x z 1|100" {
		t.Errorf("read %q", got)
	}
}

const small = `
manifest: 1
workflow: small
purpose: Try a replay.
owner: olga@example.org
environment: test
tier: low
mode: observe
identities:
  agent: {kind: agent, starts: true, tools: [bank/limit, bank/send]}
  other: {kind: agent, tools: [bank/limit]}
tools:
  bank/limit: {impact: low, args: {note: {type: string, required: false}}}
  bank/send: {impact: high, args: {to: {type: string}}}
policies: |
  @id("limit") @version("1") @reason("Twice a run.")
  permit (principal == Identity::"agent", action == Action::"bank/limit", resource) when { context.facts.calls_in_run < 2 };
  @id("send") @version("1") @reason("Free.")
  permit (principal, action == Action::"bank/send", resource);
`

func TestDecide(t *testing.T) {
	r, err := New([]byte(small), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		line   string
		effect policy.Effect
		code   string
	}{
		{`{"run":"a","tool":"bank/limit","args":{"note":null}}`, policy.Allow, "permitted"},
		{`{"run":"a","tool":"bank/limit"}`, policy.Allow, "permitted"},
		{`{"run":"a","tool":"bank/limit"}`, policy.Deny, "no-policy"},
		{`{"run":"b","tool":"bank/limit"}`, policy.Allow, "permitted"},
		{`{"run":"b","tool":"bank/limit","identity":"other"}`, policy.Deny, "no-policy"},
		{`{"run":"b","tool":"bank/send","identity":"other","args":{"to":"x1"}}`, policy.Deny, "tool-not-allowed"},
		{`{"run":"b","tool":"bank/none"}`, policy.Deny, "unknown-tool"},
		{`{"run":"b","tool":"bank/send","args":{}}`, policy.Deny, "bad-argument"},
		{`{"run":"b","tool":"bank/send","args":{"to":"x1","cc":"y"}}`, policy.Deny, "bad-argument"},
		{`{"run":"b","tool":"bank/send","args":{"to":"x1"},"untrusted":["x1"]}`, policy.Deny, "untrusted-argument"}, // nobody to ask
	} {
		c, err := Parse([]byte(tt.line))
		if err != nil {
			t.Fatal(err)
		}
		v, err := r.Decide(c)
		if err != nil || v.Effect != tt.effect || v.Reasons[0].Code != tt.code {
			t.Errorf("line %d: %s %+v %v, want %s %s", i, v.Effect, v.Reasons, err, tt.effect, tt.code)
		}
	}
	if _, err := r.Decide(Call{Tool: "bank/send", Identity: "nobody"}); err == nil {
		t.Error("an identity that is not declared was taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"run":"r","tool":{"server":"s","name":"n"},"args":{"a":1.50},"inputs":[{"value":"x"}],"untrusted":["y"]}`))
	f.Add([]byte(`{"tool":"a/b","args":{"n":-1e5},"inputs":"x"}`))
	r, err := New([]byte(small), time.Unix(0, 0))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := Parse(line)
		if err != nil {
			return
		}
		if v, err := r.Decide(c); err == nil && len(v.Reasons) == 0 {
			t.Error("a verdict without a reason")
		}
	})
}
