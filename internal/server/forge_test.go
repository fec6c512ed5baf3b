package server

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
	"github.com/evidencefactory/evf/packet"
)

// forger is an operator who lies: with all the keys of the house they make a
// packet's records anew, seal them in a log of their own and sign everything.
type forger struct {
	t       *testing.T
	from    *packet.Packet
	objects []packet.Object
	change  func(rec *evidence.Record, body evidence.Value) evidence.Value
	salts   uint64
}

// forge makes a packet anew with every body as change has it, and the key that
// its log is trusted by.
func forge(t *testing.T, data []byte, change func(*evidence.Record, evidence.Value) evidence.Value, objects ...packet.Object) (forged []byte, key string) {
	t.Helper()
	p, err := packet.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{t: t, from: p, change: change, objects: objects}
	for _, name := range p.Names() {
		if _, ext, ok := strings.Cut(name, "."); ok && strings.HasPrefix(name, "policies/") {
			object, _ := p.File(name)
			f.objects = append(f.objects, packet.Object{Ext: ext, Data: object})
		}
	}
	return f.forge()
}

func (f *forger) forge() ([]byte, string) {
	seed := sha256.Sum256([]byte("forger"))
	signer := ed25519.NewKeyFromSeed(seed[:])
	says := f.from.Statement()
	secret, vkey, err := note.GenerateKey(nil, says.Origin)
	f.must(err)
	log, err := note.NewSigner(secret)
	f.must(err)
	c := packet.Contents{Scope: says.Scope, Query: says.Query, Selection: says.Selection, Objects: f.objects,
		Generator: says.Generator, Built: says.Built, Key: signer}
	var edge tlog.Edge
	tiles := map[string][]byte{}
	keep := func(t tlog.Tile) { tiles[t.Path()] = append([]byte(nil), t.Hashes...) }
	prev, next := evidence.ZeroDigest, uint64(0)
	for s, err := range f.from.Sealed() {
		f.must(err)
		leaf, err := evidence.ParseLeaf(s.Leaf)
		f.must(err)
		for ; next < leaf.Seq; next++ { // records that are not in the packet
			edge.Add(tlog.LeafHash(binary.BigEndian.AppendUint64(nil, next)), keep)
			prev = leaf.Prev
		}
		s = f.record(s, base64.StdEncoding.EncodeToString(signer.Public().(ed25519.PublicKey)))
		leaf.Prev, leaf.Digest = prev, evidence.DigestOf(s.Record)
		s.Leaf = leaf.Canonical()
		s.Proof.Index = leaf.Seq
		edge.Add(tlog.LeafHash(s.Leaf), keep)
		prev, next = evidence.DigestOf(s.Leaf), leaf.Seq+1
		c.Sealed = append(c.Sealed, s)
	}
	for _, t := range edge.Partial() {
		keep(t)
	}
	c.Checkpoint, err = tlog.Checkpoint{Origin: says.Origin, Size: edge.Size(), Root: edge.Root()}.Sign(log)
	f.must(err)
	read := func(level int, index uint64, width int) ([]byte, error) {
		return tiles[tlog.Tile{Level: level, Index: index, Hashes: make([]byte, width*tlog.HashSize)}.Path()], nil
	}
	for i := range c.Sealed {
		c.Sealed[i].Proof.Hashes, err = tlog.InclusionProof(edge.Size(), c.Sealed[i].Proof.Index, read)
		f.must(err)
	}
	data, err := packet.Write(c)
	f.must(err)
	return data, vkey
}

// record makes one record anew, commitments and all.
func (f *forger) record(s packet.Sealed, key string) packet.Sealed {
	rec, err := evidence.ParseRecord(s.Record)
	f.must(err)
	body, err := evidence.Reveal(rec.Body, s.Disclosures)
	f.must(err)
	if rec.Type == evidence.TypeKeyRotated {
		body = with(f.t, body, "/key", evidence.StringValue(key))
	}
	body = f.change(rec, body)
	w := evidence.Withholder{Salt: func() []byte {
		f.salts++
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, f.salts))
		return sum[:evidence.SaltSize]
	}}
	rec.Body, s.Disclosures, rec.Withheld, err = w.Withhold(rec.Type.Shape(), body)
	f.must(err)
	s.Record, _ = rec.Canonical()
	return s
}

func (f *forger) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// with is v with another value at a pointer, or with none for null.
func with(t *testing.T, v evidence.Value, pointer string, to evidence.Value) evidence.Value {
	t.Helper()
	if pointer == "" {
		return to
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	if rest != "" {
		rest = "/" + rest
	}
	if v.Kind() == evidence.Array {
		list, i := append([]evidence.Value{}, v.Elems()...), -1
		if _, err := fmt.Sscan(name, &i); err != nil || i < 0 || i >= len(list) {
			t.Fatalf("no element %s", name)
		}
		list[i] = with(t, list[i], rest, to)
		return evidence.ArrayValue(list...)
	}
	was, _ := v.Get(name)
	var fields []evidence.Field
	if rest != "" || to.Kind() != evidence.Null {
		fields = append(fields, evidence.Field{Name: name, Value: with(t, was, rest, to)})
	}
	for _, f := range v.Fields() {
		if f.Name != name {
			fields = append(fields, f)
		}
	}
	out, err := evidence.ObjectValue(fields...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
