package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// erasures is what the walk over the records learns of what was erased.
type erasures struct {
	bySeq map[evidence.RecordID]uint64            // of erasures in the log, and of those they repeat
	keys  map[string][]evidence.RecordID          // that erasures in the log destroyed
	gone  map[evidence.RecordID]evidence.Expunged // that erasures in the log expunged
	rows  map[evidence.RecordID]evidence.Expunged // rows without bytes
	last  map[evidence.RecordID]uint64            // of each erasure, the last record whose values it took
	next  uint64                                  // seq behind the last erasure in the log that destroyed keys
}

// performed notes an erasure.
func (e *erasures) performed(seq uint64, rec *evidence.Record) {
	if rec.Type != evidence.TypeErasurePerformed {
		return
	}
	body, err := evidence.Decode[evidence.ErasurePerformed](rec.Body)
	if err != nil {
		return // its shape was named before
	}
	ids := []evidence.RecordID{rec.ID}
	if body.Repeats != "" {
		ids = append(ids, body.Repeats)
	}
	for _, id := range ids {
		put(&e.bySeq, id, seq)
	}
	if len(body.Keys) > 0 {
		e.next = seq + 1
	}
	for _, full := range body.Keys {
		put(&e.keys, full, append(e.keys[full], ids...))
	}
	for _, x := range body.Expunged {
		put(&e.gone, x.Record, x)
	}
}

// empty notes a row without bytes.
func (e *erasures) empty(row *store.Row, leaf *evidence.Leaf) {
	x := evidence.Expunged{Record: row.ID, Seq: int64(row.Seq), Run: row.Run}
	if leaf != nil {
		x.Digest = leaf.Digest
	}
	put(&e.rows, row.ID, x)
}

// rests notes which erasures took values of a record.
func (e *erasures) rests(seq uint64, by []evidence.RecordID) {
	for _, id := range by {
		put(&e.last, id, seq)
	}
}

func put[K comparable, V any](m *map[K]V, key K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = v
}

// erasures holds what is gone against the erasures that took it, both ways:
// nothing is missing that no erasure names, and nothing is left that one does.
func (c *check) erasures(ctx context.Context) error {
	e := &c.erased
	kept := map[evidence.RecordID]bool{} // beside the keys only
	gone := maps.Clone(e.gone)
	if c.cfg.Kept != nil {
		err := c.cfg.Kept(ctx, func(id evidence.RecordID, body *evidence.ErasurePerformed) {
			if _, ok := e.bySeq[id]; ok {
				return
			}
			kept[id] = true
			c.note("erasure "+string(id), "was performed after these records were copied: the next start records it again")
			for _, x := range body.Expunged {
				put(&gone, x.Record, x)
			}
		})
		if err != nil {
			return err
		}
	}
	c.expunged(gone)
	if e.next > c.head.Forgotten {
		c.note(fmt.Sprintf("record %d", e.next-1), "is an erasure, and guesses at what it closed can still be tried against the MACs of retries: the next start clears them")
	}
	for _, id := range slices.Sorted(maps.Keys(e.last)) {
		if at, ok := e.bySeq[id]; !kept[id] && (!ok || at < e.last[id]) {
			c.add(fmt.Sprintf("record %d", e.last[id]), "its values went with erasure %s, and no such erasure comes after it", id)
		}
	}
	if c.cfg.Values == nil {
		return nil
	}
	return c.cfg.Values(ctx, func(full string, erasure evidence.RecordID) { c.key(full, erasure, kept) })
}

// expunged compares the rows without bytes with those that erasures name.
func (c *check) expunged(gone map[evidence.RecordID]evidence.Expunged) {
	for _, id := range slices.Sorted(maps.Keys(c.erased.rows)) {
		if row := c.erased.rows[id]; gone[id] != row {
			c.add(fmt.Sprintf("record %d", row.Seq), "has no bytes, and no erasure says that it was expunged")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.erased.gone)) {
		if _, ok := c.erased.rows[id]; !ok {
			c.note(fmt.Sprintf("record %d", c.erased.gone[id].Seq), "was ordered to be expunged and is still there: the next start expunges it")
		}
	}
}

// key compares one key, or what is left of it, with the erasures that name it.
func (c *check) key(full string, erasure evidence.RecordID, kept map[evidence.RecordID]bool) {
	by := c.erased.keys[full]
	switch {
	case erasure == "" && len(by) > 0:
		c.note("key "+full, "was ordered to be destroyed by erasure %s and is still there: the next start destroys it", by[0])
	case erasure != "" && !slices.Contains(by, erasure) && !kept[erasure]:
		c.add("key "+full, "is destroyed, and no erasure %s names it", erasure)
	}
}
