package store

import (
	"slices"

	"github.com/evidencefactory/evf/evidence"
)

// Fold carries one record into the projections. It reads only what stands in
// clear in the record, so that anyone who holds the records can fold them
// again. An error means that the record cannot follow those before it; part of
// it may be folded then, which the caller undoes.
func Fold(p Folder, seq uint64, r *evidence.Record) error {
	if f, ok := folds[r.Type]; ok {
		return f(p, seq, r)
	}
	return nil
}

// Folds reports whether records of a type change projections.
func Folds(t evidence.Type) bool { return folds[t] != nil }

var folds = map[evidence.Type]func(Folder, uint64, *evidence.Record) error{
	evidence.TypeRunStarted:           foldRunStarted,
	evidence.TypeRunEnded:             foldRunEnded,
	evidence.TypeCheckResult:          foldCheckResult,
	evidence.TypeDecisionRouted:       foldDecisionRouted,
	evidence.TypeAuthorizationDecided: foldAuthorization,
	evidence.TypeActionStarted:        foldActionStarted,
	evidence.TypeActionRedeemed:       foldActionRedeemed,
	evidence.TypeActionFinished:       foldActionFinished,
	evidence.TypeApprovalRequested:    foldApprovalRequested,
	evidence.TypeApprovalDecided:      foldApprovalDecided,
	evidence.TypeApprovalConsumed:     foldApprovalConsumed,
	evidence.TypeWorkflowActivated:    foldWorkflowActivated,
	evidence.TypeWorkflowRetired:      foldWorkflowRetired,
	evidence.TypePersonChanged:        foldPersonChanged,
	evidence.TypeGrantIssued:          foldGrantIssued,
	evidence.TypeGrantRevoked:         foldGrantRevoked,
	evidence.TypeKeyRotated:           foldKeyRotated,
	evidence.TypeErasurePerformed:     foldErasure,
	evidence.TypeStopEngaged:          foldStopEngaged,
	evidence.TypeStopReleased:         foldStopReleased,
	evidence.TypeLegalHoldPlaced:      foldHoldPlaced,
	evidence.TypeLegalHoldReleased:    foldHoldReleased,
}

// change loads a row, lets f alter it, and writes it back.
func change[S State](p Folder, id string, f func(*S) error) error {
	s, err := Load[S](p, id)
	if err != nil {
		return err
	}
	if err := f(&s); err != nil {
		return err
	}
	return put(p, s)
}

func foldRunStarted(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.RunStarted](r.Body)
	if err != nil {
		return err
	}
	run := Run{ID: r.Run, Identity: b.Identity, Initiator: b.Initiator, Dispatcher: b.Dispatcher, Started: r.Received, Seq: seq}
	// Names are withheld in a record and must not depend on who folds it.
	run.Initiator.Name, run.Dispatcher.Name = "", ""
	if r.Workflow != nil {
		run.Workflow = r.Workflow.Name
	}
	return put(p, run)
}

func foldRunEnded(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.RunEnded](r.Body)
	if err != nil {
		return err
	}
	return change(p, string(r.Run), func(run *Run) error {
		run.Ended, run.Outcome = r.Received, b.Outcome
		return nil
	})
}

func foldCheckResult(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.CheckResult](r.Body)
	if err != nil {
		return err
	}
	c := Check{Run: r.Run, Document: b.Document, Suite: b.Suite, Identity: b.Identity,
		Outcomes: map[string]string{}, Attests: len(b.Attests) > 0, Seq: seq}
	for _, one := range b.Checks {
		c.Outcomes[b.Suite+"/"+one.Check] = worse(c.Outcomes[b.Suite+"/"+one.Check], one.Outcome)
	}
	return put(p, c)
}

// worse keeps the finding that weighs more, where a check reports twice.
func worse(a, b string) string {
	weight := []string{"", "not-applicable", "pass", "error", "fail"}
	if slices.Index(weight, a) > slices.Index(weight, b) {
		return a
	}
	return b
}

func foldDecisionRouted(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.DecisionRouted](r.Body)
	if err != nil {
		return err
	}
	return put(p, Route{Run: r.Run, Document: b.Document, To: b.To, Seq: seq})
}

func foldAuthorization(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.AuthorizationDecided](r.Body)
	if err != nil {
		return err
	}
	a, err := Load[Action](p, b.Action)
	if err != nil && evidence.KindOf(err) != evidence.NotFound {
		return err
	}
	a.ID, a.Run, a.Identity, a.Grant = evidence.ActionID(b.Action), r.Run, b.Identity, b.Grant
	a.Server, a.Tool, a.ArgsDigest, a.Decided = b.Tool.Server, b.Tool.Name, b.ArgsDigest, seq
	switch b.Verdict {
	case "hold":
		a.Status = ActionHeld
	case "deny":
		a.Status = ActionDenied
	}
	return put(p, a)
}

func foldActionStarted(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.ActionStarted](r.Body)
	if err != nil {
		return err
	}
	err = change(p, b.Action, func(a *Action) error {
		a.Status, a.Expires = ActionStarted, b.Expires
		return nil
	})
	if err != nil {
		return err
	}
	return change(p, string(r.Run), func(run *Run) error { run.Calls++; return nil })
}

func foldActionRedeemed(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.ActionRedeemed](r.Body)
	if err != nil {
		return err
	}
	return change(p, b.Action, func(a *Action) error {
		if a.Status != ActionStarted {
			return evidence.Errorf(evidence.Conflict, "", "action %s is %s: its permit is spent", a.ID, a.Status)
		}
		a.Status = ActionRedeemed
		return nil
	})
}

func foldActionFinished(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.ActionFinished](r.Body)
	if err != nil {
		return err
	}
	return change(p, b.Action, func(a *Action) error {
		a.Status, a.Outcome = ActionFinished, b.Status
		return nil
	})
}

func foldApprovalRequested(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.ApprovalRequested](r.Body)
	if err != nil {
		return err
	}
	a := Approval{ID: evidence.ApprovalID(b.Approval), Name: b.Name, Action: evidence.ActionID(b.Action), Run: r.Run,
		Role: b.Role, Quorum: b.Quorum, Status: ApprovalWaiting, Presentation: b.Presentation, ArgsDigest: b.ArgsDigest,
		Expires: b.Expires, ApartFrom: b.ApartFrom, Requested: seq, Summary: b.Summary}
	if err := put(p, a); err != nil {
		return err
	}
	return change(p, b.Action, func(act *Action) error {
		act.Approvals = append(act.Approvals, b.Approval)
		return nil
	})
}

func foldApprovalDecided(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.ApprovalDecided](r.Body)
	if err != nil {
		return err
	}
	return change(p, b.Approval, func(a *Approval) error {
		if a.Status != ApprovalWaiting {
			return evidence.Errorf(evidence.Conflict, "", "approval %s is %s already", a.ID, a.Status)
		}
		switch b.Decision {
		case "reject":
			a.Status = ApprovalRejected
		case "expired":
			a.Status = ApprovalExpired
		case "approve":
			if slices.Contains(a.Approvers, b.Approver) {
				return evidence.Errorf(evidence.Conflict, "", "approval %s: %s approved it already", a.ID, b.Approver)
			}
			if a.Approvers = append(a.Approvers, b.Approver); int64(len(a.Approvers)) >= a.Quorum {
				a.Status = ApprovalApproved
			}
		}
		return nil
	})
}

func foldApprovalConsumed(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.ApprovalConsumed](r.Body)
	if err != nil {
		return err
	}
	return change(p, b.Approval, func(a *Approval) error {
		if a.Status != ApprovalApproved || string(a.Action) != b.Action || a.ArgsDigest != b.ArgsDigest {
			return evidence.Errorf(evidence.Conflict, "", "approval %s is %s and for action %s only", a.ID, a.Status, a.Action)
		}
		a.Status = ApprovalConsumed
		return nil
	})
}

func foldWorkflowActivated(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.WorkflowActivated](r.Body)
	if err != nil {
		return err
	}
	return put(p, Workflow{Name: b.Name, Digest: b.Digest, Tier: b.Tier, Mode: b.Mode, Owner: b.Owner, Author: b.Author, Seq: seq, Since: r.Received})
}

func foldWorkflowRetired(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.WorkflowRetired](r.Body)
	if err != nil {
		return err
	}
	return change(p, b.Name, func(w *Workflow) error { w.Retired = true; return nil })
}

func foldPersonChanged(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.PersonChanged](r.Body)
	if err != nil {
		return err
	}
	return put(p, Person{Ref: b.Person, Roles: b.Roles, Active: b.Active, Seq: seq})
}

func foldGrantIssued(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.GrantIssued](r.Body)
	if err != nil {
		return err
	}
	return put(p, Grant{ID: b.Grant, Kind: b.Kind, Holder: b.Holder, Workflow: b.Workflow, Identity: b.Identity,
		Roles: b.Roles, Secret: b.Secret, Expires: b.Expires, Issued: r.Received})
}

func foldGrantRevoked(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.GrantRevoked](r.Body)
	if err != nil {
		return err
	}
	return change(p, b.Grant, func(g *Grant) error { g.Revoked = true; return nil })
}

func foldKeyRotated(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.KeyRotated](r.Body)
	if err != nil {
		return err
	}
	return put(p, SigningKey{Purpose: b.Purpose, Public: b.Key, Seq: seq})
}
