package store_test

import (
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/storetest"
)

const run evidence.RunID = "0198c000-0000-7000-8000-000000000001"

const (
	action   = "0198c000-0000-7000-8000-000000000002"
	other    = "0198c000-0000-7000-8000-000000000003"
	approval = "0198c000-0000-7000-8000-000000000004"
)

var (
	digest      = evidence.DigestOf([]byte("args"))
	otherDigest = evidence.DigestOf([]byte("other args"))
	tool        = evidence.Tool{Server: "erp", Name: "post", Impact: "high"}
)

func fact(t evidence.Type, body any) storetest.Fact {
	return storetest.Fact{Type: t, Run: run, Body: body}
}

var (
	began = storetest.RunStarted(run)
	held  = fact(evidence.TypeAuthorizationDecided, evidence.AuthorizationDecided{Action: action, Tool: tool, ArgsDigest: digest, Verdict: "hold",
		Sealed: evidence.StringValue("x"), Request: evidence.StringValue("x"), Mode: "enforce", Identity: "poster", Grant: "key-1", PolicySet: digest, Schema: digest,
		Engine: "test", Summary: "held", Assurance: "enforced", Facts: evidence.Facts{InitiatorKind: "human"}})
	started  = fact(evidence.TypeActionStarted, evidence.ActionStarted{Action: action, Tool: tool, ArgsDigest: digest, Execution: "target", Expires: "2026-03-02T09:00:00.000000000Z", Assurance: "enforced"})
	redeemed = fact(evidence.TypeActionRedeemed, evidence.ActionRedeemed{Action: action, Tool: tool, ArgsDigest: digest, Redeemer: "erp", Assurance: "enforced"})
	finished = fact(evidence.TypeActionFinished, evidence.ActionFinished{Action: action, Status: "succeeded", Attempts: 1, Assurance: "declared"})
)

func asked(quorum int64) storetest.Fact {
	return fact(evidence.TypeApprovalRequested, evidence.ApprovalRequested{Approval: approval, Name: "post", Action: action, Tool: tool, ArgsDigest: digest,
		Presentation: digest, Shown: evidence.StringValue("x"), Role: "approver", Quorum: quorum, Expires: "2026-03-02T09:00:00.000000000Z", Summary: "post", Assurance: "enforced"})
}

func decides(person, decision string) storetest.Fact {
	return fact(evidence.TypeApprovalDecided, evidence.ApprovalDecided{Approval: approval, Action: action, Decision: decision, Approver: person, Presentation: digest, Assurance: "enforced"})
}

func consumes(action string, args evidence.Digest) storetest.Fact {
	return fact(evidence.TypeApprovalConsumed, evidence.ApprovalConsumed{Approval: approval, Action: action, ArgsDigest: args, Assurance: "enforced"})
}

// TestFold tells histories whose last record is refused, or leaves an approval
// and an action in some state.
func TestFold(t *testing.T) {
	for _, c := range []struct {
		name    string
		history []storetest.Fact
		refused evidence.ErrorKind // of the last record, "" where it is not
		states  string             // of the approval and the action then, "" where part of a refused record may stand
	}{
		{"asked", []storetest.Fact{began, held, asked(1)}, "", "waiting held"},
		{"approved", []storetest.Fact{began, held, asked(1), decides("p1", "approve")}, "", "approved held"},
		{"one of two", []storetest.Fact{began, held, asked(2), decides("p1", "approve")}, "", "waiting held"},
		{"two of two", []storetest.Fact{began, held, asked(2), decides("p1", "approve"), decides("p2", "approve")}, "", "approved held"},
		{"the same person twice", []storetest.Fact{began, held, asked(2), decides("p1", "approve"), decides("p1", "approve")}, evidence.Conflict, "waiting held"},
		{"rejected after one", []storetest.Fact{began, held, asked(2), decides("p1", "approve"), decides("p2", "reject")}, "", "rejected held"},
		{"approved after a rejection", []storetest.Fact{began, held, asked(1), decides("p1", "reject"), decides("p2", "approve")}, evidence.Conflict, "rejected held"},
		{"approved after it expired", []storetest.Fact{began, held, asked(1), decides("", "expired"), decides("p2", "approve")}, evidence.Conflict, "expired held"},
		{"consumed", []storetest.Fact{began, held, asked(1), decides("p1", "approve"), consumes(action, digest)}, "", "consumed held"},
		{"consumed twice", []storetest.Fact{began, held, asked(1), decides("p1", "approve"), consumes(action, digest), consumes(action, digest)}, evidence.Conflict, "consumed held"},
		{"consumed while waiting", []storetest.Fact{began, held, asked(1), consumes(action, digest)}, evidence.Conflict, "waiting held"},
		{"consumed for another action", []storetest.Fact{began, held, asked(1), decides("p1", "approve"), consumes(other, digest)}, evidence.Conflict, "approved held"},
		{"consumed for other args", []storetest.Fact{began, held, asked(1), decides("p1", "approve"), consumes(action, otherDigest)}, evidence.Conflict, "approved held"},
		{"started", []storetest.Fact{began, held, started}, "", " started"},
		{"started without a decision", []storetest.Fact{began, started}, evidence.NotFound, " "},
		{"started outside a run", []storetest.Fact{held, started}, evidence.NotFound, ""},
		{"redeemed", []storetest.Fact{began, held, started, redeemed}, "", " redeemed"},
		{"redeemed twice", []storetest.Fact{began, held, started, redeemed, redeemed}, evidence.Conflict, " redeemed"},
		{"redeemed before it started", []storetest.Fact{began, held, redeemed}, evidence.Conflict, " held"},
		{"redeemed after it finished", []storetest.Fact{began, held, started, finished, redeemed}, evidence.Conflict, " finished"},
		{"asked about nothing", []storetest.Fact{began, asked(1)}, evidence.NotFound, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f store.Folded
			for i, fact := range c.history {
				err := store.Fold(&f, uint64(i), fact.Entry("s", nil).Record)
				if last := i == len(c.history)-1; last && c.refused != "" {
					if err == nil || evidence.KindOf(err) != c.refused {
						t.Errorf("the last record: %v, want an error of kind %s", err, c.refused)
					}
				} else if err != nil {
					t.Fatalf("record %d: %v", i, err)
				}
			}
			ap, _ := store.Load[store.Approval](&f, approval)
			ac, _ := store.Load[store.Action](&f, action)
			if got := ap.Status + " " + ac.Status; got != c.states && c.states != "" {
				t.Errorf("approval and action are %q, want %q", got, c.states)
			}
		})
	}
}

// TestFoldHidesNames wants projections to hold nothing that a record withholds.
func TestFoldHidesNames(t *testing.T) {
	var f store.Folded
	r := began.Entry("s", nil).Record
	r.Body = evidence.Body(began.Body) // as if nothing were withheld
	if err := store.Fold(&f, 0, r); err != nil {
		t.Fatal(err)
	}
	for _, s := range states(t, &f) {
		if strings.Contains(string(s.Row), "Ada") {
			t.Errorf("a name stands in %s", s.Row)
		}
	}
}

// TestWorseWins has one check report twice in one suite.
func TestWorseWins(t *testing.T) {
	for _, c := range []struct{ one, two, want string }{
		{"pass", "fail", "fail"}, {"fail", "pass", "fail"}, {"error", "pass", "error"}, {"not-applicable", "pass", "pass"}, {"error", "fail", "fail"},
	} {
		var f store.Folded
		body := evidence.CheckResult{Document: digest, Suite: "s", Version: "1", Outcome: "fail", Identity: "checker", Assurance: "observed",
			Checks: []evidence.CheckOutcome{{Check: "sum", Version: "1", Outcome: c.one}, {Check: "sum", Version: "1", Outcome: c.two}}}
		if err := store.Fold(&f, 0, fact(evidence.TypeCheckResult, body).Entry("s", nil).Record); err != nil {
			t.Fatal(err)
		}
		checks, err := store.LoadAll[store.Check](&f, store.CheckGroup(run, digest), "", "", 10)
		if err != nil || len(checks) != 1 || checks[0].Outcomes["s/sum"] != c.want {
			t.Errorf("%s and %s: %+v, %v; want %s", c.one, c.two, checks, err, c.want)
		}
	}
}

func TestFolded(t *testing.T) {
	var f store.Folded
	for _, k := range []store.Key{{Kind: "run", ID: "2", Group: "pay"}, {Kind: "run", ID: "1", Group: "pay", Status: "done"}, {Kind: "run", ID: "3"}, {Kind: "person", ID: "1"}} {
		if err := f.Put(k, []byte(k.Kind+k.ID)); err != nil {
			t.Fatal(err)
		}
	}
	f.Put(store.Key{Kind: "run", ID: "3", Group: "pay"}, []byte("again"))
	for _, c := range []struct {
		kind, group, status, after string
		limit                      int
		want                       string
	}{
		{"run", "", "", "", 9, "run1 run2 again"}, {"run", "pay", "", "1", 9, "run2 again"}, {"run", "pay", "done", "", 9, "run1"},
		{"run", "", "", "", 2, "run1 run2"}, {"person", "", "", "", 9, "person1"}, {"none", "", "", "", 9, ""},
	} {
		rows, err := f.List(c.kind, c.group, c.status, c.after, c.limit)
		var got []string
		for _, r := range rows {
			got = append(got, string(r))
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	if row, err := f.Get("run", "none"); row != nil || err != nil {
		t.Errorf("a row that is not there: %s, %v", row, err)
	}
}

func states(t *testing.T, f *store.Folded) []store.StateRow {
	t.Helper()
	list, err := f.States(store.Key{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestFoldErasure wants the person who was erased to hold nothing any more.
func TestFoldErasure(t *testing.T) {
	var f store.Folded
	for i, fact := range []storetest.Fact{
		fact(evidence.TypePersonChanged, evidence.PersonChanged{Person: "p1", Name: "Ada", Roles: []string{"approver"}, Active: true, By: "p0"}),
		fact(evidence.TypeErasurePerformed, evidence.ErasurePerformed{Kind: "subject", Subject: "p1", Keys: []string{"subject/p1/house/1"}, Authority: "a court", By: "p0"}),
		fact(evidence.TypeErasurePerformed, evidence.ErasurePerformed{Kind: "run", Of: run, Expunged: []evidence.Expunged{{Record: action, Digest: digest, Run: run}}, Authority: "a court", By: "p0"}),
	} {
		if err := store.Fold(&f, uint64(i), fact.Entry("s", nil).Record); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := store.Load[store.Person](&f, "p1"); err != nil || p.Active || len(p.Roles) > 0 {
		t.Errorf("the person is %+v, %v", p, err)
	}
	of := func(group, status string) int {
		list, err := store.LoadAll[store.Erasure](&f, group, status, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if of(store.ErasedSubject("p1"), "") != 1 || of(store.ErasedRun(run), "") != 1 || of("", store.ErasureExpunged) != 1 || of("", "") != 2 {
		t.Error("erasures are not listed by what they took")
	}
}

// TestFoldHold wants a hold to be released once, by someone else.
func TestFoldHold(t *testing.T) {
	placed := fact(evidence.TypeLegalHoldPlaced, evidence.LegalHoldPlaced{Hold: other, Scope: "all", Reason: "x", By: "p1"})
	released := func(by string) storetest.Fact {
		return fact(evidence.TypeLegalHoldReleased, evidence.LegalHoldReleased{Hold: other, Reason: "x", By: by})
	}
	for name, c := range map[string]struct {
		history []storetest.Fact
		want    evidence.ErrorKind // of the last record's error, "" for none
		status  string
	}{
		"placed":                   {[]storetest.Fact{placed}, "", "active"},
		"released":                 {[]storetest.Fact{placed, released("p2")}, "", "released"},
		"released by who placed":   {[]storetest.Fact{placed, released("p1")}, evidence.Denied, "active"},
		"released twice":           {[]storetest.Fact{placed, released("p2"), released("p3")}, evidence.Conflict, "released"},
		"released and never there": {[]storetest.Fact{released("p2")}, evidence.NotFound, ""},
	} {
		var f store.Folded
		var err error
		for i, fact := range c.history {
			err = store.Fold(&f, uint64(i), fact.Entry("s", nil).Record)
		}
		h, _ := store.Load[store.Hold](&f, other)
		if (err == nil) != (c.want == "") || err != nil && evidence.KindOf(err) != c.want || h.Status != c.status {
			t.Errorf("%s: %v, the hold is %q; want %q, %q", name, err, h.Status, c.want, c.status)
		}
	}
}
