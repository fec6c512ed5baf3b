package client

import "context"

// Erase erases by authority, or says what that would take. An error of kind
// unavailable leaves it open whether the erasure is on record already.
func (c *Client) Erase(ctx context.Context, e Erase) (Erased, error) {
	var out Erased
	return out, c.call(ctx, "POST", "/v1/erasures", e, &out)
}

// Retain lets retention run, or says what is due.
func (c *Client) Retain(ctx context.Context, r Retain) (Retained, error) {
	var out Retained
	return out, c.call(ctx, "POST", "/v1/retention", r, &out)
}

// PlaceHold keeps what a scope covers from every erasure.
func (c *Client) PlaceHold(ctx context.Context, h PlaceHold) (Hold, error) {
	var out Hold
	return out, c.call(ctx, "POST", "/v1/holds", h, &out)
}

// ReleaseHold ends a hold that someone else placed.
func (c *Client) ReleaseHold(ctx context.Context, id, reason string) (Hold, error) {
	var out Hold
	return out, c.call(ctx, "POST", "/v1/holds/"+id+"/release", ReleaseHold{Reason: reason}, &out)
}

// Holds lists legal holds, after the one given.
func (c *Client) Holds(ctx context.Context, after string) ([]Hold, error) {
	var out Holds
	return out.Holds, c.call(ctx, "GET", "/v1/holds"+page("after", after), nil, &out)
}
