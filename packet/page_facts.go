package packet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// Every field of a record's body stands in its table of facts, by the
// catalogue's order where that knows the type. What is withheld stands in its
// place with a mark.

// node is a value of an opened body, or the mark of a field that is not open.
type node struct {
	name    string
	pointer string // from the record's root
	value   evidence.Value
	kids    []*node
	closed  *Redaction
	by      *erasedBy
	removed []printed
}

// nodeOf walks an opened body; shape is nil for what the catalogue does not
// know.
func nodeOf(name, pointer string, v evidence.Value, shape *evidence.Shape) *node {
	n := &node{name: name, pointer: pointer, value: v}
	switch v.Kind() {
	case evidence.Array:
		for i, e := range v.Elems() {
			at := strconv.Itoa(i)
			n.kids = append(n.kids, nodeOf(at, pointer+"/"+at, e, elemOf(shape)))
		}
	case evidence.Object:
		for _, f := range v.Fields() {
			if f.Name == "_sd" {
				continue
			}
			n.kids = append(n.kids, nodeOf(f.Name, pointer+"/"+escapeToken(f.Name), f.Value, memberOf(shape, f.Name)))
		}
		n.sort(shape)
	}
	return n
}

func elemOf(s *evidence.Shape) *evidence.Shape {
	if s == nil {
		return nil
	}
	return s.Elem
}

func memberOf(s *evidence.Shape, name string) *evidence.Shape {
	if s == nil {
		return nil
	}
	if f := s.Field(name); f != nil {
		return f.Shape
	}
	return nil
}

var tokenEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func escapeToken(name string) string { return tokenEscapes.Replace(name) }

// sort puts an object's fields in the catalogue's order, what it does not know
// last.
func (n *node) sort(shape *evidence.Shape) {
	if shape == nil {
		return
	}
	place := func(name string) int {
		i := slices.IndexFunc(shape.Fields, func(f evidence.FieldShape) bool { return f.Name == name })
		if i < 0 {
			return len(shape.Fields)
		}
		return i
	}
	slices.SortStableFunc(n.kids, func(a, b *node) int { return place(a.name) - place(b.name) })
}

// at is the node that a pointer from the record's root leads to, nil where
// there is none.
func (n *node) at(pointer string) *node {
	if n == nil || n.pointer == pointer {
		return n
	}
	for _, k := range n.kids {
		if pointer == k.pointer || strings.HasPrefix(pointer, k.pointer+"/") {
			return k.at(pointer)
		}
	}
	return nil
}

// close puts the mark of a field that is not open in its place; by is what
// erased it, nil where nothing did.
func (n *node) close(r *Redaction, by *erasedBy, shape *evidence.Shape) {
	pointer := "/body" + r.Pointer
	if at := n.at(pointer); at != nil { // an element: its commitment stands there
		at.closed, at.by, at.kids = r, by, nil
		return
	}
	cut := strings.LastIndexByte(pointer, '/')
	parent := n.at(pointer[:cut])
	if parent == nil {
		return
	}
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(pointer[cut+1:])
	parent.kids = append(parent.kids, &node{name: name, pointer: pointer, closed: r, by: by})
	parent.sort(shapeAt(shape, parent.pointer))
}

// shapeAt is the shape of what a pointer from the record's root leads to.
func shapeAt(shape *evidence.Shape, pointer string) *evidence.Shape {
	for token := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(pointer, "/body"), "/"), "/") {
		switch {
		case token == "" || shape == nil:
			return shape
		case shape.Kind == evidence.Array:
			shape = shape.Elem
		default:
			shape = memberOf(shape, token)
		}
	}
	return shape
}

// scalar reports whether the node is printed as one text.
func (n *node) scalar() bool {
	return n.closed != nil || n.value.Kind() != evidence.Object && n.value.Kind() != evidence.Array
}

// row is one line of a table of facts: some values, or a table of its own.
type row struct {
	Label  string
	Values []printed
	Table  *grid
}

// grid is a list of objects: a column each field.
type grid struct {
	Columns []string
	Rows    []gridRow
}

// gridRow is one object. The pointers of its values go on from Base.
type gridRow struct {
	Base  string
	Cells []printed // one for each column, with no Pointer where the object has no such field
}

// maxColumns is what still reads as a grid, on paper too.
const maxColumns = 6

// Long reports whether paper should do without the grid.
func (g *grid) Long() bool { return len(g.Rows) > 30 }

// rows are the facts beneath a node, labels by the path from it.
func (n *node) rows(source string) []row { return n.rowsUnder(source, "") }

func (n *node) rowsUnder(source, path string) (list []row) {
	for _, k := range n.kids {
		name := k.name
		if path != "" {
			name = path + " · " + name
		}
		switch {
		case k.scalar():
			list = append(list, row{Label: name, Values: []printed{n.printField(k, source)}})
		case len(k.kids) == 0:
			list = append(list, row{Label: name, Values: []printed{k.print(source, asJSON)}})
		case k.value.Kind() == evidence.Object || k.listOfObjects() && len(k.grid(source).Columns) > maxColumns:
			list = append(list, k.rowsUnder(source, name)...)
		case k.listOfObjects():
			list = append(list, row{Label: name, Table: k.grid(source)})
		default:
			r := row{Label: name}
			for _, e := range k.kids {
				r.Values = append(r.Values, e.print(source, ""))
			}
			list = append(list, r)
		}
	}
	return list
}

func (n *node) listOfObjects() bool {
	return !slices.ContainsFunc(n.kids, func(k *node) bool { return k.closed != nil || k.value.Kind() != evidence.Object })
}

func (n *node) grid(source string) *grid {
	g := &grid{}
	for _, k := range n.kids {
		for _, f := range k.kids {
			if !slices.Contains(g.Columns, f.name) {
				g.Columns = append(g.Columns, f.name)
			}
		}
	}
	for _, k := range n.kids {
		cells := make([]printed, len(g.Columns))
		for _, f := range k.kids {
			p := f.print(source, "")
			p.Pointer = strings.TrimPrefix(p.Pointer, k.pointer)
			cells[slices.Index(g.Columns, f.name)] = p
		}
		g.Rows = append(g.Rows, gridRow{k.pointer, cells})
	}
	return g
}

// print prints the node's value, or the mark that stands for it. What has
// parts is printed as JSON, whatever was asked for.
func (n *node) print(source, as string) printed {
	if n.closed != nil {
		return printed{Source: source, Pointer: n.pointer, Closed: n.closed, By: n.by, Removed: n.removed, Text: closedText(n.closed)}
	}
	if !n.scalar() && as != asCount && as != asList && as != asTaken {
		as = asJSON
	}
	p := printed{Source: source, Pointer: n.pointer, As: as, Text: printText(n.value, as), Removed: n.removed}
	if as == asShort || as == asTime {
		p.Title = n.value.Text()
	}
	return p
}

// printField prints a field of the object: an amount with its currency, where
// that stands beside it.
func (n *node) printField(k *node, source string) printed {
	p := k.print(source, "")
	if k.name != "minor" && !strings.HasSuffix(k.name, "_minor") || k.closed != nil {
		return p
	}
	if c := n.at(n.pointer + "/currency"); c != nil && c.closed == nil && isMoney(k.value.Text(), c.value.Text()) {
		p.As, p.Text = asMoney, money(k.value.Text(), c.value.Text())
	}
	return p
}

// closedText is what stands in place of a field that is not open.
func closedText(r *Redaction) string {
	shape := "▤"
	if r.Reason == string(Erased) {
		shape = mark(r.Reason)
	}
	return fmt.Sprintf("%s %s (%s)", shape, r.Reason, r.Class)
}
