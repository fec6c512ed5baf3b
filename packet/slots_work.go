package packet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// The slots that the workflow's own work fills.

func (s *story) inputsSlot() Slot {
	b := s.sheet("inputs")
	b.cite(places(s.referenced)...)
	var documents []string
	for _, f := range s.referenced {
		b.lower(known(f.body.Assurance))
		if d := short(string(f.body.Document)); !slices.Contains(documents, d) {
			documents = append(documents, d)
		}
	}
	if b.empty() {
		b.gap(Missing, "no record says what the run worked on", "record input.referenced for each document")
	}
	if len(documents) > 0 {
		b.say("%s: %s", count(len(documents), "document"), some(documents, ", "))
	}
	return b.slot()
}

func (s *story) extractionSlot() Slot {
	b := s.sheet("extraction")
	b.cite(places(s.extracted)...)
	fields, unreadable := 0, 0
	documents := map[evidence.Digest]bool{}
	for _, f := range latest(s.extracted, func(e evidence.FieldsExtracted) string { return e.Extractor + " " + string(e.Document) }) {
		b.lower(known(f.body.Assurance))
		if !f.body.Readable {
			unreadable++
			continue
		}
		fields += len(f.body.Fields)
		documents[f.body.Document] = true
	}
	if len(documents) > 0 {
		b.say("%s of %s", count(fields, "field"), count(len(documents), "document"))
	}
	if unreadable > 0 {
		b.say("%s not readable", count(unreadable, "document"))
	}
	if b.empty() {
		b.gap(Missing, "no record says what was read out of a document", "record fields.extracted for each document")
	}
	return b.slot()
}

func (s *story) validationSlot() Slot {
	b := s.sheet("validation")
	b.cite(places(s.checked)...)
	passed, judged, other := 0, 0, 0
	var failed []string
	for _, f := range latest(s.checked, func(c evidence.CheckResult) string { return c.Suite + " " + string(c.Document) }) {
		b.lower(known(f.body.Assurance))
		if f.body.Outcome == "error" {
			b.gap(Missing, fmt.Sprintf("suite %s ended in an error", f.body.Suite), "run the suite again on document "+short(string(f.body.Document)))
		}
		for _, c := range f.body.Checks {
			switch c.Outcome {
			case "pass":
				passed, judged = passed+1, judged+1
			case "not-applicable":
				other++
			default:
				judged++
				failed = append(failed, f.body.Suite+"/"+c.Check)
			}
		}
	}
	if b.empty() {
		b.gap(Missing, "no check of the input is on record", "let a validator record check.result")
		return b.slot()
	}
	b.say("%d of %d checks passed", passed, judged)
	if len(failed) > 0 {
		b.say("not passed: %s", some(failed, ", "))
	}
	if other > 0 {
		b.say("%d not applicable", other)
	}
	return b.slot()
}

func (s *story) routingSlot() Slot {
	b := s.sheet("routing")
	b.cite(places(s.routed)...)
	for _, f := range s.latestRoutes() {
		b.lower(known(f.body.Assurance))
		if f.body.Outcome == "straight-through" {
			b.say("straight through")
			continue
		}
		var rules []string
		for _, r := range f.body.Rules {
			if r.Matched {
				rules = append(rules, fmt.Sprintf("%s@%d", r.Rule, r.Version))
			}
		}
		line := "to " + some(f.body.To, ", ")
		if len(rules) > 0 {
			line += " by " + some(rules, ", ")
		}
		b.say("%s", line)
	}
	if b.empty() {
		b.gap(Missing, "no rule decided where the case goes", "route the case with the rules of the workflow's manifest")
	}
	return b.slot()
}

func (s *story) latestRoutes() []fact[evidence.DecisionRouted] {
	return latest(s.routed, func(d evidence.DecisionRouted) string { return string(d.Document) })
}

func (s *story) identitySlot() Slot {
	b := s.sheet("identity")
	b.cite(places(s.started)...)
	for _, f := range s.started {
		b.lower(known(f.body.Assurance))
		b.say("%s started the run for %s (%s)", f.body.Identity, f.body.Initiator.Ref, f.body.Initiator.Kind)
	}
	var grants []string
	for _, a := range s.actions.list {
		b.cite(places(a.decided)...)
		for _, f := range a.decided {
			b.lower(known(f.body.Assurance))
			if who := f.body.Identity + " under grant " + f.body.Grant; !slices.Contains(grants, who) {
				grants = append(grants, who)
			}
		}
	}
	if len(grants) > 0 {
		b.say("acted as %s", some(grants, ", "))
	}
	if len(s.started) == 0 {
		b.gap(Missing, "no record says who started the run", "start runs through the house, which records run.started")
	}
	return b.slot()
}

func (s *story) operationSlot() Slot {
	b := s.sheet("operation")
	b.cite(places(s.failed)...)
	b.cite(places(s.retried)...)
	b.cite(places(s.recovered)...)
	b.cite(places(s.ended)...)
	if n := len(s.ended); n > 0 {
		end := s.ended[n-1].body
		b.lower(known(end.Assurance))
		b.say("the run ended %s", end.Outcome)
	} else {
		b.gap(Missing, "no record says how the run ended", "end the run")
	}
	b.say("%s", s.failures(b))
	return b.slot()
}

// failures counts operations that failed, and those that came right again.
func (s *story) failures(b *sheet) string {
	healed := map[string]bool{}
	for _, f := range s.recovered {
		b.lower(known(f.body.Assurance))
		healed[f.body.Operation+" "+f.body.Action] = true
	}
	var open []string
	for _, f := range s.failed {
		b.lower(known(f.body.Assurance))
		if !healed[f.body.Operation+" "+f.body.Action] && !slices.Contains(open, f.body.Operation) {
			open = append(open, f.body.Operation)
		}
	}
	if len(s.failed) == 0 {
		return "no failure on record"
	}
	line := []string{count(len(s.failed), "failure"), count(len(s.recovered), "recovery")}
	if len(s.recovered) > 1 {
		line[1] = fmt.Sprintf("%d recoveries", len(s.recovered))
	}
	if len(open) > 0 {
		line = append(line, "not recovered: "+some(open, ", "))
	}
	return strings.Join(line, ", ")
}
