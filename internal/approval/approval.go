// Package approval asks people. It keeps what they were shown, who may decide,
// what they decided, and sees to it that an approval is for one action with
// one set of arguments, is given by others than those who began it, expires,
// and is used once.
package approval

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// Request is what the gate wants decided.
type Request struct {
	Name       string // the manifest's
	Action     evidence.ActionID
	Tool       evidence.Tool
	ArgsDigest evidence.Digest
	Role       string
	Quorum     int64
	Expires    time.Time
	ApartFrom  []evidence.Excluded
	Summary    string
	Shown      Presentation
	Salt       []byte
	Initiator  evidence.Person // whose name is shown beside the presentation
}

// Draft is the record that asks, and the id of the approval it opens. The
// presentation goes to the vault with it.
func (r Request) Draft(run evidence.RunID, now time.Time) (recorder.Draft, evidence.ApprovalID, error) {
	r.Shown.Asked = PresentedQuestion{
		Approval: r.Name, Role: r.Role, Quorum: r.Quorum, Expires: evidence.TimeOf(r.Expires),
		Approve: "The call runs once, with exactly these arguments.",
		Reject:  "The call does not run; the run is told so and ends without it.",
	}
	shown := r.Shown.Value()
	digest, err := evidence.SaltedDigest(r.Salt, shown)
	if err != nil {
		return recorder.Draft{}, "", err
	}
	kept, err := evidence.ObjectValue(
		evidence.Field{Name: "presentation", Value: shown},
		evidence.Field{Name: "salt", Value: evidence.StringValue(base64.RawURLEncoding.EncodeToString(r.Salt))})
	if err != nil {
		return recorder.Draft{}, "", err
	}
	id := evidence.ApprovalID(uuid.Must(uuid.NewV7()).String())
	return draft(evidence.TypeApprovalRequested, run, now, evidence.ApprovalRequested{
		Approval: string(id), Name: r.Name, Action: string(r.Action), Tool: r.Tool, ArgsDigest: r.ArgsDigest,
		Presentation: digest, Shown: kept, Initiator: r.Initiator, Role: r.Role, Quorum: r.Quorum, Expires: evidence.TimeOf(r.Expires),
		ApartFrom: r.ApartFrom, Summary: r.Summary, Assurance: "enforced",
	}), id, nil
}

// Consume is the record that spends an approval.
func Consume(a store.Approval, now time.Time) recorder.Draft {
	return draft(evidence.TypeApprovalConsumed, a.Run, now, evidence.ApprovalConsumed{
		Approval: string(a.ID), Action: string(a.Action), ArgsDigest: a.ArgsDigest, Assurance: "enforced"})
}

func draft(t evidence.Type, run evidence.RunID, now time.Time, body any) recorder.Draft {
	return recorder.Draft{ID: evidence.RecordID(uuid.Must(uuid.NewV7()).String()), Type: t, Run: run, Occurred: evidence.TimeOf(now), Body: evidence.Body(body)}
}

// Desk is where people look at approvals and decide them.
type Desk struct {
	rec    *recorder.Recorder
	people *identity.Directory
	now    func() time.Time
}

// NewDesk makes a Desk.
func NewDesk(rec *recorder.Recorder, people *identity.Directory, now func() time.Time) *Desk {
	return &Desk{rec: rec, people: people, now: now}
}

// List reads approvals in order of id, which is the order they were asked in.
func (d *Desk) List(ctx context.Context, t store.Tenant, status, after string, limit int) (list []store.Approval, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		list, err = store.LoadAll[store.Approval](tx, "", status, after, limit)
		return err
	})
	return list, err
}

// ListFor is List, without the approvals that are not the caller's to see.
func (d *Desk) ListFor(ctx context.Context, by *identity.Caller, status, after string, limit int) (list []store.Approval, err error) {
	for len(list) < limit {
		page, err := d.List(ctx, by.Tenant, status, after, limit)
		if err != nil || len(page) == 0 {
			return list, err
		}
		for _, a := range page {
			if after = string(a.ID); maySee(by, a) && len(list) < limit {
				list = append(list, a)
			}
		}
	}
	return list, nil
}

// maySee reports whether an approval is one that the caller could decide, or
// whether they may read all evidence.
func maySee(by *identity.Caller, a store.Approval) bool { return by.Reads() || by.Has(a.Role) }

// Shown is what a person is given to decide on.
type Shown struct {
	store.Approval
	Presentation evidence.Value
	// Initiator is whom the run goes back to. Their name stands beside the
	// presentation and not in it, so that it goes when the person is erased; it
	// is given to whoever may decide, or may see names.
	Initiator evidence.Person
}

// Show is an approval and the Presentation it is about. That the caller was
// given it becomes a record before they get it.
func (d *Desk) Show(ctx context.Context, by *identity.Caller, id evidence.ApprovalID) (out Shown, err error) {
	a, asked, err := d.load(ctx, by.Tenant, id)
	if err != nil {
		return out, err
	}
	if !maySee(by, a) {
		return out, evidence.Errorf(evidence.Denied, "", "seeing approval %s needs the role %s", id, a.Role)
	}
	body, err := evidence.Decode[evidence.ApprovalRequested](asked.Full)
	if err != nil {
		return out, err
	}
	out = Shown{Approval: a, Initiator: body.Initiator}
	if !by.Has(a.Role) && !by.Opens(evidence.Personal) {
		out.Initiator.Name = ""
	}
	if out.Presentation, err = shown(asked); err != nil {
		return out, err
	}
	viewed := draft(evidence.TypeApprovalViewed, a.Run, d.now(), evidence.ApprovalViewed{
		Approval: string(id), Presentation: a.Presentation, Viewer: by.Ref, Assurance: "observed"})
	_, err = d.rec.Append(ctx, d.origin(by, asked), recorder.Batch{Drafts: []recorder.Draft{viewed}})
	return out, err
}

// shown is what a person is to see; without it nobody can decide.
func shown(asked *recorder.Opened) (evidence.Value, error) {
	kept, _ := asked.Full.Get("shown")
	presentation, ok := kept.Get("presentation")
	if !ok {
		return presentation, evidence.Errorf(evidence.NotFound, "", "what this approval was to show has been erased: it can no longer be decided")
	}
	return presentation, nil
}

// Decision is what a person says.
type Decision struct {
	Approve      bool
	Presentation evidence.Digest // of what they were shown
	ReasonCode   string
	Comment      string
}

// Decide records a person's decision. It is evidence.Denied for whoever may
// not decide this one, and evidence.Conflict where it is decided, expired, or
// about something else than they were shown.
func (d *Desk) Decide(ctx context.Context, by *identity.Caller, id evidence.ApprovalID, dec Decision) (store.Approval, error) {
	a, asked, err := d.load(ctx, by.Tenant, id)
	if err != nil {
		return a, err
	}
	if _, err := shown(asked); err != nil {
		return a, err
	}
	name, err := d.people.Name(ctx, by)
	if err != nil {
		return a, err
	}
	body := evidence.ApprovalDecided{
		Approval: string(id), Action: string(a.Action), Decision: "reject", Approver: by.Ref, ApproverName: name,
		Presentation: a.Presentation, ReasonCode: dec.ReasonCode, Comment: dec.Comment,
		Authenticated: "api-key", Grant: by.Grant, Assurance: "enforced",
	}
	if dec.Approve {
		body.Decision = "approve"
	}
	_, err = d.rec.Append(ctx, d.origin(by, asked), recorder.Batch{
		Drafts: []recorder.Draft{draft(evidence.TypeApprovalDecided, a.Run, d.now(), body)},
		Guard:  func(tx store.Tx) error { return d.mayDecide(tx, by, id, dec) },
	})
	if err != nil {
		return a, err
	}
	a, _, err = d.load(ctx, by.Tenant, id)
	return a, err
}

// mayDecide runs in the decision's own transaction, so that two approvers,
// a revocation or an expiry cannot slip between look and write.
func (d *Desk) mayDecide(tx store.Tx, by *identity.Caller, id evidence.ApprovalID, dec Decision) error {
	a, err := store.Load[store.Approval](tx, string(id))
	if err != nil {
		return err
	}
	if err := d.people.StillGood(tx, by); err != nil {
		return err
	}
	p, err := store.Load[store.Person](tx, by.Ref)
	if err != nil || !p.Active || !slices.Contains(p.Roles, a.Role) {
		return evidence.Errorf(evidence.Denied, "", "deciding approval %s needs the role %s", id, a.Role)
	}
	for _, x := range a.ApartFrom {
		if x.Ref == by.Ref {
			return evidence.Errorf(evidence.Denied, "", "you are the %s of this run: someone else must decide", x.Why)
		}
	}
	switch {
	case a.Status != store.ApprovalWaiting:
		return evidence.Errorf(evidence.Conflict, "", "approval %s is %s already", id, a.Status)
	case evidence.TimeOf(d.now()) >= a.Expires:
		return evidence.Errorf(evidence.Conflict, "", "approval %s expired at %s", id, a.Expires)
	case dec.Presentation != a.Presentation:
		return evidence.Errorf(evidence.Conflict, "/presentation", "is not the digest of what this approval shows: look at it again")
	case slices.Contains(a.Approvers, by.Ref):
		return evidence.Errorf(evidence.Conflict, "", "you approved this already: it needs %d different people", a.Quorum)
	}
	return nil
}

// load reads an approval and the record that asked for it.
func (d *Desk) load(ctx context.Context, t store.Tenant, id evidence.ApprovalID) (a store.Approval, asked *recorder.Opened, err error) {
	var rows []store.Row
	err = t.View(ctx, func(tx store.Tx) error {
		if a, err = store.Load[store.Approval](tx, string(id)); err != nil {
			return err
		}
		rows, err = tx.Rows(a.Requested, 1)
		return err
	})
	if err != nil {
		return a, nil, err
	}
	asked, err = d.rec.Open(ctx, t.ID(), rows[0])
	return a, asked, err
}

// origin puts what people do about an approval under the workflow that asked.
func (d *Desk) origin(by *identity.Caller, asked *recorder.Opened) recorder.Origin {
	o := recorder.Origin{Tenant: by.Tenant, Submitter: "evf", House: true, Workflow: asked.Workflow,
		Actor: evidence.Actor{Kind: "human", Ref: by.Ref}, Source: evidence.Source{Name: "evf", Kind: "approval", Version: "1"}}
	return o
}

// Expire denies what has waited too long, and says how many that were. One
// that cannot be expired does not keep the others waiting.
func (d *Desk) Expire(ctx context.Context, t store.Tenant) (n int, err error) {
	after := ""
	for {
		list, failed := d.List(ctx, t, store.ApprovalWaiting, after, 100)
		if failed != nil || len(list) == 0 {
			return n, errors.Join(err, failed)
		}
		for _, a := range list {
			after = string(a.ID)
			if evidence.TimeOf(d.now()) < a.Expires {
				continue
			}
			switch failed := d.expire(ctx, t, a); {
			case failed == nil:
				n++
			case evidence.KindOf(failed) != evidence.Conflict: // else decided just now
				err = errors.Join(err, failed)
			}
		}
	}
}

func (d *Desk) expire(ctx context.Context, t store.Tenant, a store.Approval) error {
	_, asked, err := d.load(ctx, t, a.ID)
	if err != nil {
		return err
	}
	o := d.origin(&identity.Caller{Tenant: t}, asked)
	o.Actor = evidence.Actor{Kind: "platform", Ref: "evf"}
	_, err = d.rec.Append(ctx, o, recorder.Batch{Drafts: []recorder.Draft{draft(evidence.TypeApprovalDecided, a.Run, d.now(), evidence.ApprovalDecided{
		Approval: string(a.ID), Action: string(a.Action), Decision: "expired", Presentation: a.Presentation, Assurance: "enforced"})}})
	return err
}
