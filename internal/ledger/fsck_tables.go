package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// pages reads one of a tenant's tables to its end, a page in each snapshot.
func pages[E any](ctx context.Context, t store.Tenant, read func(tx store.Tx, after E, limit int) ([]E, error), each func(E)) error {
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
			each(e)
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
	want := c.folded.States()
	lost := func(s store.StateRow) { c.add(stateName(s.Key), "missing from the projections; the records give it") }
	err := pages(ctx, c.cfg.Tenant,
		func(tx store.Tx, after store.StateRow, limit int) ([]store.StateRow, error) {
			return tx.States(after.Key, limit)
		},
		func(got store.StateRow) {
			for len(want) > 0 && store.CompareKeys(want[0].Key, got.Key) < 0 {
				lost(want[0])
				want = want[1:]
			}
			if len(want) == 0 || store.CompareKeys(want[0].Key, got.Key) != 0 {
				c.add(stateName(got.Key), "stands in the projections; no record gives it")
				return
			}
			c.state(got, want[0])
			want = want[1:]
		})
	for _, s := range want {
		lost(s)
	}
	return err
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

// links finds rows of the table of links that no record has. Those that
// records have were counted on the way, so a second walk is needed only where
// the table has more.
func (c *check) links(ctx context.Context) error {
	total := 0
	if err := c.eachLink(ctx, func(store.PlacedLink) { total++ }); err != nil || total == c.linked {
		return err
	}
	var failed error
	err := c.eachLink(ctx, func(l store.PlacedLink) {
		if failed == nil {
			failed = c.link(ctx, l)
		}
	})
	if failed != nil {
		return failed
	}
	return err
}

func (c *check) eachLink(ctx context.Context, each func(store.PlacedLink)) error {
	return pages(ctx, c.cfg.Tenant, func(tx store.Tx, after store.PlacedLink, limit int) ([]store.PlacedLink, error) {
		return tx.Links(after, limit)
	}, each)
}

func (c *check) link(ctx context.Context, l store.PlacedLink) error {
	rows, err := readRows(ctx, c.cfg.Tenant, l.Seq, 1)
	if err != nil {
		return err
	}
	where := fmt.Sprintf("link %s %s", l.Kind, l.ID)
	if len(rows) == 0 || rows[0].Seq != l.Seq {
		c.add(where, "points at record %d, which is missing", l.Seq)
		return nil
	}
	if rows[0].Expunged() {
		c.add(where, "points at record %d, which was expunged: its links should have gone with it", l.Seq)
		return nil
	}
	rec, err := evidence.ParseRecord(rows[0].Record)
	if err == nil && !slices.Contains(rec.Links, l.Link) { // one that cannot be read was named before
		c.add(where, "points at record %d, which has no such link", l.Seq)
	}
	return nil
}

// objects holds every object against its digest.
func (c *check) objects(ctx context.Context) error {
	var digests []evidence.Digest
	err := pages(ctx, c.cfg.Tenant, func(tx store.Tx, after evidence.Digest, limit int) ([]evidence.Digest, error) {
		return tx.Objects(after, limit)
	}, func(d evidence.Digest) { digests = append(digests, d) })
	if err != nil {
		return err
	}
	for _, d := range digests {
		err := c.cfg.Tenant.View(ctx, func(tx store.Tx) error {
			data, err := tx.Object(d)
			if err == nil && evidence.DigestOf(data) != d {
				c.add("object "+string(d), "was altered: its bytes have another digest")
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
