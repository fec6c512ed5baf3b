package storetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// closing appends from many goroutines until the store is closed under them,
// and wants everything that was acknowledged to be there afterwards.
func closing(t *testing.T, h *house) {
	tenant := h.tenant("a")
	var acknowledged sync.Map
	var count atomic.Int64
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for {
				b := Batch(fmt.Sprint("caller ", i), Step("", "work"))
				placed, err := tenant.Append(ctx, &b)
				if err != nil {
					if evidence.KindOf(err) != evidence.Unavailable {
						t.Errorf("append to a closing store: %v", err)
					}
					return
				}
				acknowledged.Store(placed[0].ID, placed[0])
				if count.Add(1) == 200 {
					close(enough)
				}
			}
		})
	}
	<-enough
	h.reopen()
	wg.Wait()
	s := h.state(h.tenant("a"))
	chained(t, "a", s)
	standing := map[evidence.RecordID]uint64{}
	for _, row := range s.Rows {
		standing[row.ID] = row.Seq
	}
	acknowledged.Range(func(id, placed any) bool {
		if seq, ok := standing[id.(evidence.RecordID)]; !ok || seq != placed.(store.Placed).Seq {
			t.Errorf("acknowledged record %+v is lost, or elsewhere (%d)", placed, seq)
		}
		return true
	})
	h.must(h.Store.Close())
	h.must(h.Store.Close()) // a second time does nothing
	h.Store = h.open(t, h.dir)
}

// folds appends random histories, lawful or not, and wants the projections to
// be what the accepted records fold into.
func folds(t *testing.T, h *house) {
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		tenant := h.tenant(evidence.TenantID(fmt.Sprint("t", n)))
		past := newHistory()
		for range rapid.IntRange(1, 10).Draw(r, "batches") {
			facts := rapid.SliceOfN(rapid.Custom(past.fact), 1, 4).Draw(r, "facts")
			b := Batch("s", facts...)
			if rapid.IntRange(0, 9).Draw(r, "refuse") == 0 {
				b.Guard = func(store.Tx) error { return errNo }
			}
			tenant.Append(ctx, &b) // refused or not: what stands is compared below
		}
		s := h.state(tenant)
		chained(t, tenant.ID(), s)
		states, links := refold(r, s.Rows)
		if diff := cmp.Diff(states, s.States, cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("projections are not the fold of %d records (-want +got):\n%s", len(s.Rows), diff)
		}
		if diff := cmp.Diff(links, s.Links, cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("links are not those of %d records (-want +got):\n%s", len(s.Rows), diff)
		}
	})
}

// refold makes again what an engine keeps beside the rows.
func refold(t rapid.TB, rows []store.Row) ([]store.StateRow, []store.PlacedLink) {
	var f store.Folded
	var links []store.PlacedLink
	for _, row := range rows {
		rec, err := evidence.ParseRecord(row.Record)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Fold(&f, row.Seq, rec); err != nil {
			t.Fatalf("record %d was accepted and does not fold: %v", row.Seq, err)
		}
		for _, l := range rec.Links {
			links = append(links, store.PlacedLink{Link: l, Seq: row.Seq})
		}
	}
	slices.SortStableFunc(links, func(a, b store.PlacedLink) int { return evidence.CompareLinks(a.Link, b.Link) })
	states, err := f.States(store.Key{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return states, links
}

// history draws facts about few things, so that they meet.
type history struct {
	runs                       []evidence.RunID
	actions, approvals, people []string
	digests                    []evidence.Digest
}

func newHistory() *history {
	h := &history{people: []string{"person-1", "person-2", "person-3"}}
	for i := range 3 {
		h.runs = append(h.runs, evidence.RunID(NewID()))
		h.actions, h.approvals = append(h.actions, NewID()), append(h.approvals, NewID())
		h.digests = append(h.digests, evidence.DigestOf([]byte{byte(i)}))
	}
	return h
}

func pick[E any](r *rapid.T, what string, list ...E) E { return rapid.SampledFrom(list).Draw(r, what) }

// fact draws one record's content. Types come often enough, and in an order
// likely enough, that approvals get through to the end.
func (h *history) fact(r *rapid.T) Fact {
	run, action, id := pick(r, "run", h.runs...), pick(r, "action", h.actions...), pick(r, "approval", h.approvals...)
	person, digest := pick(r, "person", h.people...), evidence.DigestOf([]byte("args"))
	tool := evidence.Tool{Server: "erp", Name: "post", Impact: "high"}
	const soon, enforced = "2026-03-02T09:00:00.000000000Z", "enforced"
	of := func(t evidence.Type, body any) Fact { return Fact{Type: t, Run: run, Body: body} }
	switch pick(r, "type", "run", "end", "check", "route", "decide", "decide", "ask", "ask", "approve", "approve", "approve", "consume", "consume",
		"start", "redeem", "finish", "activate", "retire", "person", "grant", "revoke", "key", "erase", "hold", "release", "stop", "go", "step") {
	case "run":
		return RunStarted(run)
	case "end":
		return of(evidence.TypeRunEnded, evidence.RunEnded{Outcome: pick(r, "outcome", "completed", "failed"), Assurance: "declared"})
	case "check":
		outcome := pick(r, "outcome", "pass", "fail")
		return of(evidence.TypeCheckResult, evidence.CheckResult{Document: pick(r, "document", h.digests...), Suite: pick(r, "suite", "one", "two"), Version: "1",
			Outcome: outcome, Checks: []evidence.CheckOutcome{{Check: "sum", Version: "1", Outcome: outcome}, {Check: "sum", Version: "1", Outcome: "pass"}},
			Identity: "checker", Assurance: "observed"})
	case "route":
		return of(evidence.TypeDecisionRouted, evidence.DecisionRouted{Document: pick(r, "document", h.digests...), Outcome: "person", To: []string{"post"},
			Summary: "to a person", Assurance: enforced})
	case "decide":
		return decided(run, action, pick(r, "verdict", "allow", "hold", "deny"))
	case "ask":
		return of(evidence.TypeApprovalRequested, evidence.ApprovalRequested{Approval: id, Name: "post", Action: action, Tool: tool, ArgsDigest: digest,
			Presentation: digest, Shown: evidence.StringValue("shown"), Role: "approver", Quorum: pick[int64](r, "quorum", 1, 1, 2), Expires: soon,
			ApartFrom: []evidence.Excluded{{Ref: person, Why: "initiator"}}, Summary: "post it", Assurance: enforced})
	case "approve":
		return of(evidence.TypeApprovalDecided, evidence.ApprovalDecided{Approval: id, Action: action, Approver: person, ApproverName: "Ada",
			Decision: pick(r, "decision", "approve", "approve", "approve", "reject", "expired"), Presentation: digest, Assurance: enforced})
	case "consume":
		return consumed(run, action, id)
	case "start":
		return of(evidence.TypeActionStarted, evidence.ActionStarted{Action: action, Tool: tool, ArgsDigest: digest, Execution: "caller", Expires: soon, Assurance: enforced})
	case "redeem":
		return of(evidence.TypeActionRedeemed, evidence.ActionRedeemed{Action: action, Tool: tool, ArgsDigest: digest, Redeemer: "erp", Assurance: enforced})
	case "finish":
		return of(evidence.TypeActionFinished, evidence.ActionFinished{Action: action, Status: "succeeded", Attempts: 1, Assurance: "declared"})
	case "activate":
		return of(evidence.TypeWorkflowActivated, evidence.WorkflowActivated{Name: pick(r, "workflow", "pay", "hire"), Digest: pick(r, "digest", h.digests...),
			Tier: "high", Mode: "enforce", Owner: person, OwnerName: "Ada", Author: person})
	case "retire":
		return of(evidence.TypeWorkflowRetired, evidence.WorkflowRetired{Name: pick(r, "workflow", "pay", "hire"), Digest: digest, Author: person, Reason: "done"})
	case "person":
		return of(evidence.TypePersonChanged, evidence.PersonChanged{Person: person, Name: "Ada", Roles: []string{"approver"}, Active: rapid.Bool().Draw(r, "active"), By: "evf"})
	case "grant":
		return of(evidence.TypeGrantIssued, evidence.GrantIssued{Grant: pick(r, "grant", "key-1", "key-2"), Kind: "person", Holder: person, Secret: digest, By: "evf"})
	case "revoke":
		return of(evidence.TypeGrantRevoked, evidence.GrantRevoked{Grant: pick(r, "grant", "key-1", "key-2"), Reason: "lost", By: "evf"})
	case "erase":
		return of(evidence.TypeErasurePerformed, evidence.ErasurePerformed{Kind: "subject", Subject: pick(r, "subject", person, ""), Of: run, Authority: "a court", By: person})
	case "hold":
		return of(evidence.TypeLegalHoldPlaced, evidence.LegalHoldPlaced{Hold: id, Scope: "all", Reason: "a lawsuit", By: person})
	case "release":
		return of(evidence.TypeLegalHoldReleased, evidence.LegalHoldReleased{Hold: id, Reason: "over", By: person})
	case "stop":
		return of(evidence.TypeStopEngaged, evidence.StopEngaged{Drill: rapid.Bool().Draw(r, "drill"), Reason: "a test", By: person})
	case "go":
		return of(evidence.TypeStopReleased, evidence.StopReleased{Drill: rapid.Bool().Draw(r, "drill"), Reason: "over", By: person})
	case "key":
		return of(evidence.TypeKeyRotated, evidence.KeyRotated{Purpose: "packet", Key: pick(r, "key", "one", "two")})
	}
	return Step(run, "work", evidence.Link{Kind: "document", ID: string(pick(r, "document", h.digests...))})
}
