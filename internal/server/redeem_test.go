package server

import (
	"strings"
	"testing"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// redemption is what the target asks with, when nobody cheats.
func redemption(t *testing.T, run *client.RunHandle, v client.Verdict) client.Redemption {
	t.Helper()
	return client.Redemption{Action: v.Action, Run: run.ID, Permit: v.Permit.Token, Tool: "bank/pay", Args: value(t, payArgs)}
}

// permitted is a run with a permit to pay.
func (h *house) permitted() (*client.RunHandle, client.Verdict) {
	h.t.Helper()
	run := h.begin()
	h.checked(run)
	v := h.ask(run, "", "bank/pay", payArgs)
	h.verdict(v, "allow", "permitted")
	return run, v
}

func TestPermitIsRedeemedOnce(t *testing.T) {
	h := newHouse(t)
	run, v := h.permitted()
	r := redemption(t, run, v)
	h.must(h.redeem("payments/bank", r))
	if got := last[evidence.ActionRedeemed](h, evidence.TypeActionRedeemed); got.Action != string(v.Action) || got.Redeemer != "bank" || got.Assurance != "enforced" {
		t.Errorf("record is %+v", got)
	}
	kind(t, h.redeem("payments/bank", r), evidence.Denied)
	if got := last[evidence.ActionRefused](h, evidence.TypeActionRefused); got.Code != "spent" || got.Action != string(v.Action) {
		t.Errorf("record is %+v", got)
	}
	h.must(run.Done(t.Context(), v.Action, client.Outcome{Status: "succeeded", Attempts: 1}))
	kind(t, h.redeem("payments/bank", r), evidence.Denied)
}

func TestOneOfManyRedeemersWins(t *testing.T) {
	h := newHouse(t)
	run, v := h.permitted()
	r := redemption(t, run, v)
	bank := h.as("payments/bank")
	const n = 32
	won := 0
	for _, err := range together(n, func(int) error { return bank.Redeem(t.Context(), r) }) {
		if err == nil {
			won++
			continue
		}
		kind(t, err, evidence.Denied)
		if !strings.Contains(err.Error(), "spent") {
			t.Errorf("a loser is told %v", err)
		}
	}
	if won != 1 || h.count(evidence.TypeActionRedeemed) != 1 || h.count(evidence.TypeActionRefused) != n-1 {
		t.Errorf("%d won, %d redeemed, %d refused", won, h.count(evidence.TypeActionRedeemed), h.count(evidence.TypeActionRefused))
	}
}

func TestPermitsThatAreNoLeave(t *testing.T) {
	for _, c := range []struct {
		name, who, code string
		known           bool // the refusal names the action
		change          func(h *house, run *client.RunHandle, r *client.Redemption)
	}{
		{"other arguments", "payments/bank", "wrong-args", true, func(h *house, _ *client.RunHandle, r *client.Redemption) {
			r.Args = value(h.t, strings.Replace(payArgs, `"500"`, `"501"`, 1))
		}},
		{"an argument more", "payments/bank", "wrong-args", true, func(h *house, _ *client.RunHandle, r *client.Redemption) {
			r.Args = value(h.t, strings.Replace(payArgs, `}`, `,"iban":"x"}`, 1))
		}},
		{"no arguments", "payments/bank", "wrong-args", true, func(_ *house, _ *client.RunHandle, r *client.Redemption) { r.Args = evidence.Value{} }},
		{"other tool", "payments/bank", "wrong-tool", true, func(_ *house, _ *client.RunHandle, r *client.Redemption) { r.Tool = "bank/wire" }},
		{"undeclared tool", "payments/bank", "wrong-tool", true, func(_ *house, _ *client.RunHandle, r *client.Redemption) { r.Tool = "bank/steal" }},
		{"other run", "payments/bank", "no-such-action", true, func(h *house, _ *client.RunHandle, r *client.Redemption) { r.Run = h.begin().ID }},
		{"unknown action", "payments/bank", "no-such-action", false, func(_ *house, _ *client.RunHandle, r *client.Redemption) {
			r.Action = evidence.ActionID(client.NewID())
		}},
		{"no action", "payments/bank", "no-such-action", false, func(_ *house, _ *client.RunHandle, r *client.Redemption) { r.Action = "" }},
		{"forged permit", "payments/bank", "wrong-permit", true, func(_ *house, _ *client.RunHandle, r *client.Redemption) {
			r.Permit = strings.Repeat("A", len(r.Permit))
		}},
		{"no permit", "payments/bank", "wrong-permit", true, func(_ *house, _ *client.RunHandle, r *client.Redemption) { r.Permit = "" }},
		{"permit of another action", "payments/bank", "wrong-permit", true, func(h *house, run *client.RunHandle, r *client.Redemption) {
			r.Permit = h.ask(run, "", "bank/pay", payArgs).Permit.Token
		}},
		{"expired", "payments/bank", "expired", true, func(h *house, _ *client.RunHandle, _ *client.Redemption) { h.clock.advance(5 * time.Minute) }},
		{"run ended", "payments/bank", "expired", true, func(h *house, run *client.RunHandle, _ *client.Redemption) {
			h.must(run.End(h.t.Context(), "completed", ""))
		}},
		{"holder's key revoked", "payments/bank", "revoked", true, func(h *house, _ *client.RunHandle, _ *client.Redemption) {
			h.must(h.admin.RevokeKey(h.t.Context(), h.grant("payments/agent"), "test"))
		}},
		{"tool taken from the holder", "payments/bank", "revoked", true, func(h *house, _ *client.RunHandle, _ *client.Redemption) {
			h.apply(manifest(h.t, "payments", "tools: [bank/read, bank/pay, bank/wire", "tools: [bank/read, bank/wire"))
		}},
		{"by the agent itself", "payments/agent", "wrong-tool", true, func(*house, *client.RunHandle, *client.Redemption) {}},
		{"by another workflow's target", "other/bank", "no-such-action", false, func(*house, *client.RunHandle, *client.Redemption) {}},
		{"held action", "payments/bank", "wrong-permit", true, func(h *house, run *client.RunHandle, r *client.Redemption) {
			held := h.ask(run, "", "bank/wire", `{"amount":1}`)
			r.Action, r.Tool, r.Args = held.Action, "bank/wire", value(h.t, `{"amount":1}`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			run, v := h.permitted()
			r := redemption(t, run, v)
			c.change(h, run, &r)
			before := h.count(evidence.TypeActionRefused)
			err := h.redeem(c.who, r)
			kind(t, err, evidence.Denied)
			if got := err.(*client.Error).Problem; strings.Contains(got.Detail, v.Permit.Token) || !strings.Contains(got.Detail, c.code) || got.Field != "/permit" {
				t.Errorf("problem is %+v", got)
			}
			got := last[evidence.ActionRefused](h, evidence.TypeActionRefused)
			if got.Code != c.code || (got.Action != "") != c.known || h.count(evidence.TypeActionRefused) != before+1 {
				t.Errorf("record is %+v", got)
			}
			if h.count(evidence.TypeActionRedeemed) != 0 {
				t.Error("the permit was spent")
			}
		})
	}
}

// Two redeemers that both looked before either spent: the transaction decides.
func TestPermitSpentBetweenLookAndWrite(t *testing.T) {
	for name, meanwhile := range map[string]func(h *house, run *client.RunHandle, r client.Redemption){
		"redeemed": func(h *house, _ *client.RunHandle, r client.Redemption) { h.must(h.redeem("payments/bank", r)) },
		"run ended": func(h *house, run *client.RunHandle, _ client.Redemption) {
			h.must(run.End(h.t.Context(), "completed", ""))
		},
		"finished": func(h *house, run *client.RunHandle, r client.Redemption) {
			h.must(run.Done(h.t.Context(), r.Action, client.Outcome{Status: "failed", Attempts: 1}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			run, v := h.permitted()
			r := redemption(t, run, v)
			h.as("payments/bank")
			h.clock.between(func() { meanwhile(h, run, r) })
			kind(t, h.redeem("payments/bank", r), evidence.Denied)
			if n := h.count(evidence.TypeActionRefused); n != 1 {
				t.Errorf("%d refusals, want 1", n)
			}
		})
	}
	t.Run("manifest replaced", func(t *testing.T) {
		h := newHouse(t)
		run, v := h.permitted()
		h.as("payments/bank")
		h.clock.between(func() {
			h.apply(manifest(t, "payments", "redeems: [bank]}", "redeems: [bank]}\n  clerk: {kind: workload, redeems: [bank]}"))
		})
		kind(t, h.redeem("payments/bank", redemption(t, run, v)), evidence.Conflict)
		h.must(h.redeem("payments/bank", redemption(t, run, v)))
	})
}
