package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Change is one difference between two manifests, as a person reads it.
type Change struct {
	Path   string // such as tools.books/post_invoice.impact or routing.amount-limit.when.over
	Before string // "" where it is new
	After  string // "" where it is gone
}

// line is one value as the file has it.
type line struct{ path, text string }

// Diff lists what changed from before to after, in the order of after, with
// what is gone last. Either may be nil, which is a manifest with nothing in
// it. Comments and layout do not count; a default that is now spelt out does.
func Diff(before, after *Manifest) (changes []Change) {
	was, is := lookup(before), lookup(after)
	for _, l := range lines(after) {
		if was[l.path] != l.text {
			changes = append(changes, Change{l.path, was[l.path], l.text})
		}
	}
	for _, l := range lines(before) {
		if _, stays := is[l.path]; !stays {
			changes = append(changes, Change{l.path, l.text, ""})
		}
	}
	return changes
}

func lines(m *Manifest) []line {
	if m == nil {
		return nil
	}
	return m.written
}

func lookup(m *Manifest) map[string]string {
	byPath := map[string]string{}
	for _, l := range lines(m) {
		byPath[l.path] = l.text
	}
	return byPath
}

// flatten lists the values of a document. A list of plain values is one value;
// the entries of another list go by their id.
func flatten(root *yaml.Node) (all []line) {
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		if len(n.Content) == 0 {
			all = append(all, line{path, plain(n)})
			return
		}
		if n.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(n.Content[i+1], join(path, n.Content[i].Value))
			}
			return
		}
		if n.Content[0].Kind == yaml.ScalarNode {
			all = append(all, line{path, plain(n)})
			return
		}
		for _, child := range n.Content {
			walk(child, join(path, id(child)))
		}
	}
	walk(root, "")
	return all
}

func id(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "id" {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// plain writes a value that holds no mapping.
func plain(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.ScalarNode:
		return n.Value
	case n.Kind == yaml.MappingNode:
		return "{}"
	case len(n.Content) == 0:
		return "[]"
	}
	texts := make([]string, len(n.Content))
	for i, child := range n.Content {
		texts[i] = child.Value
	}
	return strings.Join(texts, ", ")
}
