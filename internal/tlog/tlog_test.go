package tlog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// log is a whole log in memory: every tile that a tree of some size owes.
type log struct {
	edge   Edge
	tiles  map[string][]byte
	leaves []Hash
}

func (l *log) add(entry []byte) {
	h := LeafHash(entry)
	l.leaves = append(l.leaves, h)
	l.edge.Add(h, l.keep)
}

func (l *log) keep(t Tile) { l.tiles[t.Path()] = append([]byte(nil), t.Hashes...) }

func (l *log) read(level int, index uint64, width int) ([]byte, error) {
	tile, ok := l.tiles[Tile{Level: level, Index: index, Hashes: make([]byte, width*HashSize)}.Path()]
	if !ok {
		return nil, fmt.Errorf("no tile %d/%d of %d", level, index, width)
	}
	return tile, nil
}

func grow(n int) *log {
	l := &log{tiles: map[string][]byte{}}
	for i := range n {
		l.add(fmt.Appendf(nil, "entry %d", i))
	}
	for _, t := range l.edge.Partial() {
		l.keep(t)
	}
	return l
}

// reference computes a head straight from RFC 6962 section 2.1.
func reference(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	return sumdb.NodeHash(reference(leaves[:k]), reference(leaves[k:]))
}

func TestHeadsAndProofs(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 255, 256, 257, 511, 512, 700, 65535, 65536, 65537, 70000} {
		l := grow(n)
		root := l.edge.Root()
		if root != reference(l.leaves) {
			t.Fatalf("size %d: root differs from RFC 6962", n)
		}
		again, err := LoadEdge(uint64(n), l.read)
		if err != nil || again.Root() != root || again.Size() != uint64(n) {
			t.Fatalf("size %d: edge read back differs: %v", n, err)
		}
		for _, i := range []int{0, 1, n / 2, n - 2, n - 1} {
			if i < 0 || i >= n {
				continue
			}
			proof, err := InclusionProof(uint64(n), uint64(i), l.read)
			if err != nil {
				t.Fatalf("size %d, index %d: %v", n, i, err)
			}
			if err := VerifyInclusion(proof, uint64(n), root, uint64(i), l.leaves[i]); err != nil {
				t.Errorf("size %d, index %d: %v", n, i, err)
			}
			other := l.leaves[i]
			other[5] ^= 1
			if err := VerifyInclusion(proof, uint64(n), root, uint64(i), other); !errors.Is(err, ErrProof) {
				t.Errorf("size %d, index %d: another leaf passes: %v", n, i, err)
			}
		}
	}
}

func TestConsistency(t *testing.T) {
	for _, pair := range [][2]int{{1, 1}, {1, 2}, {255, 256}, {256, 257}, {300, 70000}, {65536, 65537}} {
		old, new := grow(pair[0]), grow(pair[1])
		proof, err := ConsistencyProof(uint64(pair[0]), uint64(pair[1]), new.read)
		if err != nil {
			t.Fatalf("%v: %v", pair, err)
		}
		if err := VerifyConsistency(proof, uint64(pair[0]), old.edge.Root(), uint64(pair[1]), new.edge.Root()); err != nil {
			t.Errorf("%v: %v", pair, err)
		}
		forged := old.edge.Root()
		forged[0] ^= 1
		if err := VerifyConsistency(proof, uint64(pair[0]), forged, uint64(pair[1]), new.edge.Root()); !errors.Is(err, ErrProof) {
			t.Errorf("%v: another history passes: %v", pair, err)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct {
		index uint64
		width int
		want  string
	}{
		{0, 256, "tile/entries/000"}, {7, 12, "tile/entries/007.p/12"},
		{1234067, 256, "tile/entries/x001/x234/067"}, {1000, 1, "tile/entries/x001/000.p/1"},
	} {
		if got := BundlePath(c.index, c.width); got != c.want {
			t.Errorf("BundlePath(%d, %d) = %s, want %s", c.index, c.width, got, c.want)
		}
	}
}

func TestBundles(t *testing.T) {
	var bundle []byte
	for _, e := range []string{"", "a", "bc"} {
		bundle, _ = AppendEntry(bundle, []byte(e))
	}
	entries, err := SplitBundle(bundle)
	if err != nil || len(entries) != 3 || string(entries[2]) != "bc" {
		t.Fatalf("entries %q, %v", entries, err)
	}
	for cut := 1; cut < len(bundle); cut++ {
		if got, err := SplitBundle(bundle[:cut]); err == nil && len(got) == 3 {
			t.Errorf("a bundle cut at %d passes whole", cut)
		}
	}
	if _, err := AppendEntry(nil, make([]byte, 1<<16)); err == nil {
		t.Error("an entry above 65535 bytes passes")
	}
}
