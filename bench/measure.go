package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// contender keeps records durably. Append returns when the caller's next
// record is on stable storage; at most one append of a caller runs at a time.
type contender interface {
	append(ctx context.Context, caller int) error
	kept(ctx context.Context) (int64, error)
	close() error
}

type opener func(ctx context.Context, dir string, k *kind, callers int) (contender, error)

// The names of what is measured, as the report has them.
const (
	nameRecorder = "recorder"
	nameGuarded  = "guarded"
	nameRaw      = "raw"
	nameBare     = "bare"
)

var contenders = []struct {
	name string
	open opener
}{
	{nameRaw, openRaw},
	{nameBare, openBare},
	{nameRecorder, openRecorder},
	{nameGuarded, openGuarded},
}

var callerCounts = []int{1, 16, 256}

// cell is one figure of the report.
type cell struct {
	kind      string
	callers   int
	contender string
}

// figures are what a cell gave in each round.
type figures struct {
	rate []float64 // records a second
	cpu  []float64 // microseconds of processor a record
}

// figure is what a cell gave in one round.
type figure struct{ rate, cpu float64 }

// measureAppends runs every cell once a round. What is compared runs one right after
// the other, so that a drift of the machine meets all of it.
func measureAppends(ctx context.Context, cfg config, list []*kind) (map[cell]figures, error) {
	found := map[cell]figures{}
	for round := range cfg.rounds {
		for _, k := range list {
			for _, callers := range callerCounts {
				for i := range contenders {
					c := contenders[(i+round)%len(contenders)]
					f, err := measureCell(ctx, cfg, c.name, c.open, k, callers)
					if err != nil {
						return nil, fmt.Errorf("%s, %s, %d callers: %w", c.name, k.typ, callers, err)
					}
					at := cell{string(k.typ), callers, c.name}
					found[at] = figures{append(found[at].rate, f.rate), append(found[at].cpu, f.cpu)}
					cfg.progress("round %d  %-17s %4d callers  %-9s %8.0f/s %6.0f µs", round+1, at.kind, callers, c.name, f.rate, f.cpu)
				}
			}
		}
	}
	return found, nil
}

// measureCell measures one contender on files of its own.
func measureCell(ctx context.Context, cfg config, name string, open opener, k *kind, callers int) (f figure, err error) {
	dir := filepath.Join(cfg.dir, "cell")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return figure{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return measureIn(ctx, cfg, dir, name, open, k, callers)
}

// measureIn measures a contender on the files in a folder.
func measureIn(ctx context.Context, cfg config, dir, name string, open opener, k *kind, callers int) (f figure, err error) {
	labels := pprof.Labels("contender", name, "kind", string(k.typ), "callers", strconv.Itoa(callers))
	pprof.Do(ctx, labels, func(ctx context.Context) {
		var c contender
		if c, err = open(ctx, dir, k, callers); err != nil {
			return
		}
		f, err = drive(ctx, cfg, c, callers)
		err = errors.Join(err, c.close())
	})
	return f, err
}

// drive has every caller append without a pause, and counts what was answered
// between the warm-up and the end. What was answered must be there afterwards.
func drive(ctx context.Context, cfg config, c contender, callers int) (figure, error) {
	before, err := c.kept(ctx)
	if err != nil {
		return figure{}, err
	}
	var answered atomic.Int64
	var stop atomic.Bool
	var first, all sync.WaitGroup // a caller's first append also makes its run's key
	failed := make(chan error, callers)
	first.Add(callers)
	for caller := range callers {
		all.Go(func() {
			err := c.append(ctx, caller)
			first.Done()
			for ; err == nil && !stop.Load(); err = c.append(ctx, caller) {
				answered.Add(1)
			}
			if err != nil {
				failed <- err
				return
			}
			answered.Add(1)
		})
	}
	first.Wait()
	time.Sleep(cfg.warm)
	f := watch(&answered, cfg.duration)
	stop.Store(true)
	all.Wait()
	close(failed)
	if err := <-failed; err != nil {
		return figure{}, err
	}
	kept, err := c.kept(ctx)
	if kept -= before; err == nil && kept != answered.Load() {
		err = fmt.Errorf("%d appends were answered, %d records are there", answered.Load(), kept)
	}
	return f, err
}

// watch counts for a while.
func watch(answered *atomic.Int64, duration time.Duration) figure {
	began, from, cpu := time.Now(), answered.Load(), cpuTime()
	time.Sleep(duration)
	elapsed, n, spent := time.Since(began), float64(answered.Load()-from), cpuTime()-cpu
	return figure{rate: n / elapsed.Seconds(), cpu: float64(spent.Microseconds()) / n}
}

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("bench: " + err.Error()) // only for an unknown kind of usage
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
