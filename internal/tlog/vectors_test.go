package tlog

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sumdb "golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/internal/datatest"
)

// vector is one proof of the vectors of transparency-dev, of any of the four
// kinds that they have.
type vector struct {
	LeafIdx, TreeSize, Size1, Size2, Start, End, Size uint64
	Root, LeafHash, Root1, Root2                      []byte
	Proof                                             [][]byte
	WantErr                                           bool
}

// hash is a vector's hash. Where only equality matters the vectors have some
// words instead, which are no hash of anything.
func hash(h []byte) Hash {
	if len(h) == HashSize {
		return Hash(h)
	}
	return sha256.Sum256(append([]byte("words: "), h...))
}

func (v vector) verify(kind string) error {
	for _, h := range [][]byte{v.Root, v.LeafHash, v.Root1, v.Root2} {
		if h != nil && len(h) == 0 {
			return errors.New("not a hash")
		}
	}
	var proof []Hash
	for _, h := range v.Proof {
		proof = append(proof, hash(h))
	}
	switch kind {
	case "inclusion":
		return VerifyInclusion(proof, v.TreeSize, hash(v.Root), v.LeafIdx, hash(v.LeafHash))
	case "consistency":
		return VerifyConsistency(proof, v.Size1, hash(v.Root1), v.Size2, hash(v.Root2))
	case "subtreeinclusion":
		// A subtree by itself is a tree.
		span := Span{v.Start, v.End}
		if !span.isSubtree(v.End) || v.LeafIdx < v.Start {
			return errors.New("no subtree, or not in it")
		}
		return VerifyInclusion(proof, v.End-v.Start, hash(v.Root), v.LeafIdx-v.Start, hash(v.LeafHash))
	case "subtreeconsistency":
		return VerifySubtree(proof, Span{v.Start, v.End}, hash(v.Root1), v.Size, hash(v.Root2))
	}
	return errors.New("vectors of an unknown kind: " + kind)
}

// Every proof of the vectors, sound or corrupted, has the verdict that it
// should have.
func TestMerkleVectors(t *testing.T) {
	root := datatest.Path(t, "conformance", "merkle-vectors", "testdata")
	counts := map[bool]int{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v vector
		if err := json.Unmarshal(data, &v); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		name, _ := filepath.Rel(root, path)
		kind, _, _ := strings.Cut(filepath.ToSlash(name), "/")
		if err := v.verify(kind); (err != nil) != v.WantErr {
			t.Errorf("%s: %v, want an error: %v", name, err, v.WantErr)
		}
		counts[v.WantErr]++
		return nil
	})
	if err != nil || counts[true] == 0 || counts[false] == 0 {
		t.Errorf("%d sound and %d corrupted proofs, %v", counts[false], counts[true], err)
	}
	t.Logf("%d sound and %d corrupted proofs", counts[false], counts[true])
}

// The one walk agrees with another implementation, on sound proofs of every
// place in small trees and on what becomes of them.
func TestVerifyAgreesWithOracle(t *testing.T) {
	l := grow(40)
	for size := 1; size <= 40; size++ {
		root := reference(l.leaves[:size])
		for i := range size {
			inclusion, err := InclusionProof(uint64(size), uint64(i), l.prefix(size))
			if err != nil || VerifyInclusion(inclusion, uint64(size), root, uint64(i), l.leaves[i]) != nil {
				t.Fatalf("size %d, index %d: %v", size, i, err)
			}
			consistency, err := ConsistencyProof(uint64(i+1), uint64(size), l.prefix(size))
			if err != nil || VerifyConsistency(consistency, uint64(i+1), reference(l.leaves[:i+1]), uint64(size), root) != nil {
				t.Fatalf("from %d to %d: %v", i+1, size, err)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.IntRange(0, 41)
		a, b, c := small.Draw(t, "a"), small.Draw(t, "b"), rapid.IntRange(1, 40).Draw(t, "of")
		proof, _ := InclusionProof(uint64(c), uint64(a%c), l.prefix(c))
		if rapid.Bool().Draw(t, "consistency") {
			proof, _ = ConsistencyProof(uint64(a%c+1), uint64(c), l.prefix(c))
		}
		proof = bend(t, proof)
		leaf, root := l.leaves[a%40], reference(l.leaves[:b%41])
		mine := VerifyInclusion(proof, uint64(b), root, uint64(a), leaf)
		if theirs := sumdb.CheckRecord(proof, int64(b), root, int64(a), leaf); (mine == nil) != (theirs == nil) {
			t.Fatalf("inclusion of %d in %d: %v here, %v there", a, b, mine, theirs)
		}
		old := reference(l.leaves[:a%41])
		mine = VerifyConsistency(proof, uint64(a), old, uint64(b), root)
		if theirs := sumdb.CheckTree(proof, int64(b), root, int64(a), old); (mine == nil) != (theirs == nil) {
			t.Fatalf("consistency of %d with %d: %v here, %v there", a, b, mine, theirs)
		}
	})
}

// prefix reads the log as it was at a size.
func (l *log) prefix(size int) Tiles { return grow(size).read }

// bend leaves a proof as it is, or changes it a little.
func bend(t *rapid.T, proof []Hash) []Hash {
	if len(proof) == 0 {
		return proof
	}
	at := rapid.IntRange(0, len(proof)-1).Draw(t, "at")
	switch rapid.IntRange(0, 4).Draw(t, "bend") {
	case 0:
		proof[at][rapid.IntRange(0, HashSize-1).Draw(t, "byte")] ^= 1
	case 1:
		proof = append(proof[:at], proof[at+1:]...)
	case 2:
		proof = append(proof, proof[at])
	}
	return proof
}

// Only spans that are whole subtrees of every larger tree are taken, so that a
// head of anything else proves nothing.
func TestSpans(t *testing.T) {
	for _, c := range []struct {
		span Span
		size uint64
		want bool
	}{
		{Span{0, 1}, 1, true}, {Span{0, 5}, 8, true}, {Span{4, 6}, 8, true}, {Span{4, 7}, 8, true}, {Span{4, 8}, 8, true}, {Span{7, 8}, 8, true},
		{Span{3, 3}, 8, true}, {Span{1, 3}, 8, false}, {Span{2, 5}, 8, false}, {Span{2, 6}, 8, false}, {Span{1, 8}, 8, false}, {Span{0, 9}, 8, false},
		{Span{5, 4}, 8, false}, {Span{0, 1}, 1 << 63, false},
	} {
		if got := c.span.isSubtree(c.size); got != c.want {
			t.Errorf("%v of %d: %v, want %v", c.span, c.size, got, c.want)
		}
	}
}

// The tiles that the specification counts for a tree of 70,000, and the path
// that it spells out.
func TestSpecificationTiles(t *testing.T) {
	page := datatest.Read(t, "conformance", "c2sp-specs", "tlog-tiles.md")
	text := strings.Join(strings.Fields(string(page)), " ")
	for _, words := range []string{
		"index 1234067 will be encoded as `x001/x234/067`",
		"a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of width 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of width 1",
		"a tree of size 256 will be represented by a full level 0 tile and a partial level 1 tile of width 1",
	} {
		if !strings.Contains(text, words) {
			t.Errorf("the page no longer says %q", words)
		}
	}
	if got := tilePath(0, 1234067, TileWidth); got != "tile/0/x001/x234/067" {
		t.Errorf("path %s", got)
	}
	for size, want := range map[int]map[string]int{
		70000: {"0 256": 273, "0 112": 1, "1 256": 1, "1 17": 1, "2 1": 1},
		256:   {"0 256": 1, "1 1": 1},
	} {
		got := map[string]int{}
		count := func(t Tile) { got[fmt.Sprint(t.Level, t.Width())]++ }
		var e Edge
		for range size {
			e.Add(Hash{}, count)
		}
		for _, tile := range e.Partial() {
			count(tile)
		}
		if !maps.Equal(got, want) {
			t.Errorf("size %d has tiles %v, want %v", size, got, want)
		}
	}
}
