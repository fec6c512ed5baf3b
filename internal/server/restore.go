package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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

// Restore makes a data directory from a backup and keys. Before the directory
// gets its name, every erasure that anything here knows of is carried out: the
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
		{"read the backup", p.read}, {"put the database and the log back", p.files}, {"put the keys back", p.keys},
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

// read takes in what it is made from, before anything is written.
func (p *putting) read(ctx context.Context) error {
	data, err := os.ReadFile(filepath.Join(p.cfg.Backup, backupFile))
	if err != nil {
		return fmt.Errorf("%s is not a backup: %w", p.cfg.Backup, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p.Backup); err != nil || p.Version != 1 {
		return errors.Join(fmt.Errorf("%s is not of a form that this program knows", filepath.Join(p.cfg.Backup, backupFile)), err)
	}
	digest, err := digestOf(filepath.Join(p.cfg.Backup, "evf.db"))
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
	return lines, v.EachErasure(ctx, "", func(e vault.Erasure) error {
		leaf, _, err := e.Read()
		if err == nil {
			lines = append(lines, erasure.Line{Version: 1, Tenant: string(leaf.Tenant), Leaf: e.Leaf, Record: e.Record})
		}
		return err
	})
}

func (p *putting) files(context.Context) error {
	if err := os.CopyFS(filepath.Join(p.dir, "log"), os.DirFS(filepath.Join(p.cfg.Backup, "log"))); err != nil {
		return err
	}
	data, err := os.Open(filepath.Join(p.cfg.Backup, "evf.db"))
	if err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(p.dir, "evf.db"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(err, data.Close())
	}
	_, err = out.ReadFrom(data)
	return errors.Join(err, out.Close(), data.Close())
}

func (p *putting) keys(context.Context) error {
	keys := filepath.Join(p.dir, "keys")
	if err := os.Mkdir(keys, 0o700); err != nil {
		return err
	}
	return readTar(p.cfg.Keys, keys)
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

// settle expunges, and says how far the log had come.
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
		return expungeSealed(ctx, t, head.Sealed, body.Expunged)
	})
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

func (p *putting) verify(ctx context.Context) error {
	return sound(ctx, p.dir, filepath.Join(p.dir, "keys"))
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
