// Package reperform decides again. Every decision in a packet, the gate's
// about actions and the rules' about cases, is reached anew from what the
// packet itself holds: the manifest and its policies by digest, the recorded
// request or inputs, and the records before it, which say what the facts were
// then. What comes out is held against what was recorded.
//
// The records are folded as the house folds them, and judged by the code that
// the gate judges with, so that a difference is one of substance: the record
// says something that does not follow from what it rests on. Whether the
// packet is what the log sealed is for package packet to say, and comes first.
// The package is pure.
package reperform

import (
	"fmt"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/packet"
)

// Outcome is what deciding again came to.
type Outcome string

// The outcomes.
const (
	Same        Outcome = "same"
	Different   Outcome = "different"
	NotPossible Outcome = "not-possible" // an input is withheld, or not in the packet
)

// Result is one decision, reached again.
type Result struct {
	Seq      uint64            `json:"seq"`
	Record   evidence.RecordID `json:"record"`
	Type     evidence.Type     `json:"type"`
	Recorded string            `json:"recorded"` // the verdict or route, as recorded
	Outcome  Outcome           `json:"outcome"`
	// Differences are all that could be compared and is not the same. There
	// are some exactly where Outcome is Different.
	Differences []Difference `json:"differences"`
	// Missing says which inputs are not there. Outcome is NotPossible where
	// some are missing and nothing differs.
	Missing []string `json:"missing"`
	Notes   []string `json:"notes"`
}

// Difference is one place where the record does not say what follows.
type Difference struct {
	Pointer  string         `json:"pointer"` // into the record's body
	Recorded evidence.Value `json:"recorded"`
	Now      evidence.Value `json:"now"`
}

// Report is every decision of a packet, in the order of the log.
type Report struct {
	Engine      string   `json:"engine"` // that decided again
	Same        int      `json:"same"`
	Different   int      `json:"different"`
	NotPossible int      `json:"not_possible"`
	Results     []Result `json:"results"`
}

// ExitCode is what a command that re-performs ends with: 0 where every
// decision came out the same, 1 where one differs, 2 where one could not be
// reached.
func (r *Report) ExitCode() int {
	switch {
	case r.Different > 0:
		return 1
	case r.NotPossible > 0:
		return 2
	}
	return 0
}

func (r *Report) add(res Result) {
	switch {
	case len(res.Differences) > 0:
		res.Outcome = Different
		r.Different++
	case len(res.Missing) > 0:
		res.Outcome = NotPossible
		r.NotPossible++
	default:
		res.Outcome = Same
		r.Same++
	}
	r.Results = append(r.Results, res)
}

// Packet reaches every decision of a packet again. It reads the packet as it
// is: hand in one that does not verify, and the report is worth nothing. The
// error says where the packet is not well formed.
func Packet(p *packet.Packet) (*Report, error) {
	report := &Report{Engine: decision.Engine, Results: []Result{}}
	h := newHistory(p)
	for sealed, err := range p.Sealed() {
		if err != nil {
			return nil, err
		}
		if len(sealed.Record) == 0 {
			continue // expunged: of a type that no decision rests on
		}
		it, err := open(sealed)
		if err != nil {
			return nil, err
		}
		if it.rec.Run == p.Statement().Scope.Run {
			switch it.rec.Type {
			case evidence.TypeAuthorizationDecided:
				report.add(h.authorization(it))
			case evidence.TypeDecisionRouted:
				report.add(h.routing(it))
			}
		}
		if err := h.fold(it); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// item is one record with what this reader may see of it.
type item struct {
	seq    uint64
	rec    *evidence.Record
	full   evidence.Value  // the body with disclosed values put back
	closed map[string]bool // pointers of fields that nothing opens
}

func open(s packet.Sealed) (*item, error) {
	leaf, err := evidence.ParseLeaf(s.Leaf)
	if err != nil {
		return nil, err
	}
	it := &item{seq: leaf.Seq, closed: map[string]bool{}}
	if it.rec, err = evidence.ParseRecord(s.Record); err != nil {
		return nil, fmt.Errorf("record %s: %w", leaf.ID, err)
	}
	if it.full, err = evidence.Reveal(it.rec.Body, s.Disclosures); err != nil {
		return nil, fmt.Errorf("record %s: %w", leaf.ID, err)
	}
	for _, w := range it.rec.Withheld {
		it.closed[w.Pointer] = true
	}
	for _, d := range s.Disclosures {
		delete(it.closed, d.Pointer)
	}
	return it, nil
}

func (it *item) result(recorded string) Result {
	return Result{Seq: it.seq, Record: it.rec.ID, Type: it.rec.Type, Recorded: recorded,
		Differences: []Difference{}, Missing: []string{}, Notes: []string{}}
}

func (r *Result) missing(format string, args ...any) {
	r.Missing = append(r.Missing, fmt.Sprintf(format, args...))
}

func (r *Result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}
