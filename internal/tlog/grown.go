package tlog

import (
	"errors"
	"fmt"
	"io/fs"
)

// Files reads a file of a published log by its path below the log's prefix:
// checkpoint, tile/0/000, tile/0/001.p/7. An error that is fs.ErrNotExist says
// that there is none.
type Files func(path string) ([]byte, error)

// Tiles reads tiles out of files. A log may drop a partial tile once the full
// one is there, so that one serves as well.
func (read Files) Tiles(level int, index uint64, width int) ([]byte, error) {
	path := tilePath(level, index, width)
	tile, err := read(path)
	if errors.Is(err, fs.ErrNotExist) && width < TileWidth {
		if full, again := read(tilePath(level, index, TileWidth)); !errors.Is(again, fs.ErrNotExist) {
			tile, err, width = full, again, TileWidth
		}
	}
	if err != nil {
		return nil, err
	}
	if len(tile) != width*HashSize {
		return nil, fmt.Errorf("%w: %s has %d bytes, want %d", ErrProof, path, len(tile), width*HashSize)
	}
	return tile, nil
}

// CheckGrown proves from a log's files that the tree of head next grew out of
// that of head old, both of one origin: nothing that old covers was removed,
// reordered or altered. An error wraps ErrProof where the files show
// otherwise, fs.ErrNotExist where one that is needed is not there, and else
// says why one could not be read.
func CheckGrown(old, next Checkpoint, files Files) error {
	switch {
	case old.Size > next.Size:
		return fmt.Errorf("%w: a tree of %d entries cannot have grown out of one of %d", ErrProof, next.Size, old.Size)
	case old.Size == 0 && old.Root != EmptyRoot():
		return fmt.Errorf("%w: the root at size 0 is not that of an empty tree", ErrProof)
	case old.Size == 0:
		return nil // every tree grew out of the empty one
	case old.Size == next.Size && old.Root != next.Root:
		return fmt.Errorf("%w: two roots at size %d: the log showed two histories", ErrProof, old.Size)
	case old.Size == next.Size:
		return nil
	}
	tiles, err := rootedTiles(next, files)
	if err != nil {
		return err
	}
	proof, err := ConsistencyProof(old.Size, next.Size, tiles)
	if err != nil {
		return err
	}
	if VerifyConsistency(proof, old.Size, old.Root, next.Size, next.Root) != nil {
		return fmt.Errorf("%w: the tree of size %d did not grow out of the one of size %d: what was sealed has been altered, or the log showed two histories", ErrProof, next.Size, old.Size)
	}
	return nil
}

// rootedTiles reads tiles that are known to lead to head's root, so that a
// tile which does not is named. The open tiles at the tree's right edge give
// the root between them; every full tile is a hash in the tile above it.
func rootedTiles(head Checkpoint, files Files) (Tiles, error) {
	edge, err := LoadEdge(head.Size, files.Tiles)
	if err != nil {
		return nil, err
	}
	if edge.Root() != head.Root {
		return nil, fmt.Errorf("%w: the tiles do not lead to the root at size %d", ErrProof, head.Size)
	}
	var rooted Tiles
	rooted = func(level int, index uint64, width int) ([]byte, error) {
		if width < TileWidth {
			return edge.levels[level], nil
		}
		tile, err := files.Tiles(level, index, width)
		if err != nil {
			return nil, err
		}
		above := head.Size >> (8 * (level + 1)) // full tiles at this level
		aboveWidth := TileWidth
		if index/TileWidth == above/TileWidth {
			aboveWidth = int(above % TileWidth)
		}
		parent, err := readTile(rooted, level+1, index/TileWidth, aboveWidth)
		if err != nil {
			return nil, err
		}
		at := index % TileWidth * HashSize
		if subtree(tile) != Hash(parent[at:at+HashSize]) {
			return nil, fmt.Errorf("%w: %s is not the tile that the root at size %d covers", ErrProof, tilePath(level, index, width), head.Size)
		}
		return tile, nil
	}
	return rooted, nil
}
