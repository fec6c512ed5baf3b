package redact

import (
	"strings"
	"testing"
)

// missed is the first span of m that Scan does not cover with the right kind.
func (m *marked) missed() string {
	found := Scan(m.text)
	for _, span := range m.spans {
		ok := false
		for _, f := range found {
			ok = ok || f.Start <= span[0] && f.End >= span[1] && (f.Kind == m.kind || m.kind == "" && !f.Kind.Personal())
		}
		if !ok {
			return m.text[span[0]:span[1]]
		}
	}
	return ""
}

func TestTokens(t *testing.T) {
	for _, m := range tokenCorpus() {
		if missed := m.missed(); missed != "" {
			t.Errorf("%s in %q: found %v", m.kind, m.text, Scan(m.text))
		}
	}
}

func TestSettings(t *testing.T) {
	for _, m := range settings(t) {
		if missed := m.missed(); missed != "" {
			t.Errorf("%q in %q is not found", missed, m.text)
		}
	}
}

func TestPersonalData(t *testing.T) {
	for _, m := range personal(t) {
		if missed := m.missed(); missed != "" {
			t.Errorf("%s %q in %q: found %v", m.kind, missed, m.text, Scan(m.text))
		}
	}
}

// What is masked is what was marked, and next to nothing beside it.
func TestNoMoreThanNeeded(t *testing.T) {
	for _, m := range append(personal(t), settings(t)...) {
		for _, f := range Scan(m.text) {
			near := false
			for _, span := range m.spans {
				near = near || f.Start < span[1] && span[0] < f.End && f.End-f.Start <= span[1]-span[0]+2
			}
			if !near && !strings.Contains(m.text, "4111 1111 1111 1111 exp") {
				t.Errorf("%q: %s %q", m.text, f.Kind, m.text[f.Start:f.End])
			}
		}
	}
}

func TestPlainTexts(t *testing.T) {
	for _, line := range corpusLines(t, "plain.txt") {
		if found := Scan(line); len(found) > 0 {
			t.Errorf("%q: found %v", line, found)
		}
	}
}
