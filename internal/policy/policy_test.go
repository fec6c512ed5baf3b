package policy

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/evidence"
)

// invoicePolicies is what a small invoice workflow needs.
const invoicePolicies = `@id("look-up") @version("1")
@reason("Reading vendors and entries changes nothing.")
permit (principal, action in Action::"read", resource);

@id("post-checked") @version("2")
@reason("A document that passed every required check may be posted.")
@control("AEF-AUT-02, AEF-PI-01")
@obligation("require_routed")
permit (principal == Identity::"invoice-agent", action == Action::"books/post_invoice", resource)
when { context.facts.checks_passed && context.facts.args_attested };

@id("no-change-unchecked") @version("1")
@reason("Nothing of high impact happens while a required check failed or is missing.")
@control("AEF-PI-01")
forbid (principal, action in Action::"high", resource)
unless { context.facts.checks_passed };

@id("one-posting-per-run") @version("1")
@reason("A run posts at most three times.")
forbid (principal, action in Action::"high", resource)
when { context.facts.calls_in_run >= 3 };
`

func invoiceSource(policies string) Source {
	return Source{
		Workflow: "invoice-exceptions", Tier: "high", Environment: "production", Mode: "enforce",
		Policies: policies,
		Tools: []Tool{
			{Name: "books/find_vendor", Impact: "read", Args: []Arg{{"query", "string", true}}},
			{Name: "books/post_invoice", Impact: "high", Args: []Arg{
				{"document", "string", true}, {"payable_minor", "amount", true}, {"kind", "string", true},
				{"lines", "integer", false}, {"urgent", "boolean", false}, {"tags", "strings", false},
			}},
		},
		Identities: []Identity{{"invoice-agent", "agent"}, {"invoice-validator", "workload"}},
		Approvals:  []string{"ap-controller", "cfo"},
	}
}

func compile(t testing.TB, policies string) *Set {
	t.Helper()
	s, err := Compile(invoiceSource(policies))
	if err != nil {
		t.Fatalf("the policies should compile:\n%v", err)
	}
	return s
}

func parseArgs(t testing.TB, text string) evidence.Value {
	t.Helper()
	v, err := evidence.ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const invoiceArgs = `{"document":"sha256:00","payable_minor":"125000","kind":"invoice"}`

// posting is a call that the invoice policies allow.
func posting(t testing.TB) Request {
	return Request{
		Identity: "invoice-agent", Tool: "books/post_invoice", Args: parseArgs(t, invoiceArgs),
		Facts: Facts{ChecksPassed: true, ArgsAttested: true, Routed: true, InitiatorKind: "human"},
		Now:   time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

func TestEvaluate(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*Request)
		effect  Effect
		by      string // ids of the policies that decided
		require string
		codes   string
	}{
		{"straight through", func(r *Request) {}, Allow, "post-checked", "", "permitted"},
		{"routed to a person", func(r *Request) { r.Facts.Route = []string{"ap-controller"} },
			Hold, "post-checked", "ap-controller", "approval-required"},
		{"routed to two people", func(r *Request) { r.Facts.Route = []string{"cfo", "ap-controller", "cfo"} },
			Hold, "post-checked", "ap-controller cfo", "approval-required approval-required"},
		{"one of two approved", func(r *Request) {
			r.Facts.Route, r.Facts.Approvals = []string{"ap-controller", "cfo"}, []string{"cfo"}
		}, Hold, "post-checked", "ap-controller", "approval-required"},
		{"approved", func(r *Request) {
			r.Facts.Route, r.Facts.Approvals = []string{"ap-controller"}, []string{"ap-controller"}
		}, Allow, "post-checked", "", "permitted"},
		{"not routed", func(r *Request) { r.Facts.Routed = false }, Deny, "post-checked", "", "not-routed"},
		{"unchecked", func(r *Request) { r.Facts.ChecksPassed = false }, Deny, "no-change-unchecked", "", "forbidden"},
		{"forbid outweighs hold", func(r *Request) {
			r.Facts.Route, r.Facts.CallsInRun = []string{"cfo"}, 3
		}, Deny, "one-posting-per-run", "", "forbidden"},
		{"two forbids", func(r *Request) { r.Facts.ChecksPassed, r.Facts.CallsInRun = false, 9 },
			Deny, "no-change-unchecked one-posting-per-run", "", "forbidden forbidden"},
		{"nobody's leave", func(r *Request) { r.Facts.ArgsAttested = false }, Deny, "", "", "no-policy"},
		{"another identity", func(r *Request) { r.Identity = "invoice-validator" }, Deny, "", "", "no-policy"},
		{"reading", func(r *Request) { r.Tool, r.Args = "books/find_vendor", parseArgs(t, `{"query":"Ünïcode 例 🙂"}`) },
			Allow, "look-up", "", "permitted"},
		{"unknown identity", func(r *Request) { r.Identity = "stranger" }, Deny, "", "", "invalid-request"},
		{"unknown tool", func(r *Request) { r.Tool = "books/delete_all" }, Deny, "", "", "invalid-request"},
		{"a group is no tool", func(r *Request) { r.Tool = "high" }, Deny, "", "", "invalid-request"},
		{"undeclared approval", func(r *Request) { r.Facts.Approvals = []string{"my-friend"} }, Deny, "", "", "invalid-request"},
		{"route without routing", func(r *Request) { r.Facts.Routed, r.Facts.Route = false, []string{"cfo"} },
			Deny, "", "", "invalid-request"},
		{"contradicting checks", func(r *Request) { r.Facts.ChecksMissing = []string{"vendor/known"} },
			Deny, "", "", "invalid-request"},
		{"contradicting arguments", func(r *Request) { r.Facts.ArgsUnattested = []string{"kind"} },
			Deny, "", "", "invalid-request"},
		{"negative count", func(r *Request) { r.Facts.CallsInRun = -1 }, Deny, "", "", "invalid-request"},
		{"broken text in a fact", func(r *Request) { r.Facts.InitiatorKind = "\xff" }, Deny, "", "", "invalid-request"},
		{"arguments missing", func(r *Request) { r.Args = evidence.Value{} }, Deny, "", "", "invalid-request"},
	}
	s := compile(t, invoicePolicies)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := posting(t)
			tt.change(&r)
			v := s.Evaluate(r)
			var by, codes []string
			for _, p := range v.Policies {
				by = append(by, p.ID)
			}
			for _, reason := range v.Reasons {
				codes = append(codes, reason.Code)
			}
			got := []string{string(v.Effect), strings.Join(by, " "), strings.Join(v.Require, " "), strings.Join(codes, " ")}
			want := []string{string(tt.effect), tt.by, tt.require, tt.codes}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s\n%+v", diff, v)
			}
		})
	}
}

func TestVerdictNamesItsPolicies(t *testing.T) {
	got := compile(t, invoicePolicies).Evaluate(posting(t))
	want := Verdict{
		Effect: Allow,
		Policies: []Determining{{
			ID: "post-checked", Version: "2", Effect: "permit",
			Reason:   "A document that passed every required check may be posted.",
			Controls: []string{"AEF-AUT-02", "AEF-PI-01"},
		}},
		Reasons: []Reason{{"permitted", "A document that passed every required check may be posted."}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

// A record holds 64 reasons, so no verdict has more.
func TestReasonsAreBounded(t *testing.T) {
	v := compile(t, manyPolicies(MaxPolicies)).Evaluate(posting(t))
	if v.Effect != Allow || len(v.Policies) != MaxPolicies || len(v.Reasons) != maxReasons {
		t.Errorf("%s with %d policies and %d reasons", v.Effect, len(v.Policies), len(v.Reasons))
	}
}

// one is a policy with the annotations that every policy needs.
func one(id, rest string) string {
	return `@id("` + id + `") @version("1") @reason("Because.") ` + rest + "\n"
}

const anyCall = `permit (principal, action, resource)`

// Cedar itself skips a forbid that errs and would answer allow here.
func TestErringPolicyDenies(t *testing.T) {
	overflow := ` when { context.args.payable_minor * 9223372036854775807 > 0 };`
	for name, policies := range map[string]string{
		"forbid": one("open", anyCall+";") + one("guard", `forbid (principal, action == Action::"books/post_invoice", resource)`+overflow),
		"permit": one("open", anyCall+";") + one("guard", `permit (principal, action == Action::"books/post_invoice", resource)`+overflow),
	} {
		t.Run(name, func(t *testing.T) {
			v := compile(t, policies).Evaluate(posting(t))
			if v.Effect != Deny || len(v.Reasons) != 1 || v.Reasons[0].Code != CodePolicyError {
				t.Fatalf("an error must deny, got %+v", v)
			}
			if len(v.Policies) != 1 || v.Policies[0].ID != "guard" {
				t.Errorf("the policy that erred should be named, got %+v", v.Policies)
			}
			if strings.Contains(v.Reasons[0].Text, "125000") {
				t.Errorf("an argument's value stands in the reason: %q", v.Reasons[0].Text)
			}
		})
	}
}

func TestObligationsOfAllPermitsApply(t *testing.T) {
	s := compile(t, one("free", anyCall+";")+
		one("asks", `@obligation("require_approval:cfo, require_approval:ap-controller") `+anyCall+";")+
		one("asks-again", `@obligation("require_approval:cfo") `+anyCall+";")+
		one("asleep", `@obligation("require_approval:cfo") `+anyCall+" when { context.facts.calls_in_run > 5 };"))
	r := posting(t)
	if v := s.Evaluate(r); v.Effect != Hold || !cmp.Equal(v.Require, []string{"cfo", "ap-controller"}) || len(v.Policies) != 3 {
		t.Errorf("the strictest of three permits decides, got %+v", v)
	}
	r.Facts.Approvals = []string{"ap-controller"}
	if v := s.Evaluate(r); v.Effect != Hold || !cmp.Equal(v.Require, []string{"cfo"}) {
		t.Errorf("what is granted is no longer asked for, got %+v", v)
	}
	r.Facts.Approvals = []string{"cfo", "ap-controller"}
	if v := s.Evaluate(r); v.Effect != Allow || v.Require != nil {
		t.Errorf("with all granted it may run, got %+v", v)
	}
}

func TestArguments(t *testing.T) {
	s := compile(t, one("open", anyCall+";")+
		one("big", `forbid (principal, action == Action::"books/post_invoice", resource) when { context.args.payable_minor >= 999999999999999999 };`)+
		one("lines", `forbid (principal, action == Action::"books/post_invoice", resource) when { context.args has lines && context.args.lines > 9007199254740991 };`)+
		one("tags", `forbid (principal, action == Action::"books/post_invoice", resource) when { context.args has tags && context.args.tags.contains("été") };`))
	with := func(extra string) string { return strings.TrimSuffix(invoiceArgs, "}") + "," + extra + "}" }
	amount := func(n string) string { return strings.Replace(invoiceArgs, "125000", n, 1) }
	tests := []struct {
		name, args string
		effect     Effect
		reason     string
	}{
		{"plain", invoiceArgs, Allow, "Because."},
		{"2^53-1", with(`"lines":9007199254740991`), Allow, "Because."},
		{"2^53", with(`"lines":9007199254740992`), Deny, "Because."},
		{"-2^53", with(`"lines":-9007199254740992`), Allow, "Because."},
		{"a whole number written with a fraction", with(`"lines":3.0`), Allow, "Because."},
		{"a fraction", with(`"lines":3.5`), Deny, "argument lines must be a whole number of 64 bits"},
		{"beyond 64 bits", with(`"lines":10000000000000000000`), Deny, "argument lines must be a whole number of 64 bits"},
		{"an exponent", with(`"lines":1e22`), Deny, "argument lines must be a whole number of 64 bits"},
		{"a number in a string", with(`"lines":"3"`), Deny, "argument lines must be a whole number of 64 bits"},
		{"18 digits below the line", amount("999999999999999998"), Allow, "Because."},
		{"18 digits on the line", amount("999999999999999999"), Deny, "Because."},
		{"19 digits", amount("1000000000000000000"), Deny, "argument payable_minor must be a whole number of at most 18 digits, in a string"},
		{"leading zero", amount("0125"), Deny, "argument payable_minor must be a whole number of at most 18 digits, in a string"},
		{"minus zero", amount("-0"), Deny, "argument payable_minor must be a whole number of at most 18 digits, in a string"},
		{"credit", amount("-125000"), Allow, "Because."},
		{"amount as a number", strings.Replace(invoiceArgs, `"125000"`, `125000`, 1), Deny, "argument payable_minor must be a whole number of at most 18 digits, in a string"},
		{"a list", with(`"tags":["a","b"]`), Allow, "Because."},
		{"a list that is forbidden", with(`"tags":["a","été"]`), Deny, "Because."},
		{"a list of numbers", with(`"tags":["a",2]`), Deny, "argument tags must be a list of strings"},
		{"no list", with(`"tags":"a"`), Deny, "argument tags must be a list of strings"},
		{"null is not absent", with(`"urgent":null`), Deny, "argument urgent must be a boolean"},
		{"undeclared", with(`"__entity":{"type":"Identity","id":"root"}`), Deny, "there is an argument that the tool does not declare"},
		{"missing", `{"document":"d","kind":"invoice"}`, Deny, "argument payable_minor is missing"},
		{"no object", `["a"]`, Deny, "the arguments must be an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := posting(t)
			r.Args = parseArgs(t, tt.args)
			v := s.Evaluate(r)
			if v.Effect != tt.effect || v.Reasons[0].Text != tt.reason {
				t.Errorf("got %s %q, want %s %q", v.Effect, v.Reasons[0].Text, tt.effect, tt.reason)
			}
		})
	}
}

func TestContextReachesPolicies(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 999, time.UTC)
	for condition, want := range map[string]Effect{
		`context.now == 1772366400000`:                                                         Allow,
		`resource.server == "books" && resource.name == "post_invoice"`:                        Allow,
		`resource.workflow == Workflow::"invoice-exceptions"`:                                  Allow,
		`resource.workflow.tier == "critical"`:                                                 Deny,
		`resource.workflow.environment == "production" && resource.workflow.mode == "enforce"`: Allow,
		`principal.kind == "agent" && context.facts.initiator_kind == "human"`:                 Allow,
		`resource.impact == "high" && action in Action::"high"`:                                Allow,
		`action in [Action::"read", Action::"low"]`:                                            Deny,
		`context.facts.routed && context.facts.route.isEmpty()`:                                Allow,
		`context.facts.checks_failed.containsAny(["vendor/known"])`:                            Deny,
	} {
		s := compile(t, one("it", anyCall+" when { "+condition+" };"))
		r := posting(t)
		r.Now = noon
		if got := s.Evaluate(r).Effect; got != want {
			t.Errorf("%s: %s, want %s", condition, got, want)
		}
	}
}

func TestDigests(t *testing.T) {
	s := compile(t, invoicePolicies)
	if got, want := s.Digest(), evidence.DigestOf([]byte(invoicePolicies)); got != want {
		t.Errorf("Digest is %s, want that of the text, %s", got, want)
	}
	if got, want := s.SchemaDigest(), evidence.DigestOf([]byte(s.SchemaText())); got != want {
		t.Errorf("SchemaDigest is %s, want that of the schema's text, %s", got, want)
	}
	src := invoiceSource(invoicePolicies)
	src.Tools[0], src.Tools[1] = src.Tools[1], src.Tools[0]
	again, err := Compile(src)
	if err != nil {
		t.Fatal(err)
	}
	if again.SchemaDigest() != s.SchemaDigest() {
		t.Error("the schema should not depend on the order of declarations")
	}
	src.Tools[0].Args[0].Required = false
	if changed, err := Compile(src); err != nil || changed.SchemaDigest() == s.SchemaDigest() {
		t.Errorf("a changed argument must change the schema's digest (error: %v)", err)
	}
}

func TestEngineVersion(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := "github.com/cedar-policy/" + EngineVersion; !strings.Contains(string(mod), want+"\n") && !strings.Contains(string(mod), want+" ") {
		t.Errorf("go.mod does not require %s: raise EngineVersion together with the module", want)
	}
}
