package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/vault"
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
	s.cfg.Anchor = anchor
	return s.fsck(ctx, s.path("keys"), cfg.Against, cfg.Progress)
}

// fsck checks what stands in the open directory under the keys in another.
func (s *Server) fsck(ctx context.Context, keys string, against []Kept, progress func(done, total uint64)) (reports []*ledger.Report, err error) {
	faults, err := s.store.Check(ctx)
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return []*ledger.Report{damaged(faults)}, nil
	}
	ids, err := s.store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := s.readKept(ctx, ids, against)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := s.fsckTenant(ctx, id, keys, kept, progress)
		if err != nil {
			return nil, fmt.Errorf("tenant %s: %w", id, err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

func (s *Server) fsckTenant(ctx context.Context, id evidence.TenantID, keys string, kept []outside, progress func(done, total uint64)) (*ledger.Report, error) {
	t, err := s.store.ForTenant(ctx, id, func() string { return "" })
	if err != nil {
		return nil, err
	}
	vkeys, err := ledger.VerifierKeys(ctx, keys, t)
	if err != nil {
		return nil, err
	}
	against, err := s.against(ctx, t, kept)
	if err != nil {
		return nil, err
	}
	return ledger.Fsck(ctx, ledger.FsckConfig{Tenant: t, Logs: s.path("log"), Keys: vkeys, Against: against, Progress: progress,
		Fold: func(ctx context.Context) (ledger.Folded, error) { return sqlite.OpenScratch(ctx) },
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
		Values: func(ctx context.Context, each func(string, evidence.RecordID)) error {
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
