package erasure

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/vault"
)

// List is a file of erasures outside the house, a line each, that only grows:
// what a restore needs to know of the time after its backup. The zero List is
// none.
type List struct{ Path string }

// Line is one line of a List.
type Line struct {
	Version int             `json:"v"`
	Tenant  string          `json:"tenant"`
	Origin  string          `json:"origin"` // of the log that sealed it
	Leaf    json.RawMessage `json:"leaf"`
	Record  json.RawMessage `json:"record"`
}

// Erasure is what a line holds, once its leaf is known to be the record's.
func (l *Line) Erasure() (vault.Erasure, error) {
	e := vault.Erasure{Leaf: l.Leaf, Record: l.Record}
	if l.Version != 1 {
		return e, fmt.Errorf("is of version %d, this program knows 1", l.Version)
	}
	leaf, _, err := e.Read()
	if err == nil && string(leaf.Tenant) != l.Tenant {
		err = fmt.Errorf("its leaf is of another tenant than the line")
	}
	return e, err
}

// maxLine bounds one line of a list.
const maxLine = 2 * evidence.MaxRecord

// ReadList reads a list strictly: one line that is no erasure, and nothing of
// it counts. A last line that a crash cut short is left out.
func ReadList(r io.Reader) (lines []Line, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	for n := 1; ; n++ {
		text, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return lines, nil
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		var l Line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, fmt.Errorf("line %d is no line of a list of erasures: %w", n, err)
		}
		if _, err := l.Erasure(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		lines = append(lines, l)
	}
}

// add appends one erasure durably.
func (l List) add(t store.Tenant, e vault.Erasure) error {
	if l.Path == "" {
		return nil
	}
	var head store.Head
	err := t.View(context.Background(), func(tx store.Tx) (err error) {
		head, err = tx.Head()
		return err
	})
	if err != nil {
		return err
	}
	line, err := json.Marshal(Line{1, string(t.ID()), head.Origin, e.Leaf, e.Record})
	if err != nil {
		return err
	}
	return unwritten(l.Path, l.append(append(line, '\n')))
}

// append writes a line behind the last whole one.
func (l List) append(line []byte) error {
	f, err := os.OpenFile(l.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	end, err := wholeLines(f)
	if err != nil {
		return err
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	if _, err := f.WriteAt(line, end); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(l.Path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// wholeLines is where the last whole line ends: a crash may have cut one off.
func wholeLines(f *os.File) (end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	for end = info.Size(); end > 0; {
		chunk := make([]byte, min(end, 4096))
		if _, err := f.ReadAt(chunk, end-int64(len(chunk))); err != nil {
			return 0, err
		}
		if at := bytes.LastIndexByte(chunk, '\n'); at >= 0 {
			return end - int64(len(chunk)-at-1), nil
		}
		end -= int64(len(chunk))
	}
	return 0, nil
}

// Complete adds every erasure that is carried out and not on the list.
func (l List) Complete(ctx context.Context, t store.Tenant, v *vault.Vault) error {
	if l.Path == "" {
		return nil
	}
	listed := map[evidence.RecordID]bool{}
	f, err := os.Open(l.Path)
	if err == nil {
		lines, err := ReadList(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("the list of erasures %s: %w", l.Path, err)
		}
		for _, line := range lines {
			leaf, err := evidence.ParseLeaf(line.Leaf)
			if err != nil {
				return err
			}
			listed[leaf.ID] = true
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return v.EachErasure(ctx, t.ID(), func(e vault.Erasure) error {
		leaf, err := evidence.ParseLeaf(e.Leaf)
		if err != nil || listed[leaf.ID] {
			return err
		}
		return l.add(t, e)
	})
}

func unwritten(path string, err error) error {
	if err == nil {
		return nil
	}
	return evidence.Errorf(evidence.Unavailable, "", "the erasure is carried out, and could not be added to the list %s: the next one adds it: %w", path, err)
}
