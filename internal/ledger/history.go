package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/tlog"
)

// History is what a tenant's records say of its logs and their keys. The
// records decide which keys sign; the key files follow.
type History struct {
	Epochs []Epoch `json:"epochs"` // the last is in force
}

// Epoch is one log over a tenant's records.
type Epoch struct {
	Origin string `json:"origin"`
	Since  uint64 `json:"since"` // seq of the record that began it, 0 for the first
	// Keys are in the order they came. Those of a first epoch whose key was
	// never rotated are in no record, and so not here.
	Keys []LogKey `json:"keys"`
	// End is set for a log that was given up.
	End *End `json:"end,omitempty"`
}

// End says how a log was given up.
type End struct {
	Record uint64 `json:"record"` // seq of the system.epoch that says so
	Kept   uint64 `json:"kept"`   // records that the next log went on with
	Size   uint64 `json:"size"`   // of its largest checkpoint known then
}

// LogKey is one key of a log.
type LogKey struct {
	Key     string          `json:"key"`               // in C2SP form
	Since   uint64          `json:"since"`             // seq of the record that names it, 0 for a first key
	Retired uint64          `json:"retired,omitempty"` // seq of the record that ends it
	Proof   evidence.Digest `json:"-"`                 // of the object that proves the rotation away from it
}

// inForce reports whether the key signs checkpoints of a size.
func (k LogKey) inForce(size uint64) bool {
	return (k.Since == 0 || k.Since < size) && (k.Retired == 0 || k.Retired >= size)
}

// Current is the epoch in force.
func (h *History) Current() *Epoch { return &h.Epochs[len(h.Epochs)-1] }

// find is the epoch of an origin, nil for an unknown one.
func (h *History) find(origin string) *Epoch {
	i := slices.IndexFunc(h.Epochs, func(e Epoch) bool { return e.Origin == origin })
	if i < 0 {
		return nil
	}
	return &h.Epochs[i]
}

// Origins are the origins of all logs that the tenant has or had.
func (h *History) Origins() (list []string) {
	for _, e := range h.Epochs {
		list = append(list, e.Origin)
	}
	return list
}

// signing are the keys in force now, oldest first.
func (e *Epoch) signing() (keys []LogKey) {
	for _, k := range e.Keys {
		if k.Retired == 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// verifiers are those of all its keys, retired ones too.
func (e *Epoch) verifiers() (list []note.Verifier) {
	for _, k := range e.Keys {
		if v, err := note.NewVerifier(k.Key); err == nil {
			list = append(list, v)
		}
	}
	return list
}

// ReadHistory reads the records about a tenant's logs.
func ReadHistory(ctx context.Context, t store.Tenant) (*History, error) {
	var rows []store.Row
	var head store.Head
	err := t.View(ctx, func(tx store.Tx) (err error) {
		if head, err = tx.Head(); err != nil {
			return err
		}
		for _, typ := range []evidence.Type{evidence.TypeKeyRotated, evidence.TypeKeyRetired, evidence.TypeSystemEpoch} {
			if err := typeRows(tx, typ, &rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return cmp.Compare(a.Seq, b.Seq) })
	h := &History{Epochs: []Epoch{{}}}
	for _, row := range rows {
		if err := h.fold(row); err != nil {
			return nil, fmt.Errorf("record %d of tenant %s: %w: run fsck", row.Seq, t.ID(), err)
		}
	}
	e := h.Current()
	if e.Origin == "" {
		e.Origin = head.Origin
	}
	if e.Origin != head.Origin {
		return nil, fmt.Errorf("the records of tenant %s end in log %q, its head says %q: run fsck", t.ID(), e.Origin, head.Origin)
	}
	return h, nil
}

func typeRows(tx store.Tx, typ evidence.Type, rows *[]store.Row) error {
	for from := uint64(0); ; {
		page, err := tx.TypeRows(typ, from, pageSize)
		if err != nil {
			return err
		}
		*rows = append(*rows, page...)
		if len(page) < pageSize {
			return nil
		}
		from = page[len(page)-1].Seq + 1
	}
}

func (h *History) fold(row store.Row) error {
	rec, err := evidence.ParseRecord(row.Record)
	if err != nil {
		return err
	}
	switch rec.Type {
	case evidence.TypeKeyRotated:
		return foldBody(rec, func(b evidence.KeyRotated) error { return h.rotated(row.Seq, b) })
	case evidence.TypeKeyRetired:
		return foldBody(rec, func(b evidence.KeyRetired) error { return h.retired(row.Seq, b) })
	case evidence.TypeSystemEpoch:
		return foldBody(rec, func(b evidence.SystemEpoch) error { return h.begun(row.Seq, b) })
	}
	return fmt.Errorf("its type column is not the type in the record")
}

func foldBody[T any](rec *evidence.Record, f func(T) error) error {
	body, err := evidence.Decode[T](rec.Body)
	if err != nil {
		return err
	}
	return f(body)
}

func (h *History) rotated(seq uint64, b evidence.KeyRotated) error {
	if b.Purpose != "log" {
		return nil
	}
	e := h.Current()
	if len(e.Keys) == 0 { // a first key is in no record before this one
		e.Origin, e.Keys = nameOf(b.Previous), []LogKey{{Key: b.Previous}}
	}
	if b.Previous != e.Keys[len(e.Keys)-1].Key || nameOf(b.Key) != e.Origin {
		return fmt.Errorf("rotates from a key that does not sign, or to one of another log")
	}
	e.Keys = append(e.Keys, LogKey{Key: b.Key, Since: seq})
	return nil
}

func (h *History) retired(seq uint64, b evidence.KeyRetired) error {
	e := h.Current()
	for i := range e.Keys[:max(len(e.Keys), 1)-1] { // never the newest
		if k := &e.Keys[i]; k.Key == b.Key && k.Retired == 0 {
			k.Retired, k.Proof = seq, b.Proof
			return nil
		}
	}
	return fmt.Errorf("retires a key that does not sign, or the only one")
}

func (h *History) begun(seq uint64, b evidence.SystemEpoch) error {
	e := h.Current()
	if e.Origin == "" {
		e.Origin = b.PreviousOrigin
	}
	if len(e.Keys) == 0 {
		for _, key := range b.PreviousKeys {
			e.Keys = append(e.Keys, LogKey{Key: key})
		}
	}
	if e.Origin != b.PreviousOrigin || nameOf(b.Key) != b.Origin || h.find(b.Origin) != nil {
		return fmt.Errorf("gives up a log that was not in force, or begins one that was there before")
	}
	e.End = &End{Record: seq, Kept: uint64(b.Kept), Size: uint64(b.Size)}
	h.Epochs = append(h.Epochs, Epoch{Origin: b.Origin, Since: seq, Keys: []LogKey{{Key: b.Key}}})
	return nil
}

// nameOf is the origin in a verifier key.
func nameOf(vkey string) string {
	name, _, _ := strings.Cut(vkey, "+")
	return name
}

// openCheckpoint reads a checkpoint of the epoch, signed by any key that it
// had, or by one of more.
func (e *Epoch) openCheckpoint(signed []byte, more ...note.Verifier) (tlog.Checkpoint, error) {
	cp, err := tlog.OpenCheckpoint(signed, append(e.verifiers(), more...)...)
	if err == nil && cp.Origin != e.Origin {
		err = fmt.Errorf("it is of log %q", cp.Origin)
	}
	return cp, err
}

// sealedBefore is how many of the records that are here were under a
// checkpoint of some log that was given up.
func (h *History) sealedBefore() (n uint64) {
	for _, e := range h.Epochs {
		if e.End != nil {
			n = max(n, min(e.End.Kept, e.End.Size))
		}
	}
	return n
}
