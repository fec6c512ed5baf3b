package server

import (
	"context"
	"testing"

	"github.com/evidencefactory/evf/evidence"
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
		checkAgain(h.t, data)
	}
}

func checkAgain(t *testing.T, data []byte) {
	t.Helper()
	p, err := packet.Open(data)
	if err != nil {
		t.Error(err)
		return
	}
	report, err := reperform.Packet(p)
	if err != nil {
		t.Error(err)
		return
	}
	for _, res := range report.Results {
		if res.Outcome != reperform.Same {
			t.Errorf("%s %s (%s) is %s when decided again: %q", res.Type, res.Record, res.Recorded, res.Outcome, res.Missing)
			for _, d := range res.Differences {
				t.Errorf("%s: recorded %s, now %s", d.Pointer, d.Recorded.Canonical(), d.Now.Canonical())
			}
		}
	}
}
