package store

import "github.com/evidencefactory/evf/evidence"

func foldErasure(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.ErasurePerformed](r.Body)
	if err != nil {
		return err
	}
	e := Erasure{ID: r.ID, About: ErasedRun(b.Of), Keys: len(b.Keys), Expunged: len(b.Expunged), Repeats: b.Repeats, Seq: seq}
	if b.Subject == "" {
		return put(p, e)
	}
	e.About = ErasedSubject(b.Subject)
	if err := put(p, e); err != nil {
		return err
	}
	// Nobody can tell any more who that was: what they could do ends with it.
	person, err := Load[Person](p, b.Subject)
	if err != nil {
		if evidence.KindOf(err) == evidence.NotFound {
			return nil
		}
		return err
	}
	person.Active, person.Roles = false, []string{}
	return put(p, person)
}

func foldHoldPlaced(p Folder, seq uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.LegalHoldPlaced](r.Body)
	if err != nil {
		return err
	}
	return put(p, Hold{ID: b.Hold, Scope: b.Scope, What: b.What, By: b.By, Placed: r.Received, Status: HoldActive, Seq: seq})
}

func foldHoldReleased(p Folder, _ uint64, r *evidence.Record) error {
	b, err := evidence.Decode[evidence.LegalHoldReleased](r.Body)
	if err != nil {
		return err
	}
	return change(p, b.Hold, func(h *Hold) error {
		switch {
		case h.Status != HoldActive:
			return evidence.Errorf(evidence.Conflict, "", "hold %s is %s already", h.ID, h.Status)
		case h.By == b.By:
			return evidence.Errorf(evidence.Denied, "", "hold %s is released by someone other than %s, who placed it", h.ID, h.By)
		}
		h.Status = HoldReleased
		return nil
	})
}
