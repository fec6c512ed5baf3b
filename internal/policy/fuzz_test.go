package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
)

// FuzzCompile: any text is compiled or refused with Problems that lie inside
// it, and what was compiled can be evaluated.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		invoicePolicies, "", "permit", "@id", `@id("a`, "/*", one("a", anyCall+" when { !!!!-1 > \"\\u{1F600}\" };"),
		one("a", anyCall+` when { decimal("1.0").lessThan(decimal("2")) && ip("::1").isLoopback() };`),
		one("a", anyCall+` when { {"a": [1, 2]}.a.contains(1) && if true then principal is Identity else context has "now" };`),
		one("a", anyCall+` when { context.args has "lines" && context.args["lines"] * 3 >= 0 } unless { resource in [resource] };`),
	} {
		f.Add(text)
	}
	r := posting(f)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Compile(invoiceSource(text))
		if err == nil {
			if v := s.Evaluate(r); len(v.Reasons) == 0 {
				t.Fatalf("a verdict without reasons: %+v", v)
			}
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("an error without problems: %v", err)
		}
		for _, p := range problems {
			if p.Line > strings.Count(text, "\n")+1 || p.Line < 0 || p.Message == "" {
				t.Fatalf("problem %+v lies outside the text", p)
			}
		}
	})
}

// FuzzParseRequest: any bytes are refused, or read and written back unchanged.
func FuzzParseRequest(f *testing.F) {
	v, err := RequestValue(posting(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v.Canonical())
	f.Add([]byte(`{"v":1,"args":null,"facts":{},"now":"2026-03-01T12:00:00.000000000Z"}`))
	s := compile(f, invoicePolicies)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := evidence.ParseValue(data)
		if err != nil {
			return
		}
		r, err := ParseRequest(v)
		if err != nil {
			return
		}
		if again, err := RequestValue(r); err != nil || string(again.Canonical()) != string(v.Canonical()) {
			t.Fatalf("read %s, wrote %s (error: %v)", v.Canonical(), again.Canonical(), err)
		}
		s.Evaluate(r)
	})
}

// BenchmarkEvaluate judges one call against 4 and against 100 policies.
func BenchmarkEvaluate(b *testing.B) {
	for _, more := range []int{0, 96} {
		var text strings.Builder
		text.WriteString(invoicePolicies)
		for i := range more {
			text.WriteString(one(fmt.Sprintf("limit-%d", i), fmt.Sprintf("forbid (principal, action in Action::\"high\", resource) when { context.facts.calls_in_run > %d };", 10+i)))
		}
		s, r := compile(b, text.String()), posting(b)
		b.Run(fmt.Sprintf("%d policies", 4+more), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s.Evaluate(r).Effect != Allow {
					b.Fatal("should be allowed")
				}
			}
		})
	}
}
