package reperform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/packet"
)

// history is what the records before the one at hand left behind.
type history struct {
	packet *packet.Packet
	rules  map[evidence.Digest]compiled
	state  store.Folded
	checks map[uint64]*attests // by seq
	spent  []*item             // approval.consumed, not folded yet
	broken error               // the records do not follow one another: some are not here
}

// compiled is a manifest of the packet, or why it cannot be decided by.
type compiled struct {
	*decision.Rules
	err error
}

// attests is what a check vouches for, and which of it this reader cannot see.
type attests struct {
	record evidence.RecordID
	values []evidence.Attested
	closed []string
}

func newHistory(p *packet.Packet) *history {
	return &history{packet: p, rules: map[evidence.Digest]compiled{}, checks: map[uint64]*attests{}}
}

// fold carries a record into the state. An approval is spent in the batch of
// the decision that it lets through, before it in the log, though the decision
// was reached while it was still good: so it waits for that decision.
func (h *history) fold(it *item) error {
	if it.rec.Type == evidence.TypeApprovalConsumed {
		h.spent = append(h.spent, it)
		return nil
	}
	for _, each := range append(h.spent, it) {
		if h.broken == nil {
			h.broken = store.Fold(&h.state, each.seq, each.rec)
		}
	}
	h.spent = nil
	if it.rec.Type == evidence.TypeCheckResult {
		return h.keep(it)
	}
	return nil
}

// keep notes what a check attests.
func (h *history) keep(it *item) error {
	body, err := evidence.Decode[evidence.CheckResult](it.full)
	if err != nil {
		return fmt.Errorf("record %s: %w", it.rec.ID, err)
	}
	a := &attests{record: it.rec.ID, values: body.Attests}
	for pointer := range it.closed {
		if strings.HasPrefix(pointer, "/attests/") {
			a.closed = append(a.closed, pointer)
		}
	}
	slices.Sort(a.closed)
	h.checks[it.seq] = a
	return nil
}

// under is the manifest that a record was made under; nil, with the reason
// said, where it cannot be decided by.
func (h *history) under(it *item, res *Result) *decision.Rules {
	if it.rec.Workflow == nil {
		res.missing("the record names no manifest")
		return nil
	}
	digest := it.rec.Workflow.Digest
	c, known := h.rules[digest]
	if !known {
		source, _ := h.packet.Object(digest)
		c.Rules, c.err = decision.Compile(source)
		h.rules[digest] = c
	}
	if c.err != nil {
		first, _, _ := strings.Cut(c.err.Error(), "\n")
		res.missing("manifest %s is not here, or not one that this evf can read: %s", digest, first)
		return nil
	}
	return c.Rules
}

// look is the state that a decision about a document was reached from; nil,
// with the reason said, where the packet does not show it.
func (h *history) look(it *item, rules *decision.Rules, document evidence.Digest, res *Result) *decision.State {
	if h.broken != nil {
		res.missing("records before this one are not here: %v", h.broken)
		return nil
	}
	registered, err := store.Load[store.Workflow](&h.state, rules.Workflow)
	if err == nil && registered.Digest != it.rec.Workflow.Digest {
		err = fmt.Errorf("the last manifest put in force is %s", registered.Digest)
	}
	if err != nil {
		res.missing("the activation of manifest %s is not here: %v", it.rec.Workflow.Digest, err)
		return nil
	}
	run, err := store.Load[store.Run](&h.state, string(it.rec.Run))
	if err != nil {
		res.missing("the beginning of the run is not here: %v", err)
		return nil
	}
	s, err := decision.Look(&h.state, rules, run, document)
	if err != nil {
		res.missing("what is known of the document cannot be gathered: %v", err)
		return nil
	}
	return s
}

// attested gives the state what its checks attest. It reports whether this
// reader may see all of it, and says what they may not.
func (h *history) attested(s *decision.State, res *Result) (all bool) {
	s.Attests, all = map[uint64][]evidence.Attested{}, true
	for _, c := range s.Vouching() {
		a := h.checks[c.Seq]
		s.Attests[c.Seq] = a.values
		for _, pointer := range a.closed {
			all = false
			res.missing("%s of check.result %s is withheld: what was attested cannot be said", pointer, a.record)
		}
	}
	return all
}

// registered reports whether the packet shows who could approve at the time,
// and says of whom it does not.
func (h *history) registered(s *decision.State, res *Result) (all bool) {
	all = true
	for _, ap := range s.Approvals {
		for _, ref := range ap.Approvers {
			if _, err := store.Load[store.Person](&h.state, ref); err != nil {
				all = false
				res.missing("the registration of %s is not here: whether they could still approve cannot be said", ref)
			}
		}
	}
	return all
}
