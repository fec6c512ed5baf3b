// Package redact finds in text what must not be stored there: secrets (keys,
// tokens, private keys, passwords) and personal data that has a form (cards,
// accounts, mail addresses, phone numbers, national ids). It knows forms, not
// meanings: names of people are never guessed.
//
// One pass over the text looks for the words that secrets stand beside or
// begin with, and one for digits; only where something was found does a rule
// look closer. No rule backtracks, so the time is linear in the text for any
// text that people or programs write.
package redact

import (
	"cmp"
	"slices"
	"strings"
)

// Kind names what was found, in words of a-z, 0-9 and hyphens.
type Kind string

// Finding is one place in a text, as byte offsets. It begins and ends between
// characters.
type Finding struct {
	Kind       Kind
	Start, End int
}

// Personal reports whether the kind is personal data; every other kind is a
// secret.
func (k Kind) Personal() bool { return personalKinds[k] }

// Guess reports whether the kind rests on the look of a value alone. A guess
// is good enough to mask in free text, not to refuse a request for.
func (k Kind) Guess() bool { return k == HighEntropy }

// Scan finds everything in text. Findings are in order and never overlap:
// where several rules found the same bytes, one finding covers them all, and
// has the kind of the most serious.
func Scan(text string) []Finding {
	s := folded(text)
	found := s.scan()
	if len(found) == 0 {
		return nil
	}
	s.unfold(found)
	return merged(found)
}

// merged joins findings that overlap. A secret outranks personal data, a known
// form a guess, the longer the shorter.
func merged(found []Finding) []Finding {
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End), cmp.Compare(a.Kind, b.Kind))
	})
	out := found[:1]
	best := found[0] // the finding that gave the last of out its kind
	for _, f := range found[1:] {
		last := &out[len(out)-1]
		if f.Start >= last.End {
			out, best = append(out, f), f
			continue
		}
		last.End = max(last.End, f.End)
		if f.outranks(best) {
			best, last.Kind = f, f.Kind
		}
	}
	return out
}

func (f Finding) outranks(g Finding) bool {
	if f.rank() != g.rank() {
		return f.rank() > g.rank()
	}
	return f.End-f.Start > g.End-g.Start
}

func (f Finding) rank() int {
	switch {
	case f.Kind == Phone: // the widest of the forms
		return -1
	case f.Kind.Personal():
		return 0
	case f.Kind.Guess():
		return 1
	case f.Kind == Password || f.Kind == SecretValue: // known by their name only
		return 2
	}
	return 3
}

// Marker is what stands in a masked text for a finding of a kind.
func (k Kind) Marker() string { return markerStart + string(k) + "]" }

const markerStart = "[removed: "

// maxRounds bounds how often a text is masked. A second round is needed where
// taking something out leaves something else to stand alone.
const maxRounds = 8

// Mask replaces every finding by its kind's marker, and says what was found,
// in order. A text without findings comes back as it is. Masking a masked text
// changes nothing.
func Mask(text string) (clean string, found []Kind) {
	for range maxRounds {
		list := Scan(text)
		if len(list) == 0 {
			return text, found
		}
		text = masked(text, list)
		for _, f := range list {
			found = append(found, f.Kind)
		}
	}
	if len(Scan(text)) == 0 {
		return text, found
	}
	return Text.Marker(), append(found, Text) // hidden in layers: none of it stays
}

// MaskWithin is Mask for a text that must not have more than most bytes
// afterwards: markers can be longer than what they replace. What is beyond is
// cut off, and noted as Text.
func MaskWithin(text string, most int) (clean string, found []Kind) {
	clean, found = Mask(text)
	if len(found) == 0 || len(clean) <= most {
		return clean, found
	}
	end := Text.Marker()
	if most < len(end) {
		return "", append(found, Text)
	}
	cut := clean[:most-len(end)]
	if open := strings.LastIndexByte(cut, '['); open >= 0 && (strings.HasPrefix(cut[open:], markerStart) || strings.HasPrefix(markerStart, cut[open:])) &&
		!strings.Contains(cut[open:], "]") {
		cut = cut[:open]
	}
	if cut = strings.ToValidUTF8(cut, "") + end; len(Scan(cut)) > 0 {
		cut = end
	}
	return cut, append(found, Text)
}

func masked(text string, list []Finding) string {
	var b strings.Builder
	at := 0
	for _, f := range list {
		b.WriteString(text[at:f.Start])
		b.WriteString(f.Kind.Marker())
		at = f.End
	}
	b.WriteString(text[at:])
	return b.String()
}

// Secret finds the first secret in a text that is more than a guess.
func Secret(text string) (Kind, bool) {
	return first(text, func(k Kind) bool { return !k.Personal() && !k.Guess() })
}

// Identifying finds the first of the personal data that may not stand in an
// identifier: a card, an account or a mail address.
func Identifying(text string) (Kind, bool) {
	return first(text, func(k Kind) bool { return k == Card || k == IBAN || k == EMail })
}

func first(text string, is func(Kind) bool) (Kind, bool) {
	for _, f := range Scan(text) {
		if is(f.Kind) {
			return f.Kind, true
		}
	}
	return "", false
}

// NamedSecret reports whether a value is a secret because of the name it is
// given, as a member "password" of an object is.
func NamedSecret(name, value string) (Kind, bool) {
	n := nameOf(name)
	if n == notSecret {
		return "", false
	}
	return n.judge(name, folded(value).text, asQuoted)
}
