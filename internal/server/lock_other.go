//go:build !unix

package server

import (
	"errors"
	"os"
)

// lock refuses: without a lock that ends with its process, two servers could
// write one history each.
func lock(string) (*os.File, error) {
	return nil, errors.New("data directories can be held on Unix systems only: use --server URL")
}
