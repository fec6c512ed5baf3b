package tlog

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/internal/datatest"
)

const testOrigin = "log.example/acme"

// testKey is a log's key, the same in every run.
func testKey(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(nil, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func (l *log) head() Checkpoint {
	return Checkpoint{Origin: testOrigin, Size: l.edge.Size(), Root: l.edge.Root()}
}

func TestCheckpointForms(t *testing.T) {
	signer, verifier := testKey(t)
	genuine, err := grow(7).head().Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := OpenCheckpoint(genuine, verifier); err != nil || c != grow(7).head() {
		t.Fatalf("%+v, %v", c, err)
	}
	text, sig, _ := strings.Cut(string(genuine), "\n\n")
	root := strings.Split(text, "\n")[2]
	signed := func(text string) string {
		data, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, c := range []struct {
		name, note string
		ok         bool
	}{
		{"lines of extensions", signed(text + "\nmore\nand more\n"), true},
		{"a signature of another", string(genuine) + "\u2014 witness.example AAAAAAA=\n", true},
		{"an empty extension", signed(text + "\n\nmore\n"), false},
		{"no root", signed(testOrigin + "\n7\n"), false},
		{"no origin", signed("\n7\n" + root + "\n"), false},
		{"a size with a zero before", signed(strings.Replace(text, "\n7", "\n07", 1) + "\n"), false},
		{"a size with a sign", signed(strings.Replace(text, "\n7", "\n+7", 1) + "\n"), false},
		{"a size above 2^63", signed(strings.Replace(text, "\n7", "\n9223372036854775808", 1) + "\n"), false},
		{"a root in loose base64", signed(testOrigin + "\n7\n" + loosen(root) + "\n"), false},
		{"a root of another alphabet", signed(testOrigin + "\n7\n" + strings.Repeat("-", 43) + "=\n"), false},
		{"a short root", signed(testOrigin + "\n7\nAAAA\n"), false},
		{"another origin under the same key", signed(strings.Replace(text, "acme", "acmf", 1) + "\n"), false},
		{"a signature in loose base64", text + "\n\n" + loosen(strings.TrimSuffix(sig, "\n")) + "\n", false},
		{"a witness in loose base64", string(genuine) + "\u2014 witness.example AAAAAAB=\n", false},
		{"a signature not ended", strings.TrimSuffix(string(genuine), "\n"), false},
		{"a line that is no signature", string(genuine) + "- witness.example AAAAAAA=\n", false},
		{"a signature of no name", string(genuine) + "\u2014  AAAAAAA=\n", false},
		{"carriage returns", strings.ReplaceAll(string(genuine), "\n", "\r\n"), false},
		{"no signatures", text + "\n\n", false},
		{"a text alone", text + "\n", false},
		{"bytes after", string(genuine) + "\n", false},
		{"above the bound", string(genuine) + strings.Repeat("\u2014 witness.example AAAAAAA=\n", 3000), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := OpenCheckpoint([]byte(c.note), verifier); (err == nil) != c.ok {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// loosen changes the bits that a base64 text does not use.
func loosen(text string) string {
	bare := strings.TrimRight(text, "=")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := strings.IndexByte(alphabet, bare[len(bare)-1])
	return bare[:len(bare)-1] + alphabet[last^1:last^1+1] + text[len(bare):]
}

func TestLoosen(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(make([]byte, 32))
	if raw, err := base64.StdEncoding.DecodeString(loosen(text)); err != nil || len(raw) != 32 || loosen(text) == text {
		t.Errorf("%s becomes %s: %v", text, loosen(text), err)
	}
}

// No byte of a checkpoint can be changed, whatever is signed and what is not.
func TestCheckpointEveryByte(t *testing.T) {
	signer, verifier := testKey(t)
	data, err := grow(300).head().Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			data[i] ^= flip
			if _, err := OpenCheckpoint(data, verifier); err == nil {
				t.Errorf("byte %d ^ %#x: still signed", i, flip)
			}
			data[i] ^= flip
		}
	}
}

// The checkpoint, note and key that the specifications show read as they say.
func TestSpecificationExamples(t *testing.T) {
	block := func(name, within string) []byte {
		for i, part := range bytes.Split(datatest.Read(t, "conformance", "c2sp-specs", name), []byte("\n```\n")) {
			if i%2 == 1 && bytes.Contains(part, []byte(within)) {
				return append(part, '\n')
			}
		}
		t.Fatalf("%s shows no %s", name, within)
		return nil
	}
	c, err := ReadCheckpoint(block("tlog-checkpoint.md", "behind-the-sofa"))
	if err != nil || c.Origin != "example.com/behind-the-sofa" || c.Size != 20852163 {
		t.Errorf("%+v, %v", c, err)
	}
	verifier, err := note.NewVerifier("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
	if err != nil {
		t.Fatal(err)
	}
	message := block("signed-note.md", "This is an example message")
	if _, err := note.Open(message, note.VerifierList(verifier)); err != nil {
		t.Errorf("the note: %v", err)
	}
	if _, err := OpenCheckpoint(message, verifier); err == nil {
		t.Error("a note that is no checkpoint is read as one")
	}
	// Its signatures are shortened for the page: the form is refused there,
	// and all before it is as here.
	if _, err := ParseEntryProof(block("tlog-proof.md", "fancylog")); err == nil || !strings.Contains(err.Error(), "strict base64") {
		t.Errorf("the proof: %v", err)
	}
}

func FuzzCheckpoint(f *testing.F) {
	signer, verifier := testKey(f)
	genuine, err := grow(3).head().Sign(signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine)
	f.Add([]byte("log.example/acme\n0\n\n\n\u2014 \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadCheckpoint(data)
		if err == nil && !strings.HasPrefix(string(data), strings.TrimSuffix(c.Text(), "\n")) {
			t.Errorf("%q is read as %q", data, c.Text())
		}
		if _, err := OpenCheckpoint(data, verifier); err == nil && !bytes.HasPrefix(data, genuine) {
			t.Errorf("%q is signed", data)
		}
	})
}
