// Package ledger seals what the store has committed: it hashes committed rows
// into the tiles of a C2SP transparency log, signs checkpoints over them and
// publishes both under log/<tenant>/, where third-party tools read them as
// they stand. Rows come first and are sealed after, within a second; a crash
// between any two steps is mended from the rows.
package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/object"
	"github.com/evidencefactory/evf/internal/tlog"
)

// maxSeal bounds the rows that one checkpoint takes in, and so the memory a
// seal needs.
const maxSeal = 1 << 16

// pageSize bounds the rows read in one snapshot, so that no long read holds
// the store's write-ahead log.
const pageSize = 1024

// checkpointPath is where the published checkpoint stands.
const checkpointPath = "checkpoint"

// folder is where a log's files stand; what Put has returned from is durable.
type folder interface {
	Get(path string) ([]byte, error)
	Put(path string, data []byte) error
}

// Log is one tenant's log. It is safe for concurrent use.
type Log struct {
	tenant store.Tenant
	dir    folder
	keys   []signingKey // all sign, oldest first
	epoch  *Epoch
	anchor folder // nil where none is kept

	proven fullTiles
	passed func(rows int) // hears of each page that takeIn has been through; nil hears nothing

	mu     sync.Mutex // guards all below; held while sealing
	edge   *tlog.Edge // nil when the files must be looked at again
	bundle []byte     // the open entry bundle
	prev   evidence.Digest
	// Rows below it are under a checkpoint that the replayed tree is compared
	// with, or were under one of a log that was given up: only those can have
	// been expunged, and their leaves need no bytes to vouch for them.
	vouched uint64
	latest  tlog.Checkpoint
	signed  []byte
	grown   chan struct{} // closed and replaced at each checkpoint

	anchored tlog.Checkpoint // what the anchor is known to hold
}

// start brings the files and the store to the same checkpoint. It refuses a
// log of another key or origin, and a store behind the published checkpoint or
// the anchored one.
func (l *Log) start(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.beforeAnchor(ctx); err != nil {
		return err
	}
	if err := l.recover(ctx); err != nil {
		return err
	}
	return l.onAnchor()
}

// Checkpoint is the latest published tree head and its signed note.
func (l *Log) Checkpoint() (tlog.Checkpoint, []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest, bytes.Clone(l.signed)
}

// VerifierKey is the log's newest public key in C2SP form: what a verifier
// trusts.
func (l *Log) VerifierKey() string { return l.keys[len(l.keys)-1].vkey }

// VerifierKeys are all keys that sign now, oldest first: one, or two between a
// rotation and the end of the old key.
func (l *Log) VerifierKeys() (list []string) {
	for _, k := range l.keys {
		list = append(list, k.vkey)
	}
	return list
}

func (l *Log) sign(cp tlog.Checkpoint) ([]byte, error) {
	var signers []note.Signer
	for _, k := range l.keys {
		signers = append(signers, k.signer)
	}
	return cp.Sign(signers...)
}

// verify reads a checkpoint that a key of ours signed.
func (l *Log) verify(signed []byte) (tlog.Checkpoint, error) {
	return tlog.OpenCheckpoint(signed, l.verifiers()...)
}

func (l *Log) verifiers() (list []note.Verifier) {
	for _, k := range l.keys {
		list = append(list, k.verifier)
	}
	return list
}

// InclusionProof proves an index against the tree of size, which must have
// been published.
func (l *Log) InclusionProof(size, index uint64) ([]tlog.Hash, error) {
	return tlog.InclusionProof(size, index, l.proven.through(l.tile))
}

// ReadFile reads a published file: a tile, an entry bundle or the checkpoint.
func (l *Log) ReadFile(path string) ([]byte, error) { return l.dir.Get(path) }

// WaitSealed returns when the record at seq is under a published checkpoint.
func (l *Log) WaitSealed(ctx context.Context, seq uint64) error {
	for {
		l.mu.Lock()
		size, grown := l.latest.Size, l.grown
		l.mu.Unlock()
		if size > seq {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return evidence.Errorf(evidence.Unavailable, "", "record %d is not sealed yet: %w", seq, ctx.Err())
		}
	}
}

// Seal takes in all rows committed so far and publishes a checkpoint over
// them. After an error nothing is lost: the next call starts from the files
// and rows as they stand.
func (l *Log) Seal(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.edge == nil {
		if err := l.recover(ctx); err != nil {
			l.edge = nil // it may have moved past what is in the files
			return err
		}
	}
	for {
		more, err := l.sealOnce(ctx)
		if err != nil {
			l.edge = nil
			return fmt.Errorf("seal tenant %s: %w", l.tenant.ID(), err)
		}
		if !more {
			return nil
		}
	}
}

func (l *Log) sealOnce(ctx context.Context) (more bool, err error) {
	head, err := l.head(ctx)
	if err != nil || head.Next == l.edge.Size() {
		return false, err
	}
	from, to := l.edge.Size(), min(head.Next, l.edge.Size()+maxSeal)
	var files []file
	keep := func(f file) error { files = append(files, f); return nil }
	if err := l.takeIn(ctx, to, keep); err != nil {
		return false, err
	}
	if to == head.Next && l.prev != head.Prev { // no row comes after the last one to vouch for it
		return false, fmt.Errorf("record %d is not the one that the head names, it was altered before it was sealed: run fsck", to-1)
	}
	cp := tlog.Checkpoint{Origin: l.epoch.Origin, Size: to, Root: l.edge.Root()}
	signed, err := l.sign(cp)
	if err != nil {
		return false, err
	}
	// The store decides first. If we crash here, recover writes the same
	// tiles again from the rows and publishes this very checkpoint.
	if err := l.tenant.SetCheckpoint(ctx, from, to, signed); err != nil {
		return false, err
	}
	return to < head.Next, l.publish(files, cp, signed)
}

// file is one file of the log that waits to be written.
type file struct {
	path string
	data []byte
}

// takeIn moves the edge over committed rows up to size to, and emits the files
// that a checkpoint of that size owes.
func (l *Log) takeIn(ctx context.Context, to uint64, emit func(file) error) error {
	for l.edge.Size() < to {
		rows, err := l.rows(ctx, l.edge.Size(), int(min(pageSize, to-l.edge.Size())))
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("record %d is gone from the store: run fsck", l.edge.Size())
		}
		for i := range rows {
			if err := l.take(&rows[i], emit); err != nil {
				return err
			}
		}
		if l.passed != nil {
			l.passed(len(rows))
		}
	}
	for _, t := range l.edge.Partial() {
		if err := emit(file{t.Path(), bytes.Clone(t.Hashes)}); err != nil {
			return err
		}
	}
	if width := int(to % tlog.TileWidth); width > 0 {
		return emit(file{tlog.BundlePath(to/tlog.TileWidth, width), bytes.Clone(l.bundle)})
	}
	return nil
}

// take moves the edge over one row, and refuses a row that does not follow
// the one before: until it is sealed, only this chain guards it.
func (l *Log) take(row *store.Row, emit func(file) error) error {
	leaf, err := evidence.ParseLeaf(row.Leaf)
	if err != nil {
		return fmt.Errorf("record %d: %w", row.Seq, err)
	}
	altered := leaf.Digest != evidence.DigestOf(row.Record)
	if row.Expunged() { // its bytes were there when it was sealed, and are not needed again
		altered = row.Seq >= l.vouched
	}
	if row.Seq != l.edge.Size() || leaf.Seq != row.Seq || leaf.Prev != l.prev || altered {
		return fmt.Errorf("record %d does not follow the one before, or was altered before it was sealed: run fsck", row.Seq)
	}
	if l.bundle, err = tlog.AppendEntry(l.bundle, row.Leaf); err != nil {
		return err
	}
	l.prev = evidence.DigestOf(row.Leaf)
	l.edge.Add(tlog.LeafHash(row.Leaf), func(t tlog.Tile) { err = errors.Join(err, emit(file{t.Path(), t.Hashes})) })
	if l.edge.Size()%tlog.TileWidth == 0 {
		err = errors.Join(err, emit(file{tlog.BundlePath(row.Seq/tlog.TileWidth, tlog.TileWidth), l.bundle}))
		l.bundle = nil
	}
	return err
}

// publish writes the tiles first and the checkpoint last, so that whoever
// reads a checkpoint finds every tile it needs.
func (l *Log) publish(files []file, cp tlog.Checkpoint, signed []byte) error {
	for _, f := range files {
		if err := l.put(f); err != nil {
			return err
		}
	}
	if err := l.dir.Put(checkpointPath, signed); err != nil {
		return err
	}
	l.announce(cp, signed)
	return nil
}

func (l *Log) put(f file) error { return l.dir.Put(f.path, f.data) }

// announce wakes whoever waits for a published checkpoint.
func (l *Log) announce(cp tlog.Checkpoint, signed []byte) {
	l.latest, l.signed = cp, signed
	close(l.grown)
	l.grown = make(chan struct{})
}

// recover starts from the published checkpoint, replays rows up to the
// store's, and publishes that one if it is larger.
func (l *Log) recover(ctx context.Context) error {
	head, err := l.head(ctx)
	if err != nil {
		return err
	}
	if name := nameOf(l.VerifierKey()); head.Origin != name {
		return fmt.Errorf("tenant %s was begun as log %q, the key is for %q: put the right key back", l.tenant.ID(), head.Origin, name)
	}
	published, signed, err := l.published()
	if err != nil {
		return err
	}
	if published.Size > head.Sealed || published.Size > head.Next {
		return fmt.Errorf("the store of tenant %s holds %d records (%d sealed), the published checkpoint covers %d: the database is older than the log. Restore the newer database, or give the log up with evf log epoch; never go on from this one",
			l.tenant.ID(), head.Next, head.Sealed, published.Size)
	}
	if err := l.load(ctx, published); err != nil {
		return err
	}
	l.announce(published, signed)
	if head.Sealed == 0 {
		return nil
	}
	cp, err := l.verify(head.Checkpoint)
	if err != nil {
		return fmt.Errorf("the store's checkpoint of tenant %s was not signed by this house's key: %w", l.tenant.ID(), err)
	}
	if cp.Size != head.Sealed {
		return fmt.Errorf("the store's checkpoint of tenant %s covers %d records, its head says %d: run fsck", l.tenant.ID(), cp.Size, head.Sealed)
	}
	if cp == published {
		return nil
	}
	l.vouched = max(l.vouched, cp.Size)
	return l.finish(ctx, published, cp, head.Checkpoint)
}

// finish publishes the store's checkpoint, which a crash kept from the files.
// It goes over the rows twice, so that no file is replaced before these are
// known to be the records that were signed, and none of them waits in memory.
func (l *Log) finish(ctx context.Context, published, cp tlog.Checkpoint, signed []byte) error {
	if err := l.takeIn(ctx, cp.Size, func(file) error { return nil }); err != nil {
		return err
	}
	if cp.Root != l.edge.Root() {
		return fmt.Errorf("the records of tenant %s up to %d are not those that were signed: run fsck", l.tenant.ID(), cp.Size)
	}
	if err := l.load(ctx, published); err != nil {
		return err
	}
	if err := l.takeIn(ctx, cp.Size, l.put); err != nil {
		return err
	}
	return l.publish(nil, cp, signed)
}

func (l *Log) published() (tlog.Checkpoint, []byte, error) {
	signed, err := l.dir.Get(checkpointPath)
	if errors.Is(err, object.ErrMissing) {
		return tlog.Checkpoint{Origin: l.epoch.Origin, Root: tlog.EmptyRoot()}, nil, nil
	}
	if err != nil {
		return tlog.Checkpoint{}, nil, err
	}
	cp, err := l.verify(signed)
	if err != nil {
		return cp, nil, fmt.Errorf("the published checkpoint of tenant %s was not signed by this house's key: %w", l.tenant.ID(), err)
	}
	return cp, signed, nil
}

// load reads the edge of the published tree back.
func (l *Log) load(ctx context.Context, cp tlog.Checkpoint) error {
	edge, err := tlog.LoadEdge(cp.Size, l.tile)
	if err != nil {
		return fmt.Errorf("log of tenant %s: %w: run fsck", l.tenant.ID(), err)
	}
	if edge.Root() != cp.Root {
		return fmt.Errorf("the tiles of tenant %s do not give the root of their checkpoint: run fsck", l.tenant.ID())
	}
	l.edge, l.bundle, l.prev = edge, nil, evidence.ZeroDigest
	if cp.Size > 0 {
		return l.loadOpen(ctx)
	}
	return nil
}

// loadOpen makes the open bundle again out of the last rows, and refuses rows
// that are not those in the tree: what is sealed next would rest on them.
func (l *Log) loadOpen(ctx context.Context) error {
	size := l.edge.Size()
	from := min(size-size%tlog.TileWidth, size-1) // at least the last row, for its digest
	rows, err := l.rows(ctx, from, int(size-from))
	if err != nil {
		return err
	}
	if uint64(len(rows)) != size-from {
		return fmt.Errorf("tenant %s: records from %d to %d are sealed, and not all of them are in the store: run fsck", l.tenant.ID(), from, size-1)
	}
	l.prev = evidence.DigestOf(rows[len(rows)-1].Leaf)
	if size%tlog.TileWidth == 0 {
		return nil
	}
	hashes := l.edge.Partial()[0].Hashes
	for i, row := range rows {
		if tlog.LeafHash(row.Leaf) != tlog.Hash(hashes[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
			return fmt.Errorf("record %d of tenant %s is not the one that was sealed: run fsck", row.Seq, l.tenant.ID())
		}
		if l.bundle, err = tlog.AppendEntry(l.bundle, row.Leaf); err != nil {
			return err
		}
	}
	return nil
}

// tile reads a tile, or the full one that has taken a partial one's place.
func (l *Log) tile(level int, index uint64, width int) ([]byte, error) {
	data, err := l.dir.Get(tlog.Tile{Level: level, Index: index, Hashes: make([]byte, width*tlog.HashSize)}.Path())
	if errors.Is(err, object.ErrMissing) && width < tlog.TileWidth {
		return l.dir.Get(tlog.Tile{Level: level, Index: index, Hashes: make([]byte, tlog.TileWidth*tlog.HashSize)}.Path())
	}
	return data, err
}

func (l *Log) head(ctx context.Context) (store.Head, error) { return readHead(ctx, l.tenant) }

func readHead(ctx context.Context, t store.Tenant) (head store.Head, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		head, err = tx.Head()
		return err
	})
	return head, err
}

func (l *Log) rows(ctx context.Context, from uint64, limit int) ([]store.Row, error) {
	return readRows(ctx, l.tenant, from, limit)
}

func readRows(ctx context.Context, t store.Tenant, from uint64, limit int) (rows []store.Row, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		rows, err = tx.Rows(from, limit)
		return err
	})
	return rows, err
}
