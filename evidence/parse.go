package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth bounds the nesting of every JSON text this package reads.
const MaxDepth = 64

// SyntaxError says where and why a text is not acceptable JSON. It quotes
// nothing from the text except names of keys.
type SyntaxError struct {
	Offset  int    // bytes before the fault
	Pointer string // RFC 6901 path of the value being read
	Problem string
}

func (e *SyntaxError) Error() string {
	at := ""
	if e.Pointer != "" {
		at = " at " + e.Pointer
	}
	return fmt.Sprintf("JSON%s (byte %d): %s", at, e.Offset, e.Problem)
}

// ParseValue reads exactly one JSON value (RFC 8259) in the strict reading
// that records need: no duplicate keys, valid UTF-8 and no lone surrogates,
// numbers exactly canonical, at most MaxDepth levels, nothing after the value.
// The error is a *SyntaxError.
func ParseValue(data []byte) (Value, error) {
	return parse(data, false)
}

// ParseCanonical reads what ParseValue reads, and nothing that is not in
// RFC 8785 form already: what it accepts is exactly the value's Canonical. The
// proof is the reading itself, no second text is made.
func ParseCanonical(data []byte) (Value, error) {
	v, err := parse(data, true)
	if err == nil {
		return v, nil
	}
	// Refusals are rare: what is no JSON at all is told from what is written
	// in another way by reading again.
	if _, other := ParseValue(data); other != nil {
		return Value{}, other
	}
	err.(*SyntaxError).Problem = "is not in canonical form"
	return Value{}, err
}

// parsers keep their stacks from one text to the next.
var parsers = sync.Pool{New: func() any { return new(parser) }}

// maxKept bounds the stacks that are kept, and with them what they hold on to
// of earlier texts.
const maxKept = 128

func parse(data []byte, exact bool) (Value, error) {
	p := parsers.Get().(*parser)
	p.src, p.pos, p.bad, p.exact = string(data), 0, invalidUTF8(data), exact
	v, err := p.whole()
	p.src, p.path, p.fields, p.list = "", p.path[:0], p.fields[:0], p.list[:0]
	if cap(p.fields) <= maxKept && cap(p.list) <= maxKept {
		parsers.Put(p)
	}
	return v, err
}

type parser struct {
	src   string // strings without escapes are cut from it
	pos   int
	bad   int  // where src stops being UTF-8, or its length
	exact bool // accept the canonical form only
	path  []string

	// Members and elements of what is open, outermost first. What is closed
	// takes a copy of its own, of the right size.
	fields []Field
	list   []Value
}

// whole reads a value and wants nothing after it.
func (p *parser) whole() (Value, error) {
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	if p.space(); p.pos < len(p.src) {
		return Value{}, p.fail("has bytes after the value")
	}
	return v, nil
}

// invalidUTF8 is the offset of the first byte that is not UTF-8, or the length
// of data. Only strings need to look at it: outside them every byte beyond
// ASCII is refused anyway.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return len(data)
	}
	i := 0
	for {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
}

func (p *parser) fail(format string, args ...any) error {
	var b strings.Builder
	for _, s := range p.path {
		b.WriteByte('/')
		b.WriteString(escapePointer(s))
	}
	return &SyntaxError{Offset: p.pos, Pointer: b.String(), Problem: fmt.Sprintf(format, args...)}
}

// escapePointer encodes one reference token (RFC 6901 section 3).
func escapePointer(s string) string {
	if !strings.ContainsAny(s, "~/") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}

// space skips the space that JSON allows; the canonical form has none.
func (p *parser) space() {
	for !p.exact && p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next skips space and returns the byte there, 0 at the end.
func (p *parser) next() byte {
	p.space()
	if p.pos == len(p.src) {
		return 0
	}
	return p.src[p.pos]
}

// value reads one value; depth counts the arrays and objects around it.
func (p *parser) value(depth int) (Value, error) {
	switch c := p.next(); {
	case depth == MaxDepth && (c == '{' || c == '['):
		return Value{}, p.fail("is nested deeper than %d levels", MaxDepth)
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, err := p.str()
		return Value{kind: String, text: s}, err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case p.word("true"):
		return Value{kind: Bool, yes: true}, nil
	case p.word("false"):
		return Value{kind: Bool}, nil
	case p.word("null"):
		return Value{}, nil
	case c == 0 && p.pos == len(p.src):
		return Value{}, p.fail("ends where a value should stand")
	}
	return Value{}, p.fail("is not a JSON value")
}

func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.src[p.pos:], w) {
		return false
	}
	p.pos += len(w)
	return true
}

func (p *parser) object(depth int) (Value, error) {
	p.pos++
	if p.next() == '}' {
		p.pos++
		return Value{kind: Object}, nil
	}
	outer := len(p.fields)
	for {
		if p.next() != '"' {
			return Value{}, p.fail("should have a quoted key here")
		}
		name, err := p.str()
		if err != nil {
			return Value{}, err
		}
		if p.exact && len(p.fields) > outer && compareUTF16(p.fields[len(p.fields)-1].Name, name) >= 0 {
			return Value{}, p.fail("has key %q out of order", clip(name))
		}
		if p.next() != ':' {
			return Value{}, p.fail("should have a colon after key %q", clip(name))
		}
		p.pos++
		p.path = append(p.path, name)
		member, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		p.path = p.path[:len(p.path)-1]
		p.fields = append(p.fields, Field{name, member})
		switch p.next() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			fields := slices.Clone(p.fields[outer:])
			p.fields = p.fields[:outer]
			if !p.exact {
				if twice, ok := sortFields(fields); !ok {
					return Value{}, p.fail("has key %q twice", clip(twice))
				}
			}
			return Value{kind: Object, in: &inside{fields: fields}}, nil
		default:
			return Value{}, p.fail("should have a comma or closing brace here")
		}
	}
}

func (p *parser) array(depth int) (Value, error) {
	p.pos++
	if p.next() == ']' {
		p.pos++
		return Value{kind: Array}, nil
	}
	outer := len(p.list)
	for {
		p.path = append(p.path, strconv.Itoa(len(p.list)-outer))
		elem, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		p.path = p.path[:len(p.path)-1]
		p.list = append(p.list, elem)
		switch p.next() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			list := slices.Clone(p.list[outer:])
			p.list = p.list[:outer]
			return ArrayValue(list...), nil
		default:
			return Value{}, p.fail("should have a comma or closing bracket here")
		}
	}
}

func (p *parser) number() (Value, error) {
	start := p.pos
	if p.src[p.pos] == '-' {
		p.pos++
	}
	whole := p.digits()
	if whole == 0 || whole > 1 && p.src[p.pos-whole] == '0' {
		return Value{}, p.fail("is not a JSON number")
	}
	if p.pos < len(p.src) && p.src[p.pos] == '.' {
		if p.pos++; p.digits() == 0 {
			return Value{}, p.fail("is not a JSON number")
		}
	}
	if p.pos < len(p.src) && p.src[p.pos]|0x20 == 'e' {
		p.pos++
		if p.pos < len(p.src) && (p.src[p.pos] == '+' || p.src[p.pos] == '-') {
			p.pos++
		}
		if p.digits() == 0 {
			return Value{}, p.fail("is not a JSON number")
		}
	}
	text, ok := canonicalNumber(p.src[start:p.pos])
	if !ok || p.exact && text != p.src[start:p.pos] {
		p.pos = start
		return Value{}, p.fail("is a number that canonical JSON would change: send it as a string")
	}
	return Value{kind: Number, text: text}, nil
}

func (p *parser) digits() (n int) {
	for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
		p.pos++
		n++
	}
	return n
}

// str reads a string; the opening quote stands at p.pos.
func (p *parser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < p.bad && plain[p.src[p.pos]] {
		p.pos++
	}
	switch {
	case p.pos == len(p.src):
		return "", p.fail("has a string without its closing quote")
	case p.src[p.pos] == '"':
		s := p.src[start:p.pos]
		p.pos++
		return s, nil
	case p.src[p.pos] == '\\':
		return p.escaped(start)
	case p.pos == p.bad:
		return "", p.fail("is not valid UTF-8")
	}
	return "", p.fail("has a control character in a string")
}

// plain are the bytes that stand for themselves in a string, where it is UTF-8.
var plain = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return table
}()

// escaped reads a string that holds escapes, from the first of them on.
func (p *parser) escaped(start int) (string, error) {
	s, err := p.unescape(start)
	if err == nil && p.exact && string(appendString(nil, s)) != p.src[start-1:p.pos] {
		return "", p.fail("has an escape that canonical JSON writes in another way")
	}
	return s, err
}

func (p *parser) unescape(start int) (string, error) {
	buf := append(make([]byte, 0, p.pos-start+32), p.src[start:p.pos]...)
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			return string(buf), nil
		case p.pos == p.bad:
			return "", p.fail("is not valid UTF-8")
		case c < 0x20:
			return "", p.fail("has a control character in a string")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			buf = utf8.AppendRune(buf, r)
		default:
			buf = append(buf, c)
			p.pos++
		}
	}
	return "", p.fail("has a string without its closing quote")
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads one escape sequence; the backslash stands at p.pos.
func (p *parser) escape() (rune, error) {
	if p.pos+1 == len(p.src) {
		return 0, p.fail("has a string without its closing quote")
	}
	if r, ok := escapes[p.src[p.pos+1]]; ok {
		p.pos += 2
		return r, nil
	}
	hi, ok := p.hex4()
	if !ok {
		return 0, p.fail("has an unknown escape in a string")
	}
	if !utf16.IsSurrogate(hi) {
		return hi, nil
	}
	lo, ok := p.hex4()
	if r := utf16.DecodeRune(hi, lo); ok && r != utf8.RuneError {
		return r, nil
	}
	return 0, p.fail("has a lone surrogate in a string")
}

// hex4 reads \uXXXX at p.pos.
func (p *parser) hex4() (rune, bool) {
	if len(p.src)-p.pos < 6 || p.src[p.pos] != '\\' || p.src[p.pos+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(p.src[p.pos+2:p.pos+6], 16, 32)
	if err != nil {
		return 0, false
	}
	p.pos += 6
	return rune(n), true
}

// arrayIndex reads a pointer's token as an index, in the one spelling that
// RFC 6901 section 4 allows.
func arrayIndex(token string) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && strconv.Itoa(i) == token
}

// checkPointer wants a pointer that splitPointer takes apart.
func checkPointer(p string) error {
	if p != "" && p[0] == '/' && strings.IndexByte(p, '~') < 0 {
		return nil // as nearly all, and nothing need be made to know it
	}
	_, err := splitPointer(p)
	return err
}

// splitPointer takes an RFC 6901 pointer apart.
func splitPointer(p string) ([]string, error) {
	if p == "" || p[0] != '/' {
		return nil, fmt.Errorf("pointer %q does not begin with a slash", clip(p))
	}
	tokens := strings.Split(p[1:], "/")
	for i, t := range tokens {
		if strings.IndexByte(t, '~') < 0 {
			continue
		}
		// ~1 first: RFC 6901 section 4 wants ~01 to become ~1, not a slash.
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
		if escapePointer(tokens[i]) != t {
			return nil, fmt.Errorf("pointer %q is not well formed", clip(p))
		}
	}
	return tokens, nil
}
