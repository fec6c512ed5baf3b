package tlog

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is a tree head: what a log commits to.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   Hash
}

// Text is the checkpoint's body, the part that is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// Sign makes the signed note that is published.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.Text()}, signers...)
}

// OpenCheckpoint verifies a signed note and reads the checkpoint in it. The
// signature of one of the verifiers must stand under it, and the origin must
// be that verifier's name. A note that no known key signed gives a
// *note.UnverifiedNoteError.
//
// Verifiers are tried one by one: a list of them knows keys by a hash of 32
// bits, and would refuse all where two meet.
func OpenCheckpoint(signed []byte, verifiers ...note.Verifier) (c Checkpoint, err error) {
	if len(verifiers) == 0 {
		_, err = note.Open(signed, note.VerifierList())
		return c, err
	}
	for _, v := range verifiers {
		if c, err = openBy(signed, v); err == nil {
			return c, nil
		}
	}
	return Checkpoint{}, err
}

func openBy(signed []byte, v note.Verifier) (Checkpoint, error) {
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := parseCheckpoint(n.Text)
	if err == nil && c.Origin != v.Name() {
		err = fmt.Errorf("checkpoint of origin %q is signed by %q only", c.Origin, v.Name())
	}
	return c, err
}

// ReadCheckpoint reads a signed note's checkpoint without trusting it.
func ReadCheckpoint(signed []byte) (Checkpoint, error) {
	text, _, ok := strings.Cut(string(signed), "\n\n")
	if !ok {
		return Checkpoint{}, fmt.Errorf("checkpoint has no signatures")
	}
	return parseCheckpoint(text + "\n")
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("checkpoint is not origin, size and root, a line each")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("checkpoint's size is not a plain decimal number")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != HashSize {
		return Checkpoint{}, fmt.Errorf("checkpoint's root is not base64 of %d bytes", HashSize)
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}, nil
}
