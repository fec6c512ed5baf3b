package evidence

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"reflect"
	"time"

	"pgregory.net/rapid"
)

// sampleBody has a field for every option that a tag may hold, some of which
// no type of the catalogue uses.
type sampleBody struct {
	Name   string       `json:"name" evf:"key,format=ident"`
	Note   string       `json:"note" evf:"internal,opt,text,max=40"`
	Who    string       `json:"who" evf:"key,format=ident"`
	Full   string       `json:"full" evf:"personal,subject=who,max=60"`
	Tags   []string     `json:"tags" evf:"confidential,each,max=4"`
	People []string     `json:"people" evf:"personal,each,opt,max=4,subject=who"`
	Labels []string     `json:"labels" evf:"public,each,opt"`
	Lines  []sampleLine `json:"lines" evf:"max=5"`
	Frame  sampleFrame  `json:"frame"`
	Blob   Value        `json:"blob" evf:"confidential,opt"`
	Amount int64        `json:"amount" evf:"public"`
	Set    string       `json:"set" evf:"key,server,enum=one|two"`
}

type sampleLine struct {
	ID    Digest `json:"id" evf:"key,format=digest"`
	Price string `json:"price" evf:"internal,empty"`
	Text  string `json:"a/b~c" evf:"public,opt,empty"`
}

type sampleFrame struct {
	At   Time     `json:"at" evf:"key,format=time"`
	Case string   `json:"case" evf:"confidential,format=uuid"`
	Deep []sample `json:"deep" evf:"opt"`
}

type sample struct {
	On bool `json:"on" evf:"public"`
}

// shapeUnderTest is a type of the catalogue, or the sample above.
type shapeUnderTest struct {
	name  string
	shape *Shape
}

func sampleShape() *Shape { return shapeOf(reflect.TypeFor[sampleBody]()) }

func shapesUnderTest() []shapeUnderTest {
	list := []shapeUnderTest{{"sample", sampleShape()}}
	for _, t := range Types() {
		list = append(list, shapeUnderTest{string(t), t.Shape()})
	}
	return list
}

// drawBody draws a value that the shape's Check accepts.
func drawBody(t *rapid.T, s *Shape) Value {
	switch {
	case s.Open:
		return drawJSON(t, 3)
	case s.Kind == Object:
		return drawObject(t, s)
	case s.Kind == Array:
		list := make([]Value, rapid.IntRange(0, min(3, s.Max)).Draw(t, "len"))
		for i := range list {
			list[i] = drawBody(t, s.Elem)
		}
		return ArrayValue(list...)
	case s.Kind == Number:
		return must(IntValue(rapid.Int64Range(-maxInt, maxInt).Draw(t, "int")))
	case s.Kind == Bool:
		return BoolValue(rapid.Bool().Draw(t, "bool"))
	}
	return StringValue(drawString(t, s))
}

func drawObject(t *rapid.T, s *Shape) Value {
	var fields []Field
	for _, f := range s.Fields {
		if !f.Optional || rapid.Bool().Draw(t, "present") {
			fields = append(fields, Field{f.Name, drawBody(t, f.Shape)})
		}
	}
	return must(ObjectValue(fields...))
}

func drawString(t *rapid.T, s *Shape) string {
	if s.Empty && rapid.Bool().Draw(t, "empty") {
		return ""
	}
	if len(s.Enum) > 0 {
		return rapid.SampledFrom(s.Enum).Draw(t, "enum")
	}
	switch s.Format {
	case "time":
		return string(TimeOf(time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns"))))
	case "digest":
		return string(DigestOf(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "data")))
	case "uuid":
		return drawUUID(t)
	case "ident":
		return rapid.StringMatching(`[A-Za-z0-9._/@*:+-]{1,20}`).Draw(t, "ident")
	}
	return rapid.StringN(1, 30, s.Max).Draw(t, "text")
}

func drawUUID(t *rapid.T) string {
	return rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`).Draw(t, "uuid")
}

// drawJSON draws any JSON value without the reserved names.
func drawJSON(t *rapid.T, depth int) Value {
	most := 5
	if depth == 0 {
		most = 3
	}
	switch Kind(rapid.IntRange(0, most).Draw(t, "kind")) {
	case Bool:
		return BoolValue(rapid.Bool().Draw(t, "bool"))
	case Number:
		f := rapid.Float64().Draw(t, "float")
		return Value{kind: Number, text: formatES6(f)}
	case String:
		return StringValue(rapid.String().Draw(t, "string"))
	case Array:
		list := make([]Value, rapid.IntRange(0, 3).Draw(t, "len"))
		for i := range list {
			list[i] = drawJSON(t, depth-1)
		}
		return ArrayValue(list...)
	case Object:
		names := rapid.SliceOfNDistinct(rapid.String().Filter(notReserved), 0, 3, rapid.ID[string]).Draw(t, "names")
		fields := make([]Field, len(names))
		for i, name := range names {
			fields[i] = Field{name, drawJSON(t, depth-1)}
		}
		return must(ObjectValue(fields...))
	}
	return Value{}
}

func notReserved(name string) bool { return name != sdName && name != sdElement }

func drawRecord(t *rapid.T) *Record {
	r := &Record{
		Salt:     saltText(rapid.Uint64().Draw(t, "salt")),
		ID:       RecordID(drawUUID(t)),
		Type:     rapid.SampledFrom(Types()).Draw(t, "type"),
		Occurred: Time(drawString(t, &Shape{Format: "time"})),
		Received: Time(drawString(t, &Shape{Format: "time"})),
		Actor:    Actor{rapid.SampledFrom(actorKinds).Draw(t, "actor"), rapid.String().Draw(t, "ref")},
		Source:   Source{rapid.String().Draw(t, "source"), "sdk", "1"},
	}
	if rapid.Bool().Draw(t, "in run") {
		r.Run = RunID(drawUUID(t))
	}
	for range rapid.IntRange(0, 3).Draw(t, "links") {
		kind := rapid.StringMatching(`[a-z0-9._]{1,40}`).Draw(t, "kind")
		r.Links = append(r.Links, Link{kind, rapid.StringN(1, 20, 512).Draw(t, "id")})
	}
	r.Links = SortLinks(r.Links)
	if rapid.Bool().Draw(t, "in workflow") {
		r.Workflow = &WorkflowRef{"invoices", DigestOf(nil), rapid.SampledFrom(workflowTiers).Draw(t, "tier"), rapid.SampledFrom(workflowModes).Draw(t, "mode")}
	}
	shape := r.Type.Shape()
	var err error
	w := drawWithholder(t)
	r.Body, _, r.Withheld, err = w.Withhold(shape, drawBody(t, shape))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drawWithholder raises fields at random, the same one always alike.
func drawWithholder(t *rapid.T) *Withholder {
	raised := map[string]Class{}
	return &Withholder{Salt: countingSalts(rapid.Uint64().Draw(t, "salts")), Raise: func(pattern string) Class {
		class, ok := raised[pattern]
		if !ok {
			class = rapid.SampledFrom([]Class{"", "", Public, Internal, Personal, Confidential, Secret}).Draw(t, "raise")
			raised[pattern] = class
		}
		return class
	}}
}

// countingSalts yields different salts at every call, the same ones for the
// same seed.
func countingSalts(seed uint64) func() []byte {
	n := uint64(0)
	return func() []byte {
		n++
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seed), n)
	}
}

func saltText(seed uint64) string {
	return base64.RawURLEncoding.EncodeToString(countingSalts(seed)())
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("test data: %v", err))
	}
	return v
}
