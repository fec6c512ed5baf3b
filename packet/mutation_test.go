package packet

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
)

// mutant is one way to change a text.
type mutant struct{ name, text string }

// mutantsOf goes through the ways to change a file of JSON lines, or of one
// JSON text, that a parser might let pass.
func mutantsOf(t testing.TB, text string) iter.Seq[mutant] {
	return func(yield func(mutant) bool) {
		list := slices.Concat(around(text), ofLines(text))
		lines := strings.SplitAfter(text, "\n")
		for i, line := range lines {
			bare := strings.TrimSuffix(line, "\n")
			if bare == "" {
				continue
			}
			end := line[len(bare):]
			for _, m := range respellings(mustParse(t, bare)) {
				other := slices.Concat(lines[:i], []string{m.text + end}, lines[i+1:])
				list = append(list, mutant{fmt.Sprintf("line %d: %s", i, m.name), strings.Join(other, "")})
			}
		}
		for _, m := range list {
			if m.text != text && !yield(m) {
				return
			}
		}
	}
}

func around(text string) []mutant {
	return []mutant{
		{"nothing left", ""},
		{"line feed after", text + "\n"},
		{"space after", text + " "},
		{"zero byte after", text + "\x00"},
		{"another object after", text + "{}"},
		{"byte order mark before", "\ufeff" + text},
		{"space before", " " + text},
		{"comment before", "//\n" + text},
		{"carriage returns", strings.ReplaceAll(text, "\n", "\r\n")},
		{"line separators", strings.ReplaceAll(text, "\n", "\u2028")},
		{"last byte cut", text[:max(len(text)-1, 0)]},
		{"all twice", text + text},
		{"UTF-16", strings.Join(strings.Split(text, ""), "\x00")},
	}
}

func ofLines(text string) (list []mutant) {
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	with := func(name string, i int, other ...string) {
		list = append(list, mutant{fmt.Sprintf("line %d %s", i, name), strings.Join(other, "")})
	}
	for i, line := range lines {
		before, after := lines[:i], lines[i+1:]
		with("removed", i, slices.Concat(before, after)...)
		with("twice", i, slices.Concat(before, []string{line, line}, after)...)
		with("again at the end", i, slices.Concat(lines, []string{line})...)
		with("empty line before", i, slices.Concat(before, []string{"\n", line}, after)...)
		if i > 0 {
			with("swapped with the one before", i, slices.Concat(lines[:i-1], []string{line, lines[i-1]}, after)...)
		}
	}
	return list
}

// respellings are other texts for a value: each changes one place of it, and
// most of them mean the same to a lenient parser.
func respellings(v evidence.Value) (list []mutant) {
	own := string(v.Canonical())
	add := func(name, text string) { list = append(list, mutant{name, text}) }
	switch v.Kind() {
	case evidence.Object:
		members := v.Fields()
		write := func(name string, i int, parts ...string) {
			var all []string
			for j, m := range members {
				if j == i {
					all = append(all, parts...)
					continue
				}
				all = append(all, quoted(m.Name)+":"+string(m.Value.Canonical()))
			}
			add(members[i].Name+" "+name, "{"+strings.Join(all, ",")+"}")
		}
		for i, m := range members {
			name, value := quoted(m.Name), string(m.Value.Canonical())
			write("removed", i)
			write("twice", i, name+":"+value, name+":"+value)
			write("twice, first null", i, name+":null", name+":"+value)
			write("in another case", i, quoted(strings.ToUpper(m.Name))+":"+value)
			write("in both cases", i, name+":"+value, quoted(strings.ToUpper(m.Name))+":"+value)
			write("with its name escaped", i, escaped(m.Name)+":"+value)
			write("with a long s in its name", i, quoted(strings.Replace(m.Name, "s", "\u017f", 1))+":"+value)
			write("with space", i, name+": "+value)
			write("with space before", i, " "+name+":"+value)
			write("with another member", i, `"a":1`, name+":"+value)
			write("with a comma after", i, name+":"+value+",")
			for _, r := range respellings(m.Value) {
				write(r.name, i, name+":"+r.text)
			}
			if i > 0 {
				swapped := slices.Clone(members)
				swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
				var all []string
				for _, m := range swapped {
					all = append(all, quoted(m.Name)+":"+string(m.Value.Canonical()))
				}
				add(m.Name+" before its neighbour", "{"+strings.Join(all, ",")+"}")
			}
		}
		if len(members) == 0 {
			add("empty object with a member", `{"a":1}`)
		}
	case evidence.Array:
		var texts []string
		for _, e := range v.Elems() {
			texts = append(texts, string(e.Canonical()))
		}
		join := func(parts ...[]string) string { return "[" + strings.Join(slices.Concat(parts...), ",") + "]" }
		for i, e := range v.Elems() {
			add("element removed", join(texts[:i], texts[i+1:]))
			add("element twice", join(texts[:i+1], texts[i:]))
			if i > 0 && texts[i] != texts[i-1] {
				add("elements swapped", join(texts[:i-1], texts[i:i+1], texts[i-1:i], texts[i+1:]))
			}
			for _, r := range respellings(e) {
				add(r.name, join(texts[:i], []string{r.text}, texts[i+1:]))
			}
		}
		add("null for a list", "null")
		add("an element more", join(texts, []string{"null"}))
	case evidence.String:
		list = append(list, otherStrings(v.Text())...)
	case evidence.Number:
		for _, text := range []string{own + ".0", own + "e0", own + "E+0", "0" + own, "+" + own, "-" + own, own + "0", quoted(own)} {
			add("number as "+text, text)
		}
	default:
		add("literal in another case", strings.ToUpper(own))
		add("literal as a string", quoted(own))
		add("literal as a number", "0")
	}
	return list
}

var base64Text = regexp.MustCompile(`^[A-Za-z0-9+/_-]{16,}={0,2}$`)

// otherStrings are other texts for a string. Looser ones follow where it may
// be base64.
func otherStrings(s string) (list []mutant) {
	add := func(name, text string) { list = append(list, mutant{name, text}) }
	add("string escaped", escaped(s))
	add("string with an escaped slash", strings.ReplaceAll(quoted(s), "/", `\/`))
	add("string with a zero-width space", quoted(s+"\u200b"))
	add("string with space after", quoted(s+" "))
	add("string in another case", quoted(strings.ToUpper(s)))
	add("string with wide digits", quoted(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '０'
		}
		return r
	}, s)))
	add("string with an invalid byte", `"`+s+"\xff"+`"`)
	add("string with a lone surrogate", `"`+s+`\ud800"`)
	add("string in single quotes", "'"+s+"'")
	if base64Text.MatchString(s) {
		add("base64 with a line feed", `"`+s[:8]+`\n`+s[8:]+`"`)
		add("base64 with a line feed after", `"`+s+`\n"`)
		add("base64 with padding", quoted(s+"="))
		add("base64 without padding", quoted(strings.TrimRight(s, "=")))
		add("base64 in the other alphabet", quoted(strings.NewReplacer("+", "-", "/", "_", "-", "+", "_", "/").Replace(s)))
		add("base64 with spare bits", quoted(looser(s)))
		add("base64 with a byte more", quoted(strings.TrimRight(s, "=")+"AA"))
	}
	return list
}

func quoted(s string) string { return string(evidence.StringValue(s).Canonical()) }

// escaped writes the first character as \uXXXX.
func escaped(s string) string {
	if s == "" {
		return `"\u0000"`
	}
	return fmt.Sprintf(`"\u%04x%s`, s[0], quoted(s[1:])[1:])
}

// looser changes the bits that a base64 text does not use.
func looser(s string) string {
	bare := strings.TrimRight(s, "=")
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_" {
		other := bare[:len(bare)-1] + string(c)
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			a, err1 := enc.DecodeString(bare)
			b, err2 := enc.DecodeString(other)
			if err1 == nil && err2 == nil && bytes.Equal(a, b) && other != bare {
				return other + s[len(bare):]
			}
		}
	}
	return s
}

const itsBuilder = "the packet's builder"

// Whoever alters a packet has no key, a key of their own, or the packet key
// itself; the key of the log they have not.
var attackers = []struct {
	name string
	pack func(e *edit, h *house) []byte
}{
	{"nobody", func(e *edit, _ *house) []byte { return e.pack() }},
	{"a stranger", func(e *edit, h *house) []byte {
		stranger := *h
		stranger.key = testKey(9)
		e.statement.Predicate.Key = publicText(stranger.key)
		return e.resign(&stranger)
	}},
	{itsBuilder, func(e *edit, h *house) []byte { return e.resign(h) }},
}

// No other spelling of any text in a packet, and nothing removed, added or
// reordered in it, is valid, whoever signs the result; and nobody has to look
// at the page for that.
func TestMutants(t *testing.T) {
	h := small(t)
	data, trust := h.unseenPage(t), h.trust()
	for name, text := range open(t, data).files {
		if strings.HasPrefix(name, dirObjects) || name == fileCheckpoint || name == fileManifest || name == filePage {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, genuine := 0, open(t, data)
			for m := range mutantsOf(t, string(text)) {
				// The page is compared with what follows from the rest, as a
				// whole: a sample will do.
				if n++; name == filePage && n%499 != 1 {
					continue
				}
				for i, a := range attackers {
					// The strongest tries everything, the others in turn.
					if a.name != itsBuilder && n%4 != 2*i {
						continue
					}
					e := genuine.copy()
					e.files[name] = []byte(m.text)
					if r := Verify(a.pack(e, h), trust); r.Verdict == Valid {
						t.Errorf("%s, signed by %s: valid", m.name, a.name)
					}
				}
			}
			t.Logf("%d mutants", n)
		})
	}
}

// A page is compared as a whole, byte for byte, and no other passes for it,
// whoever signs the result: what a lenient reader of it might let pass, and at
// sixteen places a byte changed, left out or said twice.
func TestPageMutants(t *testing.T) {
	h := small(t)
	genuine := open(t, h.packet())
	page := string(genuine.files[filePage])
	mutants := around(page)
	for i := 0; i < len(page); i += len(page)/16 + 1 {
		mutants = append(mutants,
			mutant{fmt.Sprintf("byte %d changed", i), page[:i] + string(page[i]^0x01) + page[i+1:]},
			mutant{fmt.Sprintf("byte %d left out", i), page[:i] + page[i+1:]},
			mutant{fmt.Sprintf("byte %d twice", i), page[:i+1] + page[i:]})
	}
	for _, m := range mutants {
		for _, a := range attackers {
			e := genuine.copy()
			e.files[filePage] = []byte(m.text)
			if r := Verify(a.pack(e, h), h.trust()); r.Verdict != Invalid {
				t.Errorf("%s, signed by %s: %s", m.name, a.name, r.Verdict)
			}
		}
	}
}

// ownWords are what a builder says freely. Other words are other words; but
// the same ones spelled otherwise are not. A later version of the page is one.
var ownWords = regexp.MustCompile(`predicate (query|generator (name|version)) string (with (a zero|space|wide)|in another case)|predicate page v number as 10`)

// The manifest has one spelling too, in its envelope and in what it encloses,
// though its own signer respells it.
func TestManifestMutants(t *testing.T) {
	h := small(t)
	data, trust := h.packet(), h.trust()
	e := open(t, data)
	p, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(payload string) string {
		sig, _ := h.key.Sign(nil, preAuth(payloadType, []byte(payload)), crypto.Hash(0))
		text, err := canonical(envelope{
			Payload: base64.StdEncoding.EncodeToString([]byte(payload)), PayloadType: payloadType,
			Signatures: []signature{{KeyID: p.envelope.Signatures[0].KeyID, Sig: base64.StdEncoding.EncodeToString(sig)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if signed(string(p.payload)) != string(e.files[fileManifest]) {
		t.Fatal("signing again gives another manifest")
	}
	manifests := map[string]string{}
	for m := range mutantsOf(t, string(e.files[fileManifest])) {
		manifests["envelope: "+m.name] = m.text
	}
	for m := range mutantsOf(t, string(p.payload)) {
		// A page of a later version is not checked, and said not to be.
		if m.text != "" && !ownWords.MatchString(m.name) && m.name != "line 0: predicate page v number as 10" {
			manifests["payload: "+m.name] = signed(m.text)
		}
	}
	for name, text := range manifests {
		e.files[fileManifest] = []byte(text)
		if r := Verify(e.pack(), trust); r.Verdict == Valid {
			t.Errorf("%s: %s", name, r.Verdict)
		}
	}
	t.Logf("%d mutants", len(manifests))
}

// No file can be removed, added, renamed, or take another's place.
func TestEntryMutants(t *testing.T) {
	h := told(t)
	genuine := open(t, h.packet())
	files := genuine.sorted()
	for _, a := range attackers {
		check := func(name string, change func(e *edit)) {
			e := genuine.copy()
			change(e)
			if r := Verify(a.pack(e, h), h.trust()); r.Verdict != Invalid {
				t.Errorf("%s, signed by %s: %s", name, a.name, r.Verdict)
			}
		}
		for i, f := range files {
			// A builder writes the manifest anew, so there it cannot be gone.
			if f.name == fileManifest && a.name != "nobody" {
				continue
			}
			check(f.name+" removed", func(e *edit) { delete(e.files, f.name) })
			check(f.name+" renamed", func(e *edit) { delete(e.files, f.name); e.files["x"+f.name] = f.data })
			check(f.name+" beside itself", func(e *edit) { e.files["a/"+f.name] = f.data })
			for _, g := range files[:i] {
				if g.name == fileManifest && a.name != "nobody" {
					continue
				}
				check(f.name+" and "+g.name+" swapped", func(e *edit) { e.files[f.name], e.files[g.name] = g.data, f.data })
			}
		}
		check("an object that nothing names, of a wrong digest", func(e *edit) {
			e.files[dirObjects+strings.Repeat("0", 64)+".yaml"] = []byte("x")
		})
	}
}

// No flipped bit in any file makes a valid packet, though the packet's own
// builder signs the result: of a small packet each byte, by the flips in turn,
// of one with approvals, permits and disclosures every 29th. TestPageMutants answers for the page.
func TestResignedFlips(t *testing.T) {
	for _, c := range []struct {
		name  string
		house *house
		step  int
	}{{"small", small(t), 1}, {"story", told(t), 29}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			genuine, trust := open(t, c.house.unseenPage(t)), c.house.trust()
			for name, data := range genuine.files {
				if name == fileManifest || name == filePage {
					continue
				}
				for i := 0; i < len(data); i += c.step {
					flip := flips[i%len(flips)]
					e := genuine.copy()
					e.files[name] = bytes.Clone(data)
					e.files[name][i] ^= flip
					if r := Verify(e.resign(c.house), trust); r.Verdict == Valid {
						t.Errorf("%s byte %d ^ %#x: valid", name, i, flip)
					}
				}
			}
		})
	}
}

// Withholding more is allowed: a builder leaves disclosures out, one after the
// other, and what is left is valid and says what it withholds.
func TestWithholdingStaysValid(t *testing.T) {
	h := told(t)
	full := Verify(h.packet(), h.trust())
	for i := range h.contents().Sealed {
		for j := range h.contents().Sealed[i].Disclosures {
			c := h.contents()
			c.Sealed[i].Disclosures = slices.Delete(slices.Clone(c.Sealed[i].Disclosures), j, j+1)
			data, err := Write(c)
			if err != nil {
				t.Fatalf("record %d without disclosure %d: %v", i, j, err)
			}
			if r := Verify(data, h.trust()); r.Verdict != Valid || r.Withheld != 1 || r.Disclosed != full.Disclosed-1 {
				t.Errorf("record %d without disclosure %d: %s, %d withheld", i, j, r.Verdict, r.Withheld)
			}
		}
	}
}
