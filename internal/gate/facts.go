package gate

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/workflow"
)

// seen is all stored state that a decision rests on. It is looked at twice:
// when the decision is made, and again in the transaction that records it.
type seen struct {
	workflow  *workflow.Compiled
	identity  manifest.Identity
	author    string // of the manifest's activation
	since     uint64 // its seq
	document  evidence.Digest
	now       time.Time // the one instant that a decision is made at
	Run       store.Run
	Action    *store.Action // nil for a new one
	Checks    []store.Check
	Route     *store.Route     // nil before routing
	Approvals []store.Approval // asked for the action: the latest of each name
	gone      []string         // approvers who may not decide any more
}

// same reports whether two looks saw the same state. A row that every record
// replaces whole is known by that record's seq.
func (s *seen) same(o *seen) bool {
	return s.since == o.since && s.workflow.Digest() == o.workflow.Digest() && s.document == o.document &&
		s.Run.Calls == o.Run.Calls &&
		slices.EqualFunc(s.Checks, o.Checks, func(a, b store.Check) bool { return a.Seq == b.Seq }) &&
		samePart(s.Route, o.Route, func(a, b *store.Route) bool { return a.Seq == b.Seq }) &&
		samePart(s.Action, o.Action, func(a, b *store.Action) bool { return a.Status == b.Status && a.Decided == b.Decided }) &&
		slices.EqualFunc(s.Approvals, o.Approvals, func(a, b store.Approval) bool {
			return a.ID == b.ID && a.Status == b.Status && slices.Equal(a.Approvers, b.Approvers)
		}) && slices.Equal(s.gone, o.gone)
}

func samePart[T any](a, b *T, same func(a, b *T) bool) bool {
	return a == b || a != nil && b != nil && same(a, b)
}

// maxChecks bounds the suites of checks about one document in one run.
const maxChecks = 64

// look reads what a decision about an action rests on.
func (g *Gate) look(tx store.Tx, by *identity.Caller, a Action) (*seen, error) {
	s, err := g.lookAt(tx, by, a.Run, func(c *workflow.Compiled) evidence.Digest { return subject(c, a) })
	if err != nil {
		return nil, err
	}
	return s, s.lookAction(tx, by, a)
}

// lookAt reads what is known of one document in a run.
func (g *Gate) lookAt(tx store.Tx, by *identity.Caller, run evidence.RunID, document func(*workflow.Compiled) evidence.Digest) (s *seen, err error) {
	s = &seen{}
	if s.workflow, s.identity, err = g.threads.Standing(tx, by); err != nil {
		return nil, err
	}
	if s.Run, err = g.threads.Open(tx, by, run); err != nil {
		return nil, err
	}
	registered, err := store.Load[store.Workflow](tx, s.workflow.Workflow)
	if err != nil {
		return nil, err
	}
	s.author, s.since = registered.Author, registered.Seq
	s.document = document(s.workflow)
	if s.Checks, err = store.LoadAll[store.Check](tx, store.CheckGroup(run, s.document), "", "", maxChecks+1); err != nil {
		return nil, err
	}
	if len(s.Checks) > maxChecks {
		return nil, evidence.Errorf(evidence.Invalid, "/run", "has more than %d suites of checks about one document", maxChecks)
	}
	route, err := store.Load[store.Route](tx, store.RouteID(run, s.document))
	switch {
	case err == nil:
		s.Route = &route
	case evidence.KindOf(err) != evidence.NotFound:
		return nil, err
	}
	return s, nil
}

func (s *seen) lookAction(tx store.Tx, by *identity.Caller, a Action) error {
	act, err := store.Load[store.Action](tx, string(a.ID))
	if err != nil {
		if evidence.KindOf(err) == evidence.NotFound {
			return nil
		}
		return err
	}
	if act.Run != a.Run || act.Identity != by.Identity || act.Server+"/"+act.Tool != a.Tool {
		return evidence.Errorf(evidence.Conflict, "/id", "action %s was asked for otherwise: use a new id", a.ID)
	}
	s.Action = &act
	for _, id := range act.Approvals {
		ap, err := store.Load[store.Approval](tx, id)
		if err != nil {
			return err
		}
		s.Approvals = append(slices.DeleteFunc(s.Approvals, func(old store.Approval) bool { return old.Name == ap.Name }), ap)
	}
	for _, ap := range s.Approvals {
		if err := s.lookApprovers(tx, ap); err != nil {
			return err
		}
	}
	return nil
}

// lookApprovers notes who approved and could not do so today.
func (s *seen) lookApprovers(tx store.Tx, ap store.Approval) error {
	for _, ref := range ap.Approvers {
		p, err := store.Load[store.Person](tx, ref)
		if err != nil && evidence.KindOf(err) != evidence.NotFound {
			return err
		}
		if !p.Active || !slices.Contains(p.Roles, ap.Role) {
			s.gone = append(s.gone, ref)
		}
	}
	return nil
}

// subject is the digest of the document that an action is about, "" for none.
func subject(c *workflow.Compiled, a Action) evidence.Digest {
	t, ok := c.Tool(a.Tool)
	if !ok || t.Subject == "" {
		return ""
	}
	v, _ := a.Args.Get(t.Subject)
	if d := evidence.Digest(v.Text()); d.Valid() {
		return d
	}
	return ""
}

// outcomes are the results of checks by id, from identities that may still
// record them. Of two about one id, the one that did not pass counts.
func (s *seen) outcomes() map[string]string {
	all := map[string]string{}
	for _, c := range s.Checks {
		for id, outcome := range thread.Counted(s.workflow, c) {
			if have, twice := all[id]; !twice || passes(have) {
				all[id] = outcome
			}
		}
	}
	return all
}

func passes(outcome string) bool {
	return outcome == manifest.OutcomePass || outcome == manifest.OutcomeNotApplicable
}

// routed reports whether the rules were applied to what is known now: by the
// manifest in force, after the latest checks. Else a case could be routed on
// the caller's word, before anyone checked it.
func (s *seen) routed() bool {
	return s.Route != nil && s.Route.Seq > s.since &&
		!slices.ContainsFunc(s.Checks, func(c store.Check) bool { return c.Seq > s.Route.Seq })
}

// attestation is what checkers read from a document themselves.
type attestation struct {
	values  map[string]string
	doubted map[string]bool // two checkers say different things: nobody knows
}

// attested gathers the values of checkers who may still vouch for them.
func (g *Gate) attested(ctx context.Context, t store.Tenant, s *seen) (attestation, error) {
	known := attestation{map[string]string{}, map[string]bool{}}
	for _, c := range s.Checks {
		who, _ := s.workflow.Identity(c.Identity)
		if !c.Attests || !thread.Vouches(who, c.Suite) {
			continue
		}
		list, err := g.attests(ctx, t, c)
		if err != nil {
			return known, err
		}
		for _, a := range list {
			if v, ok := known.values[a.Name]; ok && v != a.Value {
				known.doubted[a.Name] = true
			}
			known.values[a.Name] = a.Value
		}
	}
	for name := range known.doubted {
		delete(known.values, name)
	}
	return known, nil
}

func (g *Gate) attests(ctx context.Context, t store.Tenant, c store.Check) ([]evidence.Attested, error) {
	var rows []store.Row
	err := t.View(ctx, func(tx store.Tx) (err error) {
		rows, err = tx.Rows(c.Seq, 1)
		return err
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	o, err := g.rec.Open(ctx, t.ID(), rows[0])
	if err != nil {
		return nil, err
	}
	if len(o.Erased) > 0 {
		return nil, nil // what cannot be read is not attested
	}
	body, err := evidence.Decode[evidence.CheckResult](o.Full)
	return body.Attests, err
}

// facts computes what policies may rely on.
func (g *Gate) facts(ctx context.Context, t store.Tenant, s *seen, a Action, args evidence.Digest) (policy.Facts, error) {
	f := policy.Facts{CallsInRun: s.Run.Calls, InitiatorKind: s.Run.Initiator.Kind}
	f.ChecksPassed, f.ChecksFailed, f.ChecksMissing = s.workflow.RequiredChecks(a.Tool, s.outcomes())
	known, err := g.attested(ctx, t, s)
	if err != nil {
		return f, err
	}
	f.ArgsUnattested = unattested(s.workflow, a, known.values)
	f.ArgsAttested = len(f.ArgsUnattested) == 0
	if s.routed() {
		f.Routed, f.Route = true, s.Route.To
	}
	for _, ap := range s.usable(args) {
		f.Approvals = append(f.Approvals, ap.Name)
	}
	return f, nil
}

// usable are the approvals that let the action run now.
func (s *seen) usable(args evidence.Digest) (list []store.Approval) {
	for _, ap := range s.Approvals {
		if approval.Usable(ap, args, s.now) && s.asInForce(ap) {
			list = append(list, ap)
		}
	}
	return list
}

// asInForce reports whether the manifest in force would ask for this very
// approval, and those who gave it could give it today: authority that was
// taken away does not live on in what it approved.
func (s *seen) asInForce(ap store.Approval) bool {
	if slices.ContainsFunc(ap.Approvers, func(ref string) bool { return slices.Contains(s.gone, ref) }) {
		return false
	}
	m, ok := s.workflow.Approval(ap.Name)
	return ok && ap.Role == m.Role && ap.Quorum == int64(m.Quorum) && slices.Equal(ap.ApartFrom, s.apart(m.ApartFrom))
}

// unattested names the arguments that should equal an attested value and do
// not. One left out does not equal the value that was attested for it.
func unattested(c *workflow.Compiled, a Action, values map[string]string) (names []string) {
	t, _ := c.Tool(a.Tool)
	for _, arg := range t.Args {
		if arg.Attested == "" {
			continue
		}
		given, present := a.Args.Get(arg.Name)
		want, known := values[arg.Attested]
		if text, plain := plainText(given); present != known || present && (!plain || text != want) {
			names = append(names, arg.Name)
		}
	}
	return names
}

// plainText is a scalar as checkers write it.
func plainText(v evidence.Value) (text string, plain bool) {
	switch v.Kind() {
	case evidence.String, evidence.Number:
		return v.Text(), true
	case evidence.Bool:
		return strconv.FormatBool(v.IsTrue()), true
	}
	return "", false
}
