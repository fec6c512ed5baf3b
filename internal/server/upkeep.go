package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/packer"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/object"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/vault"
)

// UpkeepConfig says which tenant's keys and log are to be looked after, and by
// whom.
type UpkeepConfig struct {
	Data   string
	Anchor string // as in Config
	Tenant string
	By     string // mail address of the person
	Log    *slog.Logger
}

// Upkeep changes a tenant's keys and log in a data directory that no server
// holds. Whoever can read the directory may do so.
type Upkeep struct {
	house  *Server
	tenant store.Tenant
	by     string // pseudonym
}

// OpenUpkeep opens a data directory. The caller closes it.
func OpenUpkeep(ctx context.Context, cfg UpkeepConfig) (*Upkeep, error) {
	s, err := openStopped(ctx, cfg.Data)
	if err != nil {
		return nil, err
	}
	u := &Upkeep{house: s}
	if cfg.Log != nil {
		s.cfg.Log = cfg.Log
	}
	if s.cfg.Anchor, err = checkAnchor(cfg.Data, cfg.Anchor); err == nil {
		err = u.open(ctx, cfg)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return u, nil
}

func (u *Upkeep) open(ctx context.Context, cfg UpkeepConfig) error {
	id := evidence.TenantID(cfg.Tenant)
	ids, err := u.house.store.Tenants(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(ids, id) {
		return fmt.Errorf("%s has no tenant of this name: it has %v", cfg.Data, ids)
	}
	if u.tenant, err = u.house.store.ForTenant(ctx, id, func() string { return "" }); err != nil {
		return err
	}
	u.house.ledger = u.house.newLedger()
	u.by, err = u.house.vault.Pseudonym(ctx, id, "person", cfg.By)
	return err
}

// openStopped opens what lies under the lock: store, vault, recorder.
func openStopped(ctx context.Context, data string) (*Server, error) {
	if _, err := os.Stat(filepath.Join(data, "evf.db")); err != nil {
		return nil, fmt.Errorf("%s is not a data directory: %w", data, err)
	}
	held, err := lock(data)
	if err != nil {
		return nil, err
	}
	s, err := openQuiet(ctx, data, filepath.Join(data, "keys"))
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	s.lock = held
	return s, nil
}

// openQuiet opens what stands in a directory that nobody else has, under the
// keys in another.
func openQuiet(ctx context.Context, data, keys string) (s *Server, err error) {
	s = &Server{cfg: Config{Data: data, Clock: time.Now, Log: slog.New(slog.DiscardHandler)}}
	if s.vault, err = vault.Open(ctx, keys, false); err != nil {
		return nil, err
	}
	if s.store, err = sqlite.Open(ctx, sqlite.Config{Path: s.path("evf.db"), Clock: func() evidence.Time { return evidence.TimeOf(time.Now()) }}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.rec = recorder.New(s.vault)
	return s, nil
}

func (s *Server) newLedger() *ledger.Ledger {
	return ledger.New(ledger.Config{Logs: s.path("log"), Keys: s.path("keys"), Anchor: s.cfg.Anchor,
		WriteKey: vault.WriteKeyFile, Interval: s.cfg.Seal, Log: s.cfg.Log})
}

func (s *Server) packetKeys() packer.KeyFolder {
	return packer.KeyFolder{Path: s.path("keys"), Write: vault.WriteKeyFile, Remove: object.Remove, Log: s.cfg.Log}
}

// Close lets go of the directory.
func (u *Upkeep) Close() error { return u.house.Close() }

// record appends for the house, in the name of whoever does the upkeep.
func (u *Upkeep) record(ctx context.Context, e ledger.Entry) error {
	_, err := u.house.rec.Append(ctx, recorder.Origin{
		Tenant: u.tenant, Submitter: "evf", House: true, Assurance: "enforced", Actor: evidence.Actor{Kind: "human", Ref: u.by},
		Source: evidence.Source{Name: "evf", Kind: "upkeep", Version: "1"},
	}, recorder.Batch{Objects: e.Objects, Epoch: e.Epoch, Drafts: []recorder.Draft{{
		ID: evidence.RecordID(uuid.Must(uuid.NewV7()).String()), Type: e.Type, Occurred: evidence.TimeOf(u.house.cfg.Clock()), Body: evidence.Body(e.Body)}}})
	return err
}

// RotateLogKey gives the log another key beside its present one, and returns
// its verifier key.
func (u *Upkeep) RotateLogKey(ctx context.Context) (string, error) {
	return u.house.ledger.RotateKey(ctx, u.tenant, u.by, u.record)
}

// RetireLogKey ends the older key of the log, and returns its verifier key.
func (u *Upkeep) RetireLogKey(ctx context.Context) (string, error) {
	return u.house.ledger.RetireKey(ctx, u.tenant, u.by, u.record)
}

// BeginEpoch gives the log up for another over the records that are left, and
// returns the verifier key of that one. From are checkpoints or packets of the
// old log that were kept elsewhere, keys its verifier keys where its key file
// is lost.
func (u *Upkeep) BeginEpoch(ctx context.Context, reason string, from []Kept, keys []string) (string, error) {
	req := ledger.EpochRequest{By: u.by, Reason: reason, Keys: keys}
	for _, k := range from {
		o, err := k.read()
		if err != nil {
			return "", err
		}
		req.From = append(req.From, o.Signed)
	}
	return u.house.ledger.BeginEpoch(ctx, u.tenant, req, u.record)
}

// RotatePacketKey has the log announce another packet key, and returns the
// base64 of its public part. Packets that the old one signed stay valid.
func (u *Upkeep) RotatePacketKey(ctx context.Context) (string, error) {
	l, err := u.house.ledger.Open(ctx, u.tenant)
	if err != nil {
		return "", err
	}
	public, err := u.house.packetKeys().Rotate(ctx, u.tenant, u.by, func(ctx context.Context, body evidence.KeyRotated) error {
		return u.record(ctx, ledger.Entry{Type: evidence.TypeKeyRotated, Body: body})
	})
	if err != nil {
		return "", err
	}
	return public, errors.Join(l.Seal(ctx), l.Anchor())
}

// LogState is what there is to know of a tenant's log.
type LogState struct {
	Tenant evidence.TenantID `json:"tenant"`
	ledger.History
	Keys    []string `json:"keys"`              // that sign now, oldest first
	Missing string   `json:"missing,omitempty"` // why there are none
	Size    uint64   `json:"size"`              // of the latest checkpoint in the store
	Next    uint64   `json:"next"`              // records in the store
}

// Log says which logs the tenant has and had, and changes nothing.
func (u *Upkeep) Log(ctx context.Context) (s LogState, err error) {
	s.Tenant = u.tenant.ID()
	h, err := ledger.ReadHistory(ctx, u.tenant)
	if err != nil {
		return s, err
	}
	s.History = *h
	err = u.tenant.View(ctx, func(tx store.Tx) error {
		head, err := tx.Head()
		s.Size, s.Next = head.Sealed, head.Next
		return err
	})
	if err != nil {
		return s, err
	}
	if s.Keys, err = ledger.VerifierKeys(ctx, u.house.path("keys"), u.tenant); err != nil {
		s.Missing = err.Error()
	}
	return s, nil
}
