package ledger

import (
	"sync"

	"github.com/evidencefactory/evf/internal/tlog"
)

// maxTiles bounds the tiles that are kept, of 8 KiB each.
const maxTiles = 256

// fullTiles keeps what proofs were made from: a full tile never changes, and
// the proofs of neighbours share nearly all of theirs. The zero value is
// ready.
type fullTiles struct {
	mu   sync.Mutex // guards kept
	kept map[tileAt][]byte
}

type tileAt struct {
	level int
	index uint64
}

// through reads a tile by read, unless it is kept.
func (f *fullTiles) through(read tlog.Tiles) tlog.Tiles {
	return func(level int, index uint64, width int) ([]byte, error) {
		if width != tlog.TileWidth {
			return read(level, index, width)
		}
		at := tileAt{level, index}
		f.mu.Lock()
		data, ok := f.kept[at]
		f.mu.Unlock()
		if ok {
			return data, nil
		}
		data, err := read(level, index, width)
		if err != nil || len(data) != tlog.TileWidth*tlog.HashSize {
			return data, err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.kept == nil || len(f.kept) == maxTiles {
			f.kept = map[tileAt][]byte{}
		}
		f.kept[at] = data
		return data, nil
	}
}
