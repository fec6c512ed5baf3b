package store

import "github.com/evidencefactory/evf/evidence"

// The states of a stop order.
const (
	StopEngaged  = "engaged"
	StopReleased = "released"
)

// Stop is the latest stop order of a scope.
type Stop struct {
	ID     string        `json:"id"` // of the scope: see StopID
	By     string        `json:"by"` // who engaged it
	Drill  bool          `json:"drill,omitempty"`
	Since  evidence.Time `json:"since"` // when it was engaged, or released
	Status string        `json:"status"`
	Seq    uint64        `json:"seq"` // of the record that made it so
}

// Key implements State.
func (s Stop) Key() Key { return Key{Kind: "stop", ID: s.ID, Status: s.Status} }

// StopID names a scope: one workflow, or "" for all of them.
func StopID(workflow string) string {
	if workflow == "" {
		return "all"
	}
	return "workflow/" + workflow
}

func foldStopEngaged(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.StopEngaged](r.Body)
	if err != nil {
		return err
	}
	before, err := Load[Stop](p, StopID(b.Workflow))
	switch {
	case err != nil && evidence.KindOf(err) != evidence.NotFound:
		return err
	case before.Status == StopEngaged && (!before.Drill || b.Drill): // a real order takes a drill's place
		return evidence.Errorf(evidence.Conflict, "", "%s is stopped already, since %s by %s", before.ID, before.Since, before.By)
	}
	return put(p, Stop{ID: StopID(b.Workflow), By: b.By, Drill: b.Drill, Since: r.Received, Status: StopEngaged, Seq: seq})
}

func foldStopReleased(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.StopReleased](r.Body)
	if err != nil {
		return err
	}
	s, err := Load[Stop](p, StopID(b.Workflow))
	switch {
	case err != nil && evidence.KindOf(err) != evidence.NotFound:
		return err
	case s.Status != StopEngaged:
		return evidence.Errorf(evidence.Conflict, "", "%s is not stopped", StopID(b.Workflow))
	case b.Drill && !s.Drill:
		return evidence.Errorf(evidence.Conflict, "", "%s was stopped in earnest by %s while the drill ran: it stays so", s.ID, s.By)
	case s.By == b.By && !s.Drill:
		return evidence.Errorf(evidence.Denied, "", "%s is released by someone other than %s, who stopped it", s.ID, s.By)
	}
	s.Status, s.Since, s.Seq = StopReleased, r.Received, seq
	return put(p, s)
}
