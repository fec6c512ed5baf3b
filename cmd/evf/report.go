package main

import (
	"fmt"

	"github.com/evidencefactory/evf/packet"
)

// printReport says the verdict first, then every check, then the slots.
func printReport(std streams, r packet.Report) error {
	fmt.Fprintln(std.out, verdictLine(r))
	var rows [][]string
	if r.File == packet.FilePacket {
		rows = append(rows, []string{"run", string(r.Run)},
			[]string{"records", fmt.Sprintf("%d, %d fields disclosed, %d withheld", r.Records, r.Disclosed, r.Withheld)},
			[]string{"opened for", opensFor(r.Selection)})
	}
	for _, e := range r.Erasures {
		rows = append(rows, []string{"erased", fmt.Sprintf("fields %d, records %d: on %s by authority: %s", e.Fields, e.Records, clock(e.On), plain(e.Authority))})
	}
	rows = append(rows, []string{"log", fmt.Sprintf("%s at size %d", plain(r.Origin), r.Size)})
	if r.KeyFingerprint != "" {
		rows = append(rows, []string{"signed by", string(r.KeyFingerprint)})
	}
	if err := table(std.out, rows); err != nil {
		return err
	}
	rows = nil
	for _, c := range r.Checks {
		mark := map[packet.Outcome]string{packet.OK: "✓", packet.Failed: "✕", packet.NotChecked: "○"}[c.Outcome]
		detail := plain(c.Detail)
		if c.Where != "" {
			detail += " (" + plain(c.Where) + ")"
		}
		rows = append(rows, []string{mark, c.Name, detail})
	}
	fmt.Fprintln(std.out)
	if err := table(std.out, rows); err != nil {
		return err
	}
	fmt.Fprintln(std.out)
	return printSlots(std, r.Slots)
}

func verdictLine(r packet.Report) string {
	switch r.Verdict {
	case packet.Invalid:
		return fmt.Sprintf("INVALID: do not rely on this %s", r.File)
	case packet.Undecidable:
		return "UNDECIDABLE: it cannot be said with what was given"
	}
	return map[packet.FileKind]string{
		packet.FilePacket:     "VALID: the records are those that the log sealed, and say what stands here",
		packet.FileProof:      "VALID: the log sealed this entry",
		packet.FileCheckpoint: "VALID: the log signed this checkpoint",
	}[r.File]
}

func printSlots(std streams, slots []packet.Slot) error {
	var rows [][]string
	for _, s := range slots {
		rows = append(rows, []string{stateMark(string(s.State)), s.Name, string(s.State), plain(s.Summary)})
		for _, g := range s.Gaps {
			rows = append(rows, []string{"", "", "gap", plain(g.Reason) + " To close it: " + plain(g.Close)})
		}
	}
	return table(std.out, rows)
}

// stateMark gives each state a shape of its own, for those who see no colour.
func stateMark(state string) string {
	marks := map[string]string{"evidenced": "●", "declared": "◐", "inferred": "◔", "contradicted": "◆", "missing": "○",
		"unobservable": "◇", "withheld": "▤", "erased": "▨", "not-owed": "–"}
	if m, ok := marks[state]; ok {
		return m
	}
	return "?"
}
