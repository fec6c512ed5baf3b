package erasure

import (
	"context"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/vault"
)

// Resume finishes what is on record and was not carried out, and records what
// was carried out elsewhere and is not on record: after a crash, and after a
// restore. Where nothing is left to do it changes nothing.
func (e *Eraser) Resume(ctx context.Context, t store.Tenant) error {
	known, err := e.known(ctx, t)
	if err != nil {
		return err
	}
	if err := e.finish(ctx, t, known); err != nil {
		return err
	}
	if err := e.adopt(ctx, t, known); err != nil {
		return err
	}
	return e.cfg.List.Complete(ctx, t, e.cfg.Vault)
}

// known are all erasures on record.
func (e *Eraser) known(ctx context.Context, t store.Tenant) (all []store.Erasure, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		for after := ""; ; {
			page, err := store.LoadAll[store.Erasure](tx, "", "", after, 1000)
			if err != nil || len(page) == 0 {
				return err
			}
			all, after = append(all, page...), string(page[len(page)-1].ID)
		}
	})
	return all, err
}

// finish carries out the erasures on record that the vault does not know,
// clears the MACs that some may have left, and removes the bytes of every record that one names. It does that even where
// the rows are empty: a crash may have left the bytes in the write-ahead log.
func (e *Eraser) finish(ctx context.Context, t store.Tenant, known []store.Erasure) error {
	carried, err := e.cfg.Vault.Carried(ctx, t.ID())
	if err != nil {
		return err
	}
	var owed []uint64
	for _, k := range known {
		if !carried[k.ID] || k.Expunged > 0 {
			owed = append(owed, k.Seq)
		}
	}
	expunged, err := e.each(ctx, t, owed, "destroy", func(recorded vault.Erasure) error { return e.cfg.Vault.Destroy(ctx, t.ID(), recorded) })
	if err != nil {
		return err
	}
	return e.follow(ctx, t, expunged)
}

// adopt records the erasures that are kept beside the keys and are not in this
// log: it was put back to a day before them.
func (e *Eraser) adopt(ctx context.Context, t store.Tenant, known []store.Erasure) error {
	onRecord := map[evidence.RecordID]bool{}
	for _, k := range known {
		onRecord[k.ID], onRecord[k.Repeats] = true, true
	}
	var owed []vault.Erasure // all of them before the first is recorded, and so kept beside the keys itself
	err := e.cfg.Vault.EachErasure(ctx, t.ID(), func(kept vault.Erasure) error {
		leaf, _, err := kept.Read()
		if err == nil && !onRecord[leaf.ID] {
			owed = append(owed, kept)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, kept := range owed {
		leaf, body, err := kept.Read()
		if err != nil {
			return err
		}
		if err := e.repeat(ctx, t, leaf.ID, body); err != nil {
			return err
		}
	}
	return nil
}

// repeat records an erasure again, under the authority it had, for the records
// that this log has of those it named.
func (e *Eraser) repeat(ctx context.Context, t store.Tenant, id evidence.RecordID, body *evidence.ErasurePerformed) error {
	again := *body
	again.Repeats = id
	err := t.View(ctx, func(tx store.Tx) (err error) {
		again.Expunged, err = Present(tx, body.Expunged)
		return err
	})
	if err != nil {
		return err
	}
	var placed []store.Placed
	err = e.cfg.Recorder.Alone(func(appendAlone func(context.Context, recorder.Origin, recorder.Batch) ([]store.Placed, error)) (err error) {
		err = e.step("record again", func() (err error) {
			placed, err = appendAlone(ctx, house(t, nil), recorder.Batch{Drafts: []recorder.Draft{e.draft(evidence.TypeErasurePerformed, again)}})
			return err
		})
		if err != nil {
			return err
		}
		return e.destroy(ctx, t, placed)
	})
	if err != nil {
		return err
	}
	return e.settle(ctx, t, placed)
}

// Present are those of some expunged records that a log holds in their places.
func Present(tx store.Tx, list []evidence.Expunged) (here []evidence.Expunged, err error) {
	here = []evidence.Expunged{}
	for _, x := range list {
		rows, err := tx.Rows(uint64(x.Seq), 1)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 || rows[0].Seq != uint64(x.Seq) {
			continue
		}
		leaf, err := evidence.ParseLeaf(rows[0].Leaf)
		if err != nil {
			return nil, err
		}
		if leaf.ID == x.Record && leaf.Digest == x.Digest && rows[0].Run == x.Run {
			here = append(here, x)
		}
	}
	return here, nil
}

// Touching lists the erasures that took something of a run: its own, and those
// of people it speaks of. Whoever reads them after having opened the run's
// records finds every erasure that could have closed one.
func Touching(tx store.Tx, run evidence.RunID, subjects []string) (rows []store.Row, err error) {
	groups := []string{store.ErasedRun(run)}
	for _, ref := range subjects {
		groups = append(groups, store.ErasedSubject(ref))
	}
	for _, group := range slices.Compact(slices.Sorted(slices.Values(groups))) {
		for after := ""; ; {
			page, err := store.LoadAll[store.Erasure](tx, group, "", after, 100)
			if err != nil {
				return nil, err
			}
			for _, k := range page {
				row, err := tx.Rows(k.Seq, 1)
				if err != nil {
					return nil, err
				}
				after, rows = string(k.ID), append(rows, row...)
			}
			if len(page) < 100 {
				break
			}
		}
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return int(a.Seq) - int(b.Seq) })
	return rows, nil
}
