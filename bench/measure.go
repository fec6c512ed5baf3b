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

// measure runs every cell once a round. What is compared runs one right after
// the other, so that a drift of the machine meets all of it.
func measure(ctx context.Context, cfg config) (*report, error) {
	list, err := kinds(ctx, cfg.dir)
	if err != nil {
		return nil, err
	}
	rates := map[cell][]float64{}
	for round := range cfg.rounds {
		for _, k := range list {
			for _, callers := range callerCounts {
				for i := range contenders {
					c := contenders[(i+round)%len(contenders)]
					rate, err := measureCell(ctx, cfg, c.name, c.open, k, callers)
					if err != nil {
						return nil, fmt.Errorf("%s, %s, %d callers: %w", c.name, k.typ, callers, err)
					}
					at := cell{string(k.typ), callers, c.name}
					rates[at] = append(rates[at], rate)
					cfg.progress("round %d  %-17s %4d callers  %-9s %8.0f/s", round+1, at.kind, callers, c.name, rate)
				}
			}
		}
	}
	return newReport(cfg, list, rates), nil
}

// measureCell gives the records a second of one contender, on files of its own.
func measureCell(ctx context.Context, cfg config, name string, open opener, k *kind, callers int) (rate float64, err error) {
	dir := filepath.Join(cfg.dir, "cell")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	labels := pprof.Labels("contender", name, "kind", string(k.typ), "callers", strconv.Itoa(callers))
	pprof.Do(ctx, labels, func(ctx context.Context) {
		var c contender
		if c, err = open(ctx, dir, k, callers); err != nil {
			return
		}
		rate, err = drive(ctx, cfg, c, callers)
		err = errors.Join(err, c.close())
	})
	return rate, err
}

// drive has every caller append without a pause, and counts what was answered
// between the warm-up and the end. What was answered must be there afterwards.
func drive(ctx context.Context, cfg config, c contender, callers int) (rate float64, err error) {
	var answered atomic.Int64
	var stop atomic.Bool
	var all sync.WaitGroup
	failed := make(chan error, callers)
	first := sync.WaitGroup{} // every caller's first append, which also makes the run's key
	first.Add(callers)
	for caller := range callers {
		all.Go(func() {
			err := c.append(ctx, caller)
			first.Done()
			for ; err == nil && !stop.Load(); err = c.append(ctx, caller) {
				answered.Add(1)
			}
			if err == nil {
				answered.Add(1)
			} else {
				failed <- err
			}
		})
	}
	first.Wait()
	time.Sleep(cfg.warm)
	before, began := answered.Load(), time.Now()
	time.Sleep(cfg.duration)
	rate = float64(answered.Load()-before) / time.Since(began).Seconds()
	stop.Store(true)
	all.Wait()
	select {
	case err := <-failed:
		return 0, err
	default:
	}
	kept, err := c.kept(ctx)
	if err == nil && kept != answered.Load() {
		err = fmt.Errorf("%d appends were answered, %d records are there", answered.Load(), kept)
	}
	return rate, err
}
