package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/object"
	"github.com/evidencefactory/evf/internal/tlog"
	"github.com/evidencefactory/evf/packet"
)

// Kept is a file that was kept elsewhere: a signed checkpoint, or a packet.
type Kept struct {
	Name string // what problems call it
	Data []byte
}

// outside is a kept checkpoint with the log that it says it is of.
type outside struct {
	ledger.Outside
	origin string
}

// read takes a kept file apart.
func (k Kept) read() (outside, error) {
	o := outside{Outside: ledger.Outside{Name: k.Name, Signed: k.Data}}
	if bytes.HasPrefix(k.Data, []byte("PK\x03\x04")) {
		if err := o.packet(k.Data); err != nil {
			return o, fmt.Errorf("%s: %w", k.Name, err)
		}
	}
	cp, err := tlog.ReadCheckpoint(o.Signed)
	if err != nil {
		return o, fmt.Errorf("%s is neither a packet nor a signed checkpoint: %w", k.Name, err)
	}
	o.origin = cp.Origin
	return o, nil
}

// packet takes the checkpoint and the leaves out of a packet that holds
// together.
func (o *outside) packet(data []byte) error {
	for _, c := range packet.Verify(data, packet.Trust{}).Checks {
		if c.Outcome == packet.Failed {
			return fmt.Errorf("is not a valid packet (%s: %s): see evf verify", c.Name, c.Detail)
		}
	}
	p, err := packet.Open(data)
	if err != nil {
		return err
	}
	o.Signed, _ = p.File("checkpoint")
	o.Leaves = map[uint64]tlog.Hash{}
	for s, err := range p.Sealed() {
		if err != nil {
			return err
		}
		o.Leaves[s.Proof.Index] = tlog.LeafHash(s.Leaf)
	}
	return nil
}

// readKept reads all kept files, and wants each to be of a log that one of the
// tenants has or had.
func (s *Server) readKept(ctx context.Context, ids []evidence.TenantID, kept []Kept) (list []outside, err error) {
	var origins []string
	for _, id := range ids {
		h, err := s.history(ctx, id)
		if err != nil {
			return nil, err
		}
		origins = append(origins, h.Origins()...)
	}
	for _, k := range kept {
		o, err := k.read()
		if err != nil {
			return nil, err
		}
		if !slices.Contains(origins, o.origin) {
			return nil, fmt.Errorf("%s is of log %q, which no tenant here has or had: it is of another installation, or the house was put back to before that log began", k.Name, o.origin)
		}
		list = append(list, o)
	}
	return list, nil
}

func (s *Server) history(ctx context.Context, id evidence.TenantID) (*ledger.History, error) {
	t, err := s.store.ForTenant(ctx, id, func() string { return "" })
	if err != nil {
		return nil, err
	}
	return ledger.ReadHistory(ctx, t)
}

// against picks what is of the tenant's logs, and adds what is anchored of
// them.
func (s *Server) against(ctx context.Context, t store.Tenant, kept []outside) (list []ledger.Outside, err error) {
	h, err := ledger.ReadHistory(ctx, t)
	if err != nil {
		return nil, nil // Fsck says what is wrong with it
	}
	for _, o := range kept {
		if slices.Contains(h.Origins(), o.origin) {
			list = append(list, o.Outside)
		}
	}
	if s.cfg.Anchor == "" {
		return list, nil
	}
	for _, origin := range h.Origins() {
		data, err := object.NewDir(s.cfg.Anchor).Get(origin)
		if errors.Is(err, object.ErrMissing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, ledger.Outside{Name: "anchor " + origin, Signed: data, Anchored: true})
	}
	return list, nil
}

// checkAnchor wants an anchor to be a folder outside the data directory, where
// it is not put back together with it.
func checkAnchor(data, anchor string) (string, error) {
	if anchor == "" {
		return "", nil
	}
	real, err := filepath.EvalSymlinks(anchor)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", fmt.Errorf("anchor: make the folder, or mount what it is on: %w", err)
	}
	inside, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	if at, err := filepath.EvalSymlinks(inside); err == nil {
		inside = at
	}
	if rel, err := filepath.Rel(inside, real); err == nil && filepath.IsLocal(rel) {
		return "", fmt.Errorf("anchor %s is inside the data directory, and would be put back together with it: choose a place elsewhere, best on another machine", anchor)
	}
	return real, nil
}
