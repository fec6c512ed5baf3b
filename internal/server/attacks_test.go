package server

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/tlog"
	"github.com/evidencefactory/evf/internal/vault"
)

// scene is a closed data directory of a house in which a held payment was
// approved and its approval spent, and what an attacker knows of it.
type scene struct {
	t        *testing.T
	dir      string
	rows     []store.Row
	kept     []byte // a checkpoint that somebody took along
	anchor   string
	approval string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), anchor: t.TempDir()}
	h := openHouse(t, t.TempDir(), newClock())
	h.apply(manifest(t, "payments"))
	run, v := h.wire()
	h.approve("carla@example.org", v.Approvals[0].ID, "controller")
	h.verdict(h.ask(run, v.Action, "bank/wire", `{"amount":7}`), "allow", "permitted")
	h.must(run.Done(t.Context(), v.Action, client.Outcome{Status: "succeeded", Attempts: 1}))
	h.must(run.End(t.Context(), "completed", "paid"))
	h.verified(run)
	s.approval, s.rows = string(v.Approvals[0].ID), h.rows()
	h.must(h.server.Log(DefaultTenant).Seal(t.Context()))
	_, s.kept = h.server.Log(DefaultTenant).Checkpoint()
	h.must(os.MkdirAll(filepath.Join(s.anchor, filepath.Dir(originOf(s.kept))), 0o700))
	h.must(os.WriteFile(filepath.Join(s.anchor, originOf(s.kept)), s.kept, 0o600))
	h.must(h.server.store.Close()) // what is left in its write-ahead log goes to the file
	h.must(os.CopyFS(s.dir, os.DirFS(h.dir)))
	return s
}

func originOf(signed []byte) string {
	origin, _, _ := strings.Cut(string(signed), "\n")
	return origin
}

// on is the scene on a folder of its own.
func (s *scene) on(t *testing.T) *scene {
	t.Helper()
	c := *s
	c.t, c.dir = t, t.TempDir()
	c.must(os.CopyFS(c.dir, os.DirFS(s.dir)))
	return &c
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) edit(query string, args ...any) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "evf.db"))
	s.must(err)
	defer db.Close()
	res, err := db.Exec(query, args...)
	s.must(err)
	if n, _ := res.RowsAffected(); n == 0 {
		s.t.Fatalf("%s touched nothing", query)
	}
}

func (s *scene) file(name string) string { return filepath.Join(s.dir, "log", DefaultTenant, name) }

// pos is where a record stands in the table.
func pos(seq uint64) int64 { return 1<<40 + int64(seq) }

// of is the last record of a type.
func (s *scene) of(typ evidence.Type) (row store.Row) {
	s.t.Helper()
	for _, r := range s.rows {
		if r.Type == typ {
			row = r
		}
	}
	if row.Record == nil {
		s.t.Fatalf("no record of type %s", typ)
	}
	return row
}

// rehash alters a record and makes every leaf from there on again, and the
// head: everything in the database fits.
func (s *scene) rehash(seq uint64, old, new string) {
	s.t.Helper()
	prev := evidence.ZeroDigest
	for _, row := range s.rows {
		leaf, err := evidence.ParseLeaf(row.Leaf)
		s.must(err)
		if row.Seq == seq {
			row.Record = bytes.Replace(row.Record, []byte(old), []byte(new), 1)
			leaf.Digest = evidence.DigestOf(row.Record)
		}
		leaf.Prev = prev
		line := leaf.Canonical()
		prev = evidence.DigestOf(line)
		s.edit("UPDATE record SET leaf=?, record=? WHERE pos=?", line, row.Record, pos(row.Seq))
	}
	s.edit("UPDATE tenant SET prev=?", string(prev))
}

// resign signs the published tree with another key of the log's name.
func (s *scene) resign() []byte {
	s.t.Helper()
	skey, _, err := note.GenerateKey(nil, originOf(s.kept))
	s.must(err)
	signer, err := note.NewSigner(skey)
	s.must(err)
	cp, err := tlog.ReadCheckpoint(s.kept)
	s.must(err)
	signed, err := cp.Sign(signer)
	s.must(err)
	return signed
}

// TestFsckAttacks is one test for each way to tamper with a closed house. Each
// is found by fsck, which says where.
func TestFsckAttacks(t *testing.T) {
	base := newScene(t)
	size := uint64(len(base.rows))
	plain := base.of(evidence.TypeRunEnded)
	tile := "tile/0/000.p/" + strconv.FormatUint(size, 10)
	at := func(seq uint64) string { return "record " + strconv.FormatUint(seq, 10) }

	for _, c := range []struct {
		name   string
		attack func(s *scene)
		want   string
		config FsckConfig
	}{
		{"record altered", func(s *scene) {
			s.edit("UPDATE record SET record=? WHERE pos=?", bytes.Replace(plain.Record, []byte(`"completed"`), []byte(`"abandoned"`), 1), pos(plain.Seq))
		}, at(plain.Seq) + ": was altered: its bytes are not those that its leaf names", FsckConfig{}},
		{"row deleted", func(s *scene) { s.edit("DELETE FROM record WHERE pos=?", pos(7)) },
			"record 7: missing from the store", FsckConfig{}},
		{"tail cut", func(s *scene) {
			s.edit("DELETE FROM record WHERE pos>=?", pos(size-2))
			s.edit("UPDATE tenant SET next=?, prev=?", size-2, string(evidence.DigestOf(s.rows[size-3].Leaf)))
		}, "records " + strconv.FormatUint(size-2, 10) + " to " + strconv.FormatUint(size-1, 10) + ": missing from the store", FsckConfig{}},
		{"two rows swapped", func(s *scene) {
			s.edit("UPDATE record SET pos=? WHERE pos=?", pos(9999), pos(7))
			s.edit("UPDATE record SET pos=? WHERE pos=?", pos(7), pos(8))
			s.edit("UPDATE record SET pos=? WHERE pos=?", pos(8), pos(9999))
		}, "record 7: its leaf is that of record 8", FsckConfig{}},
		{"leaf re-hashed consistently", func(s *scene) { s.rehash(plain.Seq, `"completed"`, `"abandoned"`) },
			tile + ": not the tile that the records give, from " + at(plain.Seq) + " on", FsckConfig{}},
		{"tile bit flipped", func(s *scene) {
			data, err := os.ReadFile(s.file(tile))
			s.must(err)
			data[3*tlog.HashSize] ^= 1
			s.must(os.WriteFile(s.file(tile), data, 0o600))
		}, tile + ": not the tile that the records give, from record 3 on", FsckConfig{}},
		{"checkpoint replaced", func(s *scene) {
			lines := strings.SplitN(string(s.kept), "\n", 4)
			s.must(os.WriteFile(s.file("checkpoint"), []byte(lines[0]+"\n7\n"+lines[2]+"\n"+lines[3]), 0o600))
		}, "checkpoint: not signed by the log's key", FsckConfig{}},
		{"checkpoint re-signed with another key", func(s *scene) { s.must(os.WriteFile(s.file("checkpoint"), s.resign(), 0o600)) },
			"checkpoint: not signed by the log's key", FsckConfig{}},
		{"old backup restored, caught by a checkpoint kept elsewhere", func(s *scene) { s.putBack(size - 3) },
			"kept: covers " + strconv.FormatUint(size, 10) + " records, the store holds " + strconv.FormatUint(size-3, 10), FsckConfig{Against: []Kept{{"kept", base.kept}}}},
		{"old backup restored, caught by the anchor", func(s *scene) { s.putBack(size - 3) },
			"anchor " + originOf(base.kept) + ": covers " + strconv.FormatUint(size, 10) + " records", FsckConfig{Anchor: base.anchor}},
		{"spent approval re-armed in its table", func(s *scene) {
			s.edit("UPDATE projection SET status='approved', row=CAST(replace(CAST(row AS TEXT), 'consumed', 'approved') AS BLOB) WHERE kind='approval'")
		}, "projection approval " + base.approval + ": is not what the records give: status differ", FsckConfig{}},
		{"vault ciphertext swapped between records", func(s *scene) {
			a, b := s.of(evidence.TypeApprovalRequested), s.of(evidence.TypeApprovalDecided)
			s.edit("UPDATE record SET vault=? WHERE pos=?", b.Vault, pos(a.Seq))
			s.edit("UPDATE record SET vault=? WHERE pos=?", a.Vault, pos(b.Seq))
		}, at(base.of(evidence.TypeApprovalRequested).Seq) + ": withheld values: record ", FsckConfig{}},
		{"disclosure moved to another field", func(s *scene) { s.moveDisclosure(base.of(evidence.TypeApprovalDecided)) },
			at(base.of(evidence.TypeApprovalDecided).Seq) + ": withheld values: record ", FsckConfig{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := base.on(t)
			c.config.Data = s.dir
			if r := s.fsck(c.config); !r[0].Clean() {
				t.Fatalf("before the attack: %v", r[0].Problems)
			}
			c.attack(s)
			for _, p := range s.fsck(c.config)[0].Problems {
				if strings.HasPrefix(p.String(), c.want) {
					return
				}
			}
			t.Errorf("nothing is said like %q: %v", c.want, s.fsck(c.config)[0].Problems)
		})
	}
}

// putBack puts the whole house back to when it had n records: database, log
// and all of it in order.
func (s *scene) putBack(n uint64) {
	s.t.Helper()
	for _, table := range []string{"record", "link"} {
		s.edit("DELETE FROM "+table+" WHERE pos>=?", pos(n))
	}
	s.edit("UPDATE tenant SET next=?, prev=?, sealed=0, checkpoint=NULL", n, string(evidence.DigestOf(s.rows[n-1].Leaf)))
	s.must(os.RemoveAll(filepath.Join(s.dir, "log")))
}

// moveDisclosure seals a record's withheld values again, with the right keys,
// and one of them under the name of another field.
func (s *scene) moveDisclosure(row store.Row) {
	s.t.Helper()
	v, err := vault.Open(s.t.Context(), filepath.Join(s.dir, "keys"), false)
	s.must(err)
	defer v.Close()
	place := vault.Place{Tenant: DefaultTenant, Run: row.Run, Record: row.ID}
	list, _, err := v.Open(s.t.Context(), place, row.Vault)
	s.must(err)
	if len(list) < 2 {
		s.t.Fatalf("%d values are withheld", len(list))
	}
	list[0].Text, list[1].Text = list[1].Text, list[0].Text
	block, err := v.Seal(s.t.Context(), place, list)
	s.must(err)
	s.edit("UPDATE record SET vault=? WHERE pos=?", block, pos(row.Seq))
}

func (s *scene) fsck(cfg FsckConfig) []*ledger.Report {
	s.t.Helper()
	r, err := Fsck(context.Background(), cfg)
	s.must(err)
	return r
}
