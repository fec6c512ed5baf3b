package packet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// Profile says for whom a packet is cut.
type Profile string

// The profiles. None opens more than its builder may see.
const (
	ProfileFull    Profile = "full"    // opens every class
	ProfileAuditor Profile = "auditor" // opens internal and confidential fields; people stay pseudonyms
	ProfilePublic  Profile = "public"  // opens nothing that is withheld
)

var profiles = []Profile{ProfileFull, ProfileAuditor, ProfilePublic}

// Selection says which withheld fields a packet opens: those of its profile and
// of Disclose, without those of Withhold.
//
// A choice is written TYPE:POINTER. TYPE is a type of record, or * for all;
// POINTER is an RFC 6901 pointer into the body, with * for every element of a
// list. It stands for the field and for all that is below it.
type Selection struct {
	Profile  Profile  `json:"profile"`
	Disclose []string `json:"disclose"`
	Withhold []string `json:"withhold"`
}

// maxChoices bounds each list of a Selection, maxChoice one choice in bytes.
const (
	maxChoices = 100
	maxChoice  = 256
)

// choice is one choice taken apart.
type choice struct {
	typ    evidence.Type // "*" for all
	tokens []string      // of the pointer, unescaped
}

// Validate holds a selection against the catalogue. Its error is of kind
// Invalid, names the choice at fault, and says in which member it stands.
func (s *Selection) Validate() error {
	if err := s.check(); err != nil {
		return err
	}
	for _, list := range s.lists() {
		for i, text := range list.choices {
			c, _ := parseChoice(text)
			if err := c.known(); err != nil {
				return evidence.Errorf(evidence.Invalid, fmt.Sprintf("/%s/%d", list.name, i), "%q: %w", text, err)
			}
		}
	}
	return nil
}

type choices struct {
	name    string
	choices []string
}

func (s *Selection) lists() []choices {
	return []choices{{"disclose", s.Disclose}, {"withhold", s.Withhold}}
}

// check holds a selection against the forms that a packet can carry.
func (s *Selection) check() error {
	if !slices.Contains(profiles, s.Profile) {
		return evidence.Errorf(evidence.Invalid, "/profile", "is not full, auditor or public")
	}
	for _, list := range s.lists() {
		if len(list.choices) > maxChoices {
			return evidence.Errorf(evidence.Invalid, "/"+list.name, "has more than %d choices", maxChoices)
		}
		for i, text := range list.choices {
			if _, err := parseChoice(text); err != nil {
				return evidence.Errorf(evidence.Invalid, fmt.Sprintf("/%s/%d", list.name, i), "%w", err)
			}
		}
	}
	return nil
}

var errChoice = errors.New("is not TYPE:POINTER, such as check.result:/attests/*/value")

func parseChoice(text string) (c choice, err error) {
	typ, pointer, ok := strings.Cut(text, ":")
	if !ok || typ == "" || len(text) > maxChoice || !strings.HasPrefix(pointer, "/") {
		return c, errChoice
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return c, errChoice
		}
	}
	return choice{evidence.Type(typ), tokensOf(pointer)}, nil
}

func tokensOf(pointer string) []string {
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, t := range tokens {
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(t)
	}
	return tokens
}

// known says what of a choice no record can have.
func (c choice) known() error {
	types := []evidence.Type{c.typ}
	if c.typ == "*" {
		types = evidence.Types()
	}
	where := fmt.Errorf("no type of record has such a field")
	for _, t := range types {
		shape := t.Shape()
		if shape == nil {
			return errors.New("there is no such type of record")
		}
		switch f, ok := reach(shape, c.tokens); {
		case !ok && c.typ != "*":
			where = fmt.Errorf("type %s has no such field", t)
		case ok && f.Key && c.typ != "*":
			where = fmt.Errorf("that field of type %s is a key, which stands in clear in every record", t)
		case ok && !f.Key:
			return nil
		}
	}
	return where
}

// reach is the field that tokens lead to, with * or a number for an element.
func reach(shape *evidence.Shape, tokens []string) (f *evidence.FieldShape, ok bool) {
	for _, token := range tokens {
		if shape == nil {
			return nil, false
		}
		if shape.Kind == evidence.Array {
			if token != "*" && strings.Trim(token, "0123456789") != "" {
				return nil, false
			}
			shape = shape.Elem
			continue
		}
		if f = shape.Field(token); f == nil {
			return nil, false
		}
		shape = f.Shape
	}
	return f, f != nil
}

// Opens reports whether the selection opens a withheld field.
func (s *Selection) Opens(t evidence.Type, pointer string, class evidence.Class) bool {
	tokens := tokensOf(pointer)
	chosen := func(list []string) bool {
		return slices.ContainsFunc(list, func(text string) bool {
			c, err := parseChoice(text)
			return err == nil && c.matches(t, tokens)
		})
	}
	switch {
	case chosen(s.Withhold):
		return false
	case chosen(s.Disclose), s.Profile == ProfileFull:
		return true
	}
	return s.Profile == ProfileAuditor && (class == evidence.Internal || class == evidence.Confidential)
}

func (c choice) matches(t evidence.Type, tokens []string) bool {
	if c.typ != "*" && c.typ != t || len(c.tokens) > len(tokens) {
		return false
	}
	for i, token := range c.tokens {
		if token != "*" && token != tokens[i] {
			return false
		}
	}
	return true
}

// listed has lists where there may have been nil: JSON tells them apart.
func (s Selection) listed() Selection {
	s.Disclose, s.Withhold = append([]string{}, s.Disclose...), append([]string{}, s.Withhold...)
	return s
}

// cut keeps of a record's disclosures those that the selection opens.
func (s *Selection) cut(rec *evidence.Record, list []evidence.Disclosure) (kept []evidence.Disclosure) {
	for _, d := range list {
		if s.Opens(rec.Type, d.Pointer, d.Class) {
			kept = append(kept, d)
		}
	}
	return kept
}
