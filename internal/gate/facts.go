package gate

import (
	"context"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/workflow"
)

// seen is all stored state that a decision rests on. It is looked at twice:
// when the decision is made, and again in the transaction that records it.
type seen struct {
	workflow  *workflow.Compiled
	identity  manifest.Identity
	author    string // of the manifest's activation
	document  evidence.Digest
	Run       store.Run
	Action    *store.Action // nil for a new one
	Checks    []store.Check
	Route     *store.Route // nil before routing
	Approvals []store.Approval
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
	s.author = registered.Author
	if s.document = document(s.workflow); s.document == "" {
		return s, nil
	}
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
		s.Approvals = append(s.Approvals, ap)
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
// record them: a result is worth what its author is.
func (s *seen) outcomes() map[string]string {
	all := map[string]string{}
	for _, c := range s.Checks {
		who, ok := s.workflow.Identity(c.Identity)
		for id, outcome := range c.Outcomes {
			if ok && who.MayCheck(id) {
				all[id] = outcome
			}
		}
	}
	return all
}

// attested are the values that checkers read from the document themselves.
// Where two differ the value is not attested at all.
func (g *Gate) attested(ctx context.Context, t store.Tenant, s *seen) (map[string]string, error) {
	values, doubted := map[string]string{}, map[string]bool{}
	for _, c := range s.Checks {
		if !c.Attests {
			continue
		}
		list, err := g.attests(ctx, t, c)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if v, ok := values[a.Name]; ok && v != a.Value {
				doubted[a.Name] = true
			}
			values[a.Name] = a.Value
		}
	}
	for name := range doubted {
		delete(values, name)
	}
	return values, nil
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
	values, err := g.attested(ctx, t, s)
	if err != nil {
		return f, err
	}
	f.ArgsUnattested = unattested(s.workflow, a, values)
	f.ArgsAttested = len(f.ArgsUnattested) == 0
	if s.Route != nil {
		f.Routed, f.Route = true, s.Route.To
	}
	for _, ap := range s.Approvals {
		if approval.Usable(ap, args, g.now()) && !slices.Contains(f.Approvals, ap.Name) {
			f.Approvals = append(f.Approvals, ap.Name)
		}
	}
	return f, nil
}

// unattested names the arguments that should equal an attested value and do
// not.
func unattested(c *workflow.Compiled, a Action, values map[string]string) (names []string) {
	t, _ := c.Tool(a.Tool)
	for _, arg := range t.Args {
		if arg.Attested == "" {
			continue
		}
		given, present := a.Args.Get(arg.Name)
		want, known := values[arg.Attested]
		if present && (!known || given.Kind() != evidence.String && given.Kind() != evidence.Number || given.Text() != want) {
			names = append(names, arg.Name)
		}
	}
	return names
}
