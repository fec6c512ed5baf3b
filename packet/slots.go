package packet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// State says how well a slot is known.
type State string

// The states of a slot. Slots gives the first six; the others need to be told
// what could have been seen, and what was owed.
const (
	Evidenced    State = "evidenced"    // enforced or observed
	Declared     State = "declared"     // the agent or its code says so
	Inferred     State = "inferred"     // follows from other records
	Erased       State = "erased"       // a record that it rested on was expunged by authority
	Missing      State = "missing"      // no record says it
	Contradicted State = "contradicted" // records say opposite things
	Unobservable State = "unobservable"
	Withheld     State = "withheld"
	NotOwed      State = "not-owed"
)

// worse orders the states that Slots gives: a slot is known no better than the
// worst of what it rests on.
var worse = []State{Evidenced, Declared, Inferred, Erased, Missing, Contradicted}

// Slot is one named place that a run fills with evidence, or leaves open.
type Slot struct {
	Name    string              `json:"name"`
	State   State               `json:"state"`
	Records []evidence.RecordID `json:"records"` // that it rests on, in their order
	Summary string              `json:"summary"`
	Gaps    []Gap               `json:"gaps"` // none where evidenced
}

// Gap is what is not known, and what would close it.
type Gap struct {
	Reason string `json:"reason"`
	Close  string `json:"close"`
}

// Slots judges the records of one run, given in the order of their seq: the
// six outputs extraction, validation, authorization, routing, oversight and
// action, then identity, inputs and operation. It reads only fields that no
// record withholds, so disclosures change nothing. A body that
// is not what its type says counts for nothing. Gone are the run's records
// that were expunged.
func Slots(records []*evidence.Record, gone ...Gone) []Slot {
	s := story{gone: gone}
	for _, rec := range records {
		s.add(rec)
	}
	return s.slots()
}

// sheet is a slot being filled: every fact it rests on lowers its state to how
// well that fact is known, every gap to how bad that gap is.
type sheet struct {
	name  string
	state State
	rests []place
	lines []string
	gaps  []Gap
}

// place is a record and its position among the run's.
type place struct {
	n  int
	id evidence.RecordID
}

// sheet begins a slot with what was expunged of it.
func (s *story) sheet(name string) *sheet {
	b := &sheet{name: name, state: Evidenced}
	for _, g := range s.gone {
		if restsOn[g.Type] == name {
			b.gap(Erased, fmt.Sprintf("record %s (%s) was expunged on %s by authority: %s", short(string(g.Record)), g.Type, clock(g.On), g.Authority),
				"nothing brings it back: its leaf shows that it was there, and which erasure took it")
		}
	}
	return b
}

func (s *sheet) lower(state State) {
	if slices.Index(worse, state) > slices.Index(worse, s.state) {
		s.state = state
	}
}

// cite rests the slot on records.
func (s *sheet) cite(records ...place) { s.rests = append(s.rests, records...) }

func (s *sheet) empty() bool { return len(s.rests) == 0 && len(s.gaps) == 0 }

// say adds to the summary.
func (s *sheet) say(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *sheet) gap(state State, reason, close string) {
	s.lower(state)
	s.gaps = append(s.gaps, Gap{reason, close})
}

func (s *sheet) slot() Slot {
	slices.SortFunc(s.rests, func(a, b place) int { return a.n - b.n })
	ids := []evidence.RecordID{}
	for _, p := range slices.Compact(s.rests) {
		ids = append(ids, p.id)
	}
	lines := s.lines
	if len(lines) == 0 && len(s.gaps) > 0 {
		lines = []string{s.gaps[0].Reason}
	}
	return Slot{Name: s.name, State: s.state, Records: ids, Summary: some(lines, "; "), Gaps: append([]Gap{}, s.gaps...)}
}

// some joins the first few of a list and counts the rest.
func some(list []string, by string) string {
	const few = 3
	if len(list) <= few {
		return strings.Join(list, by)
	}
	return fmt.Sprintf("%s%sand %d more", strings.Join(list[:few], by), by, len(list)-few)
}

// count is "1 document", "2 documents".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// known is the state of a fact of some assurance.
func known(assurance string) State {
	if assurance == "enforced" || assurance == "observed" {
		return Evidenced
	}
	return Declared
}

// clock is a time as people read it.
func clock(t evidence.Time) string {
	at, err := t.Parse()
	if err != nil {
		return string(t)
	}
	return at.Format("2006-01-02 15:04:05Z")
}
