package erasure

import (
	"context"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/store"
)

// plan says what an order takes, as things stand: the keys that are there, and
// the records that still have their bytes.
func (e *Eraser) plan(ctx context.Context, t store.Tenant, o *Order) error {
	keys, err := e.cfg.Vault.LiveOf(ctx, t.ID(), o.Subject, o.Run)
	if err != nil {
		return err
	}
	o.Keys = nil
	for _, k := range keys {
		if o.Kind != "retention" || slices.Contains(o.Classes, classOf(k.Full)) {
			o.Keys = append(o.Keys, k.Full)
		}
	}
	if len(o.wanted) == 0 {
		return nil
	}
	return t.View(ctx, func(tx store.Tx) error { return o.choose(tx) })
}

// classOf is the class whose retention a key follows.
func classOf(full string) evidence.Class {
	part := strings.Split(full, "/")
	if part[0] == "subject" || len(part) < 3 {
		return evidence.Personal
	}
	return evidence.Class(part[2])
}

// maxExpunge bounds the records that one order expunges.
const maxExpunge = 10000

// choose finds the records to expunge among the run's. A word that names none
// of them is an error, so that a slip of the pen is not taken for done.
func (o *Order) choose(tx store.Tx) error {
	met := map[string]bool{}
	for from := uint64(0); ; {
		rows, err := tx.RunRows(o.Run, from, 256)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := o.take(&rows[i], met); err != nil {
				return err
			}
			from = rows[i].Seq + 1
		}
		if len(rows) < 256 {
			break
		}
	}
	for i, word := range o.wanted {
		if !met[word] {
			return evidence.Errorf(evidence.NotFound, "/expunge", "element %d names no record of the run, by id or by type", i)
		}
	}
	return nil
}

func (o *Order) take(row *store.Row, met map[string]bool) error {
	byID, byType := slices.Contains(o.wanted, string(row.ID)), slices.Contains(o.wanted, string(row.Type))
	if !byID && !byType {
		return nil
	}
	met[string(row.ID)], met[string(row.Type)] = true, true
	switch {
	case row.Expunged():
		return nil
	case store.Folds(row.Type):
		return evidence.Errorf(evidence.Conflict, "/expunge", "record %s is of type %s, which decisions rest on: it stays, and the values it withholds go with their keys", row.ID, row.Type)
	case len(o.Expunged) == maxExpunge:
		return evidence.Errorf(evidence.Invalid, "/expunge", "names more than %d records: name fewer", maxExpunge)
	}
	leaf, err := evidence.ParseLeaf(row.Leaf)
	if err != nil {
		return err
	}
	o.Expunged = append(o.Expunged, evidence.Expunged{Record: row.ID, Seq: int64(row.Seq), Digest: leaf.Digest, Run: row.Run})
	return nil
}

// allowed refuses orders that must not be carried out. It is the guard of the
// transaction that records them.
func (e *Eraser) allowed(ctx context.Context, tx store.Tx, t store.Tenant, by *identity.Caller, orders []Order) error {
	if by != nil {
		if err := e.cfg.People.StillGood(tx, by); err != nil {
			return err
		}
	}
	holds, err := active(tx)
	if err != nil {
		return err
	}
	for i := range orders {
		o := &orders[i]
		if o.repeats != "" {
			continue // carried out before; only its record is new
		}
		c, err := e.covered(ctx, tx, t, o)
		if err != nil {
			return err
		}
		if len(o.Keys) == 0 && len(o.Expunged) == 0 {
			return evidence.Errorf(evidence.Conflict, "", "there is nothing left to erase")
		}
		if h := held(holds, c); h != nil {
			return evidence.Errorf(evidence.Conflict, "", "legal hold %s (%s) keeps this from being erased: it has to be released first", h.ID, h.scope())
		}
		if err := e.departed(tx, o); err != nil {
			return err
		}
	}
	return nil
}

// coverage is what an order touches, as legal holds see it.
type coverage struct {
	runs      []string
	workflows []string
	subjects  []string
}

// covered reads what an order touches. Every run of it must have ended: what
// goes on is still going to need its values, and a person whose pseudonym is
// gone could come back under another and approve what they began.
func (e *Eraser) covered(ctx context.Context, tx store.Tx, t store.Tenant, o *Order) (c coverage, err error) {
	runs := []evidence.RunID{o.Run}
	if o.Subject != "" {
		c.subjects = []string{o.Subject}
		keys, err := e.cfg.Vault.LiveOf(ctx, t.ID(), o.Subject, "")
		if err != nil {
			return c, err
		}
		runs = nil
		for _, k := range keys {
			if k.Run != "" {
				runs = append(runs, k.Run)
			}
		}
	} else if c.subjects, err = e.cfg.Vault.SubjectsOf(ctx, t.ID(), o.Run); err != nil {
		return c, err
	}
	for _, id := range slices.Compact(runs) {
		run, err := store.Load[store.Run](tx, string(id))
		if evidence.KindOf(err) == evidence.NotFound && err != nil && o.Subject != "" {
			continue // its key was made, and the run never began
		}
		if err != nil {
			return c, err
		}
		if run.Ended == "" {
			return c, evidence.Errorf(evidence.Conflict, "", "run %s is still open: end it first", id)
		}
		c.runs, c.workflows = append(c.runs, string(id)), append(c.workflows, run.Workflow)
	}
	return c, nil
}

// departed refuses a person who may still act, or who answers for a workflow.
func (e *Eraser) departed(tx store.Tx, o *Order) error {
	if o.Subject == "" {
		return nil
	}
	if err := e.cfg.People.Departed(tx, o.Subject); err != nil {
		return err
	}
	for after := ""; ; {
		list, err := store.LoadAll[store.Workflow](tx, "", "active", after, 100)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, w := range list {
			if after = w.Name; w.Owner == o.Subject {
				return evidence.Errorf(evidence.Conflict, "", "%s owns workflow %s: put a manifest with another owner in force first", o.Subject, w.Name)
			}
		}
	}
}
