package api

import (
	"context"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/erasure"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/packet"
)

func (a *API) erase(ctx context.Context, c *call, in client.Erase) (client.Erased, error) {
	o, err := a.cfg.Eraser.Erase(ctx, c.by, erasure.Request{Subject: in.Subject, Run: in.Run, Expunge: in.Expunge, Authority: in.Authority, Dry: in.Dry})
	out := client.Erased{Kind: o.Kind, Subject: o.Subject, Run: o.Run, Keys: o.Keys, Dry: in.Dry}
	for _, x := range o.Expunged {
		out.Expunged = append(out.Expunged, x.Record)
	}
	return out, err
}

func (a *API) retain(ctx context.Context, c *call, in client.Retain) (client.Retained, error) {
	r, err := a.cfg.Eraser.Retain(ctx, c.by.Tenant, c.by, erasure.Retention{Dry: in.Dry, Confirm: in.Confirm})
	out := client.Retained{Held: r.Held, More: r.More, Dry: in.Dry}
	for _, d := range r.Due {
		one := client.DueRun{Run: d.Run, Workflow: d.Workflow, Ended: d.Ended, Keys: len(d.Keys)}
		for _, class := range d.Classes {
			one.Classes = append(one.Classes, string(class))
		}
		out.Runs = append(out.Runs, one)
	}
	return out, err
}

func (a *API) placeHold(ctx context.Context, c *call, in client.PlaceHold) (client.Hold, error) {
	h, err := a.cfg.Eraser.Place(ctx, c.by, erasure.Hold{Scope: in.Scope, What: in.What, Reason: in.Reason})
	return holdOf(h), err
}

func (a *API) releaseHold(ctx context.Context, c *call, in client.ReleaseHold) (client.Hold, error) {
	h, err := a.cfg.Eraser.Release(ctx, c.by, c.PathValue("id"), in.Reason)
	return holdOf(h), err
}

func (a *API) listHolds(ctx context.Context, c *call) (client.Holds, error) {
	limit, err := limitOf(c)
	if err != nil {
		return client.Holds{}, err
	}
	list, err := a.cfg.Eraser.Holds(ctx, c.by.Tenant, c.URL.Query().Get("after"), limit)
	out := client.Holds{}
	for _, h := range list {
		out.Holds = append(out.Holds, holdOf(h))
	}
	return out, err
}

func holdOf(h store.Hold) client.Hold {
	return client.Hold{ID: h.ID, Scope: h.Scope, What: h.What, By: h.By, Placed: h.Placed, Status: h.Status}
}

// gone are the records of a run that were expunged, with the erasures that
// took them.
func (a *API) gone(ctx context.Context, c *call, run evidence.RunID, story []*recorder.Opened) (list []packet.Gone, err error) {
	missing := map[evidence.RecordID]evidence.Type{}
	for _, o := range story {
		if o.Expunged() {
			missing[o.Row.ID] = o.Row.Type
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	var rows []store.Row
	err = c.by.Tenant.View(ctx, func(tx store.Tx) error {
		rows, err = erasure.Touching(tx, run, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		rec, err := evidence.ParseRecord(row.Record)
		if err != nil {
			return nil, err
		}
		body, err := evidence.Decode[evidence.ErasurePerformed](rec.Body)
		if err != nil {
			return nil, err
		}
		for _, x := range body.Expunged {
			if typ, ok := missing[x.Record]; ok {
				list = append(list, packet.Gone{Record: x.Record, Type: typ, On: rec.Received, Authority: body.Authority})
				delete(missing, x.Record)
			}
		}
	}
	return list, nil
}

func erasedKeys(o *recorder.Opened) (keys []string) {
	for _, e := range o.Erased {
		keys = append(keys, e.Key)
	}
	return keys
}
