package redact

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// rule looks closer where one of its words stands at s[start:end].
type rule struct {
	words []string
	look  func(s *source, start, end int)
}

// rulebook is every rule with the finder of their words.
type rulebook struct {
	finder *finder
	look   []func(s *source, start, end int) // by word
}

var book = sync.OnceValue(func() *rulebook {
	b := &rulebook{}
	var words []string
	for _, r := range slices.Concat(tokenRules(), formRules, nameRules()) {
		for _, w := range r.words {
			words, b.look = append(words, w), append(b.look, r.look)
		}
	}
	b.finder = newFinder(words)
	return b
})

func (s *source) scan() []Finding {
	b := book()
	b.finder.find(s.text, func(word, start, end int) { b.look[word](s, start, end) })
	s.scanDigits()
	s.scanMail()
	return s.found
}

// add notes a finding. What is known by a place in a marker is none.
func (s *source) add(kind Kind, start, end int) {
	if start < end && !s.inMarker(start, end) {
		s.found = append(s.found, Finding{kind, start, end})
	}
}

// inMarker reports whether a place lies inside a marker of ours.
func (s *source) inMarker(start, end int) bool {
	const longest = 40
	for i := start; i >= 0 && i > start-longest; i-- {
		if s.text[i] == ']' && i < start {
			return false
		}
		if s.text[i] == '[' {
			stop := markerEnd(s.text, i)
			return stop > 0 && end <= stop
		}
	}
	return false
}

// markerEnd is where the marker that begins at i ends, 0 where there is none.
// Only our own kinds make a marker, so that none hides anything.
func markerEnd(s string, i int) int {
	kind, ok := strings.CutPrefix(s[i:], markerStart)
	if !ok {
		return 0
	}
	kind = kind[:run(kind, 0, lower|digit|hyphen)]
	end := i + len(Kind(kind).Marker())
	if !known()[Kind(kind)] || end > len(s) || s[end-1] != ']' {
		return 0
	}
	return end
}

var known = sync.OnceValue(func() map[Kind]bool {
	m := map[Kind]bool{Text: true}
	for _, k := range Kinds() {
		m[k] = true
	}
	return m
})

func sortedKinds(m map[Kind]bool) []Kind { return slices.Sorted(maps.Keys(m)) }
