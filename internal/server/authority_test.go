package server

import (
	"errors"
	"reflect"
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

// Names are for those who run the house, and for whoever must decide about
// someone; evidence is tested by pseudonym. A packet opens no more than its
// builder may see, whatever was asked for.
func TestWhoSeesNames(t *testing.T) {
	h := newHouse(t)
	run, v := h.wire()
	names := []string{"ina@example.org", "carla@example.org", "olga@example.org"}
	h.approve("carla@example.org", v.Approvals[0].ID, "controller")
	for _, c := range []struct {
		who          *client.Client
		name         string
		story, shown bool
		packet       bool // may build one
	}{
		{h.admin, "admin", true, true, true},
		{h.person("cora@example.org", "compliance"), "compliance", true, true, true},
		{h.person("aude@example.org", "auditor"), "auditor", false, false, true},
		{h.person("vera@example.org", "viewer"), "viewer", false, false, false},
		{h.person("carla@example.org"), "controller", false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if story, err := c.who.Story(t.Context(), run.ID); err == nil {
				seen := ""
				for _, r := range story.Records {
					seen += string(r.Body.Canonical())
				}
				if strings.Contains(seen, names[0]) != c.story || strings.Contains(seen, names[1]) != c.story {
					t.Errorf("sees names in the story: %v, want %v", !c.story, c.story)
				}
			} else if c.story {
				t.Error(err)
			}
			if a, err := c.who.Approval(t.Context(), v.Approvals[0].ID); err == nil && (a.Initiator.Name == names[0]) != c.shown || err != nil && c.shown {
				t.Errorf("is shown the initiator %+v (%v)", a.Initiator, err)
			}
			data, err := c.who.BuildPacket(t.Context(), client.BuildPacket{Run: run.ID, Disclose: []string{"run.started:/initiator/name"}})
			if (err == nil) != c.packet {
				t.Fatalf("builds a packet: %v", err)
			}
			if err == nil {
				personal, text := opened(t, data)
				for _, name := range names {
					if strings.Contains(text, name) != c.story {
						t.Errorf("the packet holds %s: %v, want %v", name, !c.story, c.story)
					}
				}
				if (personal > 0) != c.story {
					t.Errorf("the packet discloses %d personal fields", personal)
				}
			}
		})
	}
}

// opened is what a packet discloses, and how much of it is personal.
func opened(t *testing.T, data []byte) (personal int, text string) {
	t.Helper()
	p, err := packet.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for s, err := range p.Sealed() {
		if err != nil {
			t.Fatal(err)
		}
		text += string(s.Record)
		for _, d := range s.Disclosures {
			_, v, err := d.Open()
			if err != nil {
				t.Fatal(err)
			}
			if text += string(v.Canonical()); d.Class == evidence.Personal {
				personal++
			}
		}
	}
	return personal, text
}

// How a packet was cut is on record, and in the packet.
func TestPacketSelection(t *testing.T) {
	h := newHouse(t)
	run, _ := h.permitted()
	data, err := h.admin.BuildPacket(t.Context(), client.BuildPacket{Run: run.ID, Profile: "auditor",
		Disclose: []string{"run.started:/initiator/name"}, Withhold: []string{"*:/sealed_args"}})
	h.must(err)
	p, err := packet.Open(data)
	h.must(err)
	built := last[evidence.PacketBuilt](h, evidence.TypePacketBuilt)
	want := packet.Selection{Profile: "auditor", Disclose: []string{"run.started:/initiator/name"}, Withhold: []string{"*:/sealed_args"}}
	if got := p.Statement().Selection; !reflect.DeepEqual(got, want) {
		t.Errorf("the packet says %+v", got)
	}
	if got := (packet.Selection{Profile: packet.Profile(built.Profile), Disclose: built.Disclose, Withhold: built.Withhold}); !reflect.DeepEqual(got, want) || built.Packet != evidence.DigestOf(data) {
		t.Errorf("the record says %+v", built)
	}
	if personal, text := opened(t, data); personal != 1 || !strings.Contains(text, "ina@example.org") {
		t.Errorf("%d personal fields are disclosed, the one chosen among them: %v", personal, strings.Contains(text, "ina@example.org"))
	}
	for s, err := range p.Sealed() {
		h.must(err)
		for _, d := range s.Disclosures {
			if d.Pointer == "/sealed_args" {
				t.Error("what was to be withheld is disclosed")
			}
		}
	}
	for field, b := range map[string]client.BuildPacket{
		"/profile":    {Profile: "everything"},
		"/disclose/0": {Disclose: []string{"check.reslt:/attests"}},
		"/withhold/1": {Withhold: []string{"*:/summary", "authorization.decided:/verdict"}},
	} {
		b.Run = run.ID
		h.unchanged(field, func() {
			_, err := h.admin.BuildPacket(t.Context(), b)
			var refused *client.Error
			if !errors.As(err, &refused) || refused.Problem.Field != field || refused.Problem.Status != 400 {
				t.Errorf("%s: %v", field, err)
			}
		})
	}
}
