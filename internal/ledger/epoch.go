package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/object"
	"github.com/evidencefactory/evf/internal/tlog"
)

// EpochRequest says why a log is given up, and what is known of it elsewhere.
type EpochRequest struct {
	By, Reason string
	// From are signed checkpoints of the old log that were kept elsewhere.
	From [][]byte
	// Keys are verifier keys of the old log, for where its key file is lost.
	Keys []string
}

// BeginEpoch gives a tenant's log up and goes on with the records that are
// left under another origin and key, which it returns. What the old log had
// signed beyond them is lost, and the record of it says so for good. Nobody
// else may have the tenant open.
//
// The order is: key file, record and new origin in one transaction, then the
// old files aside, checkpoint. The transaction decides, and every start brings
// the files behind it.
func (g *Ledger) BeginEpoch(ctx context.Context, t store.Tenant, req EpochRequest, record Append) (string, error) {
	h, err := ReadHistory(ctx, t)
	if err != nil {
		return "", err
	}
	if _, err := ring(g.cfg.Keys, t.ID(), h); err == nil {
		if err := g.tidy(t.ID(), h); err != nil { // what an epoch before this one left
			return "", err
		}
	}
	head, err := readHead(ctx, t)
	if err != nil {
		return "", err
	}
	old, err := g.oldKeys(t.ID(), h, req.Keys)
	if err != nil {
		return "", err
	}
	last, signed, err := g.largest(t.ID(), head, old, req.From)
	if err != nil {
		return "", err
	}
	key, err := g.laterKey(t.ID(), h, func(name string) bool { return h.find(name) == nil }, NewOrigin(t.ID()))
	if err != nil {
		return "", err
	}
	body := evidence.SystemEpoch{Origin: nameOf(key.vkey), Key: key.vkey, PreviousOrigin: head.Origin, PreviousKeys: old.names,
		Size: int64(last.Size), Root: base64.StdEncoding.EncodeToString(last.Root[:]), Kept: int64(head.Next), By: req.By, Reason: req.Reason}
	e := Entry{Type: evidence.TypeSystemEpoch, Epoch: &store.Epoch{From: head.Origin, To: body.Origin}}
	if signed != nil {
		body.Checkpoint, e.Objects = evidence.DigestOf(signed), [][]byte{signed}
	}
	e.Body = body
	if err := record(ctx, e); err != nil {
		return "", err
	}
	return key.vkey, g.follow(ctx, t)
}

// oldKeys are the verifier keys of the log that is given up.
type oldKeys struct {
	names     []string
	verifiers []note.Verifier // earlier ones too
}

func (g *Ledger) oldKeys(t evidence.TenantID, h *History, more []string) (*oldKeys, error) {
	e := h.Current()
	old := &oldKeys{verifiers: e.verifiers()}
	for _, k := range e.signing() {
		old.names = append(old.names, k.Key)
	}
	files, err := keyFiles(g.cfg.Keys, t)
	if err != nil {
		return nil, err
	}
	if first, ok := firstOf(files, keyPath(g.cfg.Keys, t)); ok && len(old.names) == 0 {
		more = append([]string{first}, more...)
	}
	for _, key := range more {
		v, err := note.NewVerifier(key)
		if err != nil || v.Name() != e.Origin {
			return nil, fmt.Errorf("the key of the old log is not a verifier key of %s", e.Origin)
		}
		old.verifiers = append(old.verifiers, v)
		if len(e.Keys) == 0 {
			old.names = append(old.names, key)
		}
	}
	if len(old.verifiers) == 0 {
		return nil, fmt.Errorf("no key of log %s is here: pass its verifier key with --key, as it was published", e.Origin)
	}
	return old, nil
}

func firstOf(files []signingKey, path string) (string, bool) {
	for _, k := range files {
		if k.path == path {
			return k.vkey, true
		}
	}
	return "", false
}

// largest is the largest checkpoint known of the log that is given up; nil
// where it never signed one.
func (g *Ledger) largest(t evidence.TenantID, head store.Head, old *oldKeys, from [][]byte) (last tlog.Checkpoint, signed []byte, err error) {
	published, err := get(g.open(g.logDir(t)), checkpointPath)
	if err != nil {
		return last, nil, err
	}
	var anchored []byte
	if g.cfg.Anchor != "" {
		if anchored, err = get(g.open(g.cfg.Anchor), head.Origin); err != nil {
			return last, nil, err
		}
	}
	last.Root = tlog.EmptyRoot()
	for _, data := range append([][]byte{head.Checkpoint, published, anchored}, from...) {
		if data == nil {
			continue
		}
		cp, err := tlog.OpenCheckpoint(data, old.verifiers...)
		if err != nil {
			return last, nil, fmt.Errorf("a checkpoint of tenant %s (published, anchored, in the store or given) is not one that log %s signed: %w", t, head.Origin, err)
		}
		if cp.Size > last.Size || signed == nil {
			last, signed = cp, data
		}
	}
	return last, signed, nil
}

// get reads a file, nil where there is none.
func get(dir folder, path string) ([]byte, error) {
	data, err := dir.Get(path)
	if errors.Is(err, object.ErrMissing) {
		return nil, nil
	}
	return data, err
}

// putAside moves the published files of a log that was given up out of the
// way of the one that followed.
func (g *Ledger) putAside(t evidence.TenantID, h *History) error {
	published, err := get(g.open(g.logDir(t)), checkpointPath)
	if err != nil || published == nil {
		return err
	}
	cp, err := tlog.ReadCheckpoint(published)
	if err != nil {
		return nil // whoever opens the log says what is wrong with it
	}
	for i, e := range h.Epochs {
		if e.Origin == cp.Origin && e.End != nil {
			return g.cfg.Move(g.logDir(t), filepath.Join(g.cfg.Logs, fmt.Sprintf("%s.%d", t, i+1)))
		}
	}
	return nil
}
