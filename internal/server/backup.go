package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/erasure"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/vault"
)

// BackupConfig says what is copied where.
type BackupConfig struct {
	// Data is the data directory. A server may hold it meanwhile.
	Data string
	// Out is the folder that the copy becomes; it must not exist.
	Out string
	// Keys is the file that the keys are copied into; it must not exist, and
	// not stand in Out. Empty copies no keys.
	Keys string
	// Progress hears of what takes long; nil hears nothing.
	Progress Progress

	step stepper
}

// stepper runs one named step; tests make it fail before and after.
type stepper func(name string, do func() error) error

func (s stepper) run(name string, do func() error) error {
	if s != nil {
		return s(name, do)
	}
	return do()
}

// Backup is what a backup says of itself, in backup.json.
type Backup struct {
	Version  int            `json:"v"`
	Built    evidence.Time  `json:"built"`
	Program  string         `json:"program"`
	Database string         `json:"database"` // SHA-256 of evf.db
	Tenants  []BackupTenant `json:"tenants"`
}

// BackupTenant is one tenant of a backup.
type BackupTenant struct {
	Tenant  evidence.TenantID `json:"tenant"`
	Origin  string            `json:"origin"`
	Records uint64            `json:"records"`
	Sealed  uint64            `json:"sealed"`
}

const (
	backupFile   = "backup.json"
	erasuresFile = "erasures.jsonl"
)

// MakeBackup copies a data directory: the database as of one moment, the log
// made again from that copy, the erasures so far, and apart from these the
// keys. The copy is checked completely before it gets its name, so what stands
// under that name is whole.
//
// The keys are copied last: they then open everything in the database, and an
// erasure in between has left them already.
func MakeBackup(ctx context.Context, cfg BackupConfig) (b *Backup, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(cfg.Out), ".backup-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }() // nothing, once it was renamed
	c := &copying{cfg: cfg, dir: dir}
	for _, s := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"copy the database", c.database}, {"copy the log", c.log}, {"copy the keys", c.keys}, {"copy the erasures", c.erasures},
		{"check the copy", c.verify}, {"describe it", c.describe}, {"name the keys", c.nameKeys}, {"name the copy", c.name},
	} {
		if err := cfg.step.run(s.name, func() error { return s.do(ctx) }); err != nil {
			return nil, errors.Join(fmt.Errorf("backup: %s: %w", s.name, err), c.dropKeys())
		}
	}
	return &c.Backup, nil
}

func (c *BackupConfig) check() error {
	if _, err := os.Stat(filepath.Join(c.Data, "evf.db")); err != nil {
		return fmt.Errorf("%s is not a data directory: %w", c.Data, err)
	}
	for _, path := range []string{c.Out, c.Keys} {
		if _, err := os.Lstat(path); path != "" && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("%s exists: a backup never goes over another", path), err)
		}
	}
	if rel, err := filepath.Rel(c.Out, c.Keys); c.Keys != "" && err == nil && filepath.IsLocal(rel) {
		return fmt.Errorf("%s is inside %s: keys are kept apart from what they open", c.Keys, c.Out)
	}
	return nil
}

// copying is one backup on its way.
type copying struct {
	Backup
	cfg      BackupConfig
	dir      string // what will be Out
	keysDir  string // a copy of keys/, "" where none is asked for
	keysFile string // what will be Keys
}

func (c *copying) live() string { return filepath.Join(c.cfg.Data, "keys") }

func (c *copying) database(ctx context.Context) error {
	return sqlite.Copy(ctx, filepath.Join(c.cfg.Data, "evf.db"), filepath.Join(c.dir, "evf.db"), c.cfg.Progress.bytes("copied"))
}

// log publishes again what the copy has sealed: the files of a log that grows
// meanwhile would be of another moment.
func (c *copying) log(ctx context.Context) (err error) {
	c.Tenants, err = republish(ctx, c.dir, c.live(), c.cfg.Progress)
	return err
}

// republish makes the logs of a database that nobody else has, under the keys
// in another folder, and says what is in them.
func republish(ctx context.Context, dir, keys string, progress Progress) (list []BackupTenant, err error) {
	if err := os.Mkdir(filepath.Join(dir, "log"), 0o700); err != nil { // nothing may be sealed yet
		return nil, err
	}
	err = openCopy(ctx, dir, func(t store.Tenant) error {
		vkeys, err := ledger.VerifierKeys(ctx, keys, t)
		if err != nil {
			return err
		}
		size, err := ledger.Republish(ctx, t, filepath.Join(dir, "log"), vkeys, progress.of("records published"))
		if err != nil {
			return err
		}
		head, err := headOf(ctx, t)
		list = append(list, BackupTenant{t.ID(), head.Origin, head.Next, size})
		return err
	})
	return list, err
}

// openCopy goes through the tenants of a database that nobody else has.
func openCopy(ctx context.Context, dir string, each func(store.Tenant) error) (err error) {
	s, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "evf.db"), Clock: func() evidence.Time { return evidence.TimeOf(time.Now()) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ids, err := s.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		t, err := s.ForTenant(ctx, id, func() string { return "" })
		if err == nil {
			err = each(t)
		}
		if err != nil {
			return fmt.Errorf("tenant %s: %w", id, err)
		}
	}
	return nil
}

func headOf(ctx context.Context, t store.Tenant) (head store.Head, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		head, err = tx.Head()
		return err
	})
	return head, err
}

// keys copies keys/ beside where its file is going to be.
func (c *copying) keys(ctx context.Context) (err error) {
	if c.cfg.Keys == "" {
		return nil
	}
	if err := noLeftovers(filepath.Dir(c.cfg.Keys), ".keys-*"); err != nil {
		return err
	}
	if c.keysDir, err = os.MkdirTemp(filepath.Dir(c.cfg.Keys), ".keys-*"); err != nil {
		return err
	}
	if err := c.withVault(ctx, c.live(), func(v *vault.Vault) error { return v.Copy(ctx, filepath.Join(c.keysDir, "keys.db")) }); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(c.live(), "*.key"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if !keyFileName.MatchString(filepath.Base(name)) {
			continue // not ours
		}
		data, err := os.ReadFile(name)
		if err == nil {
			err = vault.WriteKeyFile(filepath.Join(c.keysDir, filepath.Base(name)), data)
		}
		if err != nil {
			return err
		}
	}
	c.keysFile = c.keysDir + ".tar"
	return writeTar(c.keysFile, c.keysDir)
}

func (c *copying) withVault(ctx context.Context, keys string, f func(*vault.Vault) error) error {
	v, err := vault.Open(ctx, keys, false)
	if err != nil {
		return err
	}
	return errors.Join(f(v), v.Close())
}

// erasures lists what was erased so far.
func (c *copying) erasures(ctx context.Context) error {
	list := erasure.List{Path: filepath.Join(c.dir, erasuresFile)}
	return c.withVault(ctx, c.live(), func(v *vault.Vault) error {
		return openCopy(ctx, c.dir, func(t store.Tenant) error { return list.Complete(ctx, t, v) })
	})
}

// verify checks the copy as fsck does, under the keys that were copied with
// it.
func (c *copying) verify(ctx context.Context) error {
	keys := c.keysDir
	if keys == "" {
		keys = c.live()
	}
	return sound(ctx, c.dir, keys, c.cfg.Progress)
}

// sound wants fsck to find nothing wrong.
func sound(ctx context.Context, dir, keys string, progress Progress) (err error) {
	s, err := openQuiet(ctx, dir, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	reports, err := s.fsck(ctx, keys, nil, progress.of("records checked"))
	if err != nil {
		return err
	}
	for _, r := range reports {
		if !r.Clean() {
			return fmt.Errorf("tenant %s has %d problems, the first is %s: run fsck", r.Tenant, len(r.Problems)+r.Dropped, r.Problems[0])
		}
	}
	return nil
}

func (c *copying) describe(context.Context) (err error) {
	c.Version, c.Built, c.Program = 1, evidence.TimeOf(time.Now()), Version()
	if c.Database, err = digestOf(filepath.Join(c.dir, "evf.db"), c.cfg.Progress); err != nil {
		return err
	}
	data, err := json.MarshalIndent(c.Backup, "", "  ")
	if err != nil {
		return err
	}
	if err := vault.WriteKeyFile(filepath.Join(c.dir, backupFile), append(data, '\n')); err != nil {
		return err
	}
	return syncTree(c.dir)
}

func (c *copying) nameKeys(context.Context) error {
	if c.cfg.Keys == "" {
		return nil
	}
	return errors.Join(move(c.keysFile, c.cfg.Keys), os.RemoveAll(c.keysDir))
}

func (c *copying) name(context.Context) error { return move(c.dir, c.cfg.Out) }

// dropKeys leaves no copy of keys behind that nobody asked for by name.
func (c *copying) dropKeys() error {
	if c.keysDir == "" {
		return nil
	}
	return errors.Join(os.RemoveAll(c.keysDir), os.RemoveAll(c.keysDir+".tar"))
}

// move gives a file or folder its name, durably.
func move(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// syncTree makes everything below a folder durable.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncDir(path)
	})
}
