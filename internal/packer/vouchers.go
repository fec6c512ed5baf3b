package packer

import (
	"fmt"
	"maps"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// activations are the records that put the manifests in force which the story
// was made under: for each of its records the last activation before it.
// Nobody but the house writes records of that type, so nobody can crowd one
// out.
func activations(tx store.Tx, story []*recorder.Opened) (rows []store.Row, err error) {
	of := map[evidence.Digest][]store.Row{} // ascending
	err = typed(tx, evidence.TypeWorkflowActivated, story, func(row store.Row, body evidence.Value) {
		d, _ := body.Get("digest")
		of[evidence.Digest(d.Text())] = append(of[evidence.Digest(d.Text())], row)
	})
	if err != nil {
		return nil, err
	}
	found := map[uint64]store.Row{}
	for _, o := range story {
		if o.Expunged() || o.Workflow == nil {
			continue
		}
		before := of[o.Workflow.Digest]
		n, _ := slices.BinarySearchFunc(before, o.Seq, func(r store.Row, seq uint64) int { return int(r.Seq) - int(seq) })
		if n == 0 {
			return nil, fmt.Errorf("no record says when manifest %s was put in force: run fsck", o.Workflow.Digest)
		}
		found[before[n-1].Seq] = before[n-1]
	}
	return slices.Collect(maps.Values(found)), nil
}

// registrations are the records of who approved in the story: which roles they
// held and when. Without them nobody could say whether an approval was good.
func registrations(tx store.Tx, story []*recorder.Opened) (rows []store.Row, err error) {
	approvers := map[string]bool{}
	for _, o := range story {
		if !o.Expunged() && o.Record.Type == evidence.TypeApprovalDecided {
			who, _ := o.Record.Body.Get("approver")
			approvers[who.Text()] = true
		}
	}
	if len(approvers) == 0 {
		return nil, nil
	}
	err = typed(tx, evidence.TypePersonChanged, story, func(row store.Row, body evidence.Value) {
		if who, _ := body.Get("person"); approvers[who.Text()] {
			rows = append(rows, row)
		}
	})
	return rows, err
}

// stops are the stop orders that covered the story's workflow, and their ends.
// Without them nobody could say why nothing was allowed.
func stops(tx store.Tx, story []*recorder.Opened) (rows []store.Row, err error) {
	workflows := map[string]bool{"": true}
	for _, o := range story {
		if !o.Expunged() && o.Workflow != nil {
			workflows[o.Workflow.Name] = true
		}
	}
	for _, t := range []evidence.Type{evidence.TypeStopEngaged, evidence.TypeStopReleased} {
		err := typed(tx, t, story, func(row store.Row, body evidence.Value) {
			if name, _ := body.Get("workflow"); workflows[name.Text()] {
				rows = append(rows, row)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// typed goes through the house's records of a type that come before the end of
// the story.
func typed(tx store.Tx, t evidence.Type, story []*recorder.Opened, visit func(store.Row, evidence.Value)) error {
	const page = 256
	end := story[len(story)-1].Seq
	for from := uint64(0); from < end; {
		rows, err := tx.TypeRows(t, from, page)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if from = row.Seq + 1; row.Seq > end {
				break
			}
			r, err := evidence.ParseRecord(row.Record)
			if err != nil {
				return err
			}
			visit(row, r.Body)
		}
	}
	return nil
}

// subjects are the people whose values the records withhold.
func subjects(story []*recorder.Opened) (refs []string) {
	for _, o := range story {
		if o.Expunged() {
			continue
		}
		for _, w := range o.Withheld {
			if ref := o.Subject(w.Pointer); ref != "" {
				refs = append(refs, ref)
			}
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}
