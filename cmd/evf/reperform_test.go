package main

import (
	"os"
	"testing"

	"github.com/evidencefactory/evf/internal/reperform"
	"github.com/evidencefactory/evf/packet"
)

// What is wrong outweighs what cannot be said, and that what holds.
func TestReperformExitCodes(t *testing.T) {
	same, different, unknown := &reperform.Report{Same: 1}, &reperform.Report{Same: 1, Different: 1, NotPossible: 1}, &reperform.Report{Same: 1, NotPossible: 1}
	for _, c := range []struct {
		name    string
		verdict packet.Verdict
		asked   bool
		again   *reperform.Report
		want    int
	}{
		{"valid, not asked", packet.Valid, false, nil, 0},
		{"undecidable, not asked", packet.Undecidable, false, nil, 2},
		{"valid and the same", packet.Valid, true, same, 0},
		{"valid and no decisions", packet.Valid, true, &reperform.Report{}, 0},
		{"valid and different", packet.Valid, true, different, 1},
		{"valid and not possible", packet.Valid, true, unknown, 2},
		{"valid and not re-performed", packet.Valid, true, nil, 2},
		{"undecidable and the same", packet.Undecidable, true, same, 2},
		{"undecidable and different", packet.Undecidable, true, different, 1},
		{"invalid", packet.Invalid, true, nil, 1},
	} {
		v := verified{Report: packet.Report{Verdict: c.verdict}, Reperformed: c.again}
		if got := v.exitCode(c.asked); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.want)
		}
	}
}

func TestInvalidPacketsAreNotReperformed(t *testing.T) {
	data, err := os.ReadFile("../../packet/testdata/run.evf.zip")
	if err != nil {
		t.Fatal(err)
	}
	if reperformed(data, packet.Report{Verdict: packet.Valid}) == nil {
		t.Error("a packet that can be read was not re-performed")
	}
	if reperformed(data, packet.Report{Verdict: packet.Invalid}) != nil {
		t.Error("an invalid packet was re-performed as if it were fine")
	}
}
