package server

import (
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

// verified builds a run's packet over HTTP and verifies it as a stranger who
// holds the log's key would.
func (h *house) verified(run *client.RunHandle) packet.Report {
	h.t.Helper()
	data, err := h.admin.Packet(h.t.Context(), run.ID)
	h.must(err)
	log, err := h.admin.Log(h.t.Context())
	h.must(err)
	r := packet.Verify(data, packet.Trust{Keys: []string{log.Key}})
	if r.Verdict != packet.Valid {
		h.t.Errorf("packet is %s: %+v", r.Verdict, r.Checks)
	}
	return r
}

func TestPacketOfAnEventfulRun(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.checked(run)
	h.verdict(h.ask(run, "", "bank/unlisted", `{}`), "deny", "tool-not-allowed")
	wire := h.ask(run, "", "bank/wire", `{"amount":7}`)
	h.approve("carla@example.org", wire.Approvals[0].ID, "controller")
	h.verdict(h.ask(run, wire.Action, "bank/wire", `{"amount":7}`), "allow", "permitted")
	h.must(run.Done(t.Context(), wire.Action, client.Outcome{Status: "succeeded", Attempts: 1}))
	pay := h.ask(run, "", "bank/pay", payArgs)
	r := redemption(t, run, pay)
	bad := r
	bad.Permit = "AAAA"
	if h.redeem("payments/bank", bad) == nil {
		t.Error("a forged permit was redeemed")
	}
	h.must(h.redeem("payments/bank", r))
	h.must(run.End(t.Context(), "completed", "paid"))
	report := h.verified(run)
	if story, err := h.admin.Story(t.Context(), run.ID); err != nil || len(story.Records) == 0 || report.Records < len(story.Records) {
		t.Errorf("the packet holds %d records, the story %d (%v)", report.Records, len(story.Records), err)
	}
	errs := together(2, func(int) error {
		_, err := h.admin.Packet(t.Context(), run.ID)
		return err
	})
	h.must(errs[0])
	h.must(errs[1])
}

// A run keeps the manifest that it was made under, however often it is
// replaced, and nobody crowds an activation out by links of their own.
func TestPacketAfterTheManifestMovedOn(t *testing.T) {
	h := newHouse(t)
	first := h.begin()
	h.ask(first, "", "bank/read", `{"query":"a"}`)
	h.apply(manifest(t, "payments", "over: 1000", "over: 2000"))
	h.ask(first, "", "bank/read", `{"query":"b"}`)
	second := h.begin()
	h.ask(second, "", "bank/read", `{"query":"c"}`)
	h.apply(manifest(t, "payments"))
	third := h.begin()
	for _, run := range []*client.RunHandle{first, second, third} {
		h.verified(run)
	}
	// The first run's activation is the one before it, not the one that put
	// the same manifest in force again.
	began := uint64(0)
	for _, row := range h.rows() {
		if row.Run == first.ID && row.Type == evidence.TypeRunStarted {
			began = row.Seq
		}
	}
	data, err := h.admin.Packet(t.Context(), first.ID)
	h.must(err)
	p, err := packet.Open(data)
	h.must(err)
	before := 0
	for s, err := range p.Sealed() {
		h.must(err)
		leaf, err := evidence.ParseLeaf(s.Leaf)
		h.must(err)
		if leaf.Type == evidence.TypeWorkflowActivated && leaf.Seq < began {
			before++
		}
	}
	if before != 1 {
		t.Errorf("%d activations before the run are in its packet, want 1", before)
	}
}

// TestPackingIsTold wants to hear of every record of a packet.
func TestPackingIsTold(t *testing.T) {
	clock := newClock()
	var told, total uint64
	h := openHouseWith(t, Config{Data: t.TempDir(), Clock: clock.now, Packing: func(done, n uint64) { told, total = told+1, n }}, clock)
	h.apply(manifest(t, "payments"))
	h.packet(h.ended().ID)
	if told == 0 || told != total {
		t.Errorf("told %d times of %d records", told, total)
	}
}
