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

// Log is one tenant's log. It is safe for concurrent use.
type Log struct {
	tenant   store.Tenant
	dir      object.Dir
	signer   note.Signer
	verifier note.Verifier
	vkey     string

	mu     sync.Mutex // guards all below; held while sealing
	edge   *tlog.Edge // nil when the files must be looked at again
	bundle []byte     // the open entry bundle
	prev   evidence.Digest
	latest tlog.Checkpoint
	signed []byte
	grown  chan struct{} // closed and replaced at each checkpoint
}

// openLog brings the files and the store to the same checkpoint. It refuses a
// log of another key or origin, and a store behind the published checkpoint.
func openLog(ctx context.Context, t store.Tenant, dir object.Dir, signer note.Signer, vkey string) (*Log, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	l := &Log{tenant: t, dir: dir, signer: signer, verifier: verifier, vkey: vkey, grown: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l, l.recover(ctx)
}

// Checkpoint is the latest published tree head and its signed note.
func (l *Log) Checkpoint() (tlog.Checkpoint, []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest, bytes.Clone(l.signed)
}

// VerifierKey is the log's public key in C2SP form: what a verifier trusts.
func (l *Log) VerifierKey() string { return l.vkey }

// InclusionProof proves an index against the tree of size, which must have
// been published.
func (l *Log) InclusionProof(size, index uint64) ([]tlog.Hash, error) {
	return tlog.InclusionProof(size, index, l.tile)
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
	files, err := l.takeIn(ctx, to)
	if err != nil {
		return false, err
	}
	cp := tlog.Checkpoint{Origin: l.verifier.Name(), Size: to, Root: l.edge.Root()}
	signed, err := cp.Sign(l.signer)
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

// takeIn moves the edge over committed rows up to size to, and returns the
// files that a checkpoint of that size owes.
func (l *Log) takeIn(ctx context.Context, to uint64) (files []file, err error) {
	for l.edge.Size() < to {
		rows, err := l.rows(ctx, l.edge.Size(), int(min(pageSize, to-l.edge.Size())))
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, fmt.Errorf("record %d is gone from the store", l.edge.Size())
		}
		for i := range rows {
			full, err := l.take(&rows[i])
			if err != nil {
				return nil, err
			}
			files = append(files, full...)
		}
	}
	for _, t := range l.edge.Partial() {
		files = append(files, file{t.Path(), bytes.Clone(t.Hashes)})
	}
	if width := int(to % tlog.TileWidth); width > 0 {
		files = append(files, file{tlog.BundlePath(to/tlog.TileWidth, width), bytes.Clone(l.bundle)})
	}
	return files, nil
}

// take moves the edge over one row, and refuses a row that does not follow
// the one before: until it is sealed, only this chain guards it.
func (l *Log) take(row *store.Row) (full []file, err error) {
	leaf, err := evidence.ParseLeaf(row.Leaf)
	if err != nil {
		return nil, fmt.Errorf("record %d: %w", row.Seq, err)
	}
	if row.Seq != l.edge.Size() || leaf.Seq != row.Seq || leaf.Prev != l.prev || leaf.Digest != evidence.DigestOf(row.Record) {
		return nil, fmt.Errorf("record %d does not follow the one before, or was altered before it was sealed: run fsck", row.Seq)
	}
	if l.bundle, err = tlog.AppendEntry(l.bundle, row.Leaf); err != nil {
		return nil, err
	}
	l.edge.Add(tlog.LeafHash(row.Leaf), func(t tlog.Tile) { full = append(full, file{t.Path(), t.Hashes}) })
	if l.edge.Size()%tlog.TileWidth == 0 {
		full = append(full, file{tlog.BundlePath(row.Seq/tlog.TileWidth, tlog.TileWidth), l.bundle})
		l.bundle = nil
	}
	l.prev = evidence.DigestOf(row.Leaf)
	return full, nil
}

// publish writes the tiles first and the checkpoint last, so that whoever
// reads a checkpoint finds every tile it needs.
func (l *Log) publish(files []file, cp tlog.Checkpoint, signed []byte) error {
	for _, f := range files {
		if err := l.dir.Put(f.path, f.data); err != nil {
			return err
		}
	}
	if err := l.dir.Put("checkpoint", signed); err != nil {
		return err
	}
	l.latest, l.signed = cp, signed
	close(l.grown)
	l.grown = make(chan struct{})
	return nil
}

// recover starts from the published checkpoint, replays rows up to the
// store's, and publishes that one if it is larger.
func (l *Log) recover(ctx context.Context) error {
	head, err := l.head(ctx)
	if err != nil {
		return err
	}
	if head.Origin != l.verifier.Name() {
		return fmt.Errorf("tenant %s was begun as log %q, the key is for %q: put the right key back", l.tenant.ID(), head.Origin, l.verifier.Name())
	}
	published, signed, err := l.published()
	if err != nil {
		return err
	}
	if published.Size > head.Sealed || published.Size > head.Next {
		return fmt.Errorf("the store of tenant %s holds %d records (%d sealed), the published checkpoint covers %d: the database is older than the log. Restore the newer database; never go on from this one",
			l.tenant.ID(), head.Next, head.Sealed, published.Size)
	}
	if err := l.load(ctx, published); err != nil {
		return err
	}
	l.latest, l.signed = published, signed
	if head.Sealed == published.Size {
		return nil
	}
	return l.finish(ctx, head)
}

// finish publishes the store's checkpoint, which a crash kept from the files.
func (l *Log) finish(ctx context.Context, head store.Head) error {
	cp, err := tlog.OpenCheckpoint(head.Checkpoint, l.verifier)
	if err != nil {
		return fmt.Errorf("the store's checkpoint of tenant %s: %w", l.tenant.ID(), err)
	}
	files, err := l.takeIn(ctx, head.Sealed)
	if err != nil {
		return err
	}
	if cp.Size != head.Sealed || cp.Root != l.edge.Root() {
		return fmt.Errorf("the records of tenant %s up to %d are not those that were signed: run fsck", l.tenant.ID(), head.Sealed)
	}
	return l.publish(files, cp, head.Checkpoint)
}

func (l *Log) published() (tlog.Checkpoint, []byte, error) {
	signed, err := l.dir.Get("checkpoint")
	if errors.Is(err, object.ErrMissing) {
		return tlog.Checkpoint{Origin: l.verifier.Name(), Root: tlog.EmptyRoot()}, nil, nil
	}
	if err != nil {
		return tlog.Checkpoint{}, nil, err
	}
	cp, err := tlog.OpenCheckpoint(signed, l.verifier)
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
	l.bundle, l.prev = nil, evidence.ZeroDigest
	if width := int(cp.Size % tlog.TileWidth); width > 0 {
		if l.bundle, err = l.dir.Get(tlog.BundlePath(cp.Size/tlog.TileWidth, width)); err != nil {
			return fmt.Errorf("log of tenant %s: %w: run fsck", l.tenant.ID(), err)
		}
	}
	if cp.Size > 0 {
		last, err := l.rows(ctx, cp.Size-1, 1)
		if err != nil || len(last) != 1 {
			return fmt.Errorf("record %d of tenant %s is sealed but gone from the store: run fsck", cp.Size-1, l.tenant.ID())
		}
		l.prev = evidence.DigestOf(last[0].Leaf)
	}
	l.edge = edge
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

func (l *Log) head(ctx context.Context) (head store.Head, err error) {
	err = l.tenant.View(ctx, func(tx store.Tx) error {
		head, err = tx.Head()
		return err
	})
	return head, err
}

func (l *Log) rows(ctx context.Context, from uint64, limit int) (rows []store.Row, err error) {
	err = l.tenant.View(ctx, func(tx store.Tx) error {
		rows, err = tx.Rows(from, limit)
		return err
	})
	return rows, err
}
