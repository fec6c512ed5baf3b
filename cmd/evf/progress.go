package main

import (
	"fmt"
	"os"
	"time"
)

// progress shows count, rate and time left on a terminal, once something takes
// over two seconds. Elsewhere it shows nothing.
func progress(std streams, what string) func(done, total uint64) {
	if f, ok := std.err.(*os.File); !ok || !isTerminal(f) {
		return func(uint64, uint64) {}
	}
	began := time.Now()
	last := began
	return func(done, total uint64) {
		now := time.Now()
		took := now.Sub(began)
		if took < 2*time.Second || now.Sub(last) < 200*time.Millisecond && done < total {
			return
		}
		last = now
		rate := float64(done) / took.Seconds()
		left := time.Duration(float64(total-done) / max(rate, 1) * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(std.err, "\r%d of %d %s, %.0f/s, %v left \x1b[K", done, total, what, rate, left)
		if done == total {
			fmt.Fprint(std.err, "\r\x1b[K")
		}
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
