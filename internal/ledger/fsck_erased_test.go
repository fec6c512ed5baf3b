package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/storetest"
	"github.com/evidencefactory/evf/internal/vault"
)

// The places of the records in erasedHouse.
const (
	seqExpunged = 1
	seqLocked   = 2 // its values went with their key
	seqErasure  = 4
)

// erasedHouse is a sealed house with an erasure on record that expunged one
// record and destroyed the keys of its run.
type erasedHouse struct {
	*house
	vault   *vault.Vault
	run     evidence.RunID
	erasure evidence.RecordID
}

func newErasedHouse(t *testing.T) *erasedHouse {
	h := &erasedHouse{house: openHouse(t, t.TempDir()), run: evidence.RunID(storetest.NewID()), erasure: evidence.RecordID(storetest.NewID())}
	var err error
	h.vault, err = vault.Open(t.Context(), h.path("keys"), true)
	h.must(err)
	t.Cleanup(func() { h.must(h.vault.Close()) })
	link := evidence.Link{Kind: "trace", ID: "t1"}
	h.add(storetest.RunStarted(h.run), storetest.Step(h.run, "one", link), storetest.Step(h.run, "two", link), storetest.Step(h.run, "three"))
	leaf, err := evidence.ParseLeaf(h.rows(seqExpunged, 1)[0].Leaf)
	h.must(err)
	h.add(storetest.Fact{ID: h.erasure, Type: evidence.TypeErasurePerformed, Body: h.order(evidence.Expunged{Record: leaf.ID, Seq: seqExpunged, Digest: leaf.Digest, Run: h.run})})
	h.must(h.log().Seal(t.Context()))
	h.carry()
	h.must(h.tenant.SetForgotten(t.Context(), seqErasure+1))
	h.must(h.tenant.Expunge(t.Context(), []uint64{seqExpunged}))
	return h
}

func (h *erasedHouse) order(expunged ...evidence.Expunged) evidence.ErasurePerformed {
	return evidence.ErasurePerformed{Kind: "run", Of: h.run, Authority: "a court", By: "person-1", Expunged: expunged,
		Keys: []string{"run/" + string(h.run) + "/internal/1"}}
}

// add appends facts with their values in the vault.
func (h *erasedHouse) add(facts ...storetest.Fact) {
	h.Helper()
	var b store.Batch
	for _, f := range facts {
		b.Entries = append(b.Entries, f.Entry("test", func(id evidence.RecordID, run evidence.RunID, list []evidence.Disclosure) []byte {
			block, err := h.vault.Seal(h.Context(), vault.Place{Tenant: tenantID, Run: run, Record: id}, list)
			h.must(err)
			return block
		}))
	}
	_, err := h.tenant.Append(h.Context(), &b)
	h.must(err)
}

func (h *erasedHouse) carry() {
	h.Helper()
	row := h.rows(seqErasure, 1)[0]
	h.must(h.vault.Destroy(h.Context(), tenantID, vault.Erasure{Leaf: row.Leaf, Record: row.Record}))
}

// keys changes keys.db behind the vault's back.
func (h *erasedHouse) keys(query string, args ...any) {
	h.Helper()
	db, err := sql.Open("sqlite", h.path("keys/keys.db"))
	h.must(err)
	defer db.Close()
	res, err := db.Exec(query, args...)
	h.must(err)
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		h.Fatalf("%s touched %d rows, %v", query, n, err)
	}
}

func (h *erasedHouse) check() *Report {
	h.Helper()
	v, err := vault.Open(h.Context(), h.path("keys"), false) // anew: nothing is in its memory
	h.must(err)
	defer v.Close()
	keys, err := VerifierKeys(h.Context(), h.path("keys"), h.tenant)
	h.must(err)
	r, err := Fsck(h.Context(), FsckConfig{Tenant: h.tenant, Logs: h.path("log"), Keys: keys,
		Open: func(ctx context.Context, row store.Row) (by []evidence.RecordID, err error) {
			rec, err := evidence.ParseRecord(row.Record)
			if err != nil {
				return nil, err
			}
			_, erased, err := v.Open(ctx, vault.Place{Tenant: tenantID, Run: rec.Run, Record: rec.ID}, row.Vault)
			for _, e := range erased {
				by = append(by, e.Erasure)
			}
			return by, err
		},
		Values: func(ctx context.Context, each func(string, evidence.RecordID)) error {
			return v.EachKey(ctx, tenantID, func(k vault.Key) { each(k.Full, k.Erasure) })
		},
		Kept: func(ctx context.Context, each func(evidence.RecordID, *evidence.ErasurePerformed)) error {
			return v.EachErasure(ctx, tenantID, func(e vault.Erasure) error {
				leaf, body, err := e.Read()
				each(leaf.ID, body)
				return err
			})
		}})
	h.must(err)
	return r
}

// TestFsckErased breaks one thing at a time about what was erased, and wants
// an accident never to pass for an erasure.
func TestFsckErased(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(h *erasedHouse)
		want   []string // problems: the beginning of what
		notes  int
	}{
		{"nothing", func(*erasedHouse) {}, nil, 0},
		{"another record without bytes", func(h *erasedHouse) {
			h.edit("UPDATE record SET record=x'', vault=NULL WHERE pos=?", pos(seqLocked))
			h.edit("DELETE FROM link WHERE pos=?", pos(seqLocked))
		}, []string{"record 2: has no bytes, and no erasure says that it was expunged"}, 0},
		{"links of what was expunged", func(h *erasedHouse) {
			h.edit("INSERT INTO link SELECT tenant, kind, id, ? FROM link WHERE pos=?", pos(seqExpunged), pos(seqLocked))
		}, []string{"link trace t1: points at record 1, which was expunged"}, 0},
		{"run of what was expunged", func(h *erasedHouse) {
			h.edit("UPDATE record SET run=? WHERE pos=?", storetest.NewID(), pos(seqExpunged))
		}, []string{"record 1: has no bytes, and no erasure says"}, 0},
		{"tombstone lost", func(h *erasedHouse) { h.keys("DELETE FROM key WHERE erasure<>''") },
			[]string{"record 2: withheld values: record ", "record 3: withheld values: record "}, 0},
		{"tombstone without a cause", func(h *erasedHouse) { h.keys("UPDATE key SET erasure='' WHERE erasure<>''") },
			[]string{"record 2: withheld values: record ", "record 3: withheld values: record "}, 1},
		{"key destroyed behind everyone's back", func(h *erasedHouse) {
			h.keys("UPDATE key SET wrapped=NULL, erasure='0198c000-0000-7000-8000-00000000000f' WHERE name LIKE 'subject/%'")
		}, []string{"record 0: its values went with erasure 0198c000-0000-7000-8000-00000000000f, and no such erasure comes after it",
			"key subject/"}, 0},
		{"key destroyed under another's name", func(h *erasedHouse) {
			h.keys("UPDATE key SET wrapped=NULL, erasure=? WHERE name LIKE 'subject/%'", string(h.erasure))
		}, []string{"key subject/"}, 0},
		{"values under a key from before the erasure", func(h *erasedHouse) {
			id := evidence.RecordID(storetest.NewID())
			list := []evidence.Disclosure{{Pointer: "/summary", Class: evidence.Internal, Text: "x"}}
			h.keys("DELETE FROM key WHERE erasure<>''")
			v, err := vault.Open(h.Context(), h.path("keys"), false)
			h.must(err)
			block, err := v.Seal(h.Context(), vault.Place{Tenant: tenantID, Run: h.run, Record: id}, list)
			h.must(err)
			h.must(v.Close())
			f := storetest.Step(h.run, "late")
			f.ID = id
			e := f.Entry("test", func(evidence.RecordID, evidence.RunID, []evidence.Disclosure) []byte { return block })
			_, err = h.tenant.Append(h.Context(), &store.Batch{Entries: []store.Entry{e}})
			h.must(err)
			h.keys("UPDATE key SET wrapped=NULL, erasure=? WHERE name LIKE 'run/%/internal'", string(h.erasure))
			h.must(h.log().Seal(h.Context()))
		}, []string{"record 5: its values went with erasure "}, 0},
		{"erasure not carried out", func(h *erasedHouse) {
			h.keys("UPDATE key SET wrapped=(SELECT wrapped FROM key WHERE erasure='' AND name LIKE 'run/%/confidential'), erasure='' WHERE erasure<>''")
		}, []string{"record 2: withheld values", "record 3: withheld values"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newErasedHouse(t)
			c.change(h)
			r := h.check()
			if len(c.want) > 0 {
				checkProblems(t, r, c.want)
			} else if !r.Clean() {
				t.Errorf("problems %v", r.Problems)
			}
			if len(r.Notes) != c.notes {
				t.Errorf("notes %v, want %d", r.Notes, c.notes)
			}
		})
	}
}

// TestFsckOrdered has an erasure on record that was not carried out yet.
func TestFsckOrdered(t *testing.T) {
	h := newErasedHouse(t)
	leaf, err := evidence.ParseLeaf(h.rows(3, 1)[0].Leaf)
	h.must(err)
	order := h.order(evidence.Expunged{Record: leaf.ID, Seq: 3, Digest: leaf.Digest, Run: h.run})
	order.Keys = []string{"run/" + string(h.run) + "/confidential/1"}
	h.add(storetest.Fact{Type: evidence.TypeErasurePerformed, Body: order})
	h.must(h.log().Seal(t.Context()))
	if r := h.check(); !r.Clean() || len(r.Notes) != 3 || !strings.Contains(r.Notes[0].What, "the next start expunges it") || !strings.Contains(r.Notes[1].What, "the next start clears them") || !strings.Contains(r.Notes[2].What, "the next start destroys it") {
		t.Errorf("problems %v, notes %v", r.Problems, r.Notes)
	}
}

// TestFsckKept has an erasure beside the keys that the log does not hold, as
// after a restore of older records.
func TestFsckKept(t *testing.T) {
	h := newErasedHouse(t)
	other := newErasedHouse(t)
	row := other.rows(seqErasure, 1)[0]
	h.must(h.vault.Destroy(t.Context(), tenantID, vault.Erasure{Leaf: row.Leaf, Record: row.Record}))
	if r := h.check(); !r.Clean() || len(r.Notes) != 1 || !strings.Contains(r.Notes[0].What, "the next start records it again") {
		t.Errorf("problems %v, notes %v", r.Problems, r.Notes)
	}
}

// TestLogWithoutBytes wants the log to be made again over expunged records, and
// no record to be sealed whose bytes are gone before it was.
func TestLogWithoutBytes(t *testing.T) {
	h := newErasedHouse(t)
	h.must(os.RemoveAll(h.path("log")))
	h.log()
	if r := h.check(); !r.Clean() || r.Sealed != seqErasure+1 {
		t.Errorf("made again: sealed %d, problems %v", r.Sealed, r.Problems)
	}
	h.add(storetest.Step(h.run, "new"))
	h.edit("UPDATE record SET record=x'' WHERE pos=?", pos(seqErasure+1))
	if err := h.log().Seal(t.Context()); err == nil || !strings.Contains(err.Error(), "was altered before it was sealed") {
		t.Errorf("sealed a record without bytes: %v", err)
	}
}

// TestEpochWithoutBytes gives a log up after records were expunged: the next
// one seals their leaves, however often it is begun anew.
func TestEpochWithoutBytes(t *testing.T) {
	h := newErasedHouse(t)
	for range 2 {
		if _, err := h.ledger().BeginEpoch(t.Context(), h.tenant, EpochRequest{By: "person-1", Reason: "a lost key"}, recordOn(h.tenant)); err != nil {
			t.Fatal(err)
		}
		h.must(h.log().Seal(t.Context()))
		if r := h.check(); !r.Clean() || r.Sealed != r.Records {
			t.Errorf("sealed %d of %d, problems %v", r.Sealed, r.Records, r.Problems)
		}
	}
	h.must(os.RemoveAll(h.path("log")))
	h.log()
	h.add(storetest.Step(h.run, "new"))
	h.edit("UPDATE record SET record=x'' WHERE pos=?", pos(seqErasure+3))
	if err := h.log().Seal(t.Context()); err == nil || !strings.Contains(err.Error(), "was altered before it was sealed") {
		t.Errorf("sealed a record without bytes: %v", err)
	}
}

// TestRepublish makes a log again without the key that signs it.
func TestRepublish(t *testing.T) {
	h := newErasedHouse(t)
	keys, err := VerifierKeys(h.Context(), h.path("keys"), h.tenant)
	h.must(err)
	if size, err := Republish(t.Context(), h.tenant, h.path("again"), keys, nil); err != nil || size != seqErasure+1 {
		t.Fatalf("size %d, %v", size, err)
	}
	was, now := contents(t, h.path("log")), contents(t, h.path("again"))
	if len(was) != len(now) {
		t.Fatalf("%d files, were %d", len(now), len(was))
	}
	for name, data := range was {
		if now[name] != data {
			t.Errorf("%s is another", name)
		}
	}
	_, other, err := note.GenerateKey(rand.Reader, "evf-test/acme")
	if err == nil {
		_, err = Republish(t.Context(), h.tenant, h.path("once-more"), []string{other}, nil)
	}
	if err == nil {
		t.Error("republished under another key")
	}
}
