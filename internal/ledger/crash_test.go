package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/evidencefactory/evf/internal/store"
)

var errPower = errors.New("the power went")

// fault lets steps succeed until one fails: before it does anything, or after
// it did everything but answer. Later steps fail too, until it is lifted.
type fault struct {
	left   int
	before bool
	broken bool
	lifted bool
}

func (f *fault) step(do func() error) error {
	switch {
	case f.lifted:
		return do()
	case f.broken:
		return errPower
	case f.left > 0:
		f.left--
		return do()
	}
	f.broken = true
	if f.before {
		return errPower
	}
	return errors.Join(do(), errPower)
}

// faultyTenant and faultyFolder put each step of a seal under a fault.
type faultyTenant struct {
	store.Tenant
	*fault
}

func (t faultyTenant) SetCheckpoint(ctx context.Context, from, to uint64, signed []byte) error {
	return t.step(func() error { return t.Tenant.SetCheckpoint(ctx, from, to, signed) })
}

type faultyFolder struct {
	folder
	*fault
}

func (d faultyFolder) Put(path string, data []byte) error {
	return d.step(func() error { return d.folder.Put(path, data) })
}

// crashHouse has 255 sealed records, and two more to seal: that fills a tile
// and opens the next on two levels.
func crashHouse(t *testing.T) (dir string) {
	h := openHouse(t, t.TempDir())
	h.append(255)
	h.must(h.log().Seal(t.Context()))
	h.append(2)
	return h.copy()
}

// steps of that seal: the checkpoint in the store, a full tile, a full bundle,
// two open tiles, an open bundle, the published checkpoint.
const sealSteps = 7

func copyHouse(t *testing.T, dir string) *house {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return openHouse(t, to)
}

// eachFault runs a test with a fault at each of a number of steps, side by
// side: most of their time is the disk's.
func eachFault(t *testing.T, steps int, test func(t *testing.T, f *fault)) {
	for n := range steps {
		for _, before := range []bool{true, false} {
			name := fmt.Sprintf("after step %d", n)
			if before {
				name = fmt.Sprintf("before step %d", n)
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, &fault{left: n, before: before})
			})
		}
	}
}

// mended wants a log to go on from wherever it was left.
func (h *house) mended(l *Log) {
	h.Helper()
	h.must(l.Seal(h.Context()))
	h.clean(257)
	h.append(2)
	h.must(l.Seal(h.Context()))
	h.clean(259)
}

func TestCrashAndRestart(t *testing.T) {
	dir := crashHouse(t)
	eachFault(t, sealSteps, func(t *testing.T, f *fault) {
		h := copyHouse(t, dir)
		l, err := h.logOn(faultyTenant{h.tenant, f}, faultyFolder{h.dirOf(), f})
		h.must(err)
		if err := l.Seal(t.Context()); !errors.Is(err, errPower) {
			t.Fatalf("seal: %v", err)
		}
		h = copyHouse(t, h.copy())
		h.mended(h.log())
	})
}

func TestCrashWhileMending(t *testing.T) {
	dir := crashHouse(t)
	// What a crash left behind right after the store took the checkpoint.
	eachFault(t, sealSteps-1, func(t *testing.T, f *fault) {
		h := copyHouse(t, dir)
		first := &fault{left: 0}
		l, err := h.logOn(faultyTenant{h.tenant, first}, faultyFolder{h.dirOf(), first})
		h.must(err)
		if err := l.Seal(t.Context()); !errors.Is(err, errPower) {
			t.Fatalf("seal: %v", err)
		}
		if _, err := h.logOn(faultyTenant{h.tenant, f}, faultyFolder{h.dirOf(), f}); !errors.Is(err, errPower) {
			t.Fatalf("open: %v", err)
		}
		h = copyHouse(t, h.copy())
		h.mended(h.log())
	})
}

// TestFaultAndGoOn tries again in the same process, failing on the way to
// mend what failed before, and then not.
func TestFaultAndGoOn(t *testing.T) {
	dir := crashHouse(t)
	eachFault(t, sealSteps, func(t *testing.T, f *fault) {
		for _, again := range []int{0, 1, 3, sealSteps - 1} {
			h := copyHouse(t, dir)
			f := *f
			l, err := h.logOn(faultyTenant{h.tenant, &f}, faultyFolder{h.dirOf(), &f})
			h.must(err)
			waiting := l.grown // as WaitSealed does
			if err := l.Seal(t.Context()); !errors.Is(err, errPower) {
				t.Fatalf("seal: %v", err)
			}
			f.left, f.broken = again, false // the power is back for so many steps
			if err := l.Seal(t.Context()); err != nil && !errors.Is(err, errPower) {
				t.Fatalf("seal again: %v", err)
			}
			f.lifted = true
			h.must(l.Seal(t.Context()))
			select {
			case <-waiting:
			default:
				t.Error("whoever waits for a seal is not woken")
			}
			h.clean(257)
		}
	})
}

// TestRowsAlteredWhileMending changes a row that a crash left signed and not
// published: neither the next try nor a restart may go on from it.
func TestRowsAlteredWhileMending(t *testing.T) {
	h := openHouse(t, t.TempDir())
	h.append(3)
	f := &fault{}
	l, err := h.logOn(faultyTenant{h.tenant, f}, faultyFolder{h.dirOf(), f})
	h.must(err)
	if err := l.Seal(t.Context()); !errors.Is(err, errPower) {
		t.Fatalf("seal: %v", err)
	}
	f.lifted = true
	forge(h, 1)
	for range 3 {
		if err := l.Seal(t.Context()); err == nil {
			t.Fatal("records other than those that were signed are sealed")
		}
	}
	if _, err := h.ledger().Open(t.Context(), h.tenant); err == nil {
		t.Error("records other than those that were signed are published at the next start")
	}
	if _, err := h.dirOf().Get(checkpointPath); err == nil {
		t.Error("a checkpoint was published over altered records")
	}
}

// TestFilesMadeAgain loses all files of a log, which the rows give again.
func TestFilesMadeAgain(t *testing.T) {
	h := openHouse(t, t.TempDir())
	h.append(600)
	l := h.log()
	h.must(l.Seal(t.Context()))
	before, signed := l.Checkpoint()
	h.must(os.RemoveAll(h.path("log")))
	after, again := h.log().Checkpoint()
	if after != before || string(again) != string(signed) {
		t.Errorf("made again, the checkpoint is %+v, was %+v", after, before)
	}
	h.clean(600)
}
