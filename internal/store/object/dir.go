// Package object keeps immutable and replaceable files durably: what Put has
// returned from survives a power cut, and a reader sees the whole file or none.
package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is a folder of files named by slash-separated paths.
type Dir struct{ root string }

// NewDir uses root, which is made on the first Put.
func NewDir(root string) Dir { return Dir{root} }

// Root is the folder's path.
func (d Dir) Root() string { return d.root }

// ErrMissing marks a file that is not there.
var ErrMissing = fs.ErrNotExist

func (d Dir) file(path string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		return "", fmt.Errorf("object path %q leaves its folder", path)
	}
	return filepath.Join(d.root, filepath.FromSlash(path)), nil
}

// Get reads a file; ErrMissing where there is none.
func (d Dir) Get(path string) ([]byte, error) {
	name, err := d.file(path)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// Put writes a file and syncs it and its folders. An existing file is
// replaced in one step.
//
// The order is: content synced under a passing name, renamed, folder synced.
// A crash before the rename leaves the old file, one after it the new.
func (d Dir) Put(path string, data []byte) error {
	name, err := d.file(path)
	if err != nil {
		return err
	}
	if err := d.makeFolder(filepath.Dir(name)); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".put-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncFolder(filepath.Dir(name))
}

// Remove deletes a file; one that is not there is no error.
func (d Dir) Remove(path string) error {
	name, err := d.file(path)
	if err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeFolder makes a folder and syncs every folder that gained an entry.
func (d Dir) makeFolder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := d.makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Move renames a file or folder durably. It does not replace a folder that
// holds something.
func Move(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(syncFolder(filepath.Dir(to)), syncFolder(filepath.Dir(from)))
}

// Remove deletes a file durably.
func Remove(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
