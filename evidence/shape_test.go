package evidence

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fault is the kind and pointer of a validation error, and a word of it.
func checkFault(t *testing.T, err error, field, problem string) {
	t.Helper()
	var e *Error
	switch {
	case field == "" && problem == "":
		if err != nil {
			t.Errorf("refused: %v", err)
		}
	case !errors.As(err, &e):
		t.Errorf("error %v, want one at %q: … %s …", err, field, problem)
	case e.Kind != Invalid || e.Field != field || !strings.Contains(e.Message, problem):
		t.Errorf("%s error at %q: %s\nwant one at %q: … %s …", e.Kind, e.Field, e.Message, field, problem)
	}
}

func TestCheck(t *testing.T) {
	const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	type body struct {
		Plain    string   `json:"plain" evf:"public"`
		Opt      string   `json:"opt" evf:"internal,opt"`
		Empty    string   `json:"empty" evf:"public,opt,empty"`
		Short    string   `json:"short" evf:"public,opt,max=4"`
		Enum     string   `json:"enum" evf:"key,opt,enum=red|blue"`
		Time     Time     `json:"time" evf:"key,opt,format=time"`
		Digest   Digest   `json:"digest" evf:"key,opt,format=digest"`
		UUID     string   `json:"uuid" evf:"key,opt,format=uuid"`
		Ident    string   `json:"ident" evf:"key,opt,format=ident"`
		MayBlank string   `json:"may_blank" evf:"key,opt,empty,format=uuid"`
		Whole    int64    `json:"whole" evf:"public,opt"`
		Bool     bool     `json:"bool" evf:"public,opt"`
		Few      []string `json:"few" evf:"public,opt,max=2"`
		Enums    []string `json:"enums" evf:"public,opt,enum=red|blue"`
		IDs      []string `json:"ids" evf:"key,opt,format=uuid"`
		Open     Value    `json:"open" evf:"internal,opt"`
		Opens    []Value  `json:"opens" evf:"internal,opt,max=3"`
		Frame    *struct {
			In string `json:"in" evf:"public"`
		} `json:"frame" evf:"opt"`
		Frames []struct {
			On bool `json:"a/b" evf:"public"`
		} `json:"frames" evf:"opt,max=2"`
	}
	shape := shapeOf(reflect.TypeFor[body]())
	tests := []struct{ name, member, field, problem string }{
		{"only what is required", ``, "", ""},
		{"an unknown field", `"other":1`, "/other", "not a field"},
		{"a commitment", `"_sd":[]`, "/_sd", "not a field"},
		{"an element's commitment", `"...":""`, "/...", "not a field"},
		{"null is not absence", `"opt":null`, "/opt", "is a null, a string is expected"},
		{"a number for a string", `"opt":1`, "/opt", "is a number"},
		{"an empty string", `"opt":""`, "/opt", "is empty"},
		{"an empty string where allowed", `"empty":""`, "", ""},
		{"four bytes", `"short":"éé"`, "", ""},
		{"five bytes in four characters", `"short":"éabc"`, "/short", "has 5 bytes, at most 4"},
		{"more than the default bound", `"opt":"` + strings.Repeat("x", 1025) + `"`, "/opt", "at most 1024"},
		{"one of the words", `"enum":"blue"`, "", ""},
		{"another word", `"enum":"green"`, "/enum", "not one of red, blue"},
		{"a word in capitals", `"enum":"Blue"`, "/enum", "not one of red, blue"},
		{"a time", `"time":"2026-03-01T09:00:00.000000000Z"`, "", ""},
		{"a time without fraction", `"time":"2026-03-01T09:00:00Z"`, "/time", "form of a time"},
		{"a digest", `"digest":"` + digest + `"`, "", ""},
		{"a digest in capitals", `"digest":"` + strings.ToUpper(digest) + `"`, "/digest", "form of a digest"},
		{"a uuid", `"uuid":"` + testID + `"`, "", ""},
		{"a uuid of version 4", `"uuid":"` + strings.Replace(testID, "-774b", "-474b", 1) + `"`, "/uuid", "form of a uuid"},
		{"an ident", `"ident":"Suite/rule.v1_2@x*:+-"`, "", ""},
		{"an ident with a space", `"ident":"a b"`, "/ident", "form of a ident"},
		{"an ident beyond ASCII", `"ident":"é"`, "/ident", "form of a ident"},
		{"an ident of 200 bytes", `"ident":"` + strings.Repeat("x", 200) + `"`, "", ""},
		{"an ident of 201 bytes", `"ident":"` + strings.Repeat("x", 201) + `"`, "/ident", "form of a ident"},
		{"blank where a form is optional", `"may_blank":""`, "", ""},
		{"a bad form where blank is allowed", `"may_blank":"x"`, "/may_blank", "form of a uuid"},
		{"a whole number", `"whole":-9007199254740992`, "", ""},
		{"a whole number with an exponent", `"whole":1e3`, "", ""},
		{"a fraction", `"whole":1.5`, "/whole", "not a whole number"},
		{"beyond 2^53", `"whole":9007199254740994`, "/whole", "not a whole number"},
		{"far beyond", `"whole":1e300`, "/whole", "not a whole number"},
		{"a boolean", `"bool":false`, "", ""},
		{"a word for a boolean", `"bool":"false"`, "/bool", "is a string, a boolean is expected"},
		{"two elements", `"few":["a","b"]`, "", ""},
		{"three elements", `"few":["a","b","c"]`, "/few", "has 3 elements, at most 2"},
		{"an element of another kind", `"few":["a",1]`, "/few/1", "is a number"},
		{"an empty element", `"few":[""]`, "/few/0", "is empty"},
		{"an element that is no word of the list", `"enums":["red","green"]`, "/enums/1", "not one of"},
		{"an element of another form", `"ids":["` + testID + `","x"]`, "/ids/1", "form of a uuid"},
		{"anything where open", `"open":{"a":[1,null,{"b":"\u0000"}]}`, "", ""},
		{"null where open", `"open":null`, "", ""},
		{"a commitment inside an open value", `"open":{"a":[{"_sd":[]}]}`, "/open/a/0/_sd", "reserved name"},
		{"an element's commitment inside an open value", `"open":[{"...":"x"}]`, "/open/0/...", "reserved name"},
		{"a commitment in a list of open values", `"opens":[1,{"_sd":1}]`, "/opens/1/_sd", "reserved name"},
		{"a frame's missing field", `"frame":{}`, "/frame/in", "is missing"},
		{"a frame that is null", `"frame":null`, "/frame", "is a null"},
		{"a commitment in a frame", `"frame":{"in":"x","_sd":["x"]}`, "/frame/_sd", "not a field"},
		{"too many frames", `"frames":[{"a/b":true},{"a/b":true},{"a/b":true}]`, "/frames", "at most 2"},
		{"a pointer with a slash in a name", `"frames":[{"a/b":true},{"a/b":1}]`, "/frames/1/a~1b", "is a number"},
		{"an element's commitment among frames", `"frames":[{"...":"x"}]`, "/frames/0/...", "not a field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := `{"plain":"x"}`
			if tt.member != "" {
				text = `{"plain":"x",` + tt.member + `}`
			}
			checkFault(t, shape.Check("", mustParse(t, text)), tt.field, tt.problem)
		})
	}
	checkFault(t, shape.Check("", mustParse(t, `{}`)), "/plain", "is missing")
	checkFault(t, shape.Check("/body", mustParse(t, `[]`)), "/body", "is a array")
}

func TestCheckQuotesNoValue(t *testing.T) {
	const secret = "hunter2-secret"
	for _, text := range []string{`"` + secret + `"`, `["` + secret + `"]`, `{"x":"` + secret + `"}`} {
		for _, f := range TypeActionStarted.Shape().Fields {
			body := must(ObjectValue(Field{f.Name, mustParse(t, text)}))
			if err := TypeActionStarted.Shape().Check("", body); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
}

func TestTagOptions(t *testing.T) {
	note, full := sampleShape().Field("note"), sampleShape().Field("full")
	set, tags := sampleShape().Field("set"), sampleShape().Field("tags")
	switch {
	case note.Class != Internal || !note.Optional || !note.Text || note.Max != 40:
		t.Errorf("note is %+v", note)
	case full.Class != Personal || full.Subject != "who" || full.Optional:
		t.Errorf("full is %+v", full)
	case set.Class != Public || !set.Key || !set.Server || len(set.Enum) != 2:
		t.Errorf("set is %+v", set)
	case !tags.Each || tags.Max != 4 || tags.Elem.Max != defaultMaxString:
		t.Errorf("tags are %+v", tags)
	}
	if link := TypeActionStarted.Shape().Field("action").Link; link != "action" {
		t.Errorf("an action's id becomes a link of kind %q", link)
	}
	if sampleShape().Field("nothing") != nil {
		t.Error("a field is found that is not there")
	}
}

func TestShapeRefusesBadTags(t *testing.T) {
	for name, body := range map[string]any{
		"no class": struct {
			A string `json:"a"`
		}{},
		"no name": struct {
			A string `evf:"public"`
		}{},
		"an unknown option": struct {
			A string `json:"a" evf:"public,loud"`
		}{},
		"secret is no class of a field": struct {
			A string `json:"a" evf:"secret"`
		}{},
		"a bound that is no number": struct {
			A string `json:"a" evf:"public,max=many"`
		}{},
		"open and public": struct {
			A Value `json:"a" evf:"public"`
		}{},
		"a public list of open values": struct {
			A []Value `json:"a" evf:"public"`
		}{},
		"a class on a frame": struct {
			A Tool `json:"a" evf:"internal"`
		}{},
		"a kind that JSON has not": struct {
			A map[string]string `json:"a" evf:"public"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("compiles")
				}
			}()
			shapeOf(reflect.TypeOf(body))
		})
	}
}

func TestClassRank(t *testing.T) {
	order := []Class{"none", Public, Internal, Personal, Confidential, Secret}
	for i := 1; i < len(order); i++ {
		if order[i-1].Rank() >= order[i].Rank() {
			t.Errorf("%s does not rank below %s", order[i-1], order[i])
		}
	}
}

// A body drawn by its shape passes, and the same with one member more or one
// required member less does not.
func TestCheckAcceptsItsOwn(t *testing.T) {
	for _, s := range shapesUnderTest() {
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				body := drawBody(t, s.shape)
				if err := s.shape.Check("", body); err != nil {
					t.Fatalf("%s: %v", body.Canonical(), err)
				}
				i := rapid.IntRange(0, len(body.Fields())-1).Draw(t, "member")
				f := body.Fields()[i]
				less := append(append([]Field{}, body.Fields()[:i]...), body.Fields()[i+1:]...)
				err := s.shape.Check("", must(ObjectValue(less...)))
				if (err == nil) != s.shape.Field(f.Name).Optional {
					t.Fatalf("without %s: %v", f.Name, err)
				}
				more := append(append([]Field{}, body.Fields()...), Field{sdName, ArrayValue()})
				if err := s.shape.Check("", must(ObjectValue(more...))); err == nil {
					t.Fatal("a submitted _sd passes")
				}
			})
		})
	}
}
