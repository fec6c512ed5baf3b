package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/vault"
)

// Fsck checks every tenant of a data directory that no process holds, and
// changes nothing in it. Progress hears of each tenant's records in turn.
func Fsck(ctx context.Context, data string, progress func(done, total uint64)) ([]*ledger.Report, error) {
	if _, err := os.Stat(filepath.Join(data, "evf.db")); err != nil {
		return nil, fmt.Errorf("%s is not a data directory: %w", data, err)
	}
	held, err := lock(data)
	if err != nil {
		return nil, err
	}
	reports, err := fsck(ctx, data, filepath.Join(data, "keys"), progress)
	return reports, errors.Join(err, held.Close())
}

// fsck checks what stands in a directory under the keys in another.
func fsck(ctx context.Context, data, keys string, progress func(done, total uint64)) (reports []*ledger.Report, err error) {
	s := &Server{cfg: Config{Data: data, Clock: time.Now}}
	defer func() { err = errors.Join(err, s.Close()) }()
	if s.vault, err = vault.Open(ctx, keys, false); err != nil {
		return nil, err
	}
	if s.store, err = sqlite.Open(ctx, sqlite.Config{Path: s.path("evf.db"), Clock: func() evidence.Time { return evidence.TimeOf(time.Now()) }}); err != nil {
		return nil, err
	}
	s.rec = recorder.New(s.vault)
	ids, err := s.store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := s.fsck(ctx, id, keys, progress)
		if err != nil {
			return nil, fmt.Errorf("tenant %s: %w", id, err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

func (s *Server) fsck(ctx context.Context, id evidence.TenantID, keys string, progress func(done, total uint64)) (*ledger.Report, error) {
	t, err := s.store.ForTenant(ctx, id, func() string { return "" })
	if err != nil {
		return nil, err
	}
	key, err := ledger.VerifierKey(keys, id)
	if err != nil {
		return nil, err
	}
	return ledger.Fsck(ctx, ledger.FsckConfig{Tenant: t, Logs: s.path("log"), Key: key, Progress: progress,
		Open: func(ctx context.Context, row store.Row) (by []evidence.RecordID, err error) {
			o, err := s.rec.Open(ctx, id, row)
			if err != nil {
				return nil, err
			}
			for _, e := range o.Erased {
				by = append(by, e.Erasure)
			}
			return by, nil
		},
		Keys: func(ctx context.Context, each func(string, evidence.RecordID)) error {
			return s.vault.EachKey(ctx, id, func(k vault.Key) { each(k.Full, k.Erasure) })
		},
		Kept: func(ctx context.Context, each func(evidence.RecordID, *evidence.ErasurePerformed)) error {
			return s.vault.EachErasure(ctx, id, func(e vault.Erasure) error {
				leaf, body, err := e.Read()
				if err == nil {
					each(leaf.ID, body)
				}
				return err
			})
		}})
}
