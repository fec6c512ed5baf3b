package packet

import (
	"fmt"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// The lanes are a drawing of the story: a point for each record, in order,
// on the line of who acted.

const (
	laneHeight = 36
	laneLeft   = 72  // room for names
	laneWidth  = 912 // of a story that fits; a longer one scrolls
	minStep    = 24  // between two records
	maxStep    = 56
	maxLanes   = 120
)

// drawing is the lanes, in pixels.
type drawing struct {
	Width, Height int
	Lanes         []lane
	Points        []point
	Path          string // from record to record
	Ticks         []tick
	Gone          bool // one of them was expunged
}

type lane struct {
	Name string
	Y    int
}

type point struct {
	X, Y  int
	Seq   string
	State string // how the record is known
	Turn  string // hold or stop, where the way turned there
	Title string
}

type tick struct {
	X    int
	Text string
}

var laneNames = []string{"person", "agent", "checker", "gate", "target", "house", laneGone}

// laneOf says on whose line a record stands.
func laneOf(rec *evidence.Record) string {
	family, _, _ := strings.Cut(string(rec.Type), ".")
	switch rec.Type {
	case evidence.TypeAuthorizationDecided, evidence.TypeApprovalRequested, evidence.TypeApprovalConsumed, evidence.TypeActionStarted,
		evidence.TypeDecisionRouted:
		return "gate"
	case evidence.TypeActionRedeemed, evidence.TypeActionRefused, evidence.TypeChangeObserved:
		return "target"
	case evidence.TypeCheckResult:
		return "checker"
	}
	switch {
	case rec.Run == "" || family == "key":
		return "house"
	case rec.Actor.Kind == "human":
		return "person"
	case rec.Actor.Kind == "platform":
		return "gate"
	}
	return "agent"
}

// turnOf says where a record stopped the way, or held it.
func turnOf(t *teller) string {
	switch t.text("verdict") + t.text("decision") + t.text("outcome") {
	case "hold", "person":
		return "hold"
	case "deny", "reject", "expired", "fail", "error", "rejected", "failed":
		return "stop"
	}
	switch t.typ {
	case evidence.TypeActionRefused, evidence.TypeOperationFailed:
		return "stop"
	}
	return ""
}

// draw needs the entries of the run alone. There is no drawing of a story too
// long to be taken in at a glance.
func draw(entries []*entry) *drawing {
	if len(entries) == 0 || len(entries) > maxLanes {
		return nil
	}
	used := map[string]bool{}
	for _, e := range entries {
		used[e.Lane] = true
	}
	d, y := &drawing{}, map[string]int{}
	for _, name := range laneNames {
		if used[name] {
			y[name] = len(d.Lanes)*laneHeight + laneHeight/2
			d.Lanes = append(d.Lanes, lane{name, y[name]})
		}
	}
	d.Height = len(d.Lanes)*laneHeight + 24
	apart := min(max((laneWidth-laneLeft)/len(entries), minStep), maxStep)
	d.Width = max(laneLeft+len(entries)*apart, 320)
	d.plot(entries, y, apart)
	return d
}

func (d *drawing) plot(entries []*entry, y map[string]int, apart int) {
	var path strings.Builder
	before, last, shown := point{}, -laneLeft, ""
	for i, e := range entries {
		p := point{X: laneLeft + i*apart + apart/2, Y: y[e.Lane], Seq: e.Seq, State: e.Known, Turn: e.Turn, Title: e.title()}
		if i == 0 {
			fmt.Fprintf(&path, "M%d %d", p.X, p.Y)
		} else {
			middle := (before.X + p.X) / 2
			fmt.Fprintf(&path, "C%d %d %d %d %d %d", middle, before.Y, middle, p.Y, p.X, p.Y)
		}
		d.Points, d.Gone = append(d.Points, p), d.Gone || e.Gone != nil
		// A time where it is another second, and there is room.
		if at := e.When.Text; at != shown && p.X-last >= laneLeft {
			d.Ticks = append(d.Ticks, tick{p.X, at[max(0, len(at)-9):]})
			last, shown = p.X, at
		}
		before = p
	}
	d.Path = path.String()
}
