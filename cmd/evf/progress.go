package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/evidencefactory/evf/internal/server"
)

// progress shows count, rate and time left on a terminal, once something takes
// over two seconds. Elsewhere it shows nothing.
func progress(std streams, what string) func(done, total uint64) {
	steps := progressOfSteps(std)
	return func(done, total uint64) { steps(what, done, total) }
}

// progressOfSteps does the same for what counts several things in turn.
func progressOfSteps(std streams) server.Progress {
	if f, ok := std.err.(*os.File); !ok || !isTerminal(f) {
		return func(string, uint64, uint64) {}
	}
	l := &progressLine{out: std.err, now: time.Now}
	return l.show
}

// progressLine is the one line that shows how far a step is.
type progressLine struct {
	out io.Writer
	now func() time.Time

	what        string
	done        uint64 // as it was told last
	began, last time.Time
	shown       bool
}

func (l *progressLine) show(what string, done, total uint64) {
	now := l.now()
	if what != l.what || done < l.done || l.began.IsZero() { // another step, or another tenant's turn
		l.what, l.began, l.last = what, now, now
	}
	l.done = done
	took := now.Sub(l.began)
	switch {
	case done >= total && l.shown:
		l.shown = false
		fmt.Fprint(l.out, "\r\x1b[K")
	case done >= total, took < 2*time.Second, l.shown && now.Sub(l.last) < 200*time.Millisecond:
	default:
		l.shown, l.last = true, now
		rate := float64(done) / took.Seconds()
		left := time.Duration(float64(total-done) / max(rate, 1) * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(l.out, "\r%d of %d %s, %.0f/s, %v left \x1b[K", done, total, what, rate, left)
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
