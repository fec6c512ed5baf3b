package packet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// approval is all that the records say about one approval.
type approval struct {
	id        string
	requested []fact[evidence.ApprovalRequested]
	viewed    []fact[evidence.ApprovalViewed]
	decided   []fact[evidence.ApprovalDecided]
	consumed  []fact[evidence.ApprovalConsumed]
}

// What became of an approval.
const (
	waiting  = "waiting"
	approved = "approved"
	rejected = "rejected"
	expired  = "expired"
)

// outcome is what became of the approval, and who decided it so.
func (a *approval) outcome() (what string, by []string) {
	for _, d := range a.decided {
		switch d.body.Decision {
		case "reject":
			return rejected, []string{d.body.Approver}
		case "expired":
			return expired, nil
		}
		if !slices.Contains(by, d.body.Approver) {
			by = append(by, d.body.Approver)
		}
	}
	if int64(len(by)) < a.quorum() {
		return waiting, by
	}
	return approved, by
}

func (a *approval) quorum() int64 {
	if len(a.requested) == 0 {
		return 1
	}
	return max(1, a.requested[0].body.Quorum)
}

func (s *story) authorizationSlot() Slot {
	b := s.sheet("authorization")
	verdicts := map[string]int{}
	decisions, unblocked := 0, 0
	for _, a := range s.actions.list {
		b.cite(places(a.decided)...)
		for _, f := range a.decided {
			b.lower(known(f.body.Assurance))
			verdicts[f.body.Verdict]++
			decisions++
			if f.body.Mode != "enforce" {
				unblocked++
			}
		}
		if len(a.decided) == 0 && a.ran() {
			b.gap(Missing, a.name()+" has no decision of the gate", "call tools through the gate")
		}
	}
	if decisions > 0 {
		var parts []string
		for _, verdict := range []string{"hold", "deny", "allow"} {
			if n := verdicts[verdict]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, verdict))
			}
		}
		b.say("%s: %s", count(decisions, "decision"), strings.Join(parts, ", "))
	}
	if unblocked > 0 {
		b.say("%d of them in a mode that blocks nothing", unblocked)
	}
	if b.empty() {
		b.gap(Missing, "no action was asked of the gate", "call tools through the gate")
	}
	return b.slot()
}

// oversightSlot judges what people had to decide and did. Where nobody had to,
// a decision of the gate or a route must say so: silence is no evidence of it.
func (s *story) oversightSlot() Slot {
	b := s.sheet("oversight")
	for _, a := range s.approvals.list {
		a.judge(b)
	}
	for _, a := range s.actions.list {
		s.demanded(b, a)
	}
	s.routedToNobody(b)
	if b.empty() {
		s.nothingDemanded(b)
	}
	return b.slot()
}

func (a *approval) judge(b *sheet) {
	b.cite(places(a.requested)...)
	b.cite(places(a.viewed)...)
	b.cite(places(a.decided)...)
	b.cite(places(a.consumed)...)
	for _, f := range a.decided {
		b.lower(known(f.body.Assurance))
	}
	if len(a.requested) == 0 {
		b.gap(Missing, "the request for approval "+short(a.id)+" is not here", "add its approval.requested to the packet")
		return
	}
	asked := a.requested[0].body
	what, by := a.outcome()
	switch what {
	case approved:
		b.say("approved by %s as %s", some(by, ", "), asked.Role)
	case rejected:
		b.say("rejected by %s as %s", by[0], asked.Role)
	case expired:
		b.say("nobody decided by %s, which denies", clock(asked.Expires))
	case waiting:
		reason := fmt.Sprintf("waits for %s until %s", asked.Role, clock(asked.Expires))
		if a.quorum() > 1 {
			reason += fmt.Sprintf(" (%d of %d have approved)", len(by), a.quorum())
		}
		b.say("%s", reason)
		b.gap(Missing, reason, fmt.Sprintf("have %s decide approval %s in the inbox", asked.Role, short(a.id)))
	}
	a.contradictions(b, asked, what)
	a.unseen(b)
}

// contradictions finds a decision that was not about what was asked, or not
// theirs to make.
func (a *approval) contradictions(b *sheet, asked evidence.ApprovalRequested, what string) {
	const look = "open an incident: the gate should never let this pass"
	for _, d := range a.decided {
		if d.body.Decision == "expired" {
			continue
		}
		if d.body.Presentation != asked.Presentation || d.body.Action != asked.Action {
			b.gap(Contradicted, d.body.Approver+" decided on another presentation or action than was asked about", look)
		}
		for _, not := range asked.ApartFrom {
			if not.Ref == d.body.Approver {
				b.gap(Contradicted, fmt.Sprintf("%s decided, who may not: %s", not.Ref, not.Why), look)
			}
		}
	}
	for _, c := range a.consumed {
		if what != approved {
			b.gap(Contradicted, "approval "+short(a.id)+" was spent and never given", look)
		}
		if c.body.Action != asked.Action || c.body.ArgsDigest != asked.ArgsDigest {
			b.gap(Contradicted, "approval "+short(a.id)+" was spent on another action or other arguments", look)
		}
	}
}

// unseen finds approvers who are not on record as having been shown what they
// approved: that they saw it follows only from their decision naming it.
func (a *approval) unseen(b *sheet) {
	for _, d := range a.decided {
		shown := slices.ContainsFunc(a.viewed, func(v fact[evidence.ApprovalViewed]) bool {
			return v.body.Viewer == d.body.Approver && v.body.Presentation == d.body.Presentation && v.n < d.n
		})
		if d.body.Decision == "approve" && !shown {
			b.gap(Inferred, "no record that "+d.body.Approver+" was shown what they approved", "have approvers decide on the page of the request, which records approval.viewed")
		}
	}
}

// demanded finds what the gate's last word on an action rests on or waits for,
// and nobody was asked.
func (s *story) demanded(b *sheet, a *action) {
	last := a.last()
	if last == nil {
		return
	}
	asked := slices.ContainsFunc(s.approvals.list, func(p *approval) bool {
		return slices.ContainsFunc(p.requested, func(r fact[evidence.ApprovalRequested]) bool { return r.body.Action == a.id })
	})
	if last.body.Verdict == "hold" && !asked {
		b.cite(last.place)
		b.gap(Missing, fmt.Sprintf("the hold on %s asks for %s, and nobody was asked", a.name(), some(last.body.Require, ", ")), "let the gate request the approval")
	}
	if last.body.Verdict != "allow" {
		return
	}
	for _, id := range last.body.Approvals {
		if s.approvals.byID[id] == nil {
			b.cite(last.place)
			b.gap(Missing, fmt.Sprintf("approval %s let %s pass and is not here", short(id), a.name()), "add its records to the packet")
		} else if what, _ := s.approvals.byID[id].outcome(); what != approved {
			b.cite(last.place)
			b.gap(Contradicted, fmt.Sprintf("approval %s let %s pass and was never given", short(id), a.name()), "open an incident: the gate should never let this pass")
		}
	}
}

// routedToNobody finds a case that rules sent to a person whom nobody asked,
// unless the gate denied all that was to be done.
func (s *story) routedToNobody(b *sheet) {
	if len(s.approvals.list) > 0 || len(b.gaps) > 0 || s.allDenied() {
		return
	}
	for _, f := range s.latestRoutes() {
		if f.body.Outcome == "person" {
			b.cite(f.place)
			b.gap(Missing, fmt.Sprintf("routed to %s, and nobody was asked", some(f.body.To, ", ")), "ask the gate for the action, which requests the approval")
		}
	}
}

func (s *story) nothingDemanded(b *sheet) {
	for _, a := range s.actions.list {
		b.cite(places(a.decided)...)
		for _, f := range a.decided {
			b.lower(known(f.body.Assurance))
		}
	}
	if s.allDenied() {
		b.say("no approval was asked for: %s", s.denials())
		return
	}
	if b.empty() {
		for _, f := range s.latestRoutes() {
			b.cite(f.place)
			b.lower(known(f.body.Assurance))
		}
	}
	if b.empty() {
		b.gap(Missing, "no record says whether a person had to decide", "route the case, or ask the gate before acting")
		return
	}
	b.say("no approval was required (straight-through)")
}

// allDenied reports whether the gate's last word on every action was deny.
func (s *story) allDenied() bool {
	denied := 0
	for _, a := range s.actions.list {
		if last := a.last(); last == nil || !a.denied() {
			return false
		}
		denied++
	}
	return denied > 0
}

func (s *story) denials() string {
	var list []string
	for _, a := range s.actions.list {
		if line := a.name() + " was denied by " + a.deniedBy(); !slices.Contains(list, line) {
			list = append(list, line)
		}
	}
	return some(list, ", ")
}
