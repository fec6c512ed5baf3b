package tlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
)

// files serves the tiles of a log as a published one does.
func (l *log) files(path string) ([]byte, error) {
	if tile, ok := l.tiles[path]; ok {
		return tile, nil
	}
	return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
}

func TestCheckGrown(t *testing.T) {
	for _, pair := range [][2]int{{0, 0}, {0, 5}, {1, 1}, {1, 2}, {7, 300}, {255, 256}, {256, 512}, {300, 301}, {65536, 70000}, {65537, 70000}, {69999, 70000}} {
		old, next := grow(pair[0]), grow(pair[1])
		if err := CheckGrown(old.head(), next.head(), next.files); err != nil {
			t.Errorf("%v: %v", pair, err)
		}
		if pair[0] == pair[1] {
			continue
		}
		if err := CheckGrown(next.head(), old.head(), next.files); !errors.Is(err, ErrProof) {
			t.Errorf("%v, backwards: %v", pair, err)
		}
		// The log once showed another tree of the old size.
		other := old.head()
		other.Root[3] ^= 1
		if err := CheckGrown(other, next.head(), next.files); !errors.Is(err, ErrProof) {
			t.Errorf("%v, another past: %v", pair, err)
		}
	}
	head, other := grow(7).head(), grow(7).head()
	other.Root[0] ^= 1
	if err := CheckGrown(head, other, nil); !errors.Is(err, ErrProof) {
		t.Errorf("two roots of one size: %v", err)
	}
}

// An entry that was altered after the old checkpoint shows, with tiles that
// fit the new one throughout.
func TestCheckGrownFindsRewriting(t *testing.T) {
	old := grow(300)
	for _, altered := range []int{0, 42, 255, 256, 299} {
		next := &log{tiles: map[string][]byte{}}
		for i := range 600 {
			entry := fmt.Appendf(nil, "entry %d", i)
			if i == altered {
				entry = []byte("another")
			}
			next.add(entry)
		}
		for _, tile := range next.edge.Partial() {
			next.keep(tile)
		}
		err := CheckGrown(old.head(), next.head(), next.files)
		if !errors.Is(err, ErrProof) || !strings.Contains(err.Error(), "two histories") {
			t.Errorf("entry %d altered: %v", altered, err)
		}
	}
}

// Whatever tile is bent or gone, the proof is refused or cannot be made; it
// never holds over a tile that it read wrong, and the tile is named.
func TestCheckGrownTiles(t *testing.T) {
	const from, to = 300, 66000
	old, l := grow(from), grow(to)
	used := map[string]bool{}
	note := func(path string) ([]byte, error) { used[path] = true; return l.files(path) }
	if err := CheckGrown(old.head(), l.head(), note); err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(used)) {
		with := func(tile []byte, gone error) Files {
			return func(p string) ([]byte, error) {
				if p == path {
					return tile, gone
				}
				return l.files(p)
			}
		}
		bent := bytes.Clone(l.tiles[path])
		bent[len(bent)-1] ^= 1
		err := CheckGrown(old.head(), l.head(), with(bent, nil))
		if !errors.Is(err, ErrProof) || !strings.Contains(err.Error(), path) && !strings.Contains(err.Error(), "do not lead to the root") {
			t.Errorf("%s bent: %v", path, err)
		}
		if err := CheckGrown(old.head(), l.head(), with(bent[:len(bent)-1], nil)); !errors.Is(err, ErrProof) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s cut: %v", path, err)
		}
		err = CheckGrown(old.head(), l.head(), with(nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)))
		if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrProof) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s gone: %v", path, err)
		}
		broken := errors.New("no route")
		if err := CheckGrown(old.head(), l.head(), with(nil, broken)); !errors.Is(err, broken) {
			t.Errorf("%s out of reach: %v", path, err)
		}
	}
	if len(used) < 5 {
		t.Errorf("only %d tiles were read", len(used))
	}
}

// A partial tile may be gone once the full one is there.
func TestFullTileServesForPartial(t *testing.T) {
	old, middle, l := grow(100), grow(300), grow(600)
	for path := range l.tiles {
		if strings.Contains(path, ".p/") {
			delete(l.tiles, path)
		}
	}
	l.tiles["tile/1/000.p/1"] = middle.tiles["tile/1/000.p/1"]
	if err := CheckGrown(old.head(), middle.head(), l.files); err != nil {
		t.Error(err)
	}
}
