package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/packer"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/vault"
	"github.com/evidencefactory/evf/packet"
)

// sealed is a house whose rows are sealed, and its log.
type sealed struct {
	*house
	dir    string
	ledger *ledger.Ledger
	log    *ledger.Log
}

// openSealed makes a house in dir with the records that all others lean on:
// the workflow, and the objects that decisions cite.
func openSealed(ctx context.Context, dir string) (*sealed, error) {
	h, err := openHouse(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &sealed{house: h, dir: dir, ledger: ledger.New(ledger.Config{Logs: filepath.Join(dir, "log"), Keys: dir,
		WriteKey: vault.WriteKeyFile, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})}
	h.origin.Workflow = &evidence.WorkflowRef{Name: "invoice", Digest: evidence.DigestOf([]byte(manifest)), Tier: "high", Mode: "enforce"}
	o := h.origin
	o.House, o.Workflow = true, nil
	t := &told{}
	t.add(evidence.TypeWorkflowActivated, evidence.WorkflowActivated{Name: "invoice", Digest: h.origin.Workflow.Digest, Tier: "high", Mode: "enforce",
		Owner: "person-3", OwnerName: "Cy Young", Author: "person-4"})
	_, err = h.recorder.Append(ctx, o, recorder.Batch{Drafts: t.drafts, Objects: [][]byte{[]byte(manifest), []byte(policies), []byte(schema)}})
	if err != nil {
		return nil, fmt.Errorf("the first record: %w", err)
	}
	s.log, err = s.ledger.Open(ctx, h.tenant)
	return s, err
}

// packet builds the packet of a run as the server does, and the trust that it
// is verified under.
func (s *sealed) packet(ctx context.Context, run evidence.RunID) ([]byte, packet.Trust, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, packet.Trust{}, err
	}
	p := packer.New(packer.Config{
		Recorder: s.recorder, Threads: thread.New(s.recorder, nil, nil, time.Now), Ledger: s.ledger, Clock: time.Now,
		Key:       func(evidence.TenantID) ed25519.PrivateKey { return key },
		Generator: packet.Generator{Name: "bench", Version: "1", Digest: evidence.ZeroDigest},
	})
	if err := p.Announce(ctx, s.tenant); err != nil {
		return nil, packet.Trust{}, err
	}
	if err := s.log.Seal(ctx); err != nil {
		return nil, packet.Trust{}, err
	}
	data, err := p.Run(ctx, &identity.Caller{Tenant: s.tenant, Kind: "person", Ref: "person-5", Roles: []string{identity.RoleAdmin}}, run, packet.Selection{Profile: packet.ProfileFull})
	return data, packet.Trust{Keys: []string{s.log.VerifierKey()}}, err
}
