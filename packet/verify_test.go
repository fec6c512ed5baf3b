package packet

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
)

func told(t testing.TB) *house {
	h := newHouse(t)
	h.tell()
	return h
}

// small is the least packet there is: an announced key and a begun run.
func small(t testing.TB) *house {
	h := newHouse(t)
	h.announce(h.key)
	h.add(evidence.TypeRunStarted, testRun, facts{t}.started())
	return h
}

// failures lists what failed, for messages.
func failures(r Report) string {
	var b strings.Builder
	for _, c := range r.Checks {
		if c.Outcome != OK {
			fmt.Fprintf(&b, "\n  %s %s %s: %s", c.Outcome, c.Name, c.Where, c.Detail)
		}
	}
	return b.String()
}

// want asserts the verdict, and that a failure is put down to check.
func want(t *testing.T, r Report, verdict Verdict, check string) {
	t.Helper()
	if r.Verdict != verdict {
		t.Errorf("verdict %s, want %s:%s", r.Verdict, verdict, failures(r))
	}
	if check == "" {
		return
	}
	outcome := Failed
	if verdict == Undecidable {
		outcome = NotChecked
	}
	for _, c := range r.Checks {
		if c.Name == check && c.Outcome != outcome {
			t.Errorf("check %s is %s, want %s:%s", check, c.Outcome, outcome, failures(r))
		}
	}
}

func TestVerifyValid(t *testing.T) {
	h := told(t)
	data := h.packet()
	r := Verify(data, h.trust())
	want(t, r, Valid, "")
	if r.ExitCode() != 0 || r.Run != testRun || r.Records != 17 || r.Origin != testOrigin || r.Size != 18 || !r.KeyFingerprint.Valid() {
		t.Errorf("report: %+v", r)
	}
	if r.Disclosed == 0 || r.Withheld != 0 || len(r.Slots) != 9 {
		t.Errorf("disclosed %d, withheld %d, %d slots", r.Disclosed, r.Withheld, len(r.Slots))
	}
	for _, c := range r.Checks {
		if c.Outcome != OK && c.Name != checkCompleteness {
			t.Errorf("%s: %s: %s", c.Name, c.Outcome, c.Detail)
		}
	}
	if again := h.packet(); bytes.Equal(again, data) != true {
		t.Error("the same contents make other bytes")
	}
}

func TestVerifyRedacted(t *testing.T) {
	h := told(t)
	c := h.contents()
	for i := range c.Sealed {
		c.Sealed[i].Disclosures = nil
	}
	data, err := Write(c)
	if err != nil {
		t.Fatal(err)
	}
	r := Verify(data, h.trust())
	want(t, r, Valid, "")
	full := Verify(h.packet(), h.trust())
	if r.Disclosed != 0 || r.Withheld != full.Disclosed {
		t.Errorf("disclosed %d, withheld %d, want 0 and %d", r.Disclosed, r.Withheld, full.Disclosed)
	}
	if fmt.Sprint(r.Slots) != fmt.Sprint(full.Slots) {
		t.Error("slots depend on disclosures")
	}
}

func TestVerifyTrust(t *testing.T) {
	h, other, elsewhere := told(t), newHouse(t), newHouse(t)
	elsewhere.setOrigin("log.example/other")
	data := h.packet()
	for _, c := range []struct {
		name    string
		keys    []string
		verdict Verdict
		exit    int
	}{
		{"the log's key", []string{h.trusted}, Valid, 0},
		{"the log's key twice and another", []string{other.trusted, h.trusted, h.trusted}, Valid, 0},
		{"no key", nil, Undecidable, 2},
		{"a key of another origin", []string{elsewhere.trusted}, Undecidable, 2},
		{"another key of this origin", []string{other.trusted}, Invalid, 1},
		{"a key that is none", []string{"nonsense"}, Undecidable, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Verify(data, Trust{Keys: c.keys})
			want(t, r, c.verdict, map[Verdict]string{Invalid: checkCheckpoint, Undecidable: checkCheckpoint}[c.verdict])
			if r.ExitCode() != c.exit {
				t.Errorf("exit %d, want %d", r.ExitCode(), c.exit)
			}
			if (r.KeyFingerprint != "") != (c.verdict == Valid) {
				t.Errorf("fingerprint %q", r.KeyFingerprint)
			}
		})
	}
	if (Trust{Keys: []string{"nonsense"}}).Validate() == nil || h.trust().Validate() != nil {
		t.Error("Validate does not tell keys from nonsense")
	}
}

// edit is a packet's files before they are packed again.
type edit struct {
	t         *testing.T
	files     map[string][]byte
	statement inToto
}

func (e *edit) swap(name, old, new string) {
	e.t.Helper()
	if !strings.Contains(string(e.files[name]), old) {
		e.t.Fatalf("%s does not hold %q", name, old)
	}
	e.files[name] = []byte(strings.Replace(string(e.files[name]), old, new, 1))
}

// line is the n-th line of a file, without its end.
func (e *edit) line(name string, n int) string {
	return strings.Split(string(e.files[name]), "\n")[n]
}

func (e *edit) drop(name string, n int) { e.swap(name, e.line(name, n)+"\n", "") }

// crossing swaps two lines of a file.
func (e *edit) cross(name string, a, b int) {
	lines := strings.Split(string(e.files[name]), "\n")
	lines[a], lines[b] = lines[b], lines[a]
	e.files[name] = []byte(strings.Join(lines, "\n"))
}

func open(t *testing.T, data []byte) *edit {
	p, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	e := &edit{t: t, files: map[string][]byte{}, statement: p.statement}
	for _, f := range p.files {
		e.files[f.name] = f.data
	}
	return e
}

// copy is an edit of its own over the same files.
func (e *edit) copy() *edit {
	other := *e
	other.files = maps.Clone(e.files)
	return &other
}

func (e *edit) sorted() []file { return (&builder{files: e.files}).sorted() }

// pack packs the files as they are, manifest and all.
func (e *edit) pack() []byte {
	data, err := writeContainer(e.sorted())
	if err != nil {
		e.t.Fatal(err)
	}
	return data
}

// resign lists the files anew and signs with the house's own key: what a
// builder could do that lies, or is broken.
func (e *edit) resign(h *house) []byte {
	e.statement.Subject = nil
	delete(e.files, fileManifest)
	for _, f := range e.sorted() {
		e.statement.Subject = append(e.statement.Subject, subjectOf(f))
	}
	data, err := signManifest(e.statement, h.key)
	if err != nil {
		e.t.Fatal(err)
	}
	e.files[fileManifest] = data
	return e.pack()
}

// Without the packet key, no file can be removed, added, cut or altered.
func TestVerifyTamperedFiles(t *testing.T) {
	h := told(t)
	h.rotate() // so that no file is empty
	data := h.packet()
	for name := range open(t, data).files {
		for change, apply := range map[string]func(*edit){
			"removed":   func(e *edit) { delete(e.files, name) },
			"emptied":   func(e *edit) { e.files[name] = nil },
			"altered":   func(e *edit) { e.files[name] = append([]byte("x"), e.files[name]...) },
			"appended":  func(e *edit) { e.files[name] = append(bytes.Clone(e.files[name]), '\n') },
			"repeated":  func(e *edit) { e.files[name] = append(bytes.Clone(e.files[name]), e.files[name]...) },
			"replaced":  func(e *edit) { e.files[name] = e.files[fileSlots][:10] },
			"duplicate": func(e *edit) { e.files["copy-of."+strings.ReplaceAll(name, "/", ".")] = e.files[name] },
		} {
			t.Run(name+" "+change, func(t *testing.T) {
				e := open(t, data)
				apply(e)
				check := checkFiles
				if name == fileManifest && change != "duplicate" {
					check = "" // a manifest that is not one makes no packet
				}
				want(t, Verify(e.pack(), h.trust()), Invalid, check)
			})
		}
	}
	t.Run("signature added to the checkpoint", func(t *testing.T) {
		e := open(t, data)
		e.files[fileCheckpoint] = append(bytes.Clone(e.files[fileCheckpoint]), "\u2014 witness AAAAAAAAAA==\n"...)
		want(t, Verify(e.pack(), h.trust()), Invalid, checkFiles)
	})
	t.Run("object added", func(t *testing.T) {
		e := open(t, data)
		o := Object{"yaml", []byte("added")}
		e.files[o.name()] = o.Data
		want(t, Verify(e.pack(), h.trust()), Invalid, checkFiles)
	})
}

// With the packet key, whoever builds a packet that is not what the log says
// is found out by the check that answers for it.
func TestVerifyLyingBuilder(t *testing.T) {
	h := told(t)
	data := h.packet()
	for _, c := range []struct {
		name  string
		check string
		apply func(e *edit)
	}{
		{"file of no packet", checkFiles, func(e *edit) { e.files["notes.txt"] = []byte("x") }},
		{"required file gone", checkFiles, func(e *edit) { delete(e.files, fileRedactions) }},
		{"leaf gone", checkRecords, func(e *edit) { e.drop(fileLeaves, 3) }},
		{"record gone", checkRecords, func(e *edit) { e.drop(fileRecords, 3) }},
		{"last record gone", checkRecords, func(e *edit) { e.drop(fileRecords, 16) }},
		{"last leaf gone", checkRecords, func(e *edit) { e.drop(fileLeaves, 16) }},
		{"last proof gone", checkProofs, func(e *edit) { e.drop(fileProofs, 16) }},
		{"records swapped", checkRecords, func(e *edit) { e.cross(fileRecords, 2, 3) }},
		{"leaves swapped", checkLeaves, func(e *edit) {
			e.cross(fileLeaves, 2, 3)
			e.cross(fileRecords, 2, 3)
			e.cross(fileProofs, 2, 3)
		}},
		{"proofs swapped", checkProofs, func(e *edit) { e.cross(fileProofs, 2, 3) }},
		{"leaf twice", checkLeaves, func(e *edit) {
			for _, name := range []string{fileLeaves, fileRecords, fileProofs} {
				e.files[name] = append(bytes.Clone(e.files[name]), e.line(name, 16)+"\n"...)
			}
		}},
		{"record altered", checkRecords, func(e *edit) { e.swap(fileRecords, "completed", "abandoned") }},
		{"record altered, leaf re-hashed", checkProofs, func(e *edit) {
			was := e.line(fileRecords, 16)
			e.swap(fileRecords, "completed", "abandoned")
			e.swap(fileLeaves, string(evidence.DigestOf([]byte(was))), string(evidence.DigestOf([]byte(e.line(fileRecords, 16)))))
		}},
		{"leaf re-hashed, proof forged", checkProofs, func(e *edit) {
			e.swap(fileLeaves, `"type":"run.ended"`, `"type":"run.began"`)
			e.swap(fileProofs, e.line(fileProofs, 16), strings.Replace(e.line(fileProofs, 15), `"index":16`, `"index":17`, 1))
		}},
		{"leaf not canonical", checkLeaves, func(e *edit) { e.swap(fileLeaves, `{"digest"`, `{ "digest"`) }},
		{"leaf of another tenant", checkLeaves, func(e *edit) { e.swap(fileLeaves, `"tenant":"acme"`, `"tenant":"acmf"`) }},
		{"chain broken", checkChain, func(e *edit) {
			e.swap(fileLeaves, `"prev":"`+string(evidence.DigestOf([]byte(e.line(fileLeaves, 0)))), `"prev":"`+string(evidence.ZeroDigest))
		}},
		{"record not canonical", checkRecords, func(e *edit) { e.swap(fileRecords, `{"actor"`, `{ "actor"`) }},
		{"line not ended", checkRecords, func(e *edit) { e.files[fileRecords] = bytes.TrimSuffix(e.files[fileRecords], []byte("\n")) }},
		{"empty line", checkLeaves, func(e *edit) { e.swap(fileLeaves, "\n", "\n\n") }},
		{"proof with another member", checkProofs, func(e *edit) { e.swap(fileProofs, `"index":`, `"indey":`) }},
		{"proof in another case", checkProofs, func(e *edit) { e.swap(fileProofs, `"index":`, `"Index":`) }},
		{"proof of another index", checkProofs, func(e *edit) { e.swap(fileProofs, `"index":17`, `"index":16`) }},
		{"proof without hashes", checkProofs, func(e *edit) { e.swap(fileProofs, e.line(fileProofs, 0), `{"hashes":null,"index":0}`) }},
		{"disclosure gone", checkRedactions, func(e *edit) { e.drop(fileDisclosures, 1) }},
		{"disclosure twice", checkDisclosures, func(e *edit) {
			e.swap(fileDisclosures, e.line(fileDisclosures, 1)+"\n", strings.Repeat(e.line(fileDisclosures, 1)+"\n", 2))
		}},
		{"disclosures out of order", checkDisclosures, func(e *edit) { e.cross(fileDisclosures, 0, 1) }},
		{"disclosure of another field", checkDisclosures, func(e *edit) { e.swap(fileDisclosures, "/initiator/name", "/dispatcher/name") }},
		{"disclosure moved to a withheld field", checkDisclosures, func(e *edit) {
			one, two := e.line(fileDisclosures, 0), e.line(fileDisclosures, 1)
			e.swap(fileDisclosures, textOf(one), textOf(two))
		}},
		{"disclosure of another record", checkDisclosures, func(e *edit) {
			e.swap(fileDisclosures, `"record":"`+id(2), `"record":"`+id(3))
		}},
		{"disclosure of no record", checkDisclosures, func(e *edit) {
			e.swap(fileDisclosures, `"record":"`+id(16), `"record":"`+id(99))
		}},
		{"disclosure of another class", checkDisclosures, func(e *edit) { e.swap(fileDisclosures, `"class":"personal"`, `"class":"internal"`) }},
		{"disclosure of another subject", checkDisclosures, func(e *edit) { e.swap(fileDisclosures, `"subject":"p-1"`, `"subject":"p-9"`) }},
		{"disclosure not canonical", checkDisclosures, func(e *edit) { e.swap(fileDisclosures, `{"class"`, `{"extra":1,"class"`) }},
		{"manifest object gone", checkObjects, func(e *edit) { delete(e.files, Object{"yaml", testManifest}.name()) }},
		{"policies gone", checkObjects, func(e *edit) { delete(e.files, Object{"cedar", testPolicies}.name()) }},
		{"schema gone", checkObjects, func(e *edit) { delete(e.files, Object{"json", testSchema}.name()) }},
		{"object under another digest", checkObjects, func(e *edit) { e.files[Object{"yaml", []byte("a")}.name()] = []byte("b") }},
		{"object twice", checkObjects, func(e *edit) { e.files[Object{"yml", testManifest}.name()] = testManifest }},
		{"redaction invented", checkRedactions, func(e *edit) { e.swap(fileRedactions, `"withheld":[]`, `"withheld":[{}]`) }},
		{"slot improved", checkSlots, func(e *edit) { e.swap(fileSlots, `"state":"declared"`, `"state":"evidenced"`) }},
		{"count wrong", checkCounts, func(e *edit) { e.statement.Predicate.Counts.Withheld = 7 }},
		{"run of another name", checkRecords, func(e *edit) { e.statement.Predicate.Scope.Run = otherRun }},
		{"tenant of another name", checkLeaves, func(e *edit) { e.statement.Predicate.Scope.Tenant = "umbrella" }},
		{"origin of another name", checkCheckpoint, func(e *edit) { e.statement.Predicate.Origin = "log.example/other" }},
		{"size of another checkpoint", checkCheckpoint, func(e *edit) { e.statement.Predicate.Checkpoint.Size++ }},
		{"root of another checkpoint", checkCheckpoint, func(e *edit) { e.statement.Predicate.Checkpoint.Root[0] ^= 1 }},
		{"checkpoint's size altered", checkCheckpoint, func(e *edit) {
			e.swap(fileCheckpoint, "\n18\n", "\n19\n")
			e.statement.Predicate.Checkpoint.Size = 19
		}},
		{"kind unknown", checkManifest, func(e *edit) { e.statement.Predicate.Kind = "sample" }},
		{"no query", checkManifest, func(e *edit) { e.statement.Predicate.Query = "" }},
		{"no generator", checkManifest, func(e *edit) { e.statement.Predicate.Generator = Generator{} }},
		{"no time", checkManifest, func(e *edit) { e.statement.Predicate.Built = "today" }},
		{"key of another", checkManifest, func(e *edit) { e.statement.Predicate.Key = publicText(testKey(2)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, data)
			c.apply(e)
			want(t, Verify(e.resign(h), h.trust()), Invalid, c.check)
		})
	}
}

// The envelope has one form, and its signature covers all of the statement.
func TestVerifyEnvelope(t *testing.T) {
	h := told(t)
	data := h.packet()
	for _, c := range []struct {
		name  string
		apply any // a func(*envelope) or a func(*inToto)
	}{
		{"no signature", func(env *envelope) { env.Signatures = nil }},
		{"no list of signatures", func(env *envelope) { env.Signatures = []signature{} }},
		{"two signatures", func(env *envelope) { env.Signatures = append(env.Signatures, env.Signatures[0]) }},
		{"another key named", func(env *envelope) { env.Signatures[0].KeyID = keyID(ed25519.PublicKey(testKey(2)[32:])) }},
		{"a signature of something else", func(env *envelope) {
			env.Signatures[0].Sig = base64.StdEncoding.EncodeToString(ed25519.Sign(h.key, []byte("something else")))
		}},
		{"a signature that is none", func(env *envelope) { env.Signatures[0].Sig = "x" }},
		{"a signature in loose base64", func(env *envelope) { env.Signatures[0].Sig += "\n" }},
		{"another type of payload", func(env *envelope) { env.PayloadType = "text/plain" }},
		{"a payload that is none", func(env *envelope) { env.Payload = "x" }},
		{"a payload that is no JSON", func(env *envelope) { env.Payload = "eHh4" }},
		{"a payload in loose base64", func(env *envelope) { env.Payload += "\n" }},
		{"another type of statement", func(s *inToto) { s.Type = "https://in-toto.io/Statement/v0.1" }},
		{"a key in loose base64", func(s *inToto) { s.Predicate.Key += "\n" }},
		{"another predicate", func(s *inToto) { s.PredicateType = "https://slsa.dev/provenance/v1" }},
		{"a subject twice", func(s *inToto) { s.Subject = append(s.Subject, s.Subject[len(s.Subject)-1]) }},
		{"a subject that is not there", func(s *inToto) { s.Subject = append(s.Subject, subjectOf(file{"z", nil})) }},
		{"no subjects", func(s *inToto) { s.Subject = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, data)
			if apply, ok := c.apply.(func(*inToto)); ok {
				apply(&e.statement)
			}
			text, err := signManifest(e.statement, h.key)
			if err != nil {
				t.Fatal(err)
			}
			var env envelope
			if err := decode(text, &env); err != nil {
				t.Fatal(err)
			}
			if apply, ok := c.apply.(func(*envelope)); ok {
				apply(&env)
			}
			if e.files[fileManifest], err = canonical(env); err != nil {
				t.Fatal(err)
			}
			want(t, Verify(e.pack(), h.trust()), Invalid, "")
		})
	}
}

// A report puts the first fault of a check and counts the others.
func TestReportCountsFailures(t *testing.T) {
	h := told(t)
	e := open(t, h.packet())
	e.swap(fileRecords, "completed", "abandoned")
	e.swap(fileRecords, "input.referenced", "input.conferenced")
	for _, c := range Verify(e.resign(h), h.trust()).Checks {
		if c.Name == checkRecords && (c.Where != "records.jsonl:3" || !strings.Contains(c.Detail, "more)")) {
			t.Errorf("%+v", c)
		}
	}
}

// There is one way to write an empty proof.
func TestProofsAreLists(t *testing.T) {
	h := newHouse(t)
	h.announce(h.key)
	leaf := h.sealed[0]
	p := &Packet{files: []file{
		{fileLeaves, append(leaf.Leaf, '\n')}, {fileProofs, []byte(`{"hashes":null,"index":0}` + "\n")}, {fileRecords, append(leaf.Record, '\n')},
	}}
	for _, err := range p.Sealed() {
		if err == nil || !strings.Contains(err.Error(), "not a list") {
			t.Errorf("error %v", err)
		}
	}
}

func TestLinesAreBounded(t *testing.T) {
	l := &lines{file: "f", max: 3, rest: []byte("abc\nabcd\n")}
	if line, err := l.next(); err != nil || string(line) != "abc" {
		t.Errorf("line %q, %v", line, err)
	}
	if line, err := l.next(); err == nil || !strings.Contains(err.Error(), "f:2") {
		t.Errorf("line %q, %v", line, err)
	}
}

func textOf(line string) string {
	_, rest, _ := strings.Cut(line, `"text":"`)
	return strings.TrimSuffix(rest, `"}`)
}

func TestVerifyPacketKey(t *testing.T) {
	t.Run("signed by another key", func(t *testing.T) {
		h := told(t)
		e := open(t, h.packet())
		h.key = testKey(2)
		e.statement.Predicate.Key = publicText(h.key)
		want(t, Verify(e.resign(h), h.trust()), Invalid, checkManifest)
	})
	t.Run("announced by a record of a run", func(t *testing.T) {
		h := newHouse(t)
		h.add(evidence.TypeKeyRotated, testRun, evidence.KeyRotated{Purpose: "packet", Key: publicText(h.key)})
		if _, err := Write(h.contents()); err == nil || !strings.Contains(err.Error(), "announces") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("not announced", func(t *testing.T) {
		h := newHouse(t)
		h.add(evidence.TypeRunStarted, testRun, facts{t}.started())
		if _, err := Write(h.contents()); err == nil || !strings.Contains(err.Error(), "announces") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("replaced since", func(t *testing.T) {
		h := small(t)
		h.announce(testKey(2))
		if _, err := Write(h.contents()); err == nil || !strings.Contains(err.Error(), "last") {
			t.Errorf("error %v", err)
		}
		h.key = testKey(2)
		want(t, Verify(h.packet(), h.trust()), Valid, "")
	})
	t.Run("announced, and not in the log", func(t *testing.T) {
		h, forger := small(t), newHouse(t)
		forger.key = testKey(2)
		forger.announce(forger.key)
		forger.add(evidence.TypeRunStarted, testRun, facts{t}.started())
		e := open(t, forger.packet())
		genuine := open(t, h.packet())
		e.files[fileCheckpoint] = genuine.files[fileCheckpoint]
		e.statement.Predicate.Checkpoint = genuine.statement.Predicate.Checkpoint
		want(t, Verify(e.resign(forger), h.trust()), Invalid, checkProofs)
	})
}

func TestVerifyCheckpointOfAnotherOrigin(t *testing.T) {
	h := small(t)
	data := h.packet()
	trust := h.trust()
	h.setOrigin("log.example/other")
	want(t, Verify(h.packet(), trust), Undecidable, checkCheckpoint)
	// A note that the trusted key signed, and that speaks for another log.
	genuine := open(t, data)
	genuine.swap(fileCheckpoint, testOrigin, "log.example/other")
	genuine.statement.Predicate.Origin = "log.example/other"
	if r := Verify(genuine.resign(h), trust); r.Verdict == Valid {
		t.Error("a checkpoint of another origin is valid")
	}
}

func TestVerifyFutureVersions(t *testing.T) {
	h := told(t)
	data := h.packet()
	t.Run("predicate type", func(t *testing.T) {
		e := open(t, data)
		e.statement.PredicateType = predicateFamily + "v2"
		r := Verify(e.resign(h), h.trust())
		want(t, r, Undecidable, checkVersion)
		if r.ExitCode() != 2 {
			t.Errorf("exit %d", r.ExitCode())
		}
	})
	t.Run("predicate", func(t *testing.T) {
		e := open(t, data)
		e.statement.Predicate.Version = 2
		want(t, Verify(e.resign(h), h.trust()), Undecidable, checkVersion)
	})
	t.Run("record", func(t *testing.T) {
		h := told(t)
		rec, _ := h.draft(evidence.TypeRunEnded, testRun, facts{t}.ended())
		text, _ := rec.Canonical()
		later := bytes.Replace(text, []byte(`"v":1`), []byte(`"v":2`), 1)
		c := h.contents()
		e := open(t, h.packet())
		h.seal(rec, later, nil)
		c = h.contents()
		last := c.Sealed[len(c.Sealed)-1]
		e.files[fileLeaves] = append(bytes.Clone(e.files[fileLeaves]), string(last.Leaf)+"\n"...)
		e.files[fileRecords] = append(bytes.Clone(e.files[fileRecords]), string(last.Record)+"\n"...)
		e.files[fileProofs] = nil
		for _, s := range c.Sealed {
			e.files[fileProofs], _ = appendLine(e.files[fileProofs], s.Proof)
		}
		e.files[fileCheckpoint] = c.Checkpoint
		e.statement.Predicate.Checkpoint = Head{Size: h.edge.Size(), Root: h.edge.Root()}
		want(t, Verify(e.resign(h), h.trust()), Undecidable, checkRecords)
	})
}

// No single flipped bit, and no flip of case, makes a valid packet: neither of
// any byte of the container nor of any byte of a file that is then packed
// canonically; there the files other than the manifest rest on their digests,
// so each byte takes one of the flips in turn. The packet is one whose page
// nobody looks at, so no byte is found out by it alone.
func TestVerifyEveryByte(t *testing.T) {
	h := small(t)
	data, trust := h.unseenPage(t), h.trust()
	if Verify(data, trust).Verdict != Valid {
		t.Fatal("the packet is not valid to begin with")
	}
	for turn, flip := range flips {
		t.Run(fmt.Sprintf("%#x", flip), func(t *testing.T) {
			t.Parallel()
			data, e := bytes.Clone(data), open(t, bytes.Clone(data))
			for i := range data {
				data[i] ^= flip
				if Verify(data, trust).ExitCode() == 0 {
					t.Errorf("byte %d: valid", i)
				}
				data[i] ^= flip
			}
			for name, text := range e.files {
				for i := range text {
					if name != fileManifest && i%len(flips) != turn {
						continue
					}
					text[i] ^= flip
					if Verify(e.pack(), trust).ExitCode() == 0 {
						t.Errorf("%s byte %d: valid", name, i)
					}
					text[i] ^= flip
				}
			}
		})
	}
}

// The same of the page, which is eight times larger than all else together:
// in the container each 31st byte, packed canonically each 331st.
func TestVerifyPageBytes(t *testing.T) {
	h := small(t)
	data, trust := h.packet(), h.trust()
	e := open(t, bytes.Clone(data))
	page := e.files[filePage]
	at := bytes.Index(data, page)
	for _, flip := range flips {
		for i := 0; i < len(page); i += 31 {
			data[at+i] ^= flip
			if Verify(data, trust).ExitCode() == 0 {
				t.Errorf("container, page byte %d ^ %#x: valid", i, flip)
			}
			data[at+i] ^= flip
		}
		for i := 0; i < len(page); i += 331 {
			page[i] ^= flip
			want(t, Verify(e.pack(), trust), Invalid, checkFiles)
			page[i] ^= flip
		}
	}
}

var flips = []byte{0x01, 0x20, 0x80}

// unseenPage is the house's packet with a short page of a later version, which
// is carried and not looked at: what is found out in it, the other checks find.
func (h *house) unseenPage(t *testing.T) []byte {
	e := open(t, h.packet())
	seal := *e.statement.Predicate.Page
	seal.Version++
	e.statement.Predicate.Page = &seal
	e.files[filePage] = []byte("<!doctype html>")
	return e.resign(h)
}
