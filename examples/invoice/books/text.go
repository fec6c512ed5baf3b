package books

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names, numbers and reasons come from invoices, that is, from strangers. In the journal a line
// feed begins a posting, ";" a comment, "|" a note, ":" and "," a tag, and an invisible or
// bidirectional control character shows a person something other than what stands there. escape
// writes every such byte as %XX, so nothing injects and nothing is lost: unescape gives back
// exactly what came in.

const plainMarks = ".-_/+&'"

// escape leaves letters, digits, single inner spaces and a few harmless marks as they are.
// Combining marks are escaped too, since some are invisible.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case plain(r, size) || innerSpace(s, i):
			b.WriteString(s[i : i+size])
		default:
			for _, c := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		i += size
	}
	return b.String()
}

func plain(r rune, size int) bool {
	if r == utf8.RuneError && size <= 1 {
		return false
	}
	if unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
		return false // letters by category, but drawn as nothing: the Hangul fillers
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune(plainMarks, r)
}

// innerSpace: hledger trims outer spaces and ends an account name at two.
func innerSpace(s string, i int) bool {
	return s[i] == ' ' && i > 0 && i < len(s)-1 && s[i-1] != ' '
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errors.New("a %XX escape is cut short")
		}
		c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q is not a %%XX escape", s[i:i+3])
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), nil
}

// sameNumber is what two spellings of one invoice number have in common: case, spaces and
// invisible characters do not make a second invoice.
//
// BUG(books): look-alike letters of different scripts still do.
func sameNumber(number string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, number)
}
