package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

var errNo = evidence.Errorf(evidence.Denied, "", "no")

// dense appends from many goroutines to two tenants, and wants each tenant's
// records at places without holes, chained, where Append said.
func dense(t *testing.T, h *house) {
	const callers, each = 64, 6
	tenants := []store.Tenant{h.tenant("a"), h.tenant("b")}
	var mu sync.Mutex
	said := map[evidence.RecordID]store.Placed{}
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for j := range each {
				b := Batch(fmt.Sprint("caller ", i), slices.Repeat([]Fact{Step("", "work")}, 1+(i+j)%3)...)
				placed, err := tenants[i%2].Append(ctx, &b)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, p := range placed {
					said[p.ID] = p
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	found := 0
	for _, tenant := range tenants {
		s := h.state(tenant)
		chained(t, tenant.ID(), s)
		for _, row := range s.Rows {
			leaf, _ := evidence.ParseLeaf(row.Leaf)
			if p := said[row.ID]; p != (store.Placed{ID: row.ID, Seq: row.Seq, Received: leaf.Received}) {
				t.Errorf("record %d was announced as %+v", row.Seq, p)
			}
		}
		found += len(s.Rows)
	}
	if found != len(said) {
		t.Errorf("%d records stand in the store, %d were acknowledged", found, len(said))
	}
}

// chained wants dense rows whose leaves follow each other up to the head.
func chained(t *testing.T, id evidence.TenantID, s state) {
	t.Helper()
	prev := evidence.ZeroDigest
	for i, row := range s.Rows {
		leaf, err := evidence.ParseLeaf(row.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := evidence.ParseRecord(row.Record)
		if err != nil {
			t.Fatal(err)
		}
		want := evidence.Leaf{Tenant: id, Seq: uint64(i), Prev: prev, ID: rec.ID, Type: rec.Type, Received: rec.Received, Digest: evidence.DigestOf(row.Record)}
		if *leaf != want || row.Seq != want.Seq || row.ID != rec.ID || row.Type != rec.Type || row.Run != rec.Run {
			t.Fatalf("row %d is %+v with leaf %+v, want leaf %+v", i, row, *leaf, want)
		}
		prev = evidence.DigestOf(row.Leaf)
	}
	if s.Head.Next != uint64(len(s.Rows)) || s.Head.Prev != prev {
		t.Fatalf("head is %+v after %d rows that end in %s", s.Head, len(s.Rows), prev)
	}
}

func repeats(t *testing.T, h *house) {
	tenant := h.tenant("a")
	first, second := Step("", "one"), Step("", "two")
	first.ID, second.ID = evidence.RecordID(NewID()), evidence.RecordID(NewID())
	h.append(tenant, Batch("s", Step("", "zero")))
	placed := h.append(tenant, Batch("s", first))
	again := placed[0]
	again.Repeat = true

	h.unchanged(tenant, func() {
		if diff := cmp.Diff([]store.Placed{again}, h.append(tenant, Batch("s", first))); diff != "" {
			t.Errorf("a repeat (-want +got):\n%s", diff)
		}
		b := Batch("s", first)
		b.Guard = func(store.Tx) error { t.Error("the guard of a repeat is run"); return errNo }
		if diff := cmp.Diff([]store.Placed{again}, h.append(tenant, b)); diff != "" {
			t.Errorf("a repeat with a guard (-want +got):\n%s", diff)
		}
	})
	mixed := h.append(tenant, Batch("s", first, second, second))
	if mixed[0] != again || mixed[1].Seq != 2 || mixed[1].Repeat || mixed[2].Seq != 2 || !mixed[2].Repeat {
		t.Errorf("repeats among new records came to stand at %+v", mixed)
	}
	// An id is one record's: nobody else can take it, or learn where it stands.
	h.unchanged(tenant, func() { h.refused(tenant, evidence.Conflict, Batch("another submitter", first)) })
}

func conflicts(t *testing.T, h *house) {
	tenant := h.tenant("a")
	f := Step("", "one")
	f.ID = evidence.RecordID(NewID())
	h.append(tenant, Batch("s", f))
	other := Step("", "other")
	other.ID = f.ID
	h.unchanged(tenant, func() {
		h.refused(tenant, evidence.Conflict, Batch("s", other))
		h.refused(tenant, evidence.Conflict, Batch("s", Step("", "new", evidence.Link{Kind: "trace", ID: "1"}), other))
		b := Batch("s", other)
		b.Guard = func(store.Tx) error { t.Error("the guard of a conflict is run"); return nil }
		h.refused(tenant, evidence.Conflict, b)
	})
}

// refusedGuards mixes refused with good batches from many callers, so that
// they share commits.
func refusedGuards(t *testing.T, h *house) {
	tenant := h.tenant("a")
	run := evidence.RunID(NewID())
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			b := Batch("s", RunStarted(evidence.RunID(NewID())), Step(run, "work", evidence.Link{Kind: "trace", ID: fmt.Sprint(i)}))
			b.Objects = [][]byte{fmt.Append(nil, "object ", i)}
			if i%2 == 0 {
				b.Guard = func(store.Tx) error { return errNo }
			}
			_, err := tenant.Append(ctx, &b)
			if refused := errors.Is(err, errNo); refused != (i%2 == 0) || !refused && err != nil {
				t.Errorf("batch %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	s := h.state(tenant)
	chained(t, tenant.ID(), s)
	if len(s.Rows) != 64 || len(s.Links) != 32 || len(s.Objects) != 32 || len(s.States) != 32 {
		t.Errorf("of 32 good and 32 refused batches stand %d rows, %d links, %d objects, %d projections; want 64, 32, 32, 32",
			len(s.Rows), len(s.Links), len(s.Objects), len(s.States))
	}
	b := Batch("s", RunStarted(evidence.RunID(NewID())))
	b.Guard = func(store.Tx) error { return errNo }
	b.Objects = [][]byte{[]byte("none")}
	h.unchanged(tenant, func() { h.refused(tenant, evidence.Denied, b) })
}

// guardState wants every guard to see all that was placed before its batch,
// and nothing of the batch itself, however commits are shared.
func guardState(t *testing.T, h *house) {
	tenant := h.tenant("a")
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			run := evidence.RunID(NewID())
			b := Batch("s", RunStarted(run))
			var head store.Head
			b.Guard = func(tx store.Tx) (err error) {
				if _, err := store.Load[store.Run](tx, string(run)); evidence.KindOf(err) != evidence.NotFound {
					t.Errorf("the guard sees its own batch: %v", err)
				}
				if head, err = tx.Head(); err != nil || head.Next == 0 {
					return err
				}
				rows, err := tx.Rows(head.Next-1, 10)
				if err == nil && (len(rows) != 1 || evidence.DigestOf(rows[0].Leaf) != head.Prev) {
					t.Errorf("before place %d the guard sees %d rows at the end", head.Next, len(rows))
				}
				return err
			}
			placed, err := tenant.Append(ctx, &b)
			if err != nil || placed[0].Seq != head.Next {
				t.Errorf("the guard saw %d records, its batch stands at %+v: %v", head.Next, placed, err)
			}
		})
	}
	wg.Wait()
}

// approval is the facts that bring an approval of an action to approved.
func approval(run evidence.RunID, action, id string) []Fact {
	digest := evidence.DigestOf([]byte("args"))
	tool := evidence.Tool{Server: "erp", Name: "post", Impact: "high"}
	return []Fact{
		RunStarted(run), decided(run, action, "hold"),
		{Type: evidence.TypeApprovalRequested, Run: run, Body: evidence.ApprovalRequested{Approval: id, Name: "post", Action: action, Tool: tool,
			ArgsDigest: digest, Presentation: digest, Shown: evidence.StringValue("shown"), Role: "approver", Quorum: 1,
			Expires: "2026-03-02T09:00:00.000000000Z", Summary: "post it", Assurance: "enforced"}},
		{Type: evidence.TypeApprovalDecided, Run: run, Body: evidence.ApprovalDecided{Approval: id, Action: action, Decision: "approve",
			Approver: "person-2", Presentation: digest, Assurance: "enforced"}},
	}
}

func decided(run evidence.RunID, action, verdict string) Fact {
	digest := evidence.DigestOf([]byte("args"))
	return Fact{Type: evidence.TypeAuthorizationDecided, Run: run, Body: evidence.AuthorizationDecided{Action: action,
		Tool: evidence.Tool{Server: "erp", Name: "post", Impact: "high"}, ArgsDigest: digest, Sealed: evidence.StringValue("sealed"), Verdict: verdict,
		Mode: "enforce", Identity: "poster", Grant: "key-1", PolicySet: digest, Schema: digest, Engine: "test", Request: evidence.StringValue("request"),
		Summary: "decided", Assurance: "enforced", Facts: evidence.Facts{InitiatorKind: "human"}}}
}

func consumed(run evidence.RunID, action, id string) Fact {
	return Fact{Type: evidence.TypeApprovalConsumed, Run: run,
		Body: evidence.ApprovalConsumed{Approval: id, Action: action, ArgsDigest: evidence.DigestOf([]byte("args")), Assurance: "enforced"}}
}

// consumedOnce has many callers spend one approval, with and without a guard
// of their own.
func consumedOnce(t *testing.T, h *house) {
	tenant := h.tenant("a")
	run, action, id := evidence.RunID(NewID()), NewID(), NewID()
	h.append(tenant, Batch("s", approval(run, action, id)...))
	var mu sync.Mutex
	won := 0
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			b := Batch("s", consumed(run, action, id))
			if i%2 == 0 {
				b.Guard = func(tx store.Tx) error {
					a, err := store.Load[store.Approval](tx, id)
					if err == nil && a.Status != store.ApprovalApproved {
						return evidence.Errorf(evidence.Conflict, "", "it is %s", a.Status)
					}
					return err
				}
			}
			switch _, err := tenant.Append(ctx, &b); {
			case err == nil:
				mu.Lock()
				won++
				mu.Unlock()
			case evidence.KindOf(err) != evidence.Conflict:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := h.state(tenant)
	chained(t, tenant.ID(), s)
	if won != 1 || len(s.Rows) != 5 {
		t.Errorf("%d callers spent the approval, %d records stand; want 1 and 5", won, len(s.Rows))
	}
}

func allOrNothing(t *testing.T, h *house) {
	tenant := h.tenant("a")
	run, action, id := evidence.RunID(NewID()), NewID(), NewID()
	h.append(tenant, Batch("s", approval(run, action, id)...))
	other := evidence.RunID(NewID())
	b := Batch("s", RunStarted(other), Step(other, "work", evidence.Link{Kind: "trace", ID: "1"}), consumed(run, action, id), consumed(run, action, id))
	b.Objects = [][]byte{[]byte("object")}
	h.unchanged(tenant, func() { h.refused(tenant, evidence.Conflict, b) })
	h.unchanged(tenant, func() {
		h.refused(tenant, evidence.NotFound, Batch("s", Step(run, "work"), Fact{Type: evidence.TypeRunEnded, Run: other,
			Body: evidence.RunEnded{Outcome: "completed", Assurance: "declared"}}))
	})
	if placed := h.append(tenant, Batch("s", consumed(run, action, id))); placed[0].Seq != 4 {
		t.Errorf("after refused batches the next record stands at %d, want 4", placed[0].Seq)
	}
}

// cancelled wants a caller who gave up to find out by trying again.
func cancelled(t *testing.T, h *house) {
	tenant := h.tenant("a")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	b := Batch("s", Step("", "never"))
	h.unchanged(tenant, func() {
		if _, err := tenant.Append(gone, &b); evidence.KindOf(err) != evidence.Unavailable || !errors.Is(err, context.Canceled) {
			t.Errorf("append for a caller who is gone: %v, want unavailable because cancelled", err)
		}
	})
	for range 20 {
		going, cancel := context.WithCancel(ctx)
		f := Step("", "once")
		f.ID = evidence.RecordID(NewID())
		b := Batch("s", f)
		b.Guard = func(store.Tx) error { cancel(); return nil }
		if _, err := tenant.Append(going, &b); err != nil && evidence.KindOf(err) != evidence.Unavailable {
			t.Fatalf("append for a caller who goes: %v", err)
		}
		if placed := h.append(tenant, Batch("s", f)); !placed[0].Repeat {
			t.Fatalf("trying again places the record a second time: %+v", placed)
		}
	}
	if s := h.state(tenant); len(s.Rows) != 20 {
		t.Errorf("%d records stand, want 20", len(s.Rows))
	}
}
