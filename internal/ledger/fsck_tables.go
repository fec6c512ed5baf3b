package ledger

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// pages reads one of a tenant's tables to its end, a page in each snapshot.
func pages[E any](ctx context.Context, t store.Tenant, read func(tx store.Tx, after E, limit int) ([]E, error), each func(E) error) error {
	var after E
	for {
		var page []E
		err := t.View(ctx, func(tx store.Tx) (err error) {
			page, err = read(tx, after, pageSize)
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := each(e); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
		after = page[len(page)-1]
	}
}

// states compares the projections with the fold of the records, both ways:
// decisions read them, so a row edited here is a permit given by nobody.
func (c *check) states(ctx context.Context) error {
	want := folded{Folded: c.folded}
	lost := func(s *store.StateRow) { c.add(stateName(s.Key), "missing from the projections; the records give it") }
	err := pages(ctx, c.cfg.Tenant,
		func(tx store.Tx, after store.StateRow, limit int) ([]store.StateRow, error) {
			return tx.States(after.Key, limit)
		},
		func(got store.StateRow) error {
			for want.next() != nil && store.CompareKeys(want.next().Key, got.Key) < 0 {
				lost(want.take())
			}
			if want.next() == nil || store.CompareKeys(want.next().Key, got.Key) != 0 {
				c.add(stateName(got.Key), "stands in the projections; no record gives it")
				return want.err
			}
			c.state(got, *want.take())
			return want.err
		})
	for err == nil && want.next() != nil {
		lost(want.take())
	}
	return cmp.Or(err, want.err)
}

// folded walks what the records gave, in order.
type folded struct {
	Folded
	after store.Key
	page  []store.StateRow
	ended bool
	err   error
}

// next is the row that comes now, nil behind the last one and after an error.
func (f *folded) next() *store.StateRow {
	if len(f.page) == 0 && !f.ended {
		f.page, f.err = f.States(f.after, pageSize)
		if f.ended = len(f.page) == 0; !f.ended {
			f.after = f.page[len(f.page)-1].Key
		}
	}
	if len(f.page) == 0 {
		return nil
	}
	return &f.page[0]
}

// take moves past the row that comes now.
func (f *folded) take() *store.StateRow {
	s := f.next()
	f.page = f.page[1:]
	return s
}

func stateName(k store.Key) string { return "projection " + k.Kind + " " + k.ID }

func (c *check) state(got, want store.StateRow) {
	if !bytes.Equal(got.Row, want.Row) {
		c.add(stateName(got.Key), "is not what the records give: %s", difference(got.Row, want.Row))
	}
	if got.Group != want.Group || got.Status != want.Status {
		c.add(stateName(got.Key), "is listed under %q %q, the records give %q %q", got.Group, got.Status, want.Group, want.Status)
	}
}

// difference names the fields in which two rows differ.
func difference(got, want []byte) string {
	g, err := evidence.ParseValue(got)
	if err != nil || g.Kind() != evidence.Object {
		return "it cannot be read"
	}
	w, _ := evidence.ParseValue(want) // ours, made just now
	var names []string
	for _, f := range slices.Concat(g.Fields(), w.Fields()) {
		a, _ := g.Get(f.Name)
		b, _ := w.Get(f.Name)
		if !bytes.Equal(a.Canonical(), b.Canonical()) && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return "it is written in another way"
	}
	return strings.Join(names, ", ") + " differ"
}

// objects holds every object against its digest.
func (c *check) objects(ctx context.Context) error {
	return pages(ctx, c.cfg.Tenant, func(tx store.Tx, after evidence.Digest, limit int) ([]evidence.Digest, error) {
		return tx.Objects(after, limit)
	}, func(d evidence.Digest) error {
		return c.cfg.Tenant.View(ctx, func(tx store.Tx) error {
			data, err := tx.Object(d)
			if err == nil && evidence.DigestOf(data) != d {
				c.add("object "+string(d), "was altered: its bytes have another digest")
			}
			return err
		})
	})
}
