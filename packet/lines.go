package packet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// canonical is v's JSON in RFC 8785 form.
func canonical(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	value, err := evidence.ParseValue(data)
	if err != nil {
		return nil, err
	}
	return value.Canonical(), nil
}

// decode reads JSON that must be exactly what canonical makes of the result.
// That one comparison refuses other members, other cases of a name, repeated
// names, spaces, loose base64 and bytes after the end.
func decode(data []byte, into any) error {
	if _, err := evidence.ParseValue(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("is not of the expected form: %w", err)
	}
	again, err := canonical(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return errors.New("is not in canonical form, or has members that version 1 does not know")
	}
	return nil
}

// members reads a line of canonical JSON that is an object of exactly these
// members, which are named in canonical order. There are as many lines as
// records, so they are not left to decode.
func members(line []byte, names ...string) ([]evidence.Field, error) {
	v, err := evidence.ParseCanonical(line)
	if err != nil {
		return nil, err
	}
	fields := v.Fields()
	if !slices.EqualFunc(fields, names, func(f evidence.Field, name string) bool { return f.Name == name }) {
		return nil, fmt.Errorf("is not an object of %s", strings.Join(names, ", "))
	}
	return fields, nil
}

// hashText is the length of a hash in base64: nothing that the decoder would
// pass over has room in it.
const hashText = 44

// parseProof reads a line of proofs.jsonl.
func parseProof(line []byte) (Proof, error) {
	fields, err := members(line, "hashes", "index")
	if err != nil {
		return Proof{}, err
	}
	hashes, index := fields[0].Value, fields[1].Value
	n, whole := index.Int()
	if hashes.Kind() != evidence.Array || !whole || n < 0 {
		return Proof{}, errors.New("is not a list of hashes and the index of a leaf")
	}
	p := Proof{Hashes: make([]tlog.Hash, len(hashes.Elems())), Index: uint64(n)}
	for i, h := range hashes.Elems() {
		var raw [tlog.HashSize + 1]byte // room for what a text of this length could say
		n, text := 0, h.Text()
		if len(text) == hashText {
			n, err = padded.Decode(raw[:], []byte(text))
		}
		if n != tlog.HashSize || err != nil {
			return Proof{}, fmt.Errorf("hash %d is not the base64 of %d bytes", i, tlog.HashSize)
		}
		p.Hashes[i] = tlog.Hash(raw[:n])
	}
	return p, nil
}

// parseDisclosure reads a line of disclosures.jsonl.
func parseDisclosure(line []byte) (*disclosureLine, error) {
	fields, err := members(line, "class", "pointer", "record", "subject", "text")
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if f.Value.Kind() != evidence.String {
			return nil, fmt.Errorf("%s is not a string", f.Name)
		}
	}
	text := func(i int) string { return fields[i].Value.Text() }
	return &disclosureLine{Class: evidence.Class(text(0)), Pointer: text(1), Record: evidence.RecordID(text(2)), Subject: text(3), Text: text(4)}, nil
}

// disclosureLine is one line of disclosures.jsonl.
type disclosureLine struct {
	Class   evidence.Class    `json:"class"`
	Pointer string            `json:"pointer"`
	Record  evidence.RecordID `json:"record"`
	Subject string            `json:"subject"`
	Text    string            `json:"text"`
}

// lineError says in which file and line a packet is not well formed.
type lineError struct {
	file string
	line int
	err  error
}

func (e *lineError) where() string { return fmt.Sprintf("%s:%d", e.file, e.line) }
func (e *lineError) Error() string { return e.where() + ": " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// lines reads a file line by line; every line ends with a line feed.
type lines struct {
	file string
	max  int // bytes of one line
	rest []byte
	n    int // lines read
}

func (p *Packet) lines(name string, max int) *lines {
	data, _ := p.File(name)
	return &lines{file: name, max: max, rest: data}
}

// next is the next line without its end, nil where the file has ended.
func (l *lines) next() ([]byte, error) {
	if len(l.rest) == 0 {
		return nil, nil
	}
	l.n++
	end := bytes.IndexByte(l.rest, '\n')
	if end < 0 || end > l.max {
		return nil, l.fault(fmt.Errorf("line is not ended, or above the bound of %d bytes", l.max))
	}
	line := l.rest[:end:end]
	l.rest = l.rest[end+1:]
	return line, nil
}

func (l *lines) fault(err error) error { return &lineError{l.file, l.n, err} }

// item is one record with all that the packet says about it.
type item struct {
	Sealed
	leaf *evidence.Leaf
	line int // in leaves, records and proofs
}

// items joins the lines of leaves, records, proofs and disclosures. It holds
// one record at a time, so that a packet is read in little memory.
func (p *Packet) items() iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		j := joiner{
			leaves:      p.lines(fileLeaves, maxLeaf),
			records:     p.lines(fileRecords, evidence.MaxRecord),
			proofs:      p.lines(fileProofs, maxProof),
			disclosures: p.lines(fileDisclosures, maxDisclosure),
		}
		for {
			it, err := j.next()
			if err == nil && it == nil {
				return
			}
			if err != nil {
				yield(item{}, err)
				return
			}
			if !yield(*it, nil) {
				return
			}
		}
	}
}

type joiner struct {
	leaves, records, proofs, disclosures *lines
	ahead                                *disclosureLine // read, and not yet of any record
}

func (j *joiner) next() (*item, error) {
	it := &item{}
	var err error
	if it.Leaf, err = j.leaves.next(); err != nil {
		return nil, err
	}
	if it.Leaf == nil {
		return nil, j.ended()
	}
	it.line = j.leaves.n
	if it.leaf, err = evidence.ParseLeaf(it.Leaf); err != nil {
		return nil, j.leaves.fault(err)
	}
	if it.Record, err = j.partner(j.records); err != nil {
		return nil, err
	}
	proof, err := j.partner(j.proofs)
	if err != nil {
		return nil, err
	}
	if it.Proof, err = parseProof(proof); err != nil {
		return nil, j.proofs.fault(err)
	}
	it.Disclosures, err = j.disclosuresOf(it.leaf.ID)
	return it, err
}

// partner is the line that goes with the leaf just read.
func (j *joiner) partner(l *lines) ([]byte, error) {
	line, err := l.next()
	if err == nil && line == nil {
		l.n++
		err = l.fault(fmt.Errorf("ends before %s does", j.leaves.file))
	}
	return line, err
}

// disclosuresOf takes the lines that follow as long as they are of record id.
func (j *joiner) disclosuresOf(id evidence.RecordID) (list []evidence.Disclosure, err error) {
	for {
		if err := j.look(); err != nil {
			return nil, err
		}
		d := j.ahead
		if d == nil || d.Record != id {
			return list, nil
		}
		list = append(list, evidence.Disclosure{Pointer: d.Pointer, Class: d.Class, Subject: d.Subject, Text: d.Text})
		j.ahead = nil
	}
}

// look reads one disclosure ahead, unless one is waiting.
func (j *joiner) look() error {
	if j.ahead != nil {
		return nil
	}
	line, err := j.disclosures.next()
	if err != nil || line == nil {
		return err
	}
	if j.ahead, err = parseDisclosure(line); err != nil {
		return j.disclosures.fault(err)
	}
	return nil
}

// ended wants every file at its end when the leaves are.
func (j *joiner) ended() error {
	for _, l := range []*lines{j.records, j.proofs} {
		if len(l.rest) > 0 {
			l.n++
			return l.fault(fmt.Errorf("has no leaf in %s", j.leaves.file))
		}
	}
	if err := j.look(); err != nil {
		return err
	}
	if j.ahead != nil {
		return j.disclosures.fault(fmt.Errorf("is of record %q, which is not here or comes earlier", j.ahead.Record))
	}
	return nil
}
