package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/erasure"
)

// RestoreConfig says what is put back where.
type RestoreConfig struct {
	Backup string // a folder that MakeBackup made
	Keys   string // a file of keys that it made, then or later
	Data   string // the data directory: it does not exist, or is empty
	// Erasures are what was erased since: lists, newer backups, or other data
	// directories of the house.
	Erasures []string
	// Checkpoint is a published checkpoint of a log of the house, to be told
	// what is lost. Empty tells nothing.
	Checkpoint string
	// Progress hears of what takes long; nil hears nothing.
	Progress Progress

	step stepper
}

// Restored is what came of a restore.
type Restored struct {
	Backup
	Erasures int             // that were carried out again, or for the first time here
	Lost     []RestoredShort // logs that had gone further than the backup
}

// RestoredShort is a log of which records are missing.
type RestoredShort struct {
	Tenant   evidence.TenantID
	Restored uint64 // records that are here
	Known    uint64 // records that there were at least
}

// Restore makes a data directory from a backup and keys. Of the backup it takes
// the database, which backup.json names by its digest, and the list of
// erasures; the log is made again from the database. Before the directory gets
// its name, every erasure that anything here knows of is carried out: the
// records' own, those kept beside the keys, and those of the lists. Then it is
// checked completely. Erasures that the records do not know yet are recorded
// at the first start.
func Restore(ctx context.Context, cfg RestoreConfig) (r *Restored, err error) {
	if entries, err := os.ReadDir(cfg.Data); !errors.Is(err, fs.ErrNotExist) && (err != nil || len(entries) > 0) {
		return nil, errors.Join(fmt.Errorf("%s is not an empty folder: restore onto a new one", cfg.Data), err)
	}
	if err := noLeftovers(filepath.Dir(filepath.Clean(cfg.Data)), ".restore-*"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(filepath.Clean(cfg.Data)), ".restore-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }() // nothing, once it was renamed
	p := &putting{cfg: cfg, dir: dir}
	for _, s := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"read the backup", p.read}, {"put the database back", p.database}, {"put the keys back", p.keys}, {"make the log again", p.log},
		{"erase again", p.erase}, {"check it", p.verify}, {"name it", p.name},
	} {
		if err := cfg.step.run(s.name, func() error { return s.do(ctx) }); err != nil {
			return nil, fmt.Errorf("restore: %s: %w", s.name, err)
		}
	}
	return &p.Restored, nil
}

// noLeftovers refuses to go on beside what a killed process left: its keys may
// have been erased since, and nothing would ever reach them there.
func noLeftovers(dir, pattern string) error {
	left, err := filepath.Glob(filepath.Join(dir, pattern))
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%s is left from one that was broken off, and may hold keys: remove it, unless another is at work", left[0])
	}
	return err
}

// putting is one restore on its way.
type putting struct {
	Restored
	cfg   RestoreConfig
	dir   string
	lines []erasure.Line
}

// maxBackupFile bounds backup.json: some hundred bytes for each tenant.
const maxBackupFile = 16 << 20

// read takes in what it is made from, before anything is written.
func (p *putting) read(ctx context.Context) error {
	f, err := os.Open(filepath.Join(p.cfg.Backup, backupFile))
	if err != nil {
		return fmt.Errorf("%s is not a backup: %w", p.cfg.Backup, err)
	}
	defer f.Close()
	dec := json.NewDecoder(io.LimitReader(f, maxBackupFile))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p.Backup); err != nil || p.Version != 1 {
		return errors.Join(fmt.Errorf("%s is not of a form that this program knows", f.Name()), err)
	}
	digest, err := digestOf(filepath.Join(p.cfg.Backup, "evf.db"), p.cfg.Progress)
	if err != nil {
		return err
	}
	if digest != p.Database {
		return fmt.Errorf("%s is not the database that the backup was made with: use another backup", filepath.Join(p.cfg.Backup, "evf.db"))
	}
	for _, path := range append([]string{p.cfg.Backup}, p.cfg.Erasures...) {
		lines, err := readErasures(ctx, path)
		if err != nil {
			return err
		}
		p.lines = append(p.lines, lines...)
	}
	return nil
}

func (p *putting) database(context.Context) error {
	out, err := os.OpenFile(filepath.Join(p.dir, "evf.db"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(copyTo(out, filepath.Join(p.cfg.Backup, "evf.db"), p.cfg.Progress.bytes("copied")), out.Close())
}

func (p *putting) keys(context.Context) error {
	keys := filepath.Join(p.dir, "keys")
	if err := os.Mkdir(keys, 0o700); err != nil {
		return err
	}
	return readTar(p.cfg.Keys, keys)
}

// log makes the published logs out of the database, so that nothing gets in
// from the backup's folder that no key signed.
func (p *putting) log(ctx context.Context) (err error) {
	p.Tenants, err = republish(ctx, p.dir, filepath.Join(p.dir, "keys"), p.cfg.Progress)
	return err
}

func (p *putting) verify(ctx context.Context) error {
	return sound(ctx, p.dir, filepath.Join(p.dir, "keys"), p.cfg.Progress)
}

func (p *putting) name(context.Context) error {
	if err := syncTree(p.dir); err != nil {
		return err
	}
	// An empty folder gives way; one that is not empty any more does not.
	if err := os.Remove(p.cfg.Data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return move(p.dir, p.cfg.Data)
}
