package hook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// State keeps short values by session and name, in files of a folder that only
// its owner reads. Of several processes that keep one at a time, one wins and
// all are told its value.
type State struct{ Dir string }

// path is named by digests: what an agent sends names no file.
func (s State) path(session, name string) string {
	return filepath.Join(s.Dir, digest(session)[:32], digest(name)[:32])
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Keep keeps a value unless there is one, and gives the one that is kept.
func (s State) Keep(session, name, value string) (string, error) {
	path := s.path(session, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(value + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return "", err
	}
	return s.Find(session, name)
}

// Find gives a value, "" where none is kept.
func (s State) Find(session, name string) (string, error) {
	data, err := os.ReadFile(s.path(session, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSuffix(string(data), "\n"), err
}

// Take gives a value to one of those who ask for it, and keeps it no longer.
// The others are told that there is none.
func (s State) Take(session, name string) (string, error) {
	path := s.path(session, name)
	f, err := os.CreateTemp(s.Dir, ".take-*")
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Close(), os.Rename(path, f.Name())); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	data, err := os.ReadFile(f.Name())
	return strings.TrimSuffix(string(data), "\n"), errors.Join(err, os.Remove(f.Name()))
}

// waiting names an action that waits by the call that it is: the same call
// again has the same name.
func waiting(ev *Event) string {
	return "waiting " + ev.Tool + " " + digest(string(ev.Args.Canonical()))
}
