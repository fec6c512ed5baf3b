package ledger

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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
	// WriteKey makes a key file durably and never replaces one.
	WriteKey func(path string, data []byte) error
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

	mu   sync.Mutex // guards logs
	logs map[evidence.TenantID]*Log
}

// New makes a Ledger without tenants.
func New(cfg Config) *Ledger {
	if cfg.Interval == 0 {
		cfg.Interval = 250 * time.Millisecond
	}
	return &Ledger{cfg: cfg, wake: make(chan struct{}, 1), logs: map[evidence.TenantID]*Log{}}
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
	signer, vkey, err := g.key(ctx, t)
	if err != nil {
		return nil, err
	}
	l, err := openLog(ctx, t, object.NewDir(filepath.Join(g.cfg.Logs, string(t.ID()))), signer, vkey)
	if err != nil {
		return nil, err
	}
	g.logs[t.ID()] = l
	return l, nil
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
	}
}

// key reads the tenant's signing key, or makes the first one.
func (g *Ledger) key(ctx context.Context, t store.Tenant) (note.Signer, string, error) {
	path := keyPath(g.cfg.Keys, t.ID())
	skey, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		skey, err = g.makeKey(ctx, t, path)
	}
	if err != nil {
		return nil, "", err
	}
	return parseKey(path, skey)
}

func keyPath(keys string, t evidence.TenantID) string {
	return filepath.Join(keys, "log-"+string(t)+".key")
}

// VerifierKey reads the public half of a tenant's signing key out of the
// folder of keys, in C2SP form. It makes none where there is none.
func VerifierKey(keys string, t evidence.TenantID) (string, error) {
	path := keyPath(keys, t)
	skey, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	_, vkey, err := parseKey(path, skey)
	return vkey, err
}

// parseKey reads a key file. Its errors never quote the content.
func parseKey(path string, data []byte) (note.Signer, string, error) {
	skey := strings.TrimSpace(string(data))
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, "", fmt.Errorf("%s is not a log's signing key: put the right file back", path)
	}
	vkey, err := publicKey(skey, signer)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return signer, vkey, nil
}

func (g *Ledger) makeKey(ctx context.Context, t store.Tenant, path string) ([]byte, error) {
	head, err := readHead(ctx, t)
	if err != nil {
		return nil, err
	}
	if head.Sealed > 0 {
		return nil, fmt.Errorf("%s is missing, and tenant %s has sealed records: put the key back from where keys are kept", path, t.ID())
	}
	skey, _, err := note.GenerateKey(rand.Reader, head.Origin)
	if err != nil {
		return nil, err
	}
	return []byte(skey), g.cfg.WriteKey(path, []byte(skey+"\n"))
}

// publicKey gives the verifier key of a signed-note key. The private form
// carries the Ed25519 seed, from which the public key follows.
func publicKey(skey string, signer note.Signer) (string, error) {
	// PRIVATE+KEY+name+hash+key, and the key's base64 may hold a plus itself.
	parts := strings.SplitN(skey, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", errors.New("is not an Ed25519 signing key")
	}
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(signer.Name(), public)
}
