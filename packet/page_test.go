package packet

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/evidence"
)

// Not even the packet's own key makes a page that says something else pass.
func TestVerifyLyingPage(t *testing.T) {
	h := told(t)
	data := h.packet()
	for _, c := range []struct {
		name    string
		verdict Verdict
		apply   func(e *edit)
	}{
		{"another name", Invalid, func(e *edit) { e.swap(filePage, "Bo Lind", "Eve Low") }},
		{"another state", Invalid, func(e *edit) { e.swap(filePage, "◐", "●") }},
		{"another script", Invalid, func(e *edit) { e.swap(filePage, `"use strict";`, `"use strict"; `) }},
		{"another policy", Invalid, func(e *edit) { e.swap(filePage, "default-src &#39;none&#39;", "default-src *") }},
		{"a line more", Invalid, func(e *edit) {
			e.files[filePage] = append(e.files[filePage][:len(e.files[filePage]):len(e.files[filePage])], '\n')
		}},
		{"no page", Invalid, func(e *edit) { delete(e.files, filePage) }},
		{"no word of the page", Invalid, func(e *edit) { e.statement.Predicate.Page = nil }},
		{"a signature of nothing", Invalid, func(e *edit) {
			e.statement.Predicate.Page.Sig = "AAAA"
			e.render()
		}},
		{"a page of a version before the first", Invalid, func(e *edit) { e.statement.Predicate.Page.Version = 0 }},
		{"a page of a later version", Valid, func(e *edit) {
			e.statement.Predicate.Page.Version++
			e.files[filePage] = []byte("<!doctype html>")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, data)
			seal := *e.statement.Predicate.Page
			e.statement.Predicate.Page = &seal
			c.apply(e)
			r := Verify(e.resign(h), h.trust())
			want(t, r, c.verdict, map[Verdict]string{Invalid: checkPage}[c.verdict])
			if last := r.Checks[len(r.Checks)-1]; c.verdict == Valid && last.Outcome != NotChecked {
				t.Errorf("page: %+v", last)
			}
		})
	}
}

// The statement on the page and the packet's do not pass for each other.
func TestPageStatement(t *testing.T) {
	h := told(t)
	e := open(t, h.packet())
	e.statement = e.statement.withoutPage()
	e.files[fileManifest], _ = signManifest(e.statement, h.key)
	if r := Verify(e.pack(), h.trust()); r.Verdict == Valid {
		t.Error("the statement on the page passes for the packet's")
	}
	e = open(t, h.packet())
	sig, _ := base64.StdEncoding.DecodeString(readEnvelope(t, e.files[fileManifest]).Signatures[0].Sig)
	e.statement.Predicate.Page = &PageSeal{Version: pageVersion, Sig: base64.StdEncoding.EncodeToString(sig)}
	e.render()
	want(t, Verify(e.resign(h), h.trust()), Invalid, checkPage)
}

// render makes the page that goes with the statement as it is.
func (e *edit) render() {
	p := Packet{files: (&builder{files: e.files}).sorted(), statement: e.statement}
	page, err := p.renderPage()
	if err != nil {
		e.t.Fatal(err)
	}
	e.files[filePage] = page
}

// republish signs the statement as it is now and makes the page that goes with
// it: what a builder does whose files are well formed.
func (e *edit) republish(h *house) []byte {
	e.resign(h)
	seal, err := signPage(e.statement, h.key)
	if err != nil {
		e.t.Fatal(err)
	}
	e.statement.Predicate.Page = seal
	e.render()
	return e.resign(h)
}

func readEnvelope(t *testing.T, data []byte) (env envelope) {
	t.Helper()
	if err := json.Unmarshal(data, &env); err != nil {
		t.Fatal(err)
	}
	return env
}

// A packet cannot show a fingerprint of a key that did not sign its checkpoint.
func TestStatedLogKey(t *testing.T) {
	h, other := told(t), newHouse(t)
	for _, c := range []struct {
		name, key string
		ok        bool
	}{{"the log's", h.trusted, true}, {"none", "", true}, {"another", other.trusted, false}, {"nonsense", "nonsense", false}} {
		contents := h.contents()
		contents.LogKey = c.key
		data, err := Write(contents)
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), checkCheckpoint) {
			t.Errorf("%s: %v", c.name, err)
		}
		// Stating a key makes nobody trust it.
		if err == nil && Verify(data, Trust{}).Verdict != Undecidable {
			t.Errorf("%s: verifies without a key of the reader's", c.name)
		}
	}
}

// The page of a packet too large for one is its summary, with no record on it.
func TestPageOfALargePacket(t *testing.T) {
	defer func(n int) { maxPage = n }(maxPage)
	maxPage = 1000
	h := told(t)
	p, err := Open(h.packet())
	if err != nil {
		t.Fatal(err)
	}
	page, _ := p.Page()
	for text, there := range map[string]bool{"too many for a page": true, "A run with ": true, ">E-17<": false, "No field is withheld": false, `data-file="records.jsonl"`: false, `class="entry"`: false} {
		if strings.Contains(string(page), text) != there {
			t.Errorf("%q on the page: %v, want %v", text, !there, there)
		}
	}
}

// Whatever stands in a record, the page's text is it, and makes no element.
func TestShownText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		got := string(shown(text))
		plain := strings.NewReplacer(`<span class="hidden">`, "", "</span>", "").Replace(got)
		if strings.ContainsAny(plain, "<>") || strings.ContainsFunc(plain, unseen) {
			t.Fatalf("%q is shown as %q", text, got)
		}
	})
}

// Withheld fields stand in their places, with their class and what became of
// them; a reason that this code does not know is shown as it is.
func TestClosedFields(t *testing.T) {
	rec, disclosures := newHouse(t).draft(evidence.TypeRunStarted, testRun, facts{t}.started())
	data, _ := rec.Canonical()
	root, err := opened(rec, item{Sealed: Sealed{Record: data, Disclosures: disclosures[:1]}, leaf: &evidence.Leaf{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Redaction{
		{Pointer: "/trigger", Class: evidence.Internal, Reason: ReasonWithheld},
		{Pointer: "/dispatcher/name", Class: evidence.Personal, Reason: "erased"},
		{Pointer: "/elsewhere/name", Class: evidence.Personal, Reason: "erased"}, // of no place: left out
		{Pointer: "/identity", Class: evidence.Internal, Reason: "lost at sea"},
	} {
		root.close(&r, nil, rec.Type.Shape())
	}
	var lines []string
	for _, r := range root.at("/body").rows("1") {
		lines = append(lines, r.Label+": "+r.Values[0].Text)
	}
	const wanted = "initiator · kind: human\ninitiator · ref: p-1\ninitiator · name: Ana Ruiz\ndispatcher · kind: workload\ndispatcher · ref: w-1\n" +
		"dispatcher · name: ▨ erased (personal)\ntrigger: ▤ withheld (internal)\nidentity: ▤ lost at sea (internal)\nassurance: observed"
	if got := strings.Join(lines, "\n"); got != wanted {
		t.Errorf("facts:\n%s\nwant:\n%s", got, wanted)
	}
}

// paged writes the page anew from what the edit says now.
func (e *edit) paged(h *house) {
	e.t.Helper()
	delete(e.files, filePage)
	delete(e.files, fileManifest)
	e.statement.Subject = nil
	for _, f := range e.sorted() {
		e.statement.Subject = append(e.statement.Subject, subjectOf(f))
	}
	b := builder{files: e.files}
	if err := b.page(&e.statement, h.key); err != nil {
		e.t.Fatal(err)
	}
}
