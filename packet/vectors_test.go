package packet

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
)

// The vectors of testdata/vectors are for whoever writes another verifier:
// vectors.json says of each file how verifying it ends, and which check says
// so, with the one key in log.vkey trusted.

// vector is one line of vectors.json.
type vector struct {
	File  string `json:"file"`
	Exit  int    `json:"exit"`
	Check string `json:"check,omitempty"` // that fails, or that cannot be made
	What  string `json:"what"`
}

const vectorFolder = "testdata/vectors"

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	var list []vector
	data, err := os.ReadFile(filepath.Join(vectorFolder, "vectors.json"))
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	key, err2 := os.ReadFile(filepath.Join(vectorFolder, "log.vkey"))
	if err != nil || err2 != nil {
		t.Fatalf("%v, %v: run this test with -update", err, err2)
	}
	trust := Trust{Keys: []string{string(key)}}
	listed := map[string]bool{"vectors.json": true, "log.vkey": true}
	for _, v := range list {
		listed[v.File] = true
		t.Run(v.File, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(vectorFolder, v.File))
			if err != nil {
				t.Fatal(err)
			}
			r := verifyAny(data, trust)
			if r.ExitCode() != v.Exit {
				t.Errorf("exit %d, want %d:%s", r.ExitCode(), v.Exit, failures(r))
			}
			want(t, r, []Verdict{Valid, Invalid, Undecidable}[v.Exit], v.Check)
		})
	}
	files, err := os.ReadDir(vectorFolder)
	if err != nil || len(list) < 40 {
		t.Errorf("%d vectors, %v", len(list), err)
	}
	for _, f := range files {
		if !listed[f.Name()] {
			t.Errorf("%s is not in vectors.json", f.Name())
		}
	}
}

func verifyAny(data []byte, trust Trust) Report {
	switch KindOf(data) {
	case FileProof:
		return VerifyTlogProof(data, Entry{}, trust)
	case FileCheckpoint:
		return VerifyCheckpoint(data, trust)
	}
	return Verify(data, trust)
}

// fixedKey gives a house a log key that is the same in every run.
func (h *house) fixedKey(origin string, n byte) *house {
	key := testKey(n)
	vkey, err := note.NewEd25519VerifierKey(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		h.t.Fatal(err)
	}
	hash := strings.Split(vkey, "+")[1]
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", origin, hash, base64.StdEncoding.EncodeToString(append([]byte{1}, key.Seed()...)))
	if h.signer, err = note.NewSigner(skey); err != nil {
		h.t.Fatal(err)
	}
	h.origin, h.trusted = origin, vkey
	return h
}

// ended is a run that ended, with two records and an approver's name withheld.
func ended(t testing.TB) *house {
	h := newHouse(t).fixedKey(testOrigin, 7)
	f := facts{t}
	end := f.ended()
	end.Records, end.Summary = 2, "all posted"
	h.announce(h.key)
	h.add(evidence.TypeRunStarted, testRun, f.started())
	h.add(evidence.TypeInputReferenced, testRun, f.input())
	h.add(evidence.TypeRunEnded, testRun, end)
	return h
}

func writeVectors(t *testing.T) {
	h := ended(t)
	genuine := h.packet()
	p, err := Open(genuine)
	if err != nil {
		t.Fatal(err)
	}
	sealed := h.contents().Sealed
	proof := string(p.TlogProof(sealed[1]))
	checkpoint := string(h.contents().Checkpoint)
	var list []vector
	if err := os.RemoveAll(vectorFolder); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.MkdirAll(vectorFolder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(vectorFolder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	add := func(file string, exit int, check, what string, data []byte) {
		write(file, data)
		list = append(list, vector{file, exit, check, what})
	}
	// files packs an edit's files as they are, built signs them anew.
	files := func(change func(e *edit)) []byte { e := open(t, genuine); change(e); return e.pack() }
	built := func(change func(e *edit)) []byte { e := open(t, genuine); change(e); return e.resign(h) }

	add("good.evf.zip", 0, "", "a run of two records and its end, everything disclosed", genuine)
	withheld := h.contents()
	for i := range withheld.Sealed {
		withheld.Sealed[i].Disclosures = nil
	}
	data, err := Write(withheld)
	if err != nil {
		t.Fatal(err)
	}
	add("good-withheld.evf.zip", 0, "", "the same, nothing disclosed", data)
	add("good.tlog-proof", 0, "", "the proof of the record of seq 1, with its leaf as extra data", []byte(proof))
	add("good.checkpoint", 0, "", "the checkpoint of both", []byte(checkpoint))
	add("later.evf.zip", 2, checkVersion, "a packet of a later version", built(func(e *edit) { e.statement.PredicateType = predicateFamily + "v2" }))
	elsewhere := newHouse(t).fixedKey("log.example/elsewhere", 7)
	elsewhere.announce(elsewhere.key)
	elsewhere.add(evidence.TypeRunStarted, testRun, facts{t}.started())
	add("unknown-log.evf.zip", 2, checkCheckpoint, "a sound packet of a log that is not trusted", elsewhere.packet())

	for _, v := range containerVectors(t, genuine) {
		add(v.name, 1, checkContainer, v.what, v.data)
	}

	stranger := *h
	stranger.key = testKey(9)
	add("stranger.evf.zip", 1, checkManifest, "signed by a key that the log did not announce", func() []byte {
		e := open(t, genuine)
		e.statement.Predicate.Key = publicText(stranger.key)
		return e.resign(&stranger)
	}())
	add("envelope-space.evf.zip", 1, checkContainer, "a space in the envelope: no JSON of a packet has two spellings", files(func(e *edit) { e.swap(fileManifest, `{"payload"`, `{ "payload"`) }))
	add("envelope-base64.evf.zip", 1, checkContainer, "the payload's base64 with a line feed after", files(func(e *edit) { e.swap(fileManifest, `","payloadType"`, `\n","payloadType"`) }))
	add("envelope-case.evf.zip", 1, checkContainer, "the member payload a second time, as Payload", files(func(e *edit) { e.swap(fileManifest, `{"payload"`, `{"Payload":"","payload"`) }))
	add("file-altered.evf.zip", 1, checkFiles, "a file that does not have the digest that the manifest lists", files(func(e *edit) { e.files[fileSlots] = append(bytes.Clone(e.files[fileSlots]), '\n') }))
	add("file-unknown.evf.zip", 1, checkFiles, "a file of a name that packets do not have, listed and signed", built(func(e *edit) { e.files["notes.txt"] = []byte("trust me") }))
	add("checkpoint-stranger.evf.zip", 1, checkCheckpoint, "a checkpoint of the trusted origin, signed by another key", func() []byte {
		other := *h
		return other.fixedKey(testOrigin, 8).packet()
	}())
	add("checkpoint-bits.evf.zip", 1, checkCheckpoint, "spare bits set in the base64 of the checkpoint's signature", built(func(e *edit) {
		e.files[fileCheckpoint] = []byte(loosenSignature(string(e.files[fileCheckpoint])))
	}))
	add("leaf-gone.evf.zip", 1, checkRecords, "a leaf left out", built(func(e *edit) { e.drop(fileLeaves, 2) }))
	add("leaf-twice.evf.zip", 1, checkLeaves, "the last leaf, record and proof a second time", built(func(e *edit) {
		for _, name := range []string{fileLeaves, fileRecords, fileProofs} {
			e.files[name] = append(bytes.Clone(e.files[name]), e.line(name, 3)+"\n"...)
		}
	}))
	add("leaves-swapped.evf.zip", 1, checkLeaves, "two records with their leaves and proofs in another order", built(func(e *edit) {
		for _, name := range []string{fileLeaves, fileRecords, fileProofs} {
			e.cross(name, 1, 2)
		}
	}))
	add("chain.evf.zip", 1, checkChain, "a leaf that does not name the digest of the leaf before", built(func(e *edit) {
		e.swap(fileLeaves, `"prev":"`+string(evidence.DigestOf(sealed[0].Leaf)), `"prev":"`+string(evidence.ZeroDigest))
	}))
	add("proof-forged.evf.zip", 1, checkProofs, "a record altered and its leaf with it, so that the proof leads elsewhere", built(func(e *edit) {
		was := e.line(fileRecords, 3)
		e.swap(fileRecords, "completed", "abandoned")
		e.swap(fileLeaves, string(evidence.DigestOf([]byte(was))), string(evidence.DigestOf([]byte(e.line(fileRecords, 3)))))
	}))
	add("record-altered.evf.zip", 1, checkRecords, "a record altered", built(func(e *edit) { e.swap(fileRecords, "completed", "abandoned") }))
	add("record-number.evf.zip", 1, checkRecords, "a number in a record spelled otherwise", built(func(e *edit) { e.swap(fileRecords, `"v":1`, `"v":1.0`) }))
	add("disclosure-altered.evf.zip", 1, checkDisclosures, "a disclosure of another value, which opens no commitment", built(func(e *edit) {
		e.swap(fileDisclosures, textOf(e.line(fileDisclosures, 0)), base64.RawURLEncoding.EncodeToString([]byte(`["AAAAAAAAAAAAAAAAAAAAAA","name","Bo Lind"]`)))
	}))
	add("disclosure-moved.evf.zip", 1, checkDisclosures, "a disclosure at the place of another field", built(func(e *edit) {
		one, two := e.line(fileDisclosures, 0), e.line(fileDisclosures, 1)
		e.swap(fileDisclosures, textOf(one), textOf(two))
	}))
	add("disclosure-gone.evf.zip", 1, checkRedactions, "a disclosure left out and the field not listed as withheld", built(func(e *edit) { e.drop(fileDisclosures, 0) }))
	add("object-gone.evf.zip", 1, checkObjects, "the workflow's manifest left out", built(func(e *edit) { delete(e.files, Object{"yaml", testManifest}.name()) }))
	add("object-altered.evf.zip", 1, checkObjects, "the workflow's manifest altered under its old name", built(func(e *edit) { e.files[Object{"yaml", testManifest}.name()] = []byte("name: other\n") }))
	add("slots.evf.zip", 1, checkSlots, "a slot said to be better than the records show", built(func(e *edit) { e.swap(fileSlots, `"state":"missing"`, `"state":"evidenced"`) }))
	add("counts.evf.zip", 1, checkCounts, "a count that is not what the packet holds", built(func(e *edit) { e.statement.Predicate.Counts.Records++ }))
	add("another-run.evf.zip", 1, checkRecords, "a statement about another run than the records are of", built(func(e *edit) { e.statement.Predicate.Scope.Run = otherRun }))
	add("left-out.evf.zip", 1, checkCompleteness, "a record of a run that has ended left out, all else made to fit", leftOut(t, h))

	lines := strings.SplitAfter(proof, "\n")
	swap := func(old, new string) []byte { return []byte(strings.Replace(proof, old, new, 1)) }
	add("index.tlog-proof", 1, checkEntry, "another index than the leaf's", swap("index 1", "index 2"))
	add("hash-gone.tlog-proof", 1, checkProofs, "a hash less", swap(lines[3], ""))
	add("leaf.tlog-proof", 1, checkProofs, "another leaf as extra data", swap(lines[1], "extra "+base64.StdEncoding.EncodeToString(bytes.Replace(sealed[1].Leaf, []byte(`"tenant":"acme"`), []byte(`"tenant":"acmf"`), 1))+"\n"))
	add("bits.tlog-proof", 1, checkForm, "spare bits set in the base64 of a hash", swap(lines[3], looser(strings.TrimSpace(lines[3]))+"\n"))
	add("bits.checkpoint", 1, checkForm, "spare bits set in the base64 of the signature", []byte(loosenSignature(checkpoint)))
	add("size.checkpoint", 1, checkCheckpoint, "another size than was signed", []byte(strings.Replace(checkpoint, "\n4\n", "\n5\n", 1)))

	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(list); err != nil {
		t.Fatal(err)
	}
	write("vectors.json", out.Bytes())
	write("log.vkey", []byte(h.trusted))
}

func loosenSignature(checkpoint string) string {
	at := strings.LastIndex(checkpoint, " ") + 1
	return checkpoint[:at] + looser(strings.TrimSpace(checkpoint[at:])) + "\n"
}

// leftOut is what a builder makes that leaves a record out and writes all that
// follows from the others anew.
func leftOut(t *testing.T, h *house) []byte {
	c := h.contents()
	c.Sealed = slices.Delete(c.Sealed, 2, 3)
	files, err := c.files()
	if err != nil {
		t.Fatal(err)
	}
	data, err := writeContainer(files)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type containerVector struct {
	name, what string
	data       []byte
}

func containerVectors(t *testing.T, genuine []byte) []containerVector {
	p, err := Open(genuine)
	if err != nil {
		t.Fatal(err)
	}
	raw := func(change func(list []file) []file) []byte {
		var buf bytes.Buffer
		if err := emit(&buf, change(slices.Clone(p.files))); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	central := bytes.Index(genuine, []byte("PK\x01\x02"))
	with := func(at int, b ...byte) []byte {
		out := bytes.Clone(genuine)
		copy(out[at:], b)
		return out
	}
	return []containerVector{
		{"zip-after.evf.zip", "a byte after the archive", append(bytes.Clone(genuine), '\n')},
		{"zip-before.evf.zip", "bytes before the archive, which unzip programs pass over", append([]byte("#!/bin/sh\n"), genuine...)},
		{"zip-directories.evf.zip", "two central directories", slices.Concat(genuine, genuine[central:])},
		{"zip-archives.evf.zip", "two archives, of which unzip programs see the second", slices.Concat(genuine, raw(func(list []file) []file { return list[:1] }))},
		{"zip-names.evf.zip", "a name in the directory that is not the one before the file", with(central+46, 'x')},
		{"zip-twice.evf.zip", "a file of one name twice", raw(func(list []file) []file { return slices.Insert(list, 1, list[0]) })},
		{"zip-order.evf.zip", "files in another order", raw(func(list []file) []file { list[0], list[1] = list[1], list[0]; return list })},
		{"zip-traversal.evf.zip", "a file that would be unpacked elsewhere", raw(func(list []file) []file { return slices.Insert(list, 0, file{"../../etc/passwd", nil}) })},
		{"zip-link.evf.zip", "a file marked as a symbolic link", with(central+38, 0, 0, 0xff, 0xa1)},
		{"zip-deflated.evf.zip", "a file said to be deflated", with(8, 8)},
		{"zip-size.evf.zip", "a file said to have a gigabyte", with(18, 0, 0, 0, 0x40, 0, 0, 0, 0x40)},
		{"zip-overlap.evf.zip", "two directory entries that lead to one file", with(central+42, 1)},
	}
}
