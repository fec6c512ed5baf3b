package server

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

// backup copies the house while it is served.
func (h *house) backup(name string) (out, keys string) {
	h.t.Helper()
	out, keys = filepath.Join(h.t.TempDir(), name), filepath.Join(h.t.TempDir(), name+".keys")
	b, err := MakeBackup(h.t.Context(), BackupConfig{Data: h.dir, Out: out, Keys: keys})
	h.must(err)
	if len(b.Tenants) != 1 || b.Tenants[0].Records == 0 {
		h.t.Errorf("the backup is %+v", b)
	}
	return out, keys
}

// restore makes a house from a backup, and opens it.
func (h *house) restore(cfg RestoreConfig) (*house, *Restored) {
	h.t.Helper()
	cfg.Data = filepath.Join(h.t.TempDir(), "restored")
	r, err := Restore(h.t.Context(), cfg)
	h.must(err)
	key, err := os.ReadFile(AdminKeyFile(h.dir, DefaultTenant))
	h.must(err)
	h.must(os.WriteFile(AdminKeyFile(cfg.Data, DefaultTenant), key, 0o600))
	return openHouse(h.t, cfg.Data, h.clock), r
}

// same wants a restored house to hold the records of another, and to open
// them alike.
func (h *house) same(other *house, n int) {
	h.t.Helper()
	mine, others := h.rows(), other.rows()
	if len(mine) < n || len(others) < n {
		h.t.Fatalf("%d and %d records, want %d at least", len(mine), len(others), n)
	}
	for i := range mine[:n] {
		if string(mine[i].Leaf) != string(others[i].Leaf) || string(mine[i].Record) != string(others[i].Record) {
			h.t.Fatalf("record %d is another", i)
		}
		if !mine[i].Expunged() && len(h.open(mine[i]).Disclosures) != len(other.open(others[i]).Disclosures) {
			h.t.Fatalf("record %d opens otherwise", i)
		}
	}
}

func TestBackupAndRestore(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	n := h.count("")
	out, keys := h.backup("one")
	for path, want := range map[string]fs.FileMode{keys: 0o600, filepath.Join(out, "evf.db"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	if exists(filepath.Join(out, "keys")) {
		t.Error("the backup holds keys")
	}
	h.ended() // the house goes on
	again, r := h.restore(RestoreConfig{Backup: out, Keys: keys})
	if r.Erasures != 0 || len(r.Lost) != 0 {
		t.Errorf("restored: %+v", r)
	}
	again.same(h, n)
	again.verify(again.packet(run.ID))
	if notes := again.fsckNow(); len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}
	again.ended() // and it works
}

// TestRestoreRepeatsErasures wants what was erased after a backup to stay
// erased, whatever it is known from, and the restored log to say so.
func TestRestoreRepeatsErasures(t *testing.T) {
	for _, c := range []struct {
		name  string
		known func(h *house, cfg *RestoreConfig)
	}{
		{"newer keys", func(h *house, cfg *RestoreConfig) { _, cfg.Keys = h.backup("newer") }},
		{"a list", func(h *house, cfg *RestoreConfig) { cfg.Erasures = []string{h.server.cfg.Erasures} }},
		{"a newer backup", func(h *house, cfg *RestoreConfig) {
			newer, _ := h.backup("newer")
			cfg.Erasures = []string{newer}
		}},
		{"the other directory", func(h *house, cfg *RestoreConfig) { cfg.Erasures = []string{h.dir} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, list := t.TempDir(), filepath.Join(t.TempDir(), "erasures.jsonl")
			clock := newClock()
			s, err := Open(t.Context(), Config{Data: dir, Clock: clock.now})
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			h := openHouseWith(t, Config{Data: dir, Clock: clock.now, Erasures: list}, clock)
			h.apply(manifest(t, "payments"))
			run, kept := h.ended(), h.ended()
			old, oldKeys := h.backup("old")
			n := uint64(h.count(""))
			_, err = h.admin.Erase(t.Context(), client.Erase{Run: run.ID, Authority: byCourt, Expunge: []string{"step.observed"}})
			h.must(err)
			cfg := RestoreConfig{Backup: old, Keys: oldKeys}
			c.known(h, &cfg)
			again, r := h.restore(cfg)
			if r.Erasures != 1 || len(r.Lost) != 1 || r.Lost[0].Restored != n || r.Lost[0].Known <= n {
				t.Errorf("restored: %+v, %d records", r, n)
			}
			data := again.packet(run.ID)
			rep := again.verify(data)
			if disclosed(t, data, run.ID) != 0 || len(rep.Erasures) != 1 || rep.Erasures[0].Authority != byCourt || rep.Erasures[0].Records != 1 {
				t.Errorf("the restored house discloses %d fields, and says of erasures %+v", disclosed(t, data, run.ID), rep.Erasures)
			}
			if len(redactions(t, data)[packet.ReasonWithheld]) > 0 {
				t.Error("what was erased is said to be withheld")
			}
			if disclosed(t, again.packet(kept.ID), kept.ID) == 0 {
				t.Error("another run was erased too")
			}
			if got := last[evidence.ErasurePerformed](again, evidence.TypeErasurePerformed); got.Repeats == "" || again.count(evidence.TypeErasurePerformed) != 1 {
				t.Errorf("recorded again as %+v", got)
			}
			if notes := again.fsckNow(); len(notes) > 0 {
				t.Errorf("notes: %v", notes)
			}
		})
	}
}

// TestRestoreWithOlderKeys puts keys back that are older than the records: the
// records' own erasures count.
func TestRestoreWithOlderKeys(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	_, oldKeys := h.backup("old")
	_, err := h.admin.Erase(t.Context(), client.Erase{Run: run.ID, Authority: byCourt})
	h.must(err)
	out, _ := h.backup("new")
	h.must(os.Remove(filepath.Join(out, erasuresFile))) // the records say it by themselves
	again, r := h.restore(RestoreConfig{Backup: out, Keys: oldKeys})
	if r.Erasures != 1 {
		t.Errorf("restored: %+v", r)
	}
	if data := again.packet(run.ID); disclosed(t, data, run.ID) != 0 || len(again.verify(data).Erasures) != 1 {
		t.Error("what was erased is read again under older keys")
	}
	if again.count(evidence.TypeErasurePerformed) != 1 {
		t.Error("an erasure on record is recorded again")
	}
}

// TestRestoreRefusals puts back what is not whole, or over something.
func TestRestoreRefusals(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	_, tooOld := h.backup("early")
	h.ended()
	out, keys := h.backup("one")
	_ = run
	for _, c := range []struct {
		name   string
		change func(dir string, cfg *RestoreConfig) error
		want   string
	}{
		{"over a directory", func(_ string, cfg *RestoreConfig) error { cfg.Data = h.dir; return nil }, "is not an empty folder"},
		{"from no backup", func(dir string, cfg *RestoreConfig) error { return os.Remove(filepath.Join(dir, "backup.json")) }, "is not a backup"},
		{"from a database with a changed byte", func(dir string, cfg *RestoreConfig) error {
			path := filepath.Join(dir, "evf.db")
			data, err := os.ReadFile(path)
			data[len(data)/2] ^= 1
			return errors.Join(err, os.WriteFile(path, data, 0o600))
		}, "is not the database that the backup was made with"},
		{"with no keys", func(_ string, cfg *RestoreConfig) error { cfg.Keys = filepath.Join(out, "backup.json"); return nil }, "is not a file of keys"},
		{"with keys from before the records", func(_ string, cfg *RestoreConfig) error { cfg.Keys = tooOld; return nil }, "is missing from keys.db"},
		{"with a list that is none", func(dir string, cfg *RestoreConfig) error {
			cfg.Erasures = []string{filepath.Join(dir, "list")}
			return os.WriteFile(cfg.Erasures[0], []byte("{}\n"), 0o600)
		}, "line 1"},
		{"with a checkpoint of nobody", func(dir string, cfg *RestoreConfig) error {
			cfg.Checkpoint = filepath.Join(dir, "checkpoint")
			return os.WriteFile(cfg.Checkpoint, []byte("x"), 0o600)
		}, "checkpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "backup")
			h.must(os.CopyFS(dir, os.DirFS(out)))
			cfg := RestoreConfig{Backup: dir, Keys: keys, Data: filepath.Join(t.TempDir(), "restored")}
			h.must(c.change(dir, &cfg))
			_, err := Restore(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("restored: %v, want an error about %q", err, c.want)
			}
			if cfg.Data != h.dir && exists(cfg.Data) {
				t.Error("something was left under the name")
			}
		})
	}
	for name, cfg := range map[string]BackupConfig{
		"over a backup":          {Data: h.dir, Out: out},
		"keys over a file":       {Data: h.dir, Out: out + "2", Keys: keys},
		"keys inside the backup": {Data: h.dir, Out: out + "2", Keys: filepath.Join(out+"2", "keys")},
		"of nothing":             {Data: t.TempDir(), Out: out + "2"},
	} {
		if _, err := MakeBackup(t.Context(), cfg); err == nil || exists(out+"2") {
			t.Errorf("backup %s: %v", name, err)
		}
	}
}

// TestBackupAndRestoreFail fails every step, before and after it took: there is
// a whole copy under the name, or nothing, and nothing else is left.
func TestBackupAndRestoreFail(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	_, err := h.admin.Erase(t.Context(), client.Erase{Run: run.ID, Authority: byCourt, Expunge: []string{"step.observed"}})
	h.must(err)
	broken := errors.New("the power went")
	// names lists the steps, and failing makes one of them fail.
	var steps []string
	listing := func(name string, do func() error) error { steps = append(steps, name); return do() }
	failing := func(step string, after bool) stepper {
		return func(name string, do func() error) error {
			if name != step {
				return do()
			}
			if after {
				return errors.Join(do(), broken)
			}
			return broken
		}
	}
	good, keys := filepath.Join(t.TempDir(), "good"), filepath.Join(t.TempDir(), "good.keys")
	_, err = MakeBackup(t.Context(), BackupConfig{Data: h.dir, Out: good, Keys: keys, step: listing})
	h.must(err)
	backups := slices.Clone(steps)
	steps = nil
	_, err = Restore(t.Context(), RestoreConfig{Backup: good, Keys: keys, Data: filepath.Join(t.TempDir(), "r"), step: listing})
	h.must(err)
	if len(backups) < 8 || len(steps) < 6 {
		t.Fatalf("steps are %v and %v", backups, steps)
	}
	for _, c := range []struct {
		what  string
		steps []string
		try   func(dir string, s stepper) error
	}{
		{"backup", backups, func(dir string, s stepper) error {
			_, err := MakeBackup(t.Context(), BackupConfig{Data: h.dir, Out: filepath.Join(dir, "out"), Keys: filepath.Join(dir, "keys"), step: s})
			return err
		}},
		{"restore", steps, func(dir string, s stepper) error {
			_, err := Restore(t.Context(), RestoreConfig{Backup: good, Keys: keys, Data: filepath.Join(dir, "out"), step: s})
			return err
		}},
	} {
		for _, step := range c.steps {
			for _, after := range []bool{false, true} {
				dir := t.TempDir()
				if err := c.try(dir, failing(step, after)); !errors.Is(err, broken) {
					t.Fatalf("%s: %s: %v", c.what, step, err)
				}
				entries, err := os.ReadDir(dir)
				h.must(err)
				for _, e := range entries {
					named := e.Name() == "keys" && (step == "name the keys" && after || step == "name the copy") || e.Name() == "out" && after && strings.HasPrefix(step, "name ") && step != "name the keys"
					if !named {
						t.Errorf("%s: failed at %q (after it took: %t), and %s is left", c.what, step, after, e.Name())
					}
				}
				if out := filepath.Join(dir, "out"); c.what == "restore" && exists(out) {
					if _, err := Fsck(t.Context(), FsckConfig{Data: out}); err != nil {
						t.Errorf("what has the name is not whole: %v", err)
					}
				}
			}
		}
	}
}

// TestProgress wants every step that takes long to be told to its end.
func TestProgress(t *testing.T) {
	h := newHouse(t)
	h.ended()
	type step struct{ done, total uint64 }
	told := map[string]step{}
	progress := func(what string, done, total uint64) {
		if done < told[what].done || done > total {
			t.Errorf("%s: %d of %d after %d", what, done, total, told[what].done)
		}
		told[what] = step{done, total}
	}
	want := func() {
		t.Helper()
		n := uint64(h.count(""))
		if diff := cmp.Diff(map[string]step{"MB copied": {}, "MB read": {}, "records published": {n, n}, "records checked": {n, n}}, told, cmp.AllowUnexported(step{})); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		clear(told)
	}
	h.must(h.server.Log(DefaultTenant).Seal(t.Context()))
	out, keys := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "keys")
	_, err := MakeBackup(t.Context(), BackupConfig{Data: h.dir, Out: out, Keys: keys, Progress: progress})
	h.must(err)
	want()
	_, err = Restore(t.Context(), RestoreConfig{Backup: out, Keys: keys, Data: filepath.Join(t.TempDir(), "restored"), Progress: progress})
	h.must(err)
	want()
}

// TestProgressOfBytes copies more than one piece.
func TestProgressOfBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	want := bytes.Repeat([]byte("0123456789"), 250_000)
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	told := uint64(0)
	err := copyTo(&got, path, func(done, total uint64) {
		if done < told || total != uint64(len(want)) {
			t.Errorf("%d of %d bytes after %d", done, total, told)
		}
		told = done
	})
	if err != nil || told != uint64(len(want)) || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("copied: %v, told %d in the end", err, told)
	}
}
