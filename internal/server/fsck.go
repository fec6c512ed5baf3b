package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/store"
)

// FsckConfig says what is checked, and what it is held against.
type FsckConfig struct {
	Data    string
	Anchor  string // as in Config
	Against []Kept
	// Progress hears of each tenant's records in turn; nil hears nothing.
	Progress func(done, total uint64)
}

// Fsck checks every tenant of a data directory that no process holds, and
// changes nothing in it.
func Fsck(ctx context.Context, cfg FsckConfig) (reports []*ledger.Report, err error) {
	anchor, err := checkAnchor(cfg.Data, cfg.Anchor)
	if err != nil {
		return nil, err
	}
	s, err := openStopped(ctx, cfg.Data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	faults, err := s.store.Check(ctx)
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return []*ledger.Report{damaged(faults)}, nil
	}
	s.cfg.Anchor = anchor
	ids, err := s.store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := s.readKept(ctx, ids, cfg.Against)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := s.fsck(ctx, id, kept, cfg.Progress)
		if err != nil {
			return nil, fmt.Errorf("tenant %s: %w", id, err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

func (s *Server) fsck(ctx context.Context, id evidence.TenantID, kept []outside, progress func(done, total uint64)) (*ledger.Report, error) {
	t, err := s.store.ForTenant(ctx, id, func() string { return "" })
	if err != nil {
		return nil, err
	}
	keys, err := ledger.VerifierKeys(ctx, s.path("keys"), t)
	if err != nil {
		return nil, err
	}
	against, err := s.against(ctx, t, kept)
	if err != nil {
		return nil, err
	}
	return ledger.Fsck(ctx, ledger.FsckConfig{Tenant: t, Logs: s.path("log"), Keys: keys, Against: against, Progress: progress,
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
