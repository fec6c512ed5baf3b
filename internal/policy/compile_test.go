package policy

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompileErrors(t *testing.T) {
	const first = "// what is permitted\n" // so that no fault stands on line 1 by accident
	tests := []struct {
		name, text string
		want       string // "line:column id: part of the message", one per line
	}{
		{"no annotations", "permit (principal, action, resource);",
			"2:1 : needs an @id\n2:1 : needs a @version\n2:1 : needs a @reason"},
		{"empty reason", `@id("a") @version("1") @reason(" ") permit (principal, action, resource);`, "2:1 a: needs a @reason"},
		{"bad version", `@id("a") @version("one two") @reason("r") permit (principal, action, resource);`, "2:1 a: needs a @version"},
		{"misspelt annotation", `@obligaton("require_routed") ` + one("a", anyCall+";"), "2:1 a: has an unknown annotation @obligaton"},
		{"annotation twice", one("a", `@id("b") `+anyCall+";"), "2:47 : cannot be read before \"(\": duplicate annotation: @id"},
		{"same id twice", one("a", anyCall+";") + one("a", anyCall+";"), "3:1 a: has the @id of the policy on line 2"},
		{"bad control", `@control("security") ` + one("a", anyCall+";"), `2:1 a: @control names "security"`},
		{"unknown obligation", `@obligation("notify:cfo") ` + one("a", anyCall+";"), `2:1 a: has an unknown obligation "notify:cfo"`},
		{"undeclared approval", `@obligation("require_approval:ceo") ` + one("a", anyCall+";"), `2:1 a: requires approval "ceo", which the workflow does not declare`},
		{"obliging forbid", `@obligation("require_approval:cfo") ` + one("a", "forbid (principal, action, resource);"), "2:1 a: is a forbid and cannot carry an @obligation"},
		{"missing semicolon", one("a", anyCall) + one("b", anyCall+";"), `3:1 : found "@" where ";" should stand`},
		{"missing last semicolon", one("a", anyCall), `3:1 : found "" where ";" should stand`},
		{"wrong bracket", one("a", "permit (principal, action, resource];"), `2:79 : found "]" where ")" should stand`},
		{"no expression", one("a", anyCall+"\n  when { context.now > };"), `: cannot be read before ";": invalid primary`},
		{"unclosed string", one("a", anyCall+"\nwhen { resource.name == \"post };"), "3:25 : literal not terminated"},
		{"literal too large", one("a", anyCall+" when { context.now > 99999999999999999999 };"), "2:102 : number 99999999999999999999 does not fit 64 bits"},
		{"unknown variable", one("a", anyCall+" when { agent == principal };"), "2:94 : cannot be read before \"==\": invalid primary"},
		{"block comment", "/* free */ " + one("a", anyCall+";"), "2:1 : Cedar has no block comments"},
		{"deep nesting", one("a", anyCall+" when { "+strings.Repeat("(", 40)+"true"+strings.Repeat(")", 40)+" };"), "2:119 : brackets are nested deeper than 32 levels"},
		{"one long policy", one("a", anyCall+" when { "+strings.Repeat("true && ", 1200)+" true };"), "2:8173 : one policy is longer than 8192 bytes"},
		{"too many policies", manyPolicies(201), "1:1 : there are 201 policies"},
		{"not UTF-8", one("a", anyCall+" when { \"\xff\" == \"\" };"), "1:1 : the policies are not valid UTF-8"},
		{"wrong type", one("a", anyCall+` when { context.now == "noon" };`), "2:1 a: does not fit the schema: "},
		{"unknown attribute", one("a", anyCall+` when { context.facts.checks_pased };`), "2:1 a: does not fit the schema: attribute `checks_pased` in context for Action::\"books/find_vendor\" not found (and so for 1 more)"},
		{"unguarded optional argument", one("a", `permit (principal, action == Action::"books/post_invoice", resource) when { context.args.lines > 1 };`), "2:1 a: does not fit the schema: "},
		{"argument of another tool", one("a", anyCall+` when { context.args.query == "x" };`), "2:1 a: does not fit the schema: "},
		{"unknown action", one("a", `permit (principal, action == Action::"books/post", resource);`), "2:1 a: can never apply\n2:1 a: does not fit the schema: unrecognized action `Action::\"books/post\"`"},
		{"impact without tools", one("a", `permit (principal, action in Action::"low", resource);`), "2:1 a: can never apply"},
		{"unknown identity", one("a", `permit (principal == Identity::"invoice-agnt", action, resource);`), `2:1 a: names Identity::"invoice-agnt"`},
		{"unknown tool in a condition", one("a", `forbid (principal, action, resource) when { resource == Tool::"books/post_invoce" };`), `2:1 a: names Tool::"books/post_invoce"`},
		{"another workflow", one("a", `forbid (principal, action, resource) when { resource.workflow == Workflow::"other" };`), `2:1 a: names Workflow::"other"`},
		{"unknown tier", one("a", `forbid (principal, action, resource) when { "hihg" == resource.workflow.tier };`), `2:1 a: compares resource.workflow.tier with "hihg"`},
		{"unknown approval in a set", one("a", `forbid (principal, action, resource) when { context.facts.route.containsAny(["cfo", "ceo"]) };`), `2:1 a: compares context.facts.route with "ceo"`},
		{"two on a line", strings.TrimSpace(one("é", anyCall+";")) + one("b", anyCall+" when { 1 };"),
			"2:1 : needs an @id\n2:81 b: does not fit the schema: unexpected type"},
		{"faults of several policies at once", one("a", "permit (principal);") + one("b", anyCall+";") + one("c", anyCall+" when { 1 };"),
			"2:61 : found \")\" where \",\" should stand\n4:1 c: does not fit the schema: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(invoiceSource(first + tt.text))
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got error %v, want Problems", err)
			}
			want := strings.Split(tt.want, "\n")
			if len(problems) != len(want) {
				t.Fatalf("got %d problems, want %d:\n%v", len(problems), len(want), err)
			}
			for i, p := range problems {
				if got := fmt.Sprintf("%d:%d %s: %s", p.Line, p.Column, p.Policy, p.Message); !strings.Contains(got, want[i]) {
					t.Errorf("problem %d is\n%s\nwant\n%s", i, got, want[i])
				}
			}
		})
	}
}

func manyPolicies(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(one(fmt.Sprintf("p%d", i), anyCall+";"))
	}
	return b.String()
}

func TestProblemText(t *testing.T) {
	_, err := Compile(invoiceSource("\n  " + one("a", anyCall+" when { 1 };")))
	want := "line 2, column 3: policy a: does not fit the schema: unexpected type: expected Bool but saw Long"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestCompileRefusesDeclarations(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Source)
		want   string
	}{
		{"tier", func(s *Source) { s.Tier = "huge" }, `the workflow's tier is "huge": it must be one of low, medium, high, critical`},
		{"mode", func(s *Source) { s.Mode = "" }, `the workflow's mode is "": it must be one of observe, shadow, enforce`},
		{"kind", func(s *Source) { s.Identities[0].Kind = "human" }, `the kind of identity invoice-agent is "human": it must be one of agent, workload`},
		{"identity twice", func(s *Source) { s.Identities[1].Name = "invoice-agent" }, `identity "invoice-agent" is declared twice`},
		{"tool twice", func(s *Source) { s.Tools[1].Name = "books/find_vendor" }, `tool "books/find_vendor" is declared twice`},
		{"tool without server", func(s *Source) { s.Tools[0].Name = "find" }, `tool "find" must be named server/tool`},
		{"impact", func(s *Source) { s.Tools[0].Impact = "huge" }, `the impact of tool books/find_vendor is "huge": it must be one of read, low, high`},
		{"argument type", func(s *Source) { s.Tools[0].Args[0].Type = "float" }, `the type of argument query of tool books/find_vendor is "float": it must be one of string, integer, boolean, strings, amount, number, json`},
		{"argument twice", func(s *Source) { s.Tools[1].Args[1].Name = "kind" }, `argument "books/post_invoice kind" is declared twice`},
		{"too many arguments", func(s *Source) { s.Tools[0].Args = make([]Arg, 65) }, "tool books/find_vendor has more than 64 arguments"},
		{"too many tools", func(s *Source) { s.Tools = make([]Tool, 201) }, "at most 200 tools and 100 identities can be declared"},
		{"too much text", func(s *Source) { s.Policies = strings.Repeat(" ", MaxText+1) }, "the policies are 131073 bytes, above the bound of 131072"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := invoiceSource(invoicePolicies)
			tt.change(&src)
			_, err := Compile(src)
			if err == nil || strings.Split(err.Error(), "\n")[0] != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestNoPolicyPermitsNothing(t *testing.T) {
	for _, text := range []string{"", "  \n", "// nothing yet"} {
		if v := compile(t, text).Evaluate(posting(t)); v.Effect != Deny || v.Reasons[0].Code != CodeNoPolicy {
			t.Errorf("%q: got %+v", text, v)
		}
	}
}

// Semicolons and brackets in strings and comments do not end or nest anything.
func TestSplitIsLossless(t *testing.T) {
	text := `permit(a); // ; ( "` + "\n" + `@id("; \" // (") forbid("é\\"); tail`
	statements, fault := split(text)
	if fault != nil {
		t.Fatal(fault)
	}
	var got []string
	for _, st := range statements {
		got = append(got, st.text)
	}
	if strings.Join(got, "") != text {
		t.Errorf("text was lost: %q", got)
	}
	want := []string{"permit(a);", " // ; ( \"\n" + `@id("; \" // (") forbid("é\\");`, " tail"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if last := statements[2]; last.line != 2 || last.column != 32 {
		t.Errorf("the tail begins at %d:%d, want 2:32", last.line, last.column)
	}
}

// Every example of the manual compiles, together and as it stands there.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, block := range strings.Split(string(manual), "```cedar\n")[1:] {
		example, _, closed := strings.Cut(block, "```\n")
		if !closed {
			t.Fatal("an example of docs/policy.md has no end")
		}
		text.WriteString(example + "\n")
	}
	s := compile(t, text.String())
	r := posting(t)
	if v := s.Evaluate(r); v.Effect != Allow {
		t.Errorf("a checked posting should be allowed, got %+v", v)
	}
	r.Args = parseArgs(t, strings.Replace(invoiceArgs, "125000", "5000001", 1))
	if v := s.Evaluate(r); v.Effect != Hold || !cmp.Equal(v.Require, []string{"cfo"}) {
		t.Errorf("a large posting should wait for the CFO, got %+v", v)
	}
}

// The manual names every fact that the schema has.
func TestManualNamesEveryFact(t *testing.T) {
	manual, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range factsType() {
		if !strings.Contains(string(manual), "| `"+string(name)+"` |") {
			t.Errorf("docs/policy.md does not explain the fact %s", name)
		}
	}
}
