package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/erasure"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/tlog"
	"github.com/evidencefactory/evf/internal/vault"
)

// readErasures reads a list, or that of a backup or of a data directory.
func readErasures(ctx context.Context, path string) (lines []erasure.Line, err error) {
	if keys := filepath.Join(path, "keys"); exists(keys) {
		return keptErasures(ctx, keys)
	}
	if list := filepath.Join(path, erasuresFile); exists(list) {
		path = list
	} else if exists(filepath.Join(path, backupFile)) {
		return nil, nil // a backup from before the first erasure
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if lines, err = erasure.ReadList(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return lines, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// keptErasures reads what is kept beside the keys of a data directory.
func keptErasures(ctx context.Context, keys string) (lines []erasure.Line, err error) {
	v, err := vault.Open(ctx, keys, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	err = v.EachErasure(ctx, "", func(e vault.Erasure) error {
		leaf, _, err := e.Read()
		if err == nil {
			lines = append(lines, erasure.Line{Version: 1, Tenant: string(leaf.Tenant), Leaf: e.Leaf, Record: e.Record})
		}
		return err
	})
	return lines, err
}

// erase carries out every erasure that is known of. Keys that one names are
// destroyed though they be new here; records are expunged where they stand in
// their places.
func (p *putting) erase(ctx context.Context) (err error) {
	v, err := vault.Open(ctx, filepath.Join(p.dir, "keys"), false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return openCopy(ctx, p.dir, func(t store.Tenant) error {
		for i := range p.lines {
			if p.lines[i].Tenant != string(t.ID()) {
				continue
			}
			e, err := p.lines[i].Erasure()
			if err == nil {
				err = v.Destroy(ctx, t.ID(), e)
			}
			if err != nil {
				return err
			}
		}
		if err := onRecord(ctx, t, v); err != nil {
			return err
		}
		return p.settle(ctx, t, v)
	})
}

// onRecord destroys what the records say, where the keys are older than these.
func onRecord(ctx context.Context, t store.Tenant, v *vault.Vault) error {
	var rows []store.Row
	for from := uint64(0); ; from = rows[len(rows)-1].Seq + 1 {
		err := t.View(ctx, func(tx store.Tx) (err error) {
			rows, err = tx.TypeRows(evidence.TypeErasurePerformed, from, 256)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if err := v.Destroy(ctx, t.ID(), vault.Erasure{Leaf: row.Leaf, Record: row.Record}); err != nil {
				return err
			}
		}
	}
}

// settle clears MACs and expunges, and says how far the log had come.
func (p *putting) settle(ctx context.Context, t store.Tenant, v *vault.Vault) error {
	head, err := headOf(ctx, t)
	if err != nil {
		return err
	}
	known := head.Next
	err = v.EachErasure(ctx, t.ID(), func(e vault.Erasure) error {
		leaf, body, err := e.Read()
		if err != nil {
			return err
		}
		p.Restored.Erasures++
		known = max(known, leaf.Seq+1)
		if err := p.forget(ctx, t, head, e, body.Keys); err != nil {
			return err
		}
		return expungeSealed(ctx, t, head.Sealed, body.Expunged)
	})
	if err == nil {
		err = t.SetForgotten(ctx, head.Next)
	}
	if err != nil {
		return err
	}
	size, err := p.published(ctx, t, head)
	if err != nil {
		return err
	}
	if known = max(known, size); known > head.Next {
		p.Lost = append(p.Lost, RestoredShort{t.ID(), head.Next, known})
	}
	return nil
}

// forget clears the MACs of what lay under an erasure's keys, unless the store
// has done that: then the erasure is on record below its mark.
func (p *putting) forget(ctx context.Context, t store.Tenant, head store.Head, e vault.Erasure, keys []string) error {
	leaf, err := evidence.ParseLeaf(e.Leaf)
	if err != nil {
		return err
	}
	done := false
	err = t.View(ctx, func(tx store.Tx) error {
		rows, err := tx.Rows(leaf.Seq, 1)
		done = leaf.Seq < head.Forgotten && len(rows) == 1 && bytes.Equal(rows[0].Leaf, e.Leaf)
		return err
	})
	if err != nil || done {
		return err
	}
	return erasure.Forget(ctx, t, keys)
}

// expungeSealed removes the bytes of records that are under a checkpoint; the
// first start seals the others and does the same with them.
func expungeSealed(ctx context.Context, t store.Tenant, sealed uint64, list []evidence.Expunged) error {
	var here []evidence.Expunged
	err := t.View(ctx, func(tx store.Tx) (err error) {
		here, err = erasure.Present(tx, list)
		return err
	})
	if err != nil {
		return err
	}
	var seqs []uint64
	for _, x := range here {
		if uint64(x.Seq) < sealed {
			seqs = append(seqs, uint64(x.Seq))
		}
	}
	return t.Expunge(ctx, seqs)
}

// published is the size that a checkpoint of the tenant's log covers, 0 where
// none was given for it.
func (p *putting) published(ctx context.Context, t store.Tenant, head store.Head) (uint64, error) {
	if p.cfg.Checkpoint == "" {
		return 0, nil
	}
	signed, err := os.ReadFile(p.cfg.Checkpoint)
	if err != nil {
		return 0, err
	}
	if cp, err := tlog.ReadCheckpoint(signed); err == nil && cp.Origin != head.Origin {
		return 0, nil // another tenant's
	}
	keys, err := ledger.VerifierKeys(ctx, filepath.Join(p.dir, "keys"), t)
	if err != nil {
		return 0, err
	}
	verifiers := make([]note.Verifier, len(keys))
	for i, key := range keys {
		if verifiers[i], err = note.NewVerifier(key); err != nil {
			return 0, err
		}
	}
	cp, err := tlog.OpenCheckpoint(signed, verifiers...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", p.cfg.Checkpoint, err)
	}
	return cp.Size, nil
}
