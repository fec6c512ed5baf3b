package packet

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// What is not there has its place on the page too: fields that nobody opens,
// records that were expunged, and text that was taken out before it was kept.

// erasedBy is an erasure that took something, each value bound to its record.
type erasedBy struct {
	Seq       string
	On        printed
	Authority printed
}

// erasedCount is what one erasure took of this packet.
type erasedCount struct {
	*erasedBy
	Fields  int
	Records int
}

// gone is a record of which only the leaf is here.
type gone struct {
	leaf *evidence.Leaf
	By   *erasedBy // nil where no erasure says so, which Verify refuses
}

// laneGone is the line of what was expunged: its leaf does not say who acted.
const laneGone = "expunged"

// gone keeps the place of an expunged record.
func (s *scribe) gone(it item) error {
	value, err := evidence.ParseValue(it.Leaf)
	if err != nil {
		return err
	}
	seq, root := strconv.FormatUint(it.leaf.Seq, 10), nodeOf("", "", value, nil)
	s.derived.addGone(it.leaf)
	s.entries = append(s.entries, &entry{
		Seq: seq, Type: string(it.leaf.Type), Lane: laneGone, Known: string(Erased), When: root.at("/received").print(seq, asTime),
		Gone: &gone{leaf: it.leaf}, teller: &teller{source: seq, typ: it.leaf.Type, root: root, names: s.names},
	})
	if s.view.Whole {
		s.view.Raw = append(s.view.Raw, rawOf(seq, it))
	}
	return nil
}

// settle puts marks in the place of what is not open, with what took it, and
// counts them.
func (s *scribe) settle() {
	s.derived.settle()
	reasons := map[string]int{}
	for i := range s.derived.closed {
		c := &s.derived.closed[i].Redaction
		reasons[c.Reason]++
		t := s.tellers[c.Record]
		t.root.close(c, s.erasedBy(c.Erasure), t.typ.Shape())
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		if reason != ReasonErased { // told one by one
			s.view.Closed = append(s.view.Closed, closedCount{reason, mark(reason), reasons[reason]})
		}
	}
	for _, e := range s.derived.erased {
		s.view.Erased = append(s.view.Erased, erasedCount{s.erasedBy(e.Record), e.Fields, e.Records})
	}
	for _, e := range s.entries {
		if e.Gone == nil {
			continue
		}
		if n, ok := s.derived.tookRecord(e.Gone.leaf); ok {
			e.Gone.By = s.erasedBy(s.derived.erasures[n.erasure].rec.ID)
		}
	}
}

// erasedBy is the erasure with the id, nil for none.
func (s *scribe) erasedBy(id evidence.RecordID) *erasedBy {
	t := s.tellers[id]
	if t == nil {
		return nil
	}
	by := &erasedBy{Seq: t.source, On: t.root.at("/received").print(t.source, asDay)}
	if n := t.root.at("/body/authority"); n != nil {
		by.Authority = n.print(t.source, "")
	}
	return by
}

func (g *gone) sentence(t *teller) []part {
	parts := t.say("The content of this record of type {@type} was expunged")
	if g.By == nil {
		return append(parts, part{Words: ", and no erasure in the packet says so."})
	}
	return append(parts, part{Words: " on "}, part{Value: &g.By.On}, part{Words: " by authority: "}, part{Value: &g.By.Authority},
		part{Words: ". Its place in the log is proven."})
}

// facts are those of the leaf.
func (g *gone) facts(t *teller) (list []row) {
	for _, name := range []string{"id", "type", "received", "digest"} {
		list = append(list, row{Label: name, Values: []printed{t.root.at("/"+name).print(t.source, "")}})
	}
	return list
}

// remove notes beside each text what was taken out of it. It returns rows for
// what has no text on the page to stand beside.
func (n *node) remove(list []evidence.Removed, source string) (rest []row) {
	for i, m := range list {
		said := n.at("/removed/" + strconv.Itoa(i))
		if said == nil {
			continue
		}
		p := said.print(source, asTaken)
		if text := n.nearest("/body" + m.Pointer); text.scalar() {
			text.removed = append(text.removed, p)
			continue
		}
		rest = append(rest, row{Label: "removed · " + m.Pointer, Values: []printed{p}})
	}
	return rest
}

// nearest is the node that a pointer from the record's root leads to, or the
// last one on the way.
func (n *node) nearest(pointer string) *node {
	for _, k := range n.kids {
		if pointer == k.pointer || strings.HasPrefix(pointer, k.pointer+"/") {
			return k.nearest(pointer)
		}
	}
	return n
}
