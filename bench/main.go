// Command bench holds the store's promise against its limits: durable appends
// through the whole recorder, beside the same bytes appended raw to a file and
// inserted bare into SQLite, all with a group commit and a sync before anyone
// is answered. Figures depend on the disk and on who else is at work; the
// ratios, taken within a round, are what to trust.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"time"
)

// config is one run of the benchmark.
type config struct {
	dir      string        // where the files are made: the disk that is measured
	rounds   int           // each round measures every cell once
	warm     time.Duration // before a cell counts
	duration time.Duration // that a cell counts
	progress func(format string, args ...any)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	dir := flag.String("dir", os.TempDir(), "make the files below this `folder`, on the disk to measure")
	rounds := flag.Int("rounds", 3, "measure every cell this often and take the medians")
	duration := flag.Duration("duration", 2*time.Second, "measure a cell this long")
	asJSON := flag.Bool("json", false, "print JSON")
	profile := flag.String("cpuprofile", "", "write a CPU profile to `file`, with labels contender, kind and callers")
	flag.Parse()
	if *rounds < 1 || *duration <= 0 || flag.NArg() > 0 {
		return errors.New("rounds and duration are positive, and nothing follows the flags")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	temp, err := os.MkdirTemp(*dir, "evf-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}

	cfg := config{dir: temp, rounds: *rounds, warm: min(*duration/4, time.Second), duration: *duration, progress: progress}
	r, err := measure(ctx, cfg)
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.print(os.Stdout)
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
