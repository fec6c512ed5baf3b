package packet

import (
	"bytes"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// TlogProof is a record's own C2SP tlog-proof, which any reader of that format
// verifies. It carries the leaf, the entry that it is about, as extra data.
func (p *Packet) TlogProof(s Sealed) []byte {
	signed, _ := p.File(fileCheckpoint)
	return tlog.EntryProof{Extra: s.Leaf, Index: s.Proof.Index, Hashes: s.Proof.Hashes, Checkpoint: signed}.Text()
}

// Entry is what a reader holds of the entry that a tlog-proof is about.
type Entry struct {
	Leaf   []byte // the entry's bytes; nil takes the leaf that the proof carries
	Record []byte // the record that the leaf must seal; nil for none
}

// VerifyTlogProof holds a single C2SP tlog-proof against the entry it is about
// and the reader's trust. Without an entry and without a leaf of ours in the
// proof's extra data it cannot be decided.
func VerifyTlogProof(text []byte, entry Entry, trust Trust) Report {
	names := []string{checkForm, checkCheckpoint, checkEntry, checkProofs}
	if entry.Record != nil {
		names = append(names, checkRecords)
	}
	f := newFindings(names...)
	r := newReport(FileProof)
	if proof, err := tlog.ParseEntryProof(text); err != nil {
		f.fail(checkForm, "", "%v", err)
	} else if head, ok := f.head(proof.Checkpoint); ok {
		r.Origin, r.Size, r.Root = head.Origin, head.Size, head.Root
		r.KeyFingerprint = f.trusted(proof.Checkpoint, head, trust).fingerprint
		e := f.entry(proof, entry)
		f.included(proof, head, e)
		if rec := f.sealed(e, entry.Record); rec != nil {
			r.Run, r.Records = rec.Run, 1
		}
	}
	r.Verdict, r.Checks = f.close(), f.checks
	return r
}

// heldEntry is the entry to prove, and the leaf that it is where it is one of
// ours.
type heldEntry struct {
	bytes []byte
	leaf  *evidence.Leaf
}

// entry finds out which entry the proof is about. Bytes that the reader holds
// may be of any log; what comes from the proof itself, or must seal a record,
// is a leaf.
func (f *findings) entry(proof tlog.EntryProof, held Entry) heldEntry {
	e := heldEntry{bytes: held.Leaf}
	if e.bytes == nil {
		e.bytes = proof.Extra
	}
	if e.bytes == nil {
		f.skip(checkEntry, "", "the proof does not carry the entry that it is about: pass the entry's bytes")
		return e
	}
	leaf, err := evidence.ParseLeaf(e.bytes)
	switch {
	case err != nil && held.Leaf != nil && held.Record == nil:
		f.pass(checkEntry, "%d bytes that are no leaf of version 1", len(e.bytes))
		return e
	case err != nil:
		f.fault(checkEntry, "", err)
		return e
	case leaf.Seq != proof.Index:
		f.fail(checkEntry, "", "is the leaf of seq %d, and the proof is of index %d", leaf.Seq, proof.Index)
	case proof.Extra != nil && !bytes.Equal(proof.Extra, e.bytes):
		f.fail(checkEntry, "", "is not the leaf that the proof carries")
	}
	e.leaf = leaf
	f.pass(checkEntry, "the leaf of record %s, %s, at seq %d of tenant %s", leaf.ID, leaf.Type, leaf.Seq, leaf.Tenant)
	return e
}

func (f *findings) included(proof tlog.EntryProof, head tlog.Checkpoint, e heldEntry) {
	if e.bytes == nil {
		f.skip(checkProofs, "", "the entry is not known")
		return
	}
	if err := tlog.VerifyInclusion(proof.Hashes, head.Size, head.Root, proof.Index, tlog.LeafHash(e.bytes)); err != nil {
		f.fail(checkProofs, "", "%v", err)
	}
	f.pass(checkProofs, "entry %d is in the tree of size %d", proof.Index, head.Size)
}

// sealed holds a record against the leaf that must seal it.
func (f *findings) sealed(e heldEntry, data []byte) *evidence.Record {
	if data == nil || e.leaf == nil {
		return nil
	}
	rec, err := evidence.ParseRecord(data)
	switch {
	case evidence.DigestOf(data) != e.leaf.Digest:
		f.fail(checkRecords, "", "the record does not have the digest that the leaf seals")
	case err != nil:
		f.fault(checkRecords, "", err)
	case rec.ID != e.leaf.ID || rec.Type != e.leaf.Type || rec.Received != e.leaf.Received:
		f.fail(checkRecords, "", "is not the record that the leaf names")
	default:
		f.pass(checkRecords, "the record has the digest that the leaf seals")
	}
	if err != nil {
		return nil
	}
	return rec
}
