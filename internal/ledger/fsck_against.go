package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// Outside is a checkpoint that was kept where whoever holds the house could
// not change it, of any log that the tenant has or had.
type Outside struct {
	Name   string // what problems call it
	Signed []byte // the signed note
	// Leaves are hashes of leaves that came with it, by seq.
	Leaves map[uint64]tlog.Hash
	// Anchored is set for an anchor's own file. Of a log that was given up, it
	// may cover records that are known to be lost.
	Anchored bool
}

// against holds the store's leaves against the trees that were signed before.
type against struct {
	*Report
	held   []heldHead
	leaves []Outside
	edge   tlog.Edge
	broken bool // a leaf is nowhere to be had
}

// heldHead is an outside checkpoint whose tree the store should still give.
type heldHead struct {
	signedHead
	compared bool
}

func newAgainst(r *Report, h *History, verifiers []note.Verifier, outside []Outside) *against {
	a := &against{Report: r, leaves: outside}
	for _, o := range outside {
		if cp, ok := a.open(h, verifiers, o); ok {
			a.held = append(a.held, heldHead{signedHead: signedHead{o.Name, cp}})
		}
	}
	return a
}

// open reads an outside checkpoint; false where there is nothing to compare.
func (a *against) open(h *History, verifiers []note.Verifier, o Outside) (cp tlog.Checkpoint, ok bool) {
	cp, err := tlog.ReadCheckpoint(o.Signed)
	if err != nil {
		a.add(o.Name, "%v", err)
		return cp, false
	}
	e := h.find(cp.Origin)
	if e == nil {
		a.add(o.Name, "is of log %q, which this tenant never had", cp.Origin)
		return cp, false
	}
	if e.End == nil {
		_, err = e.openCheckpoint(o.Signed, verifiers...)
	} else {
		_, err = e.openCheckpoint(o.Signed)
	}
	if err != nil {
		a.add(o.Name, "was not signed by any key that log %s has or had: %v", cp.Origin, err)
		return cp, false
	}
	if end := e.End; end != nil && cp.Size > end.Kept {
		if !o.Anchored || cp.Size > end.Size {
			a.add(o.Name, "covers records %d to %d, which were given up with log %s, as record %d says", end.Kept, cp.Size-1, cp.Origin, end.Record)
		}
		return cp, false
	}
	return cp, true
}

// grow takes the next leaf of the store in, and compares what was signed at
// this size.
func (a *against) grow(seq uint64, leaf []byte) {
	if len(a.leaves) == 0 || a.broken {
		return
	}
	hash := tlog.LeafHash(leaf)
	for _, o := range a.leaves {
		if want, ok := o.Leaves[seq]; ok && want != hash {
			a.add(o.Name, "its leaf of record %d is not the one in the store", seq)
		}
	}
	a.edge.Add(hash, func(tlog.Tile) {})
	for i := range a.held {
		if s := &a.held[i]; s.cp.Size == a.edge.Size() {
			s.compared = true
			if s.cp.Root != a.edge.Root() {
				a.add(s.where, "the log at size %d is not the one that it signed: history before record %d was changed", s.cp.Size, s.cp.Size)
			}
		}
	}
}

// stop ends the comparison at a record whose leaf is nowhere to be had.
func (a *against) stop() { a.broken = true }

// finish names the trees that are larger than what the store holds.
func (a *against) finish() {
	for _, s := range a.held {
		switch {
		case s.compared || s.cp.Size == 0:
		case a.broken:
			a.add(s.where, "cannot be compared: not all of the %d records that it covers have their leaf here", s.cp.Size)
		default:
			a.add(s.where, "covers %d records, the store holds %d: it was put back to an earlier day, or its end was cut off", s.cp.Size, a.edge.Size())
		}
	}
}

// rotations holds the proofs that were kept of retired keys against the
// records: without them nobody can follow the log from the old key.
func (c *check) rotations(ctx context.Context, e *Epoch) error {
	for i, k := range e.Keys {
		if k.Retired == 0 || i+1 == len(e.Keys) {
			continue
		}
		where := fmt.Sprintf("rotation at record %d", e.Keys[i+1].Since)
		r, err := readRotation(ctx, c.cfg.Tenant, k.Proof)
		if err == nil {
			err = checkRotation(ctx, c.cfg.Tenant, r, k, e.Keys[i+1].Since)
		}
		if evidence.KindOf(err) == evidence.Unavailable {
			return err
		}
		if err != nil {
			c.add(where, "its proof does not hold: %v", err)
		}
	}
	return nil
}

func parseVerifiers(keys []string) (list []note.Verifier, err error) {
	for _, key := range keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("the log's verifier key: %w", err)
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the log's verifier key: none is given")
	}
	return list, nil
}
