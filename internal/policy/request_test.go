package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/evidence"
)

func TestRequestValue(t *testing.T) {
	r := posting(t)
	r.Facts.Route, r.Facts.Approvals = []string{"cfo", "ap-controller", "cfo"}, []string{"cfo"}
	r.Facts.CallsInRun = 2
	v, err := RequestValue(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"args":{"document":"sha256:00","kind":"invoice","payable_minor":"125000"},` +
		`"facts":{"approvals":["cfo"],"args_attested":true,"args_cited":[],"args_person":[],"args_unattested":[],"args_unknown":[],"args_untrusted":[],"calls_in_run":2,"checks_failed":[],"checks_missing":[],"checks_passed":true,"initiator_kind":"human","route":["ap-controller","cfo"],"routed":true},` +
		`"identity":"invoice-agent","now":"2026-03-01T12:00:00.000000000Z","tool":"books/post_invoice","v":1}`
	if diff := cmp.Diff(want, string(v.Canonical())); diff != "" {
		t.Errorf("the form of a recorded request changed (-want +got):\n%s", diff)
	}
}

// A request that cannot be written down is not judged either.
func TestRequestValueRefuses(t *testing.T) {
	s := compile(t, invoicePolicies)
	for name, change := range map[string]func(*Request){
		"year 10000":        func(r *Request) { r.Now = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"empty name":        func(r *Request) { r.Facts.Approvals = []string{""} },
		"long name":         func(r *Request) { r.Facts.Approvals = []string{strings.Repeat("x", 257)} },
		"too many names":    func(r *Request) { r.Facts.Approvals = slices.Repeat([]string{"cfo"}, 1025) },
		"broken name":       func(r *Request) { r.Facts.Approvals = []string{"\xff"} },
		"count beyond 2^53": func(r *Request) { r.Facts.CallsInRun = 1<<53 + 1 },
	} {
		r := posting(t)
		change(&r)
		if _, err := RequestValue(r); err == nil {
			t.Errorf("%s: was written", name)
		}
		if v := s.Evaluate(r); v.Effect != Deny || v.Reasons[0].Code != CodeInvalidRequest {
			t.Errorf("%s: was judged %+v", name, v)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	v, err := RequestValue(posting(t))
	if err != nil {
		t.Fatal(err)
	}
	good := string(v.Canonical())
	for name, change := range map[string][2]string{
		"unknown member":   {`"v":1`, `"v":1,"x":1`},
		"later version":    {`"v":1`, `"v":2`},
		"missing member":   {`"tool":"books/post_invoice",`, ``},
		"flag as text":     {`"routed":true`, `"routed":"true"`},
		"unknown fact":     {`"routed":true`, `"routed":true,"trusted":true`},
		"unsorted list":    {`"approvals":[]`, `"approvals":["cfo","ap-controller"]`},
		"repeated name":    {`"approvals":[]`, `"approvals":["cfo","cfo"]`},
		"number in a list": {`"approvals":[]`, `"approvals":[1]`},
		"short time":       {`.000000000Z`, `Z`},
		"count as text":    {`"calls_in_run":0`, `"calls_in_run":"0"`},
		"contradiction":    {`"checks_failed":[]`, `"checks_failed":["a/b"]`},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := ParseRequest(parseArgs(t, text)); err == nil {
			t.Errorf("%s: was read", name)
		}
	}
	if _, err := ParseRequest(evidence.Value{}); err == nil {
		t.Error("null was read as a request")
	}
}

// drawRequest draws calls of which a good part can be judged.
func drawRequest(t *rapid.T) Request {
	names := func(label string, of ...string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(of), 0, 4).Draw(t, label)
	}
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"invoice", "0", "125000", "-5"}))
	args := []evidence.Field{
		{Name: "document", Value: evidence.StringValue(text.Draw(t, "document"))},
		{Name: "payable_minor", Value: evidence.StringValue(rapid.StringMatching(`-?[1-9][0-9]{0,17}|[0-9]{1,19}`).Draw(t, "payable"))},
		{Name: "kind", Value: evidence.StringValue(text.Draw(t, "kind"))},
	}
	if rapid.Bool().Draw(t, "with lines") {
		n, err := evidence.IntValue(rapid.Int64Range(-1<<53, 1<<53).Draw(t, "lines"))
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, evidence.Field{Name: "lines", Value: n})
	}
	object, err := evidence.ObjectValue(args...)
	if err != nil {
		t.Fatal(err)
	}
	rarely := func(label string) bool { return rapid.IntRange(0, 7).Draw(t, label) == 0 }
	f := Facts{
		ChecksPassed: !rarely("checks failed"), ArgsAttested: !rarely("not attested"), Routed: !rarely("not routed"),
		Approvals: names("approvals", "cfo", "ap-controller"), InitiatorKind: text.Draw(t, "initiator"),
		CallsInRun: rapid.Int64Range(0, 3).Draw(t, "calls"),
	}
	if contradict := rarely("contradict"); contradict || !f.ChecksPassed {
		f.ChecksFailed = names("failed", "a/b", "c/d")
	}
	if f.Routed || rarely("route anyway") {
		f.Route = names("route", "cfo", "ap-controller")
	}
	if rarely("strange approval") {
		f.Approvals = append(f.Approvals, "nobody")
	}
	r := Request{
		Identity: "invoice-agent", Tool: "books/post_invoice", Args: object, Facts: f,
		Now: time.Unix(rapid.Int64Range(0, 1<<34).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")),
	}
	if rarely("another identity") {
		r.Identity = rapid.SampledFrom([]string{"invoice-validator", "stranger"}).Draw(t, "identity")
	}
	if rarely("another tool") {
		r.Tool = "books/find_vendor"
	}
	return r
}

// What is recorded of a call is enough to judge it again: from its bytes the
// same verdict comes, and the same bytes.
func TestRecordedRequestGivesTheSameVerdict(t *testing.T) {
	s := compile(t, invoicePolicies)
	again := compile(t, invoicePolicies)
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		v, err := RequestValue(r)
		if err != nil {
			if got := s.Evaluate(r); got.Effect != Deny {
				t.Fatalf("a request that cannot be recorded was judged %+v", got)
			}
			return
		}
		read, err := evidence.ParseValue(v.Canonical())
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseRequest(read)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.Evaluate(r), again.Evaluate(parsed)); diff != "" {
			t.Fatalf("re-performed (-first +second):\n%s", diff)
		}
		if w, err := RequestValue(parsed); err != nil || string(w.Canonical()) != string(v.Canonical()) {
			t.Fatalf("written again it is %s, not %s (error: %v)", w.Canonical(), v.Canonical(), err)
		}
	})
}

// Whatever the facts: without the required checks nothing of high impact is
// let through, and what the routing demands is outstanding or granted.
func TestLawsOfTheInvoicePolicies(t *testing.T) {
	s := compile(t, invoicePolicies)
	judged := 0
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		v := s.Evaluate(r)
		if len(v.Reasons) == 0 || (v.Effect == Hold) != (len(v.Require) > 0) {
			t.Fatalf("malformed verdict %+v", v)
		}
		if v.Effect == Deny || r.Tool != "books/post_invoice" {
			return
		}
		judged++
		if !r.Facts.ChecksPassed || !r.Facts.Routed || r.Facts.CallsInRun >= 3 {
			t.Fatalf("let through: %+v", r)
		}
		for _, name := range r.Facts.Route {
			if !slices.Contains(r.Facts.Approvals, name) && !slices.Contains(v.Require, name) {
				t.Fatalf("approval %s was forgotten: %+v", name, v)
			}
		}
	})
	t.Logf("%d of the drawn calls were allowed or held", judged)
}
