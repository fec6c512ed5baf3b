package ledger

import (
	"bytes"

	"github.com/evidencefactory/evf/evidence"
)

// forge alters a record as someone would who holds the database and knows the
// format: record, leaf and every later leaf fit, and so does the head.
func forge(h *house, seq uint64) {
	h.Helper()
	head, err := readHead(background, h.tenant)
	h.must(err)
	prev := evidence.ZeroDigest
	for _, row := range h.rows(0, int(head.Next)) {
		leaf, err := evidence.ParseLeaf(row.Leaf)
		h.must(err)
		if row.Seq == seq {
			row.Record = bytes.Replace(row.Record, []byte(`"status":"finished"`), []byte(`"status":"skipped"`), 1)
			leaf.Digest = evidence.DigestOf(row.Record)
		}
		if row.Seq > seq {
			leaf.Prev = prev
		}
		line := leaf.Canonical()
		prev = evidence.DigestOf(line)
		if row.Seq >= seq {
			h.edit("UPDATE record SET leaf=?, record=? WHERE pos=?", line, row.Record, pos(row.Seq))
		}
	}
	h.edit("UPDATE tenant SET prev=?", string(prev))
}
