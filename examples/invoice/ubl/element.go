package ubl

import (
	"strconv"
	"strings"
)

// Element is one XML element. Methods on a nil Element answer like an element
// without content, so that chains of look-ups need no checks between.
type Element struct {
	// Name has the conventional prefix: "cbc:ID", "cac:Party", "ext:UBLExtensions".
	// The root is "Invoice" or "CreditNote"; a name of any other namespace is an
	// XPath 3.1 EQName, "Q{urn:x}Name".
	Name     string
	Attrs    []Attr
	Text     string // its own character data, comments left out
	Children []*Element

	parent  *Element
	nth     int  // from 1, among siblings of the same name
	repeats bool // whether there is such a sibling
}

// Attr is one attribute; namespace declarations are not kept. A name without
// prefix stands as it is, one with a prefix as an EQName.
type Attr struct{ Name, Value string }

// Path is the element's XPath from the root, "/Invoice/cac:InvoiceLine[2]/cbc:ID".
// A step has a position only where siblings share its name.
func (e *Element) Path() string {
	if e == nil {
		return ""
	}
	step := "/" + e.Name
	if e.repeats {
		step += "[" + strconv.Itoa(e.nth) + "]"
	}
	return e.parent.Path() + step
}

// Parent is the element around e, nil for the root.
func (e *Element) Parent() *Element {
	if e == nil {
		return nil
	}
	return e.parent
}

// Value is the text without surrounding XML white space.
func (e *Element) Value() string {
	if e == nil {
		return ""
	}
	return strings.Trim(e.Text, " \t\r\n")
}

// Attr returns the value of an attribute, and whether there is one.
func (e *Element) Attr(name string) (string, bool) {
	if e == nil {
		return "", false
	}
	for _, a := range e.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// All returns the descendants at path, names joined by "/" and taken from e's
// children on ("cac:Party/cbc:EndpointID"), in document order.
func (e *Element) All(path string) []*Element {
	if e == nil {
		return nil
	}
	var found []*Element
	name, rest, deeper := strings.Cut(path, "/")
	for _, child := range e.Children {
		switch {
		case child.Name != name:
		case deeper:
			found = append(found, child.All(rest)...)
		default:
			found = append(found, child)
		}
	}
	return found
}

// First returns the first element of All, nil without one.
func (e *Element) First(path string) *Element {
	if e == nil {
		return nil
	}
	name, rest, deeper := strings.Cut(path, "/")
	for _, child := range e.Children {
		if child.Name != name {
			continue
		}
		if !deeper {
			return child
		}
		if found := child.First(rest); found != nil {
			return found
		}
	}
	return nil
}
