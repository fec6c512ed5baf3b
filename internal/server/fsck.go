package server

import (
	"context"
	"errors"
	"fmt"
	"os"
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
func Fsck(ctx context.Context, data string, progress func(done, total uint64)) (reports []*ledger.Report, err error) {
	s := &Server{cfg: Config{Data: data, Clock: time.Now}}
	if _, err := os.Stat(s.path("evf.db")); err != nil {
		return nil, fmt.Errorf("%s is not a data directory: %w", data, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if s.lock, err = lock(data); err != nil {
		return nil, err
	}
	if s.vault, err = vault.Open(ctx, s.path("keys"), false); err != nil {
		return nil, err
	}
	if s.store, err = sqlite.Open(ctx, sqlite.Config{Path: s.path("evf.db"), Clock: func() evidence.Time { return evidence.TimeOf(time.Now()) }}); err != nil {
		return nil, err
	}
	faults, err := s.store.Check(ctx)
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return []*ledger.Report{damaged(faults)}, nil
	}
	s.rec = recorder.New(s.vault)
	ids, err := s.store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := s.fsck(ctx, id, progress)
		if err != nil {
			return nil, fmt.Errorf("tenant %s: %w", id, err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

func (s *Server) fsck(ctx context.Context, id evidence.TenantID, progress func(done, total uint64)) (*ledger.Report, error) {
	t, err := s.store.ForTenant(ctx, id, func() string { return "" })
	if err != nil {
		return nil, err
	}
	key, err := ledger.VerifierKey(s.path("keys"), id)
	if err != nil {
		return nil, err
	}
	return ledger.Fsck(ctx, ledger.FsckConfig{Tenant: t, Logs: s.path("log"), Key: key, Progress: progress,
		Fold: func(ctx context.Context) (ledger.Folded, error) { return sqlite.OpenScratch(ctx) },
		Open: func(ctx context.Context, row store.Row) error {
			_, err := s.rec.Open(ctx, id, row)
			return err
		}})
}

// damaged reports a database file whose pages do not hold together. What its
// tables say is then worth nothing, so it is not walked.
func damaged(faults []string) *ledger.Report {
	r := &ledger.Report{}
	for _, fault := range faults {
		r.Problems = append(r.Problems, ledger.Problem{Where: "database file", What: fault})
	}
	r.Notes = []ledger.Problem{{Where: "database file", What: "its tables were not looked at: keep a copy of the directory, and restore a backup"}}
	return r
}
