// Package hook puts the gate at a coding agent's hand: it reads what the agent
// is about to do, asks the server, and answers in the agent's own form. It
// speaks to the server as any program does, and keeps beside it only which run
// a session is and which actions wait.
//
// Whatever goes wrong, the answer is no: an agent runs on where a hook fails in
// a way that its vendor does not take for a refusal.
package hook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// MaxInput bounds what an agent may send about one call.
const MaxInput = 4 << 20

// Event is one event of a coding agent, whoever made it.
type Event struct {
	Session string // the agent's own id of the conversation
	Call    string // and of the call; "" where it has none
	Tool    string // server/name, as manifests know it
	Args    evidence.Value
	After   bool // the tool has run
	Failed  bool // and failed
}

// Adapter reads and answers one vendor's hooks.
type Adapter interface {
	// Parse reads an event. It is nil where the vendor asks for nothing.
	Parse(input []byte) (*Event, error)
	// Answer writes a verdict; reason says why, and what to do.
	Answer(w io.Writer, allow bool, reason string) error
}

// Hook answers events.
type Hook struct {
	Client  *client.Client
	State   State
	Adapter Adapter
	// Initiator is whom sessions go back to, by the word of whoever installed
	// the hook.
	Initiator client.Party
}

// Handle reads one event and answers it. An error is for the agent too: the
// tool must not run.
func (h *Hook) Handle(ctx context.Context, in io.Reader, out io.Writer) error {
	data, err := io.ReadAll(io.LimitReader(in, MaxInput+1))
	if err != nil {
		return fmt.Errorf("the event cannot be read: %w", err)
	}
	if len(data) > MaxInput {
		return fmt.Errorf("the event is larger than %d bytes: nothing that large is asked about", MaxInput)
	}
	ev, err := h.Adapter.Parse(data)
	switch {
	case err != nil:
		return fmt.Errorf("the event cannot be understood: %w", err)
	case ev == nil:
		return nil
	case ev.After:
		return h.after(ctx, ev)
	}
	allow, reason, err := h.before(ctx, ev)
	if err != nil {
		return fmt.Errorf("the gate could not be asked, so nothing may run: %w", err)
	}
	if reason == "" {
		return nil // outside enforce mode the agent's own permissions decide
	}
	return h.Adapter.Answer(out, allow, reason)
}

// before asks the gate. Without a reason it has no opinion. A call that waits for a person keeps its action, so
// that the same call is let through once it was approved; every other call is
// an action of its own.
func (h *Hook) before(ctx context.Context, ev *Event) (allow bool, reason string, err error) {
	run, err := h.run(ctx, ev.Session)
	if err != nil {
		return false, "", err
	}
	held, err := h.State.Take(ev.Session, waiting(ev))
	if err != nil {
		return false, "", err
	}
	action := cmp.Or(held, client.NewID())
	v, err := run.Ask(ctx, evidence.ActionID(action), ev.Tool, ev.Args)
	if err != nil && held != "" { // its approval is not lost with the answer
		_, kept := h.State.Keep(ev.Session, waiting(ev), held)
		err = errors.Join(err, kept)
	}
	if err != nil {
		return false, "", err
	}
	switch {
	case v.Verdict == "hold":
		_, err = h.State.Keep(ev.Session, waiting(ev), action)
		return false, holdReason(v), err
	case v.Verdict != "allow":
		return false, v.Summary, nil
	case ev.Call != "":
		_, err = h.State.Keep(ev.Session, "call "+ev.Call, action)
	}
	if v.Evaluated != "allow" || len(v.Reasons) > 0 && v.Reasons[0].Code == "observe-mode" {
		return true, "", err
	}
	return err == nil, v.Summary, err
}

// holdReason says who must decide, and that the same call is to be made again.
func holdReason(v client.Verdict) string {
	var who []string
	for _, a := range v.Approvals {
		who = append(who, fmt.Sprintf("%s (approval %s, until %s)", a.Role, a.ID, a.Expires))
	}
	return fmt.Sprintf("%s. It waits for %s: make exactly the same call again once that was decided", strings.TrimSuffix(v.Summary, "."), strings.Join(who, ", "))
}

// after records what came of a call that was let through. One that this hook
// did not let through is none of its business.
func (h *Hook) after(ctx context.Context, ev *Event) error {
	action, err := h.State.Take(ev.Session, "call "+ev.Call)
	if err != nil || action == "" {
		return err
	}
	run, err := h.run(ctx, ev.Session)
	if err != nil {
		return err
	}
	status := "succeeded"
	if ev.Failed {
		status = "failed"
	}
	return run.Done(ctx, evidence.ActionID(action), client.Outcome{Status: status, Attempts: 1})
}

// run is the run of a session: begun at its first event, joined at all others.
func (h *Hook) run(ctx context.Context, session string) (*client.RunHandle, error) {
	fresh := client.NewID()
	id, err := h.State.Keep(session, "run", fresh)
	if err != nil {
		return nil, err
	}
	begun, err := h.State.Find(session, "begun")
	if err != nil || begun != "" {
		return h.Client.Join(evidence.RunID(id)), err
	}
	_, err = h.Client.Begin(ctx, client.BeginRun{Run: evidence.RunID(id), Initiator: h.Initiator, Trigger: "coding session",
		Links: []evidence.Link{{Kind: "session", ID: session}}})
	// Another event of the session may have begun it just now.
	if err != nil && !client.IsKind(err, evidence.Conflict) {
		return nil, err
	}
	_, err = h.State.Keep(session, "begun", "yes")
	return h.Client.Join(evidence.RunID(id)), err
}
