package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxSize bounds a manifest, in bytes.
	MaxSize  = 256 << 10
	maxDepth = 12 // levels of nesting; the deepest that means anything is 6
)

// Parse reads one manifest. Its error is Problems.
func Parse(data []byte) (*Manifest, error) {
	root, problem := document(data)
	if problem != nil {
		return nil, Problems{*problem}
	}
	r := &reader{nodes: map[string]*yaml.Node{}}
	r.survey(at{root, ""}, 0)
	m := &Manifest{source: bytes.Clone(data)}
	r.manifest(at{root, ""}, m)
	r.cross(m)
	if len(r.problems) > 0 {
		return nil, r.problems.ordered()
	}
	m.written = flatten(root)
	return m, nil
}

// document is the one YAML document that data must hold.
func document(data []byte) (*yaml.Node, *Problem) {
	fault := func(message string) *Problem { return &Problem{Line: 1, Column: 1, Message: message} }
	switch {
	case len(data) > MaxSize:
		return nil, fault(fmt.Sprintf("the file is %d bytes, above the bound of %d", len(data), MaxSize))
	case !utf8.Valid(data):
		return nil, fault("the file is not valid UTF-8: save it as UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		return nil, fault("the file is empty: begin it with manifest: 1")
	case err != nil:
		return nil, syntaxFault(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Problem{Line: max(more.Line, 1), Column: max(more.Column, 1),
			Message: "the file holds more than one YAML document: keep one workflow in a file"}
	}
	return doc.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxFault words an error of the YAML parser, which knows lines at best.
func syntaxFault(err error) *Problem {
	p := &Problem{Line: 1, Column: 1}
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			p.Line = n
		}
		text = text[len(m[0]):]
	}
	p.Message = "the YAML cannot be read: " + text
	return p
}

// survey refuses, wherever it stands, what a manifest never needs and a
// hostile one would use: anchors, aliases, tags, keys that are not plain text
// or stand twice, and depth.
func (r *reader) survey(n at, depth int) {
	switch {
	case depth > maxDepth:
		r.say(n, "is nested too deeply")
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.say(n, "anchors and aliases are not allowed: write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		r.say(n, "tags are not allowed: write the value without %s", clip(n.Tag, 40))
	}
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			r.survey(at{child, n.path}, depth+1)
		}
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := at{n.Content[i], n.path}
		if key.Kind != yaml.ScalarNode {
			r.say(key, "a key must be a plain word")
			continue
		}
		if line, twice := seen[key.Value]; twice {
			r.say(key, "key %q stands here a second time, first on line %d: keep one", clip(key.Value, 60), line)
		} else {
			seen[key.Value] = key.Line
		}
		r.survey(at{n.Content[i+1], join(n.path, clip(key.Value, 200))}, depth+1)
	}
}
