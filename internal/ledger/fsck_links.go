package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// linkSet is a set of links, as the sum of their MACs: two sets with one sum
// are equal, and neither need be kept or sorted. Its key is drawn for one
// walk, so nobody can have made a table whose sum comes out right.
type linkSet struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newLinkSet() *linkSet {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	return &linkSet{mac: hmac.New(sha256.New, key)}
}

// add puts in a link that is not in the set.
func (s *linkSet) add(l store.PlacedLink) {
	s.mac.Reset()
	fmt.Fprintf(s.mac, "%d:%s%d:%s%d", len(l.Kind), l.Kind, len(l.ID), l.ID, l.Seq)
	var one [sha256.Size]byte
	subtle.XORBytes(s.sum[:], s.sum[:], s.mac.Sum(one[:0]))
}

// links compares the table of links with the links of the records. Only where
// the two differ is it worth finding out how.
func (c *check) links(ctx context.Context) error {
	table := &linkSet{mac: c.linked.mac}
	err := c.eachLink(ctx, func(l store.PlacedLink) error {
		table.add(l)
		return nil
	})
	if err != nil || table.sum == c.linked.sum {
		return err
	}
	if err := c.lostLinks(ctx); err != nil {
		return err
	}
	return c.eachLink(ctx, func(l store.PlacedLink) error { return c.link(ctx, l) })
}

func (c *check) eachLink(ctx context.Context, each func(store.PlacedLink) error) error {
	return pages(ctx, c.cfg.Tenant, func(tx store.Tx, after store.PlacedLink, limit int) ([]store.PlacedLink, error) {
		return tx.Links(after, limit)
	}, each)
}

// lostLinks names the links of records that the table does not have.
func (c *check) lostLinks(ctx context.Context) error {
	for from := uint64(0); ; {
		rows, err := readRows(ctx, c.cfg.Tenant, from, fsckPage)
		if err != nil || len(rows) == 0 {
			return err
		}
		err = c.cfg.Tenant.View(ctx, func(tx store.Tx) error {
			for i := range rows {
				if err := c.rowLinks(tx, &rows[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		from = rows[len(rows)-1].Seq + 1
	}
}

func (c *check) rowLinks(tx store.Tx, row *store.Row) error {
	rec, err := evidence.ParseRecord(row.Record)
	if err != nil {
		return nil // named before
	}
	for _, l := range rec.Links {
		seqs, err := tx.Linked(l, row.Seq, 1)
		if err != nil {
			return err
		}
		if !slices.Contains(seqs, row.Seq) {
			c.add(fmt.Sprintf("record %d", row.Seq), "its link %s %s is missing from the table of links", l.Kind, l.ID)
		}
	}
	return nil
}

// link looks for a row of the table in the record that it points at.
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
