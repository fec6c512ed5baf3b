package gate

import (
	"context"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/workflow"
)

// seen is all stored state that a decision rests on. It is looked at twice:
// when the decision is made, and again in the transaction that records it.
type seen struct {
	*decision.State
	workflow *workflow.Compiled
}

// same reports whether two looks saw the same state.
func (s *seen) same(o *seen) bool {
	return s.workflow.Digest() == o.workflow.Digest() && s.State.Same(o.State)
}

// look reads what a decision about an action rests on.
func (g *Gate) look(tx store.Tx, by *identity.Caller, a Action) (*seen, error) {
	s, err := g.lookAt(tx, by, a.Run, func(c *workflow.Compiled) evidence.Digest { return c.Subject(a.Tool, a.Args) })
	if err != nil {
		return nil, err
	}
	if err := s.LookAction(tx, a.ID); err != nil {
		return nil, err
	}
	if act := s.Action; act != nil && (act.Run != a.Run || act.Identity != by.Identity || act.Server+"/"+act.Tool != a.Tool) {
		return nil, evidence.Errorf(evidence.Conflict, "/id", "action %s was asked for otherwise: use a new id", a.ID)
	}
	return s, nil
}

// lookAt reads what is known of one document in a run.
func (g *Gate) lookAt(tx store.Tx, by *identity.Caller, run evidence.RunID, document func(*workflow.Compiled) evidence.Digest) (*seen, error) {
	c, who, err := g.threads.Standing(tx, by)
	if err != nil {
		return nil, err
	}
	r, err := g.threads.Open(tx, by, run)
	if err != nil {
		return nil, err
	}
	s, err := decision.Look(tx, c.Rules, r, document(c))
	if err != nil {
		return nil, err
	}
	s.Identity = who
	return &seen{s, c}, nil
}

// read opens the values that checkers vouch for.
func (g *Gate) read(ctx context.Context, t store.Tenant, s *seen) error {
	s.Attests = map[uint64][]evidence.Attested{}
	for _, c := range s.Vouching() {
		list, err := g.attests(ctx, t, c)
		if err != nil {
			return err
		}
		s.Attests[c.Seq] = list
	}
	return nil
}

func (g *Gate) attests(ctx context.Context, t store.Tenant, c store.Check) ([]evidence.Attested, error) {
	var rows []store.Row
	err := t.View(ctx, func(tx store.Tx) (err error) {
		rows, err = tx.Rows(c.Seq, 1)
		return err
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	o, err := g.rec.Open(ctx, t.ID(), rows[0])
	if err != nil {
		return nil, err
	}
	if len(o.Erased) > 0 {
		return nil, nil // what cannot be read is not attested
	}
	body, err := evidence.Decode[evidence.CheckResult](o.Full)
	return body.Attests, err
}
