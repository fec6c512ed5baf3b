package packet

import (
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
)

// completeness is what a packet of testRun, made of the chosen records, is
// told about being whole.
func completeness(t *testing.T, h *house, chosen func(Sealed) bool) (Check, Verdict) {
	t.Helper()
	c := h.choose(chosen)
	r := Report{Verdict: Invalid}
	data, err := Write(c)
	if err == nil {
		r = Verify(data, h.trust())
	} else if !strings.Contains(err.Error(), checkCompleteness) {
		t.Fatal(err)
	}
	for _, check := range r.Checks {
		if check.Name == checkCompleteness {
			return check, r.Verdict
		}
	}
	return Check{Outcome: Failed}, r.Verdict
}

// From a run that has ended nothing can be left out; what came after its end,
// and a run that goes on, stay the builder's word.
func TestCompleteness(t *testing.T) {
	f := facts{t}
	tell := func(ended *evidence.RunEnded) *house {
		h := newHouse(t)
		h.announce(h.key)
		h.add(evidence.TypeRunStarted, testRun, f.started())
		h.add(evidence.TypeInputReferenced, testRun, f.input())
		h.add(evidence.TypeFieldsExtracted, testRun, f.extracted())
		if ended != nil {
			h.add(evidence.TypeRunEnded, testRun, *ended)
		}
		return h
	}
	end := f.ended()
	end.Records = 3
	all := func(Sealed) bool { return true }
	for _, c := range []struct {
		name    string
		house   *house
		chosen  func(Sealed) bool
		outcome Outcome
		verdict Verdict
	}{
		{"all of an ended run", tell(&end), all, OK, Valid},
		{"one left out", tell(&end), func(s Sealed) bool { return !strings.Contains(string(s.Record), string(evidence.TypeInputReferenced)) }, Failed, Invalid},
		{"a run that goes on", tell(nil), all, NotChecked, Valid},
	} {
		t.Run(c.name, func(t *testing.T) {
			if check, verdict := completeness(t, c.house, c.chosen); check.Outcome != c.outcome || verdict != c.verdict {
				t.Errorf("%s, %+v; want %s, %s", verdict, check, c.verdict, c.outcome)
			}
		})
	}
}
