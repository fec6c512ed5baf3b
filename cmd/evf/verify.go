package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/evidencefactory/evf/packet"
)

type verifyCmd struct {
	File  string   `arg:"" help:"The packet." type:"path"`
	Key   []string `help:"Verifier key of a log you trust (C2SP form)." placeholder:"VKEY" sep:"none"`
	Trust string   `help:"File of verifier keys, one a line, # for comments." placeholder:"FILE" type:"path"`
	JSON  bool     `help:"Print the report as JSON."`
}

func (c *verifyCmd) Run(std streams) error {
	cannot := func(err error) error {
		fmt.Fprintf(std.err, "evf: %v\n", masked(err))
		return exitError(exitCannotRun)
	}
	keys, err := trustFile(c.Trust)
	if err != nil {
		return cannot(err)
	}
	trust := packet.Trust{Keys: append(keys, c.Key...)}
	if err := trust.Validate(); err != nil {
		fmt.Fprintf(std.err, "evf: %v\n", masked(err))
		return exitError(exitUsage)
	}
	info, err := os.Stat(c.File)
	if err == nil && info.Size() > packet.MaxSize {
		err = fmt.Errorf("%s is larger than a packet can be (%d bytes)", c.File, packet.MaxSize)
	}
	if err != nil {
		return cannot(err)
	}
	data, err := os.ReadFile(c.File)
	if err != nil {
		return cannot(err)
	}
	report := packet.Verify(data, trust)
	if c.JSON {
		err = printJSON(std.out, report)
	} else {
		err = printReport(std, report)
	}
	if err != nil {
		return cannot(err)
	}
	if code := report.ExitCode(); code != 0 {
		return exitError(code)
	}
	return nil
}

func trustFile(path string) (keys []string, err error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := strings.TrimSpace(lines.Text()); line != "" && line[0] != '#' {
			keys = append(keys, line)
		}
	}
	return keys, nil
}

// printReport says the verdict first, then every check, then the slots.
func printReport(std streams, r packet.Report) error {
	verdict := map[packet.Verdict]string{
		packet.Valid:       "VALID: the records are those that the log sealed, and say what stands here",
		packet.Invalid:     "INVALID: do not rely on this packet",
		packet.Undecidable: "UNDECIDABLE: it cannot be said with the keys given",
	}[r.Verdict]
	fmt.Fprintln(std.out, verdict)
	rows := [][]string{
		{"run", string(r.Run)},
		{"records", fmt.Sprintf("%d, %d fields disclosed, %d withheld", r.Records, r.Disclosed, r.Withheld)},
		{"log", fmt.Sprintf("%s at size %d", plain(r.Origin), r.Size)},
	}
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
