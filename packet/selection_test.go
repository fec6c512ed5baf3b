package packet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/evidence"
)

func TestSelectionValidate(t *testing.T) {
	for _, c := range []struct {
		name      string
		selection Selection
		want      string // "" where it is good
	}{
		{"a profile alone", Selection{Profile: ProfileAuditor}, ""},
		{"no profile", Selection{}, "/profile: is not full, auditor or public"},
		{"another profile", Selection{Profile: "Full"}, "/profile: is not full, auditor or public"},
		{"a field", Selection{Profile: ProfilePublic, Disclose: []string{"authorization.decided:/request"}}, ""},
		{"a field of an element", Selection{Profile: ProfilePublic, Disclose: []string{"check.result:/attests/*/value"}}, ""},
		{"a field of one element", Selection{Profile: ProfilePublic, Disclose: []string{"check.result:/attests/0/value"}}, ""},
		{"all below", Selection{Profile: ProfileFull, Withhold: []string{"check.result:/attests"}}, ""},
		{"a public field, which a manifest may raise", Selection{Profile: ProfileFull, Withhold: []string{"decision.routed:/summary"}}, ""},
		{"any type", Selection{Profile: ProfileFull, Withhold: []string{"*:/summary"}}, ""},
		{"no type", Selection{Profile: ProfileFull, Withhold: []string{"check.reslt:/attests"}}, `/withhold/0: "check.reslt:/attests": there is no such type of record`},
		{"no field", Selection{Profile: ProfileFull, Disclose: []string{"*:/summary", "check.result:/attest"}}, `/disclose/1: "check.result:/attest": type check.result has no such field`},
		{"below a value", Selection{Profile: ProfileFull, Disclose: []string{"authorization.decided:/request/args"}}, `/disclose/0: "authorization.decided:/request/args": type authorization.decided has no such field`},
		{"no element", Selection{Profile: ProfileFull, Disclose: []string{"check.result:/attests/value"}}, `/disclose/0: "check.result:/attests/value": type check.result has no such field`},
		{"a field of no type", Selection{Profile: ProfileFull, Disclose: []string{"*:/nothing"}}, `/disclose/0: "*:/nothing": no type of record has such a field`},
		{"a key", Selection{Profile: ProfileFull, Withhold: []string{"authorization.decided:/verdict"}}, `/withhold/0: "authorization.decided:/verdict": that field of type authorization.decided is a key, which stands in clear in every record`},
		{"a key everywhere", Selection{Profile: ProfileFull, Withhold: []string{"*:/verdict"}}, `/withhold/0: "*:/verdict": no type of record has such a field`},
		{"no pointer", Selection{Profile: ProfileFull, Withhold: []string{"check.result"}}, "/withhold/0: is not TYPE:POINTER, such as check.result:/attests/*/value"},
		{"the whole body", Selection{Profile: ProfileFull, Withhold: []string{"check.result:"}}, "/withhold/0: is not TYPE:POINTER, such as check.result:/attests/*/value"},
		{"a line end", Selection{Profile: ProfileFull, Withhold: []string{"*:/summary\n"}}, "/withhold/0: is not TYPE:POINTER, such as check.result:/attests/*/value"},
		{"too many", Selection{Profile: ProfileFull, Withhold: slices.Repeat([]string{"*:/summary"}, 101)}, "/withhold: has more than 100 choices"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := c.selection.Validate(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSelectionOpens(t *testing.T) {
	for _, c := range []struct {
		name      string
		selection Selection
		opens     string // of the fields below, by letter
	}{
		{"full", Selection{Profile: ProfileFull}, "abcd"},
		{"auditor", Selection{Profile: ProfileAuditor}, "bcd"},
		{"public", Selection{Profile: ProfilePublic}, ""},
		{"one more", Selection{Profile: ProfilePublic, Disclose: []string{"check.result:/attests/*/value"}}, "cd"},
		{"one element", Selection{Profile: ProfilePublic, Disclose: []string{"check.result:/attests/1/value"}}, "d"},
		{"all below", Selection{Profile: ProfileFull, Withhold: []string{"check.result:/attests"}}, "ab"},
		{"of any type", Selection{Profile: ProfileFull, Withhold: []string{"*:/trigger"}}, "acd"},
		{"withheld wins", Selection{Profile: ProfileFull, Disclose: []string{"*:/trigger"}, Withhold: []string{"*:/trigger"}}, "acd"},
		{"another type's", Selection{Profile: ProfilePublic, Disclose: []string{"run.ended:/summary"}}, ""},
		{"personal by choice", Selection{Profile: ProfileAuditor, Disclose: []string{"run.started:/initiator/name"}}, "abcd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			for _, f := range []struct {
				letter  string
				typ     evidence.Type
				pointer string
				class   evidence.Class
			}{
				{"a", evidence.TypeRunStarted, "/initiator/name", evidence.Personal},
				{"b", evidence.TypeRunStarted, "/trigger", evidence.Internal},
				{"c", evidence.TypeCheckResult, "/attests/0/value", evidence.Confidential},
				{"d", evidence.TypeCheckResult, "/attests/1/value", evidence.Confidential},
			} {
				if c.selection.Opens(f.typ, f.pointer, f.class) {
					got += f.letter
				}
			}
			if got != c.opens {
				t.Errorf("opens %q, want %q", got, c.opens)
			}
		})
	}
}

// hidden is one withheld field of a packet.
type hidden struct {
	Record  evidence.RecordID
	Pointer string
}

// Whatever is withheld, the packet is valid, lists exactly that, and holds
// nothing of it.
func TestWithholdingLaws(t *testing.T) {
	h := told(t)
	all := h.contents()
	rapid.Check(t, func(t *rapid.T) {
		c := all
		c.Sealed = slices.Clone(all.Sealed)
		var withheld []hidden
		var gone []evidence.Disclosure
		for i, s := range c.Sealed {
			rec, err := evidence.ParseRecord(s.Record)
			if err != nil {
				t.Fatal(err)
			}
			var kept []evidence.Disclosure
			for _, d := range inOrder(rec, s.Disclosures) {
				if rapid.Bool().Draw(t, "withhold") {
					withheld, gone = append(withheld, hidden{rec.ID, d.Pointer}), append(gone, d)
				} else {
					kept = append(kept, d)
				}
			}
			c.Sealed[i].Disclosures = kept
		}
		holds(t, h, c, withheld, gone)
	})
}

// The same where a selection withholds: what it opens is what is disclosed.
func TestSelectionLaws(t *testing.T) {
	h := told(t)
	all := h.contents()
	var fields []string
	for _, s := range all.Sealed {
		rec := mustRecord(t, s)
		for _, w := range rec.Withheld {
			fields = append(fields, string(rec.Type)+":"+w.Pointer)
		}
	}
	slices.Sort(fields)
	fields = slices.Compact(fields)
	rapid.Check(t, func(t *rapid.T) {
		c := all
		c.Selection = Selection{
			Profile:  rapid.SampledFrom(profiles).Draw(t, "profile"),
			Disclose: rapid.SliceOfDistinct(rapid.SampledFrom(fields), rapid.ID).Draw(t, "disclose"),
			Withhold: rapid.SliceOfDistinct(rapid.SampledFrom(fields), rapid.ID).Draw(t, "withhold"),
		}
		var withheld []hidden
		var gone []evidence.Disclosure
		for _, s := range c.Sealed {
			rec, err := evidence.ParseRecord(s.Record)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range inOrder(rec, s.Disclosures) {
				name := string(rec.Type) + ":" + d.Pointer
				byProfile := c.Selection.Profile == ProfileFull || c.Selection.Profile == ProfileAuditor && d.Class != evidence.Personal
				if slices.Contains(c.Selection.Withhold, name) || !byProfile && !slices.Contains(c.Selection.Disclose, name) {
					withheld, gone = append(withheld, hidden{rec.ID, d.Pointer}), append(gone, d)
				}
			}
		}
		holds(t, h, c, withheld, gone)
	})
}

// holds builds a packet and asserts that it is valid, lists the withheld fields
// and nothing else, and that none of their values stands anywhere in it.
func holds(t *rapid.T, h *house, c Contents, withheld []hidden, gone []evidence.Disclosure) {
	data, err := Write(c)
	if err != nil {
		t.Fatal(err)
	}
	if r := Verify(data, h.trust()); r.Verdict != Valid || r.Withheld != len(withheld) {
		t.Errorf("%s, %d withheld, want %d:%s", r.Verdict, r.Withheld, len(withheld), failures(r))
	}
	p, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := p.File(fileRedactions)
	var listed struct{ Withheld []Redaction }
	if err := json.Unmarshal(text, &listed); err != nil {
		t.Fatal(err)
	}
	var got []hidden
	for _, r := range listed.Withheld {
		got = append(got, hidden{r.Record, r.Pointer})
	}
	if diff := cmp.Diff(withheld, got); diff != "" {
		t.Errorf("redactions.json (-withheld +listed):\n%s", diff)
	}
	shown := string(data) + string(p.payload)
	for _, d := range gone {
		_, v, err := d.Open()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(shown, d.Text) {
			t.Errorf("the disclosure of %s stands in the packet", d.Pointer)
		}
		if text := string(v.Canonical()); len(text) > 6 && strings.Contains(shown, text) {
			t.Errorf("the value of %s stands in the packet", d.Pointer)
		}
	}
}

// A packet that says it was cut for one reader and opens more is invalid.
func TestDisclosedBeyondTheSelection(t *testing.T) {
	h := told(t)
	data := h.packet()
	for _, c := range []struct {
		name   string
		change func(*Selection)
		want   Verdict
	}{
		{"public", func(s *Selection) { s.Profile = ProfilePublic }, Invalid},
		{"auditor", func(s *Selection) { s.Profile = ProfileAuditor }, Invalid},
		{"withheld by choice", func(s *Selection) { s.Withhold = []string{"*:/request"} }, Invalid},
		{"withheld where nothing is", func(s *Selection) { s.Withhold = []string{"run.ended:/summary"} }, Valid},
		{"a choice of a later catalogue", func(s *Selection) { s.Disclose = []string{"weather.observed:/sky"} }, Valid},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, data)
			c.change(&e.statement.Predicate.Selection)
			check := ""
			if c.want == Invalid {
				check = checkSelection
			} else {
				e.paged(h)
			}
			want(t, Verify(e.republish(h), h.trust()), c.want, check)
		})
	}
	for name, s := range map[string]Selection{
		"no profile": {}, "another": {Profile: "private"}, "no choice": {Profile: ProfileFull, Disclose: []string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := open(t, data)
			e.statement.Predicate.Selection = s.listed()
			want(t, Verify(e.resign(h), h.trust()), Invalid, checkManifest)
		})
	}
	if _, err := Write(Contents{Key: h.key, Checkpoint: h.contents().Checkpoint}); err == nil {
		t.Error("a packet without a profile was written")
	}
}

func ExampleSelection_Validate() {
	s := Selection{Profile: ProfileAuditor, Withhold: []string{"approval.decided:/coment"}}
	fmt.Println(s.Validate())
	// Output: /withhold/0: "approval.decided:/coment": type approval.decided has no such field
}
