package ledger

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// looked is a row and what can be said of it without any other.
type looked struct {
	*store.Row
	leaf    *evidence.Leaf
	rec     *evidence.Record
	leafErr error
	recErr  error
	digest  evidence.Digest     // of the record's bytes
	shape   error               // of the body, against its type's
	open    error               // of what is withheld
	erased  []evidence.RecordID // that destroyed keys of it
}

// look examines rows on all processors, which is most of the work, and hands
// them on in order.
func (c *check) look(ctx context.Context, rows []store.Row) []*looked {
	list := make([]*looked, len(rows))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(rows)); i = next.Add(1) - 1 {
				list[i] = c.lookAt(ctx, &rows[i])
			}
		})
	}
	all.Wait()
	return list
}

func (c *check) lookAt(ctx context.Context, row *store.Row) *looked {
	l := &looked{Row: row, digest: evidence.DigestOf(row.Record)}
	l.leaf, l.leafErr = evidence.ParseLeaf(row.Leaf)
	if row.Expunged() {
		return l
	}
	if l.rec, l.recErr = evidence.ParseRecord(row.Record); l.recErr != nil {
		return l
	}
	if shape := l.rec.Type.Shape(); shape != nil {
		l.shape = shape.CheckSealed(l.rec.Body, l.rec.Withheld)
	}
	if c.cfg.Open != nil {
		l.erased, l.open = c.cfg.Open(ctx, *row)
	}
	return l
}

// row checks one row by itself and against the one before. An error ends the
// walk.
func (c *check) row(ctx context.Context, row *looked) error {
	where := fmt.Sprintf("record %d", row.Seq)
	c.Records++
	if row.leafErr != nil {
		c.add(where, "%v", row.leafErr)
	} else {
		c.leaf(where, row)
	}
	c.step(row.Leaf)
	if row.Expunged() {
		c.erased.empty(row.Row, row.leaf)
		return ctx.Err()
	}
	if row.recErr != nil {
		c.add(where, "%v", row.recErr)
		return ctx.Err()
	}
	c.record(where, row)
	if row.open != nil && ctx.Err() == nil {
		c.add(where, "withheld values: %v", row.open)
	}
	if len(row.erased) > 0 {
		c.erased.rests(row.Seq, row.erased)
	}
	if err := store.Fold(c.folded, row.Seq, row.rec); err != nil {
		c.add(where, "cannot follow the records before it: %v", err)
	}
	c.erased.performed(row.Seq, row.rec)
	for _, l := range row.rec.Links {
		c.linked.add(store.PlacedLink{Link: l, Seq: row.Seq})
	}
	return ctx.Err()
}

// leaf checks a leaf against its row's columns and the leaf before.
func (c *check) leaf(where string, row *looked) {
	leaf := row.leaf
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
	if !row.Expunged() && leaf.Digest != row.digest {
		c.add(where, "was altered: its bytes are not those that its leaf names")
	}
}

// record checks a record against its row's columns, its leaf (nil where that
// cannot be read) and the catalogue.
func (c *check) record(where string, row *looked) {
	rec, leaf := row.rec, row.leaf
	if leaf != nil && (rec.ID != leaf.ID || rec.Type != leaf.Type || rec.Received != leaf.Received) {
		c.add(where, "its id, type or received time is not that in its leaf")
	}
	if rec.Run != row.Run {
		c.add(where, "its run column is not the run in the record")
	}
	if rec.Type.Shape() == nil {
		c.add(where, "is of a type that this version does not know: check with a newer program")
	}
	if row.shape != nil {
		c.add(where, "its body is not one of its type: %v", row.shape)
	}
}
