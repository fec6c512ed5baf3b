package replay

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// exactNumbers writes the numbers of a JSON text as records want them: other
// programs write 100.0 and 1e2. A number that would lose digits is left as it
// is, and refused by whoever reads the text.
func exactNumbers(line []byte) []byte {
	var out bytes.Buffer
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == '"':
			n := stringEnd(line[i:])
			out.Write(line[i : i+n])
			i += n
		case c == '-' || c >= '0' && c <= '9':
			n := 1
			for i+n < len(line) && strings.IndexByte("+-.eE0123456789", line[i+n]) >= 0 {
				n++
			}
			out.WriteString(exactNumber(string(line[i : i+n])))
			i += n
		default:
			out.WriteByte(c)
			i++
		}
	}
	return out.Bytes()
}

// stringEnd is the length of the string that a text begins with.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// maxDigits is how many digits a float64 keeps for certain.
const maxDigits = 15

func exactNumber(text string) string {
	if _, err := evidence.ParseValue([]byte(text)); err == nil {
		return text
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	f, err := strconv.ParseFloat(text, 64)
	if digits := strings.Trim(strings.NewReplacer(".", "", "-", "").Replace(mantissa), "0"); err != nil || len(digits) > maxDigits {
		return text
	}
	plain := strconv.FormatFloat(f, 'f', -1, 64)
	if _, err := evidence.ParseValue([]byte(plain)); err != nil {
		return text
	}
	return plain
}
