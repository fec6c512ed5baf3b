package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/evidencefactory/evf/evidence"
)

// printJSON writes an answer for machines.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table writes aligned lines: one line a fact.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	return t.Flush()
}

// clock is a record's time for people: seconds are enough.
func clock(t evidence.Time) string {
	if len(t) < 19 {
		return string(t)
	}
	return string(t[:10]) + " " + string(t[11:19]) + "Z"
}

// short is the eight characters of an id or digest that people compare.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	if len(id) == 36 { // a UUIDv7 begins with the time: its end tells two apart
		return id[28:]
	}
	return id[:min(len(id), 8)]
}

// plain makes text from outside safe for a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '·'
		}
		return r
	}, s)
}
