package evidence

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func nested(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

func TestParseRefuses(t *testing.T) {
	const secret = "hunter2-secret"
	tests := []struct {
		name, text string
		offset     int
		pointer    string
		problem    string
	}{
		{"nothing", ``, 0, "", "ends where a value should stand"},
		{"space only", "  \n", 3, "", "ends where a value should stand"},
		{"a value cut short", `{"a":`, 5, "/a", "ends where a value should stand"},
		{"trailing bytes", `{} x`, 3, "", "bytes after the value"},
		{"two values", `1 2`, 2, "", "bytes after the value"},
		{"a NUL after the value", "1\x00", 1, "", "bytes after the value"},
		{"duplicate key", `{"a":1,"b":{"c":1,"c":2}}`, 24, "/b", `key "c" twice`},
		{"duplicate key in another spelling", `{"a":1,"\u0061":2}`, 18, "", `key "a" twice`},
		{"lone high surrogate", `["\ud83d"]`, 8, "/0", "lone surrogate"},
		{"high surrogate before a letter", `["\ud83d\u0061"]`, 14, "/0", "lone surrogate"},
		{"lone low surrogate", `["\ude02"]`, 8, "/0", "lone surrogate"},
		{"surrogates in the wrong order", `["\ude02\ud83d"]`, 14, "/0", "lone surrogate"},
		{"lone surrogate in a key", `{"x":{"\udc00":1}}`, 13, "/x", "lone surrogate"},
		{"invalid UTF-8", "{\"a\":\"b\xffc\"}", 7, "/a", "not valid UTF-8"},
		{"invalid UTF-8 after an escape", "{\"a\":[0,\"\\n\xc3\"]}", 11, "/a/1", "not valid UTF-8"},
		{"an encoded surrogate", "\"\xed\xa0\x80\"", 1, "", "not valid UTF-8"},
		{"an overlong encoding", "\"\xc0\xaf\"", 1, "", "not valid UTF-8"},
		{"invalid UTF-8 outside strings", "[\xff]", 1, "/0", "not a JSON value"},
		{"a byte order mark", "\xef\xbb\xbf{}", 0, "", "not a JSON value"},
		{"too deep", nested(MaxDepth + 1), MaxDepth, strings.Repeat("/0", MaxDepth), "deeper than 64"},
		{"far too deep", strings.Repeat(`{"a":`, 100_000), 5 * MaxDepth, strings.Repeat("/a", MaxDepth), "deeper than 64"},
		{"control character", "[\"a\x01\"]", 3, "/0", "control character"},
		{"control character after an escape", "[\"\\t\n\"]", 4, "/0", "control character"},
		{"unknown escape", `["\x41"]`, 2, "/0", "unknown escape"},
		{"escape cut short", `["\u00"]`, 2, "/0", "unknown escape"},
		{"escape with a sign", `["\u+0af"]`, 2, "/0", "unknown escape"},
		{"escape at the end", `"\`, 1, "", "without its closing quote"},
		{"open string", `"abc`, 4, "", "without its closing quote"},
		{"open string after an escape", `"\nabc`, 6, "", "without its closing quote"},
		{"leading zero", `[1,02]`, 5, "/1", "not a JSON number"},
		{"leading plus", `[+1]`, 1, "/0", "not a JSON value"},
		{"a point and no digit", `[1.]`, 3, "/0", "not a JSON number"},
		{"no digit before the point", `[.5]`, 1, "/0", "not a JSON value"},
		{"an exponent without digits", `[1e+]`, 4, "/0", "not a JSON number"},
		{"a minus alone", `-`, 1, "", "not a JSON number"},
		{"hexadecimal", `0x10`, 1, "", "bytes after the value"},
		{"not a number", `NaN`, 0, "", "not a JSON value"},
		{"capital True", `True`, 0, "", "not a JSON value"},
		{"a number that would change", `{"k":{"n":9007199254740993}}`, 10, "/k/n", "send it as a string"},
		{"unquoted key", `{a:1}`, 1, "", "quoted key"},
		{"trailing comma in an object", `{"a":1,}`, 7, "", "quoted key"},
		{"trailing comma in an array", `[1,]`, 3, "/1", "not a JSON value"},
		{"no colon", `{"a" 1}`, 5, "", `colon after key "a"`},
		{"no comma in an object", `{"a":1 "b":2}`, 7, "", "comma or closing brace"},
		{"no comma in an array", `[1 2]`, 3, "", "comma or closing bracket"},
		{"the wrong bracket", `[1}`, 2, "", "comma or closing bracket"},
		{"a comment", `{"a":1} // b`, 8, "", "bytes after the value"},
		{"slashes in the path", `{"a/b~c":{"":[x]}}`, 14, "/a~1b~0c//0", "not a JSON value"},
		{"a value is not quoted", `{"password":"` + secret + `" x}`, 13 + len(secret) + 2, "", "comma or closing brace"},
		{"a string is not quoted", `{"password":"` + secret + `\q"}`, 13 + len(secret), "/password", "unknown escape"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := ParseValue([]byte(tt.text))
			var se *SyntaxError
			if !errors.As(err, &se) {
				t.Fatalf("passes as %s (%v)", v.Canonical(), err)
			}
			if se.Offset != tt.offset || se.Pointer != tt.pointer || !strings.Contains(se.Problem, tt.problem) {
				t.Errorf("offset %d, pointer %q: %s\nwant   %d, pointer %q: … %s …", se.Offset, se.Pointer, se.Problem, tt.offset, tt.pointer, tt.problem)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "9007199254740993") {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"space around", " \t\r\n{ } ", `{}`},
		{"words", `[ true , false , null ]`, `[true,false,null]`},
		{"escapes", `"\"\\\/\b\f\n\r\t\u0000\u001F\u007f\u20ac"`, `"\"\\/\b\f\n\r\t\u0000\u001f` + "\x7f€" + `"`},
		{"surrogate pair", `"\uD83D\ude02"`, `"😂"`},
		{"the replacement character", `"\ufffd"`, `"` + "\ufffd" + `"`},
		{"the deepest", nested(MaxDepth), nested(MaxDepth)},
		{"an empty key", `{"":{"":1}}`, `{"":{"":1}}`},
		{"line separators stand as they are", "\"\u2028\u2029<&>\"", "\"\u2028\u2029<&>\""},
	}
	for _, tt := range tests {
		if got := string(mustParse(t, tt.text).Canonical()); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestLongKeysAreClipped(t *testing.T) {
	key := strings.Repeat("é", 10_000)
	_, err := ParseValue([]byte(`{"` + key + `":1,"` + key + `":2}`))
	if err == nil || len(err.Error()) > 200 || strings.Contains(err.Error(), `\x`) {
		t.Errorf("error has %d bytes, or cuts a character: %.200v", len(err.Error()), err)
	}
}

func TestSplitPointer(t *testing.T) {
	tests := []struct {
		pointer string
		want    []string
	}{
		{"/a/0/b", []string{"a", "0", "b"}},
		{"/", []string{""}},
		{"/a~1b/c~0d/~01", []string{"a/b", "c~d", "~1"}},
		{"", nil}, {"a", nil}, {"/a~", nil}, {"/a~2", nil},
	}
	for _, tt := range tests {
		got, err := splitPointer(tt.pointer)
		if (err != nil) != (tt.want == nil) || strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("%q: %q, %v; want %q", tt.pointer, got, err, tt.want)
		}
	}
}

// checkExact wants ParseCanonical to accept text, which says v, exactly where
// it is v's canonical form.
func checkExact(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte, v Value) {
	t.Helper()
	got, err := ParseCanonical(text)
	if (err == nil) != (string(v.Canonical()) == string(text)) {
		t.Fatalf("%q: %v; canonical is %q", text, err, v.Canonical())
	}
	if err == nil && string(got.Canonical()) != string(text) {
		t.Fatalf("%q is read as %q", text, got.Canonical())
	}
}

func TestParseCanonicalRefuses(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"space before", ` {}`},
		{"space after", "{}\n"},
		{"space in an object", `{"a": 1}`},
		{"space in an empty array", `[ ]`},
		{"keys out of order", `{"b":1,"a":2}`},
		{"keys in order of bytes, not of UTF-16", "{\"\ufb33\":1,\"\U0001f602\":2}"},
		{"an escaped solidus", `"\/"`},
		{"an escaped letter", `"\u0061"`},
		{"a long escape for a short one", `"\u000a"`},
		{"capitals in an escape", `"\u001F"`},
		{"an escape outside ASCII", `"\u00e9"`},
		{"an escaped key", `{"\u0061":1}`},
		{"a fraction of zero", `1.0`},
		{"an exponent", `1e2`},
		{"a negative zero", `-0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := mustParse(t, c.text)
			checkExact(t, []byte(c.text), v)
			_, err := ParseCanonical([]byte(c.text))
			var se *SyntaxError
			if !errors.As(err, &se) || !strings.Contains(se.Problem, "not in canonical form") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A text passes as canonical exactly where writing it again changes nothing.
func TestCanonicalCheckIsReencoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t, drawJSON(t, 4))
		v, err := ParseValue([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		checkExact(t, []byte(text), v)
		checkExact(t, v.Canonical(), v)
	})
}

// Whatever is accepted has one canonical form, which reads back as itself.
func FuzzParseValue(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0,1e-7,1.10],"\ud83d\ude02":"\u0000\/"}`, `[[[{}]]]`, `"\ud800"`, `1E400`, "\"\xff\"", `{"a":1,"a":2}`,
		`9007199254740993`, `0.1000000000000000055511151231257827`, nested(65), ` null `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseValue(data)
		if err != nil {
			var se *SyntaxError
			if !errors.As(err, &se) || se.Offset < 0 || se.Offset > len(data) {
				t.Fatalf("%q: error has no place: %#v", data, err)
			}
			if _, exact := ParseCanonical(data); exact == nil || exact.Error() != err.Error() {
				t.Fatalf("%q: as canonical %v, otherwise %v", data, exact, err)
			}
			return
		}
		once := v.Canonical()
		checkExact(t, data, v)
		checkExact(t, once, v)
		again, err := ParseValue(once)
		if err != nil || string(again.Canonical()) != string(once) {
			t.Fatalf("%q: canonical form %q reads back as %q, %v", data, once, again.Canonical(), err)
		}
	})
}
