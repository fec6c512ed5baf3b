package tlog

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"
)

// proofOf is a signed proof of an entry in the log.
func (l *log) proofOf(t testing.TB, signer note.Signer, index uint64, extra []byte) EntryProof {
	t.Helper()
	signed, err := l.head().Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := InclusionProof(l.edge.Size(), index, l.read)
	if err != nil {
		t.Fatal(err)
	}
	return EntryProof{Extra: extra, Index: index, Hashes: hashes, Checkpoint: signed}
}

// holds is a verifier's whole work on a proof.
func holds(text []byte, entry []byte, verifier note.Verifier) error {
	p, err := ParseEntryProof(text)
	if err != nil {
		return err
	}
	c, err := OpenCheckpoint(p.Checkpoint, verifier)
	if err != nil {
		return err
	}
	return VerifyInclusion(p.Hashes, c.Size, c.Root, p.Index, LeafHash(entry))
}

func TestEntryProofRoundTrip(t *testing.T) {
	signer, verifier := testKey(t)
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 600).Draw(rt, "size")
		index := rapid.IntRange(0, size-1).Draw(rt, "index")
		extra := rapid.SliceOf(rapid.Byte()).Draw(rt, "extra")
		l := grow(size)
		p := l.proofOf(t, signer, uint64(index), extra)
		again, err := ParseEntryProof(p.Text())
		if err != nil || !bytes.Equal(again.Text(), p.Text()) {
			rt.Fatalf("read back %+v, %v", again, err)
		}
		if c, err := OpenCheckpoint(again.Checkpoint, verifier); err != nil ||
			VerifyInclusion(again.Hashes, c.Size, c.Root, again.Index, l.leaves[index]) != nil {
			rt.Fatalf("does not hold: %v", err)
		}
	})
}

// No byte of a proof can be changed but those of the extra line, which the
// format leaves to others.
func TestEntryProofEveryByte(t *testing.T) {
	signer, verifier := testKey(t)
	entry := []byte("entry 5")
	text := grow(9).proofOf(t, signer, 5, nil).Text()
	if err := holds(text, entry, verifier); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			text[i] ^= flip
			if holds(text, entry, verifier) == nil {
				t.Errorf("byte %d ^ %#x: still holds", i, flip)
			}
			text[i] ^= flip
		}
	}
}

func TestEntryProofForms(t *testing.T) {
	signer, verifier := testKey(t)
	genuine := string(grow(9).proofOf(t, signer, 5, []byte("more")).Text())
	lines := strings.SplitAfter(genuine, "\n")
	swap := func(old, new string) string { return strings.Replace(genuine, old, new, 1) }
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"as it is", genuine, true},
		{"without the extra line", swap(lines[1], ""), true},
		{"an empty extra line", swap(lines[1], "extra \n"), true},
		{"two extra lines", swap(lines[1], lines[1]+lines[1]), false},
		{"the extra line second", swap(lines[1]+lines[2], lines[2]+lines[1]), false},
		{"an extra line in loose base64", swap("bW9yZQ==", loosen("bW9yZQ==")), false},
		{"an extra line without padding", swap("bW9yZQ==", "bW9yZQ"), false},
		{"another version", swap("@v1", "@v2"), false},
		{"no header", swap(lines[0], ""), false},
		{"no index", swap(lines[2], ""), false},
		{"an index with a zero before", swap("index 5", "index 05"), false},
		{"an index with a sign", swap("index 5", "index +5"), false},
		{"an index in hexadecimal", swap("index 5", "index 0x5"), false},
		{"an index with space after", swap("index 5", "index 5 "), false},
		{"another index", swap("index 5", "index 4"), false},
		{"an index beyond the tree", swap("index 5", "index 9"), false},
		{"a hash less", swap(lines[3], ""), false},
		{"a hash more", swap(lines[3], lines[3]+lines[3]), false},
		{"hashes swapped", swap(lines[3]+lines[4], lines[4]+lines[3]), false},
		{"a hash in loose base64", swap(lines[3], loosen(strings.TrimSpace(lines[3]))+"\n"), false},
		{"a hash with a carriage return", swap(lines[3], strings.TrimSpace(lines[3])+"\r\n"), false},
		{"a short hash", swap(lines[3], "AAAA\n"), false},
		{"more hashes than any tree has", swap(lines[3], strings.Repeat(lines[3], 64)), false},
		{"two empty lines", swap("\n\n", "\n\n\n"), false},
		{"no checkpoint", genuine[:strings.Index(genuine, "\n\n")+2], false},
		{"cut short", genuine[:len(genuine)-1], false},
		{"bytes after", genuine + "\n", false},
		{"space before", " " + genuine, false},
		{"a byte order mark", "\ufeff" + genuine, false},
		{"above the bound", swap("bW9yZQ==", strings.Repeat("bW9y", MaxEntryProof/4)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := holds([]byte(c.text), []byte("entry 5"), verifier); (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

func FuzzEntryProof(f *testing.F) {
	signer, verifier := testKey(f)
	genuine := grow(9).proofOf(f, signer, 5, []byte("more"))
	f.Add(genuine.Text())
	f.Add([]byte(ProofHeader + "index 0\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseEntryProof(text)
		if err == nil && !bytes.Equal(p.Text(), text) {
			t.Errorf("%q reads as %q", text, p.Text())
		}
		// What stands under the genuine proof with other extra data, or with
		// other signatures beside, is the genuine one.
		p.Extra, p.Checkpoint = genuine.Extra, genuine.Checkpoint
		if holds(text, []byte("entry 5"), verifier) == nil && !bytes.Equal(p.Text(), genuine.Text()) {
			t.Errorf("%q holds", text)
		}
	})
}
