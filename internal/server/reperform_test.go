package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/reperform"
	"github.com/evidencefactory/evf/packet"
)

// decideAgain builds a packet of every run that a test leaves, and reaches
// every decision in it again: whatever the test did to the gate, what was
// recorded of it must follow from what is in the packet.
func (h *house) decideAgain() {
	h.t.Helper()
	decided := map[evidence.RunID]bool{}
	for _, row := range h.rows() {
		if row.Type == evidence.TypeAuthorizationDecided || row.Type == evidence.TypeDecisionRouted {
			decided[row.Run] = true
		}
	}
	for run := range decided {
		data, err := h.admin.Packet(context.Background(), run)
		if err != nil {
			h.t.Errorf("packet of run %s: %v", run, err)
			continue
		}
		erased := len(packet.Verify(data, packet.Trust{}).Erasures) > 0
		for _, res := range again(h.t, data).Results {
			if erased && res.Outcome == reperform.NotPossible {
				continue // what it rested on is gone, and said to be
			}
			if res.Outcome != reperform.Same {
				h.t.Errorf("%s %s (%s) is %s when decided again: %q", res.Type, res.Record, res.Recorded, res.Outcome, slices.Concat(res.Missing, said(res)))
			}
		}
	}
}

func again(t *testing.T, data []byte) *reperform.Report {
	t.Helper()
	p, err := packet.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	report, err := reperform.Packet(p)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// said are the differences of a result, a line each.
func said(res reperform.Result) (lines []string) {
	for _, d := range res.Differences {
		lines = append(lines, fmt.Sprintf("%s %s: recorded %s, now %s", res.Type, d.Pointer, d.Recorded.Canonical(), d.Now.Canonical()))
	}
	return lines
}

// eventful is the packet of a run with a route, a hold, a person's approval and
// what it let through; the manifest stands in it as given.
func eventful(t *testing.T) (h *house, run *client.RunHandle) {
	h = newHouse(t)
	run = h.begin()
	h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "fail"), Attests: attests("amount", "5000")}))
	_, err := run.Route(t.Context(), client.RouteCase{Document: docA, Inputs: map[string]evidence.Value{"amount": evidence.StringValue("1"), "unread": evidence.BoolValue(true)}})
	h.must(err)
	v := h.ask(run, "", "bank/routed", `{"document":"`+docA+`"}`)
	h.approve("carla@example.org", v.Approvals[0].ID, "controller")
	h.verdict(h.ask(run, v.Action, "bank/routed", `{"document":"`+docA+`"}`), "allow", "permitted")
	h.must(run.Done(t.Context(), v.Action, client.Outcome{Status: "succeeded", Attempts: 1}))
	h.must(run.End(t.Context(), "completed", "routed"))
	return h, run
}

// An operator with all the keys can make a packet that verifies and says
// something else than was decided. Deciding again shows it.
func TestForgedDecisions(t *testing.T) {
	h, run := eventful(t)
	genuine, err := h.admin.Packet(t.Context(), run.ID)
	h.must(err)
	source := manifest(t, "payments")
	lax := packet.Object{Ext: "yaml", Data: []byte(strings.Replace(source, "over: 1000", "over: 9000", 1))}
	open := packet.Object{Ext: "cedar", Data: []byte("permit (principal, action, resource);\n")}
	str := evidence.StringValue
	list := func(names ...string) evidence.Value { return value(t, `["`+strings.Join(names, `","`)+`"]`) }
	type edits map[string]evidence.Value // by pointer
	// held and allowed tell the two verdicts apart.
	held := func(body evidence.Value) bool { return at(body, "verdict").Text() == "hold" }
	allowed := func(body evidence.Value) bool { return at(body, "verdict").Text() == "allow" }
	for _, c := range []struct {
		name  string
		typ   evidence.Type
		which func(body evidence.Value) bool // of several
		edits edits
		want  []string // the differences, or "" for none
	}{
		{"nothing", "", nil, nil, nil},
		{"a hold that was an allow", evidence.TypeAuthorizationDecided, held, edits{"/verdict": str("allow")},
			[]string{`authorization.decided /verdict: recorded "allow", now "hold"`}},
		{"an approval that was not asked for", evidence.TypeAuthorizationDecided, held, edits{"/require": list("director")},
			[]string{`authorization.decided /require/0: recorded "director", now "controller"`}},
		{"another policy's doing", evidence.TypeAuthorizationDecided, allowed, edits{"/policies/0/id": str("read"), "/policies/0/version": str("9")},
			[]string{`authorization.decided /policies/0/id: recorded "read", now "routed"`, `authorization.decided /policies/0/version: recorded "9", now "1"`}},
		{"another reason", evidence.TypeAuthorizationDecided, allowed, edits{"/reasons/0/text": str("It was safe."), "/summary": str("bank/routed allowed for agent: It was safe.")},
			[]string{`authorization.decided /reasons/0/text: recorded "It was safe.", now "The routing decides."`,
				`authorization.decided /summary: recorded "bank/routed allowed for agent: It was safe.", now "bank/routed allowed for agent: The routing decides."`}},
		{"another policy set", evidence.TypeAuthorizationDecided, held, edits{"/policy_set": str(string(evidence.DigestOf(open.Data)))},
			[]string{`authorization.decided /policy_set: recorded "` + string(evidence.DigestOf(open.Data)) + `", now "` + string(rulesOf(t, source).Policies.Digest()) + `"`}},
		{"another tool's impact", evidence.TypeAuthorizationDecided, held, edits{"/tool/impact": str("read")},
			[]string{`authorization.decided /tool/impact: recorded "read", now "low"`}},
		{"another mode", evidence.TypeAuthorizationDecided, held, edits{"/mode": str("shadow"), "/assurance": str("observed")},
			[]string{`authorization.decided /mode: recorded "shadow", now "enforce"`, `authorization.decided /assurance: recorded "observed", now "enforced"`}},
		{"checks that had passed", evidence.TypeAuthorizationDecided, held, edits{"/facts/calls_in_run": value(t, "3"), "/request/facts/calls_in_run": value(t, "3")},
			[]string{`authorization.decided /request/facts/calls_in_run: recorded 3, now 0`}},
		{"a case that was not routed to anyone", evidence.TypeAuthorizationDecided, held, edits{
			"/facts/route": value(t, "[]"), "/request/facts/route": value(t, "[]"), "/verdict": str("allow"), "/require": value(t, "[]"),
			"/reasons/0/code": str("permitted"), "/reasons/0/text": str("The routing decides."), "/summary": str("bank/routed allowed for agent: The routing decides.")},
			[]string{`authorization.decided /request/facts/route: recorded [], now ["controller"]`}},
		{"an approval that nobody gave", evidence.TypeApprovalDecided, nil, edits{"/decision": str("reject")},
			[]string{
				`authorization.decided /approvals: recorded`, `authorization.decided /policies: recorded`, `authorization.decided /reasons/0/code: recorded "permitted", now "approval-rejected"`,
				`authorization.decided /reasons/0/text`, `authorization.decided /request/facts/approvals: recorded ["controller"], now []`,
				`authorization.decided /summary`, `authorization.decided /verdict: recorded "allow", now "deny"`}},
		{"an approver who was none", evidence.TypePersonChanged, nil, edits{"/roles": list("viewer")},
			[]string{`authorization.decided /approvals: recorded`, `authorization.decided /request/facts/approvals: recorded ["controller"], now []`}},
		{"other arguments than are sealed", evidence.TypeAuthorizationDecided, held, edits{"/request/args/document": str(docB)},
			[]string{`authorization.decided /document: recorded "` + docA + `", now "` + docB + `"`,
				`authorization.decided /request/facts/route: recorded ["controller"], now []`, `authorization.decided /request/facts/routed: recorded true, now false`,
				`authorization.decided /request/args/document: recorded "` + docB + `", now "` + docA + `"`}},
		{"asked at another time", evidence.TypeAuthorizationDecided, held, edits{"/request/now": str("2026-03-02T09:00:01.000000000Z")},
			[]string{`authorization.decided /request/now: recorded "2026-03-02T09:00:01.000000000Z", now "2026-03-02T09:00:00.000000000Z"`}},
		{"a caller whose tool it is not", evidence.TypeAuthorizationDecided, held, edits{"/identity": str("helper"), "/request/identity": str("helper")},
			[]string{`authorization.decided /policies: `, `authorization.decided /reasons/0/code: recorded "approval-required", now "tool-not-allowed"`, `authorization.decided /reasons/0/text`,
				`authorization.decided /require`, `authorization.decided /summary`, `authorization.decided /verdict: recorded "hold", now "deny"`}},
		{"a rule that did not match", evidence.TypeDecisionRouted, nil, edits{"/rules/1/matched": evidence.BoolValue(false)},
			[]string{`decision.routed /rules/1/matched: recorded false, now true`}},
		{"straight through", evidence.TypeDecisionRouted, nil, edits{"/outcome": str("straight-through"), "/to": value(t, "[]")},
			[]string{`decision.routed /outcome: recorded "straight-through", now "person"`, `decision.routed /to: recorded [], now ["controller"]`,
				`authorization.decided /request/facts/route: recorded ["controller"], now []`, `authorization.decided /request/facts/route: recorded ["controller"], now []`}},
		{"another threshold, version and band", evidence.TypeDecisionRouted, nil, edits{"/rules/1/threshold": str("9000"), "/rules/1/version": value(t, "3"), "/rules/1/band": str("low")},
			[]string{`decision.routed /rules/1/band: recorded "low", now "high"`, `decision.routed /rules/1/threshold: recorded "9000", now "1000"`, `decision.routed /rules/1/version: recorded 3, now 2`}},
		{"the caller's word for a checker's", evidence.TypeDecisionRouted, nil, edits{"/inputs/0/assurance": str("declared")},
			[]string{`decision.routed /inputs/0/assurance: recorded "declared", now "observed"`}},
		{"another figure than was attested", evidence.TypeDecisionRouted, nil, edits{"/inputs/0/value": str("1"), "/rules/1/value": str("1"), "/rules/1/matched": evidence.BoolValue(false),
			"/rules/1/summary": evidence.Value{}, "/rules/1/detail": evidence.Value{}, "/summary": str("Goes to controller: These did not pass: basic/one.")},
			[]string{`decision.routed /inputs/0/value: recorded "1", now "5000"`}},
		{"a check that passed", evidence.TypeCheckResult, nil, edits{"/checks/0/outcome": str("pass")},
			[]string{`decision.routed /inputs/1/value: recorded ["basic/one"], now []`}},
		{"a laxer manifest", "*", nil, edits{"manifest": str(string(lax.Data))},
			[]string{`decision.routed /rules/1/detail`, `decision.routed /rules/1/matched: recorded true, now false`, `decision.routed /rules/1/summary`,
				`decision.routed /rules/1/threshold: recorded "1000", now "9000"`, `decision.routed /summary`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			forged, key := forge(t, genuine, func(rec *evidence.Record, body evidence.Value) evidence.Value {
				if c.typ == "*" {
					lax := string(evidence.DigestOf([]byte(c.edits["manifest"].Text())))
					if rec.Workflow != nil {
						rec.Workflow.Digest = evidence.Digest(lax)
					}
					if rec.Type == evidence.TypeWorkflowActivated {
						body = with(t, body, "/digest", str(lax))
					}
					return body
				}
				if rec.Type != c.typ || c.which != nil && !c.which(body) {
					return body
				}
				for pointer, to := range c.edits {
					body = with(t, body, pointer, to)
				}
				return body
			}, lax, open)
			if r := packet.Verify(forged, packet.Trust{Keys: []string{key}}); r.Verdict != packet.Valid {
				t.Fatalf("the forgery is %s, and would be found without deciding again: %+v", r.Verdict, r.Checks)
			}
			report := again(t, forged)
			var got []string
			for _, res := range report.Results {
				if got = append(got, said(res)...); len(res.Missing) > 0 {
					t.Errorf("missing: %q", res.Missing)
				}
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("differences (-want +got):\n%s", cmp.Diff(c.want, got))
			}
			if code := min(len(c.want), 1); report.ExitCode() != code {
				t.Errorf("exit code %d, want %d", report.ExitCode(), code)
			}
		})
	}
}

// What a reader may not see cannot be decided again, and that is said.
func TestWithheldInputs(t *testing.T) {
	h, run := eventful(t)
	for _, c := range []struct {
		name     string
		profile  packet.Profile
		withhold []string
		want     map[string]string // by type and what was recorded: what is missing, "" for the same
	}{
		{"full", packet.ProfileFull, nil, map[string]string{"authorization.decided hold": "", "authorization.decided allow": "", "decision.routed person": ""}},
		{"auditor", packet.ProfileAuditor, nil, map[string]string{"authorization.decided hold": "", "authorization.decided allow": "", "decision.routed person": ""}},
		{"public", packet.ProfilePublic, nil, map[string]string{"authorization.decided hold": "/request is withheld", "authorization.decided allow": "/request is withheld",
			"decision.routed person": "/inputs/0/value (amount) is withheld"}},
		{"requests", packet.ProfileFull, []string{"authorization.decided:/request"}, map[string]string{
			"authorization.decided hold": "/request is withheld", "authorization.decided allow": "/request is withheld", "decision.routed person": ""}},
		{"arguments", packet.ProfileFull, []string{"*:/sealed_args"}, map[string]string{
			"authorization.decided hold": "/sealed_args is withheld", "authorization.decided allow": "/sealed_args is withheld", "decision.routed person": ""}},
		{"attested values", packet.ProfileFull, []string{"check.result:/attests/*/value"}, map[string]string{
			"authorization.decided hold": "/attests/0/value of check.result", "authorization.decided allow": "/attests/0/value of check.result", "decision.routed person": "/attests/0/value of check.result"}},
		{"what nothing rests on", packet.ProfileFull, []string{"*:/shown", "*:/comment", "decision.routed:/rules"}, map[string]string{
			"authorization.decided hold": "", "authorization.decided allow": "", "decision.routed person": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := h.admin.BuildPacket(t.Context(), client.BuildPacket{Run: run.ID, Profile: string(c.profile), Withhold: c.withhold})
			h.must(err)
			report, code := again(t, data), 0
			for _, res := range report.Results {
				want, outcome := c.want[string(res.Type)+" "+res.Recorded], reperform.Same
				if want != "" {
					outcome, code = reperform.NotPossible, 2
				}
				if res.Outcome != outcome || want != "" && (len(res.Missing) == 0 || !strings.HasPrefix(res.Missing[0], want)) {
					t.Errorf("%s (%s) is %s: %q %q, want %q", res.Type, res.Recorded, res.Outcome, res.Missing, said(res), want)
				}
			}
			if len(report.Results) != len(c.want) || report.ExitCode() != code {
				t.Errorf("%d decisions, exit code %d, want %d and %d", len(report.Results), report.ExitCode(), len(c.want), code)
			}
		})
	}
}

// What no record in the packet says is missing, not assumed.
func TestRecordsThatAreNotThere(t *testing.T) {
	h, run := eventful(t)
	genuine, err := h.admin.Packet(t.Context(), run.ID)
	h.must(err)
	str := evidence.StringValue
	for _, c := range []struct {
		name, want string
		change     func(rec *evidence.Record, body evidence.Value) evidence.Value
		exit       int
	}{
		{"the approver's registration", "the registration of person-", func(rec *evidence.Record, body evidence.Value) evidence.Value {
			if rec.Type == evidence.TypePersonChanged {
				return with(t, body, "/person", str("person-other"))
			}
			return body
		}, 2},
		{"the manifest's activation", "the activation of manifest sha256:", func(rec *evidence.Record, body evidence.Value) evidence.Value {
			if rec.Type == evidence.TypeWorkflowActivated {
				return with(t, body, "/name", str("another"))
			}
			return body
		}, 2},
		{"the question that was answered", "records before this one are not here: ", func(rec *evidence.Record, body evidence.Value) evidence.Value {
			if rec.Type == evidence.TypeApprovalRequested {
				return with(t, body, "/approval", str(client.NewID()))
			}
			return body
		}, 2},
		{"a request of another form", "/request is not one that this evf can read", func(rec *evidence.Record, body evidence.Value) evidence.Value {
			if rec.Type == evidence.TypeAuthorizationDecided {
				return with(t, body, "/request/v", value(t, "2"))
			}
			return body
		}, 2},
		{"the engine of then", "decided by evf 0, cedar-go v0.9.0, decided again by evf 1, cedar-go", func(rec *evidence.Record, body evidence.Value) evidence.Value {
			if rec.Type == evidence.TypeAuthorizationDecided {
				body = with(t, body, "/summary", str("In other words."))
				return with(t, body, "/engine", str("evf 0, cedar-go v0.9.0"))
			}
			return body
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			forged, _ := forge(t, genuine, c.change)
			report := again(t, forged)
			found := false
			for _, res := range report.Results {
				for _, text := range slices.Concat(res.Missing, res.Notes) {
					found = found || strings.HasPrefix(text, c.want)
				}
				if len(res.Differences) > 0 {
					t.Errorf("differences: %q", said(res))
				}
			}
			if !found || report.ExitCode() != c.exit {
				t.Errorf("exit code %d, want %d; %+v does not say %q", report.ExitCode(), c.exit, report.Results, c.want)
			}
		})
	}
}

func rulesOf(t *testing.T, source string) *decision.Rules {
	t.Helper()
	rules, err := decision.Compile([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}
