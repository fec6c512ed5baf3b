package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// The last of the sizes is past 256², where a third level of tiles begins.
func TestFilesVerifyElsewhere(t *testing.T) {
	t.Parallel()
	h := openHouse(t, t.TempDir())
	l := h.log()
	have := 0
	for _, size := range []int{1, 255, 256, 257, 256*256 + 1} {
		if size > 1000 && testing.Short() {
			continue
		}
		h.append(size - have)
		have = size
		h.must(l.Seal(t.Context()))
		cp, signed := l.Checkpoint()
		if cp.Size != uint64(size) || cp.Origin != "evf-test/acme" {
			t.Fatalf("after %d records the checkpoint is %+v", size, cp)
		}
		if onDisk, err := l.ReadFile("checkpoint"); err != nil || string(onDisk) != string(signed) {
			t.Errorf("the published checkpoint is %q, %v; want %q", onDisk, err, signed)
		}
		h.clean(uint64(size))
	}
}

func TestInclusionProofs(t *testing.T) {
	h := openHouse(t, t.TempDir())
	l := h.log()
	h.append(300)
	h.must(l.Seal(t.Context()))
	old, _ := l.Checkpoint()
	h.append(300)
	h.must(l.Seal(t.Context()))
	cp, _ := l.Checkpoint()
	for i, row := range h.rows(0, 600) {
		for _, head := range []tlog.Checkpoint{old, cp} {
			if uint64(i) >= head.Size {
				continue
			}
			proof, err := l.InclusionProof(head.Size, uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.VerifyInclusion(proof, head.Size, head.Root, uint64(i), tlog.LeafHash(row.Leaf)); err != nil {
				t.Errorf("record %d under %d: %v", i, head.Size, err)
			}
		}
	}
	if _, err := l.InclusionProof(600, 600); err == nil {
		t.Error("a record beyond the tree is proven")
	}
}

// TestRefusals opens or seals houses in which something is not as it was.
func TestRefusals(t *testing.T) {
	otherKey := func(h *house, origin string) {
		skey, _, err := note.GenerateKey(rand.Reader, origin)
		h.must(err)
		h.must(os.WriteFile(keyPath(h.path("keys"), tenantID), []byte(skey+"\n"), 0o600))
	}
	template := openHouse(t, t.TempDir())
	template.append(5)
	template.must(template.log().Seal(t.Context()))
	five := template.copy()

	for _, c := range []struct {
		name   string
		change func(h *house)
		want   string
	}{
		{"another key of the same origin", func(h *house) { otherKey(h, "evf-test/acme") }, "not signed by this house's key"},
		{"a key of another origin", func(h *house) { otherKey(h, "evf-other/acme") }, `was begun as log "evf-test/acme", the key is for "evf-other/acme"`},
		{"the key is gone", func(h *house) { h.must(os.Remove(keyPath(h.path("keys"), tenantID))) }, "has sealed records: put the key back"},
		{"the key is damaged", func(h *house) {
			h.must(os.WriteFile(keyPath(h.path("keys"), tenantID), []byte("PRIVATE+KEY+x\n"), 0o600))
		}, "is not a log's signing key"},
		{"the store is older than the log", func(h *house) {
			h.edit("DELETE FROM record WHERE pos=?", pos(4))
			h.edit("UPDATE tenant SET next=4, sealed=4")
		}, "the store of tenant acme holds 4 records (4 sealed), the published checkpoint covers 5"},
		{"the head says less than is sealed", func(h *house) { h.edit("UPDATE tenant SET next=4") }, "the database is older than the log"},
		{"a sealed record is gone", func(h *house) { h.edit("DELETE FROM record WHERE pos=?", pos(2)) }, "not all of them are in the store"},
		{"a sealed leaf was altered", func(h *house) { h.edit("UPDATE record SET leaf='{}' WHERE pos=?", pos(2)) }, "record 2 of tenant acme is not the one that was sealed"},
		{"a tile was altered", func(h *house) { flip(h, "tile/0/000.p/5") }, "do not give the root of their checkpoint"},
		{"a tile is gone", func(h *house) { h.must(os.Remove(h.logFile("tile/0/000.p/5"))) }, "tile/0/000"},
		{"the store's checkpoint is of another size", func(h *house) { h.edit("UPDATE tenant SET sealed=6, next=6") }, "covers 5 records, its head says 6"},
		{"the store's checkpoint is not signed", func(h *house) { h.edit("UPDATE tenant SET checkpoint='x'") }, "the store's checkpoint of tenant acme was not signed"},
		{"the published checkpoint is damaged", func(h *house) { h.must(os.WriteFile(h.logFile("checkpoint"), []byte("x"), 0o600)) }, "the published checkpoint of tenant acme was not signed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(five)); err != nil {
				t.Fatal(err)
			}
			h := openHouse(t, dir)
			c.change(h)
			_, err := h.ledger().Open(t.Context(), h.tenant)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("open: %v, want an error about %q", err, c.want)
			}
		})
	}
}

// TestTwoHistories takes the files of one house and the store of another that
// parted from it, both signed by the same key.
func TestTwoHistories(t *testing.T) {
	start := openHouse(t, t.TempDir())
	start.append(5)
	start.must(start.log().Seal(t.Context()))
	one, two := openHouse(t, start.copy()), openHouse(t, start.copy())
	for _, h := range []*house{one, two} {
		h.append(251) // up to a full tile, which leaves no open bundle to compare
		h.must(h.log().Seal(t.Context()))
	}
	mixed := two.copy()
	start.must(os.RemoveAll(filepath.Join(mixed, "log")))
	start.must(os.CopyFS(filepath.Join(mixed, "log"), os.DirFS(one.path("log"))))
	h := openHouse(t, mixed)
	if _, err := h.ledger().Open(t.Context(), h.tenant); err == nil || !strings.Contains(err.Error(), "are not those that were signed") {
		t.Errorf("a store and files of two histories open: %v", err)
	}
}

func TestKeys(t *testing.T) {
	// Half of all keys have a plus in their base64, so that many are tried.
	for range 20 {
		h := openHouse(t, t.TempDir())
		if _, err := VerifierKeys(t.Context(), h.path("keys"), h.tenant); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("the public half of no key: %v", err)
		}
		h.append(1) // not sealed: a first key may still be made
		l := h.log()
		h.must(l.Seal(t.Context()))
		if keys := h.vkeys(); len(keys) != 1 || keys[0] != l.VerifierKey() {
			t.Fatalf("verifier keys %q and %q", keys, l.VerifierKey())
		}
		_, signed := h.log().Checkpoint()
		verifier, err := note.NewVerifier(l.VerifierKey())
		h.must(err)
		if cp, err := tlog.OpenCheckpoint(signed, verifier); err != nil || cp.Size != 1 {
			t.Fatalf("checkpoint %+v, %v", cp, err)
		}
	}
}

// TestAlteredBeforeSealed changes a row between its commit and its seal.
func TestAlteredBeforeSealed(t *testing.T) {
	const (
		alter   = "UPDATE record SET leaf=replace(leaf, 'step.observed', 'step.observer') WHERE pos=?"
		restore = "UPDATE record SET leaf=replace(leaf, 'step.observer', 'step.observed') WHERE pos=?"
	)
	for _, c := range []struct {
		name         string
		seq          uint64
		change, back string
		want         string // the record that shows it
	}{
		{"record", 4, "UPDATE record SET record=record||' ' WHERE pos=?", "UPDATE record SET record=substr(record, 1, length(record)-1) WHERE pos=?", "record 4"},
		{"leaf", 4, alter, restore, "record 5"},
		{"last leaf", 5, alter, restore, "record 5"},
		{"place", 4, "UPDATE record SET pos=pos+100 WHERE pos=?", "UPDATE record SET pos=pos-100 WHERE pos=?+100", "record 5"},
		{"last place", 5, "UPDATE record SET pos=pos+100 WHERE pos=?", "UPDATE record SET pos=pos-100 WHERE pos=?+100", "record 105"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openHouse(t, t.TempDir())
			l := h.log()
			h.append(3)
			h.must(l.Seal(t.Context()))
			h.append(3)
			h.edit(c.change, pos(c.seq))
			for range 2 { // it does not get through by trying again
				if err := l.Seal(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("seal: %v, want an error that names %s", err, c.want)
				}
			}
			if cp, _ := l.Checkpoint(); cp.Size != 3 {
				t.Errorf("%d records are published", cp.Size)
			}
			h.edit(c.back, pos(c.seq))
			h.edit("UPDATE record SET leaf=CAST(leaf AS BLOB), record=CAST(record AS BLOB) WHERE pos=?", pos(c.seq))
			h.must(l.Seal(t.Context()))
			h.clean(6)
		})
	}
}

// TestGrowth seals pages and parts of them, and reads its own files back.
func TestGrowth(t *testing.T) {
	h := openHouse(t, t.TempDir())
	l := h.log()
	h.must(l.Seal(t.Context())) // nothing to seal
	if cp, signed := l.Checkpoint(); cp.Size != 0 || signed != nil {
		t.Errorf("an empty log has checkpoint %+v", cp)
	}
	var sizes []uint64
	for _, n := range []int{1, 1, 1500, 90, 600} {
		h.append(n)
		h.must(l.Seal(t.Context()))
		cp, _ := l.Checkpoint()
		sizes = append(sizes, cp.Size)
		l = h.log() // read back from the files
	}
	if again, _ := l.Checkpoint(); again.Size != sizes[len(sizes)-1] || again.Size != 2192 {
		t.Errorf("published %v, read back %d", sizes, again.Size)
	}
	h.clean(2192)
}

func TestWaitSealed(t *testing.T) {
	h := openHouse(t, t.TempDir())
	l := h.log()
	h.append(2)
	done := make(chan error, 1)
	go func() { done <- l.WaitSealed(background, 1) }()
	h.must(l.Seal(t.Context()))
	h.must(<-done)
	h.must(l.WaitSealed(t.Context(), 0)) // at once
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.WaitSealed(gone, 2); evidence.KindOf(err) != evidence.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a record that is not there: %v", err)
	}
}

func TestRun(t *testing.T) {
	h := openHouse(t, t.TempDir())
	g := h.ledger()
	g.cfg.Interval = time.Hour // only Wake and the end seal
	l, err := g.Open(t.Context(), h.tenant)
	h.must(err)
	if again, err := g.Open(t.Context(), h.tenant); err != nil || again != l || g.For(tenantID) != l || g.For("other") != nil {
		t.Errorf("opened twice: %p and %p, %v", l, again, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { g.Run(ctx); close(ended) }()
	h.append(3)
	g.Wake()
	h.must(l.WaitSealed(t.Context(), 2))
	h.append(3)
	cancel()
	<-ended
	if cp, _ := l.Checkpoint(); cp.Size != 6 {
		t.Errorf("at the end %d of 6 records are sealed", cp.Size)
	}
}

func flip(h *house, name string) {
	h.Helper()
	data, err := os.ReadFile(h.logFile(name))
	h.must(err)
	data[len(data)/2] ^= 1
	h.must(os.WriteFile(h.logFile(name), data, 0o644))
}
