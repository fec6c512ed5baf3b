package ledger

import (
	"bytes"
	"errors"
	"testing"

	"github.com/evidencefactory/evf/internal/tlog"
)

// TestFullTiles wants full tiles to be read once, and partial ones, short ones
// and errors every time.
func TestFullTiles(t *testing.T) {
	type read struct {
		level int
		index uint64
		width int
	}
	whole := bytes.Repeat([]byte{7}, tlog.TileWidth*tlog.HashSize)
	failed := errors.New("the disk failed")
	for _, c := range []struct {
		name  string
		data  []byte
		err   error
		reads []read
		want  int
	}{
		{"full, twice", whole, nil, []read{{0, 1, 256}, {0, 1, 256}}, 1},
		{"two of one level", whole, nil, []read{{0, 1, 256}, {0, 2, 256}}, 2},
		{"two of one index", whole, nil, []read{{0, 1, 256}, {1, 1, 256}}, 2},
		{"full, then partial", whole, nil, []read{{0, 1, 256}, {0, 1, 10}}, 2},
		{"partial, twice", whole[:320], nil, []read{{0, 1, 10}, {0, 1, 10}}, 2},
		{"full by name and short, twice", whole[:320], nil, []read{{0, 1, 256}, {0, 1, 256}}, 2},
		{"an error, twice", nil, failed, []read{{0, 1, 256}, {0, 1, 256}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f fullTiles
			n := 0
			through := f.through(func(int, uint64, int) ([]byte, error) { n++; return c.data, c.err })
			for _, r := range c.reads {
				if data, err := through(r.level, r.index, r.width); !bytes.Equal(data, c.data) || !errors.Is(err, c.err) {
					t.Errorf("%d bytes, %v", len(data), err)
				}
			}
			if n != c.want {
				t.Errorf("read %d times, want %d", n, c.want)
			}
		})
	}
	var f fullTiles
	through := f.through(func(int, uint64, int) ([]byte, error) { return whole, nil })
	for i := range uint64(3 * maxTiles) {
		through(0, i, tlog.TileWidth)
		if len(f.kept) > maxTiles {
			t.Fatalf("%d tiles are kept", len(f.kept))
		}
	}
}
