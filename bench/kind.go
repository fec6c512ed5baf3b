package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// kind is one type of record, as the draft that a caller sends.
type kind struct {
	typ    evidence.Type
	draft  []byte // JSON, with a placeholder for each id
	id     int    // offset of the record's id
	run    int    // offset of the run's
	sample payload
}

// payload is what the recorder makes of a draft. The limits write it as it is.
type payload struct {
	record, leaf, vault, mac []byte
}

func (p *payload) size() int { return len(p.record) + len(p.leaf) + len(p.vault) }

const (
	idPlace  = "00000000-0000-7000-8000-000000000001"
	runPlace = "00000000-0000-7000-8000-000000000002"
)

// step is a small record with one withheld field.
const step = `{"step":"read-invoice","status":"finished","summary":"The invoice of 14 lines was read from its XML; totals and tax agree with the lines, and the vendor is on the list."}`

// checks is a record that also changes a projection.
func checks() string {
	var list []byte
	for i := range 10 {
		list = fmt.Appendf(list, `%s{"check":"BR-%02d","version":"1.3.13","outcome":"pass","pointer":"/Invoice/cac:InvoiceLine[%d]","message":"Line %d agrees with its price and quantity."}`, comma(i), i+1, i+1, i+1)
	}
	return fmt.Sprintf(`{"document":%q,"suite":"en16931","version":"1.3.13","outcome":"pass","checks":[%s]}`, evidence.ZeroDigest, list)
}

// fields is a record with ten withheld fields and a link.
func fields() string {
	var list []byte
	for i := range 10 {
		list = fmt.Appendf(list, `%s{"name":"line.%d.amount","value":"1 234.%02d EUR","pointer":"/Invoice/cac:InvoiceLine[%d]/cbc:LineExtensionAmount","confidence":990}`, comma(i), i+1, i, i+1)
	}
	return fmt.Sprintf(`{"document":%q,"extractor":"ubl","version":"2.1.0","readable":true,"fields":[%s]}`, evidence.ZeroDigest, list)
}

func comma(i int) string { return ",,"[:min(i, 1)] }

// kinds are the records that are measured, lightest first.
func kinds(ctx context.Context, dir string) ([]*kind, error) {
	list := []*kind{
		newKind(evidence.TypeStepObserved, step),
		newKind(evidence.TypeFieldsExtracted, fields()),
		newKind(evidence.TypeCheckResult, checks()),
	}
	h, err := openHouse(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer h.close()
	for _, k := range list {
		if k.sample, err = h.sample(ctx, k); err != nil {
			return nil, fmt.Errorf("%s: %w", k.typ, err)
		}
	}
	return list, nil
}

func newKind(t evidence.Type, body string) *kind {
	draft := fmt.Appendf(nil, `{"id":%q,"type":%q,"occurred":"2026-03-01T09:00:00.000000000Z","run":%q,"body":%s}`, idPlace, t, runPlace, body)
	return &kind{typ: t, draft: draft, id: bytes.Index(draft, []byte(idPlace)), run: bytes.Index(draft, []byte(runPlace))}
}

// request is the draft as a caller would send it.
func (k *kind) request(id, run string) []byte {
	data := bytes.Clone(k.draft)
	copy(data[k.id:], id)
	copy(data[k.run:], run)
	return data
}

// newID is a UUIDv7, in order of time as callers' ids are.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// capture is a tenant that keeps what the recorder hands it.
type capture struct {
	store.Tenant
	entry store.Entry
}

func (c *capture) Append(_ context.Context, b *store.Batch) ([]store.Placed, error) {
	c.entry = b.Entries[0]
	return make([]store.Placed, 1), nil
}

// sample has the recorder make one record, without writing it.
func (h *house) sample(ctx context.Context, k *kind) (payload, error) {
	d, err := recorder.ParseDraft(k.request(newID(), newID()))
	if err != nil {
		return payload{}, err
	}
	c := &capture{Tenant: h.tenant}
	o := h.origin
	o.Tenant = c
	if _, err := h.recorder.Append(ctx, o, recorder.Batch{Drafts: []recorder.Draft{d}}); err != nil {
		return payload{}, err
	}
	leaf := evidence.Leaf{Tenant: h.tenant.ID(), Seq: 10000, Prev: evidence.ZeroDigest, ID: d.ID, Type: d.Type,
		Received: d.Occurred, Digest: evidence.DigestOf(c.entry.Bytes)}
	return payload{record: c.entry.Bytes, leaf: leaf.Canonical(), vault: c.entry.Vault, mac: c.entry.MAC}, nil
}
