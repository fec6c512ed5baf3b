// Command bench holds the house's promises of speed and memory against their
// limits. Durable appends go through the whole recorder, beside the same bytes
// appended raw to a file and inserted bare into SQLite, all with a group commit
// and a sync before anyone is answered; packets are verified and houses checked
// in processes of their own. Figures depend on the machine, its disk and who
// else is at work; the ratios, taken within a round, are what to trust.
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
	"strings"
	"time"
)

// config is one run of the benchmark.
type config struct {
	dir      string        // where the files are made: the disk that is measured
	rounds   int           // each round measures every cell once
	warm     time.Duration // before a cell counts
	duration time.Duration // that a cell counts
	records  int           // of the large house
	only     []string      // concerns that are measured, none for all
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
	records := flag.Int("records", 1_000_000, "records of the large house")
	only := flag.String("only", "", "measure these `concerns` alone, of "+strings.Join(concernNames(), ", "))
	task := flag.String("task", "", "for the benchmark's own use: do one task in -dir")
	asJSON := flag.Bool("json", false, "print JSON")
	profile := flag.String("cpuprofile", "", "write a CPU profile to `file`, with labels contender, kind and callers")
	flag.Parse()
	if *rounds < 1 || *duration <= 0 || *records < small || flag.NArg() > 0 {
		return fmt.Errorf("rounds and duration are positive, records at least %d, and nothing follows the flags", small)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
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
	if *task != "" {
		return runTask(ctx, *task, *dir)
	}

	temp, err := os.MkdirTemp(*dir, "evf-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	cfg := config{dir: temp, rounds: *rounds, warm: min(*duration/4, time.Second), duration: *duration, records: *records, progress: progress}
	if *only != "" {
		cfg.only = strings.Split(*only, ",")
	}
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
