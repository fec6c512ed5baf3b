package erasure

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store/storetest"
	"github.com/evidencefactory/evf/internal/vault"
)

// macs reads the MACs of the records that withhold something under a key whose
// full name holds some text, straight out of the database.
func (h *fixture) macs(key string) (list [][]byte) {
	h.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path("evf.db")+"?_pragma=query_only(1)")
	h.must(err)
	defer db.Close()
	for _, row := range h.rows() {
		names, ok := vault.KeysOf(row.Vault)
		if !ok || !slices.ContainsFunc(names, func(full string) bool { return strings.Contains(full, key) }) {
			continue
		}
		var mac []byte
		h.must(db.QueryRow("SELECT mac FROM record WHERE id=?", string(row.ID)).Scan(&mac))
		list = append(list, mac)
	}
	if len(list) == 0 {
		h.Fatalf("no record withholds anything under a key of %s", key)
	}
	return list
}

// kept counts those of some MACs that stand in a file.
func (h *fixture) kept(macs [][]byte) (n int) {
	h.Helper()
	for _, mac := range macs {
		if len(mac) > 0 && h.holds(string(mac)) {
			n++
		}
	}
	return n
}

// draft is one that can be sent again.
func draft(run evidence.RunID, typ evidence.Type, body any) recorder.Draft {
	return recorder.Draft{ID: evidence.RecordID(storetest.NewID()), Type: typ, Occurred: "2026-03-02T09:00:00.000000000Z", Run: run, Body: evidence.Body(body)}
}

// send has the house append a draft, and says whether it was a repeat.
func (h *fixture) send(d recorder.Draft) (repeat bool, err error) {
	placed, err := h.rec.Append(h.Context(), recorder.Origin{Tenant: h.tenant, Submitter: "evf", House: true, Actor: evidence.Actor{Kind: "platform", Ref: "evf"},
		Source: evidence.Source{Name: "evf", Kind: "test", Version: "1"}, Identity: "agent", Assurance: "declared"}, recorder.Batch{Drafts: []recorder.Draft{d}})
	return err == nil && placed[0].Repeat, err
}

// TestForget destroys keys and sends everything again: only what lay under
// them is not recognised any more, and nothing is accepted as new.
func TestForget(t *testing.T) {
	run, other := evidence.RunID(storetest.NewID()), evidence.RunID(storetest.NewID())
	ina := evidence.Person{Kind: "human", Ref: "person-ina", Name: "Ina"}
	drafts := map[string]recorder.Draft{
		"start":    draft(run, evidence.TypeRunStarted, evidence.RunStarted{Initiator: ina, Dispatcher: ina, Trigger: "a mail"}),
		"step":     draft(run, evidence.TypeStepObserved, evidence.StepObserved{Step: "s", Status: "finished", Summary: "guarded"}),
		"bare":     draft(run, evidence.TypeStepObserved, evidence.StepObserved{Step: "s", Status: "finished"}),
		"fields":   draft(run, evidence.TypeFieldsExtracted, evidence.FieldsExtracted{Document: evidence.ZeroDigest, Extractor: "x", Version: "1", Readable: true, Fields: []evidence.ExtractedField{{Name: "total", Value: "12.00", Pointer: "/a", Confidence: 1}}}),
		"late":     draft(run, evidence.TypeStepObserved, evidence.StepObserved{Step: "s", Status: "finished", Summary: "behind many others"}),
		"other":    draft(other, evidence.TypeRunStarted, evidence.RunStarted{Initiator: ina, Dispatcher: ina, Trigger: "a mail"}),
		"of house": draft("", evidence.TypePersonChanged, evidence.PersonChanged{Person: "person-ina", Name: "Ina", Active: true, Roles: []string{}, By: "evf"}),
		"on house": draft("", evidence.TypePersonChanged, evidence.PersonChanged{Person: "person-bo", Name: "Bo", Active: true, Roles: []string{}, By: "evf"}),
	}
	for _, c := range []struct {
		name string
		keys []string
		want []string
	}{
		{"one class of a run", []string{"run/" + string(run) + "/internal/1"}, []string{"late", "start", "step"}},
		{"another class", []string{"run/" + string(run) + "/confidential/1"}, []string{"fields"}},
		{"a person in a run", []string{"subject/person-ina/" + string(run) + "/1"}, []string{"start"}},
		{"a person everywhere", []string{"subject/person-ina/" + string(run) + "/1", "subject/person-ina/" + string(other) + "/1", "subject/person-ina/house/1"}, []string{"of house", "other", "start"}},
		{"a later generation", []string{"run/" + string(run) + "/internal/2", "subject/person-ina/house/2"}, nil},
		{"nobody's", []string{"subject/person-cy/house/1", "run/" + storetest.NewID() + "/internal/1"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, t.TempDir())
			for _, name := range []string{"start", "step", "bare", "fields", "other", "of house", "on house"} {
				_, err := h.send(drafts[name])
				h.must(err)
			}
			for range forgetPage {
				_, err := h.send(draft(run, evidence.TypeStepObserved, evidence.StepObserved{Step: "s", Status: "finished"}))
				h.must(err)
			}
			_, err := h.send(drafts["late"])
			h.must(err)
			for range 2 {
				h.must(Forget(t.Context(), h.tenant, c.keys))
			}
			n := len(h.rows())
			var forgotten []string
			for _, name := range slices.Sorted(maps.Keys(drafts)) {
				switch repeat, err := h.send(drafts[name]); {
				case evidence.KindOf(err) == evidence.Conflict && strings.Contains(err.Error(), "was erased"):
					forgotten = append(forgotten, name)
				case err != nil || !repeat:
					t.Errorf("%s: repeat %t, %v", name, repeat, err)
				}
			}
			if !slices.Equal(forgotten, c.want) || len(h.rows()) != n {
				t.Errorf("forgotten %v, want %v; %d records, want %d", forgotten, c.want, len(h.rows()), n)
			}
		})
	}
}

// TestForgetBehindAnother stops an erasure before MACs are cleared, and carries
// out another: the later one must not leave the earlier one behind, nor does a
// start look at either again.
func TestForgetBehindAnother(t *testing.T) {
	h := told(t)
	first := Order{Kind: "run", Run: h.run, authority: "a court", by: "person-1"}
	macs := h.macs(string(h.run))
	h.run = evidence.RunID(storetest.NewID())
	h.record(evidence.TypeRunStarted, evidence.RunStarted{Initiator: evidence.Person{Kind: "human", Ref: "person-ina", Name: "Ina"},
		Dispatcher: evidence.Person{Kind: "human", Ref: "person-ina", Name: "Ina"}, Trigger: "a mail"})
	h.record(evidence.TypeRunEnded, evidence.RunEnded{Outcome: "completed", Records: 1})
	macs = append(macs, h.macs(string(h.run))...)
	second := Order{Kind: "run", Run: h.run, authority: "a court", by: "person-1"}

	h.eraser.step = failing("forget", false)
	if _, err := h.eraser.carryOut(t.Context(), h.tenant, h.by, []Order{first}, false); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	if notes := fmt.Sprint(h.fsck()); !strings.Contains(notes, "against the MACs of retries") {
		t.Errorf("fsck notes %s", notes)
	}
	steps := 0
	h.eraser.step = func(_ string, do func() error) error { steps++; return do() }
	_, err := h.eraser.carryOut(t.Context(), h.tenant, h.by, []Order{second}, false)
	h.must(err)
	if n := h.kept(macs); n > 0 {
		t.Errorf("%d of %d MACs still stand in a file", n, len(macs))
	}
	if notes := h.fsck(); len(notes) > 0 {
		t.Errorf("fsck notes %v", notes)
	}
	steps = 0
	h.must(h.eraser.Resume(t.Context(), h.tenant))
	if steps > 0 {
		t.Errorf("%d steps are done again where nothing is left to do", steps)
	}
}
