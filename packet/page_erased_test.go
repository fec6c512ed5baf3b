package packet

import (
	"regexp"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/browsertest"
)

// erasedPage is the page of a run of which an erasure took a record and the
// values under the run's internal key.
func erasedPage(t *testing.T) string {
	t.Helper()
	h := erasedHouse(t, func(_ *house, e *evidence.ErasurePerformed) {
		e.Keys = append(e.Keys, "run/"+string(testRun)+"/internal/1", "subject/p-1/"+string(testRun)+"/1")
	})
	page := pageOf(t, h, func(c *Contents) {
		*c = without(h)
		c.LogKey = h.trusted
		c.Sealed[atStarted].Disclosures = nil
	})
	return string(page)
}

// What was erased or expunged says so in its place, with date and authority.
func TestErasedOnThePage(t *testing.T) {
	p := browsertest.New(t).Open(t, []byte(erasedPage(t)), browsertest.Scripted)
	if got := verdict(p); !strings.HasPrefix(got, "Internally consistent with log key ") {
		t.Errorf("the page says %q\n%s", got, p.Text("#lists"))
	}
	for _, c := range []struct{ selector, want string }{
		{`#r1 .facts`, "▨ erased (internal) on 2026-11-22 by authority: a court"},
		{`#r1 .facts`, "▨ erased (personal) on 2026-11-22 by authority: a court"},
		{`#r2 .lead`, "The content of this record of type input.referenced was expunged on 2026-11-22 by authority: a court. Its place in the log is proven."},
		{`#r5 .lead`, "p-1 had what the house kept of run 0000aaaa erased. Keys destroyed: 3. Records expunged: 1. Authority: a court."},
		{`#x2`, "expunged, its line is empty"},
		{`.gaps + h2, section[aria-labelledby=unknown]`, "1 record expunged"},
		{`#done`, "3 fields are not open, and each is on the list, 3 of them erased by an erasure that names their key"},
		{`#done`, "1 expunged: an erasure names the place and digest of each, and its leaf is in the log"},
	} {
		if got := p.Text(c.selector); !strings.Contains(got, c.want) {
			t.Errorf("%s says %q, want %q", c.selector, got, c.want)
		}
	}
}

// A page that hides an erasure, or invents one, is found out.
func TestForgedErasures(t *testing.T) {
	b := browsertest.New(t)
	page := erasedPage(t)
	for _, c := range []struct{ name, old, by, want string }{
		{"another authority", `(id="r2".*?data-p="/body/authority">)a court`, `${1}a clerk`, "a printed value is not what record or file 5 says at /body/authority"},
		{"another day", `(id="r2".*?data-p="/received" data-as="day"[^>]*>)2026`, `${1}2025`, "a printed value is not what record or file 5 says at /received"},
		{"no word of what took a record", `(id="r2".*?was expunged).*?Its place`, `${1}. Its place`, "record 2: the page does not say which erasure took it"},
		{"no word of what took a field", `(id="r1".*?▨ erased \(internal\)</span>).*?</td>`, `${1}</td>`, "record 1: the page does not say which erasure took the field at /"},
		{"a field that is only withheld", `(id="r1".*?)▨ erased \(internal\)`, `${1}▤ withheld (internal)`, "a printed value is not what record or file 1 says at /body/"},
		{"an erasure of a field that is open", `(id="r3".*?<td)( data-p="/body/extractor")>[^<]*`, `${1} data-as="closed"${2}>▨ erased (confidential)`, "a printed value is not what record or file 3 says at /body/extractor"},
		{"a count", `(data-count="records 5">)1`, `${1}0`, "the page does not count rightly what is not open"},
		{"no count", `<li><span class="state erased"><span aria-hidden="true">▨</span> erased</span> on .*?</li>`, ``, "the page does not count all that is not open"},
		{"the place of the record", `<li class="entry" id="r2".*?</details>\s*</div></li>`, ``, "record 2 has no place in the story"},
		{"the record's leaf", `<section class="raw" id="x2">.*?</section>`, ``, "the run had 3 records when it ended, 2 of them are here"},
		{"the record's proof", `(id="x2".*?"hashes":\[")[^"]{4}`, `${1}AAAA`, "record 2 is not in the log at its place"},
		{"an erasure of another record", `(id="x5".*?"expunged":\[\{[^}]*"seq":)2`, `${1}3`, "record 2 is not here, and no erasure on this page says that it was expunged"},
		{"an erasure of another digest", `(id="x5".*?"expunged":\[\{"digest":"sha256:)....`, `${1}0000`, "record 2 is not here, and no erasure on this page says that it was expunged"},
		{"an erasure without the key", `(id="x5".*?)/internal/1`, `${1}/public/1`, "is withheld, and is listed as another"},
		{"a record that is taken away", `(id="x3".*?<pre data-file="records.jsonl">\n)[^<]*`, `${1}`, "record 3 is not here, and no erasure on this page says that it was expunged"},
		{"a list that hides the erasure", `"erasure":"[^"]*"(,"pointer":"[^"]*","reason":)"erased"`, `"nothing":""${1}"withheld"`, "is erased, and is listed as another"},
	} {
		t.Run(c.name, func(t *testing.T) {
			re := regexp.MustCompile("(?s)" + c.old)
			at := re.FindStringIndex(page)
			if at == nil {
				t.Fatalf("the page holds no %s", c.old)
			}
			forged := page[:at[0]] + re.ReplaceAllString(page[at[0]:at[1]], c.by) + page[at[1]:]
			p := b.Open(t, []byte(forged), browsertest.Scripted)
			if got := verdict(p); !strings.HasPrefix(got, "NOT consistent: ") || !strings.Contains(p.Text("#faults"), strings.ToUpper(c.want[:1])+c.want[1:]) && !strings.Contains(p.Text("#faults"), c.want) {
				t.Errorf("the page says %q, want NOT consistent: %s\n%s", got, c.want, p.Text("#faults"))
			}
		})
	}
}

// The proofs of the log's later keys are on the page, and named among what it
// does not check.
func TestRotationsOnThePage(t *testing.T) {
	h := told(t)
	h.rotate()
	p := browsertest.New(t).Open(t, pageOf(t, h, nil), browsertest.Scripted)
	if got := verdict(p); !strings.HasPrefix(got, "Internally consistent with log key "+string(keyFingerprint(h.trusted))) {
		t.Errorf("the page says %q\n%s", got, p.Text("#lists"))
	}
	if got := p.Text("#undone"); !strings.Contains(got, "the proofs (1) are at the end of the page") {
		t.Errorf("not checked: %s", got)
	}
}

// The page says for whom it was cut, and a forger cannot change for whom.
func TestCutOnThePage(t *testing.T) {
	b := browsertest.New(t)
	for profile, words := range cutFor {
		page := pageOf(t, told(t), func(c *Contents) { c.Selection.Profile = profile })
		p := b.Open(t, page, browsertest.Scripted)
		if got := verdict(p); !strings.HasPrefix(got, "Internally consistent with") || !strings.Contains(p.Text("header"), "Cut "+words+".") {
			t.Errorf("%s: %q\n%s", profile, got, p.Text("header"))
		}
	}
}

// What was taken out of a text is told beside it.
func TestRemovedOnThePage(t *testing.T) {
	h := newHouse(t)
	h.announce(h.key)
	rec, disclosures := h.draft(evidence.TypeRunStarted, testRun, facts{t}.started())
	rec.Removed = []evidence.Removed{{Pointer: "/nowhere/text", Kind: "iban", Count: 1}, {Pointer: "/trigger", Kind: "e-mail", Count: 2}}
	data, _ := rec.Canonical()
	h.seal(rec, data, disclosures)
	page := string(pageOf(t, h, nil))
	b := browsertest.New(t)
	p := b.Open(t, []byte(page), browsertest.Scripted)
	if got := verdict(p); !strings.HasPrefix(got, "Internally consistent with") {
		t.Errorf("the page says %q\n%s", got, p.Text("#lists"))
	}
	if got := p.Text("#r1 .facts"); !strings.Contains(got, "mail 771 Removed before this was kept: 2 × e-mail") || !strings.Contains(got, "1 × iban") {
		t.Errorf("facts: %s", got)
	}
	for name, forged := range map[string]string{
		"counts otherwise": strings.Replace(page, "2 × e-mail", "1 × e-mail", 1),
		"is left out":      regexp.MustCompile(` <span class="removed">.*?</span></span>`).ReplaceAllString(page, ""),
	} {
		if forged == page {
			t.Fatalf("%s: nothing was forged", name)
		}
		if got := verdict(b.Open(t, []byte(forged), browsertest.Scripted)); !strings.HasPrefix(got, "NOT consistent: ") {
			t.Errorf("%s: the page says %q", name, got)
		}
	}
}

// The script finds the key of a name by the rule that this test holds the
// catalogue to: a field "name" is about "ref" or "person" beside it, and a
// field "x_name" about "x".
func TestSubjectsByName(t *testing.T) {
	var check func(typ evidence.Type, s *evidence.Shape)
	check = func(typ evidence.Type, s *evidence.Shape) {
		if s == nil {
			return
		}
		for _, f := range s.Fields {
			want := ""
			switch rest, is := strings.CutSuffix(f.Name, "_name"); {
			case is && f.Class == evidence.Personal && s.Field(rest) != nil:
				want = rest
			case f.Name == "name" && f.Class == evidence.Personal && s.Field("ref") != nil:
				want = "ref"
			case f.Name == "name" && f.Class == evidence.Personal && s.Field("person") != nil:
				want = "person"
			}
			if f.Subject != want {
				t.Errorf("%s %s is about %q, by the script's rule about %q", typ, f.Name, f.Subject, want)
			}
			check(typ, f.Shape)
		}
		check(typ, s.Elem)
	}
	for _, typ := range evidence.Types() {
		check(typ, typ.Shape())
	}
}
