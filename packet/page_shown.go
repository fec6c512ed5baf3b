package packet

import (
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// presented is a Presentation as an approver was given it: what is asked, why
// it came to them, the facts, and exactly what would happen.
type presented struct {
	Asked   []part
	Purpose *printed
	Why     []printed
	Rules   [][]part
	Passed  *printed // number of checks
	Failed  *grid
	Args    []row
	Facts   *grid
	Approve *printed // what follows
	Reject  *printed
}

// presentedBy takes the presentation of an approval.requested apart, where it
// is disclosed and has the members of version 1. What is not laid out here
// stands in the record's table of facts.
func presentedBy(t *teller) *presented {
	const in = "shown/presentation/"
	n := t.root.at("/body/shown/presentation")
	if n == nil || n.closed != nil || t.text(in+"v") != "1" {
		return nil
	}
	one := func(path string) *printed {
		if k := t.root.at(pointerOf(in + path)); k != nil {
			p := k.print(t.source, "")
			return &p
		}
		return nil
	}
	p := &presented{
		Asked:   t.say("May {" + in + "action/tool} run, with impact {" + in + "action/impact}? {" + in + "question/role} is asked, until {time:" + in + "question/expires}."),
		Purpose: one("workflow/purpose"), Passed: one("checks_passed"), Approve: one("question/on_approve"), Reject: one("question/on_reject"),
	}
	if k := t.root.at(pointerOf(in + "why")); k != nil {
		for _, e := range k.kids {
			p.Why = append(p.Why, e.print(t.source, ""))
		}
	}
	p.Rules = t.matched(in + "rules")
	if k := t.root.at(pointerOf(in + "action/args")); k != nil {
		p.Args = k.rows(t.source)
	}
	p.Failed, p.Facts = gridAt(t, in+"failed_checks"), gridAt(t, in+"facts")
	return p
}

func gridAt(t *teller, path string) *grid {
	n := t.root.at(pointerOf(path))
	if n == nil || len(n.kids) == 0 || !n.listOfObjects() {
		return nil
	}
	return n.grid(t.source)
}

// change is a target before and after an action, field by field.
type change struct {
	Before, After bool // which of the two is on record and open
	Fields        []changed
}

type changed struct {
	Label  string
	Before *printed
	After  *printed
}

// Differs reports whether the two say different things.
func (c changed) Differs() bool {
	return c.Before != nil && c.After != nil && c.Before.Text != c.After.Text
}

func changeOf(t *teller) *change {
	if t.typ != evidence.TypeChangeObserved {
		return nil
	}
	c := &change{}
	c.Before = c.side(t, "before", func(f *changed, p *printed) { f.Before = p })
	c.After = c.side(t, "after", func(f *changed, p *printed) { f.After = p })
	if len(c.Fields) == 0 {
		return nil
	}
	return c
}

// side puts the fields of one of the two in their lines.
func (c *change) side(t *teller, path string, put func(*changed, *printed)) bool {
	n := t.root.at(pointerOf(path))
	if n == nil || n.closed != nil {
		return false
	}
	n.each("", func(label string, p printed) {
		i := slices.IndexFunc(c.Fields, func(f changed) bool { return f.Label == label })
		if i < 0 {
			i, c.Fields = len(c.Fields), append(c.Fields, changed{Label: label})
		}
		put(&c.Fields[i], &p)
	}, t.source)
	return true
}

// each goes through the fields beneath an object, and those of objects in it.
func (n *node) each(path string, visit func(label string, p printed), source string) {
	for _, k := range n.kids {
		label := strings.TrimPrefix(path+" · "+k.name, " · ")
		if k.closed == nil && k.value.Kind() == evidence.Object && len(k.kids) > 0 {
			k.each(label, visit, source)
			continue
		}
		visit(label, n.printField(k, source))
	}
}
