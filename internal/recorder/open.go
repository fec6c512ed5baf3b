package recorder

import (
	"context"
	"fmt"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/vault"
)

// Opened is a record with what the vault can still open of it.
type Opened struct {
	store.Row
	*evidence.Record                // nil where it was expunged
	Full             evidence.Value // the body with disclosed values put back
	Disclosures      []evidence.Disclosure
	Erased           []vault.Erased // keys of it that were destroyed
}

// Open reads a row and opens its withheld values. Every disclosure is held
// against the commitment it claims to open; a withheld field without one is an
// error unless the very key it lay under was destroyed by an erasure. A record
// that was expunged is evidence.NotFound.
func (r *Recorder) Open(ctx context.Context, t evidence.TenantID, row store.Row) (*Opened, error) {
	if row.Expunged() {
		return nil, evidence.Errorf(evidence.NotFound, "", "record %s was expunged", row.ID)
	}
	rec, err := evidence.ParseRecord(row.Record)
	if err != nil {
		return nil, err
	}
	o := &Opened{Row: row, Record: rec}
	place := vault.Place{Tenant: t, Run: rec.Run, Record: rec.ID}
	if o.Disclosures, o.Erased, err = r.vault.Open(ctx, place, row.Vault); err != nil {
		return nil, err
	}
	if o.Full, err = evidence.Reveal(rec.Body, o.Disclosures); err != nil {
		return nil, fmt.Errorf("record %s: %w", rec.ID, err)
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	return o, nil
}

// complete finds withheld values that are gone though their key was not
// destroyed.
func (o *Opened) complete() error {
	opened, erased := map[string]bool{}, map[string]bool{}
	for i := range o.Disclosures {
		opened[o.Disclosures[i].Pointer] = true
	}
	for _, e := range o.Erased {
		name, _, _ := evidence.CutGeneration(e.Key)
		erased[name] = true
	}
	for _, w := range o.Withheld {
		if w.Class != evidence.Secret && !opened[w.Pointer] && !erased[o.KeyName(w)] {
			return fmt.Errorf("record %s: the value withheld at %s is gone from the vault, and no erasure destroyed its key", o.Record.ID, w.Pointer)
		}
	}
	return nil
}
