package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// Copy writes a consistent copy of a database into a new file that only its
// owner reads, while others use it or not. What was removed from the database
// is not in the copy. Progress hears about how many bytes are written, from
// one goroutine at a time; nil hears nothing.
func Copy(ctx context.Context, from, to string, progress func(done, total uint64)) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// The copy takes this over from the database it is made of: pages that
	// split while it is written would leave stale bytes in it, and what is
	// erased there later would stand in those.
	db, err := open(from, "&_pragma=secure_delete(1)", 1)
	if err != nil {
		return err
	}
	done, err := watch(ctx, db, to, progress)
	if err == nil {
		_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
		done()
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

// watch tells progress how a copy grows, until the function that it returns is
// called: the engine copies in one statement, and says nothing meanwhile.
func watch(ctx context.Context, db *sql.DB, to string, progress func(done, total uint64)) (done func(), err error) {
	if progress == nil {
		return func() {}, nil
	}
	var pages, size uint64
	if err := db.QueryRowContext(ctx, "SELECT page_count, page_size FROM pragma_page_count, pragma_page_size").Scan(&pages, &size); err != nil {
		return nil, err
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if info, err := os.Stat(to); err == nil {
					progress(min(uint64(info.Size()), pages*size), pages*size)
				}
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		progress(pages*size, pages*size)
	}, nil
}
