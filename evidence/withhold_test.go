package evidence

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const sampleText = `{"name":"n","note":"a note","who":"p-1","full":"Ada","tags":["x","y"],"labels":["l"],
	"lines":[{"id":"sha256:0000000000000000000000000000000000000000000000000000000000000000","price":"1","a/b~c":"t"},
		{"id":"sha256:0000000000000000000000000000000000000000000000000000000000000000","price":"2"}],
	"frame":{"at":"2026-03-01T09:00:00.000000000Z","case":"01890a5d-ac96-774b-bcce-b302099a8057","deep":[{"on":true}]},
	"amount":7,"set":"one"}`

func withhold(t testing.TB, w Withholder, shape *Shape, body Value) (Value, []Disclosure, []Withheld) {
	t.Helper()
	if w.Salt == nil {
		w.Salt = countingSalts(1)
	}
	sealed, disclosures, withheld, err := w.Withhold(shape, body)
	if err != nil {
		t.Fatal(err)
	}
	return sealed, disclosures, withheld
}

// raise makes a Raise of a table of patterns.
func raise(table map[string]Class) func(string) Class {
	return func(pattern string) Class { return table[pattern] }
}

func TestWithhold(t *testing.T) {
	usual := []Withheld{
		{"/frame/case", Confidential}, {"/full", Personal}, {"/lines/0/price", Internal}, {"/lines/1/price", Internal},
		{"/note", Internal}, {"/tags/0", Confidential}, {"/tags/1", Confidential},
	}
	tests := []struct {
		name   string
		raised map[string]Class
		change []Withheld // what differs from the usual list, a class of "" for what is gone
	}{
		{"classes of the shape", nil, nil},
		{"a public field", map[string]Class{"/amount": Internal}, []Withheld{{"/amount", Internal}}},
		{"one that is withheld already", map[string]Class{"/note": Confidential}, []Withheld{{"/note", Confidential}}},
		{"never lowered", map[string]Class{"/note": Public, "/tags": Internal, "/full": "nonsense"}, nil},
		{"keys stay", map[string]Class{"/name": Secret, "/lines/*/id": Internal, "/frame/at": Secret, "/set": Personal}, nil},
		{"every line by a pattern", map[string]Class{"/lines/*/a~1b~0c": Confidential}, []Withheld{{"/lines/0/a~1b~0c", Confidential}}},
		{"an index is no pattern", map[string]Class{"/lines/0/price": Secret}, nil},
		{"deep", map[string]Class{"/frame/deep/*/on": Personal}, []Withheld{{"/frame/deep/0/on", Personal}}},
		{"a public list element by element", map[string]Class{"/labels": Personal}, []Withheld{{"/labels/0", Personal}}},
		{"a frame raises what is inside, keys apart", map[string]Class{"/frame": Secret},
			[]Withheld{{"/frame/case", Secret}, {"/frame/deep/0/on", Secret}}},
		{"a list of frames raises what is inside", map[string]Class{"/lines": Personal},
			[]Withheld{{"/lines/0/price", Personal}, {"/lines/1/price", Personal}, {"/lines/0/a~1b~0c", Personal}}},
		{"secret drops a whole list", map[string]Class{"/tags": Secret},
			[]Withheld{{"/tags", Secret}, {"/tags/0", ""}, {"/tags/1", ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := amend(usual, tt.change)
			sealed, disclosures, got := withhold(t, Withholder{Raise: raise(tt.raised)}, sampleShape(), mustParse(t, sampleText))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("withheld fields differ (-want +got):\n%s", diff)
			}
			if err := sampleShape().CheckSealed(sealed, got); err != nil {
				t.Errorf("sealed body is refused: %v", err)
			}
			secrets := 0
			for _, w := range want {
				if w.Class == Secret {
					secrets++
				}
			}
			if len(disclosures) != len(want)-secrets {
				t.Errorf("%d disclosures for %d withheld fields, %d of them secret", len(disclosures), len(want), secrets)
			}
		})
	}
}

func amend(list, change []Withheld) []Withheld {
	out := slices.Clone(list)
	for _, c := range change {
		out = slices.DeleteFunc(out, func(w Withheld) bool { return w.Pointer == c.Pointer })
		if c.Class != "" {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Withheld) int { return strings.Compare(a.Pointer, b.Pointer) })
	return out
}

func TestSecretsLeaveNoTrace(t *testing.T) {
	body := mustParse(t, strings.Replace(sampleText, "a note", "hunter2-secret", 1))
	sealed, disclosures, withheld := withhold(t, Withholder{Raise: raise(map[string]Class{"/note": Secret})}, sampleShape(), body)
	if !slices.Contains(withheld, Withheld{"/note", Secret}) {
		t.Error("the drop is not noted")
	}
	if strings.Contains(string(sealed.Canonical()), "hunter2") {
		t.Error("the secret stands in the sealed body")
	}
	for _, d := range disclosures {
		if _, v, err := d.Open(); err != nil || strings.Contains(string(v.Canonical()), "hunter2") || d.Pointer == "/note" {
			t.Errorf("disclosure %s holds the secret (%v)", d.Pointer, err)
		}
	}
}

func TestSubjects(t *testing.T) {
	body := mustParse(t, strings.Replace(sampleText, `"amount"`, `"people":["Bo","Cy"],"amount"`, 1))
	_, disclosures, _ := withhold(t, Withholder{Raise: raise(map[string]Class{"/full": Confidential})}, sampleShape(), body)
	want := map[string]string{"/full": "p-1", "/people/0": "p-1", "/people/1": "p-1"}
	for _, d := range disclosures {
		if d.Subject != want[d.Pointer] {
			t.Errorf("%s is said to be of %q, want %q", d.Pointer, d.Subject, want[d.Pointer])
		}
	}
}

func TestSaltsAreUsedOnce(t *testing.T) {
	body := mustParse(t, strings.Replace(sampleText, `["x","y"]`, `["x","x","x"]`, 1))
	_, disclosures, _ := withhold(t, Withholder{}, sampleShape(), body)
	seen := map[string]bool{}
	for _, d := range disclosures {
		if seen[d.Digest()] {
			t.Errorf("the commitment of %s stands twice: equal values show", d.Pointer)
		}
		seen[d.Digest()] = true
	}
}

// All disclosures give back the body as it was submitted, secrets apart; any
// part of them gives back its fields, and the rest can follow later.
func TestRevealLaws(t *testing.T) {
	for _, s := range shapesUnderTest() {
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				body := drawBody(t, s.shape)
				w := drawWithholder(t)
				sealed, disclosures, withheld, err := w.Withhold(s.shape, body)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.shape.CheckSealed(sealed, withheld); err != nil {
					t.Fatalf("%s: %v", sealed.Canonical(), err)
				}
				shuffled := rapid.Permutation(disclosures).Draw(t, "order")
				cut := rapid.IntRange(0, len(shuffled)).Draw(t, "cut")
				part, err := Reveal(sealed, shuffled[:cut])
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range shuffled[:cut] {
					checkSame(t, d.Pointer, part, body)
				}
				all, err := Reveal(part, shuffled[cut:])
				if err != nil {
					t.Fatal(err)
				}
				want := withoutSecrets(body, "", withheld)
				if string(all.Canonical()) != string(want.Canonical()) {
					t.Fatalf("revealed\n%s\nwant\n%s", all.Canonical(), want.Canonical())
				}
			})
		})
	}
}

func checkSame(t *rapid.T, pointer string, a, b Value) {
	t.Helper()
	va, oka := at(a, pointer)
	vb, okb := at(b, pointer)
	if !oka || !okb || string(va.Canonical()) != string(vb.Canonical()) {
		t.Fatalf("%s is %s, want %s", pointer, va.Canonical(), vb.Canonical())
	}
}

// at follows a pointer.
func at(v Value, pointer string) (Value, bool) {
	tokens, err := splitPointer(pointer)
	for _, token := range tokens {
		if v.Kind() == Array {
			i, ok := arrayIndex(token)
			if !ok || i >= len(v.Elems()) {
				return Value{}, false
			}
			v = v.Elems()[i]
			continue
		}
		next, ok := v.Get(token)
		if !ok {
			return Value{}, false
		}
		v = next
	}
	return v, err == nil
}

func withoutSecrets(v Value, at string, withheld []Withheld) Value {
	switch v.Kind() {
	case Array:
		list := make([]Value, len(v.Elems()))
		for i, e := range v.Elems() {
			list[i] = withoutSecrets(e, pointer(at, strconv.Itoa(i)), withheld)
		}
		return ArrayValue(list...)
	case Object:
		var fields []Field
		for _, f := range v.Fields() {
			if here := pointer(at, f.Name); !slices.Contains(withheld, Withheld{here, Secret}) {
				fields = append(fields, Field{f.Name, withoutSecrets(f.Value, here, withheld)})
			}
		}
		return must(ObjectValue(fields...))
	}
	return v
}

// A disclosure opens its own place in its own record, and no other.
func TestMovedDisclosuresAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := drawBody(t, sampleShape())
		raised := drawWithholder(t)
		sealed, disclosures, _, err := raised.Withhold(sampleShape(), body)
		if err != nil || len(disclosures) == 0 {
			t.Skip("nothing to move")
		}
		raised.Salt = countingSalts(rapid.Uint64().Draw(t, "other salts"))
		other, _, _, err := raised.Withhold(sampleShape(), body)
		if err != nil {
			t.Fatal(err)
		}
		d := rapid.SampledFrom(disclosures).Draw(t, "disclosure")
		if string(other.Canonical()) != string(sealed.Canonical()) {
			refuse(t, "in another record", other, d)
		}
		for _, p := range allPointers(body, "") {
			if p != d.Pointer {
				moved := d
				moved.Pointer = p
				refuse(t, "moved to "+p, sealed, moved)
			}
		}
		if _, err := Reveal(sealed, []Disclosure{d, d}); err == nil {
			t.Fatal("a disclosure given twice passes")
		}
	})
}

func refuse(t interface{ Fatalf(string, ...any) }, what string, sealed Value, d Disclosure) {
	if got, err := Reveal(sealed, []Disclosure{d}); err == nil {
		t.Fatalf("a disclosure %s passes: %s", what, got.Canonical())
	}
}

// allPointers lists the pointers of everything inside v.
func allPointers(v Value, at string) (list []string) {
	for i, e := range v.Elems() {
		here := pointer(at, strconv.Itoa(i))
		list = append(append(list, here), allPointers(e, here)...)
	}
	for _, f := range v.Fields() {
		here := pointer(at, f.Name)
		list = append(append(list, here), allPointers(f.Value, here)...)
	}
	return list
}

func TestForgedDisclosuresAreRefused(t *testing.T) {
	sealed, disclosures, _ := withhold(t, Withholder{}, sampleShape(), mustParse(t, sampleText))
	find := func(pointer string) Disclosure {
		i := slices.IndexFunc(disclosures, func(d Disclosure) bool { return d.Pointer == pointer })
		return disclosures[i]
	}
	note, tag := find("/note"), find("/tags/1")
	text := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }
	salt := base64.RawURLEncoding.EncodeToString(countingSalts(1)())
	tests := []struct {
		name    string
		pointer string
		text    string
	}{
		{"another value", "/note", text(`["` + salt + `","note","another"]`)},
		{"another name", "/other", text(`["` + salt + `","other","a note"]`)},
		{"the name of a commitment", "/_sd", text(`["` + salt + `","_sd","a note"]`)},
		{"another spelling of the same", "/note", text(`["` + salt + `", "note", "a note"]`)},
		{"padding", "/note", note.Text + "="},
		{"a line break", "/note", note.Text + "\n"},
		{"the other alphabet", "/note", strings.NewReplacer("-", "+", "_", "/").Replace(note.Text) + "+"},
		{"not base64url", "/note", "%%%"},
		{"not JSON", "/note", text(`[`)},
		{"no array", "/note", text(`{}`)},
		{"too short", "/note", text(`["` + salt + `"]`)},
		{"too long", "/note", text(`["` + salt + `","note","a note",1]`)},
		{"a salt that is no string", "/note", text(`[1,"note","a note"]`)},
		{"nowhere", "/nowhere/note", note.Text},
		{"a pointer to the whole", "", note.Text},
		{"a pointer that does not begin", "note", note.Text},
		{"below a string", "/name/note", note.Text},
		{"an index in another spelling", "/tags/01", tag.Text},
		{"an index with a sign", "/tags/+1", tag.Text},
		{"an index below zero", "/tags/-1", tag.Text},
		{"an index past the end", "/tags/2", tag.Text},
		{"a dash for the end", "/tags/-", tag.Text},
		{"a member into a list", "/tags/0", note.Text},
		{"an element as a member", "/note", tag.Text},
		{"an element in an index too deep", "/lines/00/price", find("/lines/0/price").Text},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refuse(t, tt.name, sealed, Disclosure{Pointer: tt.pointer, Text: tt.text})
		})
	}
	if _, err := Reveal(sealed, []Disclosure{note, tag}); err != nil {
		t.Errorf("the true ones are refused: %v", err)
	}
}

// Reveal leaves the sealed body as it was.
func TestRevealChangesNothing(t *testing.T) {
	sealed, disclosures, _ := withhold(t, Withholder{}, sampleShape(), mustParse(t, sampleText))
	before := string(sealed.Canonical())
	if _, err := Reveal(sealed, disclosures); err != nil {
		t.Fatal(err)
	}
	if after := string(sealed.Canonical()); after != before {
		t.Errorf("the sealed body became\n%s\nwas\n%s", after, before)
	}
}

// A member named "" and an element without a name are not the same.
func TestNamelessDisclosures(t *testing.T) {
	text := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }
	member, element := text(`["salt","",1]`), text(`["salt",1]`)
	sealedBy := func(text string) Value {
		digest := StringValue(disclosureDigest([]byte(text)))
		return must(ObjectValue(Field{sdName, ArrayValue(digest)},
			Field{"l", ArrayValue(must(ObjectValue(Field{sdElement, digest})))}))
	}
	if _, err := Reveal(sealedBy(member), []Disclosure{{Pointer: "/", Text: member}}); err != nil {
		t.Error(err)
	}
	if _, err := Reveal(sealedBy(element), []Disclosure{{Pointer: "/l/0", Text: element}}); err != nil {
		t.Error(err)
	}
	taken := text(`["salt","l",1]`)
	refuse(t, "of a member that stands in clear too", sealedBy(taken), Disclosure{Pointer: "/l", Text: taken})
	refuse(t, "of a member at an element", sealedBy(member), Disclosure{Pointer: "/l/0", Text: member})
	refuse(t, "of an element at a member", sealedBy(element), Disclosure{Pointer: "/", Text: element})
}

// The digests that RFC 9901 section 4.2.3 gives for its examples: the text of
// the disclosure is hashed, whatever layout its JSON has.
func TestDisclosureDigests(t *testing.T) {
	tests := []struct{ text, digest, name, value string }{
		{"WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
			"X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0", "family_name", `"Möbius"`},
		{"WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0",
			"w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs", "", `"FR"`},
	}
	for _, tt := range tests {
		d := Disclosure{Text: tt.text}
		if got := d.Digest(); got != tt.digest {
			t.Errorf("digest %s, want %s", got, tt.digest)
		}
		name, v, err := d.Open()
		if err != nil || name != tt.name || string(v.Canonical()) != tt.value {
			t.Errorf("opens as %q, %s, %v; want %q, %s", name, v.Canonical(), err, tt.name, tt.value)
		}
	}
	member := must(ObjectValue(Field{sdName, ArrayValue(StringValue(tests[0].digest))}, Field{"list", ArrayValue(
		StringValue("DE"), must(ObjectValue(Field{sdElement, StringValue(tests[1].digest)})))}))
	got, err := Reveal(member, []Disclosure{{Pointer: "/family_name", Text: tests[0].text}, {Pointer: "/list/1", Text: tests[1].text}})
	if want := `{"family_name":"Möbius","list":["DE","FR"]}`; err != nil || string(got.Canonical()) != want {
		t.Errorf("revealed %s, %v; want %s", got.Canonical(), err, want)
	}
}
