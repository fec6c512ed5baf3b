package client

import (
	"context"

	"github.com/evidencefactory/evf/evidence"
)

// EngageStop orders a stop: nothing of the workflow is allowed, nor redeemed,
// until it is released.
type EngageStop struct {
	Workflow string `json:"workflow,omitzero" doc:"all workflows where it is left out"`
	Reason   string `json:"reason"`
	Drill    bool   `json:"drill,omitzero" doc:"only to prove that it works: whoever engaged it may release it"`
}

// ReleaseStop ends a stop order, as someone other than who engaged it.
type ReleaseStop struct {
	Workflow string `json:"workflow,omitzero" doc:"the stop of all workflows where it is left out"`
	Reason   string `json:"reason"`
	Drill    bool   `json:"drill,omitzero" doc:"end a drill, and nothing else"`
}

// Stop is the latest stop order of a scope.
type Stop struct {
	ID     string        `json:"id" doc:"all, or workflow/NAME"`
	By     string        `json:"by" doc:"who engaged it"`
	Drill  bool          `json:"drill,omitzero"`
	Since  evidence.Time `json:"since" doc:"when it was engaged, or released"`
	Status string        `json:"status" enum:"engaged,released"`
}

// Stops is a page of stop orders.
type Stops struct {
	Stops []Stop `json:"stops"`
}

// EngageStop stops a workflow, or all of them.
func (c *Client) EngageStop(ctx context.Context, s EngageStop) (Stop, error) {
	var out Stop
	return out, c.call(ctx, "POST", "/v1/stops", s, &out)
}

// ReleaseStop ends a stop order that someone else engaged.
func (c *Client) ReleaseStop(ctx context.Context, s ReleaseStop) (Stop, error) {
	var out Stop
	return out, c.call(ctx, "POST", "/v1/stops/release", s, &out)
}

// Stops lists stop orders, after the one given.
func (c *Client) Stops(ctx context.Context, after string) ([]Stop, error) {
	var out Stops
	return out.Stops, c.call(ctx, "GET", "/v1/stops"+page("after", after), nil, &out)
}
