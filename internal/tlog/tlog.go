// Package tlog is the arithmetic of a tiled transparency log, shared by the
// ledger that grows one and the packets that carry proofs out of it: tiles and
// their paths (C2SP tlog-tiles), tree heads and proofs (RFC 6962), signed
// checkpoints (C2SP tlog-checkpoint). It is pure: reading a tile is the
// caller's business.
package tlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// TileWidth is the number of hashes in a full tile, and of entries in a full
// bundle.
const TileWidth = 256

// HashSize is the length of a hash in bytes.
const HashSize = sumdb.HashSize

// Hash is a Merkle tree hash of RFC 6962, with SHA-256.
type Hash = sumdb.Hash

// LeafHash is the hash of an entry.
func LeafHash(entry []byte) Hash { return sumdb.RecordHash(entry) }

// EmptyRoot is the head of a tree without entries.
func EmptyRoot() Hash { return (&Edge{}).Root() }

// Tile is part of one level of the tree: up to TileWidth hashes.
type Tile struct {
	Level  int
	Index  uint64
	Hashes []byte // HashSize bytes each
}

// Width is the number of hashes in the tile.
func (t Tile) Width() int { return len(t.Hashes) / HashSize }

// Path is where the tile stands below the log's prefix.
func (t Tile) Path() string { return tilePath(t.Level, t.Index, t.Width()) }

func tilePath(level int, index uint64, width int) string {
	return "tile/" + strconv.Itoa(level) + "/" + indexPath(index, width)
}

// BundlePath is where the entry bundle of an index and width stands.
func BundlePath(index uint64, width int) string { return "tile/entries/" + indexPath(index, width) }

// indexPath writes 1234067 as x001/x234/067, with .p/W for partial ones. It
// is written here because x/mod's paths carry a height that C2SP's do not.
func indexPath(index uint64, width int) string {
	path := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		path = fmt.Sprintf("x%03d/%s", index%1000, path)
	}
	if width < TileWidth {
		path += ".p/" + strconv.Itoa(width)
	}
	return path
}

// AppendEntry appends one entry to a bundle: its length in two bytes, then
// the entry.
func AppendEntry(bundle, entry []byte) ([]byte, error) {
	if len(entry) > 0xffff {
		return nil, fmt.Errorf("entry is %d bytes, above the 65535 a bundle can hold", len(entry))
	}
	return append(binary.BigEndian.AppendUint16(bundle, uint16(len(entry))), entry...), nil
}

// SplitBundle takes a bundle apart.
func SplitBundle(bundle []byte) (entries [][]byte, err error) {
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return nil, errors.New("entry bundle is cut short")
		}
		n := 2 + int(binary.BigEndian.Uint16(bundle))
		entries, bundle = append(entries, bundle[2:n]), bundle[n:]
	}
	return entries, nil
}

// Edge is the right edge of a growing tree: at each level the hashes of the
// tile still open. The zero Edge is an empty tree.
type Edge struct {
	size   uint64
	levels [][]byte
}

// Size is the number of entries.
func (e *Edge) Size() uint64 { return e.size }

// Add appends an entry's hash and hands every tile that it fills to full.
func (e *Edge) Add(h Hash, full func(Tile)) {
	e.size++
	span := uint64(1)
	for level := 0; ; level++ {
		if level == len(e.levels) {
			e.levels = append(e.levels, make([]byte, 0, TileWidth*HashSize))
		}
		e.levels[level] = append(e.levels[level], h[:]...)
		if len(e.levels[level]) < TileWidth*HashSize {
			return
		}
		span *= TileWidth
		full(Tile{Level: level, Index: e.size/span - 1, Hashes: e.levels[level]})
		h = subtree(e.levels[level])
		e.levels[level] = make([]byte, 0, TileWidth*HashSize)
	}
}

// Partial lists the open tiles that are not empty.
func (e *Edge) Partial() (tiles []Tile) {
	span := uint64(TileWidth)
	for level, hashes := range e.levels {
		if len(hashes) > 0 {
			tiles = append(tiles, Tile{Level: level, Index: e.size / span, Hashes: hashes})
		}
		span *= TileWidth
	}
	return tiles
}

// Root is the tree's head.
func (e *Edge) Root() Hash {
	var right []byte // hashes of ever larger subtrees, right to left
	root, any := Hash{}, false
	for _, hashes := range e.levels {
		right = hashes
		for len(right) > 0 {
			// The last subtree is the lowest set bit of the remaining count.
			n := len(right) / HashSize
			n = n & -n * HashSize
			h := subtree(right[len(right)-n:])
			if any {
				root = sumdb.NodeHash(h, root)
			} else {
				root, any = h, true
			}
			right = right[:len(right)-n]
		}
	}
	if !any {
		head, _ := sumdb.TreeHash(0, nil)
		return head
	}
	return root
}

// subtree is the head of the perfect tree over hashes, a power of two of them.
func subtree(hashes []byte) Hash {
	if len(hashes) == HashSize {
		return Hash(hashes)
	}
	half := len(hashes) / 2
	return sumdb.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

// Tiles reads tiles of a log of a known size. It returns the tile's hashes,
// at least HashSize*width bytes.
type Tiles func(level int, index uint64, width int) ([]byte, error)

// LoadEdge reads the right edge of a tree of the given size back.
func LoadEdge(size uint64, read Tiles) (*Edge, error) {
	e := &Edge{size: size}
	for level, n := 0, size; n > 0; level, n = level+1, n/TileWidth {
		hashes := make([]byte, 0, TileWidth*HashSize)
		if width := int(n % TileWidth); width > 0 {
			tile, err := readTile(read, level, n/TileWidth, width)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, tile...)
		}
		e.levels = append(e.levels, hashes)
	}
	return e, nil
}

func readTile(read Tiles, level int, index uint64, width int) ([]byte, error) {
	tile, err := read(level, index, width)
	if err != nil {
		return nil, err
	}
	if len(tile) < width*HashSize {
		return nil, fmt.Errorf("tile %d/%s is cut short", level, indexPath(index, width))
	}
	return tile[:width*HashSize], nil
}
