package server

import (
	"archive/tar"
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// tree reads all files below a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRestoreMakesTheLogAgain spoils all that a backup says of its log: what
// is restored is what the records and keys say, after rotations and a log that
// was given up too.
func TestRestoreMakesTheLogAgain(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	h.stopped(func(u *Upkeep) {
		_, err := u.RotateLogKey(t.Context())
		h.must(err)
		_, err = u.RetireLogKey(t.Context())
		h.must(err)
		_, err = u.BeginEpoch(t.Context(), "a test", nil, nil)
		h.must(err)
		_, err = u.RotateLogKey(t.Context())
		h.must(err)
	})
	h.must(h.server.Log(DefaultTenant).Seal(t.Context()))
	for name, spoil := range map[string]func(log string) error{
		"nothing":   func(string) error { return nil },
		"no log":    os.RemoveAll,
		"a foreign": func(log string) error { return os.WriteFile(filepath.Join(log, DefaultTenant, "foreign"), nil, 0o600) },
		"another's": func(log string) error { return os.Mkdir(filepath.Join(log, "another"), 0o700) },
		"a checkpoint of nobody": func(log string) error {
			return os.WriteFile(filepath.Join(log, DefaultTenant, "checkpoint"), []byte("x"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, keys := h.backup("one")
			want := tree(t, filepath.Join(out, "log"))
			if live := tree(t, filepath.Join(h.dir, "log", DefaultTenant)); live["checkpoint"] != want[DefaultTenant+"/checkpoint"] {
				t.Fatal("the backup is of another checkpoint")
			}
			h.must(spoil(filepath.Join(out, "log")))
			// What it says of tenants is not believed either.
			path := filepath.Join(out, backupFile)
			data, err := os.ReadFile(path)
			h.must(err)
			h.must(os.WriteFile(path, bytes.ReplaceAll(data, []byte(`"records": `), []byte(`"records": 7`)), 0o600))
			to := filepath.Join(t.TempDir(), "restored")
			r, err := Restore(t.Context(), RestoreConfig{Backup: out, Keys: keys, Data: to})
			h.must(err)
			if diff := cmp.Diff(want, tree(t, filepath.Join(to, "log"))); diff != "" {
				t.Errorf("the log (-backed up +restored):\n%s", diff)
			}
			if entries, err := os.ReadDir(filepath.Join(to, "log")); err != nil || len(entries) != 1 || r.Tenants[0].Records != uint64(h.count("")) {
				t.Errorf("restored %d logs, %+v: %v", len(entries), r.Tenants, err)
			}
		})
	}
	out, keys := h.backup("two")
	again, _ := h.restore(RestoreConfig{Backup: out, Keys: keys})
	again.verify(again.packet(run.ID))
	again.ended()
}

// macs reads the MACs of a run's records that withhold something.
func macs(t *testing.T, dir string, run evidence.RunID) (list [][]byte) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "evf.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT mac FROM record WHERE run=? AND length(vault)>0", string(run))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var mac []byte
		if err := rows.Scan(&mac); err != nil {
			t.Fatal(err)
		}
		list = append(list, mac)
	}
	if rows.Err() != nil || len(list) == 0 {
		t.Fatalf("%d MACs, %v", len(list), rows.Err())
	}
	return list
}

// TestRestoreForgets wants the MACs of what was erased to be gone before the
// directory has its name, whether its records know of the erasure or not.
func TestRestoreForgets(t *testing.T) {
	h := newHouse(t)
	run, kept := h.ended(), h.ended()
	old, oldKeys := h.backup("old")
	all, others := macs(t, old, run.ID), macs(t, old, kept.ID)
	_, err := h.admin.Erase(t.Context(), client.Erase{Run: run.ID, Authority: byCourt})
	h.must(err)
	for _, mac := range macs(t, h.dir, run.ID) {
		if len(mac) > 0 {
			t.Error("the house itself keeps a MAC")
		}
	}
	again, keys := h.backup("new")
	fork, _ := h.restore(RestoreConfig{Backup: old, Keys: oldKeys})
	fork.ended() // another record stands where the erasure stands here
	forked, forkedKeys := fork.backup("forked")
	for name, c := range map[string]struct {
		out, keys string
		spoil     func(db *sql.DB) error // before it is restored
	}{
		"not on record": {old, keys, nil},
		"not on record, though others were seen to": {forked, forkedKeys, func(db *sql.DB) error {
			_, err := db.Exec("UPDATE tenant SET forgotten=next; PRAGMA wal_checkpoint(TRUNCATE)")
			return err
		}},
		"on record and broken off": {again, keys, func(db *sql.DB) error {
			for i, mac := range all {
				if _, err := db.Exec("UPDATE record SET mac=? WHERE pos=(SELECT pos FROM record WHERE run=? AND length(vault)>0 ORDER BY pos LIMIT 1 OFFSET ?)", mac, string(run.ID), i); err != nil {
					return err
				}
			}
			_, err := db.Exec("UPDATE tenant SET forgotten=0; PRAGMA wal_checkpoint(TRUNCATE)")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.spoil != nil {
				respoil(t, c.out, c.spoil)
			}
			if len(filesWith(t, c.out, all[0])) == 0 {
				t.Fatal("the test is worth nothing: the backup holds no MAC")
			}
			to := filepath.Join(t.TempDir(), "restored")
			_, err := Restore(t.Context(), RestoreConfig{Backup: c.out, Keys: c.keys, Data: to, Erasures: []string{h.dir}})
			h.must(err)
			for i, mac := range all {
				if files := filesWith(t, to, mac); len(files) > 0 {
					t.Errorf("MAC %d of %d stands in %v", i, len(all), files)
				}
			}
			for _, mac := range others {
				if len(filesWith(t, to, mac)) == 0 {
					t.Error("another run's retries are forgotten")
				}
			}
		})
	}
}

// respoil changes the database of a backup, and has backup.json agree.
func respoil(t *testing.T, out string, change func(*sql.DB) error) {
	t.Helper()
	path := filepath.Join(out, "evf.db")
	db, err := sql.Open("sqlite", path)
	if err == nil {
		err = errors.Join(change(db), db.Close())
	}
	data, err2 := os.ReadFile(filepath.Join(out, backupFile))
	var b Backup
	err = errors.Join(err, err2, json.Unmarshal(data, &b))
	if err == nil {
		b.Database, err = digestOf(path, nil)
	}
	if err == nil {
		data, err = json.Marshal(b)
	}
	if err = errors.Join(err, os.WriteFile(filepath.Join(out, backupFile), data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestKeysFile reads files of keys that no backup wrote.
func TestKeysFile(t *testing.T) {
	type member struct {
		tar.Header
		data string
	}
	file := func(name, data string) member {
		return member{tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), Format: tar.FormatUSTAR}, data}
	}
	with := func(m member, change func(*tar.Header)) member { change(&m.Header); return m }
	good := map[string]string{"keys.db": strings.Repeat("x", maxKeyFile+1), "vault.key": "1", "log-a-b.key": "2", "log-a.0123abcd.key": "3", "packet-a.key": "4"}
	var goods []member
	for name, data := range good {
		goods = append(goods, file(name, data))
	}
	if !fits("vault.key", maxKeyFile, maxKeyFiles) || fits("vault.key", 1, maxKeyFiles+1) {
		t.Error("there is no end to the files")
	}
	for _, c := range []struct {
		name    string
		members []member
		fails   bool
	}{
		{"as written", goods, false},
		{"in a folder", []member{file("keys/vault.key", "1")}, true},
		{"out of the folder", []member{file("../vault.key", "1")}, true},
		{"another file", []member{file("evf.yaml", "1")}, true},
		{"a key of nobody", []member{file("admin.key", "1")}, true},
		{"a hidden name", []member{file(".key", "1")}, true},
		{"a name with a line end", []member{file("log-a\n.key", "1")}, true},
		{"a key twice", []member{file("vault.key", "1"), file("vault.key", "2")}, true},
		{"a key too large", []member{file("vault.key", strings.Repeat("x", maxKeyFile+1))}, true},
		{"a link", []member{with(file("vault.key", ""), func(h *tar.Header) { h.Typeflag, h.Linkname = tar.TypeSymlink, "/etc/passwd" })}, true},
		{"another kind of tar", []member{with(file("vault.key", "1"), func(h *tar.Header) {
			h.Format, h.PAXRecords = tar.FormatPAX, map[string]string{"EVF.x": "1"}
		})}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, to := filepath.Join(t.TempDir(), "keys"), t.TempDir()
			var data bytes.Buffer
			w := tar.NewWriter(&data)
			for _, m := range c.members {
				if err := w.WriteHeader(&m.Header); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(w, m.data); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(w.Close(), os.WriteFile(path, data.Bytes(), 0o600)); err != nil {
				t.Fatal(err)
			}
			err := readTar(path, to)
			if (err != nil) != c.fails {
				t.Errorf("read: %v", err)
			}
			if !c.fails && !maps.Equal(tree(t, to), good) {
				t.Error("other files came out")
			}
		})
	}
}
