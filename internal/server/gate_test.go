package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/store"
)

func TestAllowIsRecordedBeforeThePermit(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.checked(run)
	v := h.ask(run, "", "bank/pay", payArgs)
	h.verdict(v, "allow", "permitted")
	d := last[evidence.AuthorizationDecided](h, evidence.TypeAuthorizationDecided)
	if d.Action != string(v.Action) || d.Verdict != "allow" || d.Assurance != "enforced" || !d.Facts.ChecksPassed || !d.Facts.ArgsAttested || d.Tool.Impact != "high" {
		t.Errorf("decision is %+v", d)
	}
	s := last[evidence.ActionStarted](h, evidence.TypeActionStarted)
	if s.Action != string(v.Action) || s.ArgsDigest != d.ArgsDigest || s.Execution != "target" || s.Expires != v.Permit.Expires || s.Assurance != "enforced" {
		t.Errorf("start is %+v", s)
	}
	if want := evidence.TimeOf(h.clock.now().Add(5 * time.Minute)); v.Permit.Expires != want {
		t.Errorf("permit expires at %s, want %s", v.Permit.Expires, want)
	}
}

func TestRetryReturnsTheFirstAnswer(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.checked(run)
	for _, c := range []struct{ name, tool, args, effect string }{
		{"allow", "bank/pay", payArgs, "allow"},
		{"deny", "bank/unlisted", `{}`, "deny"},
		{"hold", "bank/wire", `{"amount":1}`, "hold"},
		{"two holds", "bank/both", `{"amount":1}`, "hold"},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := h.ask(run, "", c.tool, c.args)
			h.clock.advance(time.Second)
			h.unchanged("a retry", func() {
				again := h.ask(run, first.Action, c.tool, c.args)
				if again.Verdict != c.effect || again.Record != first.Record || again.Summary != first.Summary {
					t.Errorf("first %+v, then %+v", first, again)
				}
				if c.effect == "allow" && *again.Permit != *first.Permit {
					t.Errorf("permit was %v, is %v", first.Permit, again.Permit)
				}
				if fmt.Sprint(again.Approvals) != fmt.Sprint(first.Approvals) {
					t.Errorf("approvals were %v, are %v", first.Approvals, again.Approvals)
				}
			})
		})
	}
}

func TestActionIDsAreNotShared(t *testing.T) {
	h := newHouse(t)
	run, other := h.begin(), h.begin()
	read := h.ask(run, "", "bank/read", `{"query":"a"}`)
	foreign, err := h.as("other/agent").Begin(t.Context(), client.BeginRun{Initiator: client.Party{Kind: "schedule", Name: "nightly"}})
	h.must(err)
	for _, c := range []struct {
		name       string
		run        *client.RunHandle
		tool, args string
		want       evidence.ErrorKind
	}{
		{"other arguments", run, "bank/read", `{"query":"b"}`, evidence.Conflict},
		{"no arguments", run, "bank/read", `null`, evidence.Conflict},
		{"other tool", run, "bank/limit", `{"query":"a"}`, evidence.Conflict},
		{"other run", other, "bank/read", `{"query":"a"}`, evidence.Conflict},
		{"other identity", h.as("payments/helper").Join(run.ID), "bank/read", `{"query":"a"}`, evidence.Conflict},
		{"other workflow, own run", foreign, "bank/read", `{"query":"a"}`, evidence.Conflict},
		{"other workflow, that run", h.as("other/agent").Join(run.ID), "bank/read", `{"query":"a"}`, evidence.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.unchanged(c.name, func() {
				v, err := c.run.Ask(t.Context(), read.Action, c.tool, value(t, c.args))
				kind(t, err, c.want)
				if v.Permit != nil || strings.Contains(err.Error(), read.Permit.Token) {
					t.Error("a permit leaked")
				}
			})
		})
	}
}

func TestDeniesAreRecorded(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.checked(run)
	pay := func(name, value string) string {
		old := map[string]string{"parts": `"parts":3`, "urgent": `"urgent":true`, "amount": `"amount":"500"`, "payee": `"payee":"acme"`}[name]
		return strings.Replace(payArgs, old, `"`+name+`":`+value, 1)
	}
	with := func(more string) string { return strings.TrimSuffix(payArgs, "}") + "," + more + "}" }
	for _, c := range []struct{ name, tool, args, code string }{
		{"unknown tool", "bank/steal", `{"x":1}`, "unknown-tool"},
		{"unknown server", "vault/open", `{}`, "unknown-tool"},
		{"not on the allowlist", "bank/unlisted", `{}`, "tool-not-allowed"},
		{"missing argument", "bank/read", `{}`, "bad-argument"},
		{"too long", "bank/read", `{"query":"` + strings.Repeat("x", 21) + `"}`, "bad-argument"},
		{"undeclared argument", "bank/pay", with(`"memo":"x"`), "bad-argument"},
		{"undeclared arguments, many", "bank/limit", `{` + strings.TrimSuffix(func() (s string) {
			for i := range 200 {
				s += fmt.Sprintf(`"a%d":1,`, i)
			}
			return s
		}(), ",") + `}`, "bad-argument"},
		{"string for a number", "bank/pay", pay("parts", `"3"`), "bad-argument"},
		{"number for a string", "bank/pay", pay("payee", `3`), "bad-argument"},
		{"number for an amount", "bank/pay", pay("amount", `500`), "bad-argument"},
		{"fraction", "bank/pay", pay("parts", `3.5`), "bad-argument"},
		{"beyond 2^53", "bank/wire", `{"amount":1000000000000000000}`, "bad-argument"},
		{"null", "bank/pay", pay("urgent", `null`), "bad-argument"},
		{"list too long", "bank/pay", with(`"tags":["a","b","c"]`), "bad-argument"},
		{"deep", "bank/pay", with(`"tags":` + strings.Repeat("[", 30) + strings.Repeat("]", 30)), "bad-argument"},
		{"below the minimum", "bank/pay", pay("amount", `"-1"`), "bad-argument"},
		{"wrong document", "bank/pay", strings.Replace(payArgs, docA, "sha256:zz", 1), "bad-argument"},
		{"forbid that errs", "bank/odd", `{"n":2}`, "policy-error"},
		{"forbid that applies", "bank/odd", `{"n":1}`, "forbidden"},
		{"no policy", "bank/pay", pay("payee", `"evil"`), "no-policy"},
		{"not routed", "bank/routed", `{"document":"` + docA + `"}`, "not-routed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := h.count("")
			v := h.ask(run, "", c.tool, c.args)
			h.verdict(v, "deny", c.code)
			if after := h.count(""); after != before+1 {
				t.Errorf("%d records, want one", after-before)
			}
			d := last[evidence.AuthorizationDecided](h, evidence.TypeAuthorizationDecided)
			if d.Action != string(v.Action) || d.Verdict != "deny" || d.Assurance != "enforced" {
				t.Errorf("record is %+v", d)
			}
		})
	}
	if n := h.count(evidence.TypeActionStarted); n != 0 {
		t.Errorf("%d actions started", n)
	}
	h.verdict(h.ask(run, "", "bank/odd", `{"n":0}`), "allow", "permitted")
}

// What could be recorded and then not be read back or put into a packet is
// refused at the door.
func TestUnkeepableActionsAreRefused(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	for _, c := range []struct{ name, tool, args, field string }{
		{"no slash", "bank", `{}`, "/tool"},
		{"spaces", "bank/do it", `{}`, "/tool"},
		{"not an object", "bank/read", `[]`, "/args"},
		{"too deep", "bank/read", `{"query":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, "/args"},
		{"too large", "bank/read", `{"query":"` + strings.Repeat("x", 61<<10) + `"}`, "/args"},
		{"a commitment", "bank/read", `{"query":{"_sd":["x"]}}`, "/args/query/_sd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.unchanged(c.name, func() {
				_, err := run.Ask(t.Context(), "", c.tool, value(t, c.args))
				kind(t, err, evidence.Invalid)
				if got := err.(*client.Error).Field; got != c.field {
					t.Errorf("field is %q, want %q", got, c.field)
				}
			})
		})
	}
	// The deepest and largest that pass are read back, shown and packed.
	deep := `{"query":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`
	h.verdict(h.ask(run, "", "bank/read", deep), "deny", "bad-argument")
	h.verdict(h.ask(run, "", "bank/read", `{"query":"`+strings.Repeat("x", 60<<10-20)+`"}`), "deny", "bad-argument")
	if _, err := h.admin.Story(t.Context(), run.ID); err != nil {
		t.Error(err)
	}
	h.verified(run)
}

func TestEveryAttestedArgumentCounts(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct{ name, old, new, unattested string }{
		{"text", `"acme"`, `"acmee"`, "payee"},
		{"case", `"acme"`, `"Acme"`, "payee"},
		{"amount", `"500"`, `"501"`, "amount"},
		{"integer", `:3`, `:4`, "parts"},
		{"boolean", `true`, `false`, "urgent"},
		{"optional one that nobody attested", `"parts"`, `"iban":"DE1","parts"`, "iban"},
		{"other document", docA, docB, "payee"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := h.begin()
			h.checked(run)
			v := h.ask(run, "", "bank/pay", strings.Replace(payArgs, c.old, c.new, 1))
			h.verdict(v, "deny", "no-policy")
			f := last[evidence.AuthorizationDecided](h, evidence.TypeAuthorizationDecided).Facts
			if f.ArgsAttested || !strings.Contains(fmt.Sprint(f.ArgsUnattested), c.unattested) {
				t.Errorf("facts are %+v", f)
			}
		})
	}
}

// An optional argument cannot be left out where checkers vouched for a value:
// the target would fall back on whatever it knows.
func TestAttestedArgumentLeftOut(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "pass"), Attests: append(attests("iban", "DE1"), figures...)}))
	h.must(h.check("payments/second", run, evidence.CheckResult{Suite: "second", Checks: outcomes("ok", "pass")}))
	h.verdict(h.ask(run, "", "bank/pay", payArgs), "deny", "no-policy")
	h.verdict(h.ask(run, "", "bank/pay", strings.Replace(payArgs, `"parts"`, `"iban":"DE1","parts"`, 1)), "allow", "permitted")
}

func TestCheckersWhoDisagreeAttestNothing(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.checked(run)
	h.must(h.check("payments/second", run, evidence.CheckResult{Suite: "second", Checks: outcomes("ok", "pass"), Attests: attests("amount", "501")}))
	for _, amount := range []string{"500", "501"} {
		v := h.ask(run, "", "bank/pay", strings.Replace(payArgs, `"500"`, `"`+amount+`"`, 1))
		h.verdict(v, "deny", "no-policy")
	}
	// Nor does the caller's word decide what they disagree on.
	routed, err := run.Route(t.Context(), client.RouteCase{Document: docA, Inputs: map[string]evidence.Value{"amount": evidence.StringValue("1")}})
	h.must(err)
	if len(routed.To) != 1 {
		t.Errorf("routed to %v on the caller's word", routed.To)
	}
	for _, in := range last[evidence.DecisionRouted](h, evidence.TypeDecisionRouted).Inputs {
		if in.Name == "amount" {
			t.Errorf("the record says that the rules read %+v", in)
		}
	}
}

func TestChecksThatCount(t *testing.T) {
	h := newHouse(t)
	basic := func(c evidence.CheckResult) evidence.CheckResult {
		c.Suite, c.Attests = "basic", figures
		return c
	}
	second := evidence.CheckResult{Suite: "second", Checks: outcomes("ok", "pass")}
	for _, c := range []struct {
		name   string
		record func(run *client.RunHandle) error
		effect string
	}{
		{"none", func(*client.RunHandle) error { return nil }, "deny"},
		{"one suite missing", func(run *client.RunHandle) error {
			return h.check("payments/checker", run, basic(evidence.CheckResult{Checks: outcomes("one", "pass")}))
		}, "deny"},
		{"an error of a check", func(run *client.RunHandle) error {
			h.must(h.check("payments/second", run, second))
			return h.check("payments/checker", run, basic(evidence.CheckResult{Checks: outcomes("one", "pass", "two", "error")}))
		}, "deny"},
		{"the same check twice in a result", func(run *client.RunHandle) error {
			h.must(h.check("payments/second", run, second))
			return h.check("payments/checker", run, basic(evidence.CheckResult{Checks: outcomes("one", "fail", "one", "pass")}))
		}, "deny"},
		{"fail, then pass", func(run *client.RunHandle) error {
			h.must(h.check("payments/second", run, second))
			h.must(h.check("payments/checker", run, basic(evidence.CheckResult{Checks: outcomes("one", "fail")})))
			return h.check("payments/checker", run, basic(evidence.CheckResult{Checks: outcomes("one", "pass")}))
		}, "allow"},
		{"pass, then fail", func(run *client.RunHandle) error {
			h.must(h.check("payments/second", run, second))
			h.must(h.check("payments/checker", run, basic(evidence.CheckResult{Checks: outcomes("one", "pass")})))
			return h.check("payments/checker", run, basic(evidence.CheckResult{Checks: outcomes("one", "fail")}))
		}, "deny"},
		{"of another document", func(run *client.RunHandle) error {
			h.must(h.check("payments/second", run, second))
			return h.check("payments/checker", run, basic(evidence.CheckResult{Document: docB, Checks: outcomes("one", "pass")}))
		}, "deny"},
		{"of another run", func(*client.RunHandle) error {
			h.checked(h.begin())
			return nil
		}, "deny"},
		{"the same id in two suites, one of which failed", func(run *client.RunHandle) error {
			h.checked(run)
			h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("x/one", "fail"), Attests: figures}))
			return h.check("payments/checker", run, evidence.CheckResult{Suite: "basic/x", Checks: outcomes("one", "pass")})
		}, "deny"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := h.begin()
			h.must(c.record(run))
			if v := h.ask(run, "", "bank/pay", payArgs); v.Verdict != c.effect {
				t.Errorf("verdict is %s %+v, want %s", v.Verdict, v.Reasons, c.effect)
			}
		})
	}
}

// A result counts only as long as the manifest lets its author record it.
func TestChecksOfAuthorsWhoLostTheRight(t *testing.T) {
	h := newHouse(t)
	checks, values := h.begin(), h.begin()
	h.checked(checks)
	h.checked(values)
	h.must(h.check("payments/second", values, evidence.CheckResult{Suite: "second", Checks: outcomes("ok", "pass"), Attests: attests("iban", "DE1")}))
	h.apply(manifest(t, "payments", `checks: ["basic/*"]`, `checks: ["basic/one"]`))
	h.verdict(h.ask(checks, "", "bank/pay", payArgs), "deny", "no-policy")
	f := last[evidence.AuthorizationDecided](h, evidence.TypeAuthorizationDecided).Facts
	if !f.ChecksPassed || f.ArgsAttested {
		t.Errorf("who may record one check of a suite vouches for values: %+v", f)
	}
	h.apply(manifest(t, "payments", `checks: ["basic/*"]`, `checks: ["third/*"]`, `required: ["basic/*", "second/ok"]`, `required: ["third/*"]`))
	h.verdict(h.ask(values, "", "bank/pay", payArgs), "deny", "no-policy")
	f = last[evidence.AuthorizationDecided](h, evidence.TypeAuthorizationDecided).Facts
	if f.ChecksPassed || len(f.ChecksMissing) != 1 {
		t.Errorf("results of a checker without the right count: %+v", f)
	}
}

// Calls within one run are counted exactly, however many are asked at once.
func TestCallsInRunAreExact(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	effects := make([]string, 32)
	for _, err := range together(len(effects), func(i int) error {
		v, err := run.Ask(t.Context(), "", "bank/limit", evidence.Value{})
		effects[i] = v.Verdict
		return err
	}) {
		h.must(err)
	}
	if got := strings.Count(strings.Join(effects, " "), "allow"); got != 2 {
		t.Errorf("%d calls allowed, want 2", got)
	}
	if h.count(evidence.TypeActionStarted) != 2 || h.count(evidence.TypeAuthorizationDecided) != 32 {
		t.Errorf("%d starts, %d decisions", h.count(evidence.TypeActionStarted), h.count(evidence.TypeAuthorizationDecided))
	}
}

// A busy run answers everyone: decisions wait for each other instead of being
// made again and again.
func TestManyActionsOfOneRun(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	for _, err := range together(128, func(int) error {
		_, err := run.Ask(t.Context(), "", "bank/read", value(t, `{"query":"a"}`))
		return err
	}) {
		h.must(err)
	}
	if n := h.count(evidence.TypeActionStarted); n != 128 {
		t.Errorf("%d started", n)
	}
}

func TestOneActionAskedForAtOnce(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	id := evidence.ActionID(client.NewID())
	permits := make([]string, 16)
	for _, err := range together(len(permits), func(i int) error {
		v, err := run.Ask(t.Context(), id, "bank/read", value(t, `{"query":"a"}`))
		if err == nil {
			permits[i] = v.Permit.Token
		}
		return err
	}) {
		h.must(err)
	}
	for _, p := range permits {
		if p != permits[0] {
			t.Fatal("one action has two permits")
		}
	}
	if h.count(evidence.TypeActionStarted) != 1 {
		t.Errorf("%d starts, want 1", h.count(evidence.TypeActionStarted))
	}
}

func TestModesThatDoNotBlock(t *testing.T) {
	for _, c := range []struct{ mode, tool, args, evaluated string }{
		{"shadow", "bank/steal", `{}`, "deny"},
		{"shadow", "bank/wire", `{"amount":1}`, "hold"},
		{"shadow", "bank/odd", `{"n":2}`, "deny"},
		{"shadow", "bank/read", `{"query":"a"}`, "allow"},
		{"observe", "bank/steal", `{"anything":[1]}`, "allow"},
		{"observe", "bank/wire", `{"amount":1}`, "allow"},
	} {
		t.Run(c.mode+" "+c.tool, func(t *testing.T) {
			h := newHouse(t)
			h.apply(manifest(t, "payments", "mode: enforce", "mode: "+c.mode))
			run := h.begin()
			v := h.ask(run, "", c.tool, c.args)
			if v.Verdict != "allow" || v.Permit == nil || v.Evaluated != c.evaluated || len(v.Approvals) != 0 {
				t.Errorf("verdict is %+v", v)
			}
			h.unchanged("a retry", func() {
				if again := h.ask(run, v.Action, c.tool, c.args); *again.Permit != *v.Permit || again.Evaluated != c.evaluated {
					t.Errorf("then %+v", again)
				}
			})
			d := last[evidence.AuthorizationDecided](h, evidence.TypeAuthorizationDecided)
			s := last[evidence.ActionStarted](h, evidence.TypeActionStarted)
			if d.Mode != c.mode || d.Verdict != c.evaluated || d.Assurance != "observed" || s.Assurance != "observed" {
				t.Errorf("records say mode %s, verdict %s, %s and %s", d.Mode, d.Verdict, d.Assurance, s.Assurance)
			}
			_, err := run.Route(t.Context(), client.RouteCase{})
			h.must(err)
			if r := last[evidence.DecisionRouted](h, evidence.TypeDecisionRouted); r.Assurance != "observed" {
				t.Errorf("routing is %s", r.Assurance)
			}
		})
	}
}

// What a decision rests on is looked at again in its own transaction.
func TestStateThatMovesWhileDeciding(t *testing.T) {
	t.Run("manifest replaced", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		next := manifest(t, "payments", `permit (principal, action in Action::"read", resource);`, `forbid (principal, action in Action::"read", resource);`)
		h.clock.between(func() { h.apply(next) })
		h.verdict(h.ask(run, "", "bank/read", `{"query":"a"}`), "deny", "forbidden")
		if n := h.count(evidence.TypeAuthorizationDecided); n != 1 {
			t.Errorf("%d decisions, want 1", n)
		}
	})
	t.Run("workflow retired", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		h.clock.between(func() { h.must(h.admin.RetireWorkflow(t.Context(), "payments", "test")) })
		_, err := run.Ask(t.Context(), "", "bank/read", value(t, `{"query":"a"}`))
		kind(t, err, evidence.Denied)
		if n := h.count(evidence.TypeActionStarted); n != 0 {
			t.Error("an action of a retired workflow started")
		}
	})
	t.Run("key revoked", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		h.clock.between(func() { h.must(h.admin.RevokeKey(t.Context(), h.grant("payments/agent"), "test")) })
		_, err := run.Ask(t.Context(), "", "bank/read", value(t, `{"query":"a"}`))
		kind(t, err, evidence.Stranger)
		if n := h.count(evidence.TypeActionStarted); n != 0 {
			t.Error("an action of a revoked key started")
		}
	})
	t.Run("run ended", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		h.clock.between(func() { h.must(run.End(t.Context(), "completed", "")) })
		_, err := run.Ask(t.Context(), "", "bank/read", value(t, `{"query":"a"}`))
		kind(t, err, evidence.Conflict)
	})
	t.Run("check failed", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		h.checked(run)
		h.as("payments/checker")
		h.clock.between(func() {
			h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "fail"), Attests: figures}))
		})
		h.verdict(h.ask(run, "", "bank/pay", payArgs), "deny", "no-policy")
	})
}

// grant is the key that an identity holds.
func (h *house) grant(holder string) string {
	h.t.Helper()
	keys, err := h.admin.Keys(h.t.Context(), "")
	h.must(err)
	for _, k := range keys {
		if k.Holder == holder {
			return k.ID
		}
	}
	h.t.Fatalf("no key of %s", holder)
	return ""
}

func TestRunsThatTakeNoActions(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	ended := h.begin()
	h.must(ended.End(t.Context(), "completed", ""))
	for _, c := range []struct {
		name string
		run  *client.RunHandle
		want evidence.ErrorKind
	}{
		{"ended", ended, evidence.Conflict},
		{"of another workflow", h.as("other/agent").Join(run.ID), evidence.NotFound},
		{"not begun", h.as("payments/agent").Join(evidence.RunID(client.NewID())), evidence.NotFound},
		{"no id", h.as("payments/agent").Join("run"), evidence.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.unchanged(c.name, func() {
				_, err := c.run.Ask(t.Context(), "", "bank/read", value(t, `{"query":"a"}`))
				kind(t, err, c.want)
			})
		})
	}
}

// The rules must have been applied to what is known when the action is asked
// for, not to what the caller said before anyone checked.
func TestRoutingMustBeFresh(t *testing.T) {
	const args = `{"document":"` + docA + `"}`
	large := func(h *house, run *client.RunHandle) {
		h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "pass"), Attests: attests("amount", "5000")}))
	}
	route := func(h *house, run *client.RunHandle, amount string) []string {
		r, err := run.Route(h.t.Context(), client.RouteCase{Document: docA, Inputs: map[string]evidence.Value{"amount": evidence.StringValue(amount)}})
		h.must(err)
		return r.To
	}
	t.Run("before the checks, on the caller's word", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		if to := route(h, run, "1"); len(to) != 0 {
			t.Fatalf("routed to %v", to)
		}
		h.verdict(h.ask(run, "", "bank/routed", args), "allow", "permitted")
		large(h, run)
		h.verdict(h.ask(run, "", "bank/routed", args), "deny", "not-routed")
		if to := route(h, run, "1"); len(to) != 1 {
			t.Fatalf("the caller's word outweighs the checker's: %v", to)
		}
		h.verdict(h.ask(run, "", "bank/routed", args), "hold", "approval-required")
	})
	t.Run("by an earlier manifest", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		route(h, run, "900")
		h.apply(manifest(t, "payments", "over: 1000", "over: 100"))
		h.verdict(h.ask(run, "", "bank/routed", args), "deny", "not-routed")
	})
	t.Run("by a manifest that was put in force again", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		route(h, run, "900")
		h.verdict(h.ask(run, "", "bank/routed", args), "allow", "permitted")
		h.apply(manifest(t, "payments", "over: 1000", "over: 100"))
		h.apply(manifest(t, "payments"))
		h.verdict(h.ask(run, "", "bank/routed", args), "deny", "not-routed")
	})
	t.Run("while a check comes in", func(t *testing.T) {
		h := newHouse(t)
		h.as("payments/checker")
		for range 40 {
			run := h.begin()
			var to []string
			together(2, func(i int) error {
				if i == 0 {
					large(h, run)
				} else {
					to = route(h, run, "1")
				}
				return nil
			})
			route, check := h.seqOf(evidence.TypeDecisionRouted), h.seqOf(evidence.TypeCheckResult)
			if check < route && len(to) == 0 {
				t.Fatalf("a routing at %d did not see the check at %d", route, check)
			}
		}
	})
	t.Run("of another document", func(t *testing.T) {
		h := newHouse(t)
		run := h.begin()
		route(h, run, "1")
		h.verdict(h.ask(run, "", "bank/routed", strings.Replace(args, docA, docB, 1)), "deny", "not-routed")
	})
}

// seqOf is where the latest record of a type stands.
func (h *house) seqOf(typ evidence.Type) (seq uint64) {
	for _, row := range h.rows() {
		if row.Type == typ {
			seq = row.Seq
		}
	}
	return seq
}

func TestOutcomes(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	v := h.ask(run, "", "bank/read", `{"query":"a"}`)
	ok := client.Outcome{Status: "succeeded", Attempts: 1}
	with := func(f func(*client.Outcome)) client.Outcome {
		o := ok
		f(&o)
		return o
	}
	for _, c := range []struct {
		name  string
		as    *client.RunHandle
		out   client.Outcome
		want  evidence.ErrorKind
		field string
	}{
		{"of another identity", h.as("payments/helper").Join(run.ID), ok, evidence.NotFound, ""},
		{"of another workflow", h.as("other/agent").Join(run.ID), ok, evidence.NotFound, ""},
		{"unknown status", run, with(func(o *client.Outcome) { o.Status = "great" }), evidence.Invalid, "/status"},
		{"no count", run, with(func(o *client.Outcome) { o.Attempts = -1 }), evidence.Invalid, "/attempts"},
		{"a count beyond what is exact", run, with(func(o *client.Outcome) { o.Attempts = 1_000_000_000_000_000_000 }), evidence.Invalid, "/attempts"},
		{"no id", run, with(func(o *client.Outcome) { o.ID = "x" }), evidence.Invalid, "/id"},
		{"a large response", run, with(func(o *client.Outcome) { o.Response = evidence.StringValue(strings.Repeat("x", 61<<10)) }), evidence.Invalid, "/response"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.unchanged(c.name, func() {
				err := c.as.Done(t.Context(), v.Action, c.out)
				kind(t, err, c.want)
				if got := err.(*client.Error).Field; got != c.field {
					t.Errorf("field is %q, want %q", got, c.field)
				}
			})
		})
	}
	first := with(func(o *client.Outcome) {
		o.ID, o.Occurred = evidence.RecordID(client.NewID()), evidence.TimeOf(h.clock.now())
	})
	h.must(run.Done(t.Context(), v.Action, first))
	h.unchanged("a retry", func() { h.must(run.Done(t.Context(), v.Action, first)) })
	h.unchanged("a second outcome", func() { kind(t, run.Done(t.Context(), v.Action, ok), evidence.Conflict) })
	denied := h.ask(run, "", "bank/unlisted", `{}`)
	h.unchanged("an outcome of a denied action", func() { kind(t, run.Done(t.Context(), denied.Action, ok), evidence.Conflict) })
	if f := last[evidence.ActionFinished](h, evidence.TypeActionFinished); f.Assurance != "declared" {
		t.Errorf("an agent's word is %s", f.Assurance)
	}
}

// setActive lets a person in or out, which the API has no route for.
func (h *house) setActive(name string, active bool) {
	h.t.Helper()
	d := h.directory()
	if _, err := d.AddPerson(h.t.Context(), h.tenant(), nil, name, nil, active); err != nil {
		h.t.Fatal(err)
	}
}

// setRoles makes a person hold just these roles.
func (h *house) setRoles(name string, roles ...string) {
	h.t.Helper()
	if _, err := h.directory().AddPerson(h.t.Context(), h.tenant(), nil, name, append([]string{}, roles...), true); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) directory() *identity.Directory {
	return identity.New(h.server.rec, h.server.vault, func(evidence.TenantID) store.Tenant { return h.tenant() }, h.clock.now)
}
