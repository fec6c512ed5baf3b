package server

import (
	"context"
	"sync"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// maxSkew is how far the machine's clock may stray from the time that passed
// before somebody should know; settle is how long it must keep to its new time
// before that is taken for the right one.
const (
	maxSkew = time.Minute
	settle  = 10 * time.Minute
)

// steady is the time that expiry goes by. It never goes back and never stands
// still, whatever the machine's clock does, so that no permit, approval or key
// that was over comes to life again. A clock that jumps ahead ends them early,
// which is the safe side. Received times are not taken from it: those are the
// clock's own readings, right or wrong.
type steady struct {
	wall    func() time.Time
	elapsed func() time.Duration // since some moment, by a clock that nobody sets

	mu      sync.Mutex // guards all below
	last    time.Time  // what now said last
	at      time.Duration
	base    time.Time // a reading of the wall, and when it was taken
	baseAt  time.Duration
	strayed time.Duration // since when the wall is beside base
	stray   bool
}

func newSteady(wall func() time.Time, elapsed func() time.Duration) *steady {
	s := &steady{wall: wall, elapsed: elapsed, last: wall(), at: elapsed()}
	s.base, s.baseAt = s.last, s.at
	return s
}

func (s *steady) now() time.Time {
	_, now := s.read()
	return now
}

// received is the machine's clock as it is. What it says is remembered, so
// that now is never before a time that stands in a record.
func (s *steady) received() time.Time {
	wall, _ := s.read()
	return wall
}

func (s *steady) read() (wall, now time.Time) {
	wall = s.wall()
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.elapsed()
	now = s.last.Add(at - s.at)
	if wall.After(now) {
		now = wall
	}
	s.last, s.at = now, at
	return wall, now
}

// raise makes now go on from a time, where it is not beyond it already.
func (s *steady) raise(to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to.After(s.last) {
		s.last, s.at = to, s.elapsed()
	}
}

// skew is how far the machine's clock is ahead of the time that passed, below
// zero where it is behind; zero for less than maxSkew, and for a clock that
// has kept to its new time for a while. first is set where it was seen now.
func (s *steady) skew() (by time.Duration, first bool) {
	wall := s.wall()
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.elapsed()
	by = wall.Sub(s.base.Add(at - s.baseAt))
	switch {
	case by.Abs() <= maxSkew:
		s.stray = false
		return 0, false
	case s.stray && at-s.strayed >= settle:
		s.base, s.baseAt, s.stray = wall, at, false
		return 0, false
	case s.stray:
		return by, false
	}
	s.stray, s.strayed = true, at
	return by, true
}

// monotonic is the time since now by Go's monotonic clock.
func monotonic() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// lookBack bounds the records that lastReceived reads.
const lookBack = 10_000

// lastReceived is the latest received time among a tenant's last records.
func lastReceived(ctx context.Context, t store.Tenant) (latest time.Time, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		head, err := tx.Head()
		if err != nil {
			return err
		}
		rows, err := tx.Rows(head.Next-min(head.Next, lookBack), lookBack)
		for _, row := range rows {
			leaf, err := evidence.ParseLeaf(row.Leaf)
			if err != nil {
				continue // fsck names it
			}
			if at, err := leaf.Received.Parse(); err == nil && at.After(latest) {
				latest = at
			}
		}
		return err
	})
	return latest, err
}

// setClock has the house go on from the time at which records were last
// received, where the machine's clock is behind that, unless the configuration
// trusts the clock.
func (s *Server) setClock(ctx context.Context) error {
	if s.cfg.TrustClock {
		return nil
	}
	for id, t := range s.tenants {
		latest, err := lastReceived(ctx, t)
		if err != nil {
			return err
		}
		if clock := s.clock.received(); latest.Sub(clock) > maxSkew {
			s.cfg.Log.Error("the clock is behind the records: what expires does so by the later time. Set the clock; if the earlier time was the wrong one, start once with trust_clock",
				"tenant", id, "clock", evidence.TimeOf(clock), "records", evidence.TimeOf(latest))
		}
		s.clock.raise(latest)
	}
	return nil
}

// strays reports whether the machine's clock was set just now, and says so.
func (s *Server) strays() bool {
	by, first := s.clock.skew()
	if first {
		s.cfg.Log.Error("the clock was set: what was over stays over, and waiting approvals are not closed until it is set back or keeps to its new time",
			"ahead", by.Round(time.Second), "for", settle)
	}
	return by != 0
}
