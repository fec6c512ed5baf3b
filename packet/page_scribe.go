package packet

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

var stdBase64 = base64.StdEncoding

// scribe goes through a packet's records and writes them up.
type scribe struct {
	view    *view
	derived derived
	seqs    map[evidence.RecordID]string
	tellers map[evidence.RecordID]*teller
	names   map[string]printed // of people, by pseudonym
	entries []*entry
}

// entry is one record in the story.
type entry struct {
	Seq      string
	Type     string
	Lane     string
	Known    string // enforced, observed or declared; "" where the house itself speaks
	Turn     string // hold or stop
	When     printed
	Sentence []part
	Because  [][]part
	Shown    *presented // what an approver was given to read
	Args     []row      // of the call that the gate decided on
	Change   *change
	Facts    []row // all of the body
	Envelope []row // what stands around it
	Closed   int   // fields that are not open
	Gone     *gone // where the record was expunged

	removed []evidence.Removed
	teller  *teller
}

func (e *entry) title() string { return e.When.Text + " " + e.Type }

// Mark is the shape of how the record is known.
func (e *entry) Mark() string { return mark(e.Known) }

// read reads all records twice: names are told before they are known.
func (s *scribe) read(p *Packet) error {
	says := p.statement.Predicate
	s.view.Title = "Evidence of run " + idOf(string(says.Scope.Run))
	if s.view.Whole = s.fits(p); !s.view.Whole {
		s.view.Headline = []part{{Words: fmt.Sprintf("A run with %d records.", says.Counts.Records)}}
		return nil
	}
	for it, err := range p.items() {
		if err != nil {
			return err
		}
		if err := s.item(it); err != nil {
			return err
		}
	}
	s.settle()
	for _, e := range s.entries {
		e.tell()
		if e.Lane == "house" {
			s.view.Ground = append(s.view.Ground, e)
		} else {
			s.view.Run = append(s.view.Run, e)
		}
	}
	s.view.Headline = headline(&s.derived.story, s.tellers)
	s.view.Drawing = draw(s.view.Run)
	s.about()
	return nil
}

func (s *scribe) fits(p *Packet) bool {
	records, _ := p.File(fileRecords)
	disclosures, _ := p.File(fileDisclosures)
	return len(records)+len(disclosures) <= maxPage
}

func (s *scribe) item(it item) error {
	if len(it.Record) == 0 {
		return s.gone(it)
	}
	rec, err := evidence.ParseRecord(it.Record)
	if err != nil {
		return err
	}
	root, err := opened(rec, it)
	if err != nil {
		return err
	}
	seq := strconv.FormatUint(it.leaf.Seq, 10)
	closed := len(s.derived.closed)
	s.derived.add(it.leaf.Seq, rec, it.Disclosures)
	s.seqs[rec.ID] = seq
	t := &teller{source: seq, typ: rec.Type, root: root, names: s.names}
	s.tellers[rec.ID] = t
	s.name(rec.Type.Shape(), root, seq, it.Disclosures)
	s.entries = append(s.entries, &entry{
		Seq: seq, Type: string(rec.Type), Lane: laneOf(rec), Known: t.text("assurance"), Closed: len(s.derived.closed) - closed,
		Turn: turnOf(t), When: root.at("/occurred").print(seq, asTime), removed: rec.Removed, teller: t,
	})
	s.view.Raw = append(s.view.Raw, rawOf(seq, it))
	return nil
}

// name keeps whose name a record discloses: the pseudonym stands beside it.
func (s *scribe) name(shape *evidence.Shape, root *node, seq string, disclosures []evidence.Disclosure) {
	for _, d := range disclosures {
		if d.Subject == "" || shape == nil {
			continue
		}
		_, known := s.names[d.Subject]
		n, f := root.at("/body"+d.Pointer), shape.FieldAt(d.Pointer)
		if known || n == nil || f == nil || !n.scalar() {
			continue
		}
		s.names[d.Subject] = n.print(seq, "")
		if ref := root.at(n.pointer[:strings.LastIndexByte(n.pointer, '/')+1] + f.Subject); ref != nil {
			s.view.People = append(s.view.People, person{ref.print(seq, ""), s.names[d.Subject]})
		}
	}
}

// opened is the record as a tree, with what is disclosed put back.
func opened(rec *evidence.Record, it item) (*node, error) {
	record, err := evidence.ParseValue(it.Record)
	if err != nil {
		return nil, err
	}
	body, err := evidence.Reveal(rec.Body, it.Disclosures)
	if err != nil {
		return nil, fmt.Errorf("disclosures of record %d: %w", it.leaf.Seq, err)
	}
	root := nodeOf("", "", record, nil)
	for i, k := range root.kids {
		if k.name == "body" {
			root.kids[i] = nodeOf("body", "/body", body, rec.Type.Shape())
		}
	}
	return root, nil
}

// rawOf is the record's lines as they stand in the packet's files.
func rawOf(seq string, it item) rawRecord {
	r := rawRecord{Seq: seq, Type: string(it.leaf.Type), Leaf: string(it.Leaf), Record: string(it.Record)}
	if line, err := canonical(it.Proof); err == nil {
		r.Proof = string(line)
	}
	for _, d := range it.Disclosures {
		line, err := canonical(disclosureLine{Record: it.leaf.ID, Pointer: d.Pointer, Class: d.Class, Subject: d.Subject, Text: d.Text})
		if err == nil {
			r.Disclosures = append(r.Disclosures, string(line))
		}
	}
	return r
}

// tell writes the entry once every name is known.
func (e *entry) tell() {
	t := e.teller
	if e.Gone != nil {
		e.Sentence, e.Facts = e.Gone.sentence(t), e.Gone.facts(t)
		return
	}
	rest := t.root.remove(e.removed, e.Seq)
	e.Sentence, e.Because = t.sentence(), t.because()
	e.Shown, e.Change = presentedBy(t), changeOf(t)
	// Where the call was held, its arguments stand in what the approver was shown.
	if n := t.root.at("/body/sealed_args/args"); n != nil && t.text("verdict") != "hold" {
		e.Args = n.rows(e.Seq)
	}
	for _, f := range []struct{ label, pointer, as string }{
		{"record", "/id", ""}, {"type", "/type", ""}, {"occurred", "/occurred", ""}, {"received", "/received", ""},
		{"actor", "/actor/kind", ""}, {"actor · ref", "/actor/ref", ""}, {"source", "/source/name", ""}, {"source · kind", "/source/kind", ""},
		{"workflow", "/workflow/name", ""}, {"workflow · digest", "/workflow/digest", ""},
	} {
		if n := t.root.at(f.pointer); n != nil {
			e.Envelope = append(e.Envelope, row{Label: f.label, Values: []printed{n.print(e.Seq, f.as)}})
		}
	}
	e.Facts = append(t.root.at("/body").rows(e.Seq), rest...)
}

// about is what the top of the page says of the run.
func (s *scribe) about() {
	line := func(label string, t *teller, sentence string) {
		r := row{Label: label}
		for _, p := range t.say(sentence) {
			if p.Value != nil {
				r.Values = append(r.Values, *p.Value)
			}
		}
		s.view.About = append(s.view.About, r)
	}
	if len(s.derived.story.started) > 0 {
		t := s.tellers[s.derived.story.started[0].id]
		line("run", t, "{@run}")
		if t.root.at("/workflow/name") != nil {
			line("workflow", t, "{@workflow/name} {@workflow/tier} {@workflow/mode}")
		}
		line("started", t, "{time:@occurred}")
	}
	if n := len(s.derived.story.ended); n > 0 {
		line("ended", s.tellers[s.derived.story.ended[n-1].id], "{time:@occurred} {outcome}")
	}
	for i, f := range s.derived.story.referenced {
		if t := s.tellers[f.id]; i < 3 {
			line("document", t, "{short:document}"+t.with(" {name}", "name"))
		}
	}
}
