package server

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/erasure"
	"github.com/evidencefactory/evf/packet"
)

const byCourt = "District court, order 12 of 2026"

// ended is a run with something of every kind to erase, that has ended.
func (h *house) ended() *client.RunHandle {
	h.t.Helper()
	run := h.begin()
	_, err := run.Record(h.t.Context(),
		client.Typed{Type: evidence.TypeInputReferenced, Body: evidence.InputReferenced{Document: docA, MediaType: "text/x-telltale", Bytes: 7, Name: "letter.txt"}},
		client.Typed{Type: evidence.TypeStepObserved, Body: evidence.StepObserved{Step: "read", Status: "finished", Summary: "read the letter"}})
	h.must(err)
	h.checked(run)
	wire := h.ask(run, "", "bank/wire", `{"amount":7}`)
	h.approve("carla@example.org", wire.Approvals[0].ID, "controller")
	h.verdict(h.ask(run, wire.Action, "bank/wire", `{"amount":7}`), "allow", "permitted")
	h.must(run.End(h.t.Context(), "completed", "all done"))
	return run
}

func (h *house) packet(run evidence.RunID) []byte {
	h.t.Helper()
	data, err := h.admin.Packet(h.t.Context(), run)
	h.must(err)
	return data
}

// verify is what a stranger with the log's key says of a packet.
func (h *house) verify(data []byte) packet.Report {
	h.t.Helper()
	log, err := h.admin.Log(h.t.Context())
	h.must(err)
	r := packet.Verify(data, packet.Trust{Keys: []string{log.Key}})
	if r.Verdict != packet.Valid {
		h.t.Errorf("packet is %s: %+v", r.Verdict, r.Checks)
	}
	return r
}

// redactions are those of a packet, by reason.
func redactions(t *testing.T, data []byte) (byReason map[string][]packet.Redaction) {
	t.Helper()
	p, err := packet.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := p.File("redactions.json")
	var file struct{ Withheld []packet.Redaction }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	byReason = map[string][]packet.Redaction{}
	for _, r := range file.Withheld {
		byReason[r.Reason] = append(byReason[r.Reason], r)
	}
	return byReason
}

// disclosed counts the fields of a run's own records that a packet opens.
func disclosed(t *testing.T, data []byte, run evidence.RunID) (n int) {
	t.Helper()
	p, err := packet.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for s, err := range p.Sealed() {
		if err != nil {
			t.Fatal(err)
		}
		if rec, err := evidence.ParseRecord(s.Record); err == nil && rec.Run == run {
			n += len(s.Disclosures)
		}
	}
	return n
}

// fsckNow checks a copy of the house, as it stands, and wants no problem.
func (h *house) fsckNow() (notes []string) {
	h.t.Helper()
	h.must(h.server.Log(DefaultTenant).Seal(h.t.Context()))
	dir := h.copyOf()
	reports, err := Fsck(h.t.Context(), FsckConfig{Data: dir})
	h.must(err)
	for _, r := range reports {
		for _, p := range r.Problems {
			h.t.Errorf("fsck: %s", p)
		}
		for _, n := range r.Notes {
			notes = append(notes, n.String())
		}
	}
	return notes
}

// copyOf is what a crash would leave of the house now.
func (h *house) copyOf() string {
	h.t.Helper()
	dir := filepath.Join(h.t.TempDir(), "copy")
	h.must(os.CopyFS(dir, os.DirFS(h.dir)))
	h.must(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".key" {
			return err
		}
		return os.Chmod(path, 0o600)
	}))
	return dir
}

// filesWith lists the files below a folder that hold some bytes.
func filesWith(t *testing.T, dir string, want []byte) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, want) {
			found = append(found, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestEraseARun wants a packet from before to verify for ever, one from after
// to say what was erased and by whom, and the bytes to be in no file.
func TestEraseARun(t *testing.T) {
	h := newHouse(t)
	run, other := h.ended(), h.ended()
	before := h.packet(run.ID)
	var block, record []byte
	for _, row := range h.rows() {
		if row.Run == run.ID && row.Type == evidence.TypeInputReferenced {
			block, record = row.Vault[len(row.Vault)-40:], row.Record[len(row.Record)-400:]
		}
	}
	if len(filesWith(t, h.dir, record)) == 0 || len(filesWith(t, h.dir, block)) == 0 {
		t.Fatal("the record is in no file before")
	}

	req := client.Erase{Run: run.ID, Authority: byCourt, Expunge: []string{"input.referenced"}, Dry: true}
	h.unchanged("a dry run", func() {
		e, err := h.admin.Erase(t.Context(), req)
		h.must(err)
		if len(e.Keys) < 3 || len(e.Expunged) != 1 || !e.Dry {
			t.Errorf("would take %+v", e)
		}
	})
	req.Dry = false
	h.must(func() error { _, err := h.admin.Erase(t.Context(), req); return err }())
	if found := append(filesWith(t, h.dir, record), filesWith(t, h.dir, block)...); len(found) > 0 {
		t.Errorf("the expunged record still stands in %v", found)
	}
	if notes := h.fsckNow(); len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}

	if r := h.verify(before); r.Disclosed == 0 || len(r.Erasures) > 0 {
		t.Errorf("the packet from before says %+v", r)
	}
	after := h.packet(run.ID)
	r := h.verify(after)
	if n := disclosed(t, after, run.ID); n != 0 || len(r.Erasures) != 1 || r.Erasures[0].Authority != byCourt || r.Erasures[0].Records != 1 || r.Erasures[0].Fields != r.Withheld {
		t.Errorf("the packet from after discloses %d, withholds %d, and says of erasures %+v", n, r.Withheld, r.Erasures)
	}
	gone := redactions(t, after)
	if len(gone[packet.ReasonErased]) == 0 || len(gone[packet.ReasonWithheld]) > 0 || gone[packet.ReasonErased][0].Erasure != r.Erasures[0].Record {
		t.Errorf("redactions are %+v", gone)
	}
	for _, s := range r.Slots {
		if (s.State == packet.Erased) != (s.Name == "inputs") {
			t.Errorf("slot %s is %s: %s", s.Name, s.State, s.Summary)
		}
		if s.Name == "inputs" && !strings.Contains(s.Summary, byCourt) {
			t.Errorf("slot inputs says %q", s.Summary)
		}
	}
	story, err := h.admin.Story(t.Context(), run.ID)
	h.must(err)
	if n := len(slices.DeleteFunc(story.Records, func(r client.Record) bool { return !r.Expunged })); n != 1 {
		t.Errorf("%d records of the story are expunged", n)
	}
	if r := h.verify(h.packet(other.ID)); r.Withheld != 0 {
		t.Errorf("another run lost %d fields", r.Withheld)
	}
	_, err = h.admin.Erase(t.Context(), req)
	kind(t, err, evidence.Conflict) // nothing is left

	// What comes after the erasure is under keys of its own.
	h.must(func() error {
		_, err := h.as("payments/bank").Join(run.ID).Record(t.Context(), client.Typed{Type: evidence.TypeChangeObserved,
			Body: evidence.ChangeObserved{Target: "bank", Entry: "E-1", Digest: docA, After: evidence.StringValue("late")}})
		return err
	}())
	data := h.packet(run.ID)
	late := h.verify(data)
	if disclosed(t, data, run.ID) != 1 || late.Erasures[0].Fields != r.Erasures[0].Fields {
		t.Errorf("after a late record %d fields are disclosed, erased are %+v", late.Disclosed, late.Erasures)
	}
}

// TestEraseASubject takes one person out of all runs, and leaves the rest.
func TestEraseASubject(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	ina := last[evidence.RunStarted](h, evidence.TypeRunStarted).Initiator.Ref
	var key client.Key
	for _, c := range []struct {
		name string
		req  client.Erase
		want evidence.ErrorKind
	}{
		{"nobody", client.Erase{Subject: "nobody@example.org", Authority: byCourt}, evidence.NotFound},
		{"without an authority", client.Erase{Subject: "ina@example.org"}, evidence.Invalid},
		{"with two lines of it", client.Erase{Subject: "ina@example.org", Authority: "a\nb"}, evidence.Invalid},
		{"of nothing", client.Erase{Authority: byCourt}, evidence.Invalid},
		{"of two things", client.Erase{Subject: "ina@example.org", Run: run.ID, Authority: byCourt}, evidence.Invalid},
		{"with records", client.Erase{Subject: "ina@example.org", Authority: byCourt, Expunge: []string{"step.observed"}}, evidence.Invalid},
		{"of one who may act", client.Erase{Subject: "carla@example.org", Authority: byCourt}, evidence.Conflict},
		{"of an owner", client.Erase{Subject: "olga@example.org", Authority: byCourt}, evidence.Conflict},
	} {
		h.unchanged(c.name, func() {
			_, err := h.admin.Erase(t.Context(), c.req)
			if !client.IsKind(err, c.want) || strings.Contains(err.Error(), "@") {
				t.Errorf("%s: %v, want kind %s and no name quoted", c.name, err, c.want)
			}
		})
	}
	open := h.begin()
	h.unchanged("an open run", func() {
		_, err := h.admin.Erase(t.Context(), client.Erase{Subject: "ina@example.org", Authority: byCourt})
		kind(t, err, evidence.Conflict)
		_, err = h.admin.Erase(t.Context(), client.Erase{Run: open.ID, Authority: byCourt})
		kind(t, err, evidence.Conflict)
	})
	h.must(open.End(t.Context(), "abandoned", ""))

	e, err := h.admin.Erase(t.Context(), client.Erase{Subject: " INA@example.org ", Authority: byCourt})
	h.must(err)
	if e.Subject != ina || len(e.Keys) != 2 {
		t.Errorf("erased %+v, want two keys of %s", e, ina)
	}
	after := h.packet(run.ID)
	r := h.verify(after)
	gone := redactions(t, after)
	if len(gone[packet.ReasonErased]) != 3 || len(gone) != 1 || r.Disclosed == 0 || r.Erasures[0].Fields != 3 {
		t.Errorf("redactions are %+v, erasures %+v", gone, r.Erasures)
	}
	if h.begin(); last[evidence.RunStarted](h, evidence.TypeRunStarted).Initiator.Ref == ina {
		t.Error("who comes back has the pseudonym that was erased")
	}
	if notes := h.fsckNow(); len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}

	// An owner may be erased once another is in force. The activation that
	// comes along in the packet of an old run withheld their name.
	h.apply(manifest(t, "payments", "owner: olga@example.org", "owner: oscar@example.org"))
	h.apply(manifest(t, "other", "owner: olga@example.org", "owner: oscar@example.org"))
	h.must(func() error {
		_, err := h.admin.Erase(t.Context(), client.Erase{Subject: "olga@example.org", Authority: byCourt})
		return err
	}())
	if gone := redactions(t, h.packet(run.ID)); len(gone[packet.ReasonErased]) != 4 || len(gone) != 1 {
		t.Errorf("with the owner erased too, redactions are %+v", gone)
	}

	// Someone whose keys are revoked may be erased, and is nobody any more.
	list, err := h.admin.Keys(t.Context(), "")
	h.must(err)
	carla := strings.Split(h.person("carla@example.org").Key, "_")[2]
	for _, k := range list {
		if k.ID == carla {
			key = k
		}
	}
	h.must(h.admin.RevokeKey(t.Context(), carla, "leaves"))
	h.must(func() error {
		_, err := h.admin.Erase(t.Context(), client.Erase{Subject: key.Holder, Authority: byCourt})
		return err
	}())
	if again, err := h.admin.CreateKey(t.Context(), client.CreateKey{Person: "carla@example.org", Roles: []string{"viewer"}}); err != nil || again.Holder == key.Holder {
		t.Errorf("who comes back is %s again (%v)", again.Holder, err)
	}
	h.verify(h.packet(run.ID))
}

// TestExpungeRefusals names records that must stay.
func TestExpungeRefusals(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	for name, c := range map[string]struct {
		expunge string
		want    evidence.ErrorKind
	}{
		"a type that decisions rest on": {"authorization.decided", evidence.Conflict},
		"the end that counts the run":   {"run.ended", evidence.Conflict},
		"a type that is not there":      {"model.called", evidence.NotFound},
		"a record of another run":       {string(h.rows()[0].ID), evidence.NotFound},
	} {
		h.unchanged(name, func() {
			_, err := h.admin.Erase(t.Context(), client.Erase{Run: run.ID, Authority: byCourt, Expunge: []string{"step.observed", c.expunge}})
			kind(t, err, c.want)
		})
	}
}

// TestLegalHold wants a hold to keep what it covers, from retention too, and
// someone else than who placed it to release it.
func TestLegalHold(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	second := h.person("claire@example.org", "compliance")
	for _, c := range []struct {
		scope, what string
		run, ina    bool // whether it keeps the run, and ina
	}{
		{"all", "", true, true},
		{"workflow", "payments", true, true},
		{"workflow", "other", false, false},
		{"run", string(run.ID), true, true}, // ina's name stands in it
		{"subject", "ina@example.org", true, true},
		{"subject", "olga@example.org", false, false},
	} {
		hold, err := h.admin.PlaceHold(t.Context(), client.PlaceHold{Scope: c.scope, What: c.what, Reason: "a lawsuit"})
		h.must(err)
		for _, one := range []struct {
			req   client.Erase
			keeps bool
		}{{client.Erase{Run: run.ID, Authority: byCourt, Dry: true}, c.run}, {client.Erase{Subject: "ina@example.org", Authority: byCourt, Dry: true}, c.ina}} {
			_, err := h.admin.Erase(t.Context(), one.req)
			if kept := client.IsKind(err, evidence.Conflict) && strings.Contains(err.Error(), hold.ID); kept != one.keeps || !one.keeps && err != nil {
				t.Errorf("a hold on %s %s: erasing %+v: %v", c.scope, c.what, one.req, err)
			}
		}
		h.clock.advance(800 * 24 * time.Hour)
		due, err := h.admin.Retain(t.Context(), client.Retain{Dry: true})
		h.must(err)
		if held := due.Held == 1 && len(due.Runs) == 0; held != c.run {
			t.Errorf("a hold on %s %s: due are %+v", c.scope, c.what, due)
		}
		h.clock.advance(-800 * 24 * time.Hour)
		_, err = h.admin.ReleaseHold(t.Context(), hold.ID, "over")
		kind(t, err, evidence.Denied)
		released, err := second.ReleaseHold(t.Context(), hold.ID, "over")
		h.must(err)
		if released.Status != "released" {
			t.Errorf("it is %s", released.Status)
		}
		_, err = second.ReleaseHold(t.Context(), hold.ID, "over")
		kind(t, err, evidence.Conflict)
	}
	for _, bad := range []client.PlaceHold{{Scope: "some", Reason: "x"}, {Scope: "all", What: "x", Reason: "x"}, {Scope: "all"}, {Scope: "workflow", What: "nothing", Reason: "x"}, {Scope: "run", What: "x", Reason: "x"}} {
		if _, err := h.admin.PlaceHold(t.Context(), bad); err == nil {
			t.Errorf("placed %+v", bad)
		}
	}
	h.must(func() error {
		_, err := h.admin.Erase(t.Context(), client.Erase{Run: run.ID, Authority: byCourt})
		return err
	}())
}

const oneDay = 24 * time.Hour

// TestRetention lets the periods of a manifest pass, one after the other.
func TestRetention(t *testing.T) {
	h := newHouse(t)
	h.apply(manifest(t, "payments", "approvals:\n  controller", "retention: {default: 400d, personal: 200d, confidential: 900d, floor: 200d}\napprovals:\n  controller"))
	run := h.ended()
	h.begin() // one that never ends
	retain := func(after time.Duration) client.Retained {
		t.Helper()
		h.clock.advance(after)
		r, err := h.admin.Retain(t.Context(), client.Retain{Confirm: true})
		h.must(err)
		return r
	}
	if r := retain(200 * oneDay); len(r.Runs) > 0 {
		t.Errorf("at the end of a period it took %+v", r)
	}
	// A shorter period put in force later does not shorten what was promised.
	h.apply(manifest(t, "payments", "approvals:\n  controller", "retention: {default: 10d, floor: 10d}\napprovals:\n  controller"))
	for _, step := range []struct {
		after   time.Duration
		classes string
	}{{time.Second, "personal"}, {0, ""}, {200 * oneDay, "internal"}, {500 * oneDay, "confidential"}, {5000 * oneDay, ""}} {
		r := retain(step.after)
		if step.classes == "" && len(r.Runs) > 0 || step.classes != "" && (len(r.Runs) != 1 || r.Runs[0].Run != run.ID || !slices.Contains(r.Runs[0].Classes, step.classes)) {
			t.Errorf("after %v more it took %+v, want %s", step.after, r.Runs, step.classes)
		}
		if step.classes == "" {
			continue
		}
		got := last[evidence.ErasurePerformed](h, evidence.TypeErasurePerformed)
		if got.Kind != "retention" || got.Of != run.ID || !got.Basis.Valid() || got.By != "evf" || len(got.Keys) == 0 {
			t.Errorf("recorded as %+v", got)
		}
		for _, k := range got.Keys {
			if strings.HasPrefix(k, "subject/") != (step.classes == "personal") || step.classes != "personal" && !strings.Contains(k, "/"+step.classes+"/") {
				t.Errorf("%s took key %s", step.classes, k)
			}
		}
		h.verify(h.packet(run.ID))
	}
	data := h.packet(run.ID)
	r := h.verify(data)
	if disclosed(t, data, run.ID) != 0 || len(r.Erasures) != 3 || r.Withheld == 0 {
		t.Errorf("in the end %d fields are disclosed, erasures are %+v", r.Disclosed, r.Erasures)
	}
	if notes := h.fsckNow(); len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}
}

// TestRetentionAndTheClock wants a clock that jumps to take nothing until a
// person has confirmed it, over a restart too.
func TestRetentionAndTheClock(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	retain := func(r erasure.Retention) (erasure.Retained, error) {
		return h.server.eraser.Retain(t.Context(), h.tenant(), nil, r)
	}
	for range 3 { // passes in good time are no jump
		h.clock.advance(6 * oneDay)
		_, err := retain(erasure.Retention{})
		h.must(err)
	}
	h.clock.advance(500 * oneDay)
	h.unchanged("a jump of the clock", func() {
		_, err := retain(erasure.Retention{})
		if evidence.KindOf(err) != evidence.Conflict || !strings.Contains(err.Error(), "500 days ahead") {
			t.Errorf("retention: %v", err)
		}
	})
	h.begin() // records under the new time do not make it good
	again := openHouse(t, h.copyOf(), h.clock)
	again.unchanged("a start after the jump", func() {
		_, err := again.server.eraser.Retain(t.Context(), again.tenant(), nil, erasure.Retention{})
		if evidence.KindOf(err) != evidence.Conflict {
			t.Errorf("retention after a start: %v", err)
		}
	})
	due, err := retain(erasure.Retention{Dry: true})
	h.must(err)
	done, err := retain(erasure.Retention{Confirm: true})
	h.must(err)
	if len(due.Due) != 1 || len(done.Due) != 1 || done.Due[0].Run != run.ID {
		t.Errorf("due was %+v, done %+v", due, done)
	}
	if _, err = retain(erasure.Retention{}); err != nil {
		t.Errorf("once confirmed it goes on: %v", err)
	}
}

// TestClockBeforeTheFirstPass has the clock jump before retention ever ran, and
// records come in under the new time.
func TestClockBeforeTheFirstPass(t *testing.T) {
	h := newHouse(t)
	h.ended()
	h.clock.advance(500 * oneDay)
	h.begin()
	if _, err := h.server.eraser.Retain(t.Context(), h.tenant(), nil, erasure.Retention{}); evidence.KindOf(err) != evidence.Conflict {
		t.Errorf("retention: %v", err)
	}
}

// TestErasedWhileBuilding has a run erased between the moment its packet reads
// the records and the moment it is written: what cannot be opened is never
// said to be only withheld.
func TestErasedWhileBuilding(t *testing.T) {
	h := newHouse(t)
	run := h.ended()
	errs := together(8, func(i int) error {
		if i == 0 {
			_, err := h.admin.Erase(t.Context(), client.Erase{Run: run.ID, Authority: byCourt, Expunge: []string{"step.observed"}})
			return err
		}
		data, err := h.admin.Packet(t.Context(), run.ID)
		if err != nil {
			return err
		}
		if r := h.verify(data); r.Withheld > 0 && len(redactions(t, data)[packet.ReasonWithheld]) > 0 {
			t.Errorf("a packet withholds %d fields, and says of erasures %+v", r.Withheld, r.Erasures)
		}
		return nil
	})
	for _, err := range errs {
		h.must(err)
	}
}
