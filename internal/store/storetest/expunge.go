package storetest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// expunging removes the bytes of a sealed record, and wants them to be in no
// file of the store, and all else to stand as it did.
func expunging(t *testing.T, h *house) {
	tenant := h.tenant("a")
	run := evidence.RunID(NewID())
	link := evidence.Link{Kind: "trace", ID: "telltale-link"}
	story := []Fact{RunStarted(run), Step(run, "telltale-step", link), Step(run, "kept", link), Step(run, "late")}
	for range 60 { // so that pages split, and leave nothing behind
		story = append(story, Step(run, "filler", link))
	}
	sealed := func(evidence.RecordID, evidence.RunID, []evidence.Disclosure) []byte {
		return bytes.Repeat([]byte("telltale-block "), 600)
	}
	b := store.Batch{}
	for _, f := range story {
		b.Entries = append(b.Entries, f.Entry("s", sealed))
	}
	mac := slices.Clone(b.Entries[1].MAC)
	placed := h.append(tenant, b)
	h.must(tenant.SetCheckpoint(h.Context(), 0, 3, []byte("signed")))

	h.unchanged(tenant, func() {
		for name, c := range map[string]struct {
			seqs []uint64
			want evidence.ErrorKind
		}{
			"not sealed yet":          {[]uint64{1, 3}, evidence.Conflict},
			"folded into projections": {[]uint64{1, 0}, evidence.Conflict},
			"not there":               {[]uint64{1, 999}, evidence.NotFound},
		} {
			if err := tenant.Expunge(h.Context(), c.seqs); err == nil || evidence.KindOf(err) != c.want {
				t.Errorf("%s: %v, want kind %s", name, err, c.want)
			}
		}
	})
	before := h.state(tenant)
	for range 2 { // a second time it changes nothing
		h.must(tenant.Expunge(h.Context(), []uint64{1}))
	}
	after := h.state(tenant)
	if row := after.Rows[1]; !row.Expunged() || len(row.Vault) > 0 || string(row.Leaf) != string(before.Rows[1].Leaf) || row.ID != placed[1].ID || row.Run != run {
		t.Errorf("the row is %+v", row)
	}
	after.Rows[1] = before.Rows[1]
	before.Links = slices.DeleteFunc(before.Links, func(l store.PlacedLink) bool { return l.Seq == 1 })
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("expunging changed something else (-before +after):\n%s", diff)
	}
	for what, data := range map[string][]byte{"record": []byte("telltale-step"), "MAC": mac} {
		if len(mac) > 8 && h.holds(data) {
			t.Errorf("the %s still stands in a file", what)
		}
	}
	h.view(tenant, func(tx store.Tx) error {
		n, err := tx.RunLength(run)
		if n != uint64(len(story)) {
			t.Errorf("the run has %d records, want %d", n, len(story))
		}
		return err
	})
	h.reopen()
	if s := h.state(h.tenant("a")); !s.Rows[1].Expunged() || h.holds([]byte("telltale-step")) {
		t.Error("it comes back with a reopened store")
	}
}

// holds looks for bytes in every file of the store.
func (h *house) holds(want []byte) (found bool) {
	h.Helper()
	h.must(filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || bytes.Contains(data, want)
		return err
	}))
	return found
}
