package tlog

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// ErrProof marks a proof that does not hold.
var ErrProof = errors.New("proof does not hold")

// Span is the entries from Start up to End, which is not among them. Where
// Start is a multiple of its length rounded up to a power of two, it is a
// subtree of every larger tree.
type Span struct{ Start, End uint64 }

func (s Span) isSubtree(size uint64) bool {
	if s.Start > s.End || s.End > size || size > math.MaxInt64 {
		return false
	}
	return s.empty() || s.Start&(1<<bits.Len64(s.End-s.Start-1)-1) == 0
}

func (s Span) empty() bool { return s.Start == s.End }

// VerifyInclusion checks that the entry with hash leaf is at index in the tree
// of size with head root. The error wraps ErrProof.
func VerifyInclusion(proof []Hash, size uint64, root Hash, index uint64, leaf Hash) error {
	if index >= size || size > math.MaxInt64 {
		return fmt.Errorf("%w: index %d is not below the tree's size %d", ErrProof, index, size)
	}
	if VerifySubtree(proof, Span{index, index + 1}, leaf, size, root) != nil {
		return fmt.Errorf("%w: entry %d is not in the tree of size %d", ErrProof, index, size)
	}
	return nil
}

// VerifyConsistency checks that the tree of size new with head newRoot grew
// out of the one of size old with head oldRoot. The error wraps ErrProof.
func VerifyConsistency(proof []Hash, old uint64, oldRoot Hash, new uint64, newRoot Hash) error {
	if old == 0 || old > new || new > math.MaxInt64 {
		return fmt.Errorf("%w: a tree of %d entries cannot have grown out of one of %d", ErrProof, new, old)
	}
	if VerifySubtree(proof, Span{0, old}, oldRoot, new, newRoot) != nil {
		return fmt.Errorf("%w: the tree of %d entries does not extend the one of %d", ErrProof, new, old)
	}
	return nil
}

// VerifySubtree checks that span, with head node, is a subtree of the tree of
// size with head root. An entry by itself is a subtree, and so is every
// earlier state of the tree: so this one walk verifies the proofs of RFC 6962
// sections 2.1.1 and 2.1.2 both. The error wraps ErrProof.
//
// It climbs from the last node that span and the whole tree share whole. first,
// last and end are the places of span's ends and of the tree's last entry, on
// the level that the climb has reached.
func VerifySubtree(proof []Hash, span Span, node Hash, size uint64, root Hash) error {
	if !span.isSubtree(size) {
		return fmt.Errorf("%w: entries %d to %d are no subtree of a tree of size %d", ErrProof, span.Start, span.End, size)
	}
	if span.empty() {
		if len(proof) > 0 || node != EmptyRoot() {
			return fmt.Errorf("%w: of no entries there is but one head, and nothing to prove", ErrProof)
		}
		return nil
	}
	first, last, end := span.Start, span.End-1, size-1
	up := func() { first, last, end = first>>1, last>>1, end>>1 }
	for first != last && (last == end || last&1 == 1) {
		up()
	}
	inSpan, inTree := node, node
	if first != last {
		if len(proof) == 0 {
			return fmt.Errorf("%w: it is too short", ErrProof)
		}
		inSpan, inTree, proof = proof[0], proof[0], proof[1:]
	}
	for _, h := range proof {
		if end == 0 {
			return fmt.Errorf("%w: it is too long", ErrProof)
		}
		if last&1 == 1 || last == end {
			if first < last {
				inSpan = sumdb.NodeHash(h, inSpan)
			}
			inTree = sumdb.NodeHash(h, inTree)
			for last&1 == 0 {
				up()
			}
		} else {
			inTree = sumdb.NodeHash(inTree, h)
		}
		up()
	}
	if end != 0 || inSpan != node || inTree != root {
		return fmt.Errorf("%w: it leads to another head", ErrProof)
	}
	return nil
}
