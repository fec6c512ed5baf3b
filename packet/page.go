package packet

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// pageVersion names the rendering of the page that this code makes. Whoever
// changes a byte of what a packet's page looks like raises it: the pages of
// other versions are carried, and not checked.
const pageVersion = 1

// pageType is the predicate type of the statement that stands on the page
// itself. The packet's statement lists the page by its digest, so the page
// cannot hold that one; the packet key signs both.
const pageType = "https://evidencefactory.dev/packet-page/v1"

// PageSeal is what the packet's statement says of its page.
type PageSeal struct {
	Version int    `json:"v"`   // of the rendering
	Sig     string `json:"sig"` // base64 of the packet key's signature of the statement on the page
}

// What stands on the page is written in one language each. The script and the
// style are let in by their digests, and nothing else is.
var (
	//go:embed page
	pageFiles    embed.FS
	pageScript   = script("bytes", "text", "findings", "files", "log", "erasures", "fields", "statement", "shown", "run")
	pageStyle    = pageFile("page.css")
	pageTemplate = template.Must(template.New("page.tmpl").Funcs(template.FuncMap{
		"shown": shown, "exact": exact, "mark": mark, "label": label,
	}).ParseFS(pageFiles, "page/*.tmpl"))
)

// script is the page's script, of parts in the order in which they build on
// each other. None of their names is seen outside of it.
func script(parts ...string) string {
	text := `"use strict";
// Re-checks the page: hashes the bytes at its end, follows them to the head of
// the log and to the packet's signature, and holds every printed value against
// them. What it finds is a word about this page, not about the truth.
{
`
	for _, part := range parts {
		text += "\n" + pageFile("script/"+part+".js")
	}
	return text + "}\n"
}

func pageFile(name string) string {
	data, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic("packet: " + err.Error()) // it is built in
	}
	return string(data)
}

// sourceHash is a source as a Content-Security-Policy names it.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// withoutPage is the statement as it stands on the page: of all files but the
// page, by a type of its own, so that neither statement passes for the other.
func (s inToto) withoutPage() inToto {
	s.PredicateType = pageType
	s.Predicate.Page = nil
	s.Subject = slices.DeleteFunc(slices.Clone(s.Subject), func(f subject) bool { return f.Name == filePage })
	return s
}

// signPage signs the statement on the page.
func signPage(statement inToto, signer crypto.Signer) (*PageSeal, error) {
	payload, err := canonical(statement.withoutPage())
	if err != nil {
		return nil, err
	}
	sig, err := signer.Sign(nil, preAuth(payloadType, payload), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("signing the page: %w", err)
	}
	return &PageSeal{Version: pageVersion, Sig: base64.StdEncoding.EncodeToString(sig)}, nil
}

// check holds the seal's signature against the key of the statement it is in.
func (s *PageSeal) check(statement inToto) error {
	key, ok := unbase64(base64.StdEncoding, statement.Predicate.Key)
	if !ok || len(key) != ed25519.PublicKeySize {
		return errors.New("is signed by no Ed25519 key")
	}
	payload, err := canonical(statement.withoutPage())
	if err != nil {
		return err
	}
	sig, ok := unbase64(base64.StdEncoding, s.Sig)
	if !ok || !ed25519.Verify(key, preAuth(payloadType, payload), sig) {
		return errors.New("holds a statement whose signature does not hold")
	}
	return nil
}

// renderPage writes the page that follows from a packet's other files and its
// statement, byte for byte the same each time. Its files and lines must be
// well formed.
func (p *Packet) renderPage() ([]byte, error) {
	view, err := p.view()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, view); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// page renders the page again and compares: what a page says must be what the
// packet says. It comes last, so that only sound files are rendered.
func (v *verification) page() {
	seal := v.says.Page
	got, there := v.File(filePage)
	switch {
	case seal == nil || !there || seal.Version < 1:
		v.fail(checkPage, filePage, "is missing, or the statement does not say which version it is of")
	case seal.Version < 1:
		v.fail(checkPage, filePage, "is of version %d, and the first is 1", seal.Version)
	case v.verdict() == Invalid || v.partial:
		v.skip(checkPage, filePage, "the files it is made of are faulty, or could not be read")
	case seal.Version != pageVersion:
		v.skip(checkPage, filePage, "is of version %d: this evf makes version %d", seal.Version, pageVersion)
	default:
		v.samePage(seal, got)
	}
}

func (v *verification) samePage(seal *PageSeal, got []byte) {
	if err := seal.check(v.statement); err != nil {
		v.fail(checkPage, filePage, "%v", err)
		return
	}
	want, err := v.renderPage()
	if err != nil {
		v.fail(checkPage, filePage, "%v", err)
		return
	}
	if !bytes.Equal(got, want) {
		v.fail(checkPage, filePage, "is not what follows from the records and disclosures: do not read it")
	}
	v.pass(checkPage, "shows what the records and disclosures say, byte for byte (page version %d)", pageVersion)
}

// keyFingerprint is the digest of the public part of a verifier key, "" for
// one that is not well formed.
func keyFingerprint(vkey string) evidence.Digest {
	byOrigin, err := Trust{Keys: []string{vkey}}.verifiers()
	if err != nil {
		return ""
	}
	for _, keys := range byOrigin {
		return keys[0].fingerprint
	}
	return ""
}

// idOf is the part of a digest or id that tells it from others at a glance: a
// UUIDv7 begins with the time, so its end.
func idOf(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	if len(id) == 36 {
		return id[28:]
	}
	return id[:min(len(id), 8)]
}
