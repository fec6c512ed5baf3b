package packet

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

func TestRotationsAreFollowed(t *testing.T) {
	h := told(t)
	first := h.rotate()
	second := h.rotate()
	stranger := newHouse(t)
	data := h.packet()
	for _, c := range []struct {
		name    string
		key     string
		verdict Verdict
		through string
	}{
		{"from the first key, through both", first, Valid, "[18 19]"},
		{"from the second key", second, Valid, "[19]"},
		{"the key that signed", h.trusted, Valid, "[]"},
		{"another key of the origin", stranger.trusted, Invalid, "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Verify(data, Trust{Keys: []string{c.key}})
			want(t, r, c.verdict, map[Verdict]string{Invalid: checkCheckpoint}[c.verdict])
			if got := fmt.Sprint(r.Rotations); got != c.through {
				t.Errorf("through %s, want %s", got, c.through)
			}
			if c.verdict == Valid && r.KeyFingerprint != fingerprint(t, h.trusted) {
				t.Errorf("signed by %s", r.KeyFingerprint)
			}
		})
	}
}

func fingerprint(t *testing.T, vkey string) evidence.Digest {
	t.Helper()
	k, err := newTrustedKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return k.fingerprint
}

// resigned has the builder itself lie: it writes its own rotations, and signs
// the packet with the key that the log announces.
func (h *house) resigned(t *testing.T, lines ...Rotation) []byte {
	t.Helper()
	kept := h.rotations
	h.rotations = nil
	defer func() { h.rotations = kept }()
	files, err := func() ([]file, error) { c := h.contents(); return c.files() }()
	if err != nil {
		t.Fatal(err)
	}
	data, err := writeContainer(files)
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, data)
	e.files[fileRotations] = nil
	for _, r := range lines {
		if e.files[fileRotations], err = appendLine(e.files[fileRotations], r); err != nil {
			t.Fatal(err)
		}
	}
	return e.republish(h)
}

// Whoever holds the packet key and a key of their own, but no key of the log
// that the reader trusts, does not get the reader's trust.
func TestRotationsForged(t *testing.T) {
	type attack struct {
		name  string
		check string
		build func(t *testing.T, h *house) (data []byte, trusted string)
	}
	// mallory is the log with its next key in other hands.
	mallory := func(h *house) { h.setOrigin(h.origin) }
	named := func(h *house, key, previous string) uint64 {
		h.add(evidence.TypeKeyRotated, "", evidence.KeyRotated{Purpose: "log", Key: key, Previous: previous})
		return uint64(len(h.sealed) - 1)
	}
	for _, a := range []attack{
		{"record is in no tree that the old key signed", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			genuine, old := h.prove(0), h.trusted // of the tree before
			mallory(h)
			genuine.Index = named(h, h.trusted, old)
			return h.resigned(t, genuine), old
		}},
		{"tree signed by the new key only", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			old := h.trusted
			mallory(h)
			return h.resigned(t, h.prove(named(h, h.trusted, old))), old
		}},
		{"second signature of a stranger under a genuine checkpoint", checkCheckpoint, func(t *testing.T, h *house) ([]byte, string) {
			old := h.trusted
			h.rotate()
			r := h.rotations[0]
			forger := newHouse(t)
			r.Checkpoint = cosign(t, r.Checkpoint, forger.signer)
			h.signer = forger.signer
			return h.resigned(t, r), old
		}},
		{"record of another rotation", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			old := h.rotate()
			r := h.rotations[0]
			mallory(h)
			named(h, h.trusted, old)
			return h.resigned(t, r, Rotation{Checkpoint: r.Checkpoint, Hashes: r.Hashes, Index: r.Index + 1}), old
		}},
		{"record that is no rotation", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			old := h.trusted
			return h.resigned(t, h.prove(1)), old
		}},
		{"record of a run", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			old, signer := h.trusted, h.signer
			mallory(h)
			h.add(evidence.TypeKeyRotated, testRun, evidence.KeyRotated{Purpose: "log", Key: h.trusted, Previous: old})
			forger := h.signer
			h.signer = signer
			r := h.prove(uint64(len(h.sealed) - 1))
			h.signer = forger
			return h.resigned(t, r), old
		}},
		{"a key of another log", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			other := newHouse(t)
			other.setOrigin("log.example/other")
			return h.resigned(t, h.prove(named(h, other.trusted, h.trusted))), h.trusted
		}},
		{"from a key of another log", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			old := h.trusted
			h.setOrigin("log.example/other")
			index := named(h, h.trusted, old)
			return h.resigned(t, h.prove(index)), old
		}},
		{"what is no key", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			return h.resigned(t, h.prove(named(h, "nonsense", h.trusted))), h.trusted
		}},
		{"left out", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			h.rotate()
			return h.resigned(t), h.trusted
		}},
		{"twice", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			h.rotate()
			return h.resigned(t, h.rotations[0], h.rotations[0]), h.trusted
		}},
		{"out of order", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			h.rotate()
			h.rotate()
			return h.resigned(t, h.rotations[1], h.rotations[0]), h.trusted
		}},
		{"without hashes", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			h.rotate()
			r := h.rotations[0]
			r.Hashes = nil
			return h.resigned(t, r), h.trusted
		}},
		{"garbage", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			e := open(t, h.packet())
			e.files[fileRotations] = []byte("{}\n")
			return e.resign(h), h.trusted
		}},
		{"line that is not ended", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			h.rotate()
			e := open(t, h.packet())
			e.files[fileRotations] = e.files[fileRotations][:len(e.files[fileRotations])-1]
			return e.resign(h), h.trusted
		}},
		{"chain with a link missing", checkRotations, func(t *testing.T, h *house) ([]byte, string) {
			first := h.rotate()
			h.rotate()
			return h.resigned(t, h.rotations[1]), first
		}},
	} {
		t.Run(a.name, func(t *testing.T) {
			data, trusted := a.build(t, small(t))
			want(t, Verify(data, Trust{Keys: []string{trusted}}), Invalid, a.check)
		})
	}
}

// A cycle of keys leads nowhere new: a key that the reader does not trust
// cannot vouch itself into their trust through keys that name each other.
func TestRotationsInACycle(t *testing.T) {
	h := small(t)
	genuine := h.trusted
	h.setOrigin(h.origin)
	a, signerA := h.trusted, h.signer
	h.setOrigin(h.origin)
	b, signerB := h.trusted, h.signer
	var lines []Rotation
	for _, step := range []struct {
		from, to string
		signer   note.Signer
	}{{a, b, signerA}, {b, a, signerB}, {a, b, signerA}} {
		h.signer = step.signer
		h.add(evidence.TypeKeyRotated, "", evidence.KeyRotated{Purpose: "log", Key: step.to, Previous: step.from})
		lines = append(lines, h.prove(uint64(len(h.sealed)-1)))
	}
	data := h.resigned(t, lines...)
	want(t, Verify(data, Trust{Keys: []string{genuine}}), Invalid, checkCheckpoint)
	r := Verify(data, Trust{Keys: []string{b}})
	want(t, r, Valid, "")
}

// cosign adds a signature to a note, as anyone can.
func cosign(t *testing.T, signed string, signer note.Signer) string {
	t.Helper()
	cp, err := tlog.ReadCheckpoint([]byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	other, err := cp.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed + strings.SplitN(string(other), "\n\n", 2)[1]
}

// The statement names the record that announces its key.
func TestAnnouncedIsNamed(t *testing.T) {
	h := small(t)
	h.announce(testKey(2))
	h.key = testKey(2)
	e := open(t, h.packet())
	if got := e.statement.Predicate.Announced; got != 2 {
		t.Errorf("names record %d", got)
	}
	e.statement.Predicate.Announced = 0
	want(t, Verify(e.resign(h), h.trust()), Invalid, checkManifest)
}
