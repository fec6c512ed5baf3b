package packet

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// Rotation proves that a key of the log vouched for the next one: the record
// at Index, which is in the packet and names both, is in a tree that the key
// before signed.
type Rotation = tlog.Rotation

// rotated is what a key.rotated record of a log says, with its leaf's hash.
type rotated struct {
	evidence.KeyRotated
	leaf tlog.Hash
}

// rotations follows the proofs from the reader's keys to those that they
// vouch for, and returns all that are trusted then, the reader's own first.
// Every proof must hold, whether or not the reader's keys lead to it.
func (v *verification) rotations(trusted []trustedKey) []trustedKey {
	if v.partial {
		v.skip(checkRotations, fileRotations, "not every record could be read: the one that a rotation is proven for may be among them")
		return trusted
	}
	lines, count := v.lines(fileRotations, maxRotation), 0
	for after := uint64(0); ; count++ {
		line, err := lines.next()
		if err == nil && line == nil {
			break
		}
		var r Rotation
		if err == nil {
			err = decode(line, &r)
		}
		at := fmt.Sprintf("%s:%d", fileRotations, lines.n)
		if err == nil && (r.Hashes == nil || count > 0 && r.Index <= after) {
			err = errors.New("hashes are not a list, or the record is not one after that of the line before")
		}
		if err != nil {
			v.fail(checkRotations, at, "%v", err)
			return trusted
		}
		after = r.Index
		before, next, err := v.rotation(r)
		if err != nil {
			v.fail(checkRotations, at, "%v", err)
			continue
		}
		trusted = follow(trusted, before, next, r.Index)
	}
	if count != len(v.rotated) {
		v.fail(checkRotations, fileRotations, "has %d lines, and %d records in the packet name a key of the log", count, len(v.rotated))
	}
	if count == 0 {
		v.pass(checkRotations, "none: no record here names another key of the log")
	}
	v.pass(checkRotations, "%d, each in a tree that the key before signed", count)
	return trusted
}

// rotation checks one proof, and returns the keys that it leads from and to.
func (v *verification) rotation(r Rotation) (before, next trustedKey, err error) {
	said, ok := v.rotated[r.Index]
	if !ok {
		return before, next, fmt.Errorf("record %d is not in the packet, or names no key of the log", r.Index)
	}
	before, err1 := newTrustedKey(said.Previous)
	next, err2 := newTrustedKey(said.Key)
	if err := cmp.Or(err1, err2); err != nil {
		return before, next, fmt.Errorf("record %d: %w", r.Index, err)
	}
	if before.Name() != v.head.Origin || next.Name() != v.head.Origin {
		return before, next, fmt.Errorf("record %d names a key of another log than %s", r.Index, v.head.Origin)
	}
	if err := r.Verify(said.leaf, before); err != nil {
		return before, next, fmt.Errorf("record %d: %w", r.Index, err)
	}
	return before, next, nil
}

// follow adds the next key where the one before is trusted.
func follow(trusted []trustedKey, before, next trustedKey, record uint64) []trustedKey {
	for _, t := range trusted {
		if t.fingerprint == before.fingerprint {
			next.through = append(append([]uint64{}, t.through...), record)
			return append(trusted, next)
		}
	}
	return trusted
}
