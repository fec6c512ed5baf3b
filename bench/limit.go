package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/evidencefactory/evf/internal/store/sqlite"
)

// maxGroup bounds a commit, as the store's writer does.
const maxGroup = 1024

// group is one writer that commits whatever waits together, and answers when
// the commit is on stable storage.
type group struct {
	queue   chan *append1
	stopped chan struct{}
	waiting []append1 // one per caller, used again at each append
}

// append1 is one caller's record on its way.
type append1 struct {
	id, run string
	done    chan error
}

func newGroup(callers int, commit func([]*append1) error) *group {
	g := &group{queue: make(chan *append1, maxGroup), stopped: make(chan struct{}), waiting: make([]append1, callers)}
	for i := range g.waiting {
		g.waiting[i] = append1{run: newID(), done: make(chan error, 1)}
	}
	go g.write(commit)
	return g
}

func (g *group) write(commit func([]*append1) error) {
	defer close(g.stopped)
	for first := range g.queue {
		batch := []*append1{first}
		for len(batch) < maxGroup && len(g.queue) > 0 {
			batch = append(batch, <-g.queue)
		}
		err := commit(batch)
		for _, w := range batch {
			w.done <- err
		}
	}
}

func (g *group) append(_ context.Context, caller int) error {
	w := &g.waiting[caller]
	w.id = newID()
	g.queue <- w
	return <-w.done
}

func (g *group) stop() {
	close(g.queue)
	<-g.stopped
}

// raw appends to a file and syncs it once a group: no index, no database,
// nothing to read back by.
type raw struct {
	*group
	file *os.File
	size int
}

func openRaw(_ context.Context, dir string, k *kind, callers int) (contender, error) {
	f, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return nil, err
	}
	var buf []byte
	p := &k.sample
	return &raw{file: f, size: p.size(), group: newGroup(callers, func(batch []*append1) error {
		buf = buf[:0]
		for range batch {
			buf = append(append(append(buf, p.record...), p.leaf...), p.vault...)
		}
		if _, err := f.Write(buf); err != nil {
			return err
		}
		return f.Sync()
	})}, nil
}

func (r *raw) kept(context.Context) (int64, error) {
	info, err := r.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size() / int64(r.size), nil
}

func (r *raw) close() error {
	r.stop()
	return r.file.Close()
}

// bare inserts the record's row and nothing else: the same driver, pragmas,
// table and indexes as the store, without heads, links or projections.
type bare struct {
	*group
	db     *sql.DB
	conn   *sql.Conn
	insert *sql.Stmt
	sample *payload
	pos    int64
}

func openBare(ctx context.Context, dir string, k *kind, callers int) (contender, error) {
	path := filepath.Join(dir, "bare.db")
	if err := makeSchema(ctx, path); err != nil {
		return nil, err
	}
	// As internal/store/sqlite opens its own.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)"+
		"&_pragma=foreign_keys(1)&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)&_pragma=cache_size(-32768)")
	if err != nil {
		return nil, err
	}
	b := &bare{db: db, sample: &k.sample}
	if b.conn, err = db.Conn(ctx); err == nil {
		b.insert, err = b.conn.PrepareContext(ctx, "INSERT INTO record (pos, tenant, id, submitter, mac, type, run, leaf, record, vault) VALUES (?,?,?,?,?,?,?,?,?,?)")
	}
	if err == nil {
		err = b.conn.QueryRowContext(ctx, "SELECT coalesce(max(pos)+1, 0) FROM record").Scan(&b.pos)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	submitter := newID()
	b.group = newGroup(callers, func(batch []*append1) error { return b.commit(batch, string(k.typ), submitter) })
	return b, nil
}

// makeSchema has the engine itself make the tables.
func makeSchema(ctx context.Context, path string) error {
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path, Clock: now})
	if err != nil {
		return err
	}
	return s.Close()
}

func (b *bare) commit(batch []*append1, typ, submitter string) error {
	ctx := context.Background()
	if _, err := b.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	p := b.sample
	for _, w := range batch {
		if _, err := b.insert.ExecContext(ctx, b.pos, 1, w.id, submitter, p.mac, typ, w.run, p.leaf, p.record, p.vault); err != nil {
			return err
		}
		b.pos++
	}
	_, err := b.conn.ExecContext(ctx, "COMMIT")
	return err
}

func (b *bare) kept(ctx context.Context) (n int64, err error) {
	return n, b.conn.QueryRowContext(ctx, "SELECT count(*) FROM record").Scan(&n)
}

func (b *bare) close() error {
	b.stop()
	return errors.Join(b.insert.Close(), b.conn.Close(), b.db.Close())
}
