package packet

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// Verify holds everything the packet says against everything else in it, and
// the log's signature against the reader's trust. It checks all it can, so
// that a report names every fault at once.
func (p *Packet) Verify(trust Trust) Report {
	v := &verification{
		Packet: p, findings: newFindings(checkNames...), says: p.statement.Predicate,
		ids: map[evidence.RecordID]bool{}, needs: map[evidence.Digest]string{}, rotated: map[uint64]rotated{},
	}
	v.pass(checkContainer, "%d files, canonical archive", len(p.files))
	if p.future != "" {
		v.skip(checkVersion, fileManifest, "%s: a later evf may know it", p.future)
		return v.report()
	}
	v.pass(checkVersion, predicateType)
	v.listed()
	v.checkpoint()
	v.records()
	v.signed(trust)
	v.manifest()
	v.objects()
	v.computed()
	v.unlessCounted()
	v.page()
	return v.report()
}

// unlessCounted says what nobody can know of a run that has not ended.
func (v *verification) unlessCounted() {
	if v.at(checkCompleteness).Detail == notReached {
		v.skip(checkCompleteness, "", "no end of the run is here: whether it has ended, and whether these are all its records, is the builder's word; the log proves that none of them was altered")
	}
}

// verification is one pass over a packet.
type verification struct {
	*Packet
	*findings
	says Statement

	head     tlog.Checkpoint // proofs lead here; of size 0 where there is none
	signer   trustedKey      // of the checkpoint; zero where no trusted one signed
	followed []trustedKey    // all that the reader's keys lead to

	ids       map[evidence.RecordID]bool
	before    *evidence.Leaf             // the leaf before the one at hand
	beforeSum evidence.Digest            // and its digest
	needs     map[evidence.Digest]string // objects that records refer to, and the first that does
	announced string                     // the packet key of the last announcement
	place     uint64                     // its seq
	rotated   map[uint64]rotated         // announcements of the log's own keys, by seq
	partial   bool                       // not every record could be read
	ofRun     int
	ends      []end
	neighbors int // chained pairs
	unknown   int // records of types outside the catalogue
	sealed    int // salted digests that were recomputed
	derived   derived
}

func (v *verification) report() Report {
	r := newReport(FilePacket)
	r.Verdict, r.Checks = v.close(), v.checks
	r.Run, r.Selection, r.Records = v.says.Scope.Run, v.says.Selection.listed(), v.derived.counts.Records
	r.Disclosed, r.Withheld = v.derived.counts.Disclosures, v.derived.counts.Withheld
	r.Origin, r.Size, r.Root, r.KeyFingerprint = v.head.Origin, v.head.Size, v.head.Root, v.signer.fingerprint
	r.Rotations = append(r.Rotations, v.signer.through...)
	r.Slots, r.Erasures = v.derived.story.slots(), append(r.Erasures, v.derived.erased...)
	r.followed = v.followed
	return r
}

// listed holds the files against the manifest's subjects, and both against
// what a packet of this version may hold.
func (v *verification) listed() {
	listed := map[string]subject{}
	for _, s := range v.statement.Subject {
		listed[s.Name] = s
	}
	if !slices.IsSortedFunc(v.statement.Subject, func(a, b subject) int { return strings.Compare(a.Name, b.Name) }) ||
		len(listed) != len(v.statement.Subject) {
		v.fail(checkFiles, fileManifest, "subjects are not sorted by name, each once")
	}
	for _, f := range v.files {
		if !slices.Contains(required, f.name) && !isObjectName(f.name) {
			v.fail(checkFiles, f.name, "is no file of a packet of version %d", version)
		}
		if f.name == fileManifest {
			continue
		}
		if s, ok := listed[f.name]; !ok {
			v.fail(checkFiles, f.name, "is not listed in the manifest")
		} else if s != subjectOf(f) {
			v.fail(checkFiles, f.name, "does not have the digest that the manifest lists")
		}
		delete(listed, f.name)
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		v.fail(checkFiles, name, "is listed in the manifest and not there")
	}
	for _, name := range required {
		if _, ok := v.File(name); !ok {
			v.fail(checkFiles, name, "is missing")
		}
	}
	v.pass(checkFiles, "%d files have the digests that the manifest lists", len(v.files)-1)
}

// checkpoint reads the tree head that all proofs lead to. Who signed it is
// judged once the records are known.
func (v *verification) checkpoint() {
	note, _ := v.File(fileCheckpoint)
	head, err := tlog.ReadCheckpoint(note)
	if err != nil {
		v.fail(checkCheckpoint, fileCheckpoint, "%v", err)
		return
	}
	v.head = head
	if head.Origin != v.says.Origin || head.Size != v.says.Checkpoint.Size || head.Root != v.says.Checkpoint.Root {
		v.fail(checkCheckpoint, fileCheckpoint, "is not the checkpoint that the manifest names (origin %s, size %d)", v.says.Origin, v.says.Checkpoint.Size)
	}
	if key := v.says.LogKey; key != "" && !signedByStated(note, key) {
		v.fail(checkCheckpoint, fileCheckpoint, "is not signed by the log key that the manifest names")
	}
}

// signedByStated holds the key that a packet states itself against its own
// checkpoint. That makes nobody trust the key; a false one would mislead
// whoever compares fingerprints.
func signedByStated(signed []byte, vkey string) bool {
	key, err := newTrustedKey(vkey)
	if err != nil {
		return false
	}
	_, err = tlog.OpenCheckpoint(signed, key)
	return err == nil
}

// signed wants the signature of a key of the checkpoint's origin that the
// reader trusts, or that the rotations lead to from one.
func (v *verification) signed(trust Trust) {
	byOrigin, err := trust.verifiers()
	v.followed = v.rotations(byOrigin[v.head.Origin])
	switch {
	case v.head.Origin == "": // it could not be read
	case err != nil:
		v.skip(checkCheckpoint, "", "%v", err)
	default:
		note, _ := v.File(fileCheckpoint)
		v.signer = v.signedBy(note, v.head, v.followed)
	}
}

// records goes through the records once, in order.
func (v *verification) records() {
	leaves, _ := v.File(fileLeaves)
	total := uint64(bytes.Count(leaves, []byte("\n")))
	for it, err := range v.items() {
		if err != nil {
			var at *lineError
			errors.As(err, &at)
			v.fault(strings.TrimSuffix(at.file, ".jsonl"), at.where(), at.err)
			v.partial = true
			return
		}
		v.item(it)
		if v.Progress != nil {
			v.Progress(uint64(it.line), total)
		}
	}
	v.derived.settle()
	v.expunged()
	v.counted()
	counts := v.derived.counts
	if v.ofRun == 0 && !v.partial {
		v.fail(checkRecords, fileRecords, "none of the records is of run %s", v.says.Scope.Run)
	}
	v.pass(checkLeaves, "%d leaves, canonical and of tenant %s", counts.Records, v.says.Scope.Tenant)
	v.pass(checkChain, "%d of %d leaves follow one that is here, and name its digest", v.neighbors, counts.Records)
	v.pass(checkProofs, "%d leaves are in the tree of size %d", counts.Records, v.head.Size)
	v.pass(checkRecords, "%d records have the digests that their leaves seal", counts.Records)
	v.pass(checkDisclosures, "%d disclosures open commitments where they say", counts.Disclosures)
	v.pass(checkSelection, "%s: what is disclosed is what profile and choices open", v.says.Selection.Profile)
	v.pass(checkDigests, "%d salted digests recomputed", v.sealed)
	if v.unknown > 0 {
		v.skip(checkShapes, "", "%d records are of types outside this catalogue", v.unknown)
	}
	v.pass(checkShapes, "%d bodies have the shape of their type", counts.Records)
}

func (v *verification) item(it item) {
	at := fmt.Sprintf("%s:%d", fileLeaves, it.line)
	v.leaf(it, at)
	v.inclusion(it)
	if len(it.Record) == 0 {
		v.derived.addGone(it.leaf)
		return
	}
	rec, err := evidence.ParseRecord(it.Record)
	if evidence.DigestOf(it.Record) != it.leaf.Digest {
		v.fail(checkRecords, fmt.Sprintf("%s:%d", fileRecords, it.line), "does not have the digest that its leaf seals")
	}
	if err != nil {
		v.fault(checkRecords, fmt.Sprintf("%s:%d", fileRecords, it.line), err)
		v.partial = true
		return
	}
	v.record(rec, it)
	v.shape(rec)
	v.opened(rec, it.Disclosures)
	v.derived.add(it.leaf.Seq, rec, it.Disclosures)
}

// leaf checks the leaf by itself and against the one before.
func (v *verification) leaf(it item, at string) {
	leaf := it.leaf
	switch {
	case leaf.Tenant != v.says.Scope.Tenant:
		v.fail(checkLeaves, at, "is of another tenant than the packet")
	case v.ids[leaf.ID]:
		v.fail(checkLeaves, at, "seals a record that an earlier leaf seals")
	case v.before != nil && leaf.Seq <= v.before.Seq:
		v.fail(checkLeaves, at, "seq %d does not come after seq %d", leaf.Seq, v.before.Seq)
	}
	v.ids[leaf.ID] = true
	follows := v.before != nil && leaf.Seq == v.before.Seq+1
	if follows && leaf.Prev != v.beforeSum || leaf.Seq == 0 && leaf.Prev != evidence.ZeroDigest {
		v.fail(checkChain, at, "prev is not the digest of the leaf before")
	}
	if follows {
		v.neighbors++
	}
	v.before, v.beforeSum = leaf, evidence.DigestOf(it.Leaf)
}

func (v *verification) inclusion(it item) {
	at := fmt.Sprintf("%s:%d", fileProofs, it.line)
	if it.Proof.Index != it.leaf.Seq {
		v.fail(checkProofs, at, "proves index %d for the leaf of seq %d", it.Proof.Index, it.leaf.Seq)
		return
	}
	if err := tlog.VerifyInclusion(it.Proof.Hashes, v.head.Size, v.head.Root, it.leaf.Seq, tlog.LeafHash(it.Leaf)); err != nil {
		v.fail(checkProofs, at, "%v", err)
	}
}

// end is the end of the run, and how many of its records came before.
type end struct {
	rec    *evidence.Record
	seq    uint64
	before int
}

// counted holds the number of a run's records, which its end is sealed with,
// against those that are here, the expunged ones among them: from a run that
// has ended, nothing can be left out unseen.
func (v *verification) counted() {
	for _, e := range v.ends {
		here := e.before
		for _, leaf := range v.derived.gone {
			if leaf.Seq < e.seq {
				here++
			}
		}
		n, ok := e.rec.Body.Get("records")
		count, whole := n.Int()
		switch {
		case !ok || !whole:
		case count != int64(here):
			v.fail(checkCompleteness, string(e.rec.ID), "the run had %d records when it ended, %d of them are here", count, here)
		case here != e.before:
			v.pass(checkCompleteness, "all %d records that the run had when it ended; %d of them expunged", count, here-e.before)
		default:
			v.pass(checkCompleteness, "all %d records that the run had when it ended", count)
		}
	}
}

// record checks a record against its leaf and the packet's scope, and notes
// what it needs.
func (v *verification) record(rec *evidence.Record, it item) {
	at := string(rec.ID)
	if rec.ID != it.leaf.ID || rec.Type != it.leaf.Type || rec.Received != it.leaf.Received {
		v.fail(checkRecords, at, "is not the record that its leaf names")
	}
	switch rec.Run {
	case v.says.Scope.Run:
		if rec.Type == evidence.TypeRunEnded {
			v.ends = append(v.ends, end{rec, it.leaf.Seq, v.ofRun})
		}
		v.ofRun++
	case "":
	default:
		v.fail(checkRecords, at, "is of run %s, the packet of run %s", rec.Run, v.says.Scope.Run)
	}
	if rec.Workflow != nil {
		v.need(rec.Workflow.Digest, at)
	}
	switch rec.Type {
	case evidence.TypeAuthorizationDecided:
		for _, name := range []string{"policy_set", "schema"} {
			if digest, ok := rec.Body.Get(name); ok {
				v.need(evidence.Digest(digest.Text()), at)
			}
		}
	case evidence.TypeKeyRotated:
		v.announcement(rec, it)
	}
}

func (v *verification) need(digest evidence.Digest, by string) {
	if _, ok := v.needs[digest]; !ok {
		v.needs[digest] = by
	}
}

// announcement keeps the packet key that the log names last, and the keys of
// the log itself.
func (v *verification) announcement(rec *evidence.Record, it item) {
	key, ok := announced(rec)
	switch {
	case !ok:
	case key.Purpose == "packet":
		v.announced, v.place = key.Key, it.leaf.Seq
	case key.Purpose == "log":
		v.rotated[it.leaf.Seq] = rotated{key, tlog.LeafHash(it.Leaf)}
	}
}

// announced is what a key.rotated record says. Such a record belongs to the
// house: to no run and no workflow.
func announced(rec *evidence.Record) (key evidence.KeyRotated, ok bool) {
	if rec.Type != evidence.TypeKeyRotated || rec.Run != "" || rec.Workflow != nil {
		return key, false
	}
	key, err := evidence.Decode[evidence.KeyRotated](rec.Body)
	return key, err == nil
}

// shape holds a sealed body against the catalogue.
func (v *verification) shape(rec *evidence.Record) {
	shape := rec.Type.Shape()
	if shape == nil {
		v.unknown++
		return
	}
	if err := shape.CheckSealed(rec.Body, rec.Withheld); err != nil {
		v.fail(checkShapes, string(rec.ID), "%v", err)
	}
}

func (v *verification) opened(rec *evidence.Record, opened []evidence.Disclosure) {
	if err := checkOpened(rec, opened); err != nil {
		v.fail(checkDisclosures, string(rec.ID), "%v", err)
		return
	}
	for _, d := range opened {
		if !v.says.Selection.Opens(rec.Type, d.Pointer, d.Class) {
			v.fail(checkSelection, string(rec.ID), "disclosure %s is none that profile %s and the choices open", d.Pointer, v.says.Selection.Profile)
		}
	}
	done, err := checkSealedDigest(rec, opened)
	if err != nil {
		v.fail(checkDigests, string(rec.ID), "%v", err)
	}
	if done {
		v.sealed++
	}
}

// manifest verifies the envelope's signature by the packet key, and the key
// and its announcement in the log. It follows the records, where that stands.
func (v *verification) manifest() {
	sig := v.envelope.Signatures[0]
	key, ok := unbase64(padded, v.says.Key)
	if !ok || len(key) != ed25519.PublicKeySize || sig.KeyID != keyID(key) {
		v.fail(checkManifest, fileManifest, "key is not the base64 of an Ed25519 public key, or not the one that the signature names")
		return
	}
	raw, ok := unbase64(padded, sig.Sig)
	if !ok || !ed25519.Verify(key, preAuth(payloadType, v.payload), raw) {
		v.fail(checkManifest, fileManifest, "signature does not hold")
	}
	switch {
	case v.partial:
		v.skip(checkManifest, fileManifest, "not every record could be read: the one that announces the key may be among them")
	case v.announced == "":
		v.fail(checkManifest, fileManifest, "no key.rotated record in the packet announces its key: the log does not vouch for whoever signed it")
	case v.announced != v.says.Key:
		v.fail(checkManifest, fileManifest, "is signed by another key than the log announces last")
	case v.place != v.says.Announced:
		v.fail(checkManifest, fileManifest, "record %d announces its key, and it names record %d", v.place, v.says.Announced)
	}
	if err := v.says.check(); err != nil {
		v.fail(checkManifest, fileManifest, "%v", err)
	}
	v.pass(checkManifest, "signed by packet key %s, which the log announces", short(sig.KeyID))
}

// objects wants every object to have its name's digest, and every digest that
// a record refers to to be there.
func (v *verification) objects() {
	have := map[evidence.Digest]bool{}
	for _, f := range v.files {
		if !isObjectName(f.name) {
			continue
		}
		digest := evidence.DigestOf(f.data)
		if !strings.HasPrefix(f.name, dirObjects+strings.TrimPrefix(string(digest), "sha256:")+".") {
			v.fail(checkObjects, f.name, "does not have the digest of its name")
		}
		if have[digest] {
			v.fail(checkObjects, f.name, "is there under two names")
		}
		have[digest] = true
	}
	for _, digest := range slices.Sorted(maps.Keys(v.needs)) {
		if !have[digest] {
			v.fail(checkObjects, v.needs[digest], "refers to object %s, which is not in the packet", digest)
		}
	}
	v.derived.counts.Objects = len(have)
	v.pass(checkObjects, "%d objects, all that the records refer to", len(have))
}

// computed derives slots, redactions and counts again and compares. Records
// that could not be read have been reported already.
func (v *verification) computed() {
	if v.partial {
		return
	}
	v.same(checkRedactions, fileRedactions, v.derived.redactionsFile)
	v.same(checkSlots, fileSlots, v.derived.slotsFile)
	if v.derived.counts != v.says.Counts {
		v.fail(checkCounts, fileManifest, "says %+v, the packet holds %+v", v.says.Counts, v.derived.counts)
	}
	v.pass(checkCounts, "%d records, %d fields disclosed, %d closed", v.says.Counts.Records, v.says.Counts.Disclosures, v.says.Counts.Withheld)
}

func (v *verification) same(check, name string, derive func() ([]byte, error)) {
	want, err := derive()
	got, _ := v.File(name)
	if err != nil || string(want) != string(got) {
		v.fail(check, name, "is not what follows from the records and disclosures")
	}
	v.pass(check, "follow from the records and disclosures")
}

// check holds a statement against the forms of its fields.
func (s *Statement) check() error {
	if s.Kind != KindRun {
		return fmt.Errorf("kind is not %q", KindRun)
	}
	if _, err := evidence.ParseTenant(string(s.Scope.Tenant)); err != nil {
		return err
	}
	if !evidence.IsUUIDv7(string(s.Scope.Run)) {
		return errors.New("scope's run is not a UUIDv7")
	}
	if n := len(s.Query); n == 0 || n > 1000 {
		return errors.New("query is not 1 to 1000 bytes")
	}
	if err := s.Selection.check(); err != nil {
		return fmt.Errorf("selection: %w", err)
	}
	if g := s.Generator; g.Name == "" || g.Version == "" || !g.Digest.Valid() {
		return errors.New("generator is not a name, a version and the digest of its binary")
	}
	if _, err := s.Built.Parse(); err != nil {
		return fmt.Errorf("built: %w", err)
	}
	return nil
}

// short is the first eight characters of an id or digest, enough to tell them
// apart on a page.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(len(id), 8)]
}
