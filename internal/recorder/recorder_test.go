package recorder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/schematest"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/store/storetest"
	"github.com/evidencefactory/evf/internal/vault"
)

// house is a recorder over a real store and vault, with one tenant.
type house struct {
	testing.TB
	rec    *Recorder
	tenant store.Tenant
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir := t.TempDir()
	v, err := vault.Open(t.Context(), dir, true)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "evf.db"), Clock: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); v.Close() })
	tenant, err := s.ForTenant(t.Context(), "acme", func() string { return "evf-test/acme" })
	if err != nil {
		t.Fatal(err)
	}
	return &house{t, New(v), tenant}
}

// agent is the origin of what a workload submits.
func (h *house) agent() Origin {
	return Origin{Tenant: h.tenant, Submitter: "key-1", Actor: evidence.Actor{Kind: "agent", Ref: "poster"},
		Source: evidence.Source{Name: "sdk", Kind: "api", Version: "1"}, Identity: "poster", Assurance: "declared",
		Workflow: &evidence.WorkflowRef{Name: "pay", Digest: evidence.ZeroDigest, Tier: "high", Mode: "enforce"}}
}

// platform is the origin of what the house itself writes.
func (h *house) platform() Origin {
	return Origin{Tenant: h.tenant, Submitter: "evf", Actor: evidence.Actor{Kind: "platform", Ref: "evf"},
		Source: evidence.Source{Name: "evf", Kind: "gate", Version: "1"}, Identity: "poster", Assurance: "enforced", House: true}
}

// everything is what the tenant holds.
func (h *house) everything() (rows []store.Row, head store.Head) {
	h.Helper()
	err := h.tenant.View(h.Context(), func(tx store.Tx) (err error) {
		if rows, err = tx.Rows(0, 1000); err != nil {
			return err
		}
		head, err = tx.Head()
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return rows, head
}

// refused wants an error of a kind about a field, and nothing to be stored.
func (h *house) refused(err error, kind evidence.ErrorKind, field string) {
	h.Helper()
	var e *evidence.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Field != field {
		h.Errorf("error %v, want one of kind %s about %q", err, kind, field)
	}
	if rows, head := h.everything(); len(rows) > 0 || head.Next > 0 || head.Prev != evidence.ZeroDigest {
		h.Errorf("%d records were stored, the head is %+v", len(rows), head)
	}
}

const (
	draftID = "0198c000-0000-7000-8000-000000000001"
	runID   = "0198c000-0000-7000-8000-000000000002"
)

const goodDraft = `{"id":"` + draftID + `","type":"step.observed","occurred":"2026-03-01T09:00:00.000000000Z","run":"` + runID +
	`","links":[{"kind":"trace","id":"t1"}],"body":{"step":"read","status":"finished","summary":"read the mail"}}`

func (h *house) submit(draft string) ([]store.Placed, error) {
	d, err := ParseDraft([]byte(draft))
	if err != nil {
		return nil, err
	}
	return h.rec.Append(h.Context(), h.agent(), Batch{Drafts: []Draft{d}})
}

// TestRefusals submits drafts with one thing wrong with each.
func TestRefusals(t *testing.T) {
	h := newHouse(t)
	links := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(`{"kind":"trace","id":"t"},`, n), ",")
	}
	for _, c := range []struct {
		name, old, new string // a change to goodDraft
		kind           evidence.ErrorKind
		field          string
		says           string
	}{
		{"not JSON", `{"id"`, `{id`, evidence.Invalid, "", "JSON"},
		{"not an object", goodDraft, `[]`, evidence.Invalid, "", "a draft is an object"},
		{"bytes after it", `}}`, `}} x`, evidence.Invalid, "", "has bytes after the value"},
		{"unknown type", "step.observed", "step.imagined", evidence.Invalid, "/type", "is not a type of record"},
		{"reserved type", "step.observed", "action.started", evidence.Denied, "/type", "is written by the server only"},
		{"reserved run type", "step.observed", "run.ended", evidence.Denied, "/type", "is written by the server only"},
		{"type of the wrong kind", `"step.observed"`, `7`, evidence.Invalid, "/type", "is a number, a string is expected"},

		{"id missing", `"id":"` + draftID + `",`, ``, evidence.Invalid, "/id", "is missing"},
		{"id of another version", "7000-8000-000000000001", "4000-8000-000000000001", evidence.Invalid, "/id", "UUIDv7"},
		{"id in upper case", "0198c000-0000-7000-8000-000000000001", "0198C000-0000-7000-8000-000000000001", evidence.Invalid, "/id", "UUIDv7"},
		{"run that is no id", runID, "my run", evidence.Invalid, "/run", "UUIDv7"},
		{"run null", `"` + runID + `"`, `null`, evidence.Invalid, "/run", "is a null, a string is expected"},

		{"time without nine digits", "09:00:00.000000000Z", "09:00:00Z", evidence.Invalid, "/occurred", "a time is written like"},
		{"time with an offset", "09:00:00.000000000Z", "09:00:00.000000000+00:00", evidence.Invalid, "/occurred", "a time is written like"},
		{"time that is none", "2026-03-01", "2026-02-30", evidence.Invalid, "/occurred", "a time is written like"},
		{"time missing", `"occurred":"2026-03-01T09:00:00.000000000Z",`, ``, evidence.Invalid, "/occurred", "is missing"},

		{"link of no kind", `"kind":"trace"`, `"kind":"Trace ID"`, evidence.Invalid, "/links/0/kind", "is not 1 to 40"},
		{"link without an id", `"id":"t1"}`, `"id":""}`, evidence.Invalid, "/links/0/id", "is not 1 to 512 bytes"},
		{"link with another field", `"id":"t1"}`, `"id":"t1","x":1}`, evidence.Invalid, "/links/0", "is not an object of kind and id"},
		{"link that is a number", `{"kind":"trace","id":"t1"}`, `7`, evidence.Invalid, "/links/0", "is not an object of kind and id"},
		{"link with a number for its id", `{"kind":"trace","id":"t1"}`, `{"kind":"trace","id":"t1"},{"kind":"trace","id":1}`, evidence.Invalid, "/links/1/id", "is a number"},
		{"too many links", `{"kind":"trace","id":"t1"}`, links(65), evidence.Invalid, "/links", "has 65 elements, at most 64"},

		{"body missing", `,"body":{"step":"read","status":"finished","summary":"read the mail"}`, ``, evidence.Invalid, "/body", "is missing"},
		{"body of the wrong kind", `{"step":"read","status":"finished","summary":"read the mail"}`, `"x"`, evidence.Invalid, "/body", "is a string"},
		{"field of no such type", `"step":"read"`, `"step":"read","extra":1`, evidence.Invalid, "/body/extra", "is not a field of this type"},
		{"field missing", `"step":"read",`, ``, evidence.Invalid, "/body/step", "is missing"},
		{"field of the wrong kind", `"step":"read"`, `"step":7`, evidence.Invalid, "/body/step", "is a number, a string is expected"},
		{"word that is not allowed", `"finished"`, `"done"`, evidence.Invalid, "/body/status", "is not one of started, finished"},
		{"field too long", `read the mail`, strings.Repeat("x", 1001), evidence.Invalid, "/body/summary", "has 1001 bytes, at most 1000"},
		{"empty field", `"step":"read"`, `"step":""`, evidence.Invalid, "/body/step", "is empty"},
		{"draft too large", `read the mail`, strings.Repeat("x", evidence.MaxRecord), evidence.Invalid, "", "keep larger content as an object"},

		{"number beyond 2^53", `"step":"read"`, `"step":9007199254740993`, evidence.Invalid, "", "/body/step"},
		{"number with lost digits", `"step":"read"`, `"step":0.1000000000000000055`, evidence.Invalid, "", "/body/step"},
		{"duplicate key", `"step":"read"`, `"step":"read","step":"write"`, evidence.Invalid, "", `"step" twice`},
		{"duplicate key at the top", `"run"`, `"type":"step.observed","run"`, evidence.Invalid, "", `"type" twice`},
		{"invalid UTF-8", `read the mail`, "read \xff", evidence.Invalid, "", "is not valid UTF-8"},
		{"lone surrogate", `read the mail`, `read \ud800`, evidence.Invalid, "", "has a lone surrogate"},

		{"commitments sent", `"step":"read"`, `"step":"read","_sd":["x"]`, evidence.Invalid, "/body/_sd", "is not a field of this type"},
		{"assurance sent", `"step":"read"`, `"step":"read","assurance":"enforced"`, evidence.Invalid, "/body/assurance", "is set by the server"},
		{"unknown field of a draft", `"run"`, `"note":"x","run"`, evidence.Invalid, "/note", "is not a field of a draft"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.TB = t
			changed := strings.Replace(goodDraft, c.old, c.new, 1)
			if changed == goodDraft {
				t.Fatalf("%q does not occur in the draft", c.old)
			}
			_, err := h.submit(changed)
			h.refused(err, c.kind, c.field)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestServerFieldsSent(t *testing.T) {
	h := newHouse(t)
	for _, name := range serverFields {
		t.Run(name, func(t *testing.T) {
			h.TB = t
			_, err := h.submit(strings.Replace(goodDraft, `"run"`, `"`+name+`":"x","run"`, 1))
			h.refused(err, evidence.Invalid, "/"+name)
		})
	}
}

// TestBodyRefusals has bodies of types with numbers, open values and fields
// that the server sets.
func TestBodyRefusals(t *testing.T) {
	h := newHouse(t)
	const change = `{"target":"erp","entry":"e1","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"`
	for _, c := range []struct {
		name  string
		typ   evidence.Type
		body  string
		field string
	}{
		{"a fraction where a count belongs", evidence.TypeModelCalled, `{"provider":"p","model":"m","status":"ok","input_tokens":1.5}`, "/body/input_tokens"},
		{"a count beyond 2^53", evidence.TypeModelCalled, `{"provider":"p","model":"m","status":"ok","input_tokens":90071992547409920}`, "/body/input_tokens"},
		{"commitments in an open value", evidence.TypeChangeObserved, change + `,"after":{"deep":[{"_sd":["x"]}]}}`, "/body/after/deep/0/_sd"},
		{"an element's commitment in an open value", evidence.TypeChangeObserved, change + `,"after":[{"...":"x"}]}`, "/body/after/0/..."},
		{"identity sent", evidence.TypeChangeObserved, change + `,"identity":"someone"}`, "/body/identity"},
		{"digest of no form", evidence.TypeChangeObserved, strings.Replace(change, "sha256:0", "sha256:x", 1) + `}`, "/body/digest"},
		{"name with a space", evidence.TypeChangeObserved, strings.Replace(change, `"erp"`, `"the erp"`, 1) + `}`, "/body/target"},
		{"too many elements", evidence.TypeFieldsExtracted, `{"document":"sha256:0000000000000000000000000000000000000000000000000000000000000000","extractor":"x","version":"1","readable":true,"fields":[` +
			strings.TrimSuffix(strings.Repeat(`{"name":"a","value":"","pointer":"/a","confidence":1},`, 257), ",") + `]}`, "/body/fields"},
		{"a fault deep inside", evidence.TypeFieldsExtracted, `{"document":"sha256:0000000000000000000000000000000000000000000000000000000000000000","extractor":"x","version":"1","readable":true,"fields":[` +
			`{"name":"a","value":"","pointer":"/a","confidence":1},{"name":"a","value":7,"pointer":"/a","confidence":1}]}`, "/body/fields/1/value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.TB = t
			_, err := h.rec.Append(t.Context(), h.agent(), Batch{Drafts: []Draft{draft(c.typ, parse(t, c.body))}})
			h.refused(err, evidence.Invalid, c.field)
			if err != nil && strings.Contains(err.Error(), "someone") {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
}

func parse(t testing.TB, text string) evidence.Value {
	t.Helper()
	v, err := evidence.ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func draft(typ evidence.Type, body evidence.Value) Draft {
	return Draft{ID: evidence.RecordID(storetest.NewID()), Type: typ, Occurred: "2026-03-01T09:00:00.000000000Z", Run: runID, Body: body}
}

func TestBatchRefusals(t *testing.T) {
	h := newHouse(t)
	good := draft(evidence.TypeStepObserved, parse(t, `{"step":"read","status":"finished"}`))
	bad := draft(evidence.TypeStepObserved, parse(t, `{"step":"read","status":"maybe"}`))
	noLeave := evidence.Errorf(evidence.Denied, "", "no leave")
	for _, c := range []struct {
		name  string
		batch Batch
		kind  evidence.ErrorKind
		field string
		index int // of the draft at fault, -1 for none
	}{
		{"no drafts", Batch{}, evidence.Invalid, "", -1},
		{"too many drafts", Batch{Drafts: slices.Repeat([]Draft{good}, MaxBatch+1)}, evidence.Invalid, "", -1},
		{"one bad draft alone", Batch{Drafts: []Draft{bad}}, evidence.Invalid, "/body/status", -1},
		{"the third draft", Batch{Drafts: []Draft{good, good, bad}, Objects: [][]byte{[]byte("x")}}, evidence.Invalid, "/body/status", 2},
		{"the guard", Batch{Drafts: []Draft{good}, Guard: func(store.Tx) error { return noLeave }}, evidence.Denied, "", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.TB = t
			_, err := h.rec.Append(t.Context(), h.agent(), c.batch)
			h.refused(err, c.kind, c.field)
			var at *DraftError
			if errors.As(err, &at) != (c.index >= 0) || at != nil && at.Index != c.index {
				t.Errorf("error %v, want draft %d", err, c.index)
			}
		})
	}
}

// TestLinksImplied counts the links that a body implies with those submitted.
func TestLinksImplied(t *testing.T) {
	h := newHouse(t)
	body := parse(t, `{"document":"sha256:0000000000000000000000000000000000000000000000000000000000000000","media_type":"text/plain","bytes":1}`)
	d := draft(evidence.TypeInputReferenced, body)
	for i := range evidence.MaxLinks {
		d.Links = append(d.Links, evidence.Link{Kind: "trace", ID: fmt.Sprint(evidence.MaxLinks - i)})
	}
	_, err := h.rec.Append(t.Context(), h.agent(), Batch{Drafts: []Draft{d}})
	h.refused(err, evidence.Invalid, "/links")

	d.Links = append(d.Links[2:], evidence.Link{Kind: "document", ID: string(evidence.ZeroDigest)}) // said twice
	if _, err := h.rec.Append(t.Context(), h.agent(), Batch{Drafts: []Draft{d}}); err != nil {
		t.Fatal(err)
	}
	rows, _ := h.everything()
	rec, err := evidence.ParseRecord(rows[0].Record)
	if err != nil || len(rec.Links) != evidence.MaxLinks-1 || rec.Links[0] != (evidence.Link{Kind: "document", ID: string(evidence.ZeroDigest)}) {
		t.Errorf("links are %+v, %v", rec.Links, err)
	}
}

func TestRetries(t *testing.T) {
	h := newHouse(t)
	first, err := h.submit(goodDraft)
	if err != nil {
		t.Fatal(err)
	}
	rows, head := h.everything()
	want := first[0]
	want.Repeat = true
	spaced := strings.ReplaceAll(goodDraft, `":`, `" : `) // the same draft, written otherwise
	for _, text := range []string{goodDraft, spaced} {
		if again, err := h.submit(text); err != nil || again[0] != want {
			t.Errorf("a retry stands at %+v, %v; want %+v", again, err, want)
		}
	}
	for name, change := range map[string][2]string{
		"another body": {"read the mail", "wrote the mail"}, "a field less": {`,"summary":"read the mail"`, ""}, "another run": {"000000000002", "000000000003"},
		"another time": {"09:00", "09:01"}, "another link": {`"t1"`, `"t2"`}, "another type": {`step.observed`, `model.called`},
	} {
		_, err := h.submit(strings.Replace(goodDraft, change[0], change[1], 1))
		if kind := evidence.KindOf(err); err == nil || kind != evidence.Conflict && name != "another type" {
			t.Errorf("%s under the same id: %v", name, err)
		}
	}
	other := h.agent()
	other.Submitter = "key-2"
	d, _ := ParseDraft([]byte(goodDraft))
	if placed, err := h.rec.Append(t.Context(), other, Batch{Drafts: []Draft{d}}); evidence.KindOf(err) != evidence.Conflict || placed != nil {
		t.Errorf("the same draft from another submitter stands at %+v, %v; want a conflict", placed, err)
	}
	after, headAfter := h.everything()
	if diff := cmp.Diff(rows, after) + cmp.Diff(head, headAfter); diff != "" {
		t.Errorf("retries and conflicts left a trace (-before +after):\n%s", diff)
	}
}

// TestRecord wants the envelope to be what the origin says, and Open to give
// back what was withheld.
func TestRecord(t *testing.T) {
	h := newHouse(t)
	if _, err := h.submit(goodDraft); err != nil {
		t.Fatal(err)
	}
	rows, _ := h.everything()
	schematest.Check(t, rows[0].Record)
	o, err := h.rec.Open(t.Context(), "acme", rows[0])
	if err != nil {
		t.Fatal(err)
	}
	origin := h.agent()
	if diff := cmp.Diff(&evidence.Record{
		ID: draftID, Type: evidence.TypeStepObserved, Occurred: "2026-03-01T09:00:00.000000000Z", Run: runID, Links: []evidence.Link{{Kind: "trace", ID: "t1"}},
		Workflow: origin.Workflow, Actor: origin.Actor, Source: origin.Source, Withheld: []evidence.Withheld{{Pointer: "/summary", Class: evidence.Internal}},
		Salt: o.Salt, Received: o.Received, Body: o.Body,
	}, o.Record, cmp.Comparer(func(a, b evidence.Value) bool { return bytes.Equal(a.Canonical(), b.Canonical()) })); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	if got := string(o.Full.Canonical()); got != `{"assurance":"declared","status":"finished","step":"read","summary":"read the mail"}` {
		t.Errorf("opened: %s", got)
	}
	if bytes.Contains(rows[0].Record, []byte("mail")) {
		t.Errorf("a withheld value stands in clear: %s", rows[0].Record)
	}
}

// TestOpenRefusals gives a record the block of another, or none.
func TestOpenRefusals(t *testing.T) {
	h := newHouse(t)
	for _, id := range []string{draftID, "0198c000-0000-7000-8000-000000000009"} {
		if _, err := h.submit(strings.Replace(goodDraft, draftID, id, 1)); err != nil {
			t.Fatal(err)
		}
	}
	rows, _ := h.everything()
	moved, lost, none := rows[0], rows[0], rows[0]
	moved.Vault, lost.Vault, none.Record = rows[1].Vault, nil, []byte("{}")
	if o, err := h.rec.Open(t.Context(), "acme", moved); !errors.Is(err, vault.ErrAltered) || o != nil {
		t.Errorf("with another record's block: %v", err)
	}
	if o, err := h.rec.Open(t.Context(), "acme", lost); err == nil || !strings.Contains(err.Error(), "the value withheld at /summary is gone") || o != nil {
		t.Errorf("without its block: %v", err)
	}
	if o, err := h.rec.Open(t.Context(), "acme", none); err == nil || o != nil {
		t.Errorf("without its record: %v", err)
	}
}

// TestOpenBesideErased takes another value of a record away than the one whose
// key was destroyed: an erasure excuses nothing but itself.
func TestOpenBesideErased(t *testing.T) {
	h := newHouse(t)
	ada := evidence.Person{Kind: "human", Ref: "person-1", Name: "Ada"}
	h.mustAppend(h.platform(), draft(evidence.TypeRunStarted, evidence.Body(evidence.RunStarted{Initiator: ada, Dispatcher: ada, Trigger: "a mail"})))
	gone := evidence.KeyName(runID, evidence.Personal, "person-1") + "/1"
	h.mustAppend(h.platform(), Draft{ID: evidence.RecordID(storetest.NewID()), Type: evidence.TypeErasurePerformed, Occurred: "2026-03-01T09:00:00.000000000Z",
		Body: evidence.Body(evidence.ErasurePerformed{Kind: "subject", Subject: "person-1", Keys: []string{gone}, Authority: "a court", By: "person-2"})})
	rows, _ := h.everything()
	if err := h.rec.vault.Destroy(t.Context(), "acme", vault.Erasure{Leaf: rows[1].Leaf, Record: rows[1].Record}); err != nil {
		t.Fatal(err)
	}
	o, err := h.rec.Open(t.Context(), "acme", rows[0])
	if err != nil || len(o.Disclosures) != 1 || len(o.Erased) != 1 || o.Erased[0].Key != gone {
		t.Fatalf("opened %+v, %v", o, err)
	}
	cut := rows[0]
	cut.Vault = cut.Vault[bytes.Index(cut.Vault, []byte(gone))-1:] // the subject's part comes last
	if o, err := h.rec.Open(t.Context(), "acme", cut); err == nil || !strings.Contains(err.Error(), "the value withheld at /trigger is gone") {
		t.Errorf("with the run's part cut away: %+v, %v", o, err)
	}
}

// TestEveryType records a body of each type of the catalogue with every field
// filled, and wants the record to match its schema, no guarded value to stand
// in clear anywhere in the row, and all of them to come back.
func TestEveryType(t *testing.T) {
	h := newHouse(t)
	for _, typ := range evidence.Types() {
		t.Run(string(typ), func(t *testing.T) {
			h.TB = t
			f := filler{run: runID}
			body := f.object(typ.Shape())
			o := h.platform()
			for _, name := range f.prepare(typ) {
				h.mustAppend(o, name)
			}
			d := draft(typ, body)
			d.ID = evidence.RecordID(storetest.NewID())
			h.mustAppend(o, d)
			rows, _ := h.everything()
			row := rows[len(rows)-1]
			schematest.Check(t, row.Record)
			for _, secret := range f.guarded {
				for what, data := range map[string][]byte{"record": row.Record, "leaf": row.Leaf, "vault block": row.Vault} {
					if bytes.Contains(data, []byte(secret)) {
						t.Errorf("guarded value %s stands in clear in the %s", secret, what)
					}
				}
			}
			opened, err := h.rec.Open(t.Context(), "acme", row)
			if err != nil {
				t.Fatal(err)
			}
			for i := range opened.Disclosures {
				// What a reader derives from the record is the key it was sealed under.
				d := &opened.Disclosures[i]
				if got, want := opened.KeyName(evidence.Withheld{Pointer: d.Pointer, Class: d.Class}), evidence.KeyName(opened.Record.Run, d.Class, d.Subject); got != want {
					t.Errorf("the key of %s is derived as %s, it was sealed under %s", d.Pointer, got, want)
				}
			}
			for _, secret := range f.guarded {
				if !bytes.Contains(opened.Full.Canonical(), []byte(secret)) {
					t.Errorf("guarded value %s does not come back", secret)
				}
			}
			want := body
			for _, name := range []string{"assurance", "identity"} {
				if f := typ.Shape().Field(name); f != nil && f.Server {
					v, _ := opened.Full.Get(name)
					want = with(t, want, name, v)
				}
			}
			if got := opened.Full.Canonical(); !bytes.Equal(got, want.Canonical()) {
				t.Errorf("it comes back as %s, was %s", got, want.Canonical())
			}
		})
	}
}

func (h *house) mustAppend(o Origin, d Draft) {
	h.Helper()
	if _, err := h.rec.Append(h.Context(), o, Batch{Drafts: []Draft{d}}); err != nil {
		h.Fatalf("%s: %v", d.Type, err)
	}
}

func with(t testing.TB, v evidence.Value, name string, member evidence.Value) evidence.Value {
	t.Helper()
	out, err := evidence.ObjectValue(append(slices.Clone(v.Fields()), evidence.Field{Name: name, Value: member})...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRaised wants a manifest's higher class to be kept to, for a field that
// stands in clear otherwise, and keys to stay in clear whatever it says.
func TestRaised(t *testing.T) {
	h := newHouse(t)
	o := h.agent()
	o.Raise = func(_ evidence.Type, pattern string) evidence.Class { return evidence.Confidential }
	body := evidence.Body(evidence.FieldsExtracted{Document: evidence.ZeroDigest, Extractor: "x", Version: "1", Readable: true,
		Fields: []evidence.ExtractedField{{Name: "total", Value: "12.00", Pointer: "/Invoice/Total", Confidence: 1000}}})
	h.mustAppend(o, draft(evidence.TypeFieldsExtracted, body))
	rows, _ := h.everything()
	schematest.Check(t, rows[0].Record)
	for text, clear := range map[string]bool{"/Invoice/Total": false, "12.00": false, `"total"`: true, `"x"`: true} {
		if bytes.Contains(rows[0].Record, []byte(text)) != clear {
			t.Errorf("%s in clear: %t, want %t", text, !clear, clear)
		}
	}
	opened, err := h.rec.Open(t.Context(), "acme", rows[0])
	if err != nil || !json.Valid(opened.Full.Canonical()) || !bytes.Contains(opened.Full.Canonical(), []byte("/Invoice/Total")) {
		t.Errorf("opened: %v", err)
	}
}
