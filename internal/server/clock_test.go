package server

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/evidencefactory/evf/evidence"
)

// twoClocks is a wall clock that somebody sets and a time that just passes.
type twoClocks struct {
	wall   time.Time
	passed time.Duration
}

func (c *twoClocks) pass(d time.Duration) { c.wall, c.passed = c.wall.Add(d), c.passed+d }
func (c *twoClocks) set(d time.Duration)  { c.wall = c.wall.Add(d) }

func newTwoClocks() (*twoClocks, *steady) {
	c := &twoClocks{wall: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	return c, newSteady(func() time.Time { return c.wall }, func() time.Duration { return c.passed })
}

func TestSteadyClock(t *testing.T) {
	c, s := newTwoClocks()
	first := s.now()
	if !first.Equal(c.wall) {
		t.Errorf("begins at %v, the clock says %v", first, c.wall)
	}
	for _, step := range []struct {
		name string
		do   func()
		want time.Duration // since first
	}{
		{"a minute passes", func() { c.pass(time.Minute) }, time.Minute},
		{"set back by an hour", func() { c.set(-time.Hour) }, time.Minute},
		{"a minute passes by the earlier time", func() { c.pass(time.Minute) }, 2 * time.Minute},
		{"set ahead by two hours", func() { c.set(2 * time.Hour) }, time.Hour + 2*time.Minute},
		{"set right again", func() { c.set(-time.Hour) }, time.Hour + 2*time.Minute},
		{"a minute passes by the right time", func() { c.pass(time.Minute) }, time.Hour + 3*time.Minute},
	} {
		step.do()
		if got := s.now().Sub(first); got != step.want {
			t.Errorf("%s: %v since the start, want %v", step.name, got, step.want)
		}
	}
	s.raise(c.wall.Add(24 * time.Hour))
	s.raise(c.wall)
	if s.now().Sub(c.wall) != 24*time.Hour || !s.received().Equal(c.wall) {
		t.Errorf("behind its records, it says %v; the clock %v", s.now(), c.wall)
	}
}

func TestSkew(t *testing.T) {
	c, s := newTwoClocks()
	for _, step := range []struct {
		name  string
		do    func()
		want  time.Duration
		first bool
	}{
		{"time passes", func() { c.pass(24 * time.Hour) }, 0, false},
		{"a small correction", func() { c.set(-30 * time.Second) }, 0, false},
		{"back to the second", func() { c.set(30 * time.Second) }, 0, false},
		{"set ahead", func() { c.set(time.Hour) }, time.Hour, true},
		{"still ahead", func() { c.pass(5 * time.Minute); s.now() }, time.Hour, false},
		{"set right", func() { c.set(-time.Hour) }, 0, false},
		{"set back", func() { c.set(-time.Hour) }, -time.Hour, true},
		{"keeps to its new time", func() { c.pass(settle) }, 0, false},
		{"which counts from now on", func() { c.pass(time.Hour) }, 0, false},
	} {
		step.do()
		if got, first := s.skew(); got != step.want || first != step.first {
			t.Errorf("%s: %v, %v; want %v, %v", step.name, got, first, step.want, step.first)
		}
	}
}

// TestClockThatJumps sets the machine's clock back over the end of permits,
// approvals and keys, with and without a start in between: what was over
// stays over.
func TestClockThatJumps(t *testing.T) {
	jumps := map[string]func(h *house) *house{
		"back while it runs":    func(h *house) *house { h.clock.advance(-24 * time.Hour); return h },
		"back while it is down": func(h *house) *house { return h.again(func() { h.clock.advance(-24 * time.Hour) }) },
		"back, then started":    func(h *house) *house { h.clock.advance(-24 * time.Hour); return h.again(func() {}) },
		"far ahead and back": func(h *house) *house {
			h.clock.advance(1000 * time.Hour)
			h.begin()
			h.clock.advance(-1024 * time.Hour)
			return h
		},
		"back again and again": func(h *house) *house {
			h.clock.advance(-time.Hour)
			h.begin()
			h.clock.advance(-23 * time.Hour)
			return h
		},
		"ahead by a moment only": func(h *house) *house { h.clock.advance(time.Nanosecond); return h },
	}
	for name, jump := range jumps {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			run, v := h.permitted()
			waiting, held := h.wire()
			h.as("payments/bank")
			carla := h.person("carla@example.org", "controller")
			_, given := h.wire()
			h.must(h.decide(carla, given.Approvals[0].ID, "approve"))
			h.clock.advance(4 * time.Hour)
			h.begin() // a record that says how late it is
			h = jump(h)
			kind(t, h.redeem("payments/bank", redemption(t, run, v)), evidence.Denied)
			if got := last[evidence.ActionRefused](h, evidence.TypeActionRefused); got.Code != "expired" {
				t.Errorf("the permit was refused as %q", got.Code)
			}
			kind(t, h.decide(h.person("carla@example.org", "controller"), held.Approvals[0].ID, "approve"), evidence.Conflict)
			h.verdict(h.ask(h.as("payments/agent").Join(waiting.ID), held.Action, "bank/wire", `{"amount":7}`), "deny", "approval-expired")
		})
	}
}

// TestReceivedIsTheClocksReading: times that nobody read from a clock are no
// evidence, so a clock set back shows in the records.
func TestReceivedIsTheClocksReading(t *testing.T) {
	h := newHouse(t)
	h.begin()
	h.clock.advance(-time.Hour)
	h.begin()
	rows := h.rows()
	leaf, err := evidence.ParseLeaf(rows[len(rows)-1].Leaf)
	h.must(err)
	if want := evidence.TimeOf(h.clock.now()); leaf.Received != want {
		t.Errorf("received at %s, the clock said %s", leaf.Received, want)
	}
}

// TestTrustClock: after a clock that was far ahead, the owner says which time
// is right.
func TestTrustClock(t *testing.T) {
	h := newHouse(t)
	h.clock.advance(10000 * time.Hour)
	h.begin()
	h = h.again(func() { h.clock.advance(-10000 * time.Hour) })
	if ahead := h.server.clock.now().Sub(h.clock.now()); ahead != 10000*time.Hour {
		t.Errorf("started behind its records, the house is %v ahead of the clock", ahead)
	}
	h.trust = true
	h = h.again(func() {})
	if ahead := h.server.clock.now().Sub(h.clock.now()); ahead != 0 {
		t.Errorf("told to trust the clock, the house is %v ahead of it", ahead)
	}
}

// again closes the house, does something meanwhile, and opens it again.
func (h *house) again(meanwhile func()) *house {
	h.t.Helper()
	h.http.Close()
	h.must(h.server.Close())
	meanwhile()
	var err error
	h.server, err = Open(h.t.Context(), Config{Data: h.dir, Clock: h.clock.now, TrustClock: h.trust})
	h.must(err)
	h.http = httptest.NewServer(h.server.Handler())
	for name, c := range h.clients {
		h.clients[name] = h.client(c.Key)
	}
	h.admin = h.client(h.admin.Key)
	return h
}
