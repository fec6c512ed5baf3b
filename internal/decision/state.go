package decision

import (
	"slices"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/store"
)

// State is everything that a decision about one document, or one action, of a
// run rests on.
type State struct {
	Rules     *Rules
	Identity  manifest.Identity // whose action it is
	Author    string            // of the manifest's activation
	Since     uint64            // its seq
	Document  evidence.Digest
	Now       time.Time // the one instant that a decision is made at
	Run       store.Run
	Checks    []store.Check
	Route     *store.Route     // nil before routing
	Action    *store.Action    // nil for a new one
	Approvals []store.Approval // asked for the action: the latest of each name
	Gone      []string         // approvers who may not decide any more
	Stops     []store.Stop     // stop orders in force
	Sources   Sources          // where the arguments may come from, as the caller says

	// Attests are the values that checks attest, by the seq of the check. One
	// that cannot be read is not there, and attests nothing.
	Attests map[uint64][]evidence.Attested
}

// MaxChecks bounds the suites of checks about one document in one run.
const MaxChecks = 64

// Look reads what is known of a document in a run.
func Look(p store.Projections, r *Rules, run store.Run, document evidence.Digest) (*State, error) {
	s := &State{Rules: r, Run: run, Document: document}
	registered, err := store.Load[store.Workflow](p, r.Workflow)
	if err != nil {
		return nil, err
	}
	s.Author, s.Since = registered.Author, registered.Seq
	if s.Stops, err = Stops(p, r.Workflow); err != nil {
		return nil, err
	}
	if s.Checks, err = store.LoadAll[store.Check](p, store.CheckGroup(run.ID, document), "", "", MaxChecks+1); err != nil {
		return nil, err
	}
	if len(s.Checks) > MaxChecks {
		return nil, evidence.Errorf(evidence.Invalid, "/run", "has more than %d suites of checks about one document", MaxChecks)
	}
	route, err := store.Load[store.Route](p, store.RouteID(run.ID, document))
	switch {
	case err == nil:
		s.Route = &route
	case evidence.KindOf(err) != evidence.NotFound:
		return nil, err
	}
	return s, nil
}

// LookAction reads what is known of an action and of the approvals asked for
// it. One that nothing is known of is a new one.
func (s *State) LookAction(p store.Projections, id evidence.ActionID) error {
	act, err := store.Load[store.Action](p, string(id))
	if err != nil {
		if evidence.KindOf(err) == evidence.NotFound {
			return nil
		}
		return err
	}
	s.Action = &act
	for _, id := range act.Approvals {
		ap, err := store.Load[store.Approval](p, id)
		if err != nil {
			return err
		}
		s.Approvals = append(slices.DeleteFunc(s.Approvals, func(old store.Approval) bool { return old.Name == ap.Name }), ap)
	}
	for _, ap := range s.Approvals {
		if err := s.lookApprovers(p, ap); err != nil {
			return err
		}
	}
	return nil
}

// lookApprovers notes who approved and could not do so today.
func (s *State) lookApprovers(p store.Projections, ap store.Approval) error {
	for _, ref := range ap.Approvers {
		who, err := store.Load[store.Person](p, ref)
		if err != nil && evidence.KindOf(err) != evidence.NotFound {
			return err
		}
		if !who.Active || !slices.Contains(who.Roles, ap.Role) {
			s.Gone = append(s.Gone, ref)
		}
	}
	return nil
}

// Same reports whether two looks saw the same state. A row that every record
// replaces whole is known by that record's seq.
func (s *State) Same(o *State) bool {
	return s.Since == o.Since && s.Document == o.Document && s.Run.Calls == o.Run.Calls &&
		slices.EqualFunc(s.Checks, o.Checks, func(a, b store.Check) bool { return a.Seq == b.Seq }) &&
		sameStops(s.Stops, o.Stops) &&
		samePart(s.Route, o.Route, func(a, b *store.Route) bool { return a.Seq == b.Seq }) &&
		samePart(s.Action, o.Action, func(a, b *store.Action) bool { return a.Status == b.Status && a.Decided == b.Decided }) &&
		slices.EqualFunc(s.Approvals, o.Approvals, func(a, b store.Approval) bool {
			return a.ID == b.ID && a.Status == b.Status && slices.Equal(a.Approvers, b.Approvers)
		}) && slices.Equal(s.Gone, o.Gone)
}

func samePart[T any](a, b *T, same func(a, b *T) bool) bool {
	return a == b || a != nil && b != nil && same(a, b)
}

// Routed reports whether the rules were applied to what is known now: by the
// manifest in force, after the latest checks. Else a case could be routed on
// the caller's word, before anyone checked it.
func (s *State) Routed() bool {
	return s.Route != nil && s.Route.Seq > s.Since &&
		!slices.ContainsFunc(s.Checks, func(c store.Check) bool { return c.Seq > s.Route.Seq })
}

// Usable are the approvals that let the action run now, with these arguments.
func (s *State) Usable(args evidence.Digest) (list []store.Approval) {
	for _, ap := range s.Approvals {
		given := ap.Status == store.ApprovalApproved && ap.ArgsDigest == args && evidence.TimeOf(s.Now) < ap.Expires
		if given && s.AsInForce(ap) {
			list = append(list, ap)
		}
	}
	return list
}

// AsInForce reports whether the manifest in force would ask for this very
// approval, and those who gave it could give it today: authority that was
// taken away does not live on in what it approved.
func (s *State) AsInForce(ap store.Approval) bool {
	if slices.ContainsFunc(ap.Approvers, func(ref string) bool { return slices.Contains(s.Gone, ref) }) {
		return false
	}
	m, ok := s.Rules.Approval(ap.Name)
	return ok && ap.Role == m.Role && ap.Quorum == int64(m.Quorum) && slices.Equal(ap.ApartFrom, s.Apart(m.ApartFrom))
}

// Apart names who may not decide: those whom the run goes back to, and who
// wrote the rules it runs under.
func (s *State) Apart(whys []string) (list []evidence.Excluded) {
	who := map[string]string{"initiator": s.Run.Initiator.Ref, "dispatcher": s.Run.Dispatcher.Ref, "author": s.Author}
	for _, why := range whys {
		if who[why] != "" {
			list = append(list, evidence.Excluded{Ref: who[why], Why: why})
		}
	}
	return list
}
