package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// seqBits is how much of a pos is the seq: 2^40 records a tenant.
const seqBits = 40

// pos is where a seq stands. A seq that no record can have stands behind the
// tenant's last place, never among another tenant's.
func (t *tenant) pos(seq uint64) int64 { return t.no<<seqBits + int64(min(seq, 1<<seqBits)) }

// end is the first pos behind a tenant's records.
func (t *tenant) end() int64 { return t.pos(1 << seqBits) }

// seqOf is the seq that stands at a pos.
func seqOf(pos int64) uint64 { return uint64(pos & (1<<seqBits - 1)) }

// querier is a *sql.Tx or the writer's *sql.Conn.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reader implements store.Tx.
type reader struct {
	ctx  context.Context
	q    querier
	t    *tenant
	head *head // where the writer's transaction has moved it, nil in a View
}

var _ store.Tx = (*reader)(nil)

func (r *reader) Head() (h store.Head, err error) {
	err = r.q.QueryRowContext(r.ctx, "SELECT origin, next, prev, sealed, checkpoint, forgotten FROM tenant WHERE no=?", r.t.no).
		Scan(&h.Origin, &h.Next, &h.Prev, &h.Sealed, &h.Checkpoint, &h.Forgotten)
	if err != nil {
		return h, unavailable("read the head", err)
	}
	if r.head != nil {
		h.Next, h.Prev = r.head.next, r.head.prev
	}
	return h, nil
}

const rowColumns = "SELECT pos, id, type, run, submitter, leaf, record, vault FROM record "

func (r *reader) Rows(from uint64, limit int) ([]store.Row, error) {
	return r.rows(rowColumns+"WHERE pos>=? AND pos<? ORDER BY pos LIMIT ?", r.t.pos(from), r.t.end(), limit)
}

func (r *reader) RunRows(run evidence.RunID, from uint64, limit int) ([]store.Row, error) {
	if run == "" {
		return nil, nil
	}
	return r.rows(rowColumns+"WHERE run=? AND run<>'' AND pos>=? AND pos<? ORDER BY pos LIMIT ?", string(run), r.t.pos(from), r.t.end(), limit)
}

func (r *reader) RunLength(run evidence.RunID) (n uint64, err error) {
	err = r.q.QueryRowContext(r.ctx, "SELECT count(*) FROM record WHERE run=? AND run<>'' AND pos>=? AND pos<?", string(run), r.t.pos(0), r.t.end()).Scan(&n)
	if err != nil {
		return 0, unavailable("count records", err)
	}
	return n, nil
}

func (r *reader) HouseRows(from uint64, limit int) ([]store.Row, error) {
	// Named, since the engine takes the primary key for as good and then reads
	// every record.
	return r.rows(rowColumns+"INDEXED BY record_house WHERE run='' AND length(vault)>0 AND pos>=? AND pos<? ORDER BY pos LIMIT ?", r.t.pos(from), r.t.end(), limit)
}

func (r *reader) TypeRows(t evidence.Type, from uint64, limit int) ([]store.Row, error) {
	return r.rows(rowColumns+"WHERE tenant=? AND type=? AND pos>=? ORDER BY pos LIMIT ?", r.t.no, string(t), r.t.pos(from), limit)
}

func (r *reader) RowByID(submitter string, id evidence.RecordID) (store.Row, error) {
	rows, err := r.rows(rowColumns+"WHERE tenant=? AND id=? AND submitter=?", r.t.no, string(id), submitter)
	if err != nil {
		return store.Row{}, err
	}
	if len(rows) == 0 {
		return store.Row{}, evidence.Errorf(evidence.NotFound, "", "no such record: %s", id)
	}
	return rows[0], nil
}

func (r *reader) rows(query string, args ...any) ([]store.Row, error) {
	return list(r, "read records", func(rows *sql.Rows) (row store.Row, err error) {
		var pos int64
		err = rows.Scan(&pos, &row.ID, &row.Type, &row.Run, &row.Submitter, &row.Leaf, &row.Record, &row.Vault)
		row.Seq = seqOf(pos)
		return row, err
	}, query, args...)
}

func (r *reader) Linked(l evidence.Link, from uint64, limit int) ([]uint64, error) {
	return list(r, "read links", func(rows *sql.Rows) (uint64, error) {
		var pos int64
		err := rows.Scan(&pos)
		return seqOf(pos), err
	}, "SELECT pos FROM link WHERE tenant=? AND kind=? AND id=? AND pos>=? ORDER BY pos LIMIT ?", r.t.no, l.Kind, l.ID, r.t.pos(from), limit)
}

func (r *reader) Object(d evidence.Digest) (data []byte, err error) {
	err = r.q.QueryRowContext(r.ctx, "SELECT data FROM object WHERE tenant=? AND digest=?", r.t.no, string(d)).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, evidence.Errorf(evidence.NotFound, "", "no such object: %s", d)
	}
	if err != nil {
		return nil, unavailable("read an object", err)
	}
	return data, nil
}

func (r *reader) Get(kind, id string) (row []byte, err error) {
	err = r.q.QueryRowContext(r.ctx, "SELECT row FROM projection WHERE tenant=? AND kind=? AND id=?", r.t.no, kind, id).Scan(&row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable("read a projection", err)
	}
	return row, nil
}

func (r *reader) List(kind, group, status, after string, limit int) ([][]byte, error) {
	query, args := "SELECT row FROM projection WHERE tenant=? AND kind=? AND id>?", []any{r.t.no, kind, after}
	if group != "" {
		query, args = query+" AND grp=?", append(args, group)
	}
	if status != "" {
		query, args = query+" AND status=?", append(args, status)
	}
	return list(r, "list projections", func(rows *sql.Rows) (row []byte, err error) {
		err = rows.Scan(&row)
		return row, err
	}, query+" ORDER BY id LIMIT ?", append(args, limit)...)
}

func (r *reader) States(after store.Key, limit int) ([]store.StateRow, error) {
	return list(r, "list projections", func(rows *sql.Rows) (s store.StateRow, err error) {
		err = rows.Scan(&s.Kind, &s.ID, &s.Group, &s.Status, &s.Row)
		return s, err
	}, "SELECT kind, id, grp, status, row FROM projection WHERE tenant=? AND (kind, id)>(?, ?) ORDER BY kind, id LIMIT ?",
		r.t.no, after.Kind, after.ID, limit)
}

func (r *reader) Links(after store.PlacedLink, limit int) ([]store.PlacedLink, error) {
	return list(r, "read links", func(rows *sql.Rows) (l store.PlacedLink, err error) {
		var pos int64
		err = rows.Scan(&l.Kind, &l.ID, &pos)
		l.Seq = seqOf(pos)
		return l, err
	}, "SELECT kind, id, pos FROM link WHERE tenant=? AND (kind, id, pos)>(?, ?, ?) ORDER BY kind, id, pos LIMIT ?",
		r.t.no, after.Kind, after.ID, r.t.pos(after.Seq), limit)
}

func (r *reader) Objects(after evidence.Digest, limit int) ([]evidence.Digest, error) {
	return list(r, "list objects", func(rows *sql.Rows) (d evidence.Digest, err error) {
		err = rows.Scan(&d)
		return d, err
	}, "SELECT digest FROM object WHERE tenant=? AND digest>? ORDER BY digest LIMIT ?", r.t.no, string(after), limit)
}

// list runs a query and scans its rows.
func list[E any](r *reader, what string, scan func(*sql.Rows) (E, error), query string, args ...any) (all []E, err error) {
	rows, err := r.q.QueryContext(r.ctx, query, args...)
	if err != nil {
		return nil, unavailable(what, err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, unavailable(what, err)
		}
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return nil, unavailable(what, err)
	}
	return all, nil
}
