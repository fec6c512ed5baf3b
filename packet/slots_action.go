package packet

import (
	"fmt"

	"github.com/evidencefactory/evf/evidence"
)

// action is all that the records say about one action.
type action struct {
	id       string // "" for changes that name no action
	decided  []fact[evidence.AuthorizationDecided]
	started  []fact[evidence.ActionStarted]
	redeemed []fact[evidence.ActionRedeemed]
	finished []fact[evidence.ActionFinished]
	changes  []fact[evidence.ChangeObserved]
}

// last is the gate's last word on the action, nil where it gave none.
func (a *action) last() *fact[evidence.AuthorizationDecided] {
	if len(a.decided) == 0 {
		return nil
	}
	return &a.decided[len(a.decided)-1]
}

// ran reports whether any record says that the action was begun.
func (a *action) ran() bool {
	return len(a.started)+len(a.redeemed)+len(a.finished)+len(a.changes) > 0
}

// denied reports whether the gate's last word was a deny that blocks.
func (a *action) denied() bool {
	last := a.last()
	return last != nil && last.body.Verdict == "deny" && last.body.Mode == "enforce"
}

// deniedBy names the policies that forbid the action, else the reason given.
func (a *action) deniedBy() string {
	var by []string
	for _, p := range a.last().body.Policies {
		if p.Effect == "forbid" {
			by = append(by, p.ID+"@"+p.Version)
		}
	}
	for _, r := range a.last().body.Reasons {
		if len(by) == 0 {
			by = append(by, r.Code)
		}
	}
	if len(by) == 0 {
		return "the gate"
	}
	return some(by, ", ")
}

func (a *action) tool() evidence.Tool {
	switch {
	case len(a.decided) > 0:
		return a.last().body.Tool
	case len(a.started) > 0:
		return a.started[0].body.Tool
	case len(a.redeemed) > 0:
		return a.redeemed[0].body.Tool
	}
	return evidence.Tool{}
}

// name is what people call the action: its tool, else what it changed.
func (a *action) name() string {
	switch {
	case a.tool().Name != "":
		return a.tool().Name
	case len(a.changes) > 0:
		return "the change of " + a.changes[0].body.Target + " entry " + a.changes[0].body.Entry
	}
	return "action " + short(a.id)
}

func (a *action) places() []place {
	var all []place
	all = append(all, places(a.decided)...)
	all = append(all, places(a.started)...)
	all = append(all, places(a.redeemed)...)
	all = append(all, places(a.finished)...)
	return append(all, places(a.changes)...)
}

// actionSlot judges what was done. Reads change nothing, so where there is
// more than reads, a read that went well is not worth lowering the slot for.
func (s *story) actionSlot() Slot {
	b := s.sheet("action")
	effects := false
	for _, a := range s.actions.list {
		effects = effects || a.tool().Impact != "read"
	}
	for _, a := range s.actions.list {
		j := a.judge(s)
		b.cite(a.places()...)
		if effects && a.tool().Impact == "read" && j.state == Declared {
			continue
		}
		b.lower(j.state)
		b.say("%s", j.line)
		if j.close != "" {
			b.gap(j.state, j.line, j.close)
		}
	}
	if b.empty() {
		b.gap(Missing, "no action is on record", "call tools through the gate")
	}
	return b.slot()
}

// judgment is what one action came to.
type judgment struct {
	state State
	line  string
	close string // what would close the gap, "" where there is none
}

// judge takes the strongest word there is: what contradicts, then what the
// target shows, then what the caller says, then what the gate knows.
func (a *action) judge(s *story) judgment {
	if line := a.contradiction(); line != "" {
		return judgment{Contradicted, line, "find out who did it, and open an incident"}
	}
	switch name := a.name(); {
	case len(a.changes) > 0:
		c := a.changes[len(a.changes)-1].body
		return judgment{known(c.Assurance), fmt.Sprintf("%s: entry %s read back from %s", name, c.Entry, c.Target), ""}
	case len(a.finished) > 0:
		return a.reply(name)
	case len(a.redeemed) > 0:
		by := a.redeemed[0].body.Redeemer
		return judgment{Inferred, name + ": begun by " + by + ", outcome unknown", "read " + by + " back and record change.observed"}
	case len(a.started) > 0:
		return judgment{Missing, name + ": outcome unknown", "read the target back and record change.observed"}
	}
	return a.notRun(s)
}

// reply judges an action of which only the caller's word is known.
func (a *action) reply(name string) judgment {
	end := a.finished[len(a.finished)-1]
	if end.body.Status == "unknown" {
		return judgment{Missing, name + ": outcome unknown", "read the target back and record change.observed"}
	}
	line := fmt.Sprintf("%s: %s, as the caller says", name, end.body.Status)
	if a.tool().Impact == "read" || end.body.Status != "succeeded" {
		return judgment{Declared, line, ""}
	}
	server := a.tool().Server
	if server == "" {
		server = "the target"
	}
	return judgment{Declared, fmt.Sprintf("%s; no read-back from %s after %s", line, server, clock(end.at)), "read " + server + " back and record change.observed"}
}

// notRun judges an action that the gate was asked for and that did not begin.
func (a *action) notRun(s *story) judgment {
	last, name := a.last(), a.name()
	state := known(last.body.Assurance)
	if a.denied() {
		return judgment{state, "no action ran: " + name + " was denied by " + a.deniedBy(), ""}
	}
	if last.body.Verdict != "hold" {
		return judgment{Missing, name + ": the gate said " + last.body.Verdict + ", nothing says that it began", "record action.started, or that it was given up"}
	}
	for _, p := range s.approvals.list {
		if len(p.requested) == 0 || p.requested[0].body.Action != a.id {
			continue
		}
		switch what, by := p.outcome(); what {
		case rejected:
			return judgment{state, "no action ran: " + name + " was rejected by " + by[0], ""}
		case expired:
			return judgment{state, "no action ran: nobody approved " + name + " in time", ""}
		case approved:
			return judgment{Missing, name + ": approved, not begun", "ask the gate again, with the approval"}
		}
	}
	return judgment{Missing, name + ": waits for approval", "have the approval decided"}
}

// contradiction is the first thing that records say against each other about
// the action, "" where they agree.
func (a *action) contradiction() string {
	name, last := a.name(), a.last()
	switch {
	case len(a.changes) > 0 && last == nil:
		return name + " was never authorized"
	case a.ran() && last != nil && last.body.Mode == "enforce" && last.body.Verdict != "allow":
		return fmt.Sprintf("%s ran though the gate said %s", name, last.body.Verdict)
	case last != nil && a.otherArgs(last.body.ArgsDigest):
		return name + " ran with other arguments than were decided"
	case a.entries() > 1:
		return fmt.Sprintf("%s was permitted once, and %d entries are read back for it", name, a.entries())
	}
	if n := len(a.finished); n > 0 && len(a.changes) > 0 {
		if status := a.finished[n-1].body.Status; status == "failed" || status == "refused" {
			return fmt.Sprintf("%s %s, as the caller says, and %s shows entry %s", name, status, a.changes[0].body.Target, a.changes[0].body.Entry)
		}
	}
	return ""
}

// entries is how many different entries were read back for the action: a
// permit is leave for one.
func (a *action) entries() int {
	seen := map[string]bool{}
	for _, c := range a.changes {
		seen[c.body.Target+" "+c.body.Entry] = true
	}
	return len(seen)
}

func (a *action) otherArgs(digest evidence.Digest) bool {
	for _, f := range a.started {
		if f.body.ArgsDigest != digest {
			return true
		}
	}
	for _, f := range a.redeemed {
		if f.body.ArgsDigest != digest {
			return true
		}
	}
	return false
}
