package server

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// Bounds of a file of keys. USTAR itself bounds a member at 8 GiB, keys.db
// among them, and has no sparse members that grow as they are unpacked.
const (
	maxKeyFiles = 1 << 16
	maxKeyFile  = 1 << 16 // of one that is not keys.db
)

// keyFileName is keys.db, vault.key, and the keys of logs and packets.
var keyFileName = regexp.MustCompile(`^(keys\.db|(vault|(log|packet)-[a-z0-9.-]{1,90})\.key)$`)

// fits reports whether a file may stand in a file of keys, as the nth of it.
func fits(name string, size int64, n int) bool {
	return keyFileName.MatchString(name) && (name == "keys.db" || size <= maxKeyFile) && n <= maxKeyFiles
}

// writeTar puts the files of a folder into one that only its owner reads.
func writeTar(path, dir string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := tar.NewWriter(f)
	entries, err := os.ReadDir(dir)
	for n, e := range entries {
		err = errors.Join(err, addFile(w, dir, e.Name(), n+1))
	}
	return errors.Join(err, w.Close(), f.Sync(), f.Close())
}

func addFile(w *tar.Writer, dir, name string, n int) error {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !fits(name, info.Size(), n) {
		return fmt.Errorf("%q is no key, or too large for one, or one of too many: take it out of the folder of keys", name)
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), Format: tar.FormatUSTAR}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// readTar puts the files back, and takes nothing but what writeTar would have
// put there.
func readTar(path, dir string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := tar.NewReader(f)
	for n := 1; ; n++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s is not a file of keys: %w", path, err)
		}
		if h.Typeflag != tar.TypeReg || h.Format != tar.FormatUSTAR || !fits(h.Name, h.Size, n) {
			return fmt.Errorf("%s is not a file of keys: its member %d is none that a backup writes", path, n)
		}
		if err := readFile(r, filepath.Join(dir, h.Name)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
}

func readFile(r io.Reader, path string) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Sync(), out.Close())
}
