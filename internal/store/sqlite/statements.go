package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// statements are what the writer runs, prepared once.
type statements struct {
	getHead, setHead, checkpoint *sql.Stmt
	insert, find, link           *sql.Stmt
	object, project, projected   *sql.Stmt
	savepoint, undo, release     *sql.Stmt
	all                          []*sql.Stmt
}

func prepare(ctx context.Context, conn *sql.Conn) (*statements, error) {
	s := &statements{}
	for _, p := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&s.getHead, "SELECT next, prev FROM tenant WHERE no=?"},
		{&s.setHead, "UPDATE tenant SET next=?, prev=? WHERE no=?"},
		{&s.checkpoint, "UPDATE tenant SET sealed=?, checkpoint=? WHERE no=? AND sealed=?"},
		{&s.insert, "INSERT INTO record (pos, tenant, id, submitter, mac, type, run, leaf, record, vault) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"},
		{&s.find, "SELECT submitter, mac, leaf FROM record WHERE tenant=? AND id=?"},
		{&s.link, "INSERT INTO link (tenant, kind, id, pos) VALUES (?,?,?,?)"},
		{&s.object, "INSERT INTO object (tenant, digest, data) VALUES (?,?,?) ON CONFLICT DO NOTHING"},
		{&s.project, "INSERT INTO projection (tenant, kind, id, grp, status, row) VALUES (?,?,?,?,?,?) ON CONFLICT (tenant, kind, id) DO UPDATE SET grp=excluded.grp, status=excluded.status, row=excluded.row"},
		{&s.projected, "SELECT row FROM projection WHERE tenant=? AND kind=? AND id=?"},
		{&s.savepoint, "SAVEPOINT batch"},
		{&s.undo, "ROLLBACK TO batch"},
		{&s.release, "RELEASE batch"},
	} {
		st, err := conn.PrepareContext(ctx, p.sql)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		*p.to, s.all = st, append(s.all, st)
	}
	return s, nil
}

func (s *statements) close() (err error) {
	for _, st := range s.all {
		err = errors.Join(err, st.Close())
	}
	return err
}
