package tlog

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Rotation proves that a log's key vouched for the next one: the record that
// names the next key is in a tree that the key before signed. Two signatures
// under one checkpoint prove nothing of the kind, since anyone can add a line.
type Rotation struct {
	Checkpoint string `json:"checkpoint"` // the signed note
	Hashes     []Hash `json:"hashes"`     // the record's inclusion proof in its tree
	Index      uint64 `json:"index"`      // of the record that names the next key
}

// Verify checks that previous signed a tree with the entry in its place.
func (r Rotation) Verify(entry Hash, previous note.Verifier) error {
	cp, err := OpenCheckpoint([]byte(r.Checkpoint), previous)
	if err != nil {
		return fmt.Errorf("its checkpoint is not signed by the key before: %w", err)
	}
	return VerifyInclusion(r.Hashes, cp.Size, cp.Root, r.Index, entry)
}
