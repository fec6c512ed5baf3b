package server

import (
	"strings"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

// An approval counts for as long as those who gave it may decide.
func TestApprovalEndsWithItsApproversRole(t *testing.T) {
	h := newHouse(t)
	run, v := h.wire()
	h.approve("carla@example.org", v.Approvals[0].ID, "controller")
	h.setRoles("carla@example.org", "viewer")
	again := h.ask(run, v.Action, "bank/wire", `{"amount":7}`)
	h.verdict(again, "hold", "approval-required")
	if len(again.Approvals) != 1 || again.Approvals[0].ID == v.Approvals[0].ID {
		t.Errorf("asked for %+v, want another approval than %s", again.Approvals, v.Approvals[0].ID)
	}
	h.approve("chris@example.org", again.Approvals[0].ID, "controller")
	h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "allow", "permitted")
}

// A permit is worth nothing once the key that it was given to is revoked.
func TestPermitEndsWithItsHoldersKey(t *testing.T) {
	h := newHouse(t)
	run, v := h.permitted()
	key := strings.Split(h.as("payments/agent").Key, "_")[2]
	h.must(h.admin.RevokeKey(t.Context(), key, "stolen"))
	kind(t, h.redeem("payments/bank", redemption(t, run, v)), evidence.Denied)
	if got := last[evidence.ActionRefused](h, evidence.TypeActionRefused); got.Code != "revoked" {
		t.Errorf("refused as %+v", got)
	}
}

// An agent that ends its run does not silence the system it acted on, and
// nothing else joins the run any more.
func TestReadBackAfterTheEnd(t *testing.T) {
	h := newHouse(t)
	run, v := h.permitted()
	h.must(h.redeem("payments/bank", redemption(t, run, v)))
	h.must(run.End(t.Context(), "completed", ""))
	change := client.Typed{Type: evidence.TypeChangeObserved, Body: evidence.ChangeObserved{Action: string(v.Action), Target: "bank", Entry: "E-1", Digest: evidence.DigestOf([]byte("E-1"))}}
	if _, err := h.as("payments/bank").Join(run.ID).Record(t.Context(), change); err != nil {
		t.Errorf("the read-back is refused: %v", err)
	}
	_, err := run.Record(t.Context(), client.Typed{Type: evidence.TypeStepObserved, Body: evidence.StepObserved{Step: "late", Status: "finished"}})
	kind(t, err, evidence.Conflict)
	h.verified(run)
}

// A run's end is sealed with the number of its records, and a packet of it is
// checked against that.
func TestEndCountsTheRun(t *testing.T) {
	h := newHouse(t)
	run, _ := h.permitted()
	end := client.EndRun{ID: evidence.RecordID(client.NewID()), Occurred: evidence.TimeOf(h.clock.now()), Outcome: "completed"}
	var before int
	for _, row := range h.rows() {
		if row.Run == run.ID {
			before++
		}
	}
	agent := h.as("payments/agent")
	h.must(agent.End(t.Context(), run.ID, end))
	h.must(agent.End(t.Context(), run.ID, end)) // again: the first answer
	if got := last[evidence.RunEnded](h, evidence.TypeRunEnded); got.Records != int64(before) {
		t.Errorf("the run ended with %d records, it had %d", got.Records, before)
	}
	for _, c := range h.verified(run).Checks {
		if c.Name == "completeness" && c.Outcome != packet.OK {
			t.Errorf("completeness is %+v", c)
		}
	}
}

// What is withheld is shown to people who may read evidence, not to workloads.
func TestWorkloadsSeeNoWithheldValues(t *testing.T) {
	h := newHouse(t)
	run, _ := h.permitted()
	for who, want := range map[*client.Client]bool{h.as("payments/agent"): false, h.person("vera@example.org", "viewer"): true} {
		story, err := who.Story(t.Context(), run.ID)
		h.must(err)
		seen := false
		for _, r := range story.Records {
			_, open := r.Body.Get("sealed_args")
			seen = seen || open
		}
		if seen != want {
			t.Errorf("arguments in clear: %v, want %v", seen, want)
		}
	}
}
