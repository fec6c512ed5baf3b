package manifest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/evidence"
)

func TestCheckArgs(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	good := `{"document":"` + digest + `","payable_minor":"125000","kind":"invoice"}`
	with := func(extra string) string { return strings.TrimSuffix(good, "}") + "," + extra + "}" }
	swap := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	tests := []struct {
		name, args string
		want       []ArgProblem
	}{
		{"good", good, nil},
		{"all of them", with(`"lines":500,"urgent":false,"tags":["a","b","c"],"note":"für Ünal"`), nil},
		{"not an object", `["x"]`, []ArgProblem{{"", "the arguments must be an object"}}},
		{"nothing", `null`, []ArgProblem{{"/document", "is missing"}, {"/payable_minor", "is missing"}, {"/kind", "is missing"}}},
		{"undeclared", with(`"a/b~c":1`), []ArgProblem{{"/a~1b~0c", "is not declared for this tool: leave it out"}}},
		{"a long undeclared one", with(`"` + strings.Repeat("é", 60) + `":1`),
			[]ArgProblem{{"/" + strings.Repeat("é", 30) + "…", "is not declared for this tool: leave it out"}}},
		{"pattern", swap("0a0a", "0A0A"), []ArgProblem{{"/document", "must match ^sha256:[0-9a-f]{64}$"}}},
		{"more than the pattern", swap(`0a"`, `0a\n"`), []ArgProblem{{"/document", "must match ^sha256:[0-9a-f]{64}$"}}},
		{"enum", swap(`"invoice"`, `"Invoice"`), []ArgProblem{{"/kind", "must be one of invoice, credit-note"}}},
		{"string as a number", swap(`"invoice"`, `7`), []ArgProblem{{"/kind", "must be a string"}}},
		{"null is not absent", with(`"note":null`), []ArgProblem{{"/note", "must be a string"}}},
		{"length in characters", with(`"note":"` + strings.Repeat("🙂", 500) + `"`), nil},
		{"too long", with(`"note":"` + strings.Repeat("🙂", 501) + `"`), []ArgProblem{{"/note", "must have at most 500 characters"}}},
		{"integer too large", with(`"lines":501`), []ArgProblem{{"/lines", "must be from 1 to 500"}}},
		{"integer too small", with(`"lines":0`), []ArgProblem{{"/lines", "must be from 1 to 500"}}},
		{"fraction", with(`"lines":1.5`), []ArgProblem{{"/lines", "must be a whole number"}}},
		{"integer in a string", with(`"lines":"5"`), []ArgProblem{{"/lines", "must be a whole number"}}},
		{"boolean", with(`"urgent":"true"`), []ArgProblem{{"/urgent", "must be true or false"}}},
		{"list", with(`"tags":"a"`), []ArgProblem{{"/tags", "must be a list of strings"}}},
		{"list too long", with(`"tags":["a","b","c","d"]`), []ArgProblem{{"/tags", "must have at most 3 entries"}}},
		{"entries of a list", with(`"tags":["a",1,"` + strings.Repeat("x", 21) + `"]`),
			[]ArgProblem{{"/tags/1", "must be a string"}, {"/tags/2", "must have at most 20 characters"}}},
		{"amount as a number", swap(`"125000"`, `125000`), []ArgProblem{{"/payable_minor", `must be a string that holds a whole number of minor units, such as "12500"`}}},
		{"amount with a fraction", swap("125000", "1250.00"), []ArgProblem{{"/payable_minor", `must be a string that holds a whole number of minor units, such as "12500"`}}},
		{"amount with a leading zero", swap("125000", "0125000"), []ArgProblem{{"/payable_minor", `must be a string that holds a whole number of minor units, such as "12500"`}}},
		{"amount of 18 digits", swap("125000", "999999999999999999"), nil},
		{"amount of 19 digits", swap("125000", "1000000000000000000"), []ArgProblem{{"/payable_minor", `must be a string that holds a whole number of minor units, such as "12500"`}}},
		{"negative amount", swap("125000", "-1"), []ArgProblem{{"/payable_minor", "must be from 0 to 999999999999999999"}}},
		{"several", `{"document":"x","payable_minor":"y","zz":1}`, []ArgProblem{
			{"/document", "must match ^sha256:[0-9a-f]{64}$"}, {"/payable_minor", `must be a string that holds a whole number of minor units, such as "12500"`},
			{"/kind", "is missing"}, {"/zz", "is not declared for this tool: leave it out"}}},
	}
	tool, _ := invoice(t).Tool("books/post_invoice")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := evidence.ParseValue([]byte(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tool.CheckArgs(v)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckArgsIsBounded(t *testing.T) {
	var fields []evidence.Field
	for i := range 5000 {
		fields = append(fields, evidence.Field{Name: strconv.Itoa(i), Value: evidence.BoolValue(true)})
	}
	v, err := evidence.ObjectValue(fields...)
	if err != nil {
		t.Fatal(err)
	}
	tool, _ := invoice(t).Tool("books/find_vendor")
	got := tool.CheckArgs(v)
	if last := got[len(got)-1]; len(got) != 1+maxUndeclared+1 || last.Message != "4984 more arguments are not declared for this tool" {
		t.Errorf("got %d problems, the last %+v", len(got), last)
	}
}

// Whatever a caller sends, no value of it comes back in a message.
func TestArgProblemsHoldNoValues(t *testing.T) {
	tool, _ := invoice(t).Tool("books/post_invoice")
	rapid.Check(t, func(t *rapid.T) {
		const secret = "hunter2"
		var fields []evidence.Field
		for _, a := range tool.Args {
			value := evidence.StringValue(secret + rapid.String().Draw(t, a.Name))
			if rapid.Bool().Draw(t, a.Name+" in a list") {
				value = evidence.ArrayValue(value)
			}
			fields = append(fields, evidence.Field{Name: a.Name, Value: value})
		}
		v, err := evidence.ObjectValue(fields...)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range tool.CheckArgs(v) {
			if strings.Contains(p.Pointer+p.Message, secret) {
				t.Fatalf("a value came back: %+v", p)
			}
		}
	})
}

func TestRequiredChecks(t *testing.T) {
	tests := []struct {
		name, tool      string
		results         map[string]string
		passed          bool
		failed, missing []string
	}{
		{"all passed", "books/post_invoice", map[string]string{"en16931/BR-01": "pass", "vendor/known": "pass"}, true, nil, nil},
		{"not applicable", "books/post_invoice", map[string]string{"en16931/BR-01": "not-applicable", "vendor/known": "pass"}, true, nil, nil},
		{"nothing", "books/post_invoice", nil, false, nil, []string{"en16931/*", "vendor/known"}},
		{"another of the group", "books/post_invoice", map[string]string{"en16931/BR-01": "pass", "vendor/active": "pass"}, false, nil, []string{"vendor/known"}},
		{"one of a group failed", "books/post_invoice", map[string]string{"en16931/BR-02": "fail", "en16931/BR-01": "pass", "vendor/known": "pass"}, false, []string{"en16931/BR-02"}, nil},
		{"an error is no pass", "books/post_invoice", map[string]string{"en16931/BR-01": "error", "vendor/known": "Pass"}, false, []string{"en16931/BR-01", "vendor/known"}, nil},
		{"what nothing requires", "books/post_invoice", map[string]string{"en16931/BR-01": "pass", "vendor/known": "pass", "style/tone": "fail"}, true, nil, nil},
		{"a tool that reads", "books/find_vendor", nil, true, nil, nil},
		{"an unknown tool", "books/delete_all", nil, false, nil, []string{"en16931/*", "vendor/known"}},
	}
	m := invoice(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			passed, failed, missing := m.RequiredChecks(tt.tool, tt.results)
			if passed != tt.passed || !slices.Equal(failed, tt.failed) || !slices.Equal(missing, tt.missing) {
				t.Errorf("got %v %v %v, want %v %v %v", passed, failed, missing, tt.passed, tt.failed, tt.missing)
			}
		})
	}
}

// ruled is the invoice manifest with one rule.
func ruled(t testing.TB, when string) *Manifest {
	text := invoiceText(t)
	head, rest, _ := strings.Cut(text, "routing:\n")
	_, tail, _ := strings.Cut(rest, "approvals:\n")
	return mustParse(t, head+"routing:\n  - {id: it, version: 1, when: {input: x, "+when+"}, band: b, to: treasury, summary: \"{input} {value} {threshold} {rule}\"}\napprovals:\n"+tail)
}

func TestComparisons(t *testing.T) {
	list := ListInput([]string{"a", "b"})
	tests := []struct {
		when  string
		input Input
		want  string // matched, unknown or -
	}{
		{"over: 100", IntInput(101), "matched"},
		{"over: 100", IntInput(100), "-"},
		{"over: 100", TextInput("101"), "matched"},
		{"over: 100", TextInput("-101"), "-"},
		{"over: 100", TextInput("0101"), "unknown"},
		{"over: 100", TextInput("100.5"), "unknown"},
		{"over: 100", TextInput("many"), "unknown"},
		{"over: 100", TextInput(""), "unknown"},
		{"over: 100", Input{}, "unknown"},
		{"over: 100", BoolInput(true), "unknown"},
		{"over: 100", list, "unknown"},
		{"over: 999999999999999998", TextInput("999999999999999999"), "matched"},
		{"over: 999999999999999999", TextInput("999999999999999999"), "-"},
		{"over: 999999999999999999", TextInput("1000000000000000000"), "unknown"},
		{"over: 999999999999999999", IntInput(1000000000000000000), "matched"},
		{"under: -5", TextInput("-6"), "matched"},
		{"under: -5", IntInput(-5), "-"},
		{"equals: EUR", TextInput("EUR"), "matched"},
		{"equals: EUR", TextInput("eur"), "-"},
		{"equals: 7", IntInput(7), "matched"},
		{`equals: "7"`, IntInput(7), "matched"},
		{"equals: EUR", list, "unknown"},
		{"in: [a, 7]", IntInput(7), "matched"},
		{"in: [a, 7]", TextInput("b"), "-"},
		{"in: [a, 7]", Input{}, "unknown"},
		{"not_in: [a, 7]", TextInput("b"), "matched"},
		{"not_in: [a, 7]", TextInput("a"), "-"},
		{"not_in: [a, 7]", Input{}, "unknown"},
		{"is: false", BoolInput(false), "matched"},
		{"is: false", BoolInput(true), "-"},
		{"is: true", TextInput("true"), "matched"},
		{"is: true", TextInput("yes"), "unknown"},
		{"is: true", IntInput(1), "unknown"},
		{"is: true", Input{}, "unknown"},
		{"any: true", list, "matched"},
		{"any: true", ListInput(nil), "-"},
		{"any: true", Input{}, "unknown"},
		{"any: true", TextInput("a"), "unknown"},
		{"missing: true", Input{}, "matched"},
		{"missing: true", TextInput(""), "matched"},
		{"missing: true", ListInput(nil), "-"},
		{"missing: true", BoolInput(false), "-"},
	}
	for _, tt := range tests {
		t.Run(tt.when+" with "+tt.input.String(), func(t *testing.T) {
			routing := ruled(t, tt.when).Route(map[string]Input{"x": tt.input})
			rule := routing.Rules[0]
			got := "-"
			if rule.Unknown {
				got = "unknown"
			} else if rule.Matched {
				got = "matched"
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if goes := len(routing.To) == 1; goes != (tt.want != "-") || rule.Matched != goes || (rule.Summary != "") != goes {
				t.Errorf("match, summary and route disagree: %+v", routing)
			}
		})
	}
}

func TestRoute(t *testing.T) {
	got := invoice(t).Route(map[string]Input{
		"payable_minor": TextInput("1000001").Guarded(), "vendor_known": BoolInput(true), "currency": TextInput("{rule}\n✓"),
	})
	want := Routing{
		To: []string{"ap-controller", "treasury"},
		Rules: []RuleResult{
			{ID: "amount-limit", Version: 3, Input: "payable_minor", Op: OpOver, Threshold: "1000000", Value: "1000001", Band: "high",
				To: "ap-controller", Matched: true, Summary: "Payable [withheld] is above the limit of 1000000.", Detail: "Payable 1000001 is above the limit of 1000000."},
			{ID: "new-vendor", Version: 1, Input: "vendor_known", Op: OpIs, Threshold: "false", Value: "true", Band: "high", To: "ap-controller"},
			{ID: "currency", Version: 1, Input: "currency", Op: OpNotIn, Threshold: "EUR, USD", Value: "{rule} ✓", Band: "medium",
				To: "treasury", Matched: true, Summary: "Currency {rule} ✓ is none of EUR, USD.", Detail: "Currency {rule} ✓ is none of EUR, USD."},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routing (-want +got):\n%s", diff)
	}
	all := invoice(t).Route(nil)
	if !slices.Equal(all.To, []string{"ap-controller", "treasury"}) || all.Rules[0].Summary != "There is no payable_minor, so rule amount-limit counts as met." {
		t.Errorf("without inputs every rule is met, got %+v", all)
	}
	if through := invoice(t).Route(map[string]Input{
		"payable_minor": IntInput(1000000), "vendor_known": BoolInput(true), "currency": TextInput("EUR"),
	}); through.To != nil {
		t.Errorf("should go straight through, got %+v", through)
	}
}

func drawInput(t *rapid.T, label string) Input {
	return rapid.OneOf(
		rapid.Just(Input{}),
		rapid.Map(rapid.Int64(), IntInput),
		rapid.Map(rapid.Bool(), BoolInput),
		rapid.Map(rapid.OneOf(rapid.String(), rapid.StringMatching(`-?[0-9]{1,19}`), rapid.SampledFrom([]string{"EUR", "GBP"})), TextInput),
		rapid.Map(rapid.SliceOfN(rapid.String(), 0, 30), ListInput),
	).Draw(t, label)
}

// Whoever has the manifest's bytes and the inputs comes to the same routing;
// and a case goes straight through only when every input of every rule is
// known and compares well.
func TestRoutingCanBeReperformed(t *testing.T) {
	m, again := invoice(t), invoice(t)
	rapid.Check(t, func(t *rapid.T) {
		inputs := map[string]Input{}
		for _, name := range []string{"payable_minor", "vendor_known", "currency", "unused"} {
			if rapid.Bool().Draw(t, "with "+name) {
				inputs[name] = drawInput(t, name)
			}
		}
		routing := m.Route(inputs)
		if diff := cmp.Diff(routing, again.Route(maps.Clone(inputs))); diff != "" {
			t.Fatalf("re-performed (-first +second):\n%s", diff)
		}
		if len(routing.Rules) != len(m.Routing) {
			t.Fatalf("%d rules gave %d results", len(m.Routing), len(routing.Rules))
		}
		for _, r := range routing.Rules {
			if r.Matched && !slices.Contains(routing.To, r.To) {
				t.Fatalf("%s matched, but %v", r.ID, routing.To)
			}
			if !r.Matched && (r.Unknown || inputs[r.Input].kind == inputMissing) {
				t.Fatalf("unknown passed: %+v", r)
			}
			if len(r.Value) > 200 || len(r.Summary) > 500 {
				t.Fatalf("unbounded: %+v", r)
			}
		}
	})
}

// Amounts compare as the numbers they are, through all 18 digits.
func TestAmountsCompareExactly(t *testing.T) {
	m := ruled(t, "over: 123456789012345678")
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64Range(-maxAmount, maxAmount), rapid.Int64Range(123456789012345670, 123456789012345690)).Draw(t, "n")
		for _, in := range []Input{IntInput(n), TextInput(fmt.Sprint(n))} {
			if r := m.Route(map[string]Input{"x": in}).Rules[0]; r.Matched != (n > 123456789012345678) || r.Unknown {
				t.Fatalf("%d: %+v", n, r)
			}
		}
	})
}

// The example of the manual is read as it stands there.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(manual), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("docs/manifest.md has no example in a yaml block")
	}
	mustParse(t, example)
}
