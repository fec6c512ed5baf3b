package client

import (
	"context"
	"net/url"

	"github.com/evidencefactory/evf/evidence"
)

// RunHandle is a run in progress, seen by the holder of one key. Several identities
// of a workflow may each Join the same run.
type RunHandle struct {
	ID evidence.RunID

	c *Client
}

// Begin begins a run. An empty b.Run or b.Occurred is filled in.
func (c *Client) Begin(ctx context.Context, b BeginRun) (*RunHandle, error) {
	if b.Run == "" {
		b.Run = evidence.RunID(NewID())
	}
	if b.Occurred == "" {
		b.Occurred = c.Now()
	}
	var out Placed
	if err := c.call(ctx, "POST", "/v1/runs", b, &out); err != nil {
		return nil, err
	}
	return c.Join(b.Run), nil
}

// Join is a run that another identity began.
func (c *Client) Join(run evidence.RunID) *RunHandle { return &RunHandle{ID: run, c: c} }

// Record submits bodies of this package's evidence types that the manifest
// lets the caller record, each as a record of its own, all or none.
func (r *RunHandle) Record(ctx context.Context, bodies ...Typed) ([]Placed, error) {
	drafts := make([]Draft, len(bodies))
	for i, b := range bodies {
		drafts[i] = Draft{ID: evidence.RecordID(NewID()), Type: b.Type, Occurred: r.c.Now(), Run: r.ID, Links: b.Links, Body: evidence.Body(b.Body)}
	}
	return r.c.Append(ctx, drafts...)
}

// Typed is a body with its type, and links beside those that follow from it.
type Typed struct {
	Type  evidence.Type
	Body  any // one of package evidence's body types
	Links []evidence.Link
}

// Route asks the manifest's rules where a case goes.
func (r *RunHandle) Route(ctx context.Context, k RouteCase) (Routed, error) {
	if k.ID == "" {
		k.ID = evidence.RecordID(NewID())
	}
	if k.Occurred == "" {
		k.Occurred = r.c.Now()
	}
	var out Routed
	return out, r.c.call(ctx, "POST", "/v1/runs/"+url.PathEscape(string(r.ID))+"/route", k, &out)
}

// Ask asks whether an action may run. To ask again about a held action, pass
// its id and the same arguments; an empty id is a new action.
func (r *RunHandle) Ask(ctx context.Context, id evidence.ActionID, tool string, args evidence.Value) (Verdict, error) {
	return r.AskFrom(ctx, AskAction{ID: id, Tool: tool, Args: args})
}

// AskFrom asks as Ask does, and says where the arguments may come from.
func (r *RunHandle) AskFrom(ctx context.Context, a AskAction) (Verdict, error) {
	if a.ID == "" {
		a.ID = evidence.ActionID(NewID())
	}
	a.Run = r.ID
	var out Verdict
	return out, r.c.call(ctx, "POST", "/v1/actions", a, &out)
}

// Done says what came of an action.
func (r *RunHandle) Done(ctx context.Context, id evidence.ActionID, o Outcome) error {
	if o.ID == "" {
		o.ID = evidence.RecordID(NewID())
	}
	if o.Occurred == "" {
		o.Occurred = r.c.Now()
	}
	return r.c.call(ctx, "POST", "/v1/actions/"+url.PathEscape(string(id))+"/outcome", o, nil)
}

// End ends the run.
func (r *RunHandle) End(ctx context.Context, outcome, summary string) error {
	return r.c.End(ctx, r.ID, EndRun{ID: evidence.RecordID(NewID()), Occurred: r.c.Now(), Outcome: outcome, Summary: summary})
}

// End ends a run. Sent again unchanged it is answered as the first time.
func (c *Client) End(ctx context.Context, run evidence.RunID, e EndRun) error {
	return c.call(ctx, "POST", "/v1/runs/"+url.PathEscape(string(run))+"/end", e, nil)
}
