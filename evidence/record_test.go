package evidence

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const testID = "01890a5d-ac96-774b-bcce-b302099a8057"

// testRecord has every part of an envelope.
func testRecord(t testing.TB) *Record {
	t.Helper()
	shape := TypeRunEnded.Shape()
	body := mustParse(t, `{"outcome":"completed","summary":"Posted <1> invoice & 2 notes","assurance":"declared"}`)
	w := Withholder{Salt: countingSalts(7)}
	sealed, _, withheld, err := w.Withhold(shape, body)
	if err != nil {
		t.Fatal(err)
	}
	return &Record{
		Salt: saltText(1), ID: testID, Type: TypeRunEnded,
		Occurred: "2026-03-01T09:00:00.000000000Z", Received: "2026-03-01T09:00:00.123456789Z",
		Run:      "01890a5d-ac96-774b-bcce-b302099a8058",
		Links:    []Link{{"document", string(DigestOf(nil))}, {"erp.entry", "4711"}},
		Workflow: &WorkflowRef{"invoices", DigestOf([]byte("manifest")), "high", "enforce"},
		Actor:    Actor{"agent", "poster"}, Source: Source{"sdk", "api", "1.0"},
		Body: sealed, Withheld: withheld,
		Removed: []Removed{{"/summary", "e-mail", 2}, {"/summary", "iban", 1}},
	}
}

func testLeaf() *Leaf {
	return &Leaf{
		Tenant: "acme", Seq: 41, Prev: DigestOf([]byte("before")), ID: testID, Type: TypeRunEnded,
		Received: "2026-03-01T09:00:00.123456789Z", Digest: DigestOf([]byte("record")),
	}
}

// compareValues lets go-cmp look at Values by what they mean.
var compareValues = cmp.Comparer(func(a, b Value) bool { return string(a.Canonical()) == string(b.Canonical()) })

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		data, at := r.Canonical()
		if string(data[at:at+len(r.Received)]) != string(r.Received) {
			t.Fatalf("received does not stand at byte %d of %s", at, data)
		}
		again, err := ParseRecord(data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if diff := cmp.Diff(r, again, compareValues); diff != "" {
			t.Fatalf("record differs (-want +got):\n%s", diff)
		}
		if v, err := ParseValue(data); err != nil || string(v.Canonical()) != string(data) {
			t.Fatalf("bytes are not canonical JSON: %s, %v", data, err)
		}
	})
}

func TestLeafRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &Leaf{
			Tenant: TenantID(rapid.StringMatching(`[a-z0-9-]{1,63}`).Draw(t, "tenant")),
			Seq:    rapid.Uint64Range(0, maxInt).Draw(t, "seq"),
			Prev:   DigestOf(rapid.SliceOf(rapid.Byte()).Draw(t, "prev")), Digest: ZeroDigest,
			ID: RecordID(drawUUID(t)), Type: rapid.SampledFrom(Types()).Draw(t, "type"),
			Received: Time(drawString(t, &Shape{Format: "time"})),
		}
		data := l.Canonical()
		again, err := ParseLeaf(data)
		if err != nil || *again != *l {
			t.Fatalf("%s reads back as %+v, %v", data, again, err)
		}
		if v, err := ParseValue(data); err != nil || string(v.Canonical()) != string(data) {
			t.Fatalf("bytes are not canonical JSON: %s, %v", data, err)
		}
	})
}

// eachChange calls f with data after every small change: each bit of each byte
// flipped, each byte set to one that JSON knows, dropped, or one put before.
func eachChange(data []byte, f func(changed []byte)) {
	const notable = "\x00 \n\"\\{}[],:09ae.-"
	for i := range data {
		changed := []byte(string(data))
		for bit := range 8 {
			changed[i] = data[i] ^ 1<<bit
			f(changed)
		}
		for _, c := range []byte(notable) {
			if c != data[i] {
				changed[i] = c
				f(changed)
			}
			f([]byte(string(data[:i]) + string(c) + string(data[i:])))
		}
		f([]byte(string(data[:i]) + string(data[i+1:])))
	}
}

// No two byte strings mean the same record: a changed byte is refused, or
// makes another record whose bytes are the changed ones.
func TestEveryChangeOfARecordShows(t *testing.T) {
	data, _ := testRecord(t).Canonical()
	if _, err := ParseRecord(data); err != nil {
		t.Fatal(err)
	}
	eachChange(data, func(changed []byte) {
		if r, err := ParseRecord(changed); err == nil {
			if again, _ := r.Canonical(); string(again) != string(changed) {
				t.Errorf("%s\npasses as\n%s", changed, again)
			}
		}
	})
}

func TestEveryChangeOfALeafShows(t *testing.T) {
	data := testLeaf().Canonical()
	if _, err := ParseLeaf(data); err != nil {
		t.Fatal(err)
	}
	eachChange(data, func(changed []byte) {
		if l, err := ParseLeaf(changed); err == nil && string(l.Canonical()) != string(changed) {
			t.Errorf("%s\npasses as\n%s", changed, l.Canonical())
		}
	})
}

// edit is one replacement in the bytes of testRecord or testLeaf.
type edit struct{ name, old, new, problem string }

func (e edit) apply(t *testing.T, data []byte) []byte {
	t.Helper()
	if strings.Count(string(data), e.old) < 1 {
		t.Fatalf("%q does not occur in %s", e.old, data)
	}
	return []byte(strings.Replace(string(data), e.old, e.new, 1))
}

func TestParseRecordRefuses(t *testing.T) {
	data, _ := testRecord(t).Canonical()
	swap := `"run":"01890a5d-ac96-774b-bcce-b302099a8058","salt":"` + saltText(1) + `"`
	swapped := `"salt":"` + saltText(1) + `","run":"01890a5d-ac96-774b-bcce-b302099a8058"`
	edits := []edit{
		{"an unknown field", `,"v":1`, `,"unknown":1,"v":1`, "fields that version 1 does not know"},
		{"an unknown field in the actor", `"ref":"poster"`, `"ref":"poster","x":""`, "fields that version 1 does not know"},
		{"an unknown field in a link", `"kind":"erp.entry"`, `"kind":"erp.entry","x":""`, "fields that version 1 does not know"},
		{"an unknown field in the workflow", `"tier":"high"`, `"tier":"high","x":""`, "fields that version 1 does not know"},
		{"other order", swap, swapped, "not in canonical form"},
		{"space", `,"v":1`, `, "v":1`, "not in canonical form"},
		{"a needless escape", "poster", `p\u006fster`, "not in canonical form"},
		{"another number for the version", `"v":1`, `"v":1.0`, "not in canonical form"},
		{"no actor", `"actor":{"kind":"agent","ref":"poster"},`, ``, "actor is missing"},
		{"an actor's kind of another word", `"kind":"agent"`, `"kind":"bot"`, "actor's kind"},
		{"no body", `"body":`, `"cody":`, "body is missing"},
		{"no withheld", `"withheld"`, `"withhelp"`, "withheld is missing"},
		{"no workflow", `"workflow"`, `"workflop"`, "workflow is missing"},
		{"a workflow that is no object", `"workflow":{`, `"workflow":"","x":{`, "workflow is missing or not a object"},
		{"a workflow of another tier", `"tier":"high"`, `"tier":"huge"`, "tier"},
		{"a workflow of another mode", `"mode":"enforce"`, `"mode":"off"`, "mode"},
		{"an id in capitals", testID, strings.ToUpper(testID), "UUIDv7"},
		{"an id of version 4", testID, strings.Replace(testID, "-774b", "-474b", 1), "UUIDv7"},
		{"a run that is no id", `"run":"0`, `"run":"z`, "UUIDv7"},
		{"a type in capitals", "run.ended", "run.Ended", "type"},
		{"no type", `"run.ended"`, `""`, "type"},
		{"a short salt", saltText(1), saltText(1)[1:], "salt"},
		{"a salt with spare bits", saltText(1), saltText(1)[:21] + "B", "salt"},
		{"a salt with a line break", saltText(1), saltText(1) + `\n`, "salt"},
		{"a padded salt", saltText(1), saltText(1) + "==", "salt"},
		{"occurred in another zone", "T09:00:00.000000000Z", "T09:00:00.000000000+00:00", "occurred"},
		{"received with six digits", ".123456789Z", ".123456Z", "received"},
		{"links in another order", `"kind":"document"`, `"kind":"zocument"`, "sorted"},
		{"a link of a bad kind", `"kind":"document"`, `"kind":"Document"`, "/links/0/kind"},
		{"a link without id", `"id":"4711"`, `"id":""`, "/links/1/id"},
		{"withheld as public", `"class":"internal"`, `"class":"public"`, "class"},
		{"withheld as another word", `"class":"internal"`, `"class":"hidden"`, "class"},
		{"withheld at no pointer", `"pointer":"/summary"`, `"pointer":"summary"`, "slash"},
		{"removed without a kind", `"kind":"iban"`, `"kind":""`, "removed/1: kind"},
		{"removed of a kind in capitals", `"kind":"iban"`, `"kind":"IBAN"`, "removed/1: kind"},
		{"removed at no pointer", `"kind":"iban","pointer":"/summary"`, `"kind":"iban","pointer":"summary"`, "slash"},
		{"removed not once", `"count":1`, `"count":0`, "count"},
		{"removed by halves", `"count":1`, `"count":1.5`, "count"},
		{"removed with a field more", `"count":1`, `"count":1,"from":""`, "fields that version 1 does not know"},
		{"removed twice", `"kind":"iban"`, `"kind":"e-mail"`, "sorted"},
		{"removed in another order", `"kind":"e-mail"`, `"kind":"jwt"`, "sorted"},
		{"removed that is no list", `"removed":[{"count":2,"kind":"e-mail","pointer":"/summary"},{"count":1,"kind":"iban","pointer":"/summary"}]`, `"removed":{}`, "removed is missing or not a array"},
		{"nothing removed, said with a list", `"removed":[{"count":2,"kind":"e-mail","pointer":"/summary"},{"count":1,"kind":"iban","pointer":"/summary"}]`, `"removed":[]`, "has fields that version 1 does not know"},
		{"withheld twice", `"withheld":[`, `"withheld":[{"class":"internal","pointer":"/summary"},`, "sorted"},
	}
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			_, err := ParseRecord(e.apply(t, data))
			if err == nil || !strings.Contains(err.Error(), e.problem) {
				t.Errorf("error %v, want one about %q", err, e.problem)
			}
		})
	}
}

// Entries are in the order of their pointers first.
func TestRemovedIsSorted(t *testing.T) {
	for _, c := range []struct {
		list []Removed
		ok   bool
	}{
		{[]Removed{{"/a", "jwt", 1}, {"/b", "e-mail", 1}}, true},
		{[]Removed{{"/b", "e-mail", 1}, {"/a", "jwt", 1}}, false},
		{[]Removed{{"/a", "jwt", 1}, {"/a", "e-mail", 1}}, false},
	} {
		r := testRecord(t)
		r.Removed = c.list
		data, _ := r.Canonical()
		if _, err := ParseRecord(data); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.list, err)
		}
	}
}

func TestParseRecordBounds(t *testing.T) {
	r := testRecord(t)
	r.Actor.Ref = strings.Repeat("x", MaxRecord)
	data, _ := r.Canonical()
	if _, err := ParseRecord(data); err == nil || !strings.Contains(err.Error(), "above the bound") {
		t.Errorf("a record of %d bytes: %v", len(data), err)
	}
	r.Actor.Ref = r.Actor.Ref[:MaxRecord-(len(data)-MaxRecord)]
	data, _ = r.Canonical()
	if _, err := ParseRecord(data); err != nil || len(data) != MaxRecord {
		t.Errorf("a record of exactly %d bytes: %v", len(data), err)
	}
	r = testRecord(t)
	r.Links = nil
	for i := range MaxLinks + 1 {
		r.Links = append(r.Links, Link{"document", strings.Repeat("x", i+1)})
	}
	data, _ = r.Canonical()
	if _, err := ParseRecord(data); err == nil || !strings.Contains(err.Error(), "has 65 elements") {
		t.Errorf("65 links: %v", err)
	}
}

func TestVersions(t *testing.T) {
	record, _ := testRecord(t).Canonical()
	for _, v := range []string{"0", "2", "1.5", "-1"} {
		e := edit{old: `"v":1`, new: `"v":` + v}
		if _, err := ParseRecord(e.apply(t, record)); !errors.Is(err, ErrVersion) {
			t.Errorf("record of version %s: %v", v, err)
		}
		if _, err := ParseLeaf(e.apply(t, testLeaf().Canonical())); !errors.Is(err, ErrVersion) {
			t.Errorf("leaf of version %s: %v", v, err)
		}
	}
	for _, text := range []string{`{}`, `[]`, `null`, `{"v":"1"}`} {
		if _, err := ParseRecord([]byte(text)); err == nil || errors.Is(err, ErrVersion) {
			t.Errorf("record %s: %v; that is no version", text, err)
		}
	}
}

func TestParseLeafRefuses(t *testing.T) {
	data := testLeaf().Canonical()
	edits := []edit{
		{"an unknown field", `,"v":1`, `,"unknown":1,"v":1`, "does not know"},
		{"other order", `"seq":41,"tenant":"acme"`, `"tenant":"acme","seq":41`, "canonical form"},
		{"space", `{"digest"`, `{ "digest"`, "canonical form"},
		{"a missing field", `"tenant":"acme",`, ``, "tenant is missing"},
		{"a negative seq", `"seq":41`, `"seq":-1`, "seq"},
		{"a seq with a fraction", `"seq":41`, `"seq":4.1`, "seq"},
		{"a seq in another spelling", `"seq":41`, `"seq":4.1e1`, "canonical form"},
		{"a seq as text", `"seq":41`, `"seq":"41"`, "seq"},
		{"a tenant in capitals", `"acme"`, `"Acme"`, "tenant"},
		{"a digest in capitals", `"sha256:`, `"SHA256:`, "digest"},
		{"an id that is none", `"id":"0`, `"id":"z`, "UUIDv7"},
		{"a time that is none", "2026-03-01", "2026-02-30", "received"},
		{"a type that is none", "run.ended", "run ended", "type"},
	}
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			_, err := ParseLeaf(e.apply(t, data))
			if err == nil || !strings.Contains(err.Error(), e.problem) {
				t.Errorf("error %v, want one about %q", err, e.problem)
			}
		})
	}
}

func TestSortLinks(t *testing.T) {
	got := SortLinks([]Link{{"b", "1"}, {"a", "2"}, {"b", "1"}, {"a", "1"}})
	if diff := cmp.Diff([]Link{{"a", "1"}, {"a", "2"}, {"b", "1"}}, got); diff != "" {
		t.Errorf("links differ (-want +got):\n%s", diff)
	}
	if err := checkLinks(got); err != nil {
		t.Errorf("sorted links are refused: %v", err)
	}
}

func FuzzParseRecord(f *testing.F) {
	data, _ := testRecord(f).Canonical()
	f.Add(data)
	f.Add([]byte(strings.Replace(string(data), `"v":1`, `"v":2`, 1)))
	f.Add([]byte(`{"actor":{},"body":{},"links":[{}],"v":1,"withheld":[{}],"workflow":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRecord(data)
		if err != nil {
			return
		}
		if again, _ := r.Canonical(); string(again) != string(data) {
			t.Fatalf("%q passes as %q", data, again)
		}
		if shape := r.Type.Shape(); shape != nil {
			_ = shape.CheckSealed(r.Body, r.Withheld) // must not panic, whatever the body
		}
	})
}
