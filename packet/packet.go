// Package packet writes, opens and verifies packets (.evf.zip): one file that
// carries the records of a run out of the house, with the leaves that the log
// sealed, their inclusion proofs against one checkpoint, and what the reader
// may see of the withheld fields. Verify needs the file and a key the reader
// trusts, and nothing else: no network, no account, no word of ours.
//
// The package is pure: it has no clock, randomness, disk, network or logger.
// The bytes are described for other implementations in
// docs/formats/packet.md.
package packet

import (
	"crypto"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// Bounds of every packet; bytes beyond them are refused unread.
const (
	MaxSize       = 1 << 30 // of the whole packet, in bytes
	MaxFiles      = 10_000
	maxLeaf       = 4 << 10
	maxProof      = 4 << 10
	maxDisclosure = 1 << 20
	maxRotation   = 128 << 10
	maxManifest   = 8 << 20
)

// The files of a packet. All of them are present; beside them stand objects.
const (
	fileCheckpoint  = "checkpoint"
	fileDisclosures = "disclosures.jsonl"
	fileLeaves      = "leaves.jsonl"
	fileManifest    = "manifest.json"
	filePage        = "packet.html"
	fileProofs      = "proofs.jsonl"
	fileRecords     = "records.jsonl"
	fileRedactions  = "redactions.json"
	fileRotations   = "rotations.jsonl"
	fileSlots       = "slots.json"
	dirObjects      = "policies/" // policies/<64 hex digits>.<extension>
)

var required = []string{fileCheckpoint, fileDisclosures, fileLeaves, fileManifest, filePage, fileProofs, fileRecords, fileRedactions, fileRotations, fileSlots}

// Contents is what goes into a packet.
type Contents struct {
	Scope      Scope
	Query      string // how the records were chosen, in one line for a person; 1 to 1000 bytes
	Selection  Selection
	Sealed     []Sealed // ascending by seq
	Checkpoint []byte   // the signed note that every proof leads to
	// Rotations prove the log's later keys, ascending by index; each one's
	// record is among Sealed.
	Rotations []Rotation
	Objects   []Object
	Generator Generator
	Built     evidence.Time
	// LogKey is the log's verifier key, for the page and whoever compares
	// fingerprints; "" leaves it out. Nobody comes to trust it by that.
	LogKey string
	// Key signs the packet: an Ed25519 key that the last key.rotated record
	// (purpose packet) among Sealed announces. It is called with a nil source
	// of randomness.
	Key crypto.Signer
	// Progress, where it is set, is called after each record that Write has
	// checked, with their number so far and in all.
	Progress func(done, total uint64)
}

// Sealed is one record as a packet carries it.
type Sealed struct {
	Leaf   []byte // canonical; see evidence.ParseLeaf
	Record []byte // canonical; see evidence.ParseRecord. Empty where it was expunged
	Proof  Proof
	// Disclosures are of fields that the reader may see; Write leaves out
	// those that the selection does not open.
	Disclosures []evidence.Disclosure
}

// Proof is a leaf's inclusion proof (RFC 6962 section 2.1.1) against the
// packet's checkpoint.
type Proof struct {
	Hashes []tlog.Hash `json:"hashes"`
	Index  uint64      `json:"index"` // of the leaf in the log: its seq
}

// Object is a file known by its digest: a workflow's manifest, a policy set, a
// schema.
type Object struct {
	Ext  string // 1 to 16 of a-z and 0-9, such as yaml, cedar, json
	Data []byte
}

func (o Object) name() string {
	digest, _ := strings.CutPrefix(string(evidence.DigestOf(o.Data)), "sha256:")
	return dirObjects + digest + "." + o.Ext
}

// Write builds the packet, byte for byte the same for the same contents. It
// then holds the result against everything that Verify checks without a
// trusted key, and hands out nothing that would fail: a proof that does not
// hold, a disclosure that opens nothing or a manifest that is not there is an
// error which names it.
func Write(c Contents) ([]byte, error) {
	files, err := c.files()
	if err != nil {
		return nil, fmt.Errorf("packet: %w", err)
	}
	data, err := writeContainer(files)
	if err != nil {
		return nil, fmt.Errorf("packet: %w", err)
	}
	p, err := Open(data)
	if err != nil {
		return nil, err
	}
	p.Progress = c.Progress
	for _, check := range p.Verify(Trust{}).Checks {
		// Trust is the reader's affair; all else must have been checked.
		if check.Outcome == Failed || check.Outcome == NotChecked && check.Name != checkCheckpoint && !slices.Contains(advisory, check.Name) {
			return nil, fmt.Errorf("packet: %s: %s: %s", check.Name, check.Where, check.Detail)
		}
	}
	return data, nil
}

// Packet is an opened packet. Nothing it says is known to be true before
// Verify.
type Packet struct {
	// Progress, where it is set, is called after each record that Verify has
	// been through, with their number so far and in all.
	Progress func(done, total uint64)

	files     []file // sorted by name
	envelope  envelope
	payload   []byte // of the envelope
	statement inToto
	future    string // the predicate type or version that this code does not know
}

// Open reads a packet. It refuses any bytes but those that Write would make of
// the same files, so that no two readers can see different things in one file.
// A packet of a later version opens; Verify calls it undecidable. The packet
// keeps data, which must not change.
func Open(data []byte) (*Packet, error) {
	files, err := readContainer(data)
	if err != nil {
		return nil, fmt.Errorf("packet: %w", err)
	}
	p := &Packet{files: files}
	if err := p.readManifest(); err != nil {
		return nil, fmt.Errorf("packet: %s: %w", fileManifest, err)
	}
	return p, nil
}

// Verify opens and verifies; bytes that Open refuses make an Invalid report.
func Verify(data []byte, trust Trust) Report {
	p, err := Open(data)
	if err != nil {
		f := newFindings(checkNames...)
		f.fail(checkContainer, "", "%v", err)
		r := newReport(FilePacket)
		r.Verdict, r.Checks = f.close(), f.checks
		return r
	}
	return p.Verify(trust)
}

// Statement is what the packet says of itself; the zero Statement for a packet
// of a later version.
func (p *Packet) Statement() Statement { return p.statement.Predicate }

// Names lists the packet's files, sorted.
func (p *Packet) Names() []string {
	names := make([]string, len(p.files))
	for i, f := range p.files {
		names[i] = f.name
	}
	return names
}

// File is one file's bytes, which must not be changed.
func (p *Packet) File(name string) ([]byte, bool) {
	for _, f := range p.files {
		if f.name == name {
			return f.data, true
		}
	}
	return nil, false
}

// Page is the packet's page for people, packet.html, where it holds one. It is
// not to be changed.
func (p *Packet) Page() ([]byte, bool) { return p.File(filePage) }

// Object is the object with the digest, where the packet holds it.
func (p *Packet) Object(digest evidence.Digest) ([]byte, bool) {
	prefix := dirObjects + strings.TrimPrefix(string(digest), "sha256:") + "."
	for _, f := range p.files {
		if strings.HasPrefix(f.name, prefix) && evidence.DigestOf(f.data) == digest {
			return f.data, true
		}
	}
	return nil, false
}

// Sealed goes through the packet's records in the order of their seq. It ends
// after the first error, which says in which file and line the packet is not
// well formed.
func (p *Packet) Sealed() iter.Seq2[Sealed, error] {
	return func(yield func(Sealed, error) bool) {
		for it, err := range p.items() {
			if !yield(it.Sealed, err) || err != nil {
				return
			}
		}
	}
}
