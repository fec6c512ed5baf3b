package recorder

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// hubToken has the form of a token of GitHub's, and opens nothing.
const hubToken = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"

// kept appends one draft and opens what was kept of it.
func (h *house) kept(o Origin, d Draft) *Opened {
	h.Helper()
	placed, err := h.rec.Append(h.Context(), o, Batch{Drafts: []Draft{d}})
	if err != nil {
		h.Fatal(err)
	}
	var rows []store.Row
	err = h.tenant.View(h.Context(), func(tx store.Tx) error {
		rows, err = tx.Rows(placed[0].Seq, 1)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	opened, err := h.rec.Open(h.Context(), h.tenant.ID(), rows[0])
	if err != nil {
		h.Fatal(err)
	}
	return opened
}

func TestFreeTextIsMasked(t *testing.T) {
	h := newHouse(t)
	body := parse(t, `{"operation":"pull","attempt":1,"code":"denied","message":"`+hubToken+` of ana@example.org and bo@example.org is not good"}`)
	o := h.kept(h.agent(), draft(evidence.TypeOperationFailed, body))
	message, _ := o.Full.Get("message")
	if want := "[removed: github-token] of [removed: e-mail] and [removed: e-mail] is not good"; message.Text() != want {
		t.Errorf("kept %q, want %q", message.Text(), want)
	}
	want := []evidence.Removed{{Pointer: "/message", Kind: "e-mail", Count: 2}, {Pointer: "/message", Kind: "github-token", Count: 1}}
	if diff := cmp.Diff(want, o.Removed); diff != "" {
		t.Errorf("the note differs (-want +got):\n%s", diff)
	}
}

func TestTextWithoutFindingsIsKept(t *testing.T) {
	h := newHouse(t)
	body := parse(t, `{"operation":"pull","attempt":1,"code":"denied","message":"The token expired; order 4500012345."}`)
	o := h.kept(h.agent(), draft(evidence.TypeOperationFailed, body))
	if message, _ := o.Full.Get("message"); message.Text() != "The token expired; order 4500012345." || o.Removed != nil {
		t.Errorf("kept %q, noted %v", message.Text(), o.Removed)
	}
}

// A masked text is longer, and still within its field's bound.
func TestMaskedTextKeepsItsBound(t *testing.T) {
	h := newHouse(t)
	body := parse(t, `{"operation":"pull","attempt":1,"code":"denied","message":"`+strings.Repeat("a@b.co ", 70)+`"}`)
	o := h.kept(h.agent(), draft(evidence.TypeOperationFailed, body))
	message, _ := o.Full.Get("message")
	if n := len(message.Text()); n > 500 || !strings.HasSuffix(message.Text(), "[removed: text]") {
		t.Errorf("kept %d bytes, ending in %q", n, message.Text()[max(0, n-40):])
	}
}

// A retry is known by what was sent, not by what was kept of it.
func TestRetryOfMaskedDraft(t *testing.T) {
	h := newHouse(t)
	d := draft(evidence.TypeOperationFailed, parse(t, `{"operation":"pull","attempt":1,"code":"denied","message":"`+hubToken+`"}`))
	other := d
	other.Body = parse(t, `{"operation":"pull","attempt":1,"code":"denied","message":"[removed: github-token]"}`)
	for i, c := range []struct {
		d    Draft
		want evidence.ErrorKind
	}{{d, ""}, {d, ""}, {other, evidence.Conflict}} {
		placed, err := h.rec.Append(t.Context(), h.agent(), Batch{Drafts: []Draft{c.d}})
		switch {
		case c.want != "" && evidence.KindOf(err) != c.want, c.want == "" && err != nil:
			t.Errorf("time %d: %v", i, err)
		case err == nil && placed[0].Repeat != (i > 0):
			t.Errorf("time %d: repeat is %v", i, placed[0].Repeat)
		}
	}
}

func TestSecretsAreRefused(t *testing.T) {
	h := newHouse(t)
	const doc = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, c := range []struct {
		name  string
		typ   evidence.Type
		body  string
		links []evidence.Link
		field string
		says  string
	}{
		{"an identifier", evidence.TypeStepObserved, `{"step":"` + hubToken + `","status":"started"}`, nil, "/body/step", "github-token"},
		{"a mail address in an identifier", evidence.TypeStepObserved, `{"step":"ana@example.org","status":"started"}`, nil, "/body/step", "e-mail"},
		{"a card in an identifier", evidence.TypeStepObserved, `{"step":"4111111111111111","status":"started"}`, nil, "/body/step", "card"},
		{"a confidential value", evidence.TypeFieldsExtracted, `{"document":"` + doc + `","extractor":"x","version":"1","readable":true,"fields":[{"name":"a","value":"ok","pointer":"/","confidence":1},{"name":"b","value":"` + hubToken + `","pointer":"/","confidence":1}]}`, nil, "/body/fields/1/value", "github-token"},
		{"a public pointer", evidence.TypeFieldsExtracted, `{"document":"` + doc + `","extractor":"x","version":"1","readable":true,"fields":[{"name":"a","value":"ok","pointer":"DE89 3704 0044 0532 0130 00","confidence":1}]}`, nil, "/body/fields/0/pointer", "iban"},
		{"an open value", evidence.TypeChangeObserved, `{"target":"books","entry":"1","digest":"` + doc + `","after":{"a":[1,{"b/c":"` + hubToken + `"}]}}`, nil, "/body/after/a/1/b~1c", "github-token"},
		{"a value by its name", evidence.TypeChangeObserved, `{"target":"books","entry":"1","digest":"` + doc + `","after":{"password":"sesame"}}`, nil, "/body/after/password", "password"},
		{"values by the name of their list", evidence.TypeChangeObserved, `{"target":"books","entry":"1","digest":"` + doc + `","after":{"passwords":["sesame"]}}`, nil, "/body/after/passwords/0", "password"},
		{"a number by its name", evidence.TypeChangeObserved, `{"target":"books","entry":"1","digest":"` + doc + `","after":{"cvv":123}}`, nil, "/body/after/cvv", "card-security-code"},
		{"the name of a member", evidence.TypeChangeObserved, `{"target":"books","entry":"1","digest":"` + doc + `","after":{"a":{"` + hubToken + `":1}}}`, nil, "/body/after/a", "github-token"},
		{"a link's id", evidence.TypeStepObserved, `{"step":"a","status":"started"}`, []evidence.Link{{Kind: "trace", ID: "1"}, {Kind: "trace", ID: hubToken}}, "/links/1/id", "github-token"},
		{"a person in a link", evidence.TypeStepObserved, `{"step":"a","status":"started"}`, []evidence.Link{{Kind: "trace", ID: "ana@example.org"}}, "/links/0/id", "e-mail"},
		{"a link's kind", evidence.TypeStepObserved, `{"step":"a","status":"started"}`, []evidence.Link{{Kind: "ghp_" + strings.Repeat("a1", 18), ID: "1"}}, "/links/0/kind", "github-token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := draft(c.typ, parse(t, c.body))
			d.Links = c.links
			_, err := h.rec.Append(t.Context(), h.agent(), Batch{Drafts: []Draft{d}})
			e, ok := err.(*evidence.Error)
			if !ok || e.Kind != evidence.Invalid || e.Field != c.field || !strings.Contains(e.Message, c.says) {
				t.Fatalf("error is %v, want one at %s about %s", err, c.field, c.says)
			}
			if strings.Contains(e.Error(), hubToken) {
				t.Errorf("the error quotes the secret: %v", e)
			}
		})
	}
	if _, err := h.rec.Append(t.Context(), h.agent(), Batch{Drafts: []Draft{draft(evidence.TypeStepObserved, parse(t, `{"step":"a","status":"started"}`))},
		Objects: [][]byte{[]byte("fine"), []byte("key: " + hubToken)}}); evidence.KindOf(err) != evidence.Invalid || strings.Contains(err.Error(), hubToken) {
		t.Errorf("an object with a secret: %v", err)
	}
}

// Personal data stays where the schema guards it.
func TestPersonalDataInGuardedFields(t *testing.T) {
	h := newHouse(t)
	doc := string(evidence.DigestOf([]byte("x")))
	o := h.kept(h.agent(), draft(evidence.TypeFieldsExtracted, parse(t, `{"document":"`+doc+`","extractor":"x","version":"1","readable":true,"fields":[{"name":"iban","value":"DE89370400440532013000","pointer":"/","confidence":1}]}`)))
	fields, _ := o.Full.Get("fields")
	if v, _ := fields.Elems()[0].Get("value"); v.Text() != "DE89370400440532013000" || o.Removed != nil {
		t.Errorf("kept %q, noted %v", v.Text(), o.Removed)
	}
}

// What the manifest has dropped may hold anything.
func TestDroppedFieldsNeedNoCare(t *testing.T) {
	h := newHouse(t)
	origin := h.agent()
	origin.Raise = func(typ evidence.Type, pattern string) evidence.Class {
		if pattern == "/after" || pattern == "/message" {
			return evidence.Secret
		}
		return evidence.Public
	}
	doc := string(evidence.DigestOf([]byte("x")))
	o := h.kept(origin, draft(evidence.TypeChangeObserved, parse(t, `{"target":"books","entry":"1","digest":"`+doc+`","after":{"token":"`+hubToken+`"}}`)))
	if _, ok := o.Full.Get("after"); ok || len(o.Withheld) != 1 || o.Withheld[0].Class != evidence.Secret {
		t.Errorf("kept %s, withheld %v", o.Full.Canonical(), o.Withheld)
	}
	_, err := h.rec.Append(t.Context(), origin, Batch{Drafts: []Draft{draft(evidence.TypeChangeObserved, parse(t, `{"target":"books","entry":"1","digest":"`+doc+`","before":{"token":"`+hubToken+`"}}`))}})
	if evidence.KindOf(err) != evidence.Invalid {
		t.Errorf("a field that is kept: %v", err)
	}
}
