package tlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
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

// MaxCheckpoint bounds a checkpoint's signed note in bytes.
const MaxCheckpoint = 64 << 10

// OpenCheckpoint verifies a signed note and reads the checkpoint in it. The
// signature of one of the verifiers must stand under it, and the origin must
// be that verifier's name. A note that no known key signed gives a
// *note.UnverifiedNoteError.
//
// Verifiers are tried one by one: a list of them knows keys by a hash of 32
// bits, and would refuse all where two meet.
func OpenCheckpoint(signed []byte, verifiers ...note.Verifier) (c Checkpoint, err error) {
	if c, err = ReadCheckpoint(signed); err != nil {
		return Checkpoint{}, err
	}
	if len(verifiers) == 0 {
		_, err = note.Open(signed, note.VerifierList())
		return Checkpoint{}, err
	}
	for _, v := range verifiers {
		if err = openBy(signed, c, v); err == nil {
			return c, nil
		}
	}
	return Checkpoint{}, err
}

func openBy(signed []byte, c Checkpoint, v note.Verifier) error {
	if _, err := note.Open(signed, note.VerifierList(v)); err != nil {
		return err
	}
	if c.Origin != v.Name() {
		return fmt.Errorf("checkpoint of origin %q is signed by %q only", c.Origin, v.Name())
	}
	return nil
}

// ReadCheckpoint reads a signed note's checkpoint without trusting it.
func ReadCheckpoint(signed []byte) (Checkpoint, error) {
	if len(signed) > MaxCheckpoint {
		return Checkpoint{}, fmt.Errorf("checkpoint is above the bound of %d bytes", MaxCheckpoint)
	}
	// The text ends at the last blank line, as in package note.
	at := strings.LastIndex(string(signed), "\n\n")
	if at < 0 {
		return Checkpoint{}, errors.New("checkpoint has no signatures")
	}
	if err := checkSignatureLines(string(signed[at+2:])); err != nil {
		return Checkpoint{}, err
	}
	return parseCheckpoint(string(signed[:at+1]))
}

// checkSignatureLines holds the lines to the one spelling of their bytes:
// package note reads base64 loosely, so that bytes could change unseen.
func checkSignatureLines(text string) error {
	if text == "" || !strings.HasSuffix(text, "\n") {
		return errors.New("checkpoint has no signatures, or the last one is not ended")
	}
	for line := range strings.Lines(text) {
		name, sig, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "\u2014 "), "\n"), " ")
		if !strings.HasPrefix(line, "\u2014 ") || !ok || name == "" {
			return errors.New("checkpoint has a line below its text that is no signature")
		}
		if raw, ok := unbase64(sig); !ok || len(raw) < 5 {
			return errors.New("checkpoint has a signature that is not strict base64 of a key id and a signature")
		}
	}
	return nil
}

// parseCheckpoint reads a checkpoint's text. Lines of extensions are signed
// with it and mean nothing here.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || slices.Index(lines, "") != len(lines)-1 {
		return Checkpoint{}, errors.New("checkpoint is not origin, size and root, a line each")
	}
	size, ok := parseNumber(lines[1])
	if !ok {
		return Checkpoint{}, errors.New("checkpoint's size is not a plain decimal number")
	}
	root, ok := unbase64(lines[2])
	if !ok || len(root) != HashSize {
		return Checkpoint{}, fmt.Errorf("checkpoint's root is not base64 of %d bytes", HashSize)
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}, nil
}

// parseNumber reads a decimal below 2^63 in its one spelling.
func parseNumber(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return n, err == nil && strconv.FormatUint(n, 10) == text
}

// unbase64 accepts only the one text that encodes the bytes. The decoder by
// itself, even a strict one, passes over line ends.
func unbase64(text string) ([]byte, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	return raw, err == nil && base64.StdEncoding.EncodeToString(raw) == text
}
