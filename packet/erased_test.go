package packet

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
)

// The places of the records that erasedHouse tells of.
const (
	atStarted = 1
	atInput   = 2
	atEnded   = 4
)

// erasedHouse is a run of four records that has ended, and an erasure of its
// input, as change leaves it.
func erasedHouse(t *testing.T, change func(h *house, e *evidence.ErasurePerformed)) *house {
	h := newHouse(t)
	f := facts{t}
	h.announce(h.key)
	h.add(evidence.TypeRunStarted, testRun, f.started())
	h.add(evidence.TypeInputReferenced, testRun, f.input())
	h.add(evidence.TypeFieldsExtracted, testRun, f.extracted())
	end := f.ended()
	end.Records = 3
	h.add(evidence.TypeRunEnded, testRun, end)
	e := evidence.ErasurePerformed{Kind: "run", Of: testRun, Authority: "a court", By: "p-1",
		Keys: []string{"run/" + string(testRun) + "/confidential/1"}, Expunged: []evidence.Expunged{h.expunged(atInput)}}
	change(h, &e)
	h.add(evidence.TypeErasurePerformed, "", e)
	return h
}

func (h *house) expunged(at int) evidence.Expunged {
	leaf, err := evidence.ParseLeaf(h.sealed[at].Leaf)
	if err != nil {
		h.t.Fatal(err)
	}
	return evidence.Expunged{Record: leaf.ID, Seq: int64(leaf.Seq), Digest: leaf.Digest, Run: testRun}
}

// without is the packet's contents with the bytes and values gone that an
// erasure of the house took.
func without(h *house) Contents {
	c := h.contents()
	c.Sealed[atInput].Record, c.Sealed[atInput].Disclosures = nil, nil
	for i := range c.Sealed {
		c.Sealed[i].Disclosures = slices.DeleteFunc(slices.Clone(c.Sealed[i].Disclosures), func(d evidence.Disclosure) bool { return d.Class == evidence.Confidential })
	}
	return c
}

// TestExpunged wants a record to be missing only where an erasure in the log
// names it, its place, its digest and its run.
func TestExpunged(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(h *house, e *evidence.ErasurePerformed)
		cut    func(c *Contents)
		fails  string // the check, "" where the packet is valid
	}{
		{"named", func(*house, *evidence.ErasurePerformed) {}, nil, ""},
		{"and its record here all the same", func(*house, *evidence.ErasurePerformed) {}, func(c *Contents) { c.Sealed[atInput].Record = nil }, ""},
		{"named by nobody", func(_ *house, e *evidence.ErasurePerformed) { e.Expunged = nil }, nil, checkRecords},
		{"another record named", func(h *house, e *evidence.ErasurePerformed) { e.Expunged[0] = h.expunged(atInput + 1) }, nil, checkRecords},
		{"another digest", func(_ *house, e *evidence.ErasurePerformed) { e.Expunged[0].Digest = evidence.ZeroDigest }, nil, checkRecords},
		{"another place", func(_ *house, e *evidence.ErasurePerformed) { e.Expunged[0].Seq++ }, nil, checkRecords},
		{"a record of another run", func(_ *house, e *evidence.ErasurePerformed) { e.Expunged[0].Run = otherRun }, nil, checkRecords},
		{"a record of no run", func(_ *house, e *evidence.ErasurePerformed) { e.Expunged[0].Run = "" }, nil, checkRecords},
		{"named by the run itself", func(h *house, e *evidence.ErasurePerformed) {
			h.add(evidence.TypeErasurePerformed, testRun, *e)
			e.Expunged = nil
		}, nil, checkRecords},
		{"without its erasure", func(*house, *evidence.ErasurePerformed) {}, func(c *Contents) { c.Sealed = c.Sealed[:len(c.Sealed)-1] }, checkRecords},
		{"and another left out", func(*house, *evidence.ErasurePerformed) {}, func(c *Contents) { c.Sealed = slices.Delete(c.Sealed, atInput+1, atInput+2) }, checkCompleteness},
		{"with its leaf left out too", func(*house, *evidence.ErasurePerformed) {}, func(c *Contents) { c.Sealed = slices.Delete(c.Sealed, atInput, atInput+1) }, checkCompleteness},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := erasedHouse(t, c.change)
			contents := without(h)
			if c.cut != nil {
				c.cut(&contents)
			}
			data, err := Write(contents)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), "packet: "+c.fails+":") {
					t.Errorf("written: %v, want a failure of %s", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := Verify(data, h.trust())
			if r.Verdict != Valid || r.Records != len(contents.Sealed) {
				t.Fatalf("%s of %d records: %+v", r.Verdict, r.Records, r.Checks)
			}
			if len(r.Erasures) != 1 || r.Erasures[0].Authority != "a court" || r.Erasures[0].Records != 1 || r.Erasures[0].On == "" {
				t.Errorf("erasures are %+v", r.Erasures)
			}
			for _, s := range r.Slots {
				if (s.State == Erased) != (s.Name == "inputs") {
					t.Errorf("slot %s is %s", s.Name, s.State)
				}
			}
		})
	}
	// An erasure that stands before a record took nothing of it.
	h := newHouse(t)
	h.announce(h.key)
	h.add(evidence.TypeRunStarted, testRun, facts{t}.started())
	rec, _ := h.draft(evidence.TypeInputReferenced, testRun, facts{t}.input())
	data, _ := rec.Canonical()
	h.add(evidence.TypeErasurePerformed, "", evidence.ErasurePerformed{Kind: "run", Of: testRun, Authority: "a court", By: "p-1",
		Expunged: []evidence.Expunged{{Record: rec.ID, Seq: 3, Digest: evidence.DigestOf(data), Run: testRun}}})
	h.seal(rec, data, nil)
	c := h.contents()
	c.Sealed[3].Record, c.Sealed[3].Disclosures = nil, nil
	if _, err := Write(c); err == nil || !strings.Contains(err.Error(), checkRecords) {
		t.Errorf("an erasure before the record: %v", err)
	}
}

// reasons are those of a packet's redactions, by class.
func reasons(t *testing.T, data []byte) map[evidence.Class]Redaction {
	t.Helper()
	p, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := p.File(fileRedactions)
	var file struct{ Withheld []Redaction }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	by := map[evidence.Class]Redaction{}
	for _, r := range file.Withheld {
		by[r.Class] = r
	}
	return by
}

// TestErasedFields wants a closed field to be erased where an erasure behind
// its record names its key, and only there.
func TestErasedFields(t *testing.T) {
	ref := facts{t}.started().Initiator.Ref
	for _, c := range []struct {
		name   string
		keys   []string
		erased []evidence.Class
	}{
		{"the run's of one class", []string{"run/" + string(testRun) + "/internal/1"}, []evidence.Class{evidence.Internal}},
		{"whatever generation", []string{"run/" + string(testRun) + "/internal/7"}, []evidence.Class{evidence.Internal}},
		{"the subject's in the run", []string{"subject/" + ref + "/" + string(testRun) + "/1"}, []evidence.Class{evidence.Personal}},
		{"the subject's elsewhere", []string{"subject/" + ref + "/" + string(otherRun) + "/1"}, nil},
		{"another run's", []string{"run/" + string(otherRun) + "/internal/1"}, nil},
		{"no key's", []string{"run", "/", string(testRun)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.announce(h.key)
			h.add(evidence.TypeRunStarted, testRun, facts{t}.started())
			h.add(evidence.TypeErasurePerformed, "", evidence.ErasurePerformed{Kind: "run", Of: testRun, Authority: "a court", By: "p-1", Keys: c.keys})
			contents := h.choose(func(Sealed) bool { return true })
			contents.Sealed[atStarted].Disclosures = nil
			data, err := Write(contents)
			if err != nil {
				t.Fatal(err)
			}
			for class, r := range reasons(t, data) {
				want := ReasonWithheld
				if slices.Contains(c.erased, class) {
					want = ReasonErased
				}
				if r.Reason != want || (r.Erasure != "") != (want == ReasonErased) {
					t.Errorf("%s is %s by %q, want %s", r.Pointer, r.Reason, r.Erasure, want)
				}
			}
			if r := Verify(data, h.trust()); r.Verdict != Valid || (len(r.Erasures) > 0) != (len(c.erased) > 0) {
				t.Errorf("%s, erasures %+v", r.Verdict, r.Erasures)
			}
			// What follows the erasure is under another key: it is only withheld.
			h.add(evidence.TypeRunStarted, testRun, facts{t}.started())
			contents = h.choose(func(Sealed) bool { return true })
			contents.Sealed[3].Disclosures = nil
			if data, err = Write(contents); err != nil {
				t.Fatal(err)
			}
			for _, r := range reasons(t, data) {
				if r.Reason != ReasonWithheld {
					t.Errorf("a field behind the erasure is %s", r.Reason)
				}
			}
		})
	}
}
