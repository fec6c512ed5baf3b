package sqlite

import (
	"context"
	"errors"
	"time"
)

// Forget implements store.Tenant. The row stays otherwise as it is, whatever
// its type and whether it is sealed: no leaf, projection or packet rests on a
// MAC.
func (t *tenant) Forget(ctx context.Context, seqs []uint64) error {
	if len(seqs) == 0 {
		return nil
	}
	err := t.store.do(ctx, func(w *writer) error {
		for _, seq := range seqs {
			if _, err := w.conn.ExecContext(w.ctx, "UPDATE record SET mac=x'' WHERE pos=? AND mac<>x''", t.pos(seq)); err != nil {
				return &fatalError{err}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.store.truncate(ctx, "retries are not recognised any more, and what they were recognised by still stands in the write-ahead log")
}

// SetForgotten implements store.Tenant.
func (t *tenant) SetForgotten(ctx context.Context, to uint64) error {
	return t.store.do(ctx, func(w *writer) error {
		if _, err := w.conn.ExecContext(w.ctx, "UPDATE tenant SET forgotten=max(forgotten, ?) WHERE no=?", to, t.no); err != nil {
			return &fatalError{err}
		}
		return nil
	})
}

// A reader, such as a backup, keeps the write-ahead log from being emptied.
// The writer waits for it a moment at a time: appends go on in between.
const (
	truncateTries = 100 // as Open sets it
	truncatePause = 50 * time.Millisecond
	shortWait     = "PRAGMA busy_timeout=50"
	usualWait     = "PRAGMA busy_timeout=10000" // as open sets it
)

var errReader = errors.New("something reads the database, such as a backup; the next erasure or start empties it")

// truncate carries the write-ahead log over into the database and empties it,
// so that no earlier page stands there either. It waits for readers, some ten
// seconds; done says what stands then.
func (s *Store) truncate(ctx context.Context, done string) error {
	for n := 1; ; n++ {
		err := s.wait(ctx, &request{between: true, done: make(chan error, 1), run: (*writer).truncate})
		if err == nil {
			return nil
		}
		if !errors.Is(err, errReader) || n >= s.tries {
			return unavailable(done, err)
		}
		select {
		case <-time.After(truncatePause):
		case <-ctx.Done():
			return unavailable(done, err)
		}
	}
}

func (w *writer) truncate() (err error) {
	if _, err := w.conn.ExecContext(w.ctx, shortWait); err != nil {
		return err
	}
	defer func() {
		_, back := w.conn.ExecContext(w.ctx, usualWait)
		err = errors.Join(err, back)
	}()
	var busy, pages, moved int
	err = w.conn.QueryRowContext(w.ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errReader
	}
	return err
}
