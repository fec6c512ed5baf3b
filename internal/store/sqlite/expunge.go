package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// Expunge implements store.Tenant.
func (t *tenant) Expunge(ctx context.Context, seqs []uint64) error {
	if len(seqs) == 0 {
		return nil
	}
	if err := t.store.do(ctx, func(w *writer) error { return w.expunge(t, seqs) }); err != nil {
		return err
	}
	return t.store.truncate(ctx, "the records are expunged, and their bytes still stand in the write-ahead log")
}

// expunge checks every record before it touches the first.
func (w *writer) expunge(t *tenant, seqs []uint64) error {
	var sealed uint64
	if err := w.conn.QueryRowContext(w.ctx, "SELECT sealed FROM tenant WHERE no=?", t.no).Scan(&sealed); err != nil {
		return &fatalError{err}
	}
	records := make([]*evidence.Record, len(seqs)) // nil where it was expunged before
	for i, seq := range seqs {
		var typ evidence.Type
		var data []byte
		err := w.conn.QueryRowContext(w.ctx, "SELECT type, record FROM record WHERE pos=?", t.pos(seq)).Scan(&typ, &data)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return evidence.Errorf(evidence.NotFound, "", "no such record: %d", seq)
		case err != nil:
			return &fatalError{err}
		case seq >= sealed:
			return evidence.Errorf(evidence.Conflict, "", "record %d is not sealed yet", seq)
		case store.Folds(typ):
			return evidence.Errorf(evidence.Conflict, "", "record %d is of type %s, which decisions rest on: it cannot be expunged", seq, typ)
		case len(data) == 0:
			continue
		}
		if records[i], err = evidence.ParseRecord(data); err != nil {
			return fmt.Errorf("record %d: %w: run fsck", seq, err)
		}
	}
	for i, seq := range seqs {
		if records[i] == nil {
			continue
		}
		if err := w.empty(t, seq, records[i]); err != nil {
			return err
		}
	}
	return nil
}

// empty removes one record's bytes and links. Its MAC goes too: whoever holds
// the keys could try guesses against it.
func (w *writer) empty(t *tenant, seq uint64, rec *evidence.Record) error {
	for _, l := range rec.Links {
		if _, err := w.conn.ExecContext(w.ctx, "DELETE FROM link WHERE tenant=? AND kind=? AND id=? AND pos=?", t.no, l.Kind, l.ID, t.pos(seq)); err != nil {
			return &fatalError{err}
		}
	}
	if _, err := w.conn.ExecContext(w.ctx, "UPDATE record SET record=x'', vault=NULL, mac=x'' WHERE pos=?", t.pos(seq)); err != nil {
		return &fatalError{err}
	}
	return nil
}
