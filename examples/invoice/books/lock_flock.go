//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package books

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir holds dir until the result is closed. The kernel gives the lock back when the process
// dies, so a crash leaves nothing to clean up.
func lockDir(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, err
	}
	return f, nil
}
