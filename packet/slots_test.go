package packet

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/evidence"
)

// body is one record of a table case.
type body struct {
	typ  evidence.Type
	body any
}

func records(t testing.TB, bodies []body) []*evidence.Record {
	h := newHouse(t)
	var list []*evidence.Record
	for _, b := range bodies {
		rec, _ := h.draft(b.typ, testRun, b.body)
		list = append(list, rec)
	}
	return list
}

// with changes a copy of a body.
func with[T any](b T, change func(*T)) T {
	change(&b)
	return b
}

func TestSlots(t *testing.T) {
	f := facts{t}
	type (
		auth   = evidence.AuthorizationDecided
		asked  = evidence.ApprovalRequested
		change = evidence.ChangeObserved
	)
	decided := func(verdict string) body { return body{evidence.TypeAuthorizationDecided, f.decided(verdict)} }
	requested := body{evidence.TypeApprovalRequested, f.requested()}
	viewed := body{evidence.TypeApprovalViewed, f.viewed("p-2")}
	approval := func(decision, by string) body {
		return body{evidence.TypeApprovalDecided, f.approval(decision, by)}
	}
	consumed := body{evidence.TypeApprovalConsumed, f.consumed()}
	begun := body{evidence.TypeActionStarted, f.begun()}
	redeemed := body{evidence.TypeActionRedeemed, f.redeemed()}
	finished := func(status string) body { return body{evidence.TypeActionFinished, f.finished(status)} }
	changed := body{evidence.TypeChangeObserved, f.changed()}
	routed := func(outcome string) body { return body{evidence.TypeDecisionRouted, f.routed(outcome)} }
	read := func(b auth) auth { b.Tool.Impact, b.Tool.Name, b.Action = "read", "get_entry", id(77); return b }

	for _, c := range []struct {
		name    string
		records []body
		slot    string
		state   State
		says    string // part of the summary
		gap     string // part of a gap's reason, "" for none
	}{
		{"nothing read", nil, "extraction", Missing, "no record", "no record says what was read"},
		{"fields the agent read", []body{{evidence.TypeFieldsExtracted, f.extracted()}}, "extraction", Declared, "1 field of 1 document", ""},
		{"fields we read", []body{{evidence.TypeFieldsExtracted, with(f.extracted(), func(b *evidence.FieldsExtracted) { b.Assurance = "observed" })}},
			"extraction", Evidenced, "1 field of 1 document", ""},
		{"a document nobody can read", []body{{evidence.TypeFieldsExtracted, with(f.extracted(), func(b *evidence.FieldsExtracted) { b.Readable, b.Fields = false, nil })}},
			"extraction", Declared, "1 document not readable", ""},
		{"read again", []body{{evidence.TypeFieldsExtracted, with(f.extracted(), func(b *evidence.FieldsExtracted) { b.Readable, b.Fields = false, nil })}, {evidence.TypeFieldsExtracted, f.extracted()}},
			"extraction", Declared, "1 field of 1 document", ""},

		{"nothing checked", nil, "validation", Missing, "", "no check of the input"},
		{"checks passed", []body{{evidence.TypeCheckResult, f.checked()}}, "validation", Evidenced, "1 of 1 checks passed; 1 not applicable", ""},
		{"a check failed", []body{{evidence.TypeCheckResult, with(f.checked(), func(b *evidence.CheckResult) {
			b.Outcome, b.Checks = "fail", []evidence.CheckOutcome{{Check: "BR-1", Version: "1", Outcome: "fail"}}
		})}}, "validation", Evidenced, "0 of 1 checks passed; not passed: en16931/BR-1", ""},
		{"checked again", []body{{evidence.TypeCheckResult, with(f.checked(), func(b *evidence.CheckResult) { b.Outcome = "error" })}, {evidence.TypeCheckResult, f.checked()}},
			"validation", Evidenced, "1 of 1", ""},
		{"a suite in error", []body{{evidence.TypeCheckResult, with(f.checked(), func(b *evidence.CheckResult) { b.Outcome, b.Checks = "error", nil })}},
			"validation", Missing, "", "ended in an error"},

		{"nothing asked", nil, "authorization", Missing, "", "no action was asked of the gate"},
		{"held, then allowed", []body{decided("hold"), decided("allow")}, "authorization", Evidenced, "2 decisions: 1 hold, 1 allow", ""},
		{"shadow", []body{{evidence.TypeAuthorizationDecided, with(f.decided("deny"), func(b *auth) { b.Mode = "shadow" })}},
			"authorization", Evidenced, "blocks nothing", ""},
		{"started undecided", []body{begun}, "authorization", Missing, "post_entry", "post_entry has no decision"},
		{"a decision on the agent's word", []body{{evidence.TypeAuthorizationDecided, with(f.decided("allow"), func(b *auth) { b.Assurance = "declared" })}},
			"authorization", Declared, "1 decision: 1 allow", ""},

		{"no route", nil, "routing", Missing, "", "no rule decided"},
		{"to a person", []body{routed("person")}, "routing", Evidenced, "to ap-controller by vendor-bank@4", ""},
		{"straight through", []body{routed("straight-through")}, "routing", Evidenced, "straight through", ""},

		{"nothing says whether", nil, "oversight", Missing, "", "whether a person had to decide"},
		{"allowed without a person", []body{decided("allow")}, "oversight", Evidenced, "no approval was required (straight-through)", ""},
		{"routed past people", []body{routed("straight-through")}, "oversight", Evidenced, "no approval was required", ""},
		{"denied", []body{routed("person"), decided("deny")}, "oversight", Evidenced, "post_entry was denied by limit@2", ""},
		{"routed to a person whom nobody asked", []body{routed("person"), decided("allow")}, "oversight", Missing, "", "routed to ap-controller, and nobody"},
		{"held, and nobody asked", []body{decided("hold")}, "oversight", Missing, "", "the hold on post_entry asks for ap-controller"},
		{"waiting", []body{decided("hold"), requested}, "oversight", Missing, "waits for", "waits for ap-controller until 2026-11-22 12:00:00Z"},
		{"waiting for a second person", []body{decided("hold"), {evidence.TypeApprovalRequested, with(f.requested(), func(b *asked) { b.Quorum = 2 })}, viewed, approval("approve", "p-2"), approval("approve", "p-2")},
			"oversight", Missing, "waits for", "(1 of 2 have approved)"},
		{"approved", []body{decided("hold"), requested, viewed, approval("approve", "p-2"), consumed}, "oversight", Evidenced, "approved by p-2 as ap-controller", ""},
		{"approved unseen", []body{requested, approval("approve", "p-2")}, "oversight", Inferred, "approved by p-2", "no record that p-2 was shown"},
		{"seen by somebody else", []body{requested, {evidence.TypeApprovalViewed, f.viewed("p-3")}, approval("approve", "p-2")}, "oversight", Inferred, "approved by p-2", "no record that p-2 was shown"},
		{"seen afterwards", []body{requested, approval("approve", "p-2"), viewed}, "oversight", Inferred, "approved by p-2", "no record that p-2 was shown"},
		{"rejected", []body{decided("hold"), requested, approval("reject", "p-2")}, "oversight", Evidenced, "rejected by p-2", ""},
		{"expired", []body{decided("hold"), requested, approval("expired", "")}, "oversight", Evidenced, "nobody decided by 2026-11-22 12:00:00Z", ""},
		{"approved by who may not", []body{requested, {evidence.TypeApprovalViewed, f.viewed("p-1")}, approval("approve", "p-1")}, "oversight", Contradicted, "", "p-1 decided, who may not: initiator"},
		{"approved something else", []body{requested, viewed, {evidence.TypeApprovalDecided, with(f.approval("approve", "p-2"), func(b *evidence.ApprovalDecided) { b.Presentation = testDocument })}},
			"oversight", Contradicted, "", "another presentation"},
		{"spent without being given", []body{requested, consumed}, "oversight", Contradicted, "", "never given"},
		{"spent on other arguments", []body{requested, viewed, approval("approve", "p-2"), {evidence.TypeApprovalConsumed, with(f.consumed(), func(b *evidence.ApprovalConsumed) { b.ArgsDigest = testDocument })}},
			"oversight", Contradicted, "", "other arguments"},
		{"approval not in the packet", []body{{evidence.TypeAuthorizationDecided, with(f.decided("allow"), func(b *auth) { b.Approvals = []string{testApproval} })}},
			"oversight", Missing, "", "let post_entry pass and is not here"},
		{"let pass by a rejected approval", []body{requested, approval("reject", "p-2"), {evidence.TypeAuthorizationDecided, with(f.decided("allow"), func(b *auth) { b.Approvals = []string{testApproval} })}},
			"oversight", Contradicted, "", "was never given"},
		{"request not in the packet", []body{approval("approve", "p-2")}, "oversight", Missing, "", "the request for approval"},

		{"nothing done", nil, "action", Missing, "", "no action is on record"},
		{"denied by a policy", []body{decided("deny")}, "action", Evidenced, "no action ran: post_entry was denied by limit@2", ""},
		{"denied by a reason", []body{{evidence.TypeAuthorizationDecided, with(f.decided("deny"), func(b *auth) {
			b.Policies, b.Reasons = nil, []evidence.Reason{{Code: "policy-error", Text: "x"}}
		})}}, "action", Evidenced, "denied by policy-error", ""},
		{"waits for approval", []body{decided("hold"), requested}, "action", Missing, "waits for approval", "waits for approval"},
		{"rejected by a person", []body{decided("hold"), requested, approval("reject", "p-2")}, "action", Evidenced, "no action ran: post_entry was rejected by p-2", ""},
		{"nobody approved", []body{decided("hold"), requested, approval("expired", "")}, "action", Evidenced, "no action ran: nobody approved", ""},
		{"approved and not asked again", []body{decided("hold"), requested, approval("approve", "p-2")}, "action", Missing, "", "approved, not begun"},
		{"allowed and not begun", []body{decided("allow")}, "action", Missing, "", "nothing says that it began"},
		{"begun, and then nothing", []body{decided("allow"), begun}, "action", Missing, "outcome unknown", "outcome unknown"},
		{"redeemed, and then nothing", []body{decided("allow"), begun, redeemed}, "action", Inferred, "begun by books", "outcome unknown"},
		{"the caller does not know", []body{decided("allow"), begun, finished("unknown")}, "action", Missing, "outcome unknown", "outcome unknown"},
		{"the caller's word", []body{decided("allow"), begun, finished("succeeded")}, "action", Declared, "succeeded, as the caller says", "no read-back from books after 2026-11-22 09:00:03Z"},
		{"the caller's word that it failed", []body{decided("allow"), begun, finished("failed")}, "action", Declared, "failed, as the caller says", ""},
		{"read back", []body{decided("allow"), begun, redeemed, finished("succeeded"), changed}, "action", Evidenced, "entry E-17 read back from books", ""},
		{"two entries for one permit", []body{decided("allow"), begun, redeemed, finished("succeeded"), changed,
			{evidence.TypeChangeObserved, with(f.changed(), func(b *change) { b.Entry = "E-18" })}},
			"action", Contradicted, "", "2 entries are read back"},
		{"read back by the agent", []body{decided("allow"), begun, {evidence.TypeChangeObserved, with(f.changed(), func(b *change) { b.Assurance = "declared" })}},
			"action", Declared, "entry E-17", ""},
		{"changed and never authorized", []body{changed}, "action", Contradicted, "", "books entry E-17 was never authorized"},
		{"changed, naming no action", []body{decided("deny"), {evidence.TypeChangeObserved, with(f.changed(), func(b *change) { b.Action = "" })}},
			"action", Contradicted, "", "was never authorized"},
		{"changed though denied", []body{decided("deny"), changed}, "action", Contradicted, "", "ran though the gate said deny"},
		{"begun though held", []body{decided("hold"), begun}, "action", Contradicted, "", "ran though the gate said hold"},
		{"denied in shadow, and ran", []body{{evidence.TypeAuthorizationDecided, with(f.decided("deny"), func(b *auth) { b.Mode = "shadow" })}, begun, changed},
			"action", Evidenced, "read back", ""},
		{"other arguments begun", []body{decided("allow"), {evidence.TypeActionStarted, with(f.begun(), func(b *evidence.ActionStarted) { b.ArgsDigest = testDocument })}, changed},
			"action", Contradicted, "", "other arguments"},
		{"other arguments redeemed", []body{decided("allow"), begun, {evidence.TypeActionRedeemed, with(f.redeemed(), func(b *evidence.ActionRedeemed) { b.ArgsDigest = testDocument })}},
			"action", Contradicted, "", "other arguments"},
		{"refused, and changed all the same", []body{decided("allow"), begun, finished("refused"), changed}, "action", Contradicted, "", "books shows entry E-17"},
		{"reads beside a posting", []body{{evidence.TypeAuthorizationDecided, read(f.decided("allow"))}, {evidence.TypeActionFinished, with(f.finished("succeeded"), func(b *evidence.ActionFinished) { b.Action = id(77) })}, decided("allow"), begun, changed},
			"action", Evidenced, "read back", ""},
		{"reads alone", []body{{evidence.TypeAuthorizationDecided, read(f.decided("allow"))}, {evidence.TypeActionFinished, with(f.finished("succeeded"), func(b *evidence.ActionFinished) { b.Action = id(77) })}},
			"action", Declared, "get_entry: succeeded", ""},

		{"nobody started it", nil, "identity", Missing, "", "who started the run"},
		{"started and acted", []body{{evidence.TypeRunStarted, f.started()}, decided("allow")}, "identity", Evidenced, "poster started the run for p-1 (human); acted as poster under grant g-1", ""},
		{"no input", nil, "inputs", Missing, "", "what the run worked on"},
		{"an input", []body{{evidence.TypeInputReferenced, f.input()}}, "inputs", Evidenced, "1 document: 61bd5d95", ""},
		{"not ended", nil, "operation", Missing, "no failure on record", "how the run ended"},
		{"ended", []body{{evidence.TypeRunEnded, f.ended()}}, "operation", Evidenced, "the run ended completed; no failure on record", ""},
		{"failed and recovered", []body{
			{evidence.TypeOperationFailed, evidence.OperationFailed{Operation: "post", Attempt: 1, Code: "timeout", Assurance: "observed"}},
			{evidence.TypeOperationFailed, evidence.OperationFailed{Operation: "mail", Attempt: 1, Code: "timeout", Assurance: "observed"}},
			{evidence.TypeOperationRecovered, evidence.OperationRecovered{Operation: "post", Attempts: 2, Assurance: "observed"}},
			{evidence.TypeRunEnded, f.ended()},
		}, "operation", Evidenced, "2 failures, 1 recovery, not recovered: mail", ""},
	} {
		t.Run(c.slot+"/"+c.name, func(t *testing.T) {
			slots := Slots(records(t, c.records))
			i := slices.IndexFunc(slots, func(s Slot) bool { return s.Name == c.slot })
			got := slots[i]
			if got.State != c.state || !strings.Contains(got.Summary, c.says) {
				t.Errorf("%s: %q, want %s: %q", got.State, got.Summary, c.state, c.says)
			}
			found := c.gap == "" && len(got.Gaps) == 0
			for _, g := range got.Gaps {
				found = found || c.gap != "" && strings.Contains(g.Reason, c.gap) && g.Close != ""
			}
			if !found {
				t.Errorf("gaps %+v, want %q", got.Gaps, c.gap)
			}
		})
	}
}

func TestSlotsNamesAndRecords(t *testing.T) {
	h := told(t)
	var list []*evidence.Record
	for _, s := range h.contents().Sealed {
		list = append(list, mustRecord(t, s))
	}
	var names []string
	for _, s := range Slots(list) {
		names = append(names, s.Name)
		if s.Name == "action" && fmt.Sprint(s.Records) != fmt.Sprint([]string{id(8), id(13), id(14), id(15), id(16), id(17)}) {
			t.Errorf("action rests on %v", s.Records)
		}
	}
	if got := strings.Join(names, " "); got != "extraction validation authorization routing oversight action identity inputs operation" {
		t.Errorf("slots %s", got)
	}
}

// Whatever part of a story is there, in whatever order: no panic, every slot
// has a state with words, evidenced slots have no gaps, and open ones say what
// would close them.
func TestSlotsLaws(t *testing.T) {
	h := told(t)
	var all []*evidence.Record
	for _, s := range h.sealed {
		all = append(all, mustRecord(t, s))
	}
	odd := *all[7]
	odd.Body = evidence.ArrayValue()
	all = append(all, &odd)
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "records")
		for _, s := range Slots(list) {
			open := s.State == Missing || s.State == Contradicted || s.State == Inferred
			if !slices.Contains(worse, s.State) || s.Summary == "" || s.State == Evidenced && len(s.Gaps) > 0 || open && len(s.Gaps) == 0 {
				t.Errorf("%+v", s)
			}
			if s.State == Evidenced && len(s.Records) == 0 {
				t.Errorf("evidenced by nothing: %+v", s)
			}
		}
	})
}
