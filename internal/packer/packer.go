// Package packer builds packets: it gathers a run's records, what vouches for
// them (proofs, the announced packet key, the manifests they were made under)
// and what the reader may see, and has package packet write and check the
// whole before anything leaves.
package packer

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/erasure"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/tlog"
	"github.com/evidencefactory/evf/packet"
)

// Config is what a Packer builds from.
type Config struct {
	Recorder  *recorder.Recorder
	Threads   *thread.Threads
	Ledger    *ledger.Ledger
	Key       func(evidence.TenantID) ed25519.PrivateKey // signs a tenant's packets
	Generator packet.Generator
	Clock     func() time.Time
	// Progress hears of each record that a packet was checked with; nil hears
	// nothing.
	Progress func(done, total uint64)
}

// Packer builds packets. It is safe for concurrent use.
type Packer struct{ cfg Config }

// New makes a Packer.
func New(cfg Config) *Packer { return &Packer{cfg} }

// Announce makes the log vouch for the tenant's first packet key, once. A key
// other than the one announced last is refused.
func (p *Packer) Announce(ctx context.Context, t store.Tenant) error {
	public := base64.StdEncoding.EncodeToString(p.cfg.Key(t.ID()).Public().(ed25519.PublicKey))
	var known store.SigningKey
	err := t.View(ctx, func(tx store.Tx) (err error) {
		known, err = store.Load[store.SigningKey](tx, "packet")
		return err
	})
	switch {
	case err == nil && known.Public == public:
		return nil
	case err == nil:
		return fmt.Errorf("the packet key of tenant %s is not the one its log announced: put the right key file back", t.ID())
	case evidence.KindOf(err) != evidence.NotFound:
		return err
	}
	return p.record(ctx, t, evidence.Actor{Kind: "platform", Ref: "evf"}, evidence.TypeKeyRotated, evidence.KeyRotated{Purpose: "packet", Key: public})
}

// Run builds the packet of a run, sealed up to its latest record, and records
// that it was built. It opens what the selection does, as far as whoever asks
// may see it.
func (p *Packer) Run(ctx context.Context, by *identity.Caller, run evidence.RunID, open packet.Selection) ([]byte, error) {
	if err := open.Validate(); err != nil {
		return nil, err
	}
	t := by.Tenant
	_, story, err := p.cfg.Threads.Story(ctx, t, "", run)
	if err != nil {
		return nil, err
	}
	rotations, err := p.rotations(ctx, t.ID())
	if err != nil {
		return nil, err
	}
	extra, cites, err := p.vouchers(ctx, t, run, story, rotations)
	if err != nil {
		return nil, err
	}
	all := append(extra, story...)
	slices.SortFunc(all, func(a, b *recorder.Opened) int { return int(a.Seq) - int(b.Seq) })
	signed, sealed, err := p.prove(ctx, by, all)
	if err != nil {
		return nil, err
	}
	data, err := packet.Write(packet.Contents{
		Scope: packet.Scope{Tenant: t.ID(), Run: run}, Query: query, Selection: open,
		Sealed: sealed, Checkpoint: signed, Rotations: rotations, Objects: cites,
		Generator: p.cfg.Generator, Built: evidence.TimeOf(p.cfg.Clock()), Key: p.cfg.Key(t.ID()),
		LogKey: p.cfg.Ledger.For(t.ID()).VerifierKey(), Progress: p.cfg.Progress,
	})
	if err != nil {
		return nil, fmt.Errorf("packet of run %s: %w", run, err)
	}
	return data, p.record(ctx, t, evidence.Actor{Kind: "human", Ref: by.Ref}, evidence.TypePacketBuilt, evidence.PacketBuilt{
		Packet: evidence.DigestOf(data), Scope: "run", Of: run, Records: int64(len(story)), By: by.Ref,
		Profile: string(open.Profile), Disclose: open.Disclose, Withhold: open.Withhold})
}

const query = "all records of the run, the key that signs this packet, the activation of every manifest cited, and the registration of everyone who approved"

// sealWait bounds how long a packet waits for its records to be sealed.
const sealWait = 30 * time.Second

// prove seals up to the last of the records, and gives each its proof against
// one checkpoint.
func (p *Packer) prove(ctx context.Context, by *identity.Caller, all []*recorder.Opened) (signed []byte, sealed []packet.Sealed, err error) {
	t := by.Tenant.ID()
	log := p.cfg.Ledger.For(t)
	if log == nil {
		return nil, nil, evidence.Errorf(evidence.Unavailable, "", "the log of tenant %s is not open", t)
	}
	p.cfg.Ledger.Wake()
	wait, cancel := context.WithTimeout(ctx, sealWait)
	defer cancel()
	if err := log.WaitSealed(wait, all[len(all)-1].Seq); err != nil {
		return nil, nil, err
	}
	head, signed := log.Checkpoint()
	for _, o := range all {
		proof, err := log.InclusionProof(head.Size, o.Seq)
		if err != nil {
			return nil, nil, err
		}
		if proof == nil {
			proof = []tlog.Hash{}
		}
		sealed = append(sealed, packet.Sealed{Leaf: o.Leaf, Record: o.Row.Record, Proof: packet.Proof{Index: o.Seq, Hashes: proof},
			Disclosures: slices.DeleteFunc(o.Disclosures, func(d evidence.Disclosure) bool { return !by.Opens(d.Class) })})
	}
	return signed, sealed, nil
}

// rotations are the proofs that lead from the log's first key to its newest.
func (p *Packer) rotations(ctx context.Context, t evidence.TenantID) ([]packet.Rotation, error) {
	log := p.cfg.Ledger.For(t)
	if log == nil {
		return nil, evidence.Errorf(evidence.Unavailable, "", "the log of tenant %s is not open", t)
	}
	p.cfg.Ledger.Wake()
	wait, cancel := context.WithTimeout(ctx, sealWait)
	defer cancel()
	return log.Rotations(wait)
}

// vouchers are the records and objects that a reader needs beside the run's
// own: the announcements of the packet key and of the log's, every manifest
// cited with its activation, who could approve, and the erasures that took
// something. Those are read after everything else was opened, and an erasure
// is on record before it takes anything: so whatever could not be opened has
// its erasure here.
func (p *Packer) vouchers(ctx context.Context, t store.Tenant, run evidence.RunID, story []*recorder.Opened, rotations []packet.Rotation) (extra []*recorder.Opened, cites []packet.Object, err error) {
	var rows []store.Row
	err = t.View(ctx, func(tx store.Tx) error {
		key, err := store.Load[store.SigningKey](tx, "packet")
		if err != nil {
			return err
		}
		if rows, err = tx.Rows(key.Seq, 1); err != nil {
			return err
		}
		for _, r := range rotations {
			named, err := tx.Rows(r.Index, 1)
			if err != nil {
				return err
			}
			rows = append(rows, named...)
		}
		active, err := activations(tx, story)
		if err != nil {
			return err
		}
		people, err := registrations(tx, story)
		if err != nil {
			return err
		}
		stopped, err := stops(tx, story)
		if err != nil {
			return err
		}
		rows = slices.Concat(rows, active, people, stopped)
		cites, err = objects(tx, story)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if extra, err = p.open(ctx, t, rows); err != nil {
		return nil, nil, err
	}
	err = t.View(ctx, func(tx store.Tx) error {
		rows, err = erasure.Touching(tx, run, subjects(append(slices.Clone(extra), story...)))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	erased, err := p.open(ctx, t, rows)
	return append(extra, erased...), cites, err
}

func (p *Packer) open(ctx context.Context, t store.Tenant, rows []store.Row) (list []*recorder.Opened, err error) {
	for _, row := range rows {
		o, err := p.cfg.Recorder.Open(ctx, t.ID(), row)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// objects reads what the records cite by digest: manifests, and the policy
// sets and schemas that decisions were made by. They were kept as they were
// then; nothing is compiled anew.
func objects(tx store.Tx, story []*recorder.Opened) (list []packet.Object, err error) {
	have := map[evidence.Digest]bool{"": true}
	add := func(ext string, d evidence.Digest) error {
		if have[d] {
			return nil
		}
		have[d] = true
		data, err := tx.Object(d)
		list = append(list, packet.Object{Ext: ext, Data: data})
		return err
	}
	for _, o := range story {
		if o.Expunged() {
			continue
		}
		if o.Workflow != nil {
			if err := add("yaml", o.Workflow.Digest); err != nil {
				return nil, err
			}
		}
		if o.Record.Type != evidence.TypeAuthorizationDecided {
			continue
		}
		body, err := evidence.Decode[evidence.AuthorizationDecided](o.Record.Body)
		if err == nil {
			err = add("cedar", body.PolicySet)
		}
		if err == nil {
			err = add("cedarschema", body.Schema)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (p *Packer) record(ctx context.Context, t store.Tenant, actor evidence.Actor, typ evidence.Type, body any) error {
	_, err := p.cfg.Recorder.Append(ctx, recorder.Origin{
		Tenant: t, Submitter: "evf", House: true, Actor: actor, Assurance: "enforced",
		Source: evidence.Source{Name: "evf", Kind: "packer", Version: "1"},
	}, recorder.Batch{Drafts: []recorder.Draft{{
		ID: evidence.RecordID(uuid.Must(uuid.NewV7()).String()), Type: typ, Occurred: evidence.TimeOf(p.cfg.Clock()), Body: evidence.Body(body)}}})
	return err
}
