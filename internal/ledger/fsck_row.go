package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// row checks one row by itself and against the one before. An error ends the
// walk.
func (c *check) row(ctx context.Context, tx store.Tx, row *store.Row) error {
	where := fmt.Sprintf("record %d", row.Seq)
	c.Records++
	leaf, err := evidence.ParseLeaf(row.Leaf)
	if err != nil {
		c.add(where, "%v", err)
	} else {
		c.leaf(where, row, leaf)
	}
	c.step(row.Leaf)
	if row.Expunged() {
		c.erased.empty(row, leaf)
		return ctx.Err()
	}

	rec, err := evidence.ParseRecord(row.Record)
	if err != nil {
		c.add(where, "%v", err)
		return ctx.Err()
	}
	c.record(where, row, rec, leaf)
	if c.cfg.Open != nil {
		erased, err := c.cfg.Open(ctx, *row)
		if err != nil && ctx.Err() == nil {
			c.add(where, "withheld values: %v", err)
		}
		c.erased.rests(row.Seq, erased)
	}
	if err := store.Fold(&c.folded, row.Seq, rec); err != nil {
		c.add(where, "cannot follow the records before it: %v", err)
	}
	c.erased.performed(row.Seq, rec)
	return c.rowLinks(where, tx, row.Seq, rec.Links)
}

// leaf checks a leaf against its row's columns and the leaf before.
func (c *check) leaf(where string, row *store.Row, leaf *evidence.Leaf) {
	if leaf.Seq != row.Seq {
		c.add(where, "its leaf is that of record %d", leaf.Seq)
	}
	if leaf.Prev != c.prev && c.prev != "" {
		c.add(where, "its leaf does not follow the one before it")
	}
	if leaf.Tenant != c.Tenant {
		c.add(where, "its leaf is one of tenant %s", leaf.Tenant)
	}
	if leaf.ID != row.ID {
		c.add(where, "its id column is not the id in its leaf")
	}
	if leaf.Type != row.Type {
		c.add(where, "its type column is not the type in its leaf")
	}
	if !row.Expunged() && leaf.Digest != evidence.DigestOf(row.Record) {
		c.add(where, "was altered: its bytes are not those that its leaf names")
	}
}

// record checks a record against its row's columns, its leaf (nil where that
// cannot be read) and the catalogue.
func (c *check) record(where string, row *store.Row, rec *evidence.Record, leaf *evidence.Leaf) {
	if leaf != nil && (rec.ID != leaf.ID || rec.Type != leaf.Type || rec.Received != leaf.Received) {
		c.add(where, "its id, type or received time is not that in its leaf")
	}
	if rec.Run != row.Run {
		c.add(where, "its run column is not the run in the record")
	}
	shape := rec.Type.Shape()
	if shape == nil {
		c.add(where, "is of a type that this version does not know: check with a newer program")
		return
	}
	if err := shape.CheckSealed(rec.Body, rec.Withheld); err != nil {
		c.add(where, "its body is not one of its type: %v", err)
	}
}

// rowLinks finds a record's links in the table of links.
func (c *check) rowLinks(where string, tx store.Tx, seq uint64, links []evidence.Link) error {
	for _, l := range links {
		seqs, err := tx.Linked(l, seq, 1)
		if err != nil {
			return err
		}
		if slices.Contains(seqs, seq) {
			c.linked++
		} else {
			c.add(where, "its link %s %s is missing from the table of links", l.Kind, l.ID)
		}
	}
	return nil
}
