package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/object"
	"github.com/evidencefactory/evf/internal/tlog"
)

// logCheck grows the log again from the rows' leaves, and holds its files and
// checkpoints against that.
type logCheck struct {
	*Report
	dir    object.Dir
	epoch  *Epoch
	signed []signedHead // whose signatures hold
	owed   uint64       // size of the tree whose files are compared

	edge    tlog.Edge
	bundle  []byte
	stopped bool // a leaf is nowhere to be had

	index   uint64 // of the bundle in entries, which fills the place of missing rows
	entries [][]byte
}

// signedHead is a checkpoint and where it was found.
type signedHead struct {
	where string
	cp    tlog.Checkpoint
}

func newLogCheck(r *Report, dir object.Dir) *logCheck { return &logCheck{Report: r, dir: dir} }

// checkpoints reads the published checkpoint and the store's, and holds them
// against the key and each other. Their roots come in turn.
func (l *logCheck) checkpoints(head store.Head, verifiers []note.Verifier) {
	if name := verifiers[len(verifiers)-1].Name(); head.Origin != name {
		l.add("head", "was begun as log %q, the key is for %q", head.Origin, name)
	}
	data, err := l.dir.Get(checkpointPath)
	if err != nil && !errors.Is(err, object.ErrMissing) {
		l.add(checkpointPath, "%v", err)
	}
	published, ok := l.open(checkpointPath, data, head, verifiers)
	stored, ok2 := l.open("store checkpoint", head.Checkpoint, head, verifiers)
	if ok {
		l.Sealed = published.Size
	}
	if ok2 && stored.Size != head.Sealed {
		l.add("store checkpoint", "covers %d records, the head says %d are sealed", stored.Size, head.Sealed)
	}
	switch {
	case ok && ok2 && published.Size > stored.Size:
		l.add(checkpointPath, "covers %d records, the store's checkpoint %d: the store was put back", published.Size, stored.Size)
	case ok2 && data == nil, ok && ok2 && published.Size < stored.Size:
		// The store decides first and the files follow, so a crash leaves this;
		// an older checkpoint put back over a newer one looks the same, and is
		// mended the same way. Both are signed, and both are held against the
		// same rows below.
		l.note(checkpointPath, "covers %d records, the store's checkpoint %d: the next start publishes the newer one", published.Size, stored.Size)
	}
	if l.owed = published.Size; !ok && data != nil {
		l.owed = stored.Size
	}
}

// open reads a checkpoint; false where there is none to rely on.
func (l *logCheck) open(where string, data []byte, head store.Head, verifiers []note.Verifier) (tlog.Checkpoint, bool) {
	if data == nil {
		if head.Sealed > 0 && where != checkpointPath {
			l.add(where, "missing; the head says %d records are sealed", head.Sealed)
		}
		return tlog.Checkpoint{}, false
	}
	cp, err := tlog.OpenCheckpoint(data, verifiers...)
	if err != nil {
		l.add(where, "not signed by the log's key: %v", err)
		return tlog.Checkpoint{}, false
	}
	l.signatures(where, data, cp)
	l.signed = append(l.signed, signedHead{where, cp})
	return cp, true
}

// signatures wants every key that was in force at a checkpoint's size to have
// signed it. Which were is what the records say; that one of them is ours was
// seen before.
func (l *logCheck) signatures(where string, data []byte, cp tlog.Checkpoint) {
	for _, k := range l.epoch.Keys {
		if !k.inForce(cp.Size) {
			continue
		}
		v, err := note.NewVerifier(k.Key)
		if err == nil {
			_, err = tlog.OpenCheckpoint(data, v)
		}
		if err != nil {
			l.add(where, "not signed by key %s, which signs every tree of this size, as record %d says", k.Key, k.Since)
		}
	}
}

// size is the number of records that checkpoints cover.
func (l *logCheck) size() (n uint64) {
	for _, s := range l.signed {
		n = max(n, s.cp.Size)
	}
	return n
}

// grow adds a leaf to the tree and compares every file that it completes.
func (l *logCheck) grow(leaf []byte) {
	if l.stopped || l.edge.Size() >= l.size() {
		return
	}
	l.edge.Add(tlog.LeafHash(leaf), l.tile)
	bundle, err := tlog.AppendEntry(l.bundle, leaf)
	if err != nil {
		l.add(fmt.Sprintf("record %d", l.edge.Size()-1), "its leaf fits no bundle: %v", err)
	}
	l.bundle = bundle
	if size := l.edge.Size(); size%tlog.TileWidth == 0 {
		l.entryBundle(size/tlog.TileWidth-1, tlog.TileWidth)
		l.bundle = l.bundle[:0]
	}
	l.heads()
}

// heads compares what stands at this very size: the open tiles and bundle, and
// the roots that were signed.
func (l *logCheck) heads() {
	size := l.edge.Size()
	if size == l.owed {
		for _, t := range l.edge.Partial() {
			l.tile(t)
		}
		if width := int(size % tlog.TileWidth); width > 0 {
			l.entryBundle(size/tlog.TileWidth, width)
		}
	}
	for _, s := range l.signed {
		if s.cp.Size == size && s.cp.Root != l.edge.Root() {
			l.add(s.where, "its root is not that of the first %d records in the store", size)
		}
	}
}

func (l *logCheck) tile(t tlog.Tile) {
	if l.edge.Size() > l.owed {
		return
	}
	data, ok := l.read(t.Path())
	if !ok || bytes.Equal(data, t.Hashes) {
		return
	}
	at := firstDifference(data, t.Hashes) / tlog.HashSize
	if t.Level > 0 {
		l.add(t.Path(), "not the tile that the records give, from hash %d on", at)
		return
	}
	l.add(t.Path(), "not the tile that the records give, from record %d on", t.Index*tlog.TileWidth+uint64(at))
}

func (l *logCheck) entryBundle(index uint64, width int) {
	path := tlog.BundlePath(index, width)
	if l.edge.Size() > l.owed {
		return
	}
	data, ok := l.read(path)
	if !ok || bytes.Equal(data, l.bundle) {
		return
	}
	l.add(path, "not the bundle that the records give, from record %d on", index*tlog.TileWidth+entryAt(l.bundle, firstDifference(l.bundle, data)))
}

func firstDifference(a, b []byte) (at int) {
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return at
}

// entryAt is which entry of a bundle a byte belongs to.
func entryAt(bundle []byte, offset int) (n uint64) {
	for _, e := range split(bundle) {
		if offset -= 2 + len(e); offset < 0 {
			break
		}
		n++
	}
	return n
}

// split takes a bundle apart, into nothing where it is damaged.
func split(bundle []byte) [][]byte {
	entries, _ := tlog.SplitBundle(bundle)
	return entries
}

func (l *logCheck) read(path string) ([]byte, bool) {
	data, err := l.dir.Get(path)
	switch {
	case errors.Is(err, object.ErrMissing):
		l.add(path, "missing")
	case err != nil:
		l.add(path, "%v", err)
	}
	return data, err == nil
}

// published is a record's leaf as its bundle has it, nil where that is not to
// be had.
func (l *logCheck) published(seq uint64) []byte {
	if seq >= l.owed {
		return nil
	}
	index := seq / tlog.TileWidth
	if l.entries == nil || l.index != index {
		data, _ := l.dir.Get(tlog.BundlePath(index, int(min(tlog.TileWidth, l.owed-index*tlog.TileWidth))))
		l.index, l.entries = index, split(data)
	}
	at := seq % tlog.TileWidth
	if at >= uint64(len(l.entries)) {
		return nil
	}
	if leaf, err := evidence.ParseLeaf(l.entries[at]); err != nil || leaf.Seq != seq {
		return nil
	}
	return l.entries[at]
}

// stop ends the comparison at a record whose leaf is nowhere to be had.
func (l *logCheck) stop(seq uint64) {
	if !l.stopped && seq < l.size() {
		l.add("log", "cannot be compared from record %d on: its leaf is neither in the store nor in a bundle", seq)
	}
	l.stopped = true
}
