package packet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// files serves the log as it stands, as a published one does.
func (h *house) files() tlog.Files {
	signed, tiles := h.contents().Checkpoint, maps.Clone(h.tiles)
	return func(path string) ([]byte, error) {
		if path == fileCheckpoint {
			return signed, nil
		}
		if tile, ok := tiles[path]; ok {
			return tile, nil
		}
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
}

// grow seals n more records, none of them of a run.
func (h *house) grow(n int) *house {
	for range n {
		h.announce(testKey(3))
	}
	return h
}

// fork is another house with the same log key.
func (h *house) fork() *house {
	other := newHouse(h.t)
	other.origin, other.signer, other.trusted = h.origin, h.signer, h.trusted
	return other
}

// last is the check that was added last.
func last(r Report) Check { return r.Checks[len(r.Checks)-1] }

func TestAgainst(t *testing.T) {
	h := small(t)
	early, earlyNote, earlyFiles := h.packet(), h.contents().Checkpoint, h.files()
	h.grow(300)
	lateNote, lateFiles := h.contents().Checkpoint, h.files()
	forged := h.fork().grow(302)
	elsewhere := newHouse(t)
	elsewhere.setOrigin("log.example/other")
	stranger := newHouse(t).grow(302)
	with := func(files tlog.Files, path string, data []byte, err error) tlog.Files {
		return func(p string) ([]byte, error) {
			if p == path {
				return data, err
			}
			return files(p)
		}
	}
	gone := fmt.Errorf("tile/1/000.p/1: %w", fs.ErrNotExist)
	for _, c := range []struct {
		name    string
		other   []byte
		files   tlog.Files
		verdict Verdict
		says    string
	}{
		{"a later checkpoint", lateNote, lateFiles, Valid, "only grew, from size 2 to 302"},
		{"a packet of the same size", early, nil, Valid, "with the same root"},
		{"a checkpoint of the same size", earlyNote, nil, Valid, "with the same root"},
		{"a later checkpoint without the log", lateNote, nil, Undecidable, "tiles are needed"},
		{"a later checkpoint of a log that is behind", lateNote, earlyFiles, Undecidable, "tile/"},
		{"a tile that is gone", lateNote, with(lateFiles, "tile/1/000.p/1", nil, gone), Undecidable, "tile/1/000.p/1"},
		{"a tile that is bent", lateNote, with(lateFiles, "tile/0/000", bytes.Repeat([]byte{7}, 8192), nil), Invalid, "tile/0/000"},
		{"a checkpoint of another history", forged.contents().Checkpoint, forged.files(), Invalid, "two histories"},
		{"a checkpoint of another history, over the true tiles", forged.contents().Checkpoint, lateFiles, Invalid, "do not lead to the root"},
		{"another history of the same size", h.fork().grow(2).contents().Checkpoint, nil, Invalid, "two histories"},
		{"a checkpoint of another log", elsewhere.grow(9).contents().Checkpoint, lateFiles, Undecidable, "another log"},
		{"a checkpoint that another key signed", stranger.contents().Checkpoint, lateFiles, Invalid, "not signed by a trusted key"},
		{"a checkpoint that is none", []byte("log\n\n\u2014 x\n"), lateFiles, Invalid, "signature"},
		{"a file that is none", []byte("hello"), lateFiles, Invalid, "not a packet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Verify(early, h.trust())
			if err := r.Against("theirs", c.other, h.trust(), c.files); err != nil {
				t.Fatal(err)
			}
			got := last(r)
			if r.Verdict != c.verdict || got.Name != checkAgainst || got.Where != "theirs" || !strings.Contains(got.Detail, c.says) {
				t.Errorf("%s, %+v; want %s that says %q", r.Verdict, got, c.verdict, c.says)
			}
		})
	}
	t.Run("the other way round", func(t *testing.T) {
		r := VerifyCheckpoint(lateNote, h.trust())
		if err := r.Against("packet", early, h.trust(), lateFiles); err != nil || r.Verdict != Valid {
			t.Errorf("%s, %v", r.Verdict, err)
		}
	})
	t.Run("a log that cannot be read", func(t *testing.T) {
		broken := errors.New("no route")
		r := Verify(early, h.trust())
		n := len(r.Checks)
		if err := r.Against("theirs", lateNote, h.trust(), with(lateFiles, "tile/0/000", nil, broken)); !errors.Is(err, broken) || len(r.Checks) != n {
			t.Errorf("%v, %+v", err, last(r))
		}
	})
	t.Run("without a trusted key", func(t *testing.T) {
		r := Verify(early, Trust{})
		if err := r.Against("theirs", earlyNote, h.trust(), nil); err != nil || last(r).Outcome != NotChecked {
			t.Errorf("%v, %+v", err, last(r))
		}
	})
	t.Run("an invalid file stays invalid", func(t *testing.T) {
		r := Verify(early[1:], h.trust())
		if err := r.Against("theirs", earlyNote, h.trust(), nil); err != nil || r.Verdict != Invalid {
			t.Errorf("%v, %s", err, r.Verdict)
		}
	})
}

func TestAgainstEmptyLog(t *testing.T) {
	h := newHouse(t)
	note := h.contents().Checkpoint
	h = h.fork().grow(3)
	r := VerifyCheckpoint(h.contents().Checkpoint, h.trust())
	if err := r.Against("empty", note, h.trust(), nil); err != nil || r.Verdict != Valid {
		t.Errorf("%s, %v, %+v", r.Verdict, err, last(r))
	}
}

// What a log serves now must hold all that it once signed.
func TestAgainstLog(t *testing.T) {
	h := small(t)
	before := h.files()
	h.grow(10)
	data := h.contents().Checkpoint
	now := h.files()
	h.grow(300)
	later := h.files()
	other := h.fork().grow(400)
	replaced := func(note []byte, err error) tlog.Files {
		return func(path string) ([]byte, error) {
			if path == fileCheckpoint {
				return note, err
			}
			return later(path)
		}
	}
	broken := errors.New("no route")
	for _, c := range []struct {
		name    string
		files   tlog.Files
		verdict Verdict
		says    string
	}{
		{"as it was", now, Valid, "with the same root"},
		{"grown", later, Valid, "only grew"},
		{"rolled back", before, Invalid, "cut or rolled back"},
		{"another history", other.files(), Invalid, "two histories"},
		{"without a checkpoint", replaced(nil, fs.ErrNotExist), Undecidable, "serves no checkpoint"},
		{"with a checkpoint that is none", replaced([]byte("x"), nil), Invalid, "no signatures"},
		{"out of reach", replaced(nil, broken), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := VerifyCheckpoint(data, h.trust())
			err := r.AgainstLog("there", h.trust(), c.files)
			if c.verdict == "" {
				if !errors.Is(err, broken) {
					t.Errorf("error %v", err)
				}
				return
			}
			if got := last(r); err != nil || r.Verdict != c.verdict || got.Name != checkLog || !strings.Contains(got.Detail, c.says) {
				t.Errorf("%s, %+v, %v; want %s that says %q", r.Verdict, got, err, c.verdict, c.says)
			}
		})
	}
}

func TestVerifyCheckpoint(t *testing.T) {
	h, other := small(t), newHouse(t)
	note := h.contents().Checkpoint
	for _, c := range []struct {
		name    string
		note    []byte
		trust   Trust
		verdict Verdict
	}{
		{"signed", note, h.trust(), Valid},
		{"no key", note, Trust{}, Undecidable},
		{"another key of its origin", note, other.trust(), Invalid},
		{"no checkpoint", []byte("x\n\n\u2014 y z\n"), h.trust(), Invalid},
	} {
		r := VerifyCheckpoint(c.note, c.trust)
		if r.Verdict != c.verdict || r.File != FileCheckpoint || (r.KeyFingerprint != "") != (c.verdict == Valid) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

func TestKindOf(t *testing.T) {
	h := small(t)
	p, err := Open(h.packet())
	if err != nil {
		t.Fatal(err)
	}
	c := h.contents()
	for _, x := range []struct {
		data []byte
		want FileKind
	}{{h.packet(), FilePacket}, {c.Checkpoint, FileCheckpoint}, {p.TlogProof(c.Sealed[0]), FileProof}, {nil, FilePacket}, {[]byte("text"), FilePacket}} {
		if got := KindOf(x.data); got != x.want {
			t.Errorf("%.20q is a %s, want a %s", x.data, got, x.want)
		}
	}
}

func TestTlogProof(t *testing.T) {
	h := told(t)
	data := h.packet()
	p, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for s, err := range p.Sealed() {
		if err != nil {
			t.Fatal(err)
		}
		text := p.TlogProof(s)
		for name, e := range map[string]Entry{
			"alone": {}, "with its leaf": {Leaf: s.Leaf}, "with its record": {Record: s.Record}, "with both": {Leaf: s.Leaf, Record: s.Record},
		} {
			if r := VerifyTlogProof(text, e, h.trust()); r.Verdict != Valid || r.File != FileProof || (r.Records == 1) != (e.Record != nil) {
				t.Errorf("proof of %d, %s: %s%s", s.Proof.Index, name, r.Verdict, failures(r))
			}
		}
	}
}

func TestVerifyTlogProof(t *testing.T) {
	h := told(t)
	c := h.contents()
	p, err := Open(h.packet())
	if err != nil {
		t.Fatal(err)
	}
	one, two := c.Sealed[3], c.Sealed[4]
	text := p.TlogProof(one)
	bare, later := one, one
	bare.Leaf = nil
	later.Leaf = bytes.Replace(one.Leaf, []byte(`"v":1`), []byte(`"v":2`), 1)
	altered := bytes.Replace(one.Leaf, []byte(`"tenant":"acme"`), []byte(`"tenant":"acmf"`), 1)
	beside := one
	beside.Leaf = altered
	salted := mustRecord(t, one)
	salted.Salt = "AAAAAAAAAAAAAAAAAAAAAA"
	sameID, _ := salted.Canonical()
	swapped := two
	swapped.Leaf = one.Leaf
	for _, x := range []struct {
		name    string
		text    []byte
		entry   Entry
		trust   Trust
		verdict Verdict
		check   string
	}{
		{"no key", text, Entry{}, Trust{}, Undecidable, checkCheckpoint},
		{"another key", text, Entry{}, newHouse(t).trust(), Invalid, checkCheckpoint},
		{"no entry", p.TlogProof(bare), Entry{}, h.trust(), Undecidable, checkEntry},
		{"no entry, and a record", p.TlogProof(bare), Entry{Record: one.Record}, h.trust(), Undecidable, checkRecords},
		{"the entry from elsewhere", p.TlogProof(bare), Entry{Leaf: one.Leaf}, h.trust(), Valid, ""},
		{"a leaf of a later version", p.TlogProof(later), Entry{}, h.trust(), Invalid, checkProofs},
		{"another leaf in it", p.TlogProof(swapped), Entry{}, h.trust(), Invalid, checkEntry},
		{"another leaf beside it", text, Entry{Leaf: two.Leaf}, h.trust(), Invalid, checkEntry},
		{"another leaf beside it, of the same seq", text, Entry{Leaf: altered}, h.trust(), Invalid, checkProofs},
		{"another leaf in it than beside it", p.TlogProof(beside), Entry{Leaf: one.Leaf}, h.trust(), Invalid, checkEntry},
		{"another record of the same id", text, Entry{Record: sameID}, h.trust(), Invalid, checkRecords},
		{"an entry that is no leaf", text, Entry{Leaf: []byte("x")}, h.trust(), Invalid, checkProofs},
		{"an entry that is no leaf, and a record", text, Entry{Leaf: []byte("x"), Record: one.Record}, h.trust(), Invalid, checkEntry},
		{"another record", text, Entry{Record: two.Record}, h.trust(), Invalid, checkRecords},
		{"a record with a line feed after", text, Entry{Record: append(bytes.Clone(one.Record), '\n')}, h.trust(), Invalid, checkRecords},
		{"an empty record", text, Entry{Record: []byte{}}, h.trust(), Invalid, checkRecords},
		{"an empty entry", text, Entry{Leaf: []byte{}}, h.trust(), Invalid, checkProofs},
		{"not a proof", []byte(tlog.ProofHeader), Entry{}, h.trust(), Invalid, checkForm},
	} {
		t.Run(x.name, func(t *testing.T) { want(t, VerifyTlogProof(x.text, x.entry, x.trust), x.verdict, x.check) })
	}
}

// No byte of a proof can be changed, the leaf that it carries included.
func TestTlogProofEveryByte(t *testing.T) {
	h := small(t)
	p, err := Open(h.packet())
	if err != nil {
		t.Fatal(err)
	}
	text := p.TlogProof(h.contents().Sealed[1])
	for i := range text {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			text[i] ^= flip
			if r := VerifyTlogProof(text, Entry{}, h.trust()); r.Verdict == Valid {
				t.Errorf("byte %d ^ %#x: valid", i, flip)
			}
			text[i] ^= flip
		}
	}
}

// A packet says how far its verification has come.
func TestProgress(t *testing.T) {
	h := told(t)
	p, err := Open(h.packet())
	if err != nil {
		t.Fatal(err)
	}
	var seen []uint64
	p.Progress = func(done, total uint64) {
		if total != 17 {
			t.Errorf("%d in all", total)
		}
		seen = append(seen, done)
	}
	if r := p.Verify(h.trust()); r.Verdict != Valid || len(seen) != 17 || seen[16] != 17 {
		t.Errorf("%s, %v", r.Verdict, seen)
	}
	c := h.contents()
	c.Progress, seen = p.Progress, nil
	if _, err := Write(c); err != nil || len(seen) != 17 || seen[16] != 17 {
		t.Errorf("written: %v, %v", err, seen)
	}
}

// Programs read reports: every kind of file has the same members, lists are
// lists, and each check has its four.
func TestReportJSON(t *testing.T) {
	h := small(t)
	p, err := Open(h.packet())
	if err != nil {
		t.Fatal(err)
	}
	c := h.contents()
	for name, r := range map[string]Report{
		"packet": Verify(h.packet(), h.trust()), "no packet": Verify(nil, h.trust()), "later": Verify(laterPacket(t, h), h.trust()),
		"proof": VerifyTlogProof(p.TlogProof(c.Sealed[0]), Entry{}, h.trust()), "no proof": VerifyTlogProof(nil, Entry{}, h.trust()),
		"checkpoint": VerifyCheckpoint(c.Checkpoint, h.trust()), "no checkpoint": VerifyCheckpoint(nil, h.trust()),
	} {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		v := mustParse(t, string(text))
		var names []string
		for _, f := range v.Fields() {
			names = append(names, f.Name)
		}
		slices.Sort(names)
		want := "checks disclosed erasures file key_fingerprint origin records root rotations run selection size slots verdict withheld"
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has %s, want %s", name, got, want)
		}
		selection, _ := v.Get("selection")
		for list, in := range map[string]evidence.Value{
			"checks": v, "slots": v, "rotations": v, "erasures": v, "disclose": selection, "withhold": selection,
		} {
			if l, _ := in.Get(list); l.Kind() != evidence.Array {
				t.Errorf("%s: %s is no list", name, list)
			}
		}
		checks, _ := v.Get("checks")
		for _, c := range checks.Elems() {
			if len(c.Fields()) != 4 {
				t.Errorf("%s: a check is %s", name, c.Canonical())
			}
		}
	}
}

func laterPacket(t *testing.T, h *house) []byte {
	e := open(t, h.packet())
	e.statement.PredicateType = predicateFamily + "v2"
	return e.resign(h)
}
