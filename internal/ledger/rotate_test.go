package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/storetest"
	"github.com/evidencefactory/evf/internal/tlog"
)

// recordOn appends for the house, as a recorder does.
func recordOn(t store.Tenant) Append {
	return func(ctx context.Context, e Entry) error {
		b := storetest.Batch("house", storetest.Fact{Type: e.Type, Body: e.Body})
		b.Objects, b.Epoch = e.Objects, e.Epoch
		_, err := t.Append(ctx, &b)
		return err
	}
}

func (h *house) rotate() (key string) {
	h.Helper()
	key, err := h.ledger().RotateKey(h.Context(), h.tenant, "person-1", recordOn(h.tenant))
	h.must(err)
	return key
}

func (h *house) retire() (key string) {
	h.Helper()
	key, err := h.ledger().RetireKey(h.Context(), h.tenant, "person-1", recordOn(h.tenant))
	h.must(err)
	return key
}

func (h *house) beginEpoch(from ...[]byte) (key string) {
	h.Helper()
	key, err := h.ledger().BeginEpoch(h.Context(), h.tenant, EpochRequest{By: "person-1", Reason: "backup", From: from}, recordOn(h.tenant))
	h.must(err)
	return key
}

// sealed is a house with n sealed records.
func sealed(t *testing.T, n int) *house {
	h := openHouse(t, t.TempDir())
	h.append(n)
	h.must(h.log().Seal(t.Context()))
	return h
}

// opens reports whether a key signed the published checkpoint.
func (h *house) opens(key string) bool {
	h.Helper()
	data, err := h.dirOf().Get(checkpointPath)
	h.must(err)
	v, err := note.NewVerifier(key)
	h.must(err)
	_, err = tlog.OpenCheckpoint(data, v)
	return err == nil
}

func TestRotation(t *testing.T) {
	h := sealed(t, 5)
	first := h.vkeys()[0]
	second := h.rotate()
	h.clean(6) // to another program too, by either key
	if !h.opens(first) || !h.opens(second) {
		t.Error("not both keys sign between rotation and the end of the old one")
	}
	if l := h.log(); l.VerifierKey() != second || len(l.VerifierKeys()) != 2 {
		t.Errorf("keys are %v", l.VerifierKeys())
	}
	if got := h.retire(); got != first {
		t.Errorf("retired %s", got)
	}
	h.append(3)
	h.must(h.log().Seal(t.Context()))
	h.clean(10)
	if h.opens(first) || !h.opens(second) {
		t.Error("the retired key signs, or the new one does not")
	}
	if _, err := os.Stat(keyPath(h.path("keys"), tenantID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the retired key's file: %v", err)
	}
	third := h.rotate()
	h.retire()
	h.clean(12)

	// From each key the next is proven, by records and signatures alone.
	rotations, err := h.log().Rotations(t.Context())
	if err != nil || len(rotations) != 2 {
		t.Fatalf("%d rotations, %v", len(rotations), err)
	}
	for i, previous := range []string{first, second} {
		v, err := note.NewVerifier(previous)
		h.must(err)
		row := h.rows(rotations[i].Index, 1)[0]
		h.must(rotations[i].Verify(tlog.LeafHash(row.Leaf), v))
		rec, err := evidence.ParseRecord(row.Record)
		h.must(err)
		body, err := evidence.Decode[evidence.KeyRotated](rec.Body)
		if err != nil || body.Key != []string{second, third}[i] || body.Previous != previous {
			t.Errorf("rotation %d is %+v, %v", i, body, err)
		}
	}
}

func TestRotationRefusals(t *testing.T) {
	h := sealed(t, 3)
	g := h.ledger()
	if _, err := g.RetireKey(t.Context(), h.tenant, "p", recordOn(h.tenant)); evidence.KindOf(err) != evidence.Conflict {
		t.Errorf("the only key is retired: %v", err)
	}
	h.rotate()
	if _, err := g.RotateKey(t.Context(), h.tenant, "p", recordOn(h.tenant)); evidence.KindOf(err) != evidence.Conflict {
		t.Errorf("a third key signs: %v", err)
	}
	for name, file := range map[string]string{"the old key is gone": keyPath(h.path("keys"), tenantID), "the new key is gone": laterKeyPath(h.path("keys"), tenantID, h.vkeys()[1])} {
		data, err := os.ReadFile(file)
		h.must(err)
		h.must(os.Remove(file))
		if _, err := h.ledger().Open(t.Context(), h.tenant); err == nil || !strings.Contains(err.Error(), "put the key back") {
			t.Errorf("%s: %v", name, err)
		}
		h.must(os.WriteFile(file, data, 0o600))
	}
}

// TestRotationAlteredRecords has rows about keys that were not written by the
// door: what signs is not theirs to say.
func TestRotationAlteredRecords(t *testing.T) {
	attacker, _ := otherSigner(t, "evf-test/acme")
	for _, c := range []struct {
		name string
		body func(h *house) evidence.KeyRotated
		want string
	}{
		{"a key without a file", func(h *house) evidence.KeyRotated {
			return evidence.KeyRotated{Purpose: "log", Key: attacker, Previous: h.vkeys()[0]}
		}, "put the key back"},
		{"from a key that never signed", func(*house) evidence.KeyRotated {
			return evidence.KeyRotated{Purpose: "log", Key: attacker, Previous: attacker}
		}, "put the key back"},
		{"to another log", func(h *house) evidence.KeyRotated {
			other, _ := otherSigner(h, "evf-other/acme")
			return evidence.KeyRotated{Purpose: "log", Key: other, Previous: h.vkeys()[0]}
		}, "one of another log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := sealed(t, 3)
			h.must(recordOn(h.tenant)(t.Context(), Entry{Type: evidence.TypeKeyRotated, Body: c.body(h)}))
			if _, err := h.ledger().Open(t.Context(), h.tenant); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("open: %v, want an error about %q", err, c.want)
			}
		})
	}
}

// TestForgedRecordsMoveNoFiles has whoever writes to the database, and not to
// the keys, say that the log's key is retired, or the log given up. A start
// refuses, and the key is still there.
func TestForgedRecordsMoveNoFiles(t *testing.T) {
	attacker, _ := otherSigner(t, "evf-test/acme")
	for _, c := range []struct {
		name  string
		forge func(h *house, own string) []Entry
	}{
		{"retired", func(_ *house, own string) []Entry {
			return []Entry{
				{Type: evidence.TypeKeyRotated, Body: evidence.KeyRotated{Purpose: "log", Key: attacker, Previous: own}},
				{Type: evidence.TypeKeyRetired, Body: evidence.KeyRetired{Purpose: "log", Key: own, Proof: evidence.ZeroDigest, By: "x"}},
			}
		}},
		{"given up", func(h *house, own string) []Entry {
			other, _ := otherSigner(h, "evf-other/acme")
			return []Entry{{Type: evidence.TypeSystemEpoch, Epoch: &store.Epoch{From: "evf-test/acme", To: "evf-other/acme"}, Body: evidence.SystemEpoch{
				Origin: "evf-other/acme", Key: other, PreviousOrigin: "evf-test/acme", PreviousKeys: []string{own}, Root: "x", By: "x", Reason: "x"}}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := sealed(t, 3)
			for _, e := range c.forge(h, h.vkeys()[0]) {
				h.must(recordOn(h.tenant)(t.Context(), e))
			}
			if _, err := h.ledger().Open(t.Context(), h.tenant); err == nil || !strings.Contains(err.Error(), "put the key back") {
				t.Errorf("open: %v", err)
			}
			for _, file := range []string{keyPath(h.path("keys"), tenantID), h.logFile("checkpoint")} {
				if _, err := os.Stat(file); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func otherSigner(t testing.TB, origin string) (vkey string, signer note.Signer) {
	t.Helper()
	key, _, err := newKey("", origin)
	if err != nil {
		t.Fatal(err)
	}
	return key.vkey, key.signer
}

func TestEpoch(t *testing.T) {
	h := sealed(t, 300)
	old, backup := h.vkeys()[0], h.copy()
	h = copyHouse(t, backup)
	h.append(50)
	h.must(h.log().Seal(t.Context()))
	_, lost := h.log().Checkpoint()
	published := h.path("log")

	// The database of yesterday, and the log of today.
	b := copyHouse(t, backup)
	b.must(os.RemoveAll(b.path("log")))
	b.must(os.CopyFS(b.path("log"), os.DirFS(published)))
	if _, err := b.ledger().Open(t.Context(), b.tenant); err == nil || !strings.Contains(err.Error(), "older than the log") {
		t.Fatalf("an older database opens: %v", err)
	}
	fresh := b.beginEpoch(lost)
	b.clean(301)
	h2, err := ReadHistory(t.Context(), b.tenant)
	b.must(err)
	if end := h2.Epochs[0].End; end.Kept != 300 || end.Size != 350 || end.Record != 300 || h2.Current().Origin != nameOf(fresh) || nameOf(fresh) == nameOf(old) {
		t.Errorf("history is %+v", h2)
	}
	rec, err := evidence.ParseRecord(b.rows(300, 1)[0].Record)
	b.must(err)
	body, err := evidence.Decode[evidence.SystemEpoch](rec.Body)
	if err != nil || body.PreviousOrigin != "evf-test/acme" || body.PreviousKeys[0] != old || body.Checkpoint != evidence.DigestOf(lost) {
		t.Errorf("record says %+v, %v", body, err)
	}
	// Its files and key are kept aside, and the key signs nothing again.
	if _, err := os.Stat(filepath.Join(b.path("log"), "acme.1", "checkpoint")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(keyPath(b.path("keys"), tenantID) + ".aside"); err != nil {
		t.Error(err)
	}
	if b.opens(old) {
		t.Error("the old key signs the new log")
	}
	b.rotate()
	b.retire()
	b.beginEpoch()
	b.clean(304)
	if got, err := ReadHistory(t.Context(), b.tenant); err != nil || len(got.Origins()) != 3 {
		t.Errorf("origins %v, %v", got, err)
	}
}

// TestEpochWithoutTheKey goes on where the signing key is lost.
func TestEpochWithoutTheKey(t *testing.T) {
	h := sealed(t, 4)
	old := h.vkeys()[0]
	h.must(os.Remove(keyPath(h.path("keys"), tenantID)))
	req := EpochRequest{By: "p", Reason: "lost"}
	if _, err := h.ledger().BeginEpoch(t.Context(), h.tenant, req, recordOn(h.tenant)); err == nil || !strings.Contains(err.Error(), "pass its verifier key") {
		t.Errorf("without any key of the old log: %v", err)
	}
	other, _ := otherSigner(t, "evf-test/acme")
	req.Keys = []string{other}
	if _, err := h.ledger().BeginEpoch(t.Context(), h.tenant, req, recordOn(h.tenant)); err == nil || !strings.Contains(err.Error(), "is not one that log") {
		t.Errorf("with a key that did not sign: %v", err)
	}
	req.Keys = []string{old}
	if _, err := h.ledger().BeginEpoch(t.Context(), h.tenant, req, recordOn(h.tenant)); err != nil {
		t.Fatal(err)
	}
	h.clean(5)
}

// witness holds every checkpoint that a key signs against all it signed.
type witness struct{ seen map[string]tlog.Hash }

func (w *witness) see(t testing.TB, signed []byte) {
	t.Helper()
	cp, err := tlog.ReadCheckpoint(signed)
	if err != nil {
		return // not a checkpoint
	}
	_, lines, _ := strings.Cut(string(signed), "\n\n")
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line) // dash, name, signature with the key's hash in front
		at := fmt.Sprint(fields[1], " ", fields[2][:5], " ", cp.Size)
		if root, ok := w.seen[at]; ok && root != cp.Root {
			t.Fatalf("two histories of size %d under one key", cp.Size)
		}
		w.seen[at] = cp.Root
	}
}

// The steps of everything that a ledger writes, under one fault.
type faultyLedger struct {
	h *house
	*fault
	*witness
}

func (f faultyLedger) Append(ctx context.Context, b *store.Batch) (placed []store.Placed, err error) {
	err = f.step(func() (err error) {
		placed, err = f.h.tenant.Append(ctx, b)
		return err
	})
	return placed, err
}

func (f faultyLedger) ID() evidence.TenantID { return tenantID }

func (f faultyLedger) View(ctx context.Context, do func(store.Tx) error) error {
	return f.h.tenant.View(ctx, do)
}

func (f faultyLedger) SetCheckpoint(ctx context.Context, from, to uint64, signed []byte) error {
	return f.step(func() error {
		f.see(f.h, signed)
		return f.h.tenant.SetCheckpoint(ctx, from, to, signed)
	})
}

func (f faultyLedger) Expunge(ctx context.Context, seqs []uint64) error {
	return f.h.tenant.Expunge(ctx, seqs)
}

func (f faultyLedger) Forget(ctx context.Context, seqs []uint64) error {
	return f.h.tenant.Forget(ctx, seqs)
}

func (f faultyLedger) SetForgotten(ctx context.Context, to uint64) error {
	return f.h.tenant.SetForgotten(ctx, to)
}

type faultyFiles struct {
	folder
	faultyLedger
}

func (d faultyFiles) Put(path string, data []byte) error {
	return d.step(func() error {
		d.see(d.h, data)
		return d.folder.Put(path, data)
	})
}

func (f faultyLedger) ledger() *Ledger {
	g := f.h.ledger()
	g.cfg.Anchor = f.h.path("anchor")
	open, write, move, remove := g.open, g.cfg.WriteKey, g.cfg.Move, g.cfg.Remove
	g.open = func(path string) folder { return faultyFiles{open(path), f} }
	g.cfg.WriteKey = func(path string, data []byte) error { return f.step(func() error { return write(path, data) }) }
	g.cfg.Move = func(from, to string) error { return f.step(func() error { return move(from, to) }) }
	g.cfg.Remove = func(path string) error { return f.step(func() error { return remove(path) }) }
	return g
}

// TestCrashAtEveryStep stops each change before and after every one of its
// steps, starts again, does it again where it did not count, and holds what
// stands then: nothing acknowledged is lost, fsck is clean, another program
// verifies the files, and no key signed two histories on the way.
func TestCrashAtEveryStep(t *testing.T) {
	plain := sealed(t, 5).copy()
	rotating := func() string { h := copyHouse(t, plain); h.rotate(); return h.copy() }()
	behind := func() string { // the database of a day before the log
		h := copyHouse(t, plain)
		h.append(3)
		h.must(h.log().Seal(t.Context()))
		log := h.path("log")
		b := copyHouse(t, plain)
		b.must(os.RemoveAll(b.path("log")))
		b.must(os.CopyFS(b.path("log"), os.DirFS(log)))
		return b.copy()
	}()
	for _, c := range []struct {
		name, dir string
		do        func(g *Ledger, t store.Tenant) error
		done      func(h *History) bool // whether it counts
		records   uint64                // that stand in the end
		least     int                   // steps that are known to be there
	}{
		{"append, seal, publish, anchor", plain, func(g *Ledger, t store.Tenant) error {
			b := storetest.Batch("test", storetest.Step("", "one"))
			if _, err := t.Append(background, &b); err != nil {
				return err
			}
			l, err := g.Open(background, t)
			if err != nil {
				return err
			}
			return errors.Join(l.Seal(background), l.Anchor())
		}, nil, 6, 6},
		{"rotate the key", plain, func(g *Ledger, t store.Tenant) error {
			_, err := g.RotateKey(background, t, "p", recordOn(t))
			return err
		}, func(h *History) bool { return len(h.Current().Keys) == 2 }, 6, 7},
		{"retire the key", rotating, func(g *Ledger, t store.Tenant) error {
			_, err := g.RetireKey(background, t, "p", recordOn(t))
			return err
		}, func(h *History) bool { return len(h.Current().signing()) == 1 && len(h.Current().Keys) == 2 }, 7, 7},
		{"begin an epoch", behind, func(g *Ledger, t store.Tenant) error {
			_, err := g.BeginEpoch(background, t, EpochRequest{By: "p", Reason: "r"}, recordOn(t))
			return err
		}, func(h *History) bool { return len(h.Epochs) == 2 }, 6, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := copyHouse(t, c.dir)
			count := &fault{left: 1 << 30}
			f := faultyLedger{h, count, &witness{map[string]tlog.Hash{}}}
			h.must(c.do(f.ledger(), f))
			steps := 1<<30 - count.left
			if steps < c.least {
				t.Fatalf("%d steps, at least %d are known", steps, c.least)
			}
			eachFault(t, steps, func(t *testing.T, broken *fault) {
				h, w := copyHouse(t, c.dir), &witness{map[string]tlog.Hash{}}
				f := faultyLedger{h, broken, w}
				if err := c.do(f.ledger(), f); err == nil && !broken.broken {
					t.Fatal("nothing failed")
				}
				h = copyHouse(t, h.copy())
				head, err := readHead(t.Context(), h.tenant)
				h.must(err)
				again := faultyLedger{h, &fault{lifted: true}, w}
				before, err := ReadHistory(t.Context(), h.tenant)
				h.must(err)
				if c.done == nil && head.Next < c.records || c.done != nil && !c.done(before) {
					h.must(c.do(again.ledger(), again))
				}
				l, err := again.ledger().Open(t.Context(), again)
				h.must(err)
				h.must(l.Seal(t.Context()))
				h.must(l.Anchor())
				after, err := ReadHistory(t.Context(), h.tenant)
				h.must(err)
				if c.done != nil && !c.done(after) {
					t.Error("it does not count")
				}
				h.clean(c.records)
				cp, _ := l.Checkpoint()
				if anchored, err := l.readAnchor(); err != nil || anchored != cp {
					t.Errorf("anchored is %+v, %v", anchored, err)
				}
				if spare, err := spareKeys(h.path("keys"), tenantID, after); err != nil || len(spare) > 0 {
					t.Errorf("keys without a use: %d, %v", len(spare), err)
				}
			})
		})
	}
}
