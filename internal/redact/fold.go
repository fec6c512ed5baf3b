package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// source is a text as the rules read it: digits and punctuation of other
// scripts and widths are ASCII, invisible characters are gone.
type source struct {
	text  string
	at    []int32 // by byte of text, where it comes from; nil where text is the original
	found []Finding

	number number // the one looked at, kept for its room
}

// folded reads a text. Nearly every text is its own folded form, and costs no
// copy.
func folded(text string) *source {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			if needsFold(text[i:]) {
				return fold(text)
			}
			break
		}
	}
	return &source{text: text}
}

func needsFold(text string) bool {
	for _, r := range text {
		if r >= utf8.RuneSelf && foldRune(r) != r {
			return true
		}
	}
	return false
}

func fold(text string) *source {
	var b strings.Builder
	at := make([]int32, 0, len(text)+1)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		n := b.Len()
		switch c := foldRune(r); {
		case c == gone:
		case c == r: // as it is, be it valid or not
			b.WriteString(text[i : i+size])
		default:
			b.WriteRune(c)
		}
		for ; n < b.Len(); n++ {
			at = append(at, int32(i))
		}
		i += size
	}
	return &source{text: b.String(), at: append(at, int32(len(text)))}
}

// unfold gives findings their places in the original text.
func (s *source) unfold(found []Finding) {
	if s.at == nil {
		return
	}
	for i := range found {
		f := &found[i]
		f.Start, f.End = int(s.at[f.Start]), int(s.at[f.End])
	}
}

// gone stands for characters that are not seen.
const gone rune = -1

func foldRune(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case r >= 0xFF01 && r <= 0xFF5E: // full width
		return r - 0xFEE0
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x180E, r == 0xFEFF, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F,
		r >= 0xFE00 && r <= 0xFE0F:
		return gone
	case unicode.Is(unicode.Zs, r):
		return ' '
	case r >= 0x2010 && r <= 0x2015, r == 0x2043, r == 0x2212, r == 0xFE58, r == 0xFE63:
		return '-'
	case r == 0xB7, r == 0x2022, r == 0x2024, r == 0x2027, r == 0x30FB, r == 0xFE52:
		return '.'
	case r == 0xFE6B:
		return '@'
	case r >= 0x2018 && r <= 0x201B, r == 0x2032:
		return '\''
	case r >= 0x201C && r <= 0x201F, r == 0xAB, r == 0xBB:
		return '"'
	}
	return foldDigit(r)
}

// foldDigit makes decimal digits of all scripts ASCII. Each script's stand in
// order from its zero.
func foldDigit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return r
}
