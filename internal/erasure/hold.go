package erasure

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// Hold asks for a legal hold.
type Hold struct {
	Scope  string // all, workflow, run or subject
	What   string // its name or id; for a subject a name or pseudonym
	Reason string
}

// Place puts a hold in force. It counts for every erasure that is not on
// record yet.
func (e *Eraser) Place(ctx context.Context, by *identity.Caller, h Hold) (store.Hold, error) {
	if err := checkReason(h.Reason); err != nil {
		return store.Hold{}, err
	}
	if h.Scope == "subject" {
		ref, err := e.who(ctx, by.Tenant.ID(), h.What)
		if err != nil {
			return store.Hold{}, err
		}
		h.What = ref
	}
	id := uuid.Must(uuid.NewV7()).String()
	err := e.hold(ctx, by, evidence.TypeLegalHoldPlaced, evidence.LegalHoldPlaced{Hold: id, Scope: h.Scope, What: h.What, Reason: h.Reason, By: by.Ref},
		func(tx store.Tx) error { return h.exists(tx) })
	if err != nil {
		return store.Hold{}, err
	}
	return e.loadHold(ctx, by.Tenant, id)
}

// exists refuses a scope that covers nothing there is.
func (h *Hold) exists(tx store.Tx) (err error) {
	switch h.Scope {
	case "all":
		if h.What != "" {
			return evidence.Errorf(evidence.Invalid, "/what", "is not for a hold on all: leave it out")
		}
	case "workflow":
		_, err = store.Load[store.Workflow](tx, h.What)
	case "run":
		_, err = store.Load[store.Run](tx, h.What)
	case "subject": // found already
	default:
		return evidence.Errorf(evidence.Invalid, "/scope", "is not all, workflow, run or subject")
	}
	if err != nil && evidence.KindOf(err) == evidence.NotFound {
		return evidence.Errorf(evidence.NotFound, "/what", "names no %s here", h.Scope)
	}
	return err
}

// Release ends a hold. Whoever placed it is evidence.Denied.
func (e *Eraser) Release(ctx context.Context, by *identity.Caller, id, reason string) (store.Hold, error) {
	if err := checkReason(reason); err != nil {
		return store.Hold{}, err
	}
	if _, err := e.loadHold(ctx, by.Tenant, id); err != nil {
		return store.Hold{}, err
	}
	err := e.hold(ctx, by, evidence.TypeLegalHoldReleased, evidence.LegalHoldReleased{Hold: id, Reason: reason, By: by.Ref}, nil)
	if err != nil {
		return store.Hold{}, err
	}
	return e.loadHold(ctx, by.Tenant, id)
}

func checkReason(text string) error {
	if strings.TrimSpace(text) == "" || len(text) > 500 {
		return evidence.Errorf(evidence.Invalid, "/reason", "is empty or longer than 500 bytes")
	}
	return nil
}

func (e *Eraser) hold(ctx context.Context, by *identity.Caller, typ evidence.Type, body any, allowed func(store.Tx) error) error {
	_, err := e.cfg.Recorder.Append(ctx, house(by.Tenant, by), recorder.Batch{
		Drafts: []recorder.Draft{e.draft(typ, body)},
		Guard: func(tx store.Tx) error {
			if err := e.cfg.People.StillGood(tx, by); err != nil || allowed == nil {
				return err
			}
			return allowed(tx)
		},
	})
	return err
}

func (e *Eraser) loadHold(ctx context.Context, t store.Tenant, id string) (h store.Hold, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		h, err = store.Load[store.Hold](tx, id)
		return err
	})
	return h, err
}

// Holds lists legal holds in order of id, after the one given.
func (e *Eraser) Holds(ctx context.Context, t store.Tenant, after string, limit int) (list []store.Hold, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		list, err = store.LoadAll[store.Hold](tx, "", "", after, limit)
		return err
	})
	return list, err
}

// activeHold is a hold in force.
type activeHold store.Hold

// active are the holds in force.
func active(tx store.Tx) (list []activeHold, err error) {
	for after := ""; ; {
		page, err := store.LoadAll[store.Hold](tx, "", store.HoldActive, after, 100)
		if err != nil || len(page) == 0 {
			return list, err
		}
		for _, h := range page {
			after, list = h.ID, append(list, activeHold(h))
		}
	}
}

func (h *activeHold) scope() string { return strings.TrimSpace(h.Scope + " " + h.What) }

// covers reports whether a hold keeps what an order touches.
func (h *activeHold) covers(c coverage) bool {
	switch h.Scope {
	case "workflow":
		return slices.Contains(c.workflows, h.What)
	case "run":
		return slices.Contains(c.runs, h.What)
	case "subject":
		return slices.Contains(c.subjects, h.What)
	}
	return true // all, and any scope that a later program may know
}

// held finds a hold that covers what an order touches, nil where none does.
func held(holds []activeHold, c coverage) *activeHold {
	if i := slices.IndexFunc(holds, func(h activeHold) bool { return h.covers(c) }); i >= 0 {
		return &holds[i]
	}
	return nil
}
