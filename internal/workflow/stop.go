package workflow

import (
	"context"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// Stop ends all leave of a workflow, or with name "" of all workflows, until
// it is released. It counts for every decision and redemption that is not on
// record yet, in whatever mode the workflow is.
func (r *Registry) Stop(ctx context.Context, by *identity.Caller, name, reason string, drill bool) (store.Stop, error) {
	return r.stop(ctx, by, name, evidence.TypeStopEngaged, reason, evidence.StopEngaged{Workflow: name, Drill: drill, Reason: reason, By: by.Ref})
}

// Release ends a stop order. Whoever engaged it is evidence.Denied, unless it
// was a drill. With drill it ends a drill alone, and is evidence.Conflict where
// a real order has taken its place.
func (r *Registry) Release(ctx context.Context, by *identity.Caller, name, reason string, drill bool) (store.Stop, error) {
	return r.stop(ctx, by, name, evidence.TypeStopReleased, reason, evidence.StopReleased{Workflow: name, Drill: drill, Reason: reason, By: by.Ref})
}

func (r *Registry) stop(ctx context.Context, by *identity.Caller, name string, t evidence.Type, reason string, body any) (s store.Stop, err error) {
	if strings.TrimSpace(reason) == "" || len(reason) > 500 {
		return s, evidence.Errorf(evidence.Invalid, "/reason", "is empty or longer than 500 bytes")
	}
	err = r.append(ctx, by, t, body, recorder.Batch{Guard: func(tx store.Tx) error {
		if name != "" {
			if _, err := store.Load[store.Workflow](tx, name); err != nil {
				if evidence.KindOf(err) == evidence.NotFound {
					err = evidence.Errorf(evidence.NotFound, "/workflow", "names no workflow here")
				}
				return err
			}
		}
		return r.people.StillGood(tx, by)
	}})
	if err != nil {
		return s, err
	}
	err = by.Tenant.View(ctx, func(tx store.Tx) error {
		s, err = store.Load[store.Stop](tx, store.StopID(name))
		return err
	})
	return s, err
}

// Stops lists the latest stop order of each scope, in order of id.
func (r *Registry) Stops(ctx context.Context, t store.Tenant, after string, limit int) (list []store.Stop, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		list, err = store.LoadAll[store.Stop](tx, "", "", after, limit)
		return err
	})
	return list, err
}
