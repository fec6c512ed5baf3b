package gate

import (
	"context"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// maxStory bounds the records of a run that a presentation is drawn from.
const maxStory = 10000

// present gathers what a person needs to see to decide: what is asked, why it
// came to them, the facts with their places, and exactly what will happen.
func (g *Gate) present(ctx context.Context, by *identity.Caller, s *seen, a Action, d *judged) error {
	d.initiator = s.Run.Initiator
	p := &d.shown
	*p = approval.Presentation{
		Workflow: approval.PresentedWorkflow{Name: s.workflow.Workflow, Purpose: s.workflow.Purpose, Digest: s.workflow.Digest(), Tier: string(s.workflow.Tier)},
		Run:      a.Run, From: approval.PresentedParty{Kind: d.initiator.Kind, Ref: d.initiator.Ref},
		Action: approval.PresentedAction{ID: a.ID, Tool: a.Tool, Impact: d.record.Tool.Impact, Document: s.Document, Args: a.Args},
	}
	for _, r := range d.answer.Reasons {
		p.Why = append(p.Why, r.Text)
	}
	var rows []store.Row
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		rows, err = s.story(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		o, err := g.rec.Open(ctx, by.Tenant.ID(), row)
		if err != nil {
			return err
		}
		if err := show(d, o); err != nil {
			return err
		}
	}
	return nil
}

// story are the records that a decision rests on, each the latest about its
// thing: how the run began, the fields, the checks, the routing.
func (s *seen) story(tx store.Tx) (rows []store.Row, err error) {
	seqs := []uint64{s.Run.Seq}
	for _, c := range s.Checks {
		if len(s.workflow.Counted(c)) > 0 {
			seqs = append(seqs, c.Seq)
		}
	}
	if s.Routed() {
		seqs = append(seqs, s.Route.Seq)
	}
	for _, seq := range seqs {
		row, err := tx.Rows(seq, 1)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row...)
	}
	fields, err := s.fields(tx)
	return append(rows, fields...), err
}

// fields finds the latest extraction from the document. A run too long to look
// through is refused: a person must not be shown less than there is because
// something else was recorded a lot.
func (s *seen) fields(tx store.Tx) (latest []store.Row, err error) {
	const page = 500
	for read, from := 0, s.Run.Seq; s.Document != ""; {
		rows, err := tx.RunRows(s.Run.ID, from, page)
		if err != nil || len(rows) == 0 {
			return latest, err
		}
		for _, row := range rows {
			from = row.Seq + 1
			if row.Type != evidence.TypeFieldsExtracted {
				continue
			}
			r, err := evidence.ParseRecord(row.Record)
			if err != nil {
				return nil, err
			}
			if of, _ := r.Body.Get("document"); evidence.Digest(of.Text()) == s.Document {
				latest = []store.Row{row}
			}
		}
		if read += len(rows); read >= maxStory {
			return nil, evidence.Errorf(evidence.Invalid, "/run", "has more than %d records: what it did cannot be shown to a person; begin a new run", maxStory)
		}
	}
	return nil, nil
}

// show adds what one record has to say.
func show(d *judged, o *recorder.Opened) error {
	switch o.Record.Type {
	case evidence.TypeRunStarted:
		body, err := evidence.Decode[evidence.RunStarted](o.Full)
		d.initiator = body.Initiator
		return err
	case evidence.TypeFieldsExtracted:
		return showFields(&d.shown, o)
	case evidence.TypeCheckResult:
		return showChecks(&d.shown, o)
	}
	return showRules(&d.shown, o)
}

func showFields(p *approval.Presentation, o *recorder.Opened) error {
	body, err := evidence.Decode[evidence.FieldsExtracted](o.Full)
	for _, f := range body.Fields {
		p.Facts = append(p.Facts, approval.PresentedFact{Name: f.Name, Value: f.Value, Pointer: f.Pointer, Confidence: f.Confidence})
	}
	return err
}

func showChecks(p *approval.Presentation, o *recorder.Opened) error {
	body, err := evidence.Decode[evidence.CheckResult](o.Full)
	for _, c := range body.Checks {
		switch c.Outcome {
		case "pass":
			p.Passed++
		case "fail", "error":
			p.Checks = append(p.Checks, approval.PresentedCheck{Check: body.Suite + "/" + c.Check, Outcome: c.Outcome, Message: c.Message, Pointer: c.Pointer})
		}
	}
	return err
}

func showRules(p *approval.Presentation, o *recorder.Opened) error {
	body, err := evidence.Decode[evidence.DecisionRouted](o.Full)
	for _, r := range body.Rules {
		if r.Matched {
			p.Rules = append(p.Rules, approval.PresentedRule{Rule: r.Rule, Version: r.Version, Summary: r.Summary, Detail: r.Detail, Threshold: r.Threshold, Value: r.Value, Band: r.Band})
		}
	}
	return err
}
