package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/object"
)

// Config says where the logs and their keys are.
type Config struct {
	// Logs is the folder with one published log per tenant below it.
	Logs string
	// Keys is the folder of signing keys, one file per tenant.
	Keys string
	// Anchor is a folder outside the data directory that keeps the latest
	// checkpoint of each log. "" keeps none.
	Anchor string
	// WriteKey makes a key file durably and never replaces one.
	WriteKey func(path string, data []byte) error
	// Move and Remove put files aside durably. Nil means object.Move and
	// object.Remove.
	Move   func(from, to string) error
	Remove func(path string) error
	// Interval between looks for new rows. Zero means 250 ms.
	Interval time.Duration
	// Log takes what goes wrong while sealing.
	Log *slog.Logger
}

// Ledger seals every tenant's rows. Make one with New, add tenants with Open,
// and keep Run running.
type Ledger struct {
	cfg  Config
	wake chan struct{}
	open func(path string) folder

	mu   sync.Mutex // guards logs
	logs map[evidence.TenantID]*Log
}

// New makes a Ledger without tenants.
func New(cfg Config) *Ledger {
	if cfg.Interval == 0 {
		cfg.Interval = 250 * time.Millisecond
	}
	if cfg.Move == nil {
		cfg.Move = object.Move
	}
	if cfg.Remove == nil {
		cfg.Remove = object.Remove
	}
	return &Ledger{cfg: cfg, wake: make(chan struct{}, 1), logs: map[evidence.TenantID]*Log{},
		open: func(path string) folder { return object.NewDir(path) }}
}

// NewOrigin names a new log: random, so that no two installations share it.
func NewOrigin(t evidence.TenantID) string {
	b := make([]byte, 8)
	rand.Read(b)
	return "evf-" + hex.EncodeToString(b) + "/" + string(t)
}

// Open brings a tenant's log up to its store. A tenant with records and no key
// is refused: a second key under one origin would be a second history.
func (g *Ledger) Open(ctx context.Context, t store.Tenant) (*Log, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l, ok := g.logs[t.ID()]; ok {
		return l, nil
	}
	l, err := g.openLog(ctx, t)
	if err != nil {
		return nil, err
	}
	g.logs[t.ID()] = l
	return l, nil
}

// openLog settles which keys sign, as the records say, before the log is
// looked at.
func (g *Ledger) openLog(ctx context.Context, t store.Tenant) (*Log, error) {
	h, err := ReadHistory(ctx, t)
	if err != nil {
		return nil, err
	}
	keys, err := ring(g.cfg.Keys, t.ID(), h)
	if errors.Is(err, fs.ErrNotExist) {
		keys, err = g.firstKey(ctx, t)
	}
	if err != nil {
		return nil, err
	}
	// Only now: records that name keys which are not here move no files.
	if err := g.tidy(t.ID(), h); err != nil {
		return nil, err
	}
	l := &Log{tenant: t, dir: g.open(g.logDir(t.ID())), keys: keys, epoch: h.Current(), vouched: h.sealedBefore(), grown: make(chan struct{})}
	if g.cfg.Anchor != "" {
		l.anchor = g.open(g.cfg.Anchor)
		g.closeAnchors(h)
	}
	if err := l.start(ctx); err != nil {
		return nil, err
	}
	if l.anchor != nil && l.anchored.Size == 0 && l.latest.Size > 0 {
		g.cfg.Log.Warn("the anchor holds nothing of this log yet; it is anchored from here on", "tenant", t.ID(), "size", l.latest.Size)
	}
	return l, nil
}

// reopen looks again at what the records and files say.
func (g *Ledger) reopen(ctx context.Context, t store.Tenant) (*Log, error) {
	g.mu.Lock()
	delete(g.logs, t.ID())
	g.mu.Unlock()
	return g.Open(ctx, t)
}

func (g *Ledger) logDir(t evidence.TenantID) string { return filepath.Join(g.cfg.Logs, string(t)) }

// Republish makes a tenant's published log again below logs, as far as its
// store is sealed, from its rows and the checkpoint signed last. Keys are the
// verifier keys that sign now. It signs nothing, and returns the size. Progress
// hears how many records are published; nil hears nothing.
func Republish(ctx context.Context, t store.Tenant, logs string, keys []string, progress func(done, total uint64)) (uint64, error) {
	h, err := ReadHistory(ctx, t)
	if err != nil {
		return 0, err
	}
	head, err := readHead(ctx, t)
	if err != nil {
		return 0, err
	}
	l := &Log{tenant: t, dir: object.NewDir(filepath.Join(logs, string(t.ID()))), epoch: h.Current(), vouched: h.sealedBefore(), grown: make(chan struct{})}
	for _, vkey := range keys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return 0, err
		}
		l.keys = append(l.keys, signingKey{vkey: vkey, verifier: verifier})
	}
	if progress != nil {
		rows := uint64(0)
		l.passed = func(n int) {
			rows += uint64(n)
			progress(rows/2, head.Sealed) // finish goes over them twice
		}
	}
	if err := l.start(ctx); err != nil {
		return 0, err
	}
	return l.latest.Size, nil
}

// For finds an opened tenant's log, nil where there is none.
func (g *Ledger) For(t evidence.TenantID) *Log {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logs[t]
}

// Run seals until ctx ends, then seals once more.
func (g *Ledger) Run(ctx context.Context) {
	// A seal under way is never given up: a checkpoint that the store was asked
	// to take may still be taken, and the last seal would be in conflict with it.
	whole := context.WithoutCancel(ctx)
	tick := time.NewTicker(g.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-g.wake:
		case <-ctx.Done():
			g.sealAll(whole)
			return
		}
		g.sealAll(whole)
	}
}

// Wake makes Run look for new rows at once.
func (g *Ledger) Wake() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *Ledger) sealAll(ctx context.Context) {
	g.mu.Lock()
	logs := make([]*Log, 0, len(g.logs))
	for _, l := range g.logs {
		logs = append(logs, l)
	}
	g.mu.Unlock()
	for _, l := range logs {
		if err := l.Seal(ctx); err != nil {
			g.cfg.Log.Error("sealing failed; records are kept and will be sealed later", "tenant", l.tenant.ID(), "error", err)
		}
		if err := l.Anchor(); err != nil {
			g.cfg.Log.Error("the checkpoint could not be anchored; it will be tried again", "tenant", l.tenant.ID(), "error", err)
		}
	}
}
