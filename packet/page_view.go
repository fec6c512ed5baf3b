package packet

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/evidencefactory/evf/evidence"
)

// maxPage bounds the records and disclosures that are shown on a page, in
// bytes: what a person could still read, and a verifier render again in no
// more time than it takes to check the rest. The page of a larger packet is a
// summary, and says so. Only a test sets it.
var maxPage = 2 << 20

// view is what the page's template fills in.
type view struct {
	Version  int
	Policy   string // Content-Security-Policy
	Script   template.JS
	Style    template.CSS
	Paper    template.CSS // what stands at the edge of each printed page
	Title    string
	Headline []part
	About    []row // of the run, for the top
	Says     []row // the statement
	Slots    []slotView
	Gaps     []gapView
	Declared string   // names of slots that rest on the agent's word, and have no gap
	Cut      *printed // for whom
	Closed   []closedCount
	Erased   []erasedCount
	People   []person
	Run      []*entry
	Ground   []*entry // records of the house, that the run stands on
	Drawing  *drawing
	Whole    bool // false for a summary: no record stands on the page
	Raw      []rawRecord
	Rotated  []string // lines of rotations.jsonl
	Files    []rawFile
	Objects  []rawFile

	Statement string // canonical JSON
	Signature string
	PacketKey evidence.Digest
	LogKey    evidence.Digest // "" where the packet does not say
	VKey      string
	Counts    Counts
}

// slotView is a slot with the places of its texts in slots.json.
type slotView struct {
	Name    string
	State   printed
	Summary printed
	Gaps    int
	Records []string // seqs
}

// Six reports whether the slot is one of the six outputs.
func (s slotView) Six() bool { return slices.Contains(sixOutputs, s.Name) }

var sixOutputs = []string{"extraction", "validation", "authorization", "routing", "oversight", "action"}

// Title is the slot's name for people.
func (s slotView) Title() string {
	if s.Name == "oversight" {
		return "human oversight"
	}
	return s.Name
}

type gapView struct {
	Slot   slotView
	Reason printed
	Close  printed
}

// person is someone whose name some record discloses, and their pseudonym.
type person struct{ Ref, Name printed }

// closedCount counts fields that are not open, by what became of them.
type closedCount struct {
	Reason string
	Mark   string
	Count  int
}

// rawRecord is what is hashed, as text.
type rawRecord struct {
	Seq, Type           string
	Leaf, Record, Proof string // no record where it was expunged
	Disclosures         []string
}

// rawFile is a file in its bytes: as text where a browser gives exactly those
// back, else in base64.
type rawFile struct {
	Name   string
	Text   string
	Base64 bool
}

// view lays out what follows from the packet's files and statement.
func (p *Packet) view() (*view, error) {
	statement := p.statement.withoutPage()
	payload, err := canonical(statement)
	if err != nil {
		return nil, err
	}
	v := &view{
		Version: pageVersion, Script: template.JS(pageScript), Style: template.CSS(pageStyle), Statement: string(payload),
		Signature: p.statement.Predicate.Page.Sig, VKey: statement.Predicate.LogKey, LogKey: keyFingerprint(statement.Predicate.LogKey),
		PacketKey: keyOf(statement.Predicate.Key), Counts: statement.Predicate.Counts,
	}
	v.paper(statement.Predicate, payload)
	s := &scribe{view: v, seqs: map[evidence.RecordID]string{}, tellers: map[evidence.RecordID]*teller{}, names: map[string]printed{}}
	if err := s.read(p); err != nil {
		return nil, err
	}
	if err := s.says(payload); err != nil {
		return nil, err
	}
	if err := s.slots(p); err != nil {
		return nil, err
	}
	v.files(p)
	v.rotated(p)
	return v, nil
}

// paper sets what may run and be drawn on the page, and what stands at the
// edge of each printed one. Only digits, letters and the signs of times and
// ids get in there.
func (v *view) paper(says Statement, payload []byte) {
	v.Paper = template.CSS(fmt.Sprintf(
		`@page{@top-left{content:"run %s"}@top-center{content:"statement %s"}@top-right{content:"built %s"}}`,
		cssText(string(says.Scope.Run)), idOf(string(evidence.DigestOf(payload))), cssText(clock(says.Built))))
	v.Policy = fmt.Sprintf("default-src 'none'; script-src %s; style-src %s %s; base-uri 'none'; form-action 'none'",
		sourceHash(pageScript), sourceHash(pageStyle), sourceHash(string(v.Paper)))
}

func cssText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' && r != ' ' && r != '-' || r > ':' && r != 'Z' && (r < 'a' || r > 'z') {
			return -1
		}
		return r
	}, s)
}

func keyOf(text string) evidence.Digest {
	key, _ := unbase64(stdBase64, text)
	return evidence.DigestOf(key)
}

// says lays out the statement, each value bound to its place in it.
func (s *scribe) says(payload []byte) error {
	value, err := evidence.ParseValue(payload)
	if err != nil {
		return err
	}
	root := nodeOf("", "", value, nil)
	line := func(name, pointer, as string) {
		if n := root.at("/predicate" + pointer); n != nil && (as != asList || len(n.kids) > 0) {
			s.view.Says = append(s.view.Says, row{Label: name, Values: []printed{n.print("statement", as)}})
		}
	}
	if n := root.at("/predicate/selection/profile"); n != nil {
		p := n.print("statement", asCut)
		s.view.Cut = &p
	}
	line("tenant", "/scope/tenant", "")
	line("run", "/scope/run", "")
	line("chosen", "/query", "")
	line("cut", "/selection/profile", asCut)
	line("opened besides", "/selection/disclose", asList)
	line("withheld besides", "/selection/withhold", asList)
	line("log", "/origin", "")
	line("announcement of the packet key", "/announced", "")
	line("size of the log", "/checkpoint/size", "")
	line("root of the log", "/checkpoint/root", "")
	line("records", "/counts/records", "")
	line("fields disclosed", "/counts/disclosures", "")
	line("fields closed", "/counts/withheld", "")
	line("objects", "/counts/objects", "")
	line("built", "/built", asTime)
	line("built by", "/generator/name", "")
	line("version", "/generator/version", "")
	line("digest of the program", "/generator/digest", "")
	return nil
}

// slots lays out the slots and their gaps, the worst first.
func (s *scribe) slots(p *Packet) error {
	data, _ := p.File(fileSlots)
	value, err := evidence.ParseValue(data)
	if err != nil {
		return err
	}
	root := nodeOf("", "", value, nil)
	// They are what Verify compares, so they need not be derived once more.
	var says struct {
		Version int    `json:"v"`
		Slots   []Slot `json:"slots"`
	}
	if err := decode(data, &says); err != nil {
		return err
	}
	var declared []string
	for i, slot := range says.Slots {
		at := func(path string) printed {
			return root.at("/slots/"+strconv.Itoa(i)+path).print(fileSlots, "")
		}
		v := slotView{Name: slot.Name, State: at("/state"), Summary: at("/summary"), Gaps: len(slot.Gaps)}
		for _, id := range slot.Records {
			if !s.view.Whole {
				break // there is nothing to lead to
			}
			v.Records = append(v.Records, s.seqs[id])
		}
		s.view.Slots = append(s.view.Slots, v)
		if slot.State == Declared && len(slot.Gaps) == 0 {
			declared = append(declared, v.Title())
		}
		for g := range slot.Gaps {
			gap := "/gaps/" + strconv.Itoa(g)
			s.view.Gaps = append(s.view.Gaps, gapView{v, at(gap + "/reason"), at(gap + "/close")})
		}
	}
	s.view.Declared = strings.Join(declared, ", ")
	slices.SortStableFunc(s.view.Gaps, func(a, b gapView) int {
		return slices.Index(worse, State(b.Slot.State.Text)) - slices.Index(worse, State(a.Slot.State.Text))
	})
	return nil
}

// files lays out the files that are not lines.
func (v *view) files(p *Packet) {
	for _, f := range p.files {
		switch {
		case isObjectName(f.name):
			v.Objects = append(v.Objects, rawFileOf(f))
		case f.name == fileCheckpoint || f.name == fileSlots || f.name == fileRedactions && v.Whole:
			v.Files = append(v.Files, rawFileOf(f))
		}
	}
}

// rotated lays out the proofs of the log's later keys, line by line.
func (v *view) rotated(p *Packet) {
	if data, _ := p.File(fileRotations); v.Whole {
		for line := range strings.Lines(string(data)) {
			v.Rotated = append(v.Rotated, strings.TrimSuffix(line, "\n"))
		}
	}
}

func rawFileOf(f file) rawFile {
	text := string(f.data)
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unseen) {
		return rawFile{f.name, stdBase64.EncodeToString(f.data), true}
	}
	return rawFile{f.name, text, false}
}
