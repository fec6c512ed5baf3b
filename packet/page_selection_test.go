package packet

import (
	"strings"
	"testing"

	"github.com/evidencefactory/evf/internal/browsertest"
)

// Of what a packet opens beyond its selection, the page says what Verify says,
// even where the packet's key signed it.
func TestSelectionOnThePage(t *testing.T) {
	h := told(t)
	data := h.packet()
	b := browsertest.New(t)
	for _, c := range []struct {
		name   string
		change func(*Selection)
		beyond string // a field that is open, and should not be
	}{
		{"full", func(s *Selection) {}, ""},
		{"public", func(s *Selection) { s.Profile = ProfilePublic }, "/"},
		{"auditor", func(s *Selection) { s.Profile = ProfileAuditor }, "/approver_name"},
		{"auditor, and every name", func(s *Selection) {
			s.Profile, s.Disclose = ProfileAuditor, []string{"approval.decided:/approver_name", "*:/initiator/name"}
		}, ""},
		{"a field of every type", func(s *Selection) { s.Withhold = []string{"*:/request"} }, "/request"},
		{"a field of one type", func(s *Selection) { s.Withhold = []string{"approval.decided:/comment"} }, "/comment"},
		{"a field of another type", func(s *Selection) { s.Withhold = []string{"run.ended:/comment"} }, ""},
		{"elements of a list", func(s *Selection) { s.Withhold = []string{"fields.extracted:/fields/*/value"} }, "/fields/0/value"},
		{"a name that only begins like it", func(s *Selection) { s.Withhold = []string{"fields.extracted:/field"} }, ""},
		{"what is above it", func(s *Selection) {
			s.Withhold = []string{"approval.decided:/comment/x", "approval.decided:/comment/*"}
		}, ""},
		{"chosen both ways", func(s *Selection) {
			s.Disclose, s.Withhold = []string{"approval.decided:/comment"}, []string{"approval.decided:/comment"}
		}, "/comment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, data)
			c.change(&e.statement.Predicate.Selection)
			data := e.republish(h)
			verified := Invalid
			if c.beyond == "" {
				verified = Valid
			}
			want(t, Verify(data, h.trust()), verified, map[Verdict]string{Invalid: checkSelection}[verified])
			p := b.Open(t, e.files[filePage], browsertest.Scripted)
			got, faults := verdict(p), p.Text("#faults")
			if c.beyond == "" && !strings.HasPrefix(got, "Internally consistent") ||
				c.beyond != "" && (!strings.HasPrefix(got, "NOT consistent: ") || !strings.Contains(faults, c.beyond) || !strings.Contains(faults, "is not one that the packet was to open")) {
				t.Errorf("the page says %q: %s", got, faults)
			}
		})
	}
}
