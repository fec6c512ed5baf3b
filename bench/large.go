package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

// largest is a run as large as a packet may have: of some ten thousand
// records.
const largest = 550 // invoices

// measurePacket builds the packet of a large run, and verifies it in processes
// of their own.
func measurePacket(ctx context.Context, cfg config) (list []work, err error) {
	dir := filepath.Join(cfg.dir, "packet")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := openSealed(ctx, dir)
	if err != nil {
		return nil, err
	}
	run := evidence.RunID(newID())
	if _, err := s.tell(ctx, run, largest); err != nil {
		return nil, errors.Join(err, s.close())
	}
	data, trust, err := s.packet(ctx, run)
	if err := errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	return measureTask(ctx, cfg, "verify", dir, writePacket(dir, data, trust))
}

func writePacket(dir string, data []byte, trust packet.Trust) error {
	return errors.Join(os.WriteFile(filepath.Join(dir, "packet.evidence"), data, 0o600),
		os.WriteFile(filepath.Join(dir, "trusted"), []byte(trust.Keys[0]), 0o600))
}

// measureTask runs a task once a round, unless what it needs could not be made
// ready.
func measureTask(ctx context.Context, cfg config, task, dir string, ready error) (list []work, err error) {
	if ready != nil {
		return nil, ready
	}
	for round := range cfg.rounds {
		w, err := child(ctx, task, dir)
		if err != nil {
			return nil, err
		}
		cfg.progress("round %d  %-6s %d records: %.0f/s, %.0f/s of processor time, %.0f MB", round+1, task, w.Records, w.rate(), w.perCore(), w.MB)
		list = append(list, w)
	}
	return list, nil
}

// houses are what the large concerns work on: a small and a large house, and
// bare tables with as many rows.
type houses struct{ cfg config }

func (h houses) path(kind string, records int) string {
	return filepath.Join(h.cfg.dir, fmt.Sprintf("%s-%d", kind, records))
}

// build makes a house and a bare table of some size.
func (h houses) build(ctx context.Context, records int, k *kind) error {
	dir, bareDir := h.path(nameRecorder, records), h.path(nameBare, records)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(bareDir, 0o700)); err != nil {
		return err
	}
	s, err := openSealed(ctx, dir)
	if err != nil {
		return err
	}
	if err := errors.Join(s.grow(ctx, records, h.cfg.progress), s.close()); err != nil {
		return err
	}
	c, err := openBare(ctx, bareDir, k, 1)
	if err != nil {
		return err
	}
	return errors.Join(c.(*bare).grow(records, string(k.typ), newID()), c.close())
}

// growth is how fast records go in where so many stand already, at 256
// callers.
type growth struct {
	Records  int
	Recorder figures
	Bare     figures
}

// measureGrowth appends to every size in turn, so that a drift of the machine
// meets all. The small house is copied before it grows out of its size.
func (h houses) measureGrowth(ctx context.Context, sizes []int, k *kind) ([]growth, error) {
	list := make([]growth, len(sizes))
	for round := range h.cfg.rounds {
		for i, size := range sizes {
			g := &list[i]
			g.Records = size
			for _, c := range []struct {
				name string
				open opener
				to   *figures
			}{{nameBare, openBare, &g.Bare}, {nameRecorder, openRecorder, &g.Recorder}} {
				f, err := h.appendTo(ctx, c.name, c.open, size, k)
				if err != nil {
					return nil, fmt.Errorf("%s of %d records: %w", c.name, size, err)
				}
				*c.to = figures{append(c.to.rate, f.rate), append(c.to.cpu, f.cpu)}
				h.cfg.progress("round %d  %-9s on %8d records %8.0f/s %6.0f µs", round+1, c.name, size, f.rate, f.cpu)
			}
		}
	}
	return list, nil
}

func (h houses) appendTo(ctx context.Context, name string, open opener, size int, k *kind) (f figure, err error) {
	dir := h.path(name, size)
	if size <= small {
		fresh := filepath.Join(h.cfg.dir, "copy")
		defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }()
		if err := os.CopyFS(fresh, os.DirFS(dir)); err != nil {
			return f, err
		}
		dir = fresh
	}
	return measureIn(ctx, h.cfg, dir, name, open, k, 256)
}
