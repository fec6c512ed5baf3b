package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Copy writes a consistent copy of a database into a new file that only its
// owner reads, while others use it or not. What was removed from the database
// is not in the copy.
func Copy(ctx context.Context, from, to string) error {
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
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}
