package gate

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/workflow"
)

// Case is what a workflow's rules are asked about.
type Case struct {
	ID       evidence.RecordID // of the record of it, and idempotency key
	Occurred evidence.Time
	Run      evidence.RunID
	Document evidence.Digest
	Inputs   map[string]evidence.Value // declared by the caller
}

// Routed is where a case goes.
type Routed struct {
	Placed  store.Placed
	To      []string // approvals; none: straight through
	Rules   []evidence.RuleOutcome
	Summary string
}

// Route applies the manifest's rules to what the caller declares and to what
// is known better.
func (g *Gate) Route(ctx context.Context, by *identity.Caller, k Case) (*Routed, error) {
	if !evidence.IsUUIDv7(string(k.Run)) {
		return nil, evidence.Errorf(evidence.NotFound, "", "there is no such run")
	}
	if err := k.check(); err != nil {
		return nil, err
	}
	defer g.turn(k.Run)()
	return settled(func() (*Routed, error) { return g.route(ctx, by, k) })
}

func (g *Gate) route(ctx context.Context, by *identity.Caller, k Case) (*Routed, error) {
	document := func(*workflow.Compiled) evidence.Digest { return k.Document }
	var s *seen
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		s, err = g.lookAt(tx, by, k.Run, document)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := g.read(ctx, by.Tenant, s); err != nil {
		return nil, err
	}
	body, err := s.workflow.Routed(k.Document, s.Inputs(k.Inputs))
	if err != nil {
		return nil, err
	}
	o := thread.House(by, s.workflow)
	o.Submitter, o.Assurance = by.Grant, body.Assurance
	body.Assurance = "" // the recorder's to set, from the origin
	placed, err := g.rec.Append(ctx, o, recorder.Batch{
		Drafts: []recorder.Draft{{ID: k.ID, Type: evidence.TypeDecisionRouted, Occurred: k.Occurred, Run: k.Run, Body: evidence.Body(body)}},
		// A check that comes in meanwhile must not stand before a routing
		// that did not see it.
		Guard: func(tx store.Tx) error {
			now, err := g.lookAt(tx, by, k.Run, document)
			if err != nil {
				return err
			}
			if !now.same(s) {
				return errStale
			}
			return g.threads.StillGood(tx, by, s.workflow)
		},
	})
	if err != nil {
		return nil, err
	}
	return &Routed{Placed: placed[0], To: body.To, Rules: body.Rules, Summary: body.Summary}, nil
}

// check refuses values that rules cannot read or no record could hold.
func (k *Case) check() error {
	for _, name := range slices.Sorted(maps.Keys(k.Inputs)) {
		_, err := decision.Input(k.Inputs[name])
		if err == nil {
			err = keepable("", k.Inputs[name])
		}
		if err != nil {
			return evidence.Errorf(evidence.Invalid, "/inputs/"+pointerToken.Replace(name), "%w", err)
		}
	}
	return nil
}

var pointerToken = strings.NewReplacer("~", "~0", "/", "~1")
