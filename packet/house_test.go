package packet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

const (
	testTenant = evidence.TenantID("acme")
	testOrigin = "log.example/acme"
	testRun    = evidence.RunID("0193f2a1-0000-7000-8000-00000000aaaa")
	otherRun   = evidence.RunID("0193f2a1-0000-7000-8000-00000000bbbb")
)

var testManifest = []byte("name: invoice\n")
var testPolicies = []byte("permit (principal, action, resource);\n")
var testSchema = []byte("{}\n")

// house is a small log in memory with the keys of its operator.
type house struct {
	t       testing.TB
	n       int
	edge    tlog.Edge
	tiles   map[string][]byte
	sealed  []Sealed // all of the log
	origin  string
	signer  note.Signer
	trusted string // the log's verifier key
	key     ed25519.PrivateKey

	rotations []Rotation
}

func newHouse(t testing.TB) *house {
	h := &house{t: t, tiles: map[string][]byte{}, key: testKey(1)}
	h.setOrigin(testOrigin)
	return h
}

func (h *house) setOrigin(origin string) {
	skey, vkey, err := note.GenerateKey(nil, origin)
	if err != nil {
		h.t.Fatal(err)
	}
	h.origin, h.trusted = origin, vkey
	if h.signer, err = note.NewSigner(skey); err != nil {
		h.t.Fatal(err)
	}
}

func testKey(n byte) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte{n})
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicText(key ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

// id makes the n-th UUIDv7 of a test.
func id(n int) string { return fmt.Sprintf("0193f2a1-0000-7000-8000-%012x", n) }

// draft is a record before it is sealed; run "" stands for the house's own.
func (h *house) draft(typ evidence.Type, run evidence.RunID, body any) (*evidence.Record, []evidence.Disclosure) {
	h.n++
	at := evidence.TimeOf(time.Date(2026, 11, 22, 9, 0, h.n, 0, time.UTC))
	salts := 0
	w := evidence.Withholder{Salt: func() []byte {
		salts++
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(h.n<<10+salts)))
		return sum[:evidence.SaltSize]
	}}
	sealed, disclosures, withheld, err := w.Withhold(typ.Shape(), evidence.Body(body))
	if err != nil {
		h.t.Fatal(err)
	}
	rec := &evidence.Record{
		Salt: base64.RawURLEncoding.EncodeToString(w.Salt()), ID: evidence.RecordID(id(h.n)), Type: typ,
		Occurred: at, Received: at, Run: run,
		Actor: evidence.Actor{Kind: "agent", Ref: "a-1"}, Source: evidence.Source{Name: "test", Kind: "sdk", Version: "1"},
		Body: sealed, Withheld: withheld,
	}
	if run != "" {
		rec.Workflow = &evidence.WorkflowRef{Name: "invoice", Digest: evidence.DigestOf(testManifest), Tier: "high", Mode: "enforce"}
	}
	return rec, disclosures
}

func (h *house) add(typ evidence.Type, run evidence.RunID, body any) *evidence.Record {
	rec, disclosures := h.draft(typ, run, body)
	data, _ := rec.Canonical()
	h.seal(rec, data, disclosures)
	return rec
}

func (h *house) seal(rec *evidence.Record, data []byte, disclosures []evidence.Disclosure) {
	prev := evidence.ZeroDigest
	if n := len(h.sealed); n > 0 {
		prev = evidence.DigestOf(h.sealed[n-1].Leaf)
	}
	leaf := evidence.Leaf{
		Tenant: testTenant, Seq: uint64(len(h.sealed)), Prev: prev, ID: rec.ID, Type: rec.Type,
		Received: rec.Received, Digest: evidence.DigestOf(data),
	}
	h.sealLeaf(Sealed{Leaf: leaf.Canonical(), Record: data, Disclosures: disclosures})
}

func (h *house) sealLeaf(s Sealed) {
	h.edge.Add(tlog.LeafHash(s.Leaf), h.keep)
	h.sealed = append(h.sealed, s)
}

func (h *house) keep(t tlog.Tile) { h.tiles[t.Path()] = append([]byte(nil), t.Hashes...) }

func (h *house) read(level int, index uint64, width int) ([]byte, error) {
	tile, ok := h.tiles[tlog.Tile{Level: level, Index: index, Hashes: make([]byte, width*tlog.HashSize)}.Path()]
	if !ok {
		return nil, fmt.Errorf("no tile %d/%d", level, index)
	}
	return tile, nil
}

// contents are the packet of testRun at the log's present head.
func (h *house) contents() Contents {
	return h.choose(func(s Sealed) bool { return !strings.Contains(string(s.Record), string(otherRun)) })
}

func (h *house) choose(chosen func(Sealed) bool) Contents {
	for _, tile := range h.edge.Partial() {
		h.keep(tile)
	}
	head := tlog.Checkpoint{Origin: h.origin, Size: h.edge.Size(), Root: h.edge.Root()}
	signed, err := head.Sign(h.signer)
	if err != nil {
		h.t.Fatal(err)
	}
	c := Contents{
		Scope: Scope{Tenant: testTenant, Run: testRun}, Query: "records of the run, and the announcement of the packet key",
		Selection:  Selection{Profile: ProfileFull},
		Checkpoint: signed,
		Objects:    []Object{{"yaml", testManifest}, {"cedar", testPolicies}, {"json", testSchema}},
		Generator:  Generator{Name: "evf", Version: "0.1.0", Digest: evidence.DigestOf([]byte("binary"))},
		Built:      "2026-11-22T10:00:00.000000000Z",
		Key:        h.key, Rotations: h.rotations,
	}
	for i, s := range h.sealed {
		if !chosen(s) {
			continue
		}
		s.Proof.Index = uint64(i)
		if s.Proof.Hashes, err = tlog.InclusionProof(head.Size, uint64(i), h.read); err != nil {
			h.t.Fatal(err)
		}
		c.Sealed = append(c.Sealed, s)
	}
	return c
}

func (h *house) packet() []byte {
	data, err := Write(h.contents())
	if err != nil {
		h.t.Fatal(err)
	}
	return data
}

func (h *house) trust() Trust { return Trust{Keys: []string{h.trusted}} }

func (h *house) announce(key ed25519.PrivateKey) {
	h.add(evidence.TypeKeyRotated, "", evidence.KeyRotated{Purpose: "packet", Key: publicText(key)})
}

// rotate gives the log another key, which the present one vouches for, and
// returns the verifier key of the present one.
func (h *house) rotate() (old string) {
	skey, vkey, err := note.GenerateKey(nil, h.origin)
	if err != nil {
		h.t.Fatal(err)
	}
	h.add(evidence.TypeKeyRotated, "", evidence.KeyRotated{Purpose: "log", Key: vkey, Previous: h.trusted, By: "p-1"})
	h.rotations = append(h.rotations, h.prove(uint64(len(h.sealed)-1)))
	old, h.trusted = h.trusted, vkey
	if h.signer, err = note.NewSigner(skey); err != nil {
		h.t.Fatal(err)
	}
	return old
}

// prove proves a record in the tree as the log's key signs it now.
func (h *house) prove(index uint64) Rotation {
	for _, tile := range h.edge.Partial() {
		h.keep(tile)
	}
	head := tlog.Checkpoint{Origin: h.origin, Size: h.edge.Size(), Root: h.edge.Root()}
	signed, err := head.Sign(h.signer)
	if err != nil {
		h.t.Fatal(err)
	}
	hashes, err := tlog.InclusionProof(head.Size, index, h.read)
	if err != nil {
		h.t.Fatal(err)
	}
	return Rotation{Checkpoint: string(signed), Hashes: append([]tlog.Hash{}, hashes...), Index: index}
}

func mustParse(t testing.TB, text string) evidence.Value {
	v, err := evidence.ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const testAction = "0193f2a1-0000-7000-8000-0000000acc01"
const testApproval = "0193f2a1-0000-7000-8000-0000000a9901"

var testTool = evidence.Tool{Server: "books", Name: "post_entry", Impact: "high"}

// tell seals the whole story of an invoice that a person approved.
func (h *house) tell() {
	f := facts{h.t}
	h.announce(h.key)
	h.add(evidence.TypeRunStarted, testRun, f.started())
	h.add(evidence.TypeInputReferenced, testRun, f.input())
	h.add(evidence.TypeFieldsExtracted, testRun, f.extracted())
	h.add(evidence.TypeRunStarted, otherRun, f.started())
	h.add(evidence.TypeCheckResult, testRun, f.checked())
	h.add(evidence.TypeDecisionRouted, testRun, f.routed("person"))
	h.add(evidence.TypeAuthorizationDecided, testRun, f.decided("hold"))
	h.add(evidence.TypeApprovalRequested, testRun, f.requested())
	h.add(evidence.TypeApprovalViewed, testRun, f.viewed("p-2"))
	h.add(evidence.TypeApprovalDecided, testRun, f.approval("approve", "p-2"))
	h.add(evidence.TypeApprovalConsumed, testRun, f.consumed())
	allow := f.decided("allow")
	allow.Approvals = []string{testApproval}
	h.add(evidence.TypeAuthorizationDecided, testRun, allow)
	h.add(evidence.TypeActionStarted, testRun, f.begun())
	h.add(evidence.TypeActionRedeemed, testRun, f.redeemed())
	h.add(evidence.TypeActionFinished, testRun, f.finished("succeeded"))
	h.add(evidence.TypeChangeObserved, testRun, f.changed())
	h.add(evidence.TypeRunEnded, testRun, f.ended())
}

// facts makes bodies of records.
type facts struct{ t testing.TB }

var testSalt = []byte("0123456789abcdef")

func (f facts) salted(member, text string) (evidence.Digest, evidence.Value) {
	v := mustParse(f.t, text)
	digest, err := evidence.SaltedDigest(testSalt, v)
	if err != nil {
		f.t.Fatal(err)
	}
	salt := base64.RawURLEncoding.EncodeToString(testSalt)
	return digest, mustParse(f.t, fmt.Sprintf(`{"salt":%q,%q:%s}`, salt, member, text))
}

func (f facts) args() (evidence.Digest, evidence.Value) {
	return f.salted("args", `{"amount":"1248000"}`)
}
func (f facts) shown() (evidence.Digest, evidence.Value) {
	return f.salted("presentation", `{"title":"Post 12,480.00 EUR"}`)
}

func (f facts) started() evidence.RunStarted {
	return evidence.RunStarted{
		Initiator:  evidence.Person{Kind: "human", Ref: "p-1", Name: "Ana Ruiz"},
		Dispatcher: evidence.Person{Kind: "workload", Ref: "w-1"}, Trigger: "mail 771", Identity: "poster", Assurance: "observed",
	}
}

func (f facts) input() evidence.InputReferenced {
	return evidence.InputReferenced{Document: testDocument, MediaType: "application/xml", Bytes: 10, Assurance: "observed"}
}

var testDocument = evidence.DigestOf([]byte("<invoice/>"))

func (f facts) extracted() evidence.FieldsExtracted {
	return evidence.FieldsExtracted{
		Document: testDocument, Extractor: "ubl", Version: "1", Readable: true, Assurance: "declared",
		Fields: []evidence.ExtractedField{{Name: "total", Value: "12480.00", Pointer: "/Invoice/Total", Confidence: 1000}},
	}
}

func (f facts) checked() evidence.CheckResult {
	return evidence.CheckResult{
		Document: testDocument, Suite: "en16931", Version: "1", Outcome: "pass", Identity: "validator", Assurance: "observed",
		Checks: []evidence.CheckOutcome{{Check: "BR-1", Version: "1", Outcome: "pass"}, {Check: "BR-2", Version: "1", Outcome: "not-applicable"}},
	}
}

func (f facts) routed(outcome string) evidence.DecisionRouted {
	d := evidence.DecisionRouted{
		Document: testDocument, Outcome: outcome, Summary: "routed", Assurance: "enforced",
		Rules: []evidence.RuleOutcome{{Rule: "vendor-bank", Version: 4, Matched: outcome == "person", Input: "bank", Op: "eq", Value: "DE89"}},
	}
	if outcome == "person" {
		d.To = []string{"ap-controller"}
	}
	return d
}

func (f facts) decided(verdict string) evidence.AuthorizationDecided {
	digest, sealed := f.args()
	d := evidence.AuthorizationDecided{
		Action: testAction, Tool: testTool, ArgsDigest: digest, Sealed: sealed, Document: testDocument,
		Verdict: verdict, Mode: "enforce", Identity: "poster", Grant: "g-1",
		PolicySet: evidence.DigestOf(testPolicies), Schema: evidence.DigestOf(testSchema), Engine: "cedar",
		Request: mustParse(f.t, `{"a":1}`), Summary: "decided", Assurance: "enforced",
		Facts: evidence.Facts{InitiatorKind: "human"},
	}
	switch verdict {
	case "hold":
		d.Require = []string{"ap-controller"}
	case "deny":
		d.Policies = []evidence.PolicyOutcome{{ID: "limit", Version: "2", Effect: "forbid", Reason: "above the limit"}}
	}
	return d
}

func (f facts) requested() evidence.ApprovalRequested {
	args, _ := f.args()
	digest, shown := f.shown()
	return evidence.ApprovalRequested{
		Approval: testApproval, Name: "controller", Action: testAction, Tool: testTool, ArgsDigest: args,
		Presentation: digest, Shown: shown, Role: "ap-controller", Quorum: 1, Expires: "2026-11-22T12:00:00.000000000Z",
		ApartFrom: []evidence.Excluded{{Ref: "p-1", Why: "initiator"}}, Summary: "asked", Assurance: "enforced",
	}
}

func (f facts) viewed(by string) evidence.ApprovalViewed {
	digest, _ := f.shown()
	return evidence.ApprovalViewed{Approval: testApproval, Presentation: digest, Viewer: by, Assurance: "enforced"}
}

func (f facts) approval(decision, by string) evidence.ApprovalDecided {
	digest, _ := f.shown()
	d := evidence.ApprovalDecided{
		Approval: testApproval, Action: testAction, Decision: decision, Approver: by, Presentation: digest, Assurance: "enforced",
	}
	if by != "" {
		d.ApproverName, d.Comment = "Bo Lind", "looks right"
	}
	return d
}

func (f facts) consumed() evidence.ApprovalConsumed {
	args, _ := f.args()
	return evidence.ApprovalConsumed{Approval: testApproval, Action: testAction, ArgsDigest: args, Assurance: "enforced"}
}

func (f facts) begun() evidence.ActionStarted {
	args, _ := f.args()
	return evidence.ActionStarted{
		Action: testAction, Tool: testTool, ArgsDigest: args, Execution: "target",
		Expires: "2026-11-22T12:00:00.000000000Z", Assurance: "enforced",
	}
}

func (f facts) redeemed() evidence.ActionRedeemed {
	args, _ := f.args()
	return evidence.ActionRedeemed{Action: testAction, Tool: testTool, ArgsDigest: args, Redeemer: "books", Assurance: "enforced"}
}

func (f facts) finished(status string) evidence.ActionFinished {
	return evidence.ActionFinished{Action: testAction, Status: status, Attempts: 1, Message: "posted", Assurance: "declared"}
}

func (f facts) changed() evidence.ChangeObserved {
	return evidence.ChangeObserved{
		Action: testAction, Target: "books", Entry: "E-17", Digest: evidence.DigestOf([]byte("entry")),
		Identity: "reader", Assurance: "observed",
	}
}

func (f facts) ended() evidence.RunEnded {
	return evidence.RunEnded{Outcome: "completed", Assurance: "observed"}
}
