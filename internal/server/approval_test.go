package server

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// decide has a person look at an approval and decide it.
func (h *house) decide(who *client.Client, id evidence.ApprovalID, decision string) error {
	h.t.Helper()
	a, err := who.Approval(h.t.Context(), id)
	if err != nil {
		return err
	}
	_, err = who.Decide(h.t.Context(), id, client.Decide{Decision: decision, Presentation: a.Presentation, ReasonCode: "checked", Comment: "seen"})
	return err
}

func (h *house) approve(who string, id evidence.ApprovalID, role string) {
	h.t.Helper()
	h.must(h.decide(h.person(who, role), id, "approve"))
}

// wire is a run with a wire that waits for the controller.
func (h *house) wire() (*client.RunHandle, client.Verdict) {
	h.t.Helper()
	run := h.begin()
	v := h.ask(run, "", "bank/wire", `{"amount":7}`)
	h.verdict(v, "hold", "approval-required")
	if len(v.Approvals) != 1 || v.Approvals[0].Role != "controller" {
		h.t.Fatalf("approvals are %+v", v.Approvals)
	}
	return run, v
}

func TestApprovedActionRunsOnce(t *testing.T) {
	h := newHouse(t)
	run, v := h.wire()
	h.approve("carla@example.org", v.Approvals[0].ID, "controller")
	agent := h.as("payments/agent").Join(run.ID)
	permits := make([]string, 16)
	for _, err := range together(len(permits), func(i int) error {
		again, err := agent.Ask(t.Context(), v.Action, "bank/wire", value(t, `{"amount":7}`))
		if err == nil && again.Permit != nil {
			permits[i] = again.Permit.Token
		}
		return err
	}) {
		h.must(err)
	}
	if slices.Contains(permits, "") || len(slices.Compact(permits)) != 1 {
		t.Error("the callers were not given the same permit")
	}
	if h.count(evidence.TypeApprovalConsumed) != 1 || h.count(evidence.TypeActionStarted) != 1 {
		t.Errorf("%d consumed, %d started", h.count(evidence.TypeApprovalConsumed), h.count(evidence.TypeActionStarted))
	}
	if d := last[evidence.AuthorizationDecided](h, evidence.TypeAuthorizationDecided); !slices.Equal(d.Approvals, []string{string(v.Approvals[0].ID)}) {
		t.Errorf("the decision rests on %v", d.Approvals)
	}
}

func TestApprovalIsForOneActionOnly(t *testing.T) {
	h := newHouse(t)
	run, v := h.wire()
	h.approve("carla@example.org", v.Approvals[0].ID, "controller")
	h.unchanged("other arguments under the same id", func() {
		_, err := run.Ask(t.Context(), v.Action, "bank/wire", value(t, `{"amount":8}`))
		kind(t, err, evidence.Conflict)
	})
	for _, args := range []string{`{"amount":7}`, `{"amount":8}`} {
		other := h.ask(run, "", "bank/wire", args)
		h.verdict(other, "hold", "approval-required")
		if other.Approvals[0].ID == v.Approvals[0].ID {
			t.Error("another action has the same approval")
		}
	}
	h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "allow", "permitted")
	other := h.ask(run, "", "bank/wire", `{"amount":7}`)
	h.verdict(other, "hold", "approval-required")
	if n := h.count(evidence.TypeApprovalConsumed); n != 1 {
		t.Errorf("%d approvals consumed", n)
	}
	// Whatever asks for it, the records themselves do not let it be spent again.
	spent := h.approval(v.Approvals[0].ID)
	if spent.Status != store.ApprovalConsumed {
		t.Errorf("the approval is %s", spent.Status)
	}
	for name, action := range map[string]evidence.ActionID{"the same action": v.Action, "another": other.Action} {
		h.unchanged(name, func() {
			again := spent
			again.Action = action
			o := recorder.Origin{Tenant: h.tenant(), Submitter: "evf", House: true, Actor: evidence.Actor{Kind: "platform", Ref: "evf"}, Source: evidence.Source{Name: "evf", Kind: "gate", Version: "1"}}
			if _, err := h.server.rec.Append(t.Context(), o, recorder.Batch{Drafts: []recorder.Draft{approval.Consume(again, h.clock.now())}}); evidence.KindOf(err) != evidence.Conflict {
				t.Errorf("spent on %s: %v", name, err)
			}
		})
	}
}

// approval is what the store keeps of one.
func (h *house) approval(id evidence.ApprovalID) (a store.Approval) {
	h.t.Helper()
	h.view(func(tx store.Tx) (err error) {
		a, err = store.Load[store.Approval](tx, string(id))
		return err
	})
	return a
}

// The obligations of all permits that apply add up.
func TestEveryObligationIsOwed(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	v := h.ask(run, "", "bank/both", `{"amount":1}`)
	h.verdict(v, "hold", "approval-required")
	waiting := map[string]evidence.ApprovalID{}
	for _, a := range v.Approvals {
		waiting[a.Name] = a.ID
	}
	if len(waiting) != 2 {
		t.Fatalf("approvals are %+v", v.Approvals)
	}
	h.approve("carla@example.org", waiting["controller"], "controller")
	h.unchanged("asking while one of two waits", func() {
		again := h.ask(run, v.Action, "bank/both", `{"amount":1}`)
		if again.Verdict != "hold" || len(again.Approvals) != 1 || again.Approvals[0].ID != waiting["director"] {
			t.Errorf("then %+v", again)
		}
	})
	h.approve("dora@example.org", waiting["director"], "director")
	h.unchanged("asking below the quorum", func() { h.ask(run, v.Action, "bank/both", `{"amount":1}`) })
	h.unchanged("twice by one person", func() {
		a, err := h.admin.Approvals(t.Context(), "waiting", "")
		h.must(err)
		_, err = h.person("dora@example.org").Decide(t.Context(), waiting["director"], client.Decide{Decision: "approve", Presentation: a[0].Presentation})
		kind(t, err, evidence.Conflict)
	})
	h.approve("dirk@example.org", waiting["director"], "director")
	h.verdict(h.ask(run, v.Action, "bank/both", `{"amount":1}`), "allow", "permitted")
	if n := h.count(evidence.TypeApprovalConsumed); n != 2 {
		t.Errorf("%d approvals consumed, want 2", n)
	}
}

func TestRefusedOrLateApprovalsDeny(t *testing.T) {
	t.Run("rejected", func(t *testing.T) {
		h := newHouse(t)
		run, v := h.wire()
		h.must(h.decide(h.person("carla@example.org", "controller"), v.Approvals[0].ID, "reject"))
		denied := h.ask(run, v.Action, "bank/wire", `{"amount":7}`)
		h.verdict(denied, "deny", "approval-rejected")
		h.unchanged("a retry", func() { h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "deny", "approval-rejected") })
		h.unchanged("approve after reject", func() {
			kind(t, h.approveUnseen("carla@example.org", v.Approvals[0].ID), evidence.Conflict)
		})
	})
	t.Run("waited too long, before the sweeper ran", func(t *testing.T) {
		h := newHouse(t)
		run, v := h.wire()
		h.clock.advance(4 * time.Hour)
		h.person("carla@example.org", "controller")
		h.unchanged("approve too late", func() {
			kind(t, h.approveUnseen("carla@example.org", v.Approvals[0].ID), evidence.Conflict)
		})
		h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "deny", "approval-expired")
	})
	t.Run("given, and not used in time", func(t *testing.T) {
		h := newHouse(t)
		run, v := h.wire()
		h.approve("carla@example.org", v.Approvals[0].ID, "controller")
		h.clock.advance(4 * time.Hour)
		h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "deny", "approval-expired")
	})
	t.Run("swept", func(t *testing.T) {
		h := newHouse(t)
		run, v := h.wire()
		h.clock.advance(4*time.Hour - time.Nanosecond)
		if n, err := h.server.desk.Expire(t.Context(), h.tenant()); n != 0 || err != nil {
			t.Fatalf("%d expired early, %v", n, err)
		}
		h.clock.advance(time.Nanosecond)
		if n, err := h.server.desk.Expire(t.Context(), h.tenant()); n != 1 || err != nil {
			t.Fatalf("%d expired, %v", n, err)
		}
		h.unchanged("sweeping again", func() { h.server.desk.Expire(t.Context(), h.tenant()) })
		if d := last[evidence.ApprovalDecided](h, evidence.TypeApprovalDecided); d.Decision != "expired" || d.Approver != "" {
			t.Errorf("record is %+v", d)
		}
		h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "deny", "approval-expired")
	})
}

// approveUnseen decides with the digest as listed, without the look that
// would leave a record.
func (h *house) approveUnseen(who string, id evidence.ApprovalID) error {
	h.t.Helper()
	_, err := h.clients[who].Decide(h.t.Context(), id, client.Decide{Decision: "approve", Presentation: h.approval(id).Presentation})
	return err
}

func TestWhoMayDecide(t *testing.T) {
	h := newHouse(t)
	author := h.person("axel@example.org", "admin", "controller")
	if _, err := author.ApplyWorkflow(t.Context(), client.ApplyWorkflow{Manifest: manifest(t, "payments", "over: 1000", "over: 999")}); err != nil {
		t.Fatal(err)
	}
	run, err := h.as("payments/agent").Begin(t.Context(), client.BeginRun{
		Initiator:  client.Party{Kind: "human", Name: "  Ina@Example.ORG "},
		Dispatcher: client.Party{Kind: "human", Name: "DIETER@example.org"}})
	h.must(err)
	v := h.ask(run, "", "bank/wire", `{"amount":7}`)
	id := v.Approvals[0].ID
	for _, name := range []string{"ina@example.org", "dieter@example.org", "carla@example.org", "gone@example.org", "late@example.org"} {
		h.person(name, "controller")
	}
	h.person("nora@example.org", "director")
	h.person("nobody@example.org")
	h.setActive("gone@example.org", false)
	for _, c := range []struct {
		who  string
		want evidence.ErrorKind
		says string
	}{
		{"ina@example.org", evidence.Denied, "initiator"},
		{"dieter@example.org", evidence.Denied, "dispatcher"},
		{"axel@example.org", evidence.Denied, "author"},
		{"nora@example.org", evidence.Denied, "role controller"},
		{"nobody@example.org", evidence.Denied, "may not decide"},
		{"gone@example.org", evidence.Stranger, ""},
	} {
		t.Run(c.who, func(t *testing.T) {
			h.unchanged(c.who, func() {
				err := h.approveUnseen(c.who, id)
				kind(t, err, c.want)
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("told %v", err)
				}
			})
		})
	}
	t.Run("deactivated in between", func(t *testing.T) {
		h.clock.between(func() { h.setActive("late@example.org", false) })
		kind(t, h.approveUnseen("late@example.org", id), evidence.Stranger)
	})
	t.Run("revoked in between", func(t *testing.T) {
		key, err := h.admin.CreateKey(t.Context(), client.CreateKey{Person: "rita@example.org", Roles: []string{"controller"}})
		h.must(err)
		h.clients["rita@example.org"] = h.client(key.Token)
		h.clock.between(func() { h.must(h.admin.RevokeKey(t.Context(), key.ID, "test")) })
		kind(t, h.approveUnseen("rita@example.org", id), evidence.Stranger)
	})
	t.Run("wrong digest", func(t *testing.T) {
		for _, digest := range []evidence.Digest{"", docA} {
			h.unchanged("deciding on something else", func() {
				_, err := h.person("carla@example.org").Decide(t.Context(), id, client.Decide{Decision: "approve", Presentation: digest})
				kind(t, err, evidence.Conflict)
			})
		}
	})
	t.Run("neither yes nor no", func(t *testing.T) {
		_, err := h.person("carla@example.org").Decide(t.Context(), id, client.Decide{Decision: "maybe"})
		kind(t, err, evidence.Invalid)
	})
	h.approve("carla@example.org", id, "controller")
	d := last[evidence.ApprovalDecided](h, evidence.TypeApprovalDecided)
	if d.Decision != "approve" || d.ApproverName != "carla@example.org" || d.Comment != "seen" || d.ReasonCode != "checked" || d.Assurance != "enforced" {
		t.Errorf("record is %+v", d)
	}
	h.unchanged("reject after approve", func() {
		a, err := h.admin.Approvals(t.Context(), "approved", "")
		h.must(err)
		_, err = h.person("carla@example.org").Decide(t.Context(), id, client.Decide{Decision: "reject", Presentation: a[0].Presentation})
		kind(t, err, evidence.Conflict)
	})
}

func TestOneOfTwoApproversWins(t *testing.T) {
	h := newHouse(t)
	_, v := h.wire()
	names := []string{"carla@example.org", "cem@example.org"}
	for _, name := range names {
		h.person(name, "controller")
	}
	errs := together(2, func(i int) error { return h.approveUnseen(names[i], v.Approvals[0].ID) })
	if (errs[0] == nil) == (errs[1] == nil) || h.count(evidence.TypeApprovalDecided) != 1 {
		t.Fatalf("both came to %v", errs)
	}
	for _, err := range errs {
		if err != nil {
			kind(t, err, evidence.Conflict)
		}
	}
}

// An approval counts as the manifest in force asks for it: fewer people, or
// someone who may not decide any more, do not do.
func TestApprovalUnderAnEarlierManifest(t *testing.T) {
	for _, c := range []struct{ name, old, new string }{
		{"more people", "controller: {role: controller, quorum: 1", "controller: {role: controller, quorum: 2"},
		{"another role", "controller: {role: controller", "controller: {role: chief"},
		{"another exclusion", "quorum: 1, expires: 4h}", "quorum: 1, expires: 4h, apart_from: [initiator]}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			run, v := h.wire()
			h.approve("carla@example.org", v.Approvals[0].ID, "controller")
			h.apply(manifest(t, "payments", c.old, c.new))
			again := h.ask(run, v.Action, "bank/wire", `{"amount":7}`)
			h.verdict(again, "hold", "approval-required")
			if again.Approvals[0].ID == v.Approvals[0].ID {
				t.Error("nobody is asked anew")
			}
			h.unchanged("asking while the new one waits", func() {
				if third := h.ask(run, v.Action, "bank/wire", `{"amount":7}`); third.Approvals[0].ID != again.Approvals[0].ID {
					t.Errorf("then %+v", third.Approvals)
				}
			})
		})
	}
	t.Run("the approver became the author", func(t *testing.T) {
		h := newHouse(t)
		run, v := h.wire()
		h.approve("axel@example.org", v.Approvals[0].ID, "controller")
		if _, err := h.admin.CreateKey(t.Context(), client.CreateKey{Person: "axel@example.org", Roles: []string{"controller", "admin"}}); err != nil {
			t.Fatal(err)
		}
		_, err := h.person("axel@example.org").ApplyWorkflow(t.Context(), client.ApplyWorkflow{Manifest: manifest(t, "payments", "over: 1000", "over: 999")})
		h.must(err)
		h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "hold", "approval-required")
	})
	t.Run("the same terms", func(t *testing.T) {
		h := newHouse(t)
		run, v := h.wire()
		h.approve("carla@example.org", v.Approvals[0].ID, "controller")
		h.apply(manifest(t, "payments", "over: 1000", "over: 999"))
		h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "allow", "permitted")
	})
}

func TestWhatAPersonIsShown(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	agent := h.as("payments/agent").Join(run.ID)
	extracted := evidence.FieldsExtracted{Document: docA, Extractor: "x", Version: "1", Readable: true,
		Fields: []evidence.ExtractedField{{Name: "amount", Value: "5000", Pointer: "/total", Confidence: 900}}}
	_, err := agent.Record(t.Context(), client.Typed{Type: evidence.TypeFieldsExtracted, Body: extracted})
	h.must(err)
	h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "fail", "two", "fail")}))
	h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Outcome: "fail",
		Checks:  []evidence.CheckOutcome{{Check: "one", Version: "1", Outcome: "fail", Message: "one is wrong", Pointer: "/one"}, {Check: "two", Version: "1", Outcome: "pass"}},
		Attests: attests("amount", "5000")}))
	_, err = run.Route(t.Context(), client.RouteCase{Document: docA})
	h.must(err)
	v := h.ask(run, "", "bank/routed", `{"document":"`+docA+`"}`)
	h.verdict(v, "hold", "approval-required")

	carla := h.person("carla@example.org", "controller")
	before := h.count(evidence.TypeApprovalViewed)
	a, err := carla.Approval(t.Context(), v.Approvals[0].ID)
	h.must(err)
	if h.count(evidence.TypeApprovalViewed) != before+1 {
		t.Error("the look left no record")
	}
	seen := last[evidence.ApprovalViewed](h, evidence.TypeApprovalViewed)
	if seen.Presentation != a.Presentation || seen.Approval != string(a.ID) || !strings.HasPrefix(seen.Viewer, "person-") {
		t.Errorf("record is %+v", seen)
	}
	for pointer, want := range map[string]string{
		"action/args/document": `"` + docA + `"`, "action/tool": `"bank/routed"`, "action/impact": `"low"`, "action/document": `"` + docA + `"`,
		"workflow/name": `"payments"`, "initiator/kind": `"human"`,
		"why/0":                   `"approval controller is required: The routing decides."`,
		"failed_checks/0/check":   `"basic/one"`,
		"failed_checks/0/message": `"one is wrong"`,
		"checks_passed":           `1`,
		"rules/0/rule":            `"failed-checks"`, "rules/1/detail": `"5000 is above 1000."`,
		"facts/0/value": `"5000"`, "facts/0/pointer": `"/total"`, "facts/0/confidence": `900`,
		"question/role": `"controller"`, "question/expires": `"` + string(a.Expires) + `"`,
	} {
		if got := string(at(a.Shown, pointer).Canonical()); got != want {
			t.Errorf("%s is %s, want %s", pointer, got, want)
		}
	}
	if a.Initiator.Name != "ina@example.org" || a.Initiator.Ref != at(a.Shown, "initiator/ref").Text() || strings.Contains(string(a.Shown.Canonical()), "ina@") {
		t.Errorf("the initiator is %+v, and the presentation shows %s", a.Initiator, at(a.Shown, "initiator").Canonical())
	}
	if n := len(at(a.Shown, "failed_checks").Elems()); n != 1 {
		t.Errorf("%d failed checks, want the latest one", n)
	}
	// The digest in the record is of what was shown, under the salt kept with it.
	asked := last[evidence.ApprovalRequested](h, evidence.TypeApprovalRequested)
	salt, err := base64.RawURLEncoding.DecodeString(at(asked.Shown, "salt").Text())
	h.must(err)
	if got, err := evidence.SaltedDigest(salt, a.Shown); err != nil || got != a.Presentation || got != asked.Presentation {
		t.Errorf("digest is %s, recomputed %s (%v)", a.Presentation, got, err)
	}
	kind(t, func() error { _, err := carla.Approval(t.Context(), evidence.ApprovalID(client.NewID())); return err }(), evidence.NotFound)
}

// at finds a value by the names on its way.
func at(v evidence.Value, pointer string) evidence.Value {
	for _, name := range strings.Split(pointer, "/") {
		if v.Kind() == evidence.Array {
			i := 0
			fmt.Sscan(name, &i)
			if i >= len(v.Elems()) {
				return evidence.Value{}
			}
			v = v.Elems()[i]
			continue
		}
		v, _ = v.Get(name)
	}
	return v
}

// A run that records a lot cannot push what matters out of a person's sight.
func TestALongRunHidesNothing(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	agent := h.as("payments/agent").Join(run.ID)
	noise := make([]client.Typed, 1000)
	for i := range noise {
		noise[i] = client.Typed{Type: evidence.TypeStepObserved, Body: evidence.StepObserved{Step: "think", Status: "finished"}}
	}
	for range 3 {
		_, err := agent.Record(t.Context(), noise...)
		h.must(err)
	}
	_, err := agent.Record(t.Context(), client.Typed{Type: evidence.TypeFieldsExtracted, Body: evidence.FieldsExtracted{Document: docA, Extractor: "x", Version: "1",
		Fields: []evidence.ExtractedField{{Name: "amount", Value: "5000", Pointer: "/total"}}}})
	h.must(err)
	h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "fail")}))
	_, err = run.Route(t.Context(), client.RouteCase{Document: docA})
	h.must(err)
	v := h.ask(run, "", "bank/routed", `{"document":"`+docA+`"}`)
	a, err := h.person("carla@example.org", "controller").Approval(t.Context(), v.Approvals[0].ID)
	h.must(err)
	if len(at(a.Shown, "facts").Elems()) != 1 || len(at(a.Shown, "failed_checks").Elems()) != 1 || len(at(a.Shown, "rules").Elems()) == 0 {
		t.Errorf("shown is %s", a.Shown.Canonical())
	}
}

// Whatever a presentation leaves out, it counts.
func TestPresentationCountsWhatItLeavesOut(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	var many []evidence.CheckOutcome
	var fields []evidence.ExtractedField
	for i := range 100 {
		many = append(many, evidence.CheckOutcome{Check: fmt.Sprintf("c%d", i), Version: "1", Outcome: "fail", Message: strings.Repeat("m", 350)})
		fields = append(fields, evidence.ExtractedField{Name: fmt.Sprintf("f%d", i), Value: strings.Repeat("é", 200), Pointer: "/p"})
	}
	_, err := h.as("payments/agent").Join(run.ID).Record(t.Context(), client.Typed{Type: evidence.TypeFieldsExtracted,
		Body: evidence.FieldsExtracted{Document: docA, Extractor: "x", Version: "1", Fields: fields}})
	h.must(err)
	h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Outcome: "fail", Checks: many}))
	_, err = run.Route(t.Context(), client.RouteCase{Document: docA})
	h.must(err)
	v := h.ask(run, "", "bank/routed", `{"document":"`+docA+`"}`)
	a, err := h.person("carla@example.org", "controller").Approval(t.Context(), v.Approvals[0].ID)
	h.must(err)
	for _, c := range []struct {
		list string
		want int
	}{{"failed_checks", 100}, {"facts", 100}} {
		left, _ := at(a.Shown, "not_shown/"+c.list).Int()
		if shown := len(at(a.Shown, c.list).Elems()); shown+int(left) != c.want || left == 0 {
			t.Errorf("%s: %d shown, %d counted as left out, of %d", c.list, shown, left, c.want)
		}
	}
}

// Authority that was taken away does not live on in what it approved.
func TestApproversWhoLostTheirRole(t *testing.T) {
	for name, lose := range map[string]func(h *house){
		"role":   func(h *house) { h.setRoles("carla@example.org", "clerk") },
		"access": func(h *house) { h.setActive("carla@example.org", false) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			run, v := h.wire()
			h.approve("carla@example.org", v.Approvals[0].ID, "controller")
			lose(h)
			again := h.ask(run, v.Action, "bank/wire", `{"amount":7}`)
			h.verdict(again, "hold", "approval-required")
			if again.Approvals[0].ID == v.Approvals[0].ID || h.count(evidence.TypeApprovalConsumed) != 0 {
				t.Errorf("then %+v", again.Approvals)
			}
		})
	}
	t.Run("between look and write", func(t *testing.T) {
		h := newHouse(t)
		run, v := h.wire()
		h.approve("carla@example.org", v.Approvals[0].ID, "controller")
		h.clock.between(func() { h.setActive("carla@example.org", false) })
		h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "hold", "approval-required")
	})
}

// What an approval shows is for those who could decide it, or read everything.
func TestWhoSeesAnApproval(t *testing.T) {
	h := newHouse(t)
	_, v := h.wire()
	for _, c := range []struct {
		name, role string
		sees       bool
	}{
		{"carla@example.org", "controller", true}, {"dora@example.org", "director", false}, {"aude@example.org", "auditor", true},
	} {
		t.Run(c.role, func(t *testing.T) {
			who := h.person(c.name, c.role)
			list, err := who.Approvals(t.Context(), "", "")
			if err != nil || (len(list) == 1) != c.sees {
				t.Errorf("lists %d (%v)", len(list), err)
			}
			a, err := who.Approval(t.Context(), v.Approvals[0].ID)
			if (err == nil) != c.sees || (a.Shown.Kind() != evidence.Null) != c.sees {
				t.Errorf("is shown %s (%v)", a.Shown.Canonical(), err)
			}
		})
	}
}
