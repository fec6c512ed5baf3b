// Package sqlite is the embedded engine of the store: one file in WAL mode,
// synced at every commit, and one writer that groups whatever waits into one
// transaction, so that a thousand callers cost little more than one.
package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

//go:embed schema.sql
var schema string

// schemaVersion is kept in the file's user_version.
const schemaVersion = 1

// Config says where the file is and how it is read.
type Config struct {
	// Path of the database file; it is made on first use. The caller holds
	// the lock on its directory.
	Path string
	// Clock gives the received times.
	Clock func() evidence.Time
	// Readers bounds concurrent snapshots. Zero means 8.
	Readers int
}

// Store is the engine. Make one with Open.
type Store struct {
	clock   func() evidence.Time
	read    *sql.DB
	write   *sql.DB
	conn    *sql.Conn // the writer's own
	stmts   *statements
	queue   chan *request
	stopped chan struct{}

	tries  int                   // to empty the write-ahead log, before a reader is said to hold it
	broken atomic.Pointer[error] // why nothing more is written, see distrust

	closing sync.RWMutex // held for reading while sending to queue, for writing to close it
	closed  bool

	mu      sync.Mutex // guards tenants
	tenants map[evidence.TenantID]*tenant
}

// Open opens or makes the file and starts the writer.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{clock: cfg.Clock, tries: truncateTries, queue: make(chan *request, maxGroup), stopped: make(chan struct{}), tenants: map[evidence.TenantID]*tenant{}}
	if cfg.Readers == 0 {
		cfg.Readers = 8
	}
	var err error
	// What is removed is overwritten at once, and so is what moves as pages
	// split: expunging could not find stale copies later.
	if s.write, err = open(cfg.Path, "&_pragma=secure_delete(1)", 1); err != nil {
		return nil, err
	}
	if s.conn, err = s.write.Conn(ctx); err != nil {
		return nil, errors.Join(unavailable("open "+cfg.Path, err), s.write.Close())
	}
	if err = migrate(ctx, s.conn); err == nil {
		err = settle(ctx, s.conn)
	}
	if err == nil {
		s.stmts, err = prepare(ctx, s.conn)
	}
	if err == nil {
		s.read, err = open(cfg.Path, "&_pragma=query_only(1)", cfg.Readers)
	}
	if err != nil {
		return nil, errors.Join(unavailable("open "+cfg.Path, err), s.conn.Close(), s.write.Close())
	}
	go s.writer()
	return s, nil
}

func open(path, more string, conns int) (*sql.DB, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)" +
		"&_pragma=foreign_keys(1)&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)&_pragma=cache_size(-32768)&_txlock=deferred" + more
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func migrate(ctx context.Context, conn *sql.Conn) error {
	var version int
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
		_, err := conn.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version=%d; COMMIT", schema, schemaVersion))
		return err
	}
	return fmt.Errorf("its schema is version %d, this program knows %d: use a newer program", version, schemaVersion)
}

// Close waits for the writer to finish what it has taken.
func (s *Store) Close() error {
	s.closing.Lock()
	if s.closed {
		s.closing.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.closing.Unlock()
	<-s.stopped
	return errors.Join(s.read.Close(), s.stmts.close(), s.conn.Close(), s.write.Close())
}

// Tenants implements store.Store.
func (s *Store) Tenants(ctx context.Context) (ids []evidence.TenantID, err error) {
	rows, err := s.read.QueryContext(ctx, "SELECT name FROM tenant ORDER BY name")
	if err != nil {
		return nil, unavailable("list tenants", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id evidence.TenantID
		if err := rows.Scan(&id); err != nil {
			return nil, unavailable("list tenants", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, unavailable("list tenants", err)
	}
	return ids, nil
}

// ForTenant implements store.Store.
func (s *Store) ForTenant(ctx context.Context, id evidence.TenantID, newOrigin func() string) (store.Tenant, error) {
	s.mu.Lock()
	t, ok := s.tenants[id]
	s.mu.Unlock()
	if ok {
		return t, nil
	}
	var no int64
	err := s.do(ctx, func(w *writer) (err error) {
		no, err = w.tenantNo(id, newOrigin)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok = s.tenants[id]; !ok {
		t = &tenant{store: s, id: id, no: no}
		s.tenants[id] = t
	}
	return t, nil
}

// tenant is one tenant's view of the file.
type tenant struct {
	store *Store
	id    evidence.TenantID
	no    int64
}

var _ store.Tenant = (*tenant)(nil)

func (t *tenant) ID() evidence.TenantID { return t.id }

// Append implements store.Tenant.
func (t *tenant) Append(ctx context.Context, b *store.Batch) ([]store.Placed, error) {
	var placed []store.Placed
	err := t.store.do(ctx, func(w *writer) (err error) {
		placed, err = w.append(t, b)
		return err
	})
	if err != nil {
		return nil, err // placed may still be written to where ctx ended first
	}
	return placed, nil
}

// SetCheckpoint implements store.Tenant.
func (t *tenant) SetCheckpoint(ctx context.Context, from, to uint64, signed []byte) error {
	return t.store.do(ctx, func(w *writer) error {
		res, err := w.exec(w.stmts.checkpoint, to, signed, t.no, from)
		if err != nil {
			return err
		}
		if n, _ := res.RowsAffected(); n != 1 {
			return evidence.Errorf(evidence.Conflict, "", "the checkpoint is no longer for %d records", from)
		}
		return nil
	})
}

// View implements store.Tenant.
func (t *tenant) View(ctx context.Context, f func(store.Tx) error) error {
	tx, err := t.store.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return unavailable("read the store", err)
	}
	defer tx.Rollback() // a read leaves nothing to commit
	return f(&reader{ctx: ctx, q: tx, t: t})
}
