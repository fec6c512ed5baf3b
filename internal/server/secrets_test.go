package server

import (
	"errors"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// hubToken has the form of a token of GitHub's, and opens nothing.
const hubToken = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"

// refusedAt wants a refusal at a field that says what was found.
func refusedAt(t *testing.T, err error, field, found string) {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) || e.Kind != string(evidence.Invalid) || e.Field != field || !strings.Contains(e.Detail, "("+found+")") {
		t.Errorf("error is %v, want one at %s about %s", err, field, found)
	}
}

// An agent that passes a secret is refused before anything is decided or kept,
// and told where it stands.
func TestSecretsInCalls(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	done := h.ask(run, "", "bank/read", `{"query":"a"}`)
	h.unchanged("calls with secrets", func() {
		_, err := run.Ask(t.Context(), "", "bank/read", value(t, `{"query":"`+hubToken+`"}`))
		refusedAt(t, err, "/args/query", "github-token")
		_, err = run.Ask(t.Context(), "", "bank/read", value(t, `{"db":{"password":"sesame"}}`))
		refusedAt(t, err, "/args/db/password", "password")
		_, err = run.Ask(t.Context(), "", "bank/nothing", value(t, `{"a":["x","postgres://app:hunter2@db/shop"]}`))
		refusedAt(t, err, "/args/a/1", "url-password")
		err = run.Done(t.Context(), done.Action, client.Outcome{Status: "succeeded", Attempts: 1, Response: value(t, `{"key":"`+hubToken+`"}`)})
		refusedAt(t, err, "/response/key", "github-token")
		_, err = run.Route(t.Context(), client.RouteCase{Document: docA, Inputs: map[string]evidence.Value{"unread": evidence.StringValue(hubToken)}})
		refusedAt(t, err, "/inputs/unread", "github-token")
	})
	// What a tool says in words is kept without it.
	h.must(run.Done(t.Context(), done.Action, client.Outcome{Status: "failed", Attempts: 1, Message: "401 for " + hubToken}))
	if got := last[evidence.ActionFinished](h, evidence.TypeActionFinished).Message; got != "401 for [removed: github-token]" {
		t.Errorf("the message is kept as %q", got)
	}
	h.must(run.End(t.Context(), "failed", "write to ana@example.org"))
	h.verified(run)
}

// A target that is handed a secret asks for an action that was never allowed:
// it is refused, that is on record, and nothing of the arguments is.
func TestSecretsInRedemptions(t *testing.T) {
	h := newHouse(t)
	run, v := h.permitted()
	r := redemption(t, run, v)
	r.Args = value(t, `{"token":"`+hubToken+`"}`)
	kind(t, h.redeem("payments/bank", r), evidence.Denied)
	if got := last[evidence.ActionRefused](h, evidence.TypeActionRefused).Code; got != "wrong-args" {
		t.Errorf("refused as %s", got)
	}
}

// What an approver writes is masked, and so is a reason to revoke.
func TestSecretsOfPeople(t *testing.T) {
	h := newHouse(t)
	_, v := h.wire()
	who := h.person("carla@example.org", "controller")
	shown, err := who.Approval(t.Context(), v.Approvals[0].ID)
	h.must(err)
	_, err = who.Decide(t.Context(), shown.ID, client.Decide{Decision: "reject", Presentation: shown.Presentation, Comment: "card 4111 1111 1111 1111, password: hunter2"})
	h.must(err)
	if got := last[evidence.ApprovalDecided](h, evidence.TypeApprovalDecided).Comment; got != "card [removed: card], password: [removed: password]" {
		t.Errorf("the comment is kept as %q", got)
	}
}

// A manifest with a secret is refused at its place, tried out or not.
func TestSecretsInManifests(t *testing.T) {
	h := newHouse(t)
	text := manifest(t, "other", "Reading changes nothing.", "Grüße, "+hubToken)
	for _, dry := range []bool{true, false} {
		_, err := h.admin.ApplyWorkflow(t.Context(), client.ApplyWorkflow{Manifest: text, Dry: dry})
		refusedAt(t, err, "", "github-token")
		if err != nil && !strings.Contains(err.Error(), "line 14, column 45") {
			t.Errorf("the place is wrong: %v", err)
		}
	}
}
