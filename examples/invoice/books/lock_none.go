//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package books

import (
	"errors"
	"io"
)

// lockDir refuses: books that two processes may write at once are no books.
func lockDir(string) (io.Closer, error) {
	return nil, errors.New("this platform has no file locks that a crash gives back")
}
