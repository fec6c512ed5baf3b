package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/object"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/store/storetest"
	"github.com/evidencefactory/evf/internal/vault"
)

// house is a store with one tenant, and the folders of a ledger. Opened again
// on the same folder it is the same house after a crash.
type house struct {
	testing.TB
	dir    string
	store  *sqlite.Store
	tenant store.Tenant
}

const tenantID evidence.TenantID = "acme"

func openHouse(t testing.TB, dir string) *house {
	t.Helper()
	h := &house{TB: t, dir: dir}
	h.must(os.MkdirAll(h.path("keys"), 0o700))
	var err error
	h.store, err = sqlite.Open(t.Context(), sqlite.Config{Path: h.path("evf.db"), Clock: storetest.Clock()})
	h.must(err)
	t.Cleanup(func() { h.must(h.store.Close()) })
	h.tenant, err = h.store.ForTenant(t.Context(), tenantID, func() string { return "evf-test/acme" })
	h.must(err)
	return h
}

// copy is another house that stands as this one does, with its store closed.
func (h *house) copy() string {
	h.Helper()
	h.must(h.store.Close())
	dir := filepath.Join(h.TempDir(), "house")
	h.must(os.CopyFS(dir, os.DirFS(h.dir)))
	return dir
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) path(name string) string { return filepath.Join(h.dir, name) }

func (h *house) logFile(name string) string {
	return filepath.Join(h.path("log"), string(tenantID), name)
}

func (h *house) ledger() *Ledger {
	return New(Config{Logs: h.path("log"), Keys: h.path("keys"), WriteKey: vault.WriteKeyFile, Log: slog.New(slog.DiscardHandler)})
}

// log opens the tenant's log, and so mends what a crash left behind.
func (h *house) log() *Log {
	h.Helper()
	l, err := h.ledger().Open(h.Context(), h.tenant)
	h.must(err)
	return l
}

// logOn opens the log with another tenant and folder under it.
func (h *house) logOn(t store.Tenant, dir folder) (*Log, error) {
	h.Helper()
	g := h.ledger()
	g.open = func(string) folder { return dir }
	return g.Open(h.Context(), t)
}

// vkeys are the verifier keys that sign now, oldest first.
func (h *house) vkeys() []string {
	h.Helper()
	keys, err := VerifierKeys(h.Context(), h.path("keys"), h.tenant)
	h.must(err)
	return keys
}

func (h *house) dirOf() object.Dir { return object.NewDir(h.logFile("")) }

// append adds n plain records.
func (h *house) append(n int) {
	h.Helper()
	for n > 0 {
		facts := make([]storetest.Fact, min(n, 1000))
		for i := range facts {
			facts[i] = storetest.Step("", fmt.Sprint("step-", n-i))
		}
		b := storetest.Batch("test", facts...)
		_, err := h.tenant.Append(h.Context(), &b)
		h.must(err)
		n -= len(facts)
	}
}

// edit changes the database behind the store's back, and wants rows of it to
// be touched.
func (h *house) edit(query string, args ...any) {
	h.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path("evf.db")+"?_pragma=busy_timeout(10000)")
	h.must(err)
	defer db.Close()
	res, err := db.Exec(query, args...)
	h.must(err)
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		h.Fatalf("%s touched %d rows, %v", query, n, err)
	}
}

// pos is where a seq stands in the engine's tables.
func pos(seq uint64) int64 { return 1<<40 + int64(seq) }

func (h *house) rows(from uint64, n int) []store.Row {
	h.Helper()
	rows, err := readRows(h.Context(), h.tenant, from, n)
	h.must(err)
	return rows
}

func (h *house) fsck() *Report {
	h.Helper()
	report, err := Fsck(h.Context(), FsckConfig{Tenant: h.tenant, Logs: h.path("log"), Keys: h.vkeys()})
	h.must(err)
	return report
}

// clean wants nothing to be wrong, and n records to be sealed.
func (h *house) clean(n uint64) {
	h.Helper()
	if r := h.fsck(); !r.Clean() || r.Sealed != n || r.Records != n {
		h.Fatalf("fsck of %d sealed records: %+v", n, r)
	}
	h.verifyElsewhere()
}

var background = context.Background()
