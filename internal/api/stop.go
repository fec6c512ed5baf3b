package api

import (
	"context"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/internal/store"
)

func (a *API) engageStop(ctx context.Context, c *call, in client.EngageStop) (client.Stop, error) {
	s, err := a.cfg.Workflows.Stop(ctx, c.by, in.Workflow, in.Reason, in.Drill)
	return stopOf(s), err
}

func (a *API) releaseStop(ctx context.Context, c *call, in client.ReleaseStop) (client.Stop, error) {
	s, err := a.cfg.Workflows.Release(ctx, c.by, in.Workflow, in.Reason, in.Drill)
	return stopOf(s), err
}

func (a *API) listStops(ctx context.Context, c *call) (client.Stops, error) {
	limit, err := limitOf(c)
	if err != nil {
		return client.Stops{}, err
	}
	list, err := a.cfg.Workflows.Stops(ctx, c.by.Tenant, c.URL.Query().Get("after"), limit)
	out := client.Stops{}
	for _, s := range list {
		out.Stops = append(out.Stops, stopOf(s))
	}
	return out, err
}

func stopOf(s store.Stop) client.Stop {
	return client.Stop{ID: s.ID, By: s.By, Drill: s.Drill, Since: s.Since, Status: s.Status}
}
