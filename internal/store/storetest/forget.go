package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// forgetting clears the MACs of records, of any type and sealed or not, and
// wants them to be in no file, their repeats to be conflicts, and all else to
// stand as it did.
func forgetting(t *testing.T, h *house) {
	tenant := h.tenant("a")
	run := evidence.RunID(NewID())
	story := []Fact{RunStarted(run), Step(run, "one"), Step(run, "kept"), Step("", "unsealed")}
	for i := range story {
		story[i].ID = evidence.RecordID(NewID())
	}
	b := Batch("s", story...)
	macs := make([][]byte, len(story))
	for i := range b.Entries {
		macs[i] = b.Entries[i].MAC
	}
	h.append(tenant, b)
	h.must(tenant.SetCheckpoint(h.Context(), 0, 3, []byte("signed")))
	other := h.tenant("b")
	h.append(other, Batch("s", Step("", "another tenant's"), story[1]))

	forgotten := []uint64{0, 1, 3, 999}
	h.unchanged(other, func() {
		h.unchanged(tenant, func() {
			for range 2 { // a second time it changes nothing
				h.must(tenant.Forget(h.Context(), forgotten))
			}
		})
	})
	again := func() {
		t.Helper()
		h.unchanged(tenant, func() {
			for _, i := range []int{0, 1, 3} {
				h.refused(tenant, evidence.Conflict, Batch("s", story[i]))
				h.refused(tenant, evidence.Conflict, Batch("another submitter", story[i]))
				blank := Batch("s", story[i])
				blank.Entries[0].MAC = []byte{}
				h.refused(tenant, evidence.Conflict, blank)
			}
			if p := h.append(tenant, Batch("s", story[2])); !p[0].Repeat {
				t.Errorf("a record that was not forgotten is not recognised: %+v", p)
			}
		})
		if p := h.append(other, Batch("s", story[1])); !p[0].Repeat {
			t.Errorf("another tenant's record was forgotten: %+v", p)
		}
	}
	again()
	for _, i := range []int{0, 3} { // record 1 has its equal in the other tenant
		if h.holds(macs[i]) {
			t.Errorf("the MAC of record %d still stands in a file", i)
		}
	}
	if !h.holds(macs[2]) {
		t.Error("the test is worth nothing: it finds no MAC that is there")
	}
	h.reopen()
	tenant, other = h.tenant("a"), h.tenant("b")
	again()
}

// forgettingWaits holds a snapshot while MACs are cleared.
func forgettingWaits(t *testing.T, h *house) {
	tenant := h.tenant("a")
	h.append(tenant, Batch("s", Step("", "one")))
	done := make(chan error)
	h.view(tenant, func(tx store.Tx) error {
		if _, err := tx.Rows(0, 1); err != nil { // the snapshot begins here
			return err
		}
		go func() { done <- tenant.Forget(ctx, []uint64{0}) }()
		for range 100 {
			h.append(tenant, Batch("s", Step("", "meanwhile")))
		}
		return nil
	})
	if err := <-done; err != nil {
		t.Errorf("forgotten once the reader is gone: %v", err)
	}
}

// forgottenMark wants the mark of what was forgotten to rise, and never to
// fall.
func forgottenMark(t *testing.T, h *house) {
	tenant := h.tenant("a")
	h.append(tenant, Batch("s", Step("", "one"), Step("", "two")))
	want := h.state(tenant)
	for _, to := range []uint64{1, 2, 1} {
		h.must(tenant.SetForgotten(h.Context(), to))
	}
	want.Head.Forgotten = 2
	h.reopen()
	if diff := cmp.Diff(want, h.state(h.tenant("a"))); diff != "" {
		t.Errorf("the mark (-want +got):\n%s", diff)
	}
	if s := h.state(h.tenant("b")); s.Head.Forgotten != 0 {
		t.Errorf("another tenant's mark is %d", s.Head.Forgotten)
	}
}
