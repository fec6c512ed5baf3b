package tlog

import (
	"fmt"
	"math"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// InclusionProof proves that the entry at index is in the tree of size.
func InclusionProof(size, index uint64, read Tiles) ([]Hash, error) {
	if index >= size || size > math.MaxInt64 {
		return nil, fmt.Errorf("index %d is not below the tree's size %d", index, size)
	}
	return sumdb.ProveRecord(int64(size), int64(index), hashReader(size, read))
}

// ConsistencyProof proves that the tree of size new grew out of that of old.
func ConsistencyProof(old, new uint64, read Tiles) ([]Hash, error) {
	if old == 0 || old > new || new > math.MaxInt64 {
		return nil, fmt.Errorf("a tree of %d entries cannot have grown out of one of %d", new, old)
	}
	return sumdb.ProveTree(int64(new), int64(old), hashReader(new, read))
}

// hashReader answers sumdb's stored-hash indexes out of tiles.
func hashReader(size uint64, read Tiles) sumdb.HashReader {
	return sumdb.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		hashes := make([]Hash, len(indexes))
		for i, x := range indexes {
			h, err := hashAt(size, x, read)
			if err != nil {
				return nil, err
			}
			hashes[i] = h
		}
		return hashes, nil
	})
}

func hashAt(size uint64, stored int64, read Tiles) (Hash, error) {
	height, n := sumdb.SplitStoredHashIndex(stored)
	level, within := height/8, height%8
	first := uint64(n) << within // index of the first tile hash below
	count := uint64(1) << within
	width := uint64(TileWidth)
	if total := size >> (8 * level); first/TileWidth == total/TileWidth {
		width = total % TileWidth
	}
	tile, err := readTile(read, level, first/TileWidth, int(width))
	if err != nil {
		return Hash{}, err
	}
	at := first % TileWidth
	if at+count > width {
		return Hash{}, fmt.Errorf("tree of %d entries has no hash at height %d, %d", size, height, n)
	}
	return subtree(tile[at*HashSize : (at+count)*HashSize]), nil
}
