package replay

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestSuites(t *testing.T) {
	r, err := New([]byte(small), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"right", "{name: a, tool: bank/limit, want: allow, reason: limit}", ""},
		{"right by code", "{name: a, tool: bank/limit, want: allow, reason: permitted}", ""},
		{"a fact", "{name: a, tool: bank/limit, facts: {calls_in_run: 2}, want: deny, reason: no-policy}", ""},
		{"lists in any order", "{name: a, tool: bank/limit, facts: {checks_passed: false, checks_missing: [b, a, b]}, want: allow}", ""},
		{"sources", "{name: a, tool: bank/send, args: {to: x1}, untrusted: [x1], want: deny, reason: untrusted-argument}", ""},
		{"other verdict", "{name: a, tool: bank/limit, want: hold}", "is allow, want hold"},
		{"other reason", "{name: a, tool: bank/limit, want: allow, reason: send}", "but for reason permitted"},
		{"unknown fact", "{name: a, tool: bank/limit, facts: {checks_pased: true}, want: allow}", "there is no fact checks_pased"},
		{"fact of another type", "{name: a, tool: bank/limit, facts: {calls_in_run: many}, want: allow}", "calls_in_run is a string, a number is expected"},
		{"facts that contradict", "{name: a, tool: bank/limit, facts: {checks_passed: true, checks_failed: [x]}, want: allow}", "cannot have passed"},
		{"unknown identity", "{name: a, tool: bank/limit, identity: nobody, want: allow}", "declares no such identity"},
	} {
		s, err := ParseSuite([]byte("workflow: w.yaml\ncases:\n  - " + tt.text + "\n"))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if s.Cases[0].Line != 3 {
			t.Errorf("%s: stands on line %d, want 3", tt.name, s.Cases[0].Line)
		}
		if err := r.Test(s.Cases[0]); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestSuitesRefused(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no manifest", "cases: [{name: a, tool: b/c, want: allow}]", "workflow is missing"},
		{"no cases", "workflow: w.yaml", "there are no cases"},
		{"unknown key", "workflow: w.yaml\ncases:\n  - {name: a, tool: b/c, wants: allow}", "line 3: field wants not found"},
		{"no name", "workflow: w.yaml\ncases:\n  - {tool: b/c, want: allow}", "line 3: name is missing"},
		{"no verdict", "workflow: w.yaml\ncases:\n  - {name: a, tool: b/c}", "line 3: want is not allow, hold or deny"},
		{"no tool", "workflow: w.yaml\ncases:\n  - {name: a, want: deny}", "line 3: tool: is neither"},
		{"two documents", "workflow: w.yaml\n---\na: b", "more than one document"},
		{"no YAML", "workflow: [", "yaml"},
	} {
		if _, err := ParseSuite([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// The worked example decides as its own cases say.
func TestExample(t *testing.T) {
	const dir = "../../examples/invoice/"
	data, err := os.ReadFile(dir + "workflow.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSuite(data)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(dir + s.Workflow)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(source, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Cases {
		if err := r.Test(c); err != nil {
			t.Errorf("line %d: %s: %v", c.Line, c.Name, err)
		}
	}
}
