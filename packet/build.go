package packet

import (
	"cmp"
	"crypto"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// files lays the contents out, manifest and all.
func (c *Contents) files() ([]file, error) {
	public, err := publicKey(c.Key)
	if err != nil {
		return nil, err
	}
	head, err := tlog.ReadCheckpoint(c.Checkpoint)
	if err != nil {
		return nil, err
	}
	selection := c.Selection.listed()
	b := builder{files: map[string][]byte{fileCheckpoint: c.Checkpoint}, selection: selection}
	if err := b.records(c.Sealed); err != nil {
		return nil, err
	}
	if err := b.rotations(c.Rotations); err != nil {
		return nil, err
	}
	if err := b.objects(c.Objects); err != nil {
		return nil, err
	}
	statement := inToto{
		Type: statementType, PredicateType: predicateType,
		Predicate: Statement{
			Version: version, Kind: KindRun, Scope: c.Scope, Query: c.Query, Selection: selection, Counts: b.counts,
			Origin: head.Origin, Checkpoint: Head{Size: head.Size, Root: head.Root},
			Key: base64.StdEncoding.EncodeToString(public), Announced: b.announced, LogKey: c.LogKey,
			Generator: c.Generator, Built: c.Built,
		},
	}
	for _, f := range b.sorted() {
		statement.Subject = append(statement.Subject, subjectOf(f))
	}
	if err := b.page(&statement, c.Key); err != nil {
		return nil, err
	}
	if b.files[fileManifest], err = signManifest(statement, c.Key); err != nil {
		return nil, err
	}
	return b.sorted(), nil
}

// page writes the page from all other files, and lists it.
func (b *builder) page(statement *inToto, key crypto.Signer) (err error) {
	if statement.Predicate.Page, err = signPage(*statement, key); err != nil {
		return err
	}
	p := Packet{files: b.sorted(), statement: *statement}
	if b.files[filePage], err = p.renderPage(); err != nil {
		return fmt.Errorf("%s: %w", filePage, err)
	}
	statement.Subject = append(statement.Subject, subjectOf(file{filePage, b.files[filePage]}))
	slices.SortFunc(statement.Subject, func(a, b subject) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// builder gathers the files of a packet.
type builder struct {
	files     map[string][]byte
	selection Selection
	counts    Counts
	announced uint64 // index of the record that announces the packet key
}

func (b *builder) sorted() []file {
	list := make([]file, 0, len(b.files))
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		list = append(list, file{name, b.files[name]})
	}
	return list
}

func (b *builder) objects(objects []Object) error {
	for _, o := range objects {
		name := o.name()
		if !isObjectName(name) {
			return fmt.Errorf("object %s: an extension is 1 to 16 of a-z and 0-9", name)
		}
		b.files[name] = o.Data
	}
	b.counts.Objects = len(b.files) - len(required) + 2 // manifest and page are still to come
	return nil
}

// records writes the four files of lines, and the two that follow from them.
func (b *builder) records(list []Sealed) error {
	var leaves, records, proofs, disclosures []byte
	var d derived
	for i, s := range list {
		leaf, err := evidence.ParseLeaf(s.Leaf)
		if err != nil {
			return fmt.Errorf("%s: %d: %w", checkLeaves, i, err)
		}
		id, opened := leaf.ID, s.Disclosures
		if len(s.Record) == 0 {
			d.addGone(leaf)
		} else {
			rec, err := evidence.ParseRecord(s.Record)
			if err != nil {
				return fmt.Errorf("record %d: %w", i, err)
			}
			opened = inOrder(rec, b.selection.cut(rec, opened))
			d.add(leaf.Seq, rec, opened)
			if key, ok := announced(rec); ok && key.Purpose == "packet" {
				b.announced = s.Proof.Index
			}
		}
		leaves = append(append(leaves, s.Leaf...), '\n')
		records = append(append(records, s.Record...), '\n')
		if proofs, err = appendLine(proofs, Proof{Index: s.Proof.Index, Hashes: append([]tlog.Hash{}, s.Proof.Hashes...)}); err != nil {
			return err
		}
		for _, o := range opened {
			line := disclosureLine{Record: id, Pointer: o.Pointer, Class: o.Class, Subject: o.Subject, Text: o.Text}
			if disclosures, err = appendLine(disclosures, line); err != nil {
				return err
			}
		}
		if len(records)+len(disclosures) > MaxSize {
			return fmt.Errorf("above the bound of %d bytes: choose fewer records", MaxSize)
		}
	}
	b.files[fileLeaves], b.files[fileRecords], b.files[fileProofs], b.files[fileDisclosures] = leaves, records, proofs, disclosures
	b.counts = d.counts
	d.settle()
	var err error
	if b.files[fileRedactions], err = d.redactionsFile(); err != nil {
		return err
	}
	b.files[fileSlots], err = d.slotsFile()
	return err
}

func (b *builder) rotations(list []Rotation) (err error) {
	lines := []byte{}
	for _, r := range list {
		r.Hashes = append([]tlog.Hash{}, r.Hashes...)
		if lines, err = appendLine(lines, r); err != nil {
			return err
		}
	}
	b.files[fileRotations] = lines
	return nil
}

func appendLine(dst []byte, v any) ([]byte, error) {
	line, err := canonical(v)
	return append(append(dst, line...), '\n'), err
}

// inOrder sorts disclosures as the record lists its withheld fields.
func inOrder(rec *evidence.Record, list []evidence.Disclosure) []evidence.Disclosure {
	place := make(map[string]int, len(rec.Withheld))
	for i, w := range rec.Withheld {
		place[w.Pointer] = i - len(rec.Withheld) // below the zero of unknown pointers
	}
	return slices.SortedStableFunc(slices.Values(list), func(a, b evidence.Disclosure) int {
		return cmp.Compare(place[a.Pointer], place[b.Pointer])
	})
}

// isObjectName tells the files that are known by their digest.
func isObjectName(name string) bool {
	rest, ok := strings.CutPrefix(name, dirObjects)
	digest, ext, _ := strings.Cut(rest, ".")
	return ok && evidence.Digest("sha256:"+digest).Valid() && len(ext) >= 1 && len(ext) <= 16 &&
		strings.Trim(ext, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// derived is what follows from the records and disclosures of a packet: the
// writer writes it, and Verify computes it again.
type derived struct {
	counts   Counts
	closed   []closed
	erasures []erasure
	gone     []*evidence.Leaf             // whose records were expunged
	named    map[evidence.RecordID]naming // by erasures, as expunged
	erased   []Erasure                    // what settle found each erasure to have taken
	story    story
}

func (d *derived) add(seq uint64, rec *evidence.Record, opened []evidence.Disclosure) {
	closed := redact(seq, rec, opened)
	d.closed = append(d.closed, closed...)
	d.counts.Records++
	d.counts.Disclosures += len(opened)
	d.counts.Withheld += len(closed)
	d.erasure(seq, rec)
	d.story.add(rec)
}

func (d *derived) redactionsFile() ([]byte, error) {
	list := make([]Redaction, len(d.closed))
	for i, c := range d.closed {
		list[i] = c.Redaction
	}
	return canonical(struct {
		Version  int         `json:"v"`
		Withheld []Redaction `json:"withheld"`
	}{version, list})
}

func (d *derived) slotsFile() ([]byte, error) {
	return canonical(struct {
		Version int    `json:"v"`
		Slots   []Slot `json:"slots"`
	}{version, d.story.slots()})
}
