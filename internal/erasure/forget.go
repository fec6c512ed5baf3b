package erasure

import (
	"context"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/vault"
)

const (
	forgetPage  = 256  // rows, or erasures of at most 256 keys, read at once
	forgetBatch = 1024 // records forgotten in one transaction
)

// forget clears the MACs of what lay under the keys of every erasure on record
// from the store's mark on, and raises the mark once they are gone. It goes by
// the mark and not by one erasure, so that of two at a time the later one does
// not leave the earlier one behind.
func (e *Eraser) forget(ctx context.Context, t store.Tenant) error {
	for {
		keys, next, err := unforgotten(ctx, t)
		if err != nil || next == 0 {
			return err
		}
		err = e.step("forget", func() error {
			if err := Forget(ctx, t, keys); err != nil {
				return err
			}
			return t.SetForgotten(ctx, next)
		})
		if err != nil {
			return err
		}
	}
}

// unforgotten gives the keys of a page of erasures from the mark on, and where
// the next page begins, 0 where there is none.
func unforgotten(ctx context.Context, t store.Tenant) (keys []string, next uint64, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		head, err := tx.Head()
		if err != nil {
			return err
		}
		rows, err := tx.TypeRows(evidence.TypeErasurePerformed, head.Forgotten, forgetPage)
		for _, row := range rows {
			recorded := vault.Erasure{Leaf: row.Leaf, Record: row.Record}
			_, body, err := recorded.Read()
			if err != nil {
				return err
			}
			keys, next = append(keys, body.Keys...), row.Seq+1
		}
		return err
	})
	return keys, next, err
}

// Forget clears the MACs of the records that withhold something under any of
// some keys, by their full names: whoever held one and the vault's master key
// could try guesses at what was sent. Done again it changes nothing.
func Forget(ctx context.Context, t store.Tenant, keys []string) error {
	destroyed, runs := map[string]bool{}, map[evidence.RunID]bool{}
	for _, full := range keys {
		destroyed[full], runs[runOf(full)] = true, true
	}
	var found []uint64
	for run := range runs {
		for from := uint64(0); ; {
			rows, err := withholding(ctx, t, run, from)
			if err != nil {
				return err
			}
			for i := range rows {
				if from = rows[i].Seq + 1; under(&rows[i], destroyed) {
					found = append(found, rows[i].Seq)
				}
			}
			if len(found) >= forgetBatch {
				if err := t.Forget(ctx, found); err != nil {
					return err
				}
				found = nil
			}
			if len(rows) < forgetPage {
				break
			}
		}
	}
	return t.Forget(ctx, found)
}

// withholding reads a page of a run's records, or of those of no run.
func withholding(ctx context.Context, t store.Tenant, run evidence.RunID, from uint64) (rows []store.Row, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		if run == "" {
			rows, err = tx.HouseRows(from, forgetPage)
		} else {
			rows, err = tx.RunRows(run, from, forgetPage)
		}
		return err
	})
	return rows, err
}

// under reports whether a record withholds something under one of some keys.
// A block that cannot be read says nothing, and is taken to.
func under(row *store.Row, keys map[string]bool) bool {
	names, ok := vault.KeysOf(row.Vault)
	return !ok || slices.ContainsFunc(names, func(full string) bool { return keys[full] })
}

// runOf is the run that a key is for, "" for one of the house.
func runOf(full string) evidence.RunID {
	switch part := strings.Split(full, "/"); {
	case len(part) == 4 && part[0] == "subject" && part[2] != "house":
		return evidence.RunID(part[2])
	case len(part) == 4 && part[0] == "run":
		return evidence.RunID(part[1])
	}
	return ""
}
