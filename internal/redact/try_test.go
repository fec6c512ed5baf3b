package redact

import (
	"testing"
	"unicode/utf8"
)

func TestTry(t *testing.T) {
	m := map[string]Kind{"CREDIT_CARD": Card, "US_SSN": SSN, "EMAIL_ADDRESS": EMail, "PHONE_NUMBER": Phone, "IBAN_CODE": IBAN, "IP_ADDRESS": IP}
	hit, all, fp, tp := map[Kind]int{}, map[Kind]int{}, map[Kind]int{}, map[Kind]int{}
	for _, l := range labelledTexts(t) {
		var off []int
		for i := range l.Text {
			off = append(off, i)
		}
		off = append(off, len(l.Text))
		found := Scan(l.Text)
		for _, sp := range l.Spans {
			k := m[sp.Type]
			if k == "" {
				continue
			}
			all[k]++
			ok := false
			for _, f := range found {
				if f.Kind == k && f.Start <= off[sp.Start] && f.End >= off[sp.End] {
					ok = true
				}
			}
			if ok {
				hit[k]++
			} else {
				t.Logf("MISS %s %q in %.150q", k, sp.Value, l.Text)
			}
		}
		for _, f := range found {
			ok := false
			for _, sp := range l.Spans {
				if m[sp.Type] == f.Kind && f.Start < off[sp.End] && off[sp.Start] < f.End {
					ok = true
				}
			}
			if ok {
				tp[f.Kind]++
			} else {
				fp[f.Kind]++
				t.Logf("FP %s %q in %.150q", f.Kind, l.Text[f.Start:f.End], l.Text)
			}
		}
		_ = utf8.RuneError
	}
	for k := range all {
		t.Logf("%s recall %d/%d", k, hit[k], all[k])
	}
	t.Log(tp, fp)
}
