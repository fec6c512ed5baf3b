package evidence

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/internal/datatest"
)

// The vectors of RFC 8785's authors. One of them holds a number literal whose
// value the canonical form changes, which is refused here on purpose.
func TestCanonicalVectors(t *testing.T) {
	inputs, err := os.ReadDir(datatest.Path(t, "conformance", "jcs", "testdata", "input"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range inputs {
		t.Run(file.Name(), func(t *testing.T) {
			input := datatest.Read(t, "conformance", "jcs", "testdata", "input", file.Name())
			want := strings.TrimSpace(string(datatest.Read(t, "conformance", "jcs", "testdata", "output", file.Name())))
			if file.Name() == "values.json" {
				if _, err := ParseValue(input); err == nil || !strings.Contains(err.Error(), "/numbers/0") {
					t.Errorf("a literal with one digit too many passes: %v", err)
				}
				input = []byte(strings.Replace(string(input), "333333333.33333329", "333333333.3333333", 1))
			}
			v, err := ParseValue(input)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.Canonical()); got != want {
				t.Errorf("canonical form\n%s\nwant\n%s", got, want)
			}
			spaced := string(datatest.Read(t, "conformance", "jcs", "testdata", "outhex", strings.Replace(file.Name(), ".json", ".txt", 1)))
			bytes, err := hex.DecodeString(strings.Join(strings.Fields(spaced), ""))
			if err != nil || string(v.Canonical()) != string(bytes) {
				t.Errorf("bytes differ from the hexadecimal vector (%v)", err)
			}
		})
	}
}

// The vectors' authors publish the SHA-256 of ten thousand formatted numbers,
// drawn from a table of edge cases and then from a chain of hashes.
func TestNumberSequence(t *testing.T) {
	readme := string(datatest.Read(t, "conformance", "jcs", "testdata", "README.md"))
	_, table, _ := strings.Cut(readme, "staticU64s = ")
	table, _, _ = strings.Cut(table, "])")
	want := regexp.MustCompile(`([0-9a-f]{64}) \| 10000 `).FindStringSubmatch(readme)
	var bits []uint64
	for _, lit := range regexp.MustCompile(`0x([0-9a-f]{16})n`).FindAllStringSubmatch(table, -1) {
		n, err := strconv.ParseUint(lit[1], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		bits = append(bits, n)
	}
	if want == nil || len(bits) < 100 {
		t.Fatalf("the vectors' README reads differently: %d numbers", len(bits))
	}
	for i := range uint64(2000) {
		bits = append(bits, 0x0010000000000000+i)
	}
	var block [32]byte
	for len(bits) < 10_000 {
		block = sha256.Sum256(block[:])
		for i := 0; i < len(block) && len(bits) < 10_000; i += 8 {
			n := binary.LittleEndian.Uint64(block[i:])
			if f := math.Float64frombits(n); f != 0 && !math.IsNaN(f) && !math.IsInf(f, 0) {
				bits = append(bits, n)
			}
		}
	}
	sum := sha256.New()
	for _, n := range bits {
		lit := formatES6(math.Float64frombits(n))
		fmt.Fprintf(sum, "%x,%s\n", n, lit)
		if again, ok := canonicalNumber(lit); !ok || again != lit {
			t.Errorf("canonical number %s reads back as %q, %v", lit, again, ok)
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want[1] {
		t.Errorf("the formatted numbers hash to %s, want %s", got, want[1])
	}
}

func TestNumbers(t *testing.T) {
	const refused = ""
	tests := []struct{ literal, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"0.0", "0"},
		{"0e5", "0"},
		{"0e99999999999999999999", "0"},
		{"-1", "-1"},
		{"999999999999999", "999999999999999"},
		{"9007199254740991", "9007199254740991"},
		{"9007199254740992", "9007199254740992"},
		{"9007199254740993", refused},
		{"-9007199254740993", refused},
		{"9007199254740994", "9007199254740994"},
		{"1e21", "1e+21"},
		{"1E+21", "1e+21"},
		{"1000000000000000000000", "1e+21"},
		{"100000000000000000000", "100000000000000000000"},
		{"1152921504606846976", refused}, // 2^60: exact as a float, but its shortest form is another number
		{"0.1", "0.1"},
		{"1.10", "1.1"},
		{"110e-2", "1.1"},
		{"0.1000000000000000055511151231257827", refused},
		{"0.30000000000000004", "0.30000000000000004"},
		{"1e-6", "0.000001"},
		{"1e-7", "1e-7"},
		{"0.0000001", "1e-7"},
		{"1e-10", "1e-10"},
		{"5e-324", "5e-324"},
		{"4.9406564584124654e-324", refused},
		{"1e-400", refused},
		{"1.7976931348623157e308", "1.7976931348623157e+308"},
		{"1E400", refused},
		{"-1E400", refused},
		{"1e9223372036854775807", refused},
		{"1e-99999999999999999999", refused},
	}
	for _, tt := range tests {
		v, err := ParseValue([]byte(tt.literal))
		if got := string(v.Canonical()); tt.want != refused && (err != nil || got != tt.want) {
			t.Errorf("%s: %s, %v; want %s", tt.literal, got, err, tt.want)
		}
		if tt.want == refused && err == nil {
			t.Errorf("%s: passes as %s", tt.literal, v.Canonical())
		}
	}
}

func TestInt(t *testing.T) {
	tests := []struct {
		text string
		want int64
		ok   bool
	}{
		{"42", 42, true}, {"-0", 0, true}, {"1.0", 1, true}, {"5e1", 50, true},
		{"1.5", 0, false}, {"1e21", 0, false}, {`"42"`, 0, false}, {"null", 0, false}, {"[1]", 0, false},
	}
	for _, tt := range tests {
		if n, ok := mustParse(t, tt.text).Int(); n != tt.want || ok != tt.ok {
			t.Errorf("%s: %d, %v; want %d, %v", tt.text, n, ok, tt.want, tt.ok)
		}
	}
	for _, n := range []int64{maxInt, -maxInt} {
		if got, ok := must(IntValue(n)).Int(); !ok || got != n {
			t.Errorf("%d: %d, %v", n, got, ok)
		}
	}
	for _, n := range []int64{maxInt + 1, -maxInt - 1, math.MaxInt64, math.MinInt64} {
		if _, err := IntValue(n); err == nil {
			t.Errorf("%d passes, but has no exact canonical form", n)
		}
	}
}

// What a caller writes, in any layout, has the canonical form that an
// independent implementation gives it.
func TestCanonicalAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "[" + drawText(t, drawJSON(t, 4)) + "]"
		want, err := jcs.Transform([]byte(text))
		if err != nil {
			t.Fatalf("oracle refuses %q: %v", text, err)
		}
		v, err := ParseValue([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := v.Canonical(); string(got) != string(want) {
			t.Fatalf("%q\nis  %q\nnot %q", text, got, want)
		}
		if again, err := ParseValue(v.Canonical()); err != nil || string(again.Canonical()) != string(want) {
			t.Fatalf("canonical form is not stable: %q, %v", again.Canonical(), err)
		}
	})
}

// drawText writes v as JSON in one of many ways: members in any order, with
// space between, and characters escaped or not.
func drawText(t *rapid.T, v Value) string {
	space := rapid.SampledFrom([]string{"", "", " ", "\n\t", "\r\n"}).Draw(t, "space")
	switch v.Kind() {
	case String:
		return space + drawQuoted(t, v.Text())
	case Array:
		var parts []string
		for _, e := range v.Elems() {
			parts = append(parts, drawText(t, e))
		}
		return "[" + strings.Join(parts, ",") + space + "]"
	case Object:
		var parts []string
		for _, f := range rapid.Permutation(v.Fields()).Draw(t, "order") {
			parts = append(parts, drawQuoted(t, f.Name)+space+":"+drawText(t, f.Value))
		}
		return "{" + space + strings.Join(parts, ","+space) + "}"
	}
	return string(v.Canonical()) + space
}

func drawQuoted(t *rapid.T, s string) string {
	if rapid.Bool().Draw(t, "ascii") {
		return `"` + escapeAll(s) + `"`
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

// escapeAll writes every UTF-16 unit as \uXXXX.
func escapeAll(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 0x10000 {
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			continue
		}
		fmt.Fprintf(&b, `\u%04X`, r)
	}
	return b.String()
}

// Beyond the basic plane UTF-16 order is not byte order: U+1F602 is written
// with surrogates, which stand below U+FB33.
func TestKeyOrder(t *testing.T) {
	v := mustParse(t, `{"\ufb33":1,"\ud83d\ude02":2,"é":3,"z":4,"":5,"ab":6,"a":7,"\ud83d\ude01":8}`)
	want := `{"":5,"a":7,"ab":6,"z":4,"é":3,"😁":8,"😂":2,"` + "\ufb33" + `":1}`
	if got := string(v.Canonical()); got != want {
		t.Errorf("order %s, want %s", got, want)
	}
}

func TestBuiltValues(t *testing.T) {
	if got := StringValue("a\xffb").Text(); got != "a\ufffdb" {
		t.Errorf("invalid UTF-8 becomes %q", got)
	}
	if _, err := ObjectValue(Field{"a", Value{}}, Field{"b", Value{}}, Field{"a", Value{}}); err == nil {
		t.Error("a name given twice passes")
	}
	if _, err := ObjectValue(Field{"\xff", Value{}}); err == nil {
		t.Error("a name that is not UTF-8 passes")
	}
	v := must(ObjectValue(Field{"z", ArrayValue()}, Field{"b", BoolValue(true)}, Field{"a", Value{}}))
	if got := string(v.Canonical()); got != `{"a":null,"b":true,"z":[]}` {
		t.Errorf("built value is %s", got)
	}
	if b, ok := v.Get("b"); !ok || !b.IsTrue() {
		t.Error("member b is not found or not true")
	}
	if _, ok := v.Get("c"); ok {
		t.Error("member c is found")
	}
}

func TestValueInStruct(t *testing.T) {
	var s struct{ Args Value }
	if err := json.Unmarshal([]byte(`{"Args": {"b": 1.0, "a": [true]}}`), &s); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(s)
	if err != nil || string(out) != `{"Args":{"a":[true],"b":1}}` {
		t.Errorf("%s, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"Args": {"a": 1, "a": 2}}`), &s); err == nil {
		t.Error("a duplicate key inside a struct passes")
	}
}
