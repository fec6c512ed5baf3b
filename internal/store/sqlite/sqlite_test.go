package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/storetest"
)

func open1(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path, Clock: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string) store.Store { return open1(t, filepath.Join(dir, "evf.db")) })
}

func TestOpenRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(path string) error
		want   string
	}{
		{"newer schema", func(path string) error {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				return err
			}
			_, err = db.Exec("PRAGMA user_version=99")
			return errors.Join(err, db.Close())
		}, "its schema is version 99, this program knows 1: use a newer program"},
		{"no database", func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("text ", 1000)), 0o600) }, "not a database"},
		{"no folder", func(path string) error { return os.Remove(filepath.Dir(path)) }, "evf.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "house", "evf.db")
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), c.before(path)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), Config{Path: path, Clock: storetest.Clock()})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("opened: %v, want an error about %q", err, c.want)
			}
			if err == nil {
				s.Close()
			}
		})
	}
}

func TestOddPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd ?name#of%20a folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	open1(t, filepath.Join(dir, "evf.db")).Close()
	if _, err := os.Stat(filepath.Join(dir, "evf.db")); err != nil {
		t.Error(err)
	}
}

// TestDurable wants what the measured numbers rest on: every connection in
// WAL mode, every commit synced, and readers that cannot write.
func TestDurable(t *testing.T) {
	s := open1(t, filepath.Join(t.TempDir(), "evf.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		var got string
		if err := s.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("the writer's %s is %s, %v; want %s", pragma, got, err, want)
		}
	}
	if _, err := s.read.ExecContext(t.Context(), "DELETE FROM tenant"); err == nil {
		t.Error("a reader may write")
	}
}

func TestClosed(t *testing.T) {
	s := open1(t, filepath.Join(t.TempDir(), "evf.db"))
	tenant, err := s.ForTenant(t.Context(), "a", func() string { return "a" })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b := storetest.Batch("s", storetest.Step("", "late"))
	_, appended := tenant.Append(t.Context(), &b)
	_, opened := s.ForTenant(t.Context(), "b", func() string { return "b" })
	_, listed := s.Tenants(t.Context())
	for what, err := range map[string]error{"append": appended, "open": opened, "list": listed,
		"view": tenant.View(t.Context(), func(store.Tx) error { return nil })} {
		if evidence.KindOf(err) != evidence.Unavailable {
			t.Errorf("%s on a closed store: %v", what, err)
		}
	}
}

// TestEngineFailure breaks the file under the writer: whoever waits is told
// that nothing was stored, and the writer goes on once it is mended.
func TestEngineFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evf.db")
	s := open1(t, path)
	tenant, err := s.ForTenant(t.Context(), "a", func() string { return "a" })
	if err != nil {
		t.Fatal(err)
	}
	change := func(query string) {
		t.Helper()
		db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	link := evidence.Link{Kind: "trace", ID: "1"}
	change("CREATE TRIGGER broken BEFORE INSERT ON link BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	b := storetest.Batch("s", storetest.Step("", "one", link))
	if _, err := tenant.Append(context.Background(), &b); evidence.KindOf(err) != evidence.Unavailable || !strings.Contains(err.Error(), "try again with the same ids") {
		t.Errorf("append: %v", err)
	}
	change("DROP TRIGGER broken")
	placed, err := tenant.Append(t.Context(), &b)
	if err != nil || placed[0].Seq != 0 || placed[0].Repeat {
		t.Errorf("append again: %+v, %v", placed, err)
	}
	change("UPDATE tenant SET next=0") // the head falls behind the records
	b = storetest.Batch("s", storetest.Step("", "two"))
	if _, err := tenant.Append(t.Context(), &b); evidence.KindOf(err) != evidence.Unavailable || !strings.Contains(err.Error(), "the head is behind the records") {
		t.Errorf("append over a taken place: %v", err)
	}
}

// TestExpungeBehindAReader has a snapshot keep old pages in the write-ahead
// log: expunging says that the bytes are still there, and is finished later.
func TestExpungeBehindAReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evf.db")
	s := open1(t, path)
	tenant, err := s.ForTenant(t.Context(), "a", func() string { return "a" })
	if err != nil {
		t.Fatal(err)
	}
	b := storetest.Batch("s", storetest.Step("", "telltale-step"))
	if _, err := tenant.Append(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := tenant.SetCheckpoint(t.Context(), 0, 1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	s.tries = 1
	holds := func() bool {
		for _, suffix := range []string{"", "-wal"} {
			if data, err := os.ReadFile(path + suffix); err == nil && strings.Contains(string(data), "telltale-step") {
				return true
			}
		}
		return false
	}
	err = tenant.View(t.Context(), func(tx store.Tx) error {
		if _, err := tx.Rows(0, 1); err != nil { // the snapshot begins here
			return err
		}
		if err := tenant.Expunge(t.Context(), []uint64{0}); evidence.KindOf(err) != evidence.Unavailable || !strings.Contains(err.Error(), "still stand in the write-ahead log") {
			t.Errorf("expunged: %v", err)
		}
		if !holds() {
			t.Error("the test is worth nothing: the bytes went though a reader held them")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tenant.Expunge(t.Context(), []uint64{0}); err != nil || holds() {
		t.Errorf("without the reader: %v, the bytes are there: %t", err, holds())
	}
}

// TestCopyHasOneOfEach clears all MACs in a copy, and wants none of them to
// stand in bytes that pages left behind while the copy was written.
func TestCopyHasOneOfEach(t *testing.T) {
	path, copied := filepath.Join(t.TempDir(), "evf.db"), filepath.Join(t.TempDir(), "copy.db")
	s := open1(t, path)
	tenant, err := s.ForTenant(t.Context(), "a", func() string { return "a" })
	if err != nil {
		t.Fatal(err)
	}
	var macs [][]byte
	var seqs []uint64
	for i := range uint64(200) {
		b := storetest.Batch("s", storetest.Step("", strings.Repeat("x", int(1+i%40))))
		if _, err := tenant.Append(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		macs, seqs = append(macs, b.Entries[0].MAC), append(seqs, i)
	}
	var done, total uint64
	if err := Copy(t.Context(), path, copied, func(d, n uint64) { done, total = d, n }); err != nil || done == 0 || done != total {
		t.Fatalf("copied: %v, told %d of %d bytes in the end", err, done, total)
	}
	again := open1(t, copied)
	if tenant, err = again.ForTenant(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	if err := tenant.Forget(t.Context(), seqs); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	for i, mac := range macs {
		if strings.Contains(string(data), string(mac)) {
			t.Errorf("the MAC of record %d still stands in the copy", i)
		}
	}
}
