package packet

import "github.com/evidencefactory/evf/evidence"

// story keeps of a run's records what the slots are judged by.
type story struct {
	n          int // records so far
	gone       []Gone
	started    []fact[evidence.RunStarted]
	ended      []fact[evidence.RunEnded]
	referenced []fact[evidence.InputReferenced]
	extracted  []fact[evidence.FieldsExtracted]
	checked    []fact[evidence.CheckResult]
	routed     []fact[evidence.DecisionRouted]
	failed     []fact[evidence.OperationFailed]
	retried    []fact[evidence.OperationRetried]
	recovered  []fact[evidence.OperationRecovered]
	approvals  threads[approval]
	actions    threads[action]
}

// fact is the clear part of one record's body.
type fact[T any] struct {
	place
	at   evidence.Time // as the source says it occurred
	body T
}

// threads are the things that several records speak of, by id, in the order
// they first come up.
type threads[T any] struct {
	byID map[string]*T
	list []*T
}

// of is the thing with the id, begun where it is new.
func (t *threads[T]) of(id string, begin func() *T) *T {
	if t.byID == nil {
		t.byID = map[string]*T{}
	}
	if t.byID[id] == nil {
		t.byID[id] = begin()
		t.list = append(t.list, t.byID[id])
	}
	return t.byID[id]
}

func (s *story) approval(id string) *approval {
	return s.approvals.of(id, func() *approval { return &approval{id: id} })
}

// action with id "" gathers the changes that name none.
func (s *story) action(id string) *action {
	return s.actions.of(id, func() *action { return &action{id: id} })
}

// read hands a record's facts on, if its body is what its type says.
func read[T any](s *story, rec *evidence.Record, to func(fact[T])) {
	if body, err := evidence.Decode[T](rec.Body); err == nil {
		to(fact[T]{place{s.n, rec.ID}, rec.Occurred, body})
	}
}

func keep[T any](s *story, list *[]fact[T], rec *evidence.Record) {
	read(s, rec, func(f fact[T]) { *list = append(*list, f) })
}

func (s *story) add(rec *evidence.Record) {
	s.n++
	s.addWork(rec)
	s.addOversight(rec)
	s.addAction(rec)
}

func (s *story) addWork(rec *evidence.Record) {
	switch rec.Type {
	case evidence.TypeRunStarted:
		keep(s, &s.started, rec)
	case evidence.TypeRunEnded:
		keep(s, &s.ended, rec)
	case evidence.TypeInputReferenced:
		keep(s, &s.referenced, rec)
	case evidence.TypeFieldsExtracted:
		keep(s, &s.extracted, rec)
	case evidence.TypeCheckResult:
		keep(s, &s.checked, rec)
	case evidence.TypeDecisionRouted:
		keep(s, &s.routed, rec)
	case evidence.TypeOperationFailed:
		keep(s, &s.failed, rec)
	case evidence.TypeOperationRetried:
		keep(s, &s.retried, rec)
	case evidence.TypeOperationRecovered:
		keep(s, &s.recovered, rec)
	}
}

func (s *story) addOversight(rec *evidence.Record) {
	switch rec.Type {
	case evidence.TypeApprovalRequested:
		read(s, rec, func(f fact[evidence.ApprovalRequested]) {
			a := s.approval(f.body.Approval)
			a.requested = append(a.requested, f)
		})
	case evidence.TypeApprovalViewed:
		read(s, rec, func(f fact[evidence.ApprovalViewed]) {
			a := s.approval(f.body.Approval)
			a.viewed = append(a.viewed, f)
		})
	case evidence.TypeApprovalDecided:
		read(s, rec, func(f fact[evidence.ApprovalDecided]) {
			a := s.approval(f.body.Approval)
			a.decided = append(a.decided, f)
		})
	case evidence.TypeApprovalConsumed:
		read(s, rec, func(f fact[evidence.ApprovalConsumed]) {
			a := s.approval(f.body.Approval)
			a.consumed = append(a.consumed, f)
		})
	}
}

func (s *story) addAction(rec *evidence.Record) {
	switch rec.Type {
	case evidence.TypeAuthorizationDecided:
		read(s, rec, func(f fact[evidence.AuthorizationDecided]) {
			a := s.action(f.body.Action)
			a.decided = append(a.decided, f)
		})
	case evidence.TypeActionStarted:
		read(s, rec, func(f fact[evidence.ActionStarted]) {
			a := s.action(f.body.Action)
			a.started = append(a.started, f)
		})
	case evidence.TypeActionRedeemed:
		read(s, rec, func(f fact[evidence.ActionRedeemed]) {
			a := s.action(f.body.Action)
			a.redeemed = append(a.redeemed, f)
		})
	case evidence.TypeActionFinished:
		read(s, rec, func(f fact[evidence.ActionFinished]) {
			a := s.action(f.body.Action)
			a.finished = append(a.finished, f)
		})
	case evidence.TypeChangeObserved:
		read(s, rec, func(f fact[evidence.ChangeObserved]) {
			a := s.action(f.body.Action)
			a.changes = append(a.changes, f)
		})
	}
}

func (s *story) slots() []Slot {
	return []Slot{
		s.extractionSlot(), s.validationSlot(), s.authorizationSlot(), s.routingSlot(), s.oversightSlot(), s.actionSlot(),
		s.identitySlot(), s.inputsSlot(), s.operationSlot(),
	}
}

func places[T any](list []fact[T]) []place {
	out := make([]place, len(list))
	for i, f := range list {
		out[i] = f.place
	}
	return out
}

// latest keeps of each key's facts the last: what was done again counts as it
// came out in the end.
func latest[T any](list []fact[T], key func(T) string) []fact[T] {
	at := map[string]int{}
	var out []fact[T]
	for _, f := range list {
		k := key(f.body)
		if i, again := at[k]; again {
			out[i] = f
			continue
		}
		at[k] = len(out)
		out = append(out, f)
	}
	return out
}
