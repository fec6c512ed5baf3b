package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind says which of JSON's six shapes a Value has.
type Kind uint8

// The kinds of a Value. The zero Value is Null.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is one parsed JSON value whose canonical form (RFC 8785) is exact:
// no key occurs twice, every string is valid Unicode, and every number equals
// its canonical form. Values are immutable once parsed or built.
type Value struct {
	_    [0]func() // no ==: it would compare places in memory
	kind Kind
	yes  bool
	text string  // a string's content, or a number's canonical form
	in   *inside // of an array or object with anything in it
}

// inside is apart from Value, which most often is a leaf and much copied.
type inside struct {
	list   []Value
	fields []Field // in canonical order
}

// Field is one member of an object.
type Field struct {
	Name  string
	Value Value
}

// StringValue is the JSON string s. Invalid UTF-8 in s becomes U+FFFD.
func StringValue(s string) Value {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return Value{kind: String, text: s}
}

// BoolValue is JSON true or false.
func BoolValue(b bool) Value { return Value{kind: Bool, yes: b} }

// maxInt is the magnitude up to which every whole number is exact.
const maxInt = 1 << 53

// IntValue is the JSON number n. Magnitudes above 2^53 have no exact canonical
// form and are refused.
func IntValue(n int64) (Value, error) {
	if n > maxInt || n < -maxInt {
		return Value{}, errors.New("number is beyond 2^53 and has no exact canonical form: send it as a string")
	}
	return Value{kind: Number, text: strconv.FormatInt(n, 10)}, nil
}

// ArrayValue is the JSON array of vs, which it takes over.
func ArrayValue(vs ...Value) Value { return Value{kind: Array, in: &inside{list: vs}} }

// ObjectValue is the JSON object of fields, which it sorts into canonical
// order and takes over. A name given twice, or one that is not UTF-8, is an
// error.
func ObjectValue(fields ...Field) (Value, error) {
	for _, f := range fields {
		if !utf8.ValidString(f.Name) {
			return Value{}, fmt.Errorf("key %q is not valid UTF-8", clip(f.Name))
		}
	}
	if name, ok := sortFields(fields); !ok {
		return Value{}, fmt.Errorf("key %q occurs twice", name)
	}
	return Value{kind: Object, in: &inside{fields: fields}}, nil
}

// Kind reports v's shape.
func (v Value) Kind() Kind { return v.kind }

// IsTrue reports whether v is JSON true.
func (v Value) IsTrue() bool { return v.kind == Bool && v.yes }

// Text is a string's content or a number's canonical form, "" for others.
func (v Value) Text() string { return v.text }

// Elems are an array's elements; the caller must not change them.
func (v Value) Elems() []Value {
	if v.in == nil {
		return nil
	}
	return v.in.list
}

// Fields are an object's members in canonical order; the caller must not
// change them.
func (v Value) Fields() []Field {
	if v.in == nil {
		return nil
	}
	return v.in.fields
}

// Get finds an object's member.
func (v Value) Get(name string) (Value, bool) {
	for _, f := range v.Fields() {
		if f.Name == name {
			return f.Value, true
		}
	}
	return Value{}, false
}

// Int is a number's value as an int64; false where v is no number, has a
// fraction or an exponent, or does not fit.
func (v Value) Int() (int64, bool) {
	if v.kind != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	return n, err == nil
}

// Canonical is v in RFC 8785 form.
func (v Value) Canonical() []byte { return exactly(v.AppendCanonical) }

// scratch is where canonical bytes are put together, so that what is kept of
// them is allocated once and at its size.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// exactly is what write appends to nothing.
func exactly(write func(dst []byte) []byte) []byte {
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	*buf = write((*buf)[:0])
	return bytes.Clone(*buf)
}

// AppendCanonical appends v in RFC 8785 form.
func (v Value) AppendCanonical(dst []byte) []byte {
	switch v.kind {
	case Bool:
		return strconv.AppendBool(dst, v.yes)
	case Number:
		return append(dst, v.text...)
	case String:
		return appendString(dst, v.text)
	case Array:
		dst = append(dst, '[')
		for i, e := range v.Elems() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.AppendCanonical(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i, f := range v.Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, f.Name), ':')
			dst = f.Value.AppendCanonical(dst)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// MarshalJSON is the canonical form, so that a Value embeds in any struct.
func (v Value) MarshalJSON() ([]byte, error) { return v.Canonical(), nil }

// UnmarshalJSON parses as ParseValue does.
func (v *Value) UnmarshalJSON(data []byte) (err error) {
	*v, err = ParseValue(data)
	return err
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string with the escapes of RFC 8785 section
// 3.2.2.2: the two-character ones where they exist, \u00xx for other controls,
// everything else as it is.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// sortFields puts fields in canonical order; it reports the name that occurs
// twice, if one does.
func sortFields(fields []Field) (string, bool) {
	byName := func(a, b Field) int { return compareUTF16(a.Name, b.Name) }
	if !slices.IsSortedFunc(fields, byName) { // most stand in order already, and fields are large to move
		slices.SortFunc(fields, byName)
	}
	for i := 1; i < len(fields); i++ {
		if fields[i].Name == fields[i-1].Name {
			return fields[i].Name, false
		}
	}
	return "", true
}

// compareUTF16 orders names by UTF-16 code units (RFC 8785 section 3.2.3).
// That differs from byte order only where a name leaves the basic plane.
func compareUTF16(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return len(a) - len(b)
	}
	if a[i] < utf8.RuneSelf && b[i] < utf8.RuneSelf {
		return int(a[i]) - int(b[i])
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// canonicalNumber turns a JSON number literal into its RFC 8785 form
// (ECMAScript's shortest); false for a literal whose value that form would
// change.
func canonicalNumber(lit string) (string, bool) {
	if isSmallInt(lit) {
		return lit, true
	}
	f, err := strconv.ParseFloat(lit, 64)
	if err != nil {
		return "", false
	}
	canon := formatES6(f)
	return canon, sameDecimal(lit, canon)
}

// isSmallInt spots the common case: up to fifteen digits, no sign, fraction
// or exponent, which is canonical as it stands.
func isSmallInt(lit string) bool {
	if len(lit) > 15 {
		return false
	}
	for i := 0; i < len(lit); i++ {
		if lit[i] < '0' || lit[i] > '9' {
			return false
		}
	}
	return true
}

// formatES6 is ECMAScript's Number::toString, which RFC 8785 section 3.2.2.3
// prescribes.
func formatES6(f float64) string {
	if f == 0 {
		return "0"
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	// Go pads the exponent to two digits; ECMAScript does not.
	if n := len(s); n >= 4 && s[n-2] == '0' && (s[n-3] == '+' || s[n-3] == '-') {
		s = s[:n-2] + s[n-1:]
	}
	return s
}

// sameDecimal compares two number literals as exact decimals.
func sameDecimal(a, b string) bool {
	an, ad, ae := decimalParts(a)
	bn, bd, be := decimalParts(b)
	return ad == bd && (ad == "" || an == bn && ae == be)
}

// decimalParts splits a literal into its sign, its significant digits without
// leading or trailing zeros ("" for zero), and the power of ten of the last.
func decimalParts(lit string) (neg bool, digits string, exp int) {
	if lit[0] == '-' {
		neg, lit = true, lit[1:]
	}
	buf := make([]byte, 0, len(lit))
	fraction := false
	for i := 0; i < len(lit); i++ {
		switch c := lit[i]; c {
		case '.':
			fraction = true
		case 'e', 'E':
			n, err := strconv.Atoi(lit[i+1:])
			if err != nil {
				n = 1 << 30 // beyond any canonical form; without matter for zero
			}
			exp += n
			i = len(lit)
		default:
			buf = append(buf, c)
			if fraction {
				exp--
			}
		}
	}
	for len(buf) > 0 && buf[len(buf)-1] == '0' {
		buf, exp = buf[:len(buf)-1], exp+1
	}
	for len(buf) > 0 && buf[0] == '0' {
		buf = buf[1:]
	}
	return neg, string(buf), exp
}

// clip keeps a name in an error message short.
func clip(s string) string {
	if len(s) <= 40 {
		return s
	}
	end := 40
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
