package main

import (
	"fmt"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/reperform"
	"github.com/evidencefactory/evf/packet"
)

// verified is what evf verify --json prints: the report, and with --reperform
// what deciding again came to.
type verified struct {
	packet.Report
	Reperformed *reperform.Report `json:"reperformed,omitempty"`
}

// reperformed decides again what a packet records. An invalid packet's
// decisions are not worth deciding again, and those of a later version cannot
// be read: nil stands for both.
func reperformed(data []byte, report packet.Report) *reperform.Report {
	if report.Verdict == packet.Invalid {
		return nil
	}
	p, err := packet.Open(data)
	if err != nil {
		return nil
	}
	again, err := reperform.Packet(p)
	if err != nil {
		return nil
	}
	return again
}

// exitCode joins what verifying and deciding again came to: what is wrong
// outweighs what cannot be said, and that outweighs what holds.
func (v *verified) exitCode(asked bool) int {
	codes := []int{v.Report.ExitCode()}
	switch {
	case asked && v.Reperformed == nil:
		codes = append(codes, exitUndecided)
	case asked:
		codes = append(codes, v.Reperformed.ExitCode())
	}
	for _, code := range []int{exitInvalid, exitUndecided} {
		if codes[0] == code || codes[len(codes)-1] == code {
			return code
		}
	}
	return 0
}

// printAgain says of every decision whether it came out as it was recorded.
func printAgain(std streams, r *reperform.Report) error {
	fmt.Fprintln(std.out)
	if r == nil {
		_, err := fmt.Fprintln(std.out, "NOT RE-PERFORMED: the packet must be valid, and of a version that this evf knows")
		return err
	}
	fmt.Fprintf(std.out, "RE-PERFORMED by %s: %d the same, %d different, %d not possible\n", r.Engine, r.Same, r.Different, r.NotPossible)
	var rows [][]string
	for _, res := range r.Results {
		mark := map[reperform.Outcome]string{reperform.Same: "✓", reperform.Different: "✕", reperform.NotPossible: "○"}[res.Outcome]
		rows = append(rows, []string{mark, fmt.Sprintf("%d %s", res.Seq, res.Type), plain(res.Recorded), string(res.Outcome)})
		for _, d := range res.Differences {
			rows = append(rows, []string{"", "", "", plain(fmt.Sprintf("%s: recorded %s, now %s", d.Pointer, shown(d.Recorded), shown(d.Now)))})
		}
		for _, text := range append(res.Missing, res.Notes...) {
			rows = append(rows, []string{"", "", "", plain(text)})
		}
	}
	return table(std.out, rows)
}

// opensFor says which withheld fields a packet opens.
func opensFor(s packet.Selection) string {
	text := string(s.Profile)
	if len(s.Disclose) > 0 {
		text += ", with " + strings.Join(s.Disclose, " ")
	}
	if len(s.Withhold) > 0 {
		text += ", without " + strings.Join(s.Withhold, " ")
	}
	return plain(text)
}

// shown is a value on one line, and not more of it than a line takes.
func shown(v evidence.Value) string { return clipTo(string(v.Canonical()), 120) }
