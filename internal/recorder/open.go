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
	*evidence.Record
	Full        evidence.Value // the body with disclosed values put back
	Disclosures []evidence.Disclosure
	Erased      []string // keys that were destroyed
}

// Open reads a row and opens its withheld values. Every disclosure is held
// against the commitment it claims to open, and a withheld field without one
// is an error unless a key of the record's was destroyed.
func (r *Recorder) Open(ctx context.Context, t evidence.TenantID, row store.Row) (*Opened, error) {
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

// complete finds withheld values that are gone though nothing was erased.
func (o *Opened) complete() error {
	if len(o.Erased) > 0 {
		return nil
	}
	opened := map[string]bool{}
	for i := range o.Disclosures {
		opened[o.Disclosures[i].Pointer] = true
	}
	for _, w := range o.Withheld {
		if w.Class != evidence.Secret && !opened[w.Pointer] {
			return fmt.Errorf("record %s: the value withheld at %s is gone from the vault, and no key was erased", o.Record.ID, w.Pointer)
		}
	}
	return nil
}
