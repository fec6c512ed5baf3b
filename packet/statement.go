package packet

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

const (
	payloadType     = "application/vnd.in-toto+json"
	statementType   = "https://in-toto.io/Statement/v1"
	predicateFamily = "https://evidencefactory.dev/packet/"
	predicateType   = predicateFamily + "v1"
	version         = 1
	// KindRun is the kind of a packet that holds the records of one run.
	KindRun = "run"
)

// Statement is what a packet says of itself: the predicate of its in-toto
// statement.
type Statement struct {
	Version    int           `json:"v"`
	Kind       string        `json:"kind"` // KindRun
	Scope      Scope         `json:"scope"`
	Query      string        `json:"query"` // how the records were chosen
	Selection  Selection     `json:"selection"`
	Counts     Counts        `json:"counts"`
	Origin     string        `json:"origin"` // of the log
	Checkpoint Head          `json:"checkpoint"`
	LogKey     string        `json:"log_key,omitempty"` // verifier key of the log, as the builder says: not to be trusted
	Page       *PageSeal     `json:"page,omitempty"`    // never nil in a packet
	Key        string        `json:"key"`               // base64 of the packet's Ed25519 public key
	Announced  uint64        `json:"announced"`         // seq of the record that announces it
	Generator  Generator     `json:"generator"`
	Built      evidence.Time `json:"built"` // by the builder's clock
}

// Scope says whose records the packet holds, and of which run.
type Scope struct {
	Tenant evidence.TenantID `json:"tenant"`
	Run    evidence.RunID    `json:"run"`
}

// Counts of what the packet holds.
type Counts struct {
	Records     int `json:"records"`
	Disclosures int `json:"disclosures"`
	Withheld    int `json:"withheld"` // fields that stay closed to this reader
	Objects     int `json:"objects"`
}

// Head is the tree head that every proof leads to.
type Head struct {
	Size uint64    `json:"size"`
	Root tlog.Hash `json:"root"`
}

// Generator is the program that built the packet.
type Generator struct {
	Name    string          `json:"name"`
	Version string          `json:"version"`
	Digest  evidence.Digest `json:"digest"` // of its binary
}

// inToto is an in-toto Statement v1; its subjects are the packet's other
// files.
type inToto struct {
	Type          string    `json:"_type"`
	Predicate     Statement `json:"predicate"`
	PredicateType string    `json:"predicateType"`
	Subject       []subject `json:"subject"`
}

type subject struct {
	Digest sha256Hex `json:"digest"`
	Name   string    `json:"name"`
}

type sha256Hex struct {
	SHA256 string `json:"sha256"`
}

func subjectOf(f file) subject {
	digest := strings.TrimPrefix(string(evidence.DigestOf(f.data)), "sha256:")
	return subject{Name: f.name, Digest: sha256Hex{digest}}
}

// envelope is a DSSE envelope (version 1.0) with its one signature.
type envelope struct {
	Payload     string      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// preAuth is DSSE's pre-authentication encoding: what is signed.
func preAuth(typ string, payload []byte) []byte {
	head := fmt.Sprintf("DSSEv1 %d %s %d ", len(typ), typ, len(payload))
	return append([]byte(head), payload...)
}

// keyID names a public key in an envelope.
func keyID(public ed25519.PublicKey) string { return string(evidence.DigestOf(public)) }

// publicKey is the signer's key, which must be Ed25519.
func publicKey(signer crypto.Signer) (ed25519.PublicKey, error) {
	if signer == nil {
		return nil, errors.New("no key to sign the packet with")
	}
	public, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("a packet is signed with Ed25519, not with a %T", signer.Public())
	}
	return public, nil
}

// signManifest makes manifest.json for a statement.
func signManifest(statement inToto, signer crypto.Signer) ([]byte, error) {
	public, err := publicKey(signer)
	if err != nil {
		return nil, err
	}
	payload, err := canonical(statement)
	if err != nil {
		return nil, err
	}
	sig, err := signer.Sign(nil, preAuth(payloadType, payload), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("signing the manifest: %w", err)
	}
	return canonical(envelope{
		Payload:     base64.StdEncoding.EncodeToString(payload),
		PayloadType: payloadType,
		Signatures:  []signature{{KeyID: keyID(public), Sig: base64.StdEncoding.EncodeToString(sig)}},
	})
}

// readManifest takes the envelope and its statement apart. Whether the
// signature holds is Verify's to say.
func (p *Packet) readManifest() (err error) {
	data, ok := p.File(fileManifest)
	if !ok || len(data) > maxManifest {
		return fmt.Errorf("is missing, or above the bound of %d bytes", maxManifest)
	}
	if err = decode(data, &p.envelope); err != nil {
		return err
	}
	if p.envelope.PayloadType != payloadType || len(p.envelope.Signatures) != 1 {
		return fmt.Errorf("is not an envelope of type %s with one signature", payloadType)
	}
	if p.payload, ok = unbase64(padded, p.envelope.Payload); !ok {
		return errors.New("payload is not strict base64")
	}
	v, err := evidence.ParseValue(p.payload)
	if err != nil {
		return err
	}
	if p.future = futureVersion(v); p.future != "" {
		return nil
	}
	if err = decode(p.payload, &p.statement); err != nil {
		return err
	}
	if p.statement.Type != statementType || p.statement.PredicateType != predicateType {
		return fmt.Errorf("is not a %s about a %s", statementType, predicateType)
	}
	return nil
}

// unbase64 accepts only the one text that encodes the bytes. The encodings
// below refuse spare bits; line breaks, which they would pass over, show in the
// length.
func unbase64(enc *base64.Encoding, text string) ([]byte, bool) {
	raw, err := enc.DecodeString(text)
	return raw, err == nil && enc.EncodedLen(len(raw)) == len(text)
}

var (
	padded  = base64.StdEncoding.Strict()
	urlSafe = base64.RawURLEncoding.Strict()
)

// futureVersion names the version of a statement that calls itself a packet,
// but not of a version known here.
func futureVersion(statement evidence.Value) string {
	kind, _ := statement.Get("predicateType")
	if strings.HasPrefix(kind.Text(), predicateFamily) && kind.Text() != predicateType {
		return kind.Text()
	}
	predicate, _ := statement.Get("predicate")
	v, _ := predicate.Get("v")
	if n, ok := v.Int(); kind.Text() == predicateType && ok && n != version {
		return fmt.Sprintf("%s with v %d", predicateType, n)
	}
	return ""
}
