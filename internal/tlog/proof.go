package tlog

import (
	"errors"
	"fmt"
	"math"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// ErrProof marks a proof that does not hold.
var ErrProof = errors.New("proof does not hold")

// InclusionProof proves that the entry at index is in the tree of size.
func InclusionProof(size, index uint64, read Tiles) ([]Hash, error) {
	if index >= size || size > math.MaxInt64 {
		return nil, fmt.Errorf("index %d is not below the tree's size %d", index, size)
	}
	return sumdb.ProveRecord(int64(size), int64(index), hashReader(size, read))
}

// VerifyInclusion checks that the entry with hash leaf is at index in the tree
// of size with head root. The error wraps ErrProof.
func VerifyInclusion(proof []Hash, size uint64, root Hash, index uint64, leaf Hash) error {
	if size > math.MaxInt64 || index >= size {
		return fmt.Errorf("%w: index %d is not below the tree's size %d", ErrProof, index, size)
	}
	if err := sumdb.CheckRecord(proof, int64(size), root, int64(index), leaf); err != nil {
		return fmt.Errorf("%w: entry %d is not in the tree of size %d", ErrProof, index, size)
	}
	return nil
}

// ConsistencyProof proves that the tree of size new grew out of that of old.
func ConsistencyProof(old, new uint64, read Tiles) ([]Hash, error) {
	if old == 0 || old > new || new > math.MaxInt64 {
		return nil, fmt.Errorf("a tree of %d entries cannot have grown out of one of %d", new, old)
	}
	return sumdb.ProveTree(int64(new), int64(old), hashReader(new, read))
}

// VerifyConsistency checks a consistency proof. The error wraps ErrProof.
func VerifyConsistency(proof []Hash, old uint64, oldRoot Hash, new uint64, newRoot Hash) error {
	if old == 0 || old > new || new > math.MaxInt64 {
		return fmt.Errorf("%w: a tree of %d entries cannot have grown out of one of %d", ErrProof, new, old)
	}
	if err := sumdb.CheckTree(proof, int64(new), newRoot, int64(old), oldRoot); err != nil {
		return fmt.Errorf("%w: the tree of %d entries does not extend the one of %d", ErrProof, new, old)
	}
	return nil
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
