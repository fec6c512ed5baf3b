package server

import (
	"strings"
	"testing"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/store"
)

var nightly = client.Party{Kind: "schedule", Name: "nightly"}

func TestWhoBeginsAndEndsRuns(t *testing.T) {
	h := newHouse(t)
	begin := func(who string, b client.BeginRun) error {
		_, err := h.as(who).Begin(t.Context(), b)
		return err
	}
	for _, c := range []struct {
		name, who string
		begin     client.BeginRun
		want      evidence.ErrorKind
		field     string
	}{
		{"may not start", "payments/helper", client.BeginRun{Initiator: nightly}, evidence.Denied, ""},
		{"goes back to nobody", "payments/agent", client.BeginRun{}, evidence.Invalid, "/initiator/kind"},
		{"a name of spaces", "payments/agent", client.BeginRun{Initiator: client.Party{Kind: "human", Name: "  "}}, evidence.Invalid, "/initiator/name"},
		{"a long name", "payments/agent", client.BeginRun{Initiator: client.Party{Kind: "human", Name: strings.Repeat("x", 201)}}, evidence.Invalid, "/initiator/name"},
		{"unknown kind", "payments/agent", client.BeginRun{Initiator: client.Party{Kind: "robot", Name: "r2"}}, evidence.Invalid, "/initiator/kind"},
		{"a dispatcher without a name", "payments/agent", client.BeginRun{Initiator: nightly, Dispatcher: client.Party{Kind: "human"}}, evidence.Invalid, "/dispatcher/name"},
		{"a run's id of another form", "payments/agent", client.BeginRun{Run: "run-1", Initiator: nightly}, evidence.Invalid, "/run"},
		{"a time of another form", "payments/agent", client.BeginRun{Occurred: "2026-03-02T09:00:00Z", Initiator: nightly}, evidence.Invalid, "/occurred"},
		{"a link of another form", "payments/agent", client.BeginRun{Initiator: nightly, Links: []evidence.Link{{Kind: "A B", ID: "x"}}}, evidence.Invalid, "/links/0/kind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.as(c.who)
			h.unchanged(c.name, func() {
				err := begin(c.who, c.begin)
				kind(t, err, c.want)
				if got := err.(*client.Error).Field; got != c.field {
					t.Errorf("field is %q, want %q", got, c.field)
				}
			})
		})
	}
	first := client.BeginRun{Run: evidence.RunID(client.NewID()), Occurred: evidence.TimeOf(h.clock.now()), Initiator: nightly}
	h.must(begin("payments/agent", first))
	h.unchanged("a retry", func() { h.must(begin("payments/agent", first)) })
	h.as("other/agent")
	h.unchanged("the same id again", func() {
		other := first
		other.Trigger = "another"
		kind(t, begin("payments/agent", other), evidence.Conflict)
		kind(t, begin("other/agent", first), evidence.Conflict)
	})
	run := h.as("payments/agent").Join(first.Run)
	h.as("payments/helper")
	h.unchanged("end by who may not", func() {
		kind(t, h.as("payments/helper").Join(run.ID).End(t.Context(), "completed", ""), evidence.Denied)
		kind(t, h.as("other/agent").Join(run.ID).End(t.Context(), "completed", ""), evidence.NotFound)
		kind(t, run.End(t.Context(), "done", ""), evidence.Invalid)
	})
	h.must(run.End(t.Context(), "completed", ""))
	h.unchanged("end again", func() { kind(t, run.End(t.Context(), "failed", ""), evidence.Conflict) })
}

func TestWorkflowsOutOfForce(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	agent := h.as("payments/agent")
	if err := h.admin.RetireWorkflow(t.Context(), "nobody", "x"); !client.IsKind(err, evidence.NotFound) {
		t.Errorf("retiring nothing: %v", err)
	}
	h.must(h.admin.RetireWorkflow(t.Context(), "payments", "replaced"))
	kind(t, h.admin.RetireWorkflow(t.Context(), "payments", "replaced"), evidence.NotFound)
	h.unchanged("a retired workflow", func() {
		_, err := agent.Begin(t.Context(), client.BeginRun{Initiator: nightly})
		kind(t, err, evidence.Denied)
		_, err = run.Ask(t.Context(), "", "bank/read", value(t, `{"query":"a"}`))
		kind(t, err, evidence.Denied)
		_, err = run.Record(t.Context(), step)
		kind(t, err, evidence.Denied)
		_, err = h.admin.CreateKey(t.Context(), client.CreateKey{Workflow: "payments", Identity: "agent"})
		kind(t, err, evidence.Denied)
		_, err = h.admin.CreateKey(t.Context(), client.CreateKey{Workflow: "unheard-of", Identity: "agent"})
		kind(t, err, evidence.Denied)
	})
	h.apply(manifest(t, "payments"))
	h.verdict(h.ask(run, "", "bank/read", `{"query":"a"}`), "allow", "permitted")
	h.apply(manifest(t, "payments", "helper: {kind: agent", "aide: {kind: agent"))
	_, err := h.admin.CreateKey(t.Context(), client.CreateKey{Workflow: "payments", Identity: "helper"})
	kind(t, err, evidence.NotFound)
}

// An identity that the manifest dropped is out at once, whatever key it holds.
func TestIdentityDroppedFromTheManifest(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	helper := h.as("payments/helper").Join(run.ID)
	h.apply(manifest(t, "payments", "helper: {kind: agent", "aide: {kind: agent"))
	_, err := helper.Ask(t.Context(), "", "bank/read", value(t, `{"query":"a"}`))
	kind(t, err, evidence.Denied)
}

// Of a retirement and an activation at once, the later is refused: it was
// decided on something else than what it would act on.
func TestRetiringWhatWasReplaced(t *testing.T) {
	h := newHouse(t)
	h.clock.between(func() { h.apply(manifest(t, "payments", "over: 1000", "over: 999")) })
	kind(t, h.admin.RetireWorkflow(t.Context(), "payments", "x"), evidence.Conflict)
}

var step = client.Typed{Type: evidence.TypeStepObserved, Body: evidence.StepObserved{Step: "think", Status: "finished"}}

func TestRecordsThatMayNotBeSubmitted(t *testing.T) {
	h := newHouse(t)
	run, ended := h.begin(), h.begin()
	h.must(ended.End(t.Context(), "completed", ""))
	pass := outcomes("one", "pass")
	check := func(suite string, checks []evidence.CheckOutcome, values []evidence.Attested) client.Typed {
		return client.Typed{Type: evidence.TypeCheckResult, Body: evidence.CheckResult{Document: docA, Suite: suite, Version: "1", Outcome: "pass", Checks: checks, Attests: values}}
	}
	for _, c := range []struct {
		name, who string
		run       evidence.RunID
		body      client.Typed
		want      evidence.ErrorKind
		field     string
	}{
		{"type not listed", "payments/helper", run.ID, client.Typed{Type: evidence.TypeInputReferenced, Body: evidence.InputReferenced{Document: docA, MediaType: "x", Bytes: 1}}, evidence.Denied, "/type"},
		{"reserved type", "payments/agent", run.ID, client.Typed{Type: evidence.TypeApprovalDecided, Body: evidence.ApprovalDecided{Approval: client.NewID(), Action: client.NewID(), Decision: "approve", Presentation: docA}}, evidence.Denied, "/type"},
		{"a run's own start", "payments/agent", run.ID, client.Typed{Type: evidence.TypeRunStarted, Body: evidence.RunStarted{}}, evidence.Denied, "/type"},
		{"unknown type", "payments/agent", run.ID, client.Typed{Type: "weather.seen", Body: evidence.StepObserved{}}, evidence.Invalid, "/type"},
		{"check not listed", "payments/narrow", run.ID, check("basic", outcomes("two", "pass"), nil), evidence.Denied, "/body/checks/0/check"},
		{"suite not listed", "payments/second", run.ID, check("basic", pass, nil), evidence.Denied, "/body/checks/0/check"},
		{"one listed and one not", "payments/narrow", run.ID, check("basic", outcomes("one", "pass", "two", "pass"), nil), evidence.Denied, "/body/checks/1/check"},
		{"no checks", "payments/narrow", run.ID, check("basic", nil, nil), evidence.Denied, "/body/suite"},
		{"no checks, and values", "payments/narrow", run.ID, check("basic", nil, figures), evidence.Denied, "/body/suite"},
		{"values of a suite it may record one check of", "payments/narrow", run.ID, check("basic", pass, figures), evidence.Denied, "/body/suite"},
		{"a suite that names a check", "payments/narrow", run.ID, check("basic/one", nil, figures), evidence.Denied, "/body/suite"},
		{"a suite without a name", "payments/checker", run.ID, check("", pass, nil), evidence.Denied, "/body/checks/0/check"},
		{"ended run", "payments/helper", ended.ID, step, evidence.Conflict, "/run"},
		{"another workflow's run", "other/agent", run.ID, step, evidence.NotFound, ""},
		{"unknown run", "payments/helper", evidence.RunID(client.NewID()), step, evidence.NotFound, ""},
		{"no run", "payments/helper", "", step, evidence.Invalid, "/run"},
		{"an identity it claims", "payments/checker", run.ID, client.Typed{Type: evidence.TypeCheckResult,
			Body: evidence.CheckResult{Document: docA, Suite: "basic", Version: "1", Outcome: "pass", Identity: "second"}}, evidence.Invalid, "/body/identity"},
		{"an assurance it claims", "payments/helper", run.ID, client.Typed{Type: evidence.TypeStepObserved,
			Body: evidence.StepObserved{Step: "think", Status: "finished", Assurance: "enforced"}}, evidence.Invalid, "/body/assurance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			as := h.as(c.who).Join(c.run)
			h.unchanged(c.name, func() {
				_, err := as.Record(t.Context(), c.body)
				kind(t, err, c.want)
				if got := err.(*client.Error).Field; got != c.field {
					t.Errorf("field is %q, want %q", got, c.field)
				}
			})
		})
	}
}

// A suite's latest result counts, so it must not be replaced by someone who may
// record less of it.
func TestFindingsAreNotDisplaced(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.checked(run)
	h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Outcome: "fail", Checks: outcomes("one", "pass", "two", "fail"), Attests: figures}))
	h.as("payments/narrow")
	h.unchanged("a result in place of another's", func() {
		err := h.check("payments/narrow", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "pass")})
		kind(t, err, evidence.Conflict)
	})
	h.verdict(h.ask(run, "", "bank/pay", payArgs), "deny", "no-policy")
	values := h.begin()
	h.must(h.check("payments/checker", values, evidence.CheckResult{Suite: "basic", Attests: figures}))
	h.unchanged("a result in place of another's values", func() {
		err := h.check("payments/narrow", values, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "pass")})
		kind(t, err, evidence.Conflict)
	})
	// What its author may not record any more does not stand in the way.
	h.apply(manifest(t, "payments", `checks: ["basic/*"]`, `checks: ["third/*"]`))
	h.must(h.check("payments/narrow", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "pass")}))
}

func TestAssuranceFollowsTheIdentity(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	_, err := run.Record(t.Context(), step)
	h.must(err)
	h.checked(run)
	if got := last[evidence.StepObserved](h, evidence.TypeStepObserved).Assurance; got != "declared" {
		t.Errorf("an agent's record is %s", got)
	}
	c := last[evidence.CheckResult](h, evidence.TypeCheckResult)
	if c.Assurance != "observed" || c.Identity != "second" {
		t.Errorf("a checker's record is %s by %s", c.Assurance, c.Identity)
	}
}

// Whatever is wrong with a key, the answer is the same.
func TestKeysThatOpenNothing(t *testing.T) {
	h := openHouse(t, t.TempDir(), newClock(), DefaultTenant, "second")
	second := h.client(h.adminKey("second"))
	if _, err := second.Keys(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	good := h.admin.Key
	part := strings.Split(good, "_")
	join := func(i int, s string) string {
		p := append([]string{}, part...)
		p[i] = s
		return strings.Join(p, "_")
	}
	key := func(k client.CreateKey) client.Key {
		made, err := h.admin.CreateKey(t.Context(), k)
		h.must(err)
		return made
	}
	revoked := key(client.CreateKey{Person: "rita@example.org", Roles: []string{"r"}})
	h.must(h.admin.RevokeKey(t.Context(), revoked.ID, "test"))
	expired := key(client.CreateKey{Person: "emil@example.org", Roles: []string{"viewer"}, Expires: evidence.TimeOf(h.clock.now().Add(time.Hour))})
	if _, err := h.client(expired.Token).Runs(t.Context(), "", ""); err != nil {
		t.Fatalf("a key that has an hour left: %v", err)
	}
	h.clock.advance(time.Hour)
	gone := key(client.CreateKey{Person: "gone@example.org", Roles: []string{"admin"}})
	h.setActive("gone@example.org", false)
	removed := strings.Replace(second.Key, "_second_", "_third_", 1)

	var answer string
	for name, token := range map[string]string{
		"none": "", "nonsense": "x", "three parts": strings.Join(part[:3], "_"), "five parts": good + "_x",
		"other prefix": join(0, "EVF"), "bad tenant": join(1, "A B"), "unknown tenant": removed, "another tenant's": join(1, "second"),
		"unknown grant": join(2, "key-0000000000000000"), "empty grant": join(2, ""), "wrong secret": join(3, strings.Repeat("0", 64)),
		"empty secret": join(3, ""), "secret in capitals": join(3, strings.ToUpper(part[3])), "its digest": join(3, string(evidence.DigestOf([]byte(part[3])))),
		"revoked": revoked.Token, "expired": expired.Token, "of an inactive person": gone.Token,
	} {
		t.Run(name, func(t *testing.T) {
			res, body := h.call("GET", "/v1/keys", token, "", "")
			if res.StatusCode != 401 || !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("status %d, %q", res.StatusCode, res.Header.Get("WWW-Authenticate"))
			}
			if answer == "" {
				answer = string(body)
			}
			if string(body) != answer {
				t.Errorf("answer is %s, elsewhere %s", body, answer)
			}
		})
	}
	// A key of one tenant reaches nothing of another.
	res, _ := h.call("GET", "/log/default/checkpoint", second.Key, "", "")
	if res.StatusCode != 404 {
		t.Errorf("another tenant's log: %d", res.StatusCode)
	}
}

// What an administrator does commits only while they are one.
func TestAdministratorsWhoAreNoneAnyMore(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada@example.org", "admin")
	demote := func() { h.setRoles("ada@example.org") }
	for name, call := range map[string]func() error{
		"apply": func() error {
			_, err := ada.ApplyWorkflow(t.Context(), client.ApplyWorkflow{Manifest: manifest(t, "payments", "over: 1000", "over: 1")})
			return err
		},
		"retire": func() error { return ada.RetireWorkflow(t.Context(), "payments", "x") },
		"key": func() error {
			_, err := ada.CreateKey(t.Context(), client.CreateKey{Workflow: "payments", Identity: "agent"})
			return err
		},
		"person": func() error {
			_, err := ada.CreateKey(t.Context(), client.CreateKey{Person: "eve@example.org", Roles: []string{"admin"}})
			return err
		},
		"revoke": func() error { return ada.RevokeKey(t.Context(), strings.Split(h.admin.Key, "_")[2], "x") },
	} {
		t.Run(name, func(t *testing.T) {
			h.setRoles("ada@example.org", "admin")
			h.clock.between(demote)
			kind(t, call(), evidence.Stranger)
		})
	}
}

// A second key does not change what a person may do.
func TestASecondKeyKeepsTheRoles(t *testing.T) {
	h := newHouse(t)
	ref := func() (p store.Person) {
		ref, err := h.directory().Pseudonym(t.Context(), DefaultTenant, "person", "admin@localhost")
		h.must(err)
		h.view(func(tx store.Tx) (err error) {
			p, err = store.Load[store.Person](tx, ref)
			return err
		})
		return p
	}
	if _, err := h.admin.CreateKey(t.Context(), client.CreateKey{Person: "Admin@Localhost"}); err != nil {
		t.Fatal(err)
	}
	if p := ref(); len(p.Roles) != 1 || p.Roles[0] != identity.RoleAdmin {
		t.Errorf("roles are %v", p.Roles)
	}
	h.must(func() error { _, err := h.admin.Keys(t.Context(), ""); return err }())
}
