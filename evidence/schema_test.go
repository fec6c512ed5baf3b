package evidence

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// golden holds every schema against its file in schema/, and the folder
// against the catalogue.
func TestSchemaFiles(t *testing.T) {
	const dir = "../schema"
	want := map[string][]byte{
		"draft.v1.json": DraftSchema(), "record.v1.json": RecordSchema(), "leaf.v1.json": LeafSchema(),
	}
	for _, typ := range Types() {
		want[string(typ)+".v1.json"] = SchemaFor(typ)
	}
	for name, data := range want {
		path := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v: run this test with -update", err)
			continue
		}
		if diff := cmp.Diff(string(data), string(file)); diff != "" {
			t.Errorf("%s is stale: run this test with -update (-want +file):\n%s", name, diff)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, known := want[f.Name()]; !known {
			t.Errorf("%s belongs to no type: delete it", f.Name())
		}
	}
	if SchemaFor("no.such") != nil {
		t.Error("an unknown type has a schema")
	}
}

// compileSchema compiles a schema, or a part of it.
func compileSchema(t testing.TB, data []byte, part string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	id := doc.(map[string]any)["$id"].(string)
	c := jsonschema.NewCompiler()
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id + part)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(s *jsonschema.Schema, data []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// The generated schemas and this package's own checks say the same about
// drafts and sealed bodies, good ones and damaged ones.
func TestSchemasAgreeWithChecks(t *testing.T) {
	for _, s := range shapesUnderTest() {
		t.Run(s.name, func(t *testing.T) {
			draft := compileSchema(t, bodySchema(s.name, s.shape), "")
			sealedSchema := compileSchema(t, bodySchema(s.name, s.shape), "#/$defs/sealed")
			rapid.Check(t, func(t *rapid.T) {
				body := drawBody(t, s.shape)
				submitted := withoutServerFields(s.shape, body)
				if err := validate(draft, submitted.Canonical()); err != nil {
					t.Fatalf("draft %s: %v", submitted.Canonical(), err)
				}
				w := drawWithholder(t)
				sealed, _, withheld, err := w.Withhold(s.shape, body)
				if err != nil {
					t.Fatal(err)
				}
				if err := validate(sealedSchema, sealed.Canonical()); err != nil {
					t.Fatalf("sealed %s: %v", sealed.Canonical(), err)
				}
				damaged := damage(t, sealed)
				if s.shape.CheckSealed(damaged, withheld) == nil {
					if err := validate(sealedSchema, damaged.Canonical()); err != nil {
						t.Fatalf("CheckSealed passes %s, its schema does not: %v", damaged.Canonical(), err)
					}
				}
				damaged = damage(t, submitted)
				if validate(draft, damaged.Canonical()) != nil && s.shape.Check("", withServerFields(s.shape, damaged, body)) == nil {
					t.Fatalf("Check passes %s, its schema does not", damaged.Canonical())
				}
			})
		})
	}
}

func withoutServerFields(s *Shape, v Value) Value {
	fields := slices.DeleteFunc(slices.Clone(v.Fields()), func(f Field) bool { return s.Field(f.Name).Server })
	return must(ObjectValue(fields...))
}

// withServerFields gives a draft's body the members of whole that it lacks
// because the house sets them.
func withServerFields(s *Shape, v, whole Value) Value {
	fields := slices.Clone(v.Fields())
	for _, f := range whole.Fields() {
		if _, ok := v.Get(f.Name); !ok && s.Field(f.Name).Server {
			fields = append(fields, f)
		}
	}
	return must(ObjectValue(fields...))
}

// damage drops, replaces or adds one member or element somewhere in v.
func damage(t *rapid.T, v Value) Value {
	replacement := rapid.SampledFrom([]Value{
		{}, StringValue(""), StringValue("x"), BoolValue(true), ArrayValue(), must(ObjectValue()), must(IntValue(3)), {kind: Number, text: "1.5"},
	})
	switch {
	case v.Kind() == Object && len(v.Fields()) > 0:
		i := rapid.IntRange(0, len(v.Fields())-1).Draw(t, "member")
		fields := slices.Clone(v.Fields())
		switch rapid.IntRange(0, 3).Draw(t, "damage") {
		case 0:
			fields = slices.Delete(fields, i, i+1)
		case 1:
			fields[i].Value = replacement.Draw(t, "value")
		case 2:
			name := rapid.SampledFrom([]string{sdName, sdElement, "new"}).Draw(t, "name")
			if _, ok := v.Get(name); !ok {
				fields = append(fields, Field{name, replacement.Draw(t, "value")})
			}
		default:
			fields[i].Value = damage(t, fields[i].Value)
		}
		return must(ObjectValue(fields...))
	case v.Kind() == Array && len(v.Elems()) > 0:
		list := slices.Clone(v.Elems())
		i := rapid.IntRange(0, len(list)-1).Draw(t, "element")
		list[i] = damage(t, list[i])
		return ArrayValue(list...)
	}
	return replacement.Draw(t, "value")
}

func TestRecordAndLeafSchemas(t *testing.T) {
	record, leaf := compileSchema(t, RecordSchema(), ""), compileSchema(t, LeafSchema(), "")
	rapid.Check(t, func(t *rapid.T) {
		data, _ := drawRecord(t).Canonical()
		if err := validate(record, data); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
	})
	if err := validate(leaf, testLeaf().Canonical()); err != nil {
		t.Error(err)
	}
	// What either parser accepts after a change, its schema accepts too.
	data, _ := testRecord(t).Canonical()
	eachChange(data, func(changed []byte) {
		if _, err := ParseRecord(changed); err == nil {
			if err := validate(record, changed); err != nil {
				t.Errorf("the schema refuses a record: %s: %v", changed, err)
			}
		}
	})
	eachChange(testLeaf().Canonical(), func(changed []byte) {
		if _, err := ParseLeaf(changed); err == nil {
			if err := validate(leaf, changed); err != nil {
				t.Errorf("the schema refuses a leaf: %s: %v", changed, err)
			}
		}
	})
	for _, e := range []edit{
		{"version", `"v":1`, `"v":2`, ""},
		{"an unknown field", `"v":1`, `"v":1,"x":1`, ""},
		{"a missing field", `"v":1,`, ``, ""},
		{"an actor's kind", `"agent"`, `"bot"`, ""},
		{"a pointer", `"/summary"`, `"summary"`, ""},
		{"a class", `"internal"`, `"public"`, ""},
		{"a time", `000000000Z`, `000Z`, ""},
	} {
		if validate(record, e.apply(t, data)) == nil {
			t.Errorf("%s: the schema accepts a record that is none", e.name)
		}
	}
}

func TestDraftSchema(t *testing.T) {
	s := compileSchema(t, DraftSchema(), "")
	const draft = `{"id":"` + testID + `","type":"step.observed","occurred":"2026-03-01T09:00:00.000000000Z","run":"","links":[{"kind":"document","id":"x"}],"body":{}}`
	if err := validate(s, []byte(draft)); err != nil {
		t.Error(err)
	}
	for _, e := range []edit{
		{"a type that only the house writes", "step.observed", "approval.decided", ""},
		{"an unknown type", "step.observed", "step.guessed", ""},
		{"a field that the house sets", `"run":""`, `"run":"","seq":1`, ""},
		{"no id", `"id":"` + testID + `",`, "", ""},
		{"a link with more", `"id":"x"`, `"id":"x","y":""`, ""},
	} {
		if validate(s, e.apply(t, []byte(draft))) == nil {
			t.Errorf("%s: the schema accepts a draft that is none", e.name)
		}
	}
}

func TestCheckSealed(t *testing.T) {
	sealed, _, withheld := withhold(t, Withholder{}, sampleShape(), mustParse(t, sampleText))
	text := string(sealed.Canonical())
	top, _ := sealed.Get(sdName) // commitments of full and note
	first, second := top.Elems()[0].Text(), top.Elems()[1].Text()
	element, _ := at(sealed, "/tags/0/...")
	tag := element.Text()
	listed := func(change ...Withheld) []Withheld { return amend(withheld, change) }

	tests := []struct {
		name           string
		old, new       string // in the sealed body
		withheld       []Withheld
		field, problem string
	}{
		{"as it was sealed", "", "", withheld, "", ""},
		{"a public field of another kind", `"amount":7`, `"amount":"7"`, withheld, "/amount", "is a string"},
		{"an unknown field", `"amount":7`, `"amount":7,"more":1`, withheld, "/more", "not a field"},
		{"a field in clear below its class", `"amount":7`, `"amount":7,"blob":1`, withheld, "/blob", "is confidential and stands in clear"},
		{"withheld and in clear", `"amount":7`, `"amount":7,"note":"a note"`, withheld, "/note", "stands in clear"},
		{"a missing key", `"name":"n",`, ``, withheld, "/name", "is missing"},
		{"a missing field that the house sets", `"set":"one",`, ``, withheld, "/set", "is missing"},
		{"a missing required field", `"amount":7,`, ``, withheld, "/amount", "is missing"},
		{"a missing field, said to be withheld", `"amount":7,`, ``, listed(Withheld{"/amount", Internal}), "/_sd", "2 commitments for 3 withheld"},
		{"a missing field, said to be secret", `"amount":7,`, ``, listed(Withheld{"/amount", Secret}), "", ""},
		{"a key said to be withheld", `"name":"n",`, ``, listed(Withheld{"/name", Internal}), "/name", "no key"},
		{"a frame said to be withheld", "", "", listed(Withheld{"/frame", Internal}), "/frame", "no key and no frame"},
		{"a field inside a frame, not listed", "", "", listed(Withheld{"/frame/case", ""}), "/frame/case", "is missing"},
		{"a secret with a commitment", "", "", listed(Withheld{"/note", Secret}), "/_sd", "2 commitments for 1 withheld"},
		{"below its class", "", "", listed(Withheld{"/full", Internal}), "/full", "below its class personal"},
		{"not listed", "", "", listed(Withheld{"/note", ""}), "/_sd", "2 commitments for 1 withheld"},
		{"listed, with no such field", "", "", listed(Withheld{"/nothing", Internal}), "/nothing", "no such field"},
		{"listed past the end", "", "", listed(Withheld{"/lines/2/price", Internal}), "/lines/2/price", "no such field"},
		{"listed below what is withheld", "", "", listed(Withheld{"/note/x", Internal}), "/note/x", "no such field"},
		{"a list not sorted", "", "", []Withheld{withheld[1], withheld[0]}, "", "sorted"},
		{"a commitment too few", `"` + first + `",`, ``, withheld, "/_sd", "1 commitments for 2 withheld"},
		{"a commitment too many", `"` + second + `"`, `"` + second + `","` + strings.Repeat("z", 42) + `w"`, withheld, "/_sd", "3 commitments for 2"},
		{"a commitment twice", second, first, withheld, "/_sd/1", "not above"},
		{"commitments not sorted", `"` + first + `","` + second + `"`, `"` + second + `","` + first + `"`, withheld, "/_sd/1", "not above"},
		{"a commitment of 42 characters", first, first[:42], withheld, "/_sd/0", "not base64url"},
		{"a commitment with spare bits", first, first[:42] + "B", withheld, "/_sd/0", "not base64url"},
		{"a commitment in the other alphabet", first, "+" + first[1:], withheld, "/_sd/0", "not base64url"},
		{"a commitment with a line break", first, first + `\n`, withheld, "/_sd/0", "not base64url"},
		{"a commitment that is a number", `"` + first + `"`, `1`, withheld, "/_sd/0", "not base64url"},
		{"commitments that are no list", `["` + first + `","` + second + `"]`, `"` + first + `"`, withheld, "/_sd", "is an array where"},
		{"no commitments at all", `"_sd":["` + first + `","` + second + `"],`, ``, withheld, "/_sd", "is an array where"},
		{"an empty list of commitments", `{"on":true}`, `{"on":true,"_sd":[]}`, withheld, "/frame/deep/0/_sd", "only where"},
		{"an element in clear", `{"...":"` + tag + `"}`, `"x"`, withheld, "/tags/0", "no commitment stands"},
		{"an element in clear, not listed", `{"...":"` + tag + `"}`, `"x"`, listed(Withheld{"/tags/0", ""}), "/tags/0", "confidential and stands in clear"},
		{"an element's commitment, not listed", "", "", listed(Withheld{"/tags/0", ""}), "/tags/0", "stands in clear"},
		{"an element's commitment and more", `"...":"` + tag + `"`, `"...":"` + tag + `","x":1`, withheld, "/tags/0", "no commitment stands"},
		{"an element's bad commitment", tag, tag[1:], withheld, "/tags/0", "no commitment stands"},
		{"an element below its class", "", "", listed(Withheld{"/tags/0", Internal}), "/tags/0", "withheld as internal"},
		{"a secret element", "", "", listed(Withheld{"/tags/0", Secret}), "/tags/0", "withheld as secret"},
		{"a list withheld as a whole", "", "", listed(Withheld{"/tags", Confidential}), "/tags", "not element by element"},
		{"a public element's commitment, not listed", `"labels":["l"]`, `"labels":[{"...":"` + tag + `"}]`, withheld, "/labels/0", "is a object"},
		{"a public element's commitment, listed", `"labels":["l"]`, `"labels":[{"...":"` + tag + `"}]`, listed(Withheld{"/labels/0", Internal}), "", ""},
		{"a frame that is none", `"frame":{`, `"frame":1,"x":{`, withheld, "/x", "not a field"},
		{"a list that is none", `"tags":[{`, `"tags":"x","labels2":[{`, withheld, "/labels2", "not a field"},
		{"too many elements", `"lines":[`, `"lines":[{},{},{},{},`, withheld, "/lines", "at most 5"},
		{"an element that is no frame", `"lines":[`, `"lines":[1,`, withheld, "/lines/0", "is a number, an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := edit{old: tt.old, new: tt.new}.apply(t, []byte(text))
			if tt.old == "" {
				body = []byte(text)
			}
			checkFault(t, sampleShape().CheckSealed(mustParse(t, string(body)), tt.withheld), tt.field, tt.problem)
		})
	}
	for _, body := range []string{`null`, `[]`, `{}`, `"x"`} {
		if err := sampleShape().CheckSealed(mustParse(t, body), nil); KindOf(err) != Invalid {
			t.Errorf("%s passes as a sealed body: %v", body, err)
		}
	}
}
