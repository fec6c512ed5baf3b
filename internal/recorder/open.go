package recorder

import (
	"context"

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
// against the commitment it claims to open.
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
	o.Full, err = evidence.Reveal(rec.Body, o.Disclosures)
	return o, err
}
