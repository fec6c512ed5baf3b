package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/evidencefactory/evf/evidence"
)

// The stores whose appends are compared: a house of some days, and one of some
// years.
const (
	small   = 10_000
	perRun  = 3 // invoices
	tellers = 4
)

// grow tells of runs, several at once, until the house has so many records,
// and seals them.
func (s *sealed) grow(ctx context.Context, records int, progress func(format string, args ...any)) error {
	var written atomic.Int64
	failed := make(chan error, tellers)
	var all sync.WaitGroup
	for range tellers {
		all.Go(func() {
			for written.Load() < int64(records) {
				n, err := s.tell(ctx, evidence.RunID(newID()), perRun)
				if err != nil {
					failed <- err
					return
				}
				if now := written.Add(int64(n)); now/100_000 != (now-int64(n))/100_000 {
					progress("%d of %d records are written", now, records)
				}
			}
		})
	}
	all.Wait()
	close(failed)
	return errors.Join(<-failed, s.log.Seal(ctx))
}

// grow inserts rows in large groups, as many as asked for.
func (b *bare) grow(records int, typ, submitter string) error {
	group := make([]*append1, maxGroup)
	run := newID()
	for i := range group {
		group[i] = &append1{}
	}
	for done := 0; done < records; done += len(group) {
		for i, w := range group {
			if i%50 == 0 {
				run = newID()
			}
			w.id, w.run = newID(), run
		}
		if err := b.commit(group, typ, submitter); err != nil {
			return err
		}
	}
	return nil
}
