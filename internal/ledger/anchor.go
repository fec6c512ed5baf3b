package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/internal/store/object"
	"github.com/evidencefactory/evf/internal/tlog"
)

// The anchor is a folder that is not put back together with the data
// directory. It holds one file for each log, named by its origin: the latest
// checkpoint, written after it was published. A log that was given up has a
// second file beside it, which names the log that followed.

// closed is where an anchor says that a log was given up.
func closed(origin string) string { return origin + ".closed" }

// ErrAnchor marks an anchor that does not allow to go on.
var ErrAnchor = errors.New("it may have been put back to an earlier day, or another house goes on with this log: restore what is newer, or give the log up with evf log epoch")

// beforeAnchor refuses a store that is behind what was anchored. It comes
// before anything is published.
func (l *Log) beforeAnchor(ctx context.Context) error {
	if l.anchor == nil {
		return nil
	}
	if next, err := l.anchor.Get(closed(l.epoch.Origin)); err == nil {
		return fmt.Errorf("tenant %s: the anchor says that its log %s was given up for %.200q: %w", l.tenant.ID(), l.epoch.Origin, next, ErrAnchor)
	}
	cp, err := l.readAnchor()
	if err != nil || cp.Size == 0 {
		return err
	}
	head, err := l.head(ctx)
	if err != nil {
		return err
	}
	if cp.Size > head.Sealed {
		return fmt.Errorf("the store of tenant %s holds %d records (%d sealed), the anchor covers %d: the database is older than the anchor: %w",
			l.tenant.ID(), head.Next, head.Sealed, cp.Size, ErrAnchor)
	}
	return nil
}

// onAnchor wants the anchored tree to be a part of ours.
func (l *Log) onAnchor() error {
	if l.anchor == nil {
		return nil
	}
	cp, err := l.readAnchor()
	if err != nil {
		return err
	}
	return l.follows(cp)
}

// readAnchor reads the anchored checkpoint; one of size 0 where there is none.
func (l *Log) readAnchor() (tlog.Checkpoint, error) {
	data, err := l.anchor.Get(l.epoch.Origin)
	if errors.Is(err, object.ErrMissing) {
		return tlog.Checkpoint{}, nil
	}
	if err != nil {
		return tlog.Checkpoint{}, fmt.Errorf("anchor of tenant %s: %w", l.tenant.ID(), err)
	}
	cp, err := l.epoch.openCheckpoint(data, l.verifiers()...)
	if err != nil {
		return cp, fmt.Errorf("anchor of tenant %s: %s was not signed by a key of this log: %w", l.tenant.ID(), l.epoch.Origin, err)
	}
	return cp, nil
}

// follows wants our tree to have grown out of an anchored one.
func (l *Log) follows(cp tlog.Checkpoint) error {
	if cp.Size == 0 || cp == l.anchored {
		return nil
	}
	if cp.Size > l.latest.Size {
		return fmt.Errorf("the anchor of tenant %s covers %d records, its log %d: %w", l.tenant.ID(), cp.Size, l.latest.Size, ErrAnchor)
	}
	root, err := l.rootAt(cp.Size)
	if err != nil {
		return err
	}
	if root != cp.Root {
		return fmt.Errorf("the log of tenant %s at size %d is not the one that was anchored: run fsck: %w", l.tenant.ID(), cp.Size, ErrAnchor)
	}
	l.anchored = cp
	return nil
}

// rootAt is the root that the published tree had at an earlier size.
func (l *Log) rootAt(size uint64) (tlog.Hash, error) {
	edge, err := tlog.LoadEdge(size, func(level int, index uint64, _ int) ([]byte, error) {
		// Only the tiles of the latest size are sure to be there.
		n := l.latest.Size >> (8 * level)
		return l.tile(level, index, int(min(tlog.TileWidth, n-index*tlog.TileWidth)))
	})
	if err != nil {
		return tlog.Hash{}, err
	}
	return edge.Root(), nil
}

// Anchor writes the latest checkpoint to the anchor, unless it stands there. It
// never replaces a larger one, nor one that ours did not grow out of. What
// fails here stops neither recording nor sealing.
func (l *Log) Anchor() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.anchor == nil || l.latest.Size == 0 || l.latest == l.anchored {
		return nil
	}
	cp, err := l.readAnchor()
	if err != nil {
		return err
	}
	if err := l.follows(cp); err != nil {
		return err
	}
	if err := l.anchor.Put(l.epoch.Origin, l.signed); err != nil {
		return err
	}
	l.anchored = l.latest
	return nil
}

// closeAnchors says in the anchor which logs were given up, so that a whole
// directory put back from before does not go on with one of them. Where it
// fails, the next start tries again.
func (g *Ledger) closeAnchors(h *History) {
	anchor := g.open(g.cfg.Anchor)
	for i, e := range h.Epochs[:len(h.Epochs)-1] {
		_, err := anchor.Get(closed(e.Origin))
		if errors.Is(err, object.ErrMissing) {
			err = anchor.Put(closed(e.Origin), []byte(h.Epochs[i+1].Origin+"\n"))
		}
		if err != nil {
			g.cfg.Log.Error("the anchor could not be told that a log was given up; the next start tries again", "origin", e.Origin, "error", err)
		}
	}
}
