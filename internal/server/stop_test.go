package server

import (
	"slices"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

func (h *house) halt(name string) {
	h.t.Helper()
	_, err := h.admin.EngageStop(h.t.Context(), client.EngageStop{Workflow: name, Reason: "it acts oddly"})
	h.must(err)
}

func (h *house) releases(cl *client.Client, name string) error {
	_, err := cl.ReleaseStop(h.t.Context(), client.ReleaseStop{Workflow: name, Reason: "looked at"})
	return err
}

// A stop order denies everything of its scope, ends permits that are out, and
// is ended by someone else.
func TestStop(t *testing.T) {
	for name, scope := range map[string]string{"one": "payments", "all": ""} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			run, paid := h.permitted()
			read := h.ask(run, "", "bank/read", `{"query":"a"}`)
			h.verdict(read, "allow", "permitted")
			h.halt(scope)
			h.verdict(h.ask(run, "", "bank/read", `{"query":"a"}`), "deny", "stopped")
			kind(t, h.redeem("payments/bank", redemption(t, run, paid)), evidence.Denied)
			if got := last[evidence.ActionRefused](h, evidence.TypeActionRefused); got.Code != "stopped" {
				t.Errorf("the permit was refused as %s", got.Code)
			}
			_, err := run.Ask(t.Context(), read.Action, "bank/read", value(t, `{"query":"a"}`))
			kind(t, err, evidence.Denied)
			kind(t, h.releases(h.admin, scope), evidence.Denied)
			_, err = h.admin.EngageStop(t.Context(), client.EngageStop{Workflow: scope, Reason: "again"})
			kind(t, err, evidence.Conflict)
			other := h.person("lee@example.org", "compliance")
			h.must(h.releases(other, scope))
			kind(t, h.releases(other, scope), evidence.Conflict)
			h.verdict(h.ask(run, "", "bank/read", `{"query":"a"}`), "allow", "permitted")
		})
	}
}

// It does so in every mode: outside enforce, nothing else is in the way.
func TestStopInEveryMode(t *testing.T) {
	for _, mode := range []string{"observe", "shadow"} {
		t.Run(mode, func(t *testing.T) {
			h := newHouse(t)
			h.apply(manifest(t, "payments", "mode: enforce", "mode: "+mode))
			run := h.begin()
			h.halt("payments")
			v := h.ask(run, "", "bank/read", `{"query":"a"}`)
			h.verdict(v, "deny", "stopped")
			again, err := run.Ask(t.Context(), v.Action, "bank/read", value(t, `{"query":"a"}`))
			h.must(err)
			h.verdict(again, "deny", "stopped")
		})
	}
}

// A stop order between the look and the write counts: no permit leaves after
// it was acknowledged.
func TestStopWhileDeciding(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.clock.between(func() { h.halt("") })
	h.verdict(h.ask(run, "", "bank/read", `{"query":"a"}`), "deny", "stopped")
}

// Other workflows go on, and a drill is ended by whoever began it.
func TestStopOfOneWorkflow(t *testing.T) {
	h := newHouse(t)
	h.halt("other")
	h.verdict(h.ask(h.begin(), "", "bank/read", `{"query":"a"}`), "allow", "permitted")
	_, err := h.admin.EngageStop(t.Context(), client.EngageStop{Workflow: "payments", Reason: "drill", Drill: true})
	h.must(err)
	h.must(h.releases(h.admin, "payments"))
	list, err := h.admin.Stops(t.Context(), "")
	h.must(err)
	if got := []string{list[0].ID, list[0].Status, list[1].ID, list[1].Status}; !slices.Equal(got, []string{"workflow/other", "engaged", "workflow/payments", "released"}) {
		t.Errorf("stops are %v", got)
	}
	_, err = h.admin.EngageStop(t.Context(), client.EngageStop{Workflow: "none", Reason: "x"})
	kind(t, err, evidence.NotFound)
	_, err = h.admin.EngageStop(t.Context(), client.EngageStop{Workflow: "payments", Reason: " "})
	kind(t, err, evidence.Invalid)
}

// A drill stands in no real order's way, and ends none.
func TestStopDuringADrill(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	drill := client.EngageStop{Workflow: "payments", Reason: "drill", Drill: true}
	_, err := h.admin.EngageStop(t.Context(), drill)
	h.must(err)
	other := h.person("lee@example.org", "compliance")
	_, err = other.EngageStop(t.Context(), client.EngageStop{Workflow: "payments", Reason: "it acts oddly"})
	h.must(err)
	for _, who := range []*client.Client{h.admin, other} {
		_, err = who.ReleaseStop(t.Context(), client.ReleaseStop{Workflow: "payments", Reason: "end of drill", Drill: true})
		kind(t, err, evidence.Conflict)
	}
	_, err = other.EngageStop(t.Context(), drill)
	kind(t, err, evidence.Conflict)
	h.verdict(h.ask(run, "", "bank/read", `{"query":"a"}`), "deny", "stopped")
	kind(t, h.releases(other, "payments"), evidence.Denied)
	h.must(h.releases(h.admin, "payments"))
	h.verdict(h.ask(run, "", "bank/read", `{"query":"a"}`), "allow", "permitted")
}
