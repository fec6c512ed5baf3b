package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/tlog"
)

// Entry is a record that a change of keys asks for. What it is appended with
// commits with it or not at all.
type Entry struct {
	Type    evidence.Type
	Body    any
	Objects [][]byte
	Epoch   *store.Epoch
}

// Append records for the house; it returns once the record is durable.
type Append func(context.Context, Entry) error

// RotateKey gives a tenant's log another signing key and returns its verifier
// key. Until RetireKey both keys sign. Nobody else may have the tenant open.
//
// The order is: key file, record, checkpoint. The record decides; what a crash
// leaves of a file that no record names is taken up by the next try.
func (g *Ledger) RotateKey(ctx context.Context, t store.Tenant, by string, record Append) (string, error) {
	l, h, err := g.settled(ctx, t)
	if err != nil {
		return "", err
	}
	if len(l.keys) > 1 {
		return "", evidence.Errorf(evidence.Conflict, "", "two keys sign the log of tenant %s already: retire the old one first, with evf log retire-key", t.ID())
	}
	origin := l.epoch.Origin
	key, err := g.laterKey(t.ID(), h, func(name string) bool { return name == origin }, origin)
	if err != nil {
		return "", err
	}
	body := evidence.KeyRotated{Purpose: "log", Key: key.vkey, Previous: l.VerifierKey(), By: by}
	if err := record(ctx, Entry{Type: evidence.TypeKeyRotated, Body: body}); err != nil {
		return "", err
	}
	return key.vkey, g.follow(ctx, t)
}

// RetireKey ends the older of the two keys that sign a tenant's log, and
// returns its verifier key. The proof that it vouched for the newer one is
// kept in the store, in the transaction of the record that ends it: once the
// old key is gone it could not be made again.
func (g *Ledger) RetireKey(ctx context.Context, t store.Tenant, by string, record Append) (string, error) {
	l, _, err := g.settled(ctx, t)
	if err != nil {
		return "", err
	}
	if len(l.keys) < 2 {
		return "", evidence.Errorf(evidence.Conflict, "", "one key signs the log of tenant %s: rotate it first, with evf log rotate-key", t.ID())
	}
	keys := l.epoch.signing()
	rotation, err := l.prove(keys[1].Since)
	if err == nil {
		err = checkRotation(ctx, t, rotation, keys[0], keys[1].Since)
	}
	if err != nil {
		return "", err
	}
	proof, err := encodeRotation(rotation)
	if err != nil {
		return "", err
	}
	body := evidence.KeyRetired{Purpose: "log", Key: keys[0].Key, Proof: evidence.DigestOf(proof), By: by}
	if err := record(ctx, Entry{Type: evidence.TypeKeyRetired, Body: body, Objects: [][]byte{proof}}); err != nil {
		return "", err
	}
	return keys[0].Key, g.follow(ctx, t)
}

// settled opens a log with all its records sealed and anchored.
func (g *Ledger) settled(ctx context.Context, t store.Tenant) (*Log, *History, error) {
	l, err := g.Open(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	if err := l.Seal(ctx); err != nil {
		return nil, nil, err
	}
	h, err := ReadHistory(ctx, t)
	return l, h, err
}

// follow brings keys and files behind the record just made, and seals it.
func (g *Ledger) follow(ctx context.Context, t store.Tenant) error {
	l, err := g.reopen(ctx, t)
	if err == nil {
		err = l.Seal(ctx)
	}
	if err == nil {
		err = l.Anchor()
	}
	if err != nil {
		return fmt.Errorf("it is recorded and counts; the next start goes on from here: %w", err)
	}
	return nil
}

// Rotations are the proofs that lead from the log's first key to its newest,
// one for each rotation, in order.
func (l *Log) Rotations(ctx context.Context) (list []tlog.Rotation, err error) {
	for i := 1; i < len(l.epoch.Keys); i++ {
		before, key := l.epoch.Keys[i-1], l.epoch.Keys[i]
		var r tlog.Rotation
		if before.Retired == 0 {
			if err = l.WaitSealed(ctx, key.Since); err == nil {
				r, err = l.prove(key.Since)
			}
		} else {
			r, err = readRotation(ctx, l.tenant, before.Proof)
		}
		if err != nil {
			return nil, fmt.Errorf("rotation at record %d: %w", key.Since, err)
		}
		list = append(list, r)
	}
	return list, nil
}

// prove proves a rotation out of the latest checkpoint, which the key before
// signs too.
func (l *Log) prove(seq uint64) (tlog.Rotation, error) {
	cp, signed := l.Checkpoint()
	hashes, err := l.InclusionProof(cp.Size, seq)
	return tlog.Rotation{Checkpoint: string(signed), Hashes: append([]tlog.Hash{}, hashes...), Index: seq}, err
}

// checkRotation holds a proof against the record that it is for, and the key
// before.
func checkRotation(ctx context.Context, t store.Tenant, r tlog.Rotation, before LogKey, seq uint64) error {
	rows, err := readRows(ctx, t, seq, 1)
	if err != nil {
		return err
	}
	v, err := note.NewVerifier(before.Key)
	if err != nil {
		return err
	}
	if len(rows) == 0 || rows[0].Seq != seq || r.Index != seq {
		return fmt.Errorf("the proof is of record %d", r.Index)
	}
	return r.Verify(tlog.LeafHash(rows[0].Leaf), v)
}

// encodeRotation is the canonical JSON that a proof is kept as.
func encodeRotation(r tlog.Rotation) ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	v, err := evidence.ParseValue(data)
	return v.Canonical(), err
}

func readRotation(ctx context.Context, t store.Tenant, d evidence.Digest) (r tlog.Rotation, err error) {
	var data []byte
	err = t.View(ctx, func(tx store.Tx) error {
		data, err = tx.Object(d)
		return err
	})
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(data, &r)
}
