package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/store/storetest"
	"github.com/evidencefactory/evf/internal/tlog"
	"github.com/evidencefactory/evf/internal/vault"
)

// The places of the story in fsckHouse.
const (
	seqStarted  = 0
	seqConsumed = 4
	seqLinked   = 5
	seqPlain    = 10 // and all behind it
	fsckRecords = 600
	fsckOlder   = 300 // size of the checkpoint before the last
)

// fsckHouse is the folder of a house with the story of one approval, records
// that withhold values, links and an object, 600 sealed records in all.
type fsckHouse struct {
	dir           string
	run           evidence.RunID
	action, asked string
	older         []byte // the checkpoint before the last
}

func newFsckHouse(t *testing.T) *fsckHouse {
	f := &fsckHouse{run: evidence.RunID(storetest.NewID()), action: storetest.NewID(), asked: storetest.NewID()}
	h := openHouse(t, t.TempDir())
	v, err := vault.Open(t.Context(), h.path("keys"), true)
	h.must(err)
	defer v.Close()
	seal := func(id evidence.RecordID, run evidence.RunID, list []evidence.Disclosure) []byte {
		block, err := v.Seal(t.Context(), vault.Place{Tenant: tenantID, Run: run, Record: id}, list)
		h.must(err)
		return block
	}
	b := store.Batch{Objects: [][]byte{[]byte("a manifest")}}
	for _, fact := range f.story() {
		b.Entries = append(b.Entries, fact.Entry("test", seal))
	}
	_, err = h.tenant.Append(t.Context(), &b)
	h.must(err)
	h.append(fsckOlder - len(b.Entries))
	l := h.log()
	h.must(l.Seal(t.Context()))
	_, f.older = l.Checkpoint()
	h.append(fsckRecords - fsckOlder)
	h.must(l.Seal(t.Context()))
	f.dir = h.copy()
	return f
}

func (f *fsckHouse) story() []storetest.Fact {
	digest := evidence.DigestOf([]byte("args"))
	tool := evidence.Tool{Server: "erp", Name: "post", Impact: "high"}
	link := evidence.Link{Kind: "trace", ID: "t1"}
	story := []storetest.Fact{
		seqStarted: storetest.RunStarted(f.run),
		{Type: evidence.TypeAuthorizationDecided, Run: f.run, Body: evidence.AuthorizationDecided{Action: f.action, Tool: tool, ArgsDigest: digest,
			Sealed: evidence.StringValue("sealed"), Verdict: "hold", Mode: "enforce", Identity: "poster", Grant: "key-1", PolicySet: digest, Schema: digest,
			Engine: "test", Request: evidence.StringValue("request"), Summary: "decided", Assurance: "enforced", Facts: evidence.Facts{InitiatorKind: "human"}}},
		{Type: evidence.TypeApprovalRequested, Run: f.run, Body: evidence.ApprovalRequested{Approval: f.asked, Name: "post", Action: f.action, Tool: tool,
			ArgsDigest: digest, Presentation: digest, Shown: evidence.StringValue("shown"), Role: "approver", Quorum: 1,
			Expires: "2026-03-02T09:00:00.000000000Z", Summary: "post it", Assurance: "enforced"}},
		{Type: evidence.TypeApprovalDecided, Run: f.run, Body: evidence.ApprovalDecided{Approval: f.asked, Action: f.action, Decision: "approve",
			Approver: "person-2", ApproverName: "Grace", Presentation: digest, Assurance: "enforced"}},
		seqConsumed: {Type: evidence.TypeApprovalConsumed, Run: f.run, Body: evidence.ApprovalConsumed{Approval: f.asked, Action: f.action, ArgsDigest: digest, Assurance: "enforced"}},
		seqLinked:   storetest.Step(f.run, "linked", evidence.Link{Kind: "document", ID: "d1"}, link),
	}
	for i := len(story); i < seqPlain; i++ {
		story = append(story, storetest.Step(f.run, fmt.Sprint("step-", i), link))
	}
	return story
}

// open is this house on a folder of its own, with what Fsck needs.
func (f *fsckHouse) open(t *testing.T) (*house, FsckConfig) {
	t.Helper()
	h := copyHouse(t, f.dir)
	v, err := vault.Open(t.Context(), h.path("keys"), false)
	h.must(err)
	t.Cleanup(func() { v.Close() })
	scratch := func(ctx context.Context) (Folded, error) { return sqlite.OpenScratch(ctx) }
	return h, FsckConfig{Tenant: h.tenant, Logs: h.path("log"), Keys: h.vkeys(), Fold: scratch, Open: func(ctx context.Context, row store.Row) ([]evidence.RecordID, error) {
		rec, err := evidence.ParseRecord(row.Record)
		if err != nil {
			return nil, err
		}
		list, _, err := v.Open(ctx, vault.Place{Tenant: tenantID, Run: rec.Run, Record: rec.ID}, row.Vault)
		if err == nil {
			_, err = evidence.Reveal(rec.Body, list)
		}
		return nil, err
	}}
}

func TestFsckClean(t *testing.T) {
	h, cfg := newFsckHouse(t).open(t)
	var heard []uint64
	cfg.Progress = func(done, total uint64) { heard = append(heard, done, total) }
	before := contents(t, h.dir)
	r, err := Fsck(t.Context(), cfg)
	want := &Report{Tenant: tenantID, Origin: "evf-test/acme", Records: fsckRecords, Sealed: fsckRecords, Problems: []Problem{}, Notes: []Problem{}}
	if diff := cmp.Diff(want, r); err != nil || diff != "" || !r.Clean() {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(before, contents(t, h.dir)); diff != "" {
		t.Errorf("it changed files (-before +after):\n%s", diff)
	}
	if !slices.Equal(heard, []uint64{256, fsckRecords, 512, fsckRecords, fsckRecords, fsckRecords}) {
		t.Errorf("progress was %v", heard)
	}
}

// contents is the digest of every file, but for SQLite's shared memory.
func contents(t *testing.T, dir string) map[string]evidence.Digest {
	t.Helper()
	files := map[string]evidence.Digest{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-shm") {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = evidence.DigestOf(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestFsck breaks one thing at a time. The problems named are all there are:
// what is said, where, and nothing else.
func TestFsck(t *testing.T) {
	f := newFsckHouse(t)
	const (
		lastTile   = "tile/0/002.p/88"
		lastBundle = "tile/entries/002.p/88"
		topTile    = "tile/1/000.p/2"
	)
	approval, run := "projection approval "+f.asked, "projection run "+string(f.run)
	for _, c := range []struct {
		name   string
		change func(h *house)
		want   []string // where: the beginning of what
	}{
		{"record bytes altered", func(h *house) { replace(h, "record", 20, `"finished"`, `"skipped"`) },
			[]string{"record 20: was altered: its bytes are not those that its leaf names"}},
		{"record that cannot be read", func(h *house) { h.edit("UPDATE record SET record=substr(record, 2) WHERE pos=?", pos(20)) },
			[]string{"record 20: was altered", "record 20: record: JSON"}},
		{"leaf that cannot be read", func(h *house) { replace(h, "leaf", 599, `"v":1`, `"v":2`) },
			[]string{"record 599: leaf: version 1 is expected", "head: does not name the last leaf, that of record 599",
				lastTile + ": not the tile that the records give, from record 599 on", lastBundle + ": not the bundle that the records give, from record 599 on",
				"checkpoint: its root is not", "store checkpoint: its root is not"}},
		{"row deleted", func(h *house) { h.edit("DELETE FROM record WHERE pos=?", pos(20)) },
			[]string{"record 20: missing from the store; the head says 600 records, the published checkpoint covers 600"}},
		{"first rows deleted", func(h *house) { h.edit("DELETE FROM record WHERE pos<?", pos(3)) },
			[]string{"records 0 to 2: missing from the store", "record 3: cannot follow the records before it", "record 4: cannot follow the records before it",
				approval + ": stands in the projections; no record gives it", run + ": stands in the projections; no record gives it",
				"projection action " + f.action + ": stands in the projections; no record gives it"}},
		{"row deleted with its bundle", func(h *house) {
			h.edit("DELETE FROM record WHERE pos=?", pos(300))
			h.must(os.Remove(h.logFile("tile/entries/001")))
		}, []string{"record 300: missing from the store", "log: cannot be compared from record 300 on"}},
		{"tail cut", func(h *house) { h.edit("DELETE FROM record WHERE pos>=?", pos(590)) },
			[]string{"records 590 to 599: missing from the store; the head says 600 records, the published checkpoint covers 600"}},
		{"tail cut, head moved back too", func(h *house) {
			last := h.rows(589, 1)[0]
			h.edit("DELETE FROM record WHERE pos>=?", pos(590))
			h.edit("UPDATE tenant SET next=590, prev=?", string(evidence.DigestOf(last.Leaf)))
		}, []string{"records 590 to 599: missing from the store; the head says 590 records, the published checkpoint covers 600"}},
		{"tail cut back to an older checkpoint", func(h *house) {
			last := h.rows(fsckOlder-1, 1)[0]
			h.edit("DELETE FROM record WHERE pos>=?", pos(fsckOlder))
			h.edit("UPDATE tenant SET next=?, prev=?, sealed=?, checkpoint=?", fsckOlder, string(evidence.DigestOf(last.Leaf)), fsckOlder, f.older)
		}, []string{"checkpoint: covers 600 records, the store's checkpoint 300: the store was put back",
			"records 300 to 599: missing from the store; the head says 300 records, the published checkpoint covers 600"}},
		{"head moved back alone", func(h *house) { h.edit("UPDATE tenant SET next=599") },
			[]string{"head: does not name the last leaf, that of record 598", "head: says 599 records, and record 599 stands behind them"}},
		{"head names another leaf", func(h *house) { h.edit("UPDATE tenant SET prev=?", string(evidence.ZeroDigest)) },
			[]string{"head: does not name the last leaf, that of record 599"}},
		{"two rows swapped", func(h *house) {
			h.edit("UPDATE record SET pos=? WHERE pos=?", pos(9999), pos(20))
			h.edit("UPDATE record SET pos=? WHERE pos=?", pos(20), pos(21))
			h.edit("UPDATE record SET pos=? WHERE pos=?", pos(21), pos(9999))
		}, []string{"record 20: its leaf is that of record 21", "record 20: its leaf does not follow the one before it",
			"record 21: its leaf is that of record 20", "record 21: its leaf does not follow the one before it", "record 22: its leaf does not follow the one before it",
			"tile/0/000: not the tile that the records give, from record 20 on", "tile/entries/000: not the bundle that the records give, from record 20 on",
			topTile + ": not the tile that the records give, from hash 0 on", "checkpoint: its root is not that of the first 600 records in the store",
			"store checkpoint: its root is not"}},
		{"leaf re-hashed consistently, and all that follow", func(h *house) { forge(h, 590) },
			[]string{lastTile + ": not the tile that the records give, from record 590 on", lastBundle + ": not the bundle that the records give, from record 590 on",
				"checkpoint: its root is not that of the first 600 records in the store", "store checkpoint: its root is not"}},
		{"columns edited", func(h *house) {
			h.edit("UPDATE record SET id=?, type='run.ended', run=? WHERE pos=?", storetest.NewID(), storetest.NewID(), pos(20))
		}, []string{"record 20: its id column is not the id in its leaf", "record 20: its type column is not the type in its leaf", "record 20: its run column is not the run in the record"}},
		{"row moved to another tenant's log", func(h *house) { replace(h, "leaf", 599, `"tenant":"acme"`, `"tenant":"emca"`) },
			[]string{"record 599: its leaf is one of tenant emca", "head: does not name the last leaf", lastTile + ": not the tile", lastBundle + ": not the bundle",
				"checkpoint: its root", "store checkpoint: its root"}},

		{"tile bit flipped", func(h *house) { flip(h, "tile/0/001") }, []string{"tile/0/001: not the tile that the records give, from record 384 on"}},
		{"open tile bit flipped", func(h *house) { flip(h, lastTile) }, []string{lastTile + ": not the tile that the records give, from record 556 on"}},
		{"upper tile bit flipped", func(h *house) { flip(h, topTile) }, []string{topTile + ": not the tile that the records give, from hash 1 on"}},
		{"tile missing", func(h *house) { h.must(os.Remove(h.logFile("tile/0/000"))) }, []string{"tile/0/000: missing"}},
		{"tile cut short", func(h *house) { h.must(os.Truncate(h.logFile("tile/0/000"), 320)) }, []string{"tile/0/000: not the tile that the records give, from record 10 on"}},
		{"bundle flipped", func(h *house) { flip(h, "tile/entries/001") }, []string{"tile/entries/001: not the bundle that the records give, from record 384 on"}},
		{"bundle missing", func(h *house) { h.must(os.Remove(h.logFile(lastBundle))) }, []string{lastBundle + ": missing"}},
		{"checkpoint replaced by that of another tree", func(h *house) {
			key, err := readKey(keyPath(h.path("keys"), tenantID))
			h.must(err)
			h.must(os.WriteFile(h.logFile("checkpoint"), signs(h, key.signer, 600), 0o644))
		}, []string{"checkpoint: its root is not that of the first 600 records in the store"}},
		{"published checkpoint signed by another key", func(h *house) { h.must(os.WriteFile(h.logFile("checkpoint"), signedByAnother(h), 0o644)) },
			[]string{"checkpoint: not signed by the log's key"}},
		{"store checkpoint signed by another key", func(h *house) { h.edit("UPDATE tenant SET checkpoint=?", signedByAnother(h)) },
			[]string{"store checkpoint: not signed by the log's key"}},
		{"store checkpoint of another size", func(h *house) { h.edit("UPDATE tenant SET sealed=599") },
			[]string{"store checkpoint: covers 600 records, the head says 599 are sealed"}},
		{"another origin", func(h *house) { h.edit("UPDATE tenant SET origin='evf-other/acme'") },
			[]string{`head: was begun as log "evf-other/acme", the key is for "evf-test/acme"`}},

		{"spent approval re-armed", func(h *house) {
			h.edit("UPDATE projection SET status='approved', row=CAST(replace(row, 'consumed', 'approved') AS BLOB) WHERE kind='approval'")
		}, []string{approval + ": is not what the records give: status differ", approval + `: is listed under "` + string(f.run) + `" "approved", the records give "` + string(f.run) + `" "consumed"`}},
		{"spent approval listed as waiting", func(h *house) { h.edit("UPDATE projection SET status='waiting' WHERE kind='approval'") },
			[]string{approval + `: is listed under "` + string(f.run) + `" "waiting"`}},
		{"projection row that cannot be read", func(h *house) { h.edit("UPDATE projection SET row='x' WHERE kind='run'") },
			[]string{run + ": is not what the records give: it cannot be read"}},
		{"projection row deleted", func(h *house) { h.edit("DELETE FROM projection WHERE kind='run'") },
			[]string{run + ": missing from the projections; the records give it"}},
		{"projection row added", func(h *house) {
			h.edit("INSERT INTO projection SELECT tenant, kind, 'made up', grp, status, row FROM projection WHERE kind='approval'")
		}, []string{"projection approval made up: stands in the projections; no record gives it"}},

		{"vault blocks swapped", func(h *house) {
			rows := h.rows(6, 2)
			h.edit("UPDATE record SET vault=? WHERE pos=?", rows[1].Vault, pos(6))
			h.edit("UPDATE record SET vault=? WHERE pos=?", rows[0].Vault, pos(7))
		}, []string{"record 6: withheld values: record ", "record 7: withheld values: record "}},

		{"link row deleted", func(h *house) { h.edit("DELETE FROM link WHERE kind='document'") },
			[]string{"record 5: its link document d1 is missing from the table of links"}},
		{"link row added", func(h *house) {
			h.edit("INSERT INTO link SELECT tenant, kind, id, ? FROM link WHERE kind='document'", pos(20))
		},
			[]string{"link document d1: points at record 20, which has no such link"}},
		{"link row moved", func(h *house) { h.edit("UPDATE link SET pos=? WHERE kind='document'", pos(7000)) },
			[]string{"record 5: its link document d1 is missing from the table of links", "link document d1: points at record 7000, which is missing"}},
		{"object altered", func(h *house) { h.edit("UPDATE object SET data=CAST('another' AS BLOB)") },
			[]string{"object " + string(evidence.DigestOf([]byte("a manifest"))) + ": was altered"}},

		{"two things at once", func(h *house) {
			flip(h, "tile/0/001")
			replace(h, "record", 20, `"finished"`, `"skipped"`)
			h.edit("DELETE FROM record WHERE pos=?", pos(400))
		}, []string{"record 20: was altered", "record 400: missing", "tile/0/001: not the tile"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, cfg := f.open(t)
			c.change(h)
			r, err := Fsck(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			checkProblems(t, r, c.want)
		})
	}
}

// TestFsckNotes takes the log's files back to where a crash may leave them:
// the store has decided, the files have not followed. That is no problem, it
// is said, and the next start puts it right.
func TestFsckNotes(t *testing.T) {
	f := newFsckHouse(t)
	for _, c := range []struct {
		name   string
		change func(h *house)
		want   string
	}{
		{"an older checkpoint", func(h *house) { h.must(os.WriteFile(h.logFile("checkpoint"), f.older, 0o644)) },
			"checkpoint: covers 300 records, the store's checkpoint 600"},
		{"no files at all", func(h *house) { h.must(os.RemoveAll(h.path("log"))) },
			"checkpoint: covers 0 records, the store's checkpoint 600"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, cfg := f.open(t)
			c.change(h)
			r, err := Fsck(t.Context(), cfg)
			if err != nil || !r.Clean() || len(r.Notes) != 1 || !strings.HasPrefix(r.Notes[0].String(), c.want) {
				t.Fatalf("problems %v, notes %v, %v", r.Problems, r.Notes, err)
			}
			h.log() // starts, and so mends
			if r, err = Fsck(t.Context(), cfg); err != nil || !r.Clean() || len(r.Notes) != 0 || r.Sealed != 600 {
				t.Errorf("after a start: problems %v, notes %v, sealed %d, %v", r.Problems, r.Notes, r.Sealed, err)
			}
		})
	}
}

// checkProblems wants each problem named once, in any order, and no others.
func checkProblems(t *testing.T, r *Report, want []string) {
	t.Helper()
	rest := slices.Clone(r.Problems)
	for _, w := range want {
		i := slices.IndexFunc(rest, func(p Problem) bool { return strings.HasPrefix(p.String(), w) })
		if i < 0 {
			t.Errorf("nothing is said like %q", w)
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	for _, p := range rest {
		t.Errorf("said besides: %s", p)
	}
	if r.Clean() || r.Dropped > 0 {
		t.Errorf("clean %t, %d problems dropped", r.Clean(), r.Dropped)
	}
}

// replace alters part of a column.
func replace(h *house, column string, seq uint64, old, new string) {
	h.Helper()
	row := h.rows(seq, 1)[0]
	data := map[string][]byte{"record": row.Record, "leaf": row.Leaf}[column]
	changed := bytes.Replace(data, []byte(old), []byte(new), 1)
	if bytes.Equal(changed, data) {
		h.Fatalf("%q does not occur in the %s of record %d", old, column, seq)
	}
	h.edit("UPDATE record SET "+column+"=? WHERE pos=?", changed, pos(seq))
}

// signedByAnother is a true checkpoint under another key of the same name.
func signedByAnother(h *house) []byte {
	h.Helper()
	skey, _, err := note.GenerateKey(rand.Reader, "evf-test/acme")
	h.must(err)
	signer, err := note.NewSigner(skey)
	h.must(err)
	published, err := h.dirOf().Get(checkpointPath)
	h.must(err)
	cp, err := tlog.ReadCheckpoint(published)
	h.must(err)
	signed, err := cp.Sign(signer)
	h.must(err)
	return signed
}

// TestFsckUnsealed wants rows behind the last checkpoint to be no problem, and
// damage there to be seen.
func TestFsckUnsealed(t *testing.T) {
	h, cfg := newFsckHouse(t).open(t)
	h.append(3)
	r, err := Fsck(t.Context(), cfg)
	if err != nil || !r.Clean() || r.Records != fsckRecords+3 || r.Sealed != fsckRecords {
		t.Errorf("with rows to seal: %+v, %v", r, err)
	}
	h.edit("DELETE FROM record WHERE pos=?", pos(fsckRecords+1))
	if r, err = Fsck(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	checkProblems(t, r, []string{"record 601: missing from the store; the head says 603 records, the published checkpoint covers 600"})
}

func TestFsckBounds(t *testing.T) {
	h, cfg := newFsckHouse(t).open(t)
	cfg.Fold = nil
	h.edit("UPDATE record SET record=CAST('x' AS BLOB) WHERE pos>=?", pos(seqPlain))
	r, err := Fsck(t.Context(), cfg)
	if err != nil || len(r.Problems) != 100 || r.Clean() || r.Dropped < fsckRecords {
		t.Errorf("%d problems and %d dropped, %v", len(r.Problems), r.Dropped, err)
	}
	h.edit("UPDATE tenant SET next=1<<39") // a head that nothing bounds
	if _, err := Fsck(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}

func TestFsckCannotRun(t *testing.T) {
	h, cfg := newFsckHouse(t).open(t)
	bad := cfg
	bad.Keys = []string{"x"}
	if _, err := Fsck(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "verifier key") {
		t.Errorf("with a bad key: %v", err)
	}
	live := cfg
	live.Progress = func(uint64, uint64) { h.append(1) }
	if _, err := Fsck(t.Context(), live); evidence.KindOf(err) != evidence.Conflict {
		t.Errorf("with a writer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Progress = func(uint64, uint64) { cancel() }
	if _, err := Fsck(ctx, cfg); err == nil {
		t.Error("a cancelled walk passes")
	}
}

// TestFsckSealedWrong has records that were never right: whoever wrote them
// did not come in by the door.
func TestFsckSealedWrong(t *testing.T) {
	h, cfg := newFsckHouse(t).open(t)
	b := storetest.Batch("test", storetest.Step("", "wrong"), storetest.Step("", "unknown"))
	wrong, unknown := &b.Entries[0], &b.Entries[1]
	wrong.Bytes = bytes.Replace(wrong.Bytes, []byte(`"finished"`), []byte(`"imagined"`), 1) // as long, so that the time stays in place
	unknown.Bytes = bytes.Replace(unknown.Bytes, []byte(`"step.observed"`), []byte(`"step.imagined"`), 1)
	unknown.Record.Type = "step.imagined"
	if _, err := h.tenant.Append(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	h.must(h.log().Seal(t.Context()))
	cfg.Open = nil
	r, err := Fsck(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkProblems(t, r, []string{"record 600: its body is not one of its type: /status: is not one of started, finished", "record 601: is of a type that this version does not know"})
}
