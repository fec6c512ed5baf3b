package main

import (
	"bytes"
	"testing"
	"time"
)

// TestProgress shows a line for what takes long, and takes it away in the end.
func TestProgress(t *testing.T) {
	type told struct {
		at          time.Duration
		what        string
		done, total uint64
		want        string
	}
	const gone = "\r\x1b[K"
	for name, tells := range map[string][]told{
		"soon over": {{0, "MB copied", 0, 9, ""}, {1 * time.Second, "MB copied", 5, 9, ""}, {1900 * time.Millisecond, "MB copied", 9, 9, ""}},
		"long": {{0, "MB copied", 0, 90, ""}, {3 * time.Second, "MB copied", 30, 90, "\r30 of 90 MB copied, 10/s, 6s left \x1b[K"},
			{3100 * time.Millisecond, "MB copied", 31, 90, ""}, {9 * time.Second, "MB copied", 90, 90, gone}},
		"nothing left to count": {{0, "MB copied", 0, 0, ""}, {time.Minute, "MB copied", 0, 0, ""}},
		"the next step counts anew": {{0, "MB copied", 0, 90, ""}, {5 * time.Second, "MB copied", 90, 90, ""}, {6 * time.Second, "records", 1, 90, ""},
			{9 * time.Second, "records", 30, 90, "\r30 of 90 records, 10/s, 6s left \x1b[K"}},
		"the next tenant counts anew": {{0, "records", 0, 90, ""}, {5 * time.Second, "records", 90, 90, ""}, {6 * time.Second, "records", 1, 20, ""},
			{8 * time.Second, "records", 10, 20, "\r10 of 20 records, 5/s, 2s left \x1b[K"}, {9 * time.Second, "records", 20, 20, gone}},
		"more done than there was": {{0, "records", 0, 5, ""}, {3 * time.Second, "records", 6, 5, ""}},
		"before the first":         {{0, "records", 0, 5, ""}, {3 * time.Second, "records", 0, 5, "\r0 of 5 records, 0/s, 5s left \x1b[K"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			began, now := time.Unix(0, 0), time.Duration(0)
			l := &progressLine{out: &out, now: func() time.Time { return began.Add(now) }}
			for i, c := range tells {
				now = c.at
				out.Reset()
				if l.show(c.what, c.done, c.total); out.String() != c.want {
					t.Errorf("told the %d. time: %q, want %q", i+1, out.String(), c.want)
				}
			}
		})
	}
}
