package storetest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// isolation gives several tenants the same ids, runs and links, and wants each
// to see its own, from whatever place they begin to read.
func isolation(t *testing.T, h *house) {
	run, link := evidence.RunID(NewID()), evidence.Link{Kind: "trace", ID: "shared"}
	id := evidence.RecordID(NewID())
	names := []evidence.TenantID{"a", "b", "c"}
	for _, name := range names {
		f := Step(run, string(name), link)
		f.ID = id
		b := Batch("s", f, RunStarted(run))
		b.Objects = [][]byte{[]byte("object of " + name)}
		h.append(h.tenant(name), b)
	}
	for _, name := range names {
		h.view(h.tenant(name), func(tx store.Tx) error {
			for _, from := range []uint64{0, 1, 2, 1 << 39, 1<<40 - 1, 1 << 40, 1<<40 + 1, 1 << 41, 1 << 62, 1 << 63, math.MaxUint64} {
				want := int(2 - min(from, 2))
				rows, err := tx.Rows(from, 100)
				h.must(err)
				inRun, err := tx.RunRows(run, from, 100)
				h.must(err)
				steps, err := tx.TypeRows(evidence.TypeStepObserved, from, 100)
				h.must(err)
				linked, err := tx.Linked(link, from, 100)
				h.must(err)
				if len(rows) != want || len(inRun) != want || len(steps) != max(0, want-1) || len(linked) != max(0, want-1) {
					t.Errorf("tenant %s sees %d rows, %d of the run, %d steps and %d links from %d on", name, len(rows), len(inRun), len(steps), len(linked), from)
				}
				for _, row := range slices.Concat(rows, inRun, steps) {
					if leaf, err := evidence.ParseLeaf(row.Leaf); err != nil || leaf.Tenant != name {
						t.Errorf("tenant %s sees a record of tenant %s", name, leaf.Tenant)
					}
				}
			}
			row, err := tx.RowByID("s", id)
			if err != nil || !bytes.Contains(row.Record, []byte(`"step":"`+string(name)+`"`)) {
				t.Errorf("tenant %s finds another record by its id: %v", name, err)
			}
			for _, other := range names {
				_, err := tx.Object(evidence.DigestOf([]byte("object of " + other)))
				if (err == nil) != (name == other) {
					t.Errorf("tenant %s reads the object of tenant %s: %v", name, other, err)
				}
			}
			return nil
		})
		if s := h.state(h.tenant(name)); len(s.Rows) != 2 || len(s.States) != 1 || len(s.Links) != 1 || len(s.Objects) != 1 {
			t.Errorf("tenant %s sees %d rows, %d projections, %d links, %d objects", name, len(s.Rows), len(s.States), len(s.Links), len(s.Objects))
		}
	}
}

func origins(t *testing.T, h *house) {
	for _, name := range []evidence.TenantID{"b", "a"} {
		h.tenant(name)
	}
	h.reopen()
	again, err := h.ForTenant(ctx, "a", func() string { return "another origin" })
	h.must(err)
	if s := h.state(again); s.Head.Origin != "origin of a" || s.Head.Next != 0 || s.Head.Prev != evidence.ZeroDigest || s.Head.Checkpoint != nil {
		t.Errorf("head of an old tenant without records is %+v", s.Head)
	}
	if ids, err := h.Tenants(ctx); err != nil || !slices.Equal(ids, []evidence.TenantID{"a", "b"}) {
		t.Errorf("tenants are %v, %v", ids, err)
	}
}

func objects(t *testing.T, h *house) {
	tenant := h.tenant("a")
	b := Batch("s", Step("", "one"))
	b.Objects = [][]byte{[]byte("x"), {}, []byte("x")}
	h.append(tenant, b)
	b = Batch("s", Step("", "two"))
	b.Objects = [][]byte{[]byte("x")}
	h.append(tenant, b)
	h.view(tenant, func(tx store.Tx) error {
		for _, want := range []string{"x", ""} {
			if data, err := tx.Object(evidence.DigestOf([]byte(want))); err != nil || string(data) != want {
				t.Errorf("object %q reads as %q, %v", want, data, err)
			}
		}
		if _, err := tx.Object(evidence.DigestOf([]byte("y"))); evidence.KindOf(err) != evidence.NotFound {
			t.Errorf("an object that is not there: %v", err)
		}
		return nil
	})
}

// paging reads by run, type and link in pages, beside reading everything.
func paging(t *testing.T, h *house) {
	tenant := h.tenant("a")
	runs := []evidence.RunID{evidence.RunID(NewID()), evidence.RunID(NewID()), ""}
	link := evidence.Link{Kind: "trace", ID: "1"}
	want := map[evidence.RunID][]uint64{}
	var linked, steps, withholding []uint64
	block := func(evidence.RecordID, evidence.RunID, []evidence.Disclosure) []byte { return []byte("block") }
	for i := range uint64(30) {
		run := runs[i%3]
		f := Step(run, fmt.Sprint("step", i))
		if i%4 == 0 {
			f = RunStarted(evidence.RunID(NewID()))
			f.Run = run
		} else {
			steps = append(steps, i)
		}
		if i%5 == 0 {
			f.Links = []evidence.Link{link, {Kind: "trace", ID: "2"}}
			linked = append(linked, i)
		}
		want[run] = append(want[run], i)
		e := f.Entry("s", nil)
		if i%2 == 0 {
			e = f.Entry("s", block)
		}
		if i%2 == 0 && run == "" {
			withholding = append(withholding, i)
		}
		h.append(tenant, store.Batch{Entries: []store.Entry{e}})
	}
	other := Step("", "another tenant's").Entry("s", block)
	h.append(h.tenant("b"), store.Batch{Entries: []store.Entry{other}})
	delete(want, "") // belongs to no run, and is no run
	h.view(tenant, func(tx store.Tx) error {
		for _, run := range runs {
			samePages(t, "run", want[run], func(from uint64, n int) ([]uint64, error) { return seqs(tx.RunRows(run, from, n)) })
		}
		samePages(t, "type", steps, func(from uint64, n int) ([]uint64, error) {
			return seqs(tx.TypeRows(evidence.TypeStepObserved, from, n))
		})
		samePages(t, "of no run", withholding, func(from uint64, n int) ([]uint64, error) { return seqs(tx.HouseRows(from, n)) })
		samePages(t, "link", linked, func(from uint64, n int) ([]uint64, error) { return tx.Linked(link, from, n) })
		if _, err := tx.RowByID("s", evidence.RecordID(NewID())); evidence.KindOf(err) != evidence.NotFound {
			t.Errorf("a record that is not there: %v", err)
		}
		rows, err := tx.Rows(7, 1)
		h.must(err)
		if row, err := tx.RowByID("s", rows[0].ID); err != nil || cmp.Diff(rows[0], row) != "" {
			t.Errorf("by its id record 7 is %+v, %v", row, err)
		}
		return nil
	})
}

func seqs(rows []store.Row, err error) (list []uint64, _ error) {
	for _, r := range rows {
		list = append(list, r.Seq)
	}
	return list, err
}

func samePages(t *testing.T, what string, want []uint64, read func(from uint64, limit int) ([]uint64, error)) {
	t.Helper()
	var got []uint64
	for from := uint64(0); ; {
		page, err := read(from, 3)
		if err != nil || len(page) > 3 {
			t.Fatalf("%s: %d seqs, %v", what, len(page), err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		from = page[len(page)-1] + 1
	}
	if !slices.Equal(got, want) {
		t.Errorf("by %s, in pages: %v, want %v", what, got, want)
	}
}

// walk wants whole tables in pages of any size, in order.
func walk(t *testing.T, h *house) {
	tenant := h.tenant("a")
	for i := range 7 {
		run := evidence.RunID(NewID())
		b := Batch("s", RunStarted(run), Step(run, "x", evidence.Link{Kind: "doc", ID: fmt.Sprint(i % 3)}, evidence.Link{Kind: "trace", ID: "t"}))
		b.Objects = [][]byte{fmt.Append(nil, i)}
		h.append(tenant, b)
	}
	b := Batch("s", Fact{Type: evidence.TypePersonChanged, Body: evidence.PersonChanged{Person: "person-1", Name: "Ada", Roles: []string{}, Active: true, By: "evf"}})
	h.append(tenant, b)
	all := h.state(tenant)
	if len(all.States) != 8 || len(all.Links) != 14 || len(all.Objects) != 7 || all.States[0].Kind != "person" || all.Links[13].Seq != 13 {
		t.Fatalf("walked %d projections, %d links, %d objects", len(all.States), len(all.Links), len(all.Objects))
	}
	for _, size := range []int{1, 2, 5, 14} {
		h.view(tenant, func(tx store.Tx) error {
			states := inPages(h, size, func(after store.StateRow) ([]store.StateRow, error) { return tx.States(after.Key, size) })
			links := inPages(h, size, func(after store.PlacedLink) ([]store.PlacedLink, error) { return tx.Links(after, size) })
			digests := inPages(h, size, func(after evidence.Digest) ([]evidence.Digest, error) { return tx.Objects(after, size) })
			if diff := cmp.Diff(all.States, states) + cmp.Diff(all.Links, links); diff != "" || len(digests) != 7 || !slices.IsSorted(digests) {
				t.Errorf("in pages of %d: %d objects, others (-want +got):\n%s", size, len(digests), diff)
			}
			return nil
		})
	}
	if !slices.IsSortedFunc(all.States, func(a, b store.StateRow) int { return store.CompareKeys(a.Key, b.Key) }) ||
		!slices.IsSortedFunc(all.Links, func(a, b store.PlacedLink) int {
			if c := evidence.CompareLinks(a.Link, b.Link); c != 0 {
				return c
			}
			return int(a.Seq) - int(b.Seq)
		}) {
		t.Error("tables are not walked in order")
	}
}

func inPages[E any](h *house, size int, read func(after E) ([]E, error)) (all []E) {
	for {
		var after E
		if len(all) > 0 {
			after = all[len(all)-1]
		}
		page, err := read(after)
		h.must(err)
		if len(page) > size {
			h.Fatalf("a page of %d has %d elements", size, len(page))
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// snapshot appends in the midst of a view, which must not notice.
func snapshot(t *testing.T, h *house) {
	tenant := h.tenant("a")
	h.append(tenant, Batch("s", Step("", "one")))
	h.view(tenant, func(tx store.Tx) error {
		before, err := tx.Head()
		h.must(err)
		h.append(tenant, Batch("s", Step("", "two")))
		after, err := tx.Head()
		h.must(err)
		rows, err := tx.Rows(0, 10)
		if len(rows) != 1 || after.Next != before.Next {
			t.Errorf("a view sees %d rows and head %d after it began at %d", len(rows), after.Next, before.Next)
		}
		return err
	})
	if err := tenant.View(ctx, func(store.Tx) error { return errNo }); err != errNo {
		t.Errorf("a view answers %v, not the error of its function", err)
	}
}

func checkpoints(t *testing.T, h *house) {
	tenant := h.tenant("a")
	h.append(tenant, Batch("s", Step("", "one"), Step("", "two")))
	for _, c := range []struct {
		from, to uint64
		note     string
		kind     evidence.ErrorKind // "" where it is set
	}{
		{1, 2, "wrong start", evidence.Conflict},
		{0, 1, "first", ""},
		{0, 1, "first again", evidence.Conflict},
		{1, 2, "second", ""},
		{1, 2, "late", evidence.Conflict},
	} {
		err := tenant.SetCheckpoint(ctx, c.from, c.to, []byte(c.note))
		if c.kind == "" && err != nil || c.kind != "" && (err == nil || evidence.KindOf(err) != c.kind) {
			t.Errorf("%s: %v", c.note, err)
		}
	}
	h.reopen()
	if s := h.state(h.tenant("a")); s.Head.Sealed != 2 || string(s.Head.Checkpoint) != "second" || s.Head.Next != 2 {
		t.Errorf("head is %+v", s.Head)
	}
}

func epochs(t *testing.T, h *house) {
	tenant, other := h.tenant("a"), h.tenant("b")
	h.append(tenant, Batch("s", Step("", "one")))
	h.must(tenant.SetCheckpoint(ctx, 0, 1, []byte("signed")))
	b := Batch("s", Step("", "two"))
	b.Epoch = &store.Epoch{From: "another origin", To: "x"}
	h.unchanged(tenant, func() { h.refused(tenant, evidence.Conflict, b) })
	b.Epoch.From = "origin of a"
	b.Guard = func(store.Tx) error { return evidence.Errorf(evidence.Denied, "", "no") }
	h.unchanged(tenant, func() { h.refused(tenant, evidence.Denied, b) })
	b.Guard = nil
	h.unchanged(other, func() { h.append(tenant, b) })
	h.reopen()
	s := h.state(h.tenant("a"))
	if s.Head.Origin != "x" || s.Head.Sealed != 0 || s.Head.Checkpoint != nil || s.Head.Next != 2 || len(s.Rows) != 2 {
		t.Errorf("head is %+v with %d rows", s.Head, len(s.Rows))
	}
	h.must(h.tenant("a").SetCheckpoint(ctx, 0, 2, []byte("anew")))
}

func reopening(t *testing.T, h *house) {
	tenant := h.tenant("a")
	run, action, id := evidence.RunID(NewID()), NewID(), NewID()
	b := Batch("s", append(approval(run, action, id), Step(run, "x", evidence.Link{Kind: "trace", ID: "1"}))...)
	b.Objects = [][]byte{[]byte("object")}
	b.Entries[0].Vault = []byte("block")
	h.append(tenant, b)
	h.must(tenant.SetCheckpoint(ctx, 0, 3, []byte("signed")))
	before := h.state(tenant)
	h.reopen()
	if diff := cmp.Diff(before, h.state(h.tenant("a"))); diff != "" {
		t.Errorf("after reopening (-before +after):\n%s", diff)
	}
	if string(before.Rows[0].Vault) != "block" || before.Rows[1].Vault != nil {
		t.Errorf("vault blocks are %q and %q", before.Rows[0].Vault, before.Rows[1].Vault)
	}
	b = Batch("s", Step("", strings.Repeat("x", 9)))
	if placed := h.append(h.tenant("a"), b); placed[0].Seq != 5 {
		t.Errorf("after reopening the next record stands at %d", placed[0].Seq)
	}
	chained(t, "a", h.state(h.tenant("a")))
}
