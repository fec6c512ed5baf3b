package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// Copy writes a consistent copy of a database into a new file, while others
// use it or not. What was removed from the database is not in the copy.
func Copy(ctx context.Context, from, to string) error {
	db, err := open(from, "", 1)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}
