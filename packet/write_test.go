package packet

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/evidencefactory/evf/evidence"
)

func TestWriteRefuses(t *testing.T) {
	h := told(t)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		apply      func(c *Contents)
	}{
		{"no key", "no key", func(c *Contents) { c.Key = nil }},
		{"another kind of key", "Ed25519", func(c *Contents) { c.Key = p256 }},
		{"no checkpoint", "checkpoint", func(c *Contents) { c.Checkpoint = nil }},
		{"no records", "announces", func(c *Contents) { c.Sealed = nil }},
		{"a proof that does not hold", "proofs", func(c *Contents) { c.Sealed[3].Proof.Hashes = c.Sealed[4].Proof.Hashes }},
		{"a record that is none", "record 3", func(c *Contents) { c.Sealed[3].Record = []byte("{}") }},
		{"a disclosure of another record", "disclosures", func(c *Contents) { c.Sealed[2].Disclosures = c.Sealed[1].Disclosures }},
		{"a disclosure twice", "disclosures", func(c *Contents) {
			c.Sealed[1].Disclosures = append(c.Sealed[1].Disclosures, c.Sealed[1].Disclosures[0])
		}},
		{"records out of order", "leaves", func(c *Contents) { c.Sealed[3], c.Sealed[4] = c.Sealed[4], c.Sealed[3] }},
		{"no manifest object", "objects", func(c *Contents) { c.Objects = c.Objects[1:] }},
		{"an object of a strange name", "extension", func(c *Contents) { c.Objects[0].Ext = "../x" }},
		{"another tenant", "tenant", func(c *Contents) { c.Scope.Tenant = "umbrella" }},
		{"another run", "run", func(c *Contents) { c.Scope.Run = otherRun }},
		{"no query", "query", func(c *Contents) { c.Query = "" }},
		{"a long query", "query", func(c *Contents) { c.Query = strings.Repeat("x", 1001) }},
		{"no time", "built", func(c *Contents) { c.Built = "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			contents := h.contents()
			c.apply(&contents)
			if data, err := Write(contents); err == nil || data != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

// A sealed digest that does not match its disclosure must not get out, though
// the log itself sealed it so.
func TestWriteRefusesFalseDigests(t *testing.T) {
	f := facts{t}
	wrong := evidence.DigestOf([]byte("wrong"))
	decided, requested := f.decided("allow"), f.requested()
	decided.ArgsDigest, requested.Presentation = wrong, wrong
	noSalt, more := f.decided("allow"), f.decided("allow")
	noSalt.Sealed = mustParse(t, `{"args":{},"salt":"AA"}`)
	more.Sealed = mustParse(t, strings.Replace(string(more.Sealed.Canonical()), "{", `{"aside":1,`, 1))
	for _, c := range []struct {
		name string
		typ  evidence.Type
		body any
	}{
		{"args", evidence.TypeAuthorizationDecided, decided},
		{"presentation", evidence.TypeApprovalRequested, requested},
		{"more than salt and args", evidence.TypeAuthorizationDecided, more},
		{"salt", evidence.TypeAuthorizationDecided, noSalt},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := small(t)
			h.add(c.typ, testRun, c.body)
			contents := h.contents()
			if _, err := Write(contents); err == nil || !strings.Contains(err.Error(), checkDigests) {
				t.Errorf("error %v", err)
			}
			for i := range contents.Sealed {
				contents.Sealed[i].Disclosures = nil
			}
			if _, err := Write(contents); err != nil {
				t.Errorf("withheld, nobody can tell: %v", err)
			}
		})
	}
}

// A sealed body that is not of its type's shape must not get out.
func TestWriteRefusesFalseShapes(t *testing.T) {
	h := small(t)
	rec, _ := h.draft(evidence.TypeRunEnded, testRun, facts{t}.ended())
	rec.Body = mustParse(t, `{"assurance":"observed","outcome":"splendid"}`)
	data, _ := rec.Canonical()
	h.seal(rec, data, nil)
	if _, err := Write(h.contents()); err == nil || !strings.Contains(err.Error(), checkShapes) {
		t.Errorf("error %v", err)
	}
}

// What the log itself sealed wrong must not get out either.
func TestWriteRefusesFalseLeaves(t *testing.T) {
	for _, c := range []struct {
		name, check string
		apply       func(h *house, leaf *evidence.Leaf)
	}{
		{"another id", checkRecords, func(_ *house, l *evidence.Leaf) { l.ID = evidence.RecordID(id(99)) }},
		{"another type", checkRecords, func(_ *house, l *evidence.Leaf) { l.Type = evidence.TypeRunStarted }},
		{"another time", checkRecords, func(_ *house, l *evidence.Leaf) { l.Received = "2026-11-22T09:59:59.000000000Z" }},
		{"another prev", checkChain, func(_ *house, l *evidence.Leaf) { l.Prev = evidence.ZeroDigest }},
		{"another seq", checkProofs, func(_ *house, l *evidence.Leaf) { l.Seq++ }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := small(t)
			rec, _ := h.draft(evidence.TypeRunEnded, testRun, facts{t}.ended())
			data, _ := rec.Canonical()
			leaf := evidence.Leaf{
				Tenant: testTenant, Seq: 2, Prev: evidence.DigestOf(h.sealed[1].Leaf), ID: rec.ID, Type: rec.Type,
				Received: rec.Received, Digest: evidence.DigestOf(data),
			}
			c.apply(h, &leaf)
			h.sealLeaf(Sealed{Leaf: leaf.Canonical(), Record: data})
			if _, err := Write(h.contents()); err == nil || !strings.Contains(err.Error(), c.check) {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("of a later version", func(t *testing.T) {
		h := small(t)
		h.add(evidence.TypeRunEnded, testRun, facts{t}.ended())
		c := h.contents()
		c.Sealed[2].Leaf = bytes.Replace(c.Sealed[2].Leaf, []byte(`"v":1`), []byte(`"v":2`), 1)
		if _, err := Write(c); err == nil || !strings.Contains(err.Error(), checkLeaves) && !strings.Contains(err.Error(), checkManifest) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("sealed twice", func(t *testing.T) {
		h := small(t)
		rec := h.add(evidence.TypeRunEnded, testRun, facts{t}.ended())
		data, _ := rec.Canonical()
		h.seal(rec, data, nil)
		if _, err := Write(h.contents()); err == nil || !strings.Contains(err.Error(), "an earlier leaf") {
			t.Errorf("error %v", err)
		}
	})
}

func TestWriteRefusesAnotherRun(t *testing.T) {
	everything := func(Sealed) bool { return true }
	if _, err := Write(told(t).choose(everything)); err == nil || !strings.Contains(err.Error(), "is of run "+string(otherRun)) {
		t.Errorf("error %v", err)
	}
}

// A commitment may open to a value that its field cannot have.
func TestWriteRefusesFalseValues(t *testing.T) {
	h := small(t)
	h.add(evidence.TypeRunEnded, testRun, mustParse(t, `{"assurance":"observed","outcome":"completed","summary":7}`))
	if _, err := Write(h.contents()); err == nil || !strings.Contains(err.Error(), checkDisclosures) {
		t.Errorf("error %v", err)
	}
}

func TestWriteSortsDisclosures(t *testing.T) {
	h := told(t)
	c := h.contents()
	for i := range c.Sealed {
		c.Sealed[i].Disclosures = slices.Clone(c.Sealed[i].Disclosures)
		slices.Reverse(c.Sealed[i].Disclosures)
	}
	data, err := Write(c)
	if err != nil || string(data) != string(h.packet()) {
		t.Errorf("the order in which disclosures are given shows: %v", err)
	}
}

// Types of a later catalogue are carried, and noted as not checked.
func TestUnknownTypes(t *testing.T) {
	h := small(t)
	rec, _ := h.draft(evidence.TypeRunEnded, testRun, facts{t}.ended())
	rec.Type, rec.Body = "weather.observed", mustParse(t, `{"sky":"blue"}`)
	data, _ := rec.Canonical()
	h.seal(rec, data, nil)
	r := Verify(h.packet(), h.trust())
	want(t, r, Valid, "")
	for _, c := range r.Checks {
		if c.Name == checkShapes && c.Outcome != NotChecked {
			t.Errorf("shapes: %+v", c)
		}
	}
}

func TestRedactions(t *testing.T) {
	h := told(t)
	c := h.contents()
	approval := c.Sealed[9].Disclosures // name and comment share one list
	c.Sealed[9].Disclosures = approval[:1]
	c.Sealed[1].Disclosures = nil
	data, err := Write(c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := p.File(fileRedactions)
	var got struct{ Withheld []Redaction }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range got.Withheld {
		lines = append(lines, string(r.Class)+" "+r.Pointer+" "+r.Reason)
		if len(r.Digests) != 1 {
			t.Errorf("%s: the only closed field in its place has the digests %q", r.Pointer, r.Digests)
		}
	}
	wanted := "personal /initiator/name withheld\ninternal /trigger withheld\n" +
		string(approval[1].Class) + " " + approval[1].Pointer + " withheld"
	if strings.Join(lines, "\n") != wanted {
		t.Errorf("redactions:\n%s\nwant:\n%s", strings.Join(lines, "\n"), wanted)
	}
	c.Sealed[9].Disclosures = nil
	both := []string{approval[0].Digest(), approval[1].Digest()}
	slices.Sort(both)
	for _, r := range redact(9, mustRecord(t, c.Sealed[9]), nil) {
		if !slices.Equal(r.Digests, both) {
			t.Errorf("%s: the digests are %q, want those of both closed fields, %q", r.Pointer, r.Digests, both)
		}
	}
}

func mustRecord(t *testing.T, s Sealed) *evidence.Record {
	rec, err := evidence.ParseRecord(s.Record)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// A secret was never stored: it has no commitment, and another reason.
func TestRedactionOfSecrets(t *testing.T) {
	rec := &evidence.Record{Body: mustParse(t, `{}`), Withheld: []evidence.Withheld{{Pointer: "/token", Class: evidence.Secret}}}
	if got := redact(0, rec, nil); len(got) != 1 || got[0].Reason != ReasonDropped || got[0].Digests != nil {
		t.Errorf("redactions: %+v", got)
	}
}

// An independent DSSE library accepts the envelope.
func TestManifestIsDSSE(t *testing.T) {
	h := told(t)
	p, err := Open(h.packet())
	if err != nil {
		t.Fatal(err)
	}
	text, _ := p.File(fileManifest)
	var env dsse.Envelope
	if err := json.Unmarshal(text, &env); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		key  ed25519.PrivateKey
		ok   bool
	}{{"the packet's key", h.key, true}, {"another key", testKey(2), false}} {
		public := c.key.Public().(ed25519.PublicKey)
		v, err := dsse.NewEnvelopeVerifier(dsseKey{public})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(context.Background(), &env); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

type dsseKey struct{ public ed25519.PublicKey }

func (k dsseKey) KeyID() (string, error)   { return keyID(k.public), nil }
func (k dsseKey) Public() crypto.PublicKey { return k.public }
func (k dsseKey) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(k.public, data, sig) {
		return errors.New("signature does not hold")
	}
	return nil
}

func TestAccessors(t *testing.T) {
	h := told(t)
	p, err := Open(h.packet())
	if err != nil {
		t.Fatal(err)
	}
	if p.Statement().Scope.Run != testRun || len(p.Names()) != 13 {
		t.Errorf("statement %+v, names %v", p.Statement(), p.Names())
	}
	if got, ok := p.Object(evidence.DigestOf(testManifest)); !ok || string(got) != string(testManifest) {
		t.Errorf("object %q", got)
	}
	if _, ok := p.Object(evidence.DigestOf([]byte("no"))); ok {
		t.Error("an object that is not there is found")
	}
	want, i := h.contents().Sealed, 0
	for s, err := range p.Sealed() {
		if err != nil || string(s.Record) != string(want[i].Record) || len(s.Disclosures) != len(want[i].Disclosures) {
			t.Fatalf("record %d: %v", i, err)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d records, want %d", i, len(want))
	}
}

var update = flag.Bool("update", false, "write golden files instead of comparing them")

// The packet in testdata stays valid: a change of the format is a new version.
func TestGolden(t *testing.T) {
	const file, key = "testdata/run.evf.zip", "testdata/log.vkey"
	if *update {
		h := told(t)
		if err := errors.Join(os.WriteFile(file, h.packet(), 0o644), os.WriteFile(key, []byte(h.trusted), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	data, err1 := os.ReadFile(file)
	trusted, err2 := os.ReadFile(key)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatalf("%v: run this test with -update", err)
	}
	r := Verify(data, Trust{Keys: []string{string(trusted)}})
	want(t, r, Valid, "")
	if c := r.Checks[len(r.Checks)-1]; c.Name != checkPage || c.Outcome != OK {
		t.Errorf("page: %+v: whoever changes how a page looks raises pageVersion", c)
	}
}

// FuzzOpen holds two laws over any bytes: reading never panics, and what opens
// is valid only if it is the packet that the house built.
func FuzzOpen(f *testing.F) {
	h := small(f)
	genuine, trust := h.packet(), h.trust()
	for _, data := range [][]byte{genuine, genuine[:len(genuine)/2], nil, []byte("PK\x03\x04")} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if r := Verify(data, trust); r.Verdict == Valid && string(data) != string(genuine) {
			t.Error("other bytes are valid")
		}
	})
}

// FuzzFile holds the same over one file of a packet, listed, signed and packed
// anew by the house's own key.
func FuzzFile(f *testing.F) {
	h := small(f)
	genuine := h.packet()
	names := slices.DeleteFunc(slices.Clone(required), func(name string) bool { return name == fileManifest })
	p, err := Open(genuine)
	if err != nil {
		f.Fatal(err)
	}
	for i, name := range names {
		data, _ := p.File(name)
		f.Add(uint8(i), data)
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		e := open(t, genuine)
		name := names[int(which)%len(names)]
		was := e.files[name]
		e.files[name] = data
		if r := Verify(e.resign(h), h.trust()); r.Verdict == Valid && name != fileCheckpoint && string(data) != string(was) {
			t.Errorf("another %s is valid", name)
		}
	})
}
