package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// Progress hears how far a step has come: what it counts, how many of these
// are done, and how many there are. Steps come one after the other, and one
// may count several tenants' in turn.
type Progress func(what string, done, total uint64)

// of hears of one step; nil where nothing is heard.
func (p Progress) of(what string) func(done, total uint64) {
	if p == nil {
		return nil
	}
	return func(done, total uint64) { p(what, done, total) }
}

// bytes hears of one step that counts bytes, which are told in MB.
func (p Progress) bytes(what string) func(done, total uint64) {
	if p == nil {
		return nil
	}
	return func(done, total uint64) { p("MB "+what, done/1e6, total/1e6) }
}

func digestOf(path string, progress Progress) (string, error) {
	h := sha256.New()
	err := copyTo(h, path, progress.bytes("read"))
	return hex.EncodeToString(h.Sum(nil)), err
}

// copyTo copies a file, and tells how far it is.
func copyTo(w io.Writer, path string, progress func(done, total uint64)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for done := int64(0); ; {
		n, err := io.CopyN(w, f, 1<<20)
		if done += n; progress != nil {
			progress(uint64(done), uint64(info.Size()))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
