package main

import (
	"context"
	"fmt"
	"slices"
)

// concern is one table of the report, and the aims that it holds.
type concern struct {
	name    string
	measure func(ctx context.Context, cfg config, list []*kind, r *report) error
}

// concerns in the order of the report.
var concerns = []concern{
	{"append", appendConcern},
	{"verify", verifyConcern},
	{"scan", scanConcern},
	{"large", largeConcern},
}

func concernNames() (names []string) {
	for _, c := range concerns {
		names = append(names, c.name)
	}
	return names
}

// measure goes through the concerns that are wanted.
func measure(ctx context.Context, cfg config) (*report, error) {
	for _, name := range cfg.only {
		if !slices.Contains(concernNames(), name) {
			return nil, fmt.Errorf("there is no concern %q", name)
		}
	}
	list, err := kinds(ctx, cfg.dir)
	if err != nil {
		return nil, err
	}
	r := newReport(cfg)
	for _, c := range concerns {
		if len(cfg.only) > 0 && !slices.Contains(cfg.only, c.name) {
			continue
		}
		if err := c.measure(ctx, cfg, list, r); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return r, nil
}

func appendConcern(ctx context.Context, cfg config, list []*kind, r *report) error {
	found, err := measureAppends(ctx, cfg, list)
	if err != nil {
		return err
	}
	r.appends(list, found)
	return nil
}

func verifyConcern(ctx context.Context, cfg config, _ []*kind, r *report) error {
	list, err := measurePacket(ctx, cfg)
	if err != nil {
		return err
	}
	w := r.task("verify a packet", list)
	r.aim("verify a packet, records a second and core", w.PerCore, 20_000, 0)
	r.aim("verify a packet, peak MB", w.MB, 0, maxMB)
	return nil
}

// maxMB is the aim for the memory of every process.
const maxMB = 300

// largeConcern builds a small and a large house once, and does with them all
// that depends on size.
func largeConcern(ctx context.Context, cfg config, list []*kind, r *report) error {
	h := houses{cfg}
	sizes := []int{small, cfg.records}
	for _, size := range sizes {
		if err := h.build(ctx, size, list[0]); err != nil {
			return err
		}
	}
	once := cfg
	once.rounds = 1
	checked, err := measureTask(ctx, once, "fsck", h.path(nameRecorder, cfg.records), nil)
	if err != nil {
		return err
	}
	r.aim("fsck, peak MB", r.task("fsck", checked).MB, 0, maxMB)
	served, err := measureTask(ctx, cfg, "append", h.path(nameRecorder, cfg.records), nil)
	if err != nil {
		return err
	}
	r.aim("append at 256 callers, peak MB", r.task("append at 256 callers", served).MB, 0, maxMB)
	grown, err := h.measureGrowth(ctx, sizes, list[0])
	if err != nil {
		return err
	}
	r.growth(grown)
	return nil
}
