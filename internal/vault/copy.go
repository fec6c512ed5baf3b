package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Copy writes a consistent copy of the keys into a new file that only its owner
// reads. A key that was destroyed is not in it.
func (v *Vault) Copy(ctx context.Context, to string) error {
	// Made before, so that it is never readable to others.
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := v.db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return errors.Join(fmt.Errorf("copy the keys: %w", err), os.Remove(to))
	}
	return nil
}
