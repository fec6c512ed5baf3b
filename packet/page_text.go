package packet

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// How values become text on the page. The page's script does the same from
// the bytes it has hashed, and compares: see page/script/text.js.

// printed is a value on the page, bound to the place it comes from.
type printed struct {
	Source  string // seq of a record, or the name of a file
	Pointer string // RFC 6901, into the record with its disclosures put back
	As      string // how the value is printed, one of the constants below
	Text    string
	Title   string     // the value in full, where Text is short
	Closed  *Redaction // nothing but a mark stands in place of the value
	By      *erasedBy  // what erased it, where an erasure did
	Removed []printed  // what was taken out of the text before it was kept
}

// The ways to print a value; "" prints a string as it is, a number or a
// boolean in canonical form.
const (
	asTime  = "time"  // to the second
	asShort = "short" // eight characters of a digest or id
	asCount = "count" // the number of a list's elements
	asList  = "list"  // a list of strings, separated by commas
	asJSON  = "json"  // canonical JSON
	asMoney = "money" // minor units, in the currency beside them
	asDay   = "day"   // of a time
	asCut   = "cut"   // for whom a profile cuts a packet
	asTaken = "taken" // a kind of text that was removed, and how often
)

// printText prints a value.
func printText(v evidence.Value, as string) string {
	switch as {
	case asTime:
		return clock(evidence.Time(v.Text()))
	case asDay:
		day, _, _ := strings.Cut(clock(evidence.Time(v.Text())), " ")
		return day
	case asCut:
		return cutFor[Profile(v.Text())]
	case asTaken:
		count, _ := v.Get("count")
		kind, _ := v.Get("kind")
		return count.Text() + " × " + kind.Text()
	case asShort:
		return idOf(v.Text())
	case asCount:
		return fmt.Sprint(len(v.Elems()))
	case asList:
		var list []string
		for _, e := range v.Elems() {
			list = append(list, printText(e, ""))
		}
		return strings.Join(list, ", ")
	case asJSON:
		return string(v.Canonical())
	}
	if v.Kind() == evidence.String || v.Kind() == evidence.Number {
		return v.Text()
	}
	return string(v.Canonical())
}

// cutFor says for whom a profile cuts a packet. The script has the same words.
var cutFor = map[Profile]string{
	ProfileFull:    "for the house itself: fields of every class are open",
	ProfileAuditor: "for an auditor: internal and confidential fields are open, people stay pseudonyms",
	ProfilePublic:  "for the public: no field that is withheld is open",
}

// decimals of the currencies whose amounts are written out: a guess about any
// other could be wrong by a hundred.
var decimals = func() map[string]int {
	m := map[string]int{"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}
	for _, c := range strings.Fields("EUR USD GBP CHF SEK NOK DKK PLN CZK HUF RON BGN CAD AUD NZD CNY HKD SGD INR ZAR BRL MXN TRY ILS AED SAR THB") {
		m[c] = 2
	}
	return m
}()

// isMoney reports whether an amount in minor units can be written out.
func isMoney(minor, currency string) bool {
	_, known := decimals[currency]
	digits := strings.TrimPrefix(minor, "-")
	return known && len(digits) > 0 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == "" && (len(digits) == 1 || digits[0] != '0')
}

// money writes an amount out, with the minor units as they are on record.
func money(minor, currency string) string {
	digits, sign := strings.TrimPrefix(minor, "-"), ""
	if digits != minor {
		sign = "-"
	}
	n := decimals[currency]
	digits = strings.Repeat("0", max(0, n+1-len(digits))) + digits
	whole, part := digits[:len(digits)-n], digits[len(digits)-n:]
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if n > 0 {
		whole += "." + part
	}
	return fmt.Sprintf("%s%s %s (%s)", sign, whole, currency, minor)
}

// label is a field's name for people.
func label(name string) string { return strings.ReplaceAll(name, "_", " ") }

// unseen are characters that a reader does not see, or that make what they see
// stand in another order than it was written.
func unseen(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0xad, r == 0x61c, r == 0x180e, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e,
		r >= 0x2060 && r <= 0x206f, r == 0xfeff, r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe007f:
		return true
	}
	return false
}

// shown is text for the page: escaped, hidden characters by their number.
func shown(text string) template.HTML {
	var b strings.Builder
	for _, r := range text {
		if unseen(r) {
			fmt.Fprintf(&b, `<span class="hidden">U+%04X</span>`, r)
			continue
		}
		writeEscaped(&b, r)
	}
	return template.HTML(b.String())
}

// exact is canonical JSON for a pre element. The element's text is the bytes,
// but for hidden characters: those stand as \u escapes, which canonical JSON
// does not use for them, so that the bytes can be had back.
func exact(text string) template.HTML {
	var b strings.Builder
	for _, r := range text {
		switch {
		case unseen(r) && r > 0xffff:
			fmt.Fprintf(&b, `\u{%x}`, r)
		case unseen(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			writeEscaped(&b, r)
		}
	}
	return template.HTML(b.String())
}

// writeEscaped is enough for the text of an element, where only these three
// mean something.
func writeEscaped(b *strings.Builder, r rune) {
	switch r {
	case '&':
		b.WriteString("&amp;")
	case '<':
		b.WriteString("&lt;")
	case '>':
		b.WriteString("&gt;")
	default:
		b.WriteRune(r)
	}
}

// mark is the shape that goes with a state, for those who see no colour.
func mark(state string) string {
	marks := map[string]string{
		string(Evidenced): "●", string(Declared): "◐", string(Inferred): "◔", string(Contradicted): "◆", string(Missing): "○",
		string(Unobservable): "◇", string(Withheld): "▤", string(Erased): "▨", string(NotOwed): "–",
		ReasonDropped: "▤", "enforced": "●", "observed": "●",
	}
	if m, ok := marks[state]; ok {
		return m
	}
	return "?"
}

// Mono reports whether the text is for comparing, not for reading.
func (p printed) Mono() bool {
	return p.As == asShort || p.As == asJSON || strings.HasPrefix(p.Text, "sha256:") || evidence.IsUUIDv7(p.Text)
}
