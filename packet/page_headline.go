package packet

import (
	"fmt"
	"slices"

	"github.com/evidencefactory/evf/evidence"
)

// The headline is one sentence from the person to the effect, out of typed
// fields of the records it rests on.

// headline needs a teller for each record of the run, by its id.
func headline(s *story, tellers map[evidence.RecordID]*teller) []part {
	parts := who(s, tellers)
	if d := oversaw(s, tellers); d != nil {
		parts = append(append(parts, part{Words: "; "}), d...)
	}
	parts = append(append(parts, part{Words: "; "}), effect(s, tellers)...)
	return append(parts, part{Words: "."})
}

func who(s *story, tellers map[evidence.RecordID]*teller) []part {
	if len(s.started) == 0 {
		return []part{{Words: "No record says who started this run"}}
	}
	t := tellers[s.started[0].id]
	if t.root.at("/workflow/name") == nil {
		return t.say("{who:initiator/ref} started a run of no workflow")
	}
	return t.say("{who:initiator/ref} started a run of {@workflow/name}")
}

// oversaw tells what people decided: the last approval that was asked for, and
// how many there were.
func oversaw(s *story, tellers map[evidence.RecordID]*teller) (parts []part) {
	n := len(s.approvals.list)
	if n == 0 {
		return unasked(s, tellers)
	}
	a := s.approvals.list[n-1]
	what, _ := a.outcome()
	switch {
	case len(a.decided) > 0 && (what == approved || what == rejected):
		words := map[string]string{approved: "{who:approver} approved it", rejected: "{who:approver} rejected it"}[what]
		parts = tellers[a.decided[len(a.decided)-1].id].say(words)
	case what == expired:
		parts = []part{{Words: "nobody decided in time, which denies it"}}
	case len(a.requested) > 0:
		parts = tellers[a.requested[0].id].say("it waits for {role} to decide until {time:expires}")
	}
	if n > 1 {
		parts = append(parts, part{Words: fmt.Sprintf(" (the last of %d approvals)", n)})
	}
	return parts
}

// unasked tells how it came that nobody was asked.
func unasked(s *story, tellers map[evidence.RecordID]*teller) []part {
	denied, last := s.allDenied(), (*fact[evidence.AuthorizationDecided])(nil)
	for _, a := range s.actions.list {
		if d := a.last(); d != nil {
			last = d
		}
	}
	switch {
	case last == nil:
		return nil
	case denied:
		return tellers[last.id].say("the gate denied {identity} the call of {tool/server}/{tool/name}")
	case last.body.Verdict == "hold":
		return tellers[last.id].say("the gate holds it for {list:require}")
	}
	return []part{{Words: "no person had to decide"}}
}

// effect tells what the run did: the strongest word about its last action.
func effect(s *story, tellers map[evidence.RecordID]*teller) []part {
	var read, said, begun evidence.RecordID
	n := 0
	for _, a := range s.actions.list {
		n += a.entries()
		if len(a.changes) > 0 {
			read = a.changes[len(a.changes)-1].id
		}
		if len(a.finished) > 0 && a.tool().Impact != "read" {
			said = a.finished[len(a.finished)-1].id
		}
		if len(a.started) > 0 && a.tool().Impact != "read" {
			begun = a.started[len(a.started)-1].id
		}
	}
	switch {
	case read == "" && slices.ContainsFunc(s.gone, func(g Gone) bool { return g.Type == evidence.TypeChangeObserved }):
		return []part{{Words: "what was read back from the target was expunged by authority"}}
	case read != "":
		parts := tellers[read].say("{target} shows entry {entry}")
		if n > 1 {
			parts = append(parts, part{Words: fmt.Sprintf(", the last of %d", n)})
		}
		return parts
	case said != "":
		return tellers[said].say("{@actor/ref} says that its action {status}, and nobody read the target back")
	case begun != "":
		return tellers[begun].say("{tool/server}/{tool/name} was begun, and no record says what came of it")
	}
	for _, f := range s.extracted {
		if !f.body.Readable {
			return tellers[f.id].say("{extractor} could not read the document, and no record shows a change")
		}
	}
	return []part{{Words: "no record shows a change"}}
}
