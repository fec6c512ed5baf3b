package ledger

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/internal/store/object"
	"github.com/evidencefactory/evf/internal/tlog"
)

// checkpoint seals what there is and gives the signed note of it.
func (h *house) checkpoint() []byte {
	h.Helper()
	l := h.log()
	h.must(l.Seal(h.Context()))
	_, signed := l.Checkpoint()
	return signed
}

func (h *house) fsckAgainst(outside ...Outside) *Report {
	h.Helper()
	r, err := Fsck(h.Context(), FsckConfig{Tenant: h.tenant, Logs: h.path("log"), Keys: h.vkeys(), Against: outside})
	h.must(err)
	return r
}

// rewrite changes history as someone would who holds the whole house, keys and
// all: every leaf from seq on is made again, and all of it is sealed anew.
func rewrite(h *house, seq uint64) {
	h.Helper()
	forge(h, seq)
	h.edit("UPDATE tenant SET sealed=0, checkpoint=NULL")
	h.must(os.RemoveAll(h.path("log")))
	h.must(h.log().Seal(h.Context()))
	if r := h.fsck(); !r.Clean() {
		h.Fatalf("history is not rewritten well enough for this test: %v", r.Problems)
	}
}

// signs makes a checkpoint of any tree.
func signs(t testing.TB, signer note.Signer, size uint64) []byte {
	t.Helper()
	signed, err := tlog.Checkpoint{Origin: signer.Name(), Size: size, Root: tlog.LeafHash([]byte("x"))}.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestFsckAgainst(t *testing.T) {
	h := openHouse(t, t.TempDir())
	h.append(290)
	early := h.checkpoint()
	h.append(10)
	backup := copyHouse(t, h.copy()).copy() // as of record 300
	h = copyHouse(t, backup)
	h.append(50)
	late := h.checkpoint()
	dir := h.copy()
	rotated := func(h *house) { h.rotate(); h.retire() }

	for _, c := range []struct {
		name   string
		dir    string
		change func(h *house)
		keep   func(h *house) Outside
		want   string // "" where it holds
	}{
		{"the latest checkpoint", dir, nil, func(*house) Outside { return Outside{Signed: late} }, ""},
		{"an early one", dir, nil, func(*house) Outside { return Outside{Signed: early} }, ""},
		{"one by a key that was retired since", dir, rotated, func(*house) Outside { return Outside{Signed: early} }, ""},
		{"of a log that was given up, of records that were kept", dir, func(h *house) { h.beginEpoch() }, func(*house) Outside { return Outside{Signed: early} }, ""},
		{"of all that an epoch kept", dir, func(h *house) { h.beginEpoch() }, func(*house) Outside { return Outside{Signed: late} }, ""},

		{"history before it was rewritten, keys and all", dir, func(h *house) { rewrite(h, 100) }, func(*house) Outside { return Outside{Signed: early} },
			"kept: the log at size 290 is not the one that it signed: history before record 290 was changed"},
		{"history after it was rewritten", dir, func(h *house) { rewrite(h, 295) }, func(*house) Outside { return Outside{Signed: early} }, ""},
		{"the whole house put back to an earlier day", backup, nil, func(*house) Outside { return Outside{Signed: late} },
			"kept: covers 350 records, the store holds 300: it was put back to an earlier day"},
		{"records that an epoch gave up", backup, func(h *house) { h.beginEpoch(late) }, func(*house) Outside { return Outside{Signed: late} },
			"kept: covers records 300 to 349, which were given up with log evf-test/acme, as record 300 says"},
		{"an anchor of records that an epoch gave up", backup, func(h *house) { h.beginEpoch(late) }, func(*house) Outside { return Outside{Signed: late, Anchored: true} }, ""},
		{"an anchor of more than an epoch said it gave up", backup, func(h *house) { h.beginEpoch() }, func(*house) Outside { return Outside{Signed: late, Anchored: true} },
			"kept: covers records 300 to 349, which were given up"},
		{"another leaf than came with it", dir, nil, func(*house) Outside {
			return Outside{Signed: late, Leaves: map[uint64]tlog.Hash{7: tlog.LeafHash([]byte("x")), 8: {}}}
		}, "kept: its leaf of record 7 is not the one in the store"},
		{"signed by a key that was never ours", dir, nil, func(h *house) Outside {
			_, signer := otherSigner(h, "evf-test/acme")
			return Outside{Signed: signs(h, signer, 5)}
		}, "kept: was not signed by any key that log evf-test/acme has or had"},
		{"of a log that is none of ours", dir, nil, func(h *house) Outside {
			_, signer := otherSigner(h, "evf-other/acme")
			return Outside{Signed: signs(h, signer, 5)}
		}, `kept: is of log "evf-other/acme", which this tenant never had`},
		{"no checkpoint", dir, nil, func(*house) Outside { return Outside{Signed: []byte("x")} }, "kept: checkpoint has no signatures"},
		{"a leaf that is nowhere", dir, func(h *house) {
			h.edit("DELETE FROM record WHERE pos=?", pos(270))
			h.must(os.Remove(h.logFile("tile/entries/001.p/94")))
		}, func(*house) Outside { return Outside{Signed: early} }, "kept: cannot be compared"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := copyHouse(t, c.dir)
			if c.change != nil {
				c.change(h)
			}
			o := c.keep(h)
			o.Name = "kept"
			var said []string
			for _, p := range h.fsckAgainst(o).Problems {
				if p.Where == "kept" {
					said = append(said, p.String())
				}
			}
			if c.want == "" && len(said) > 0 || c.want != "" && (len(said) == 0 || !strings.HasPrefix(said[0], c.want)) {
				t.Errorf("said %q, want %q", said, c.want)
			}
		})
	}
}

// TestFsckSignatures has checkpoints that lack a signature they should have,
// and proofs of rotations that do not prove them.
func TestFsckSignatures(t *testing.T) {
	h := sealed(t, 4)
	before := h.checkpoint()
	second := h.rotate()
	dir := h.copy()
	for _, c := range []struct {
		name   string
		change func(h *house)
		want   string
	}{
		{"a checkpoint signed by the old key only", func(h *house) {
			old, err := readKey(keyPath(h.path("keys"), tenantID))
			h.must(err)
			l := h.log()
			cp, _ := l.Checkpoint()
			signed, err := cp.Sign(old.signer)
			h.must(err)
			h.must(h.dirOf().Put(checkpointPath, signed))
		}, "checkpoint: not signed by key " + second},
		{"the proof of a rotation is another's", func(h *house) {
			h.retire()
			h.edit("UPDATE object SET data=CAST(replace(CAST(data AS TEXT), '\"index\":4', '\"index\":3') AS BLOB)")
		}, "rotation at record 4: its proof does not hold"},
		{"the proof of a rotation is gone", func(h *house) {
			h.retire()
			h.edit("DELETE FROM object")
		}, "rotation at record 4: its proof does not hold: no such object"},
		{"the record of a rotation was altered", func(h *house) { replace(h, "record", 4, `"purpose":"log"`, `"purpose":"gol"`) },
			"record 4: was altered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := copyHouse(t, dir)
			c.change(h)
			for _, p := range h.fsck().Problems {
				if strings.HasPrefix(p.String(), c.want) {
					return
				}
			}
			t.Errorf("nothing is said like %q: %v", c.want, h.fsck().Problems)
		})
	}
	// Of the tree before the rotation, the old key alone is enough.
	h = copyHouse(t, dir)
	h.must(h.dirOf().Put(checkpointPath, before))
	if r := h.fsck(); !r.Clean() {
		t.Errorf("a checkpoint from before the rotation: %v", r.Problems)
	}
}

// anchored opens the log with an anchor.
func (h *house) anchored(path string) (*Log, error) {
	h.Helper()
	g := New(Config{Logs: h.path("log"), Keys: h.path("keys"), Anchor: path, Log: slog.New(slog.DiscardHandler)})
	return g.Open(h.Context(), h.tenant)
}

func TestAnchor(t *testing.T) {
	anchor := t.TempDir()
	h := sealed(t, 5)
	l, err := h.anchored(anchor)
	h.must(err)
	h.must(l.Anchor())
	backup := h.copy()
	h = copyHouse(t, backup)
	h.append(3)
	l, err = h.anchored(anchor)
	h.must(err)
	h.must(l.Seal(t.Context()))
	h.must(l.Anchor())
	_, signed := l.Checkpoint()
	if got, err := object.NewDir(anchor).Get("evf-test/acme"); err != nil || string(got) != string(signed) {
		t.Errorf("anchor holds %q, %v; want %q", got, err, signed)
	}
	today := h.copy()

	refused := func(name string, h *house, want string) {
		t.Helper()
		if _, err := h.anchored(anchor); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %q", name, err, want)
		}
	}
	refused("a whole house put back", copyHouse(t, backup), "the database is older than the anchor")
	grown := copyHouse(t, backup) // put back, and gone on with behind the anchor's back
	grown.append(10)
	grown.checkpoint()
	refused("another history, longer than the anchored one", grown, "at size 8 is not the one that was anchored")

	h = copyHouse(t, today)
	lost := h.path("log") // the files are lost: an older size's partial tile is not made again
	h.append(2)
	h.must(h.log().Seal(t.Context()))
	h.must(os.RemoveAll(lost))
	if _, err := h.anchored(anchor); err != nil {
		t.Errorf("an anchor of an earlier size: %v", err)
	}

	// Given up: the old log is closed, whichever day is put back.
	h = copyHouse(t, today)
	h.beginEpoch()
	l, err = h.anchored(anchor)
	h.must(err)
	h.must(l.Anchor())
	refused("a house of before the epoch", copyHouse(t, today), "was given up for")

	// An anchor that is not ours to replace.
	_, stranger := otherSigner(t, "evf-test/acme")
	other := t.TempDir()
	h.must(object.NewDir(other).Put("evf-test/acme", signs(t, stranger, 2)))
	if _, err := copyHouse(t, today).anchored(other); err == nil || !strings.Contains(err.Error(), "was not signed by a key of this log") {
		t.Errorf("an anchor by another key: %v", err)
	}
}

// TestAnchorTakenOver has two houses go on with one log, each with the same
// anchor: the second to write finds out, and replaces nothing.
func TestAnchorTakenOver(t *testing.T) {
	anchor := t.TempDir()
	dir := sealed(t, 5).copy()
	one, two := copyHouse(t, dir), copyHouse(t, dir)
	a, err := one.anchored(anchor)
	one.must(err)
	b, err := two.anchored(anchor)
	two.must(err)
	one.append(1)
	one.must(a.Seal(t.Context()))
	one.must(a.Anchor())
	for _, more := range []int{1, 5} { // another tree of the same size, and a larger one
		two.append(more)
		two.must(b.Seal(t.Context()))
		if err := b.Anchor(); err == nil || !strings.Contains(err.Error(), "is not the one that was anchored") {
			t.Errorf("another history is anchored: %v", err)
		}
	}
	one.append(20)
	one.must(a.Seal(t.Context()))
	one.must(a.Anchor())
	if err := b.Anchor(); err == nil || !strings.Contains(err.Error(), "covers 26 records, its log 11") {
		t.Errorf("a smaller tree is anchored: %v", err)
	}
	cp, _ := a.Checkpoint()
	if got, err := a.readAnchor(); err != nil || got != cp {
		t.Errorf("anchor holds %+v, %v", got, err)
	}
}

// TestAnchorThatFails keeps sealing, and is written once it can be.
func TestAnchorThatFails(t *testing.T) {
	h := sealed(t, 3)
	f := &fault{before: true, left: 0}
	g := h.ledger()
	g.cfg.Anchor = h.path("anchor")
	open := g.open
	g.open = func(path string) folder {
		if path == g.cfg.Anchor {
			return faultyFolder{open(path), f}
		}
		return open(path)
	}
	l, err := g.Open(t.Context(), h.tenant)
	h.must(err)
	h.append(2)
	g.sealAll(t.Context())
	if cp, _ := l.Checkpoint(); cp.Size != 5 {
		t.Fatalf("%d records are sealed", cp.Size)
	}
	f.lifted = true
	g.sealAll(t.Context())
	if cp, err := l.readAnchor(); err != nil || cp.Size != 5 {
		t.Errorf("anchored %+v, %v", cp, err)
	}
}
