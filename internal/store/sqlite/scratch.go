package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/internal/store"
)

// Scratch is projections that a checker folds records into, as many as there
// are: they lie in a temporary file without a name, which is gone with Close
// or with the process. It is for one goroutine.
type Scratch struct {
	folder
	db *sql.DB
}

var _ store.Folder = (*Scratch)(nil)

const (
	scratchPragmas = "PRAGMA journal_mode=off; PRAGMA synchronous=off; PRAGMA cache_size=-32768; "
	// Folding looks rows up by their key only, and reading back goes by it too.
	scratchIndexes = "DROP INDEX projection_grp; DROP INDEX projection_status; "
)

// OpenScratch makes an empty Scratch, in the folder for temporary files.
func OpenScratch(ctx context.Context) (s *Scratch, err error) {
	// No name, so SQLite unlinks the file as soon as it is open, and needs it
	// only once the cache is full. What is lost with the process needs neither
	// journal nor sync, and one transaction that never ends.
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return nil, fmt.Errorf("open a temporary file: %w", err)
	}
	db.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open a temporary file: %w", err), db.Close())
		}
	}()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err = conn.ExecContext(ctx, scratchPragmas+schema+scratchIndexes+"BEGIN"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	stmts, err := prepare(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w := &writer{ctx: ctx, conn: conn, stmts: stmts}
	return &Scratch{*w.folder(&tenant{no: 1}, nil), db}, nil
}

// Close removes the file.
func (s *Scratch) Close() error {
	return errors.Join(s.w.stmts.close(), s.w.conn.Close(), s.db.Close())
}
