package sqlite

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// maxGroup bounds how many requests share a commit.
const maxGroup = 1024

// request is one piece of work for the writer.
type request struct {
	run     func(*writer) error
	between bool // run outside any transaction, after the group's
	err     error
	done    chan error
}

// do has the writer run f in a transaction and waits for its commit.
func (s *Store) do(ctx context.Context, f func(*writer) error) error {
	return s.wait(ctx, &request{run: f, done: make(chan error, 1)})
}

// wait hands a request to the writer and waits until it is done.
func (s *Store) wait(ctx context.Context, req *request) error {
	if err := s.send(ctx, req); err != nil {
		return err
	}
	select {
	case err := <-req.done:
		return err
	case <-ctx.Done():
		return evidence.Errorf(evidence.Unavailable, "", "gave up waiting for the commit; it may still happen, so try again with the same ids: %w", ctx.Err())
	}
}

func (s *Store) send(ctx context.Context, req *request) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return evidence.Errorf(evidence.Unavailable, "", "the store is closed")
	}
	if ctx.Err() != nil { // or select would toss a coin
		return evidence.Errorf(evidence.Unavailable, "", "gave up before it was written: %w", ctx.Err())
	}
	select {
	case s.queue <- req:
		return nil
	case <-ctx.Done():
		return evidence.Errorf(evidence.Unavailable, "", "gave up waiting to be written: %w", ctx.Err())
	}
}

// writer carries one group's transaction.
type writer struct {
	ctx   context.Context
	conn  *sql.Conn
	stmts *statements
	clock func() evidence.Time
	heads map[int64]*head // tenants touched in this transaction
}

// head is a tenant's end as the transaction has moved it.
type head struct {
	next uint64
	prev evidence.Digest
}

// writer is the loop of the one goroutine that writes.
func (s *Store) writer() {
	defer close(s.stopped)
	for req := range s.queue {
		group := []*request{req}
	more:
		for len(group) < maxGroup {
			select {
			case next, open := <-s.queue:
				if !open {
					break more
				}
				group = append(group, next)
			default:
				break more
			}
		}
		s.commit(group)
	}
}

// commit runs a group in one transaction and answers everyone in it, after
// the commit is on stable storage.
func (s *Store) commit(group []*request) {
	w := &writer{ctx: context.Background(), conn: s.conn, stmts: s.stmts, clock: s.clock, heads: map[int64]*head{}}
	written := slices.DeleteFunc(slices.Clone(group), func(req *request) bool { return req.between })
	err := s.Err()
	if err == nil && len(written) > 0 {
		if err = w.transact(written); err != nil {
			s.distrust(err)
		}
	}
	for _, req := range group {
		switch {
		case err != nil:
			req.err = unavailable("not acknowledged: try again with the same ids", err)
		case req.between:
			req.err = req.run(w)
		}
		req.done <- req.err
	}
}

// transact returns an error where the whole group failed; a single request
// that was refused only has its own err set.
func (w *writer) transact(group []*request) error {
	if _, err := w.conn.ExecContext(w.ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := w.work(group)
	if err == nil {
		_, err = w.conn.ExecContext(w.ctx, "COMMIT")
	}
	if err != nil {
		// The engine may have rolled back by itself. If this fails for any
		// other reason, the next BEGIN will too.
		w.conn.ExecContext(w.ctx, "ROLLBACK")
	}
	return err
}

func (w *writer) work(group []*request) error {
	for _, req := range group {
		var fatal *fatalError
		if req.err = req.run(w); errors.As(req.err, &fatal) {
			return fatal.err
		}
	}
	for no, h := range w.heads {
		if _, err := w.exec(w.stmts.setHead, h.next, string(h.prev), no); err != nil {
			return err
		}
	}
	return nil
}

// fatalError spoils the whole transaction: the engine failed, not the request.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

// exec runs a statement that can only fail with the engine.
func (w *writer) exec(st *sql.Stmt, args ...any) (sql.Result, error) {
	res, err := st.ExecContext(w.ctx, args...)
	if err != nil {
		return nil, &fatalError{err}
	}
	return res, nil
}

func (w *writer) tenantNo(id evidence.TenantID, newOrigin func() string) (no int64, err error) {
	err = w.conn.QueryRowContext(w.ctx, "SELECT no FROM tenant WHERE name=?", string(id)).Scan(&no)
	if err == nil {
		return no, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return 0, &fatalError{err}
	}
	res, err := w.conn.ExecContext(w.ctx, "INSERT INTO tenant (name, origin, prev) VALUES (?,?,?)", string(id), newOrigin(), string(evidence.ZeroDigest))
	if err != nil {
		return 0, &fatalError{err}
	}
	return res.LastInsertId()
}

// append places a batch, or leaves no trace of it.
func (w *writer) append(t *tenant, b *store.Batch) ([]store.Placed, error) {
	h, err := w.head(t)
	if err != nil {
		return nil, err
	}
	before := *h
	if !needsSavepoint(b) {
		return w.guarded(t, h, b)
	}
	if _, err := w.exec(w.stmts.savepoint); err != nil {
		return nil, err
	}
	placed, err := w.guarded(t, h, b)
	if err != nil {
		*h = before
		if _, undo := w.exec(w.stmts.undo); undo != nil {
			return nil, undo
		}
	}
	if _, rel := w.exec(w.stmts.release); rel != nil {
		return nil, rel
	}
	return placed, err
}

// needsSavepoint spares single plain records the cost: their only refusals,
// the guard's among them, come before anything is written.
func needsSavepoint(b *store.Batch) bool {
	return b.Epoch != nil || len(b.Entries) != 1 || len(b.Objects) > 0 || store.Folds(b.Entries[0].Record.Type)
}

func (w *writer) head(t *tenant) (*head, error) {
	if h, ok := w.heads[t.no]; ok {
		return h, nil
	}
	h := &head{}
	if err := w.stmts.getHead.QueryRowContext(w.ctx, t.no).Scan(&h.next, &h.prev); err != nil {
		return nil, &fatalError{err}
	}
	w.heads[t.no] = h
	return h, nil
}

// guarded runs the guard between the look for repeats and the first write.
func (w *writer) guarded(t *tenant, h *head, b *store.Batch) ([]store.Placed, error) {
	if b.Guard == nil {
		return w.place(t, h, b)
	}
	placed := make([]store.Placed, len(b.Entries))
	repeats := 0
	for i := range b.Entries {
		p, err := w.repeat(t, &b.Entries[i])
		if err != nil {
			return nil, err
		}
		if p != nil {
			placed[i] = *p
			repeats++
		}
	}
	if repeats == len(b.Entries) && repeats > 0 {
		return placed, nil
	}
	if err := b.Guard(w.folder(t, h)); err != nil {
		return nil, err
	}
	return w.place(t, h, b)
}

func (w *writer) place(t *tenant, h *head, b *store.Batch) ([]store.Placed, error) {
	if b.Epoch != nil {
		if err := w.epoch(t, b.Epoch); err != nil {
			return nil, err
		}
	}
	for _, data := range b.Objects {
		if _, err := w.exec(w.stmts.object, t.no, string(evidence.DigestOf(data)), data); err != nil {
			return nil, err
		}
	}
	placed := make([]store.Placed, len(b.Entries))
	received := w.clock()
	for i := range b.Entries {
		p, err := w.insert(t, h, &b.Entries[i], received)
		if err != nil {
			return nil, err
		}
		placed[i] = *p
	}
	return placed, nil
}

func (w *writer) epoch(t *tenant, e *store.Epoch) error {
	res, err := w.conn.ExecContext(w.ctx, "UPDATE tenant SET origin=?, sealed=0, checkpoint=NULL WHERE no=? AND origin=?", e.To, t.no, e.From)
	if err != nil {
		return &fatalError{err}
	}
	if n, _ := res.RowsAffected(); n != 1 {
		return evidence.Errorf(evidence.Conflict, "", "the log of tenant %s is no longer %s", t.id, e.From)
	}
	return nil
}

// insert writes one record after the head, its links and projections, and
// moves the head; a repeat changes nothing.
func (w *writer) insert(t *tenant, h *head, e *store.Entry, received evidence.Time) (*store.Placed, error) {
	r := e.Record
	r.Received = received
	copy(e.Bytes[e.Received:], received)
	leaf := evidence.Leaf{Tenant: t.id, Seq: h.next, Prev: h.prev, ID: r.ID, Type: r.Type, Received: received, Digest: evidence.DigestOf(e.Bytes)}
	line := leaf.Canonical()
	pos := t.pos(h.next)
	res, err := w.exec(w.stmts.insert, pos, t.no, string(r.ID), e.Submitter, e.MAC, string(r.Type), string(r.Run), line, e.Bytes, e.Vault)
	if err != nil {
		return nil, err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		p, err := w.repeat(t, e)
		if err == nil && p == nil {
			return nil, &fatalError{fmt.Errorf("place %d of tenant %s is taken: the head is behind the records", h.next, t.id)}
		}
		return p, err
	}
	for _, l := range r.Links {
		if _, err := w.exec(w.stmts.link, t.no, l.Kind, l.ID, pos); err != nil {
			return nil, err
		}
	}
	if store.Folds(r.Type) {
		if err := store.Fold(w.folder(t, h), h.next, r); err != nil {
			return nil, err
		}
	}
	h.next, h.prev = h.next+1, evidence.DigestOf(line)
	return &store.Placed{ID: r.ID, Seq: leaf.Seq, Received: received}, nil
}

// repeat finds the entry where it was placed before: nil where it was not,
// evidence.Conflict where other content, or another's, has its id.
func (w *writer) repeat(t *tenant, e *store.Entry) (*store.Placed, error) {
	var submitter string
	var mac, line []byte
	err := w.stmts.find.QueryRowContext(w.ctx, t.no, string(e.Record.ID)).Scan(&submitter, &mac, &line)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, &fatalError{err}
	}
	// What another submitter placed is never answered, whatever its content.
	if submitter == e.Submitter && len(mac) == 0 {
		return nil, evidence.Errorf(evidence.Conflict, "/id", "record %s exists, and what it withheld or held was erased: it is not compared with anything any more", e.Record.ID)
	}
	if submitter != e.Submitter || !hmac.Equal(mac, e.MAC) {
		return nil, evidence.Errorf(evidence.Conflict, "/id", "record %s exists with other content: use a new id", e.Record.ID)
	}
	leaf, err := evidence.ParseLeaf(line)
	if err != nil {
		return nil, err
	}
	return &store.Placed{ID: e.Record.ID, Seq: leaf.Seq, Received: leaf.Received, Repeat: true}, nil
}

// folder reads in the writer's transaction, and lets Fold write projections
// there.
type folder struct {
	reader
	w *writer
}

func (w *writer) folder(t *tenant, h *head) *folder {
	return &folder{reader{ctx: w.ctx, q: w.conn, t: t, head: h}, w}
}

// Get is the reader's, by a statement that is prepared.
func (f *folder) Get(kind, id string) (row []byte, err error) {
	err = f.w.stmts.projected.QueryRowContext(f.ctx, f.t.no, kind, id).Scan(&row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, &fatalError{err}
	}
	return row, nil
}

func (f *folder) Put(key store.Key, row []byte) error {
	_, err := f.w.exec(f.w.stmts.project, f.t.no, key.Kind, key.ID, key.Group, key.Status, row)
	return err
}
