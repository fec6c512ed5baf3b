package gate

import (
	"context"
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// maxStory bounds the records of a run that a presentation is drawn from.
const maxStory = 2000

// present gathers what a person needs to see to decide: what is asked, why it
// came to them, the facts with their places, and exactly what will happen.
func (g *Gate) present(ctx context.Context, by *identity.Caller, s *seen, a Action, d *decision) (approval.Presentation, error) {
	p := approval.Presentation{
		Workflow: approval.PresentedWorkflow{Name: s.workflow.Workflow, Purpose: s.workflow.Purpose, Digest: s.workflow.Digest(), Tier: string(s.workflow.Tier)},
		Run:      a.Run, From: s.Run.Initiator,
		Action: approval.PresentedAction{ID: a.ID, Tool: a.Tool, Impact: d.record.Tool.Impact, Document: s.document, Args: a.Args},
	}
	for _, r := range d.verdict.Reasons {
		p.Why = append(p.Why, r.Text)
	}
	var rows []store.Row
	err := by.Tenant.View(ctx, func(tx store.Tx) (err error) {
		rows, err = tx.RunRows(a.Run, s.Run.Seq, maxStory)
		return err
	})
	if err != nil {
		return p, err
	}
	for _, row := range rows {
		if err := g.show(ctx, by.Tenant.ID(), &p, row, s.document); err != nil {
			return p, err
		}
	}
	return p, nil
}

// show adds what one record has to say. Later records about the same thing
// replace earlier ones.
func (g *Gate) show(ctx context.Context, t evidence.TenantID, p *approval.Presentation, row store.Row, document evidence.Digest) error {
	if !slices.Contains([]evidence.Type{evidence.TypeRunStarted, evidence.TypeFieldsExtracted, evidence.TypeCheckResult, evidence.TypeDecisionRouted}, row.Type) {
		return nil
	}
	o, err := g.rec.Open(ctx, t, row)
	if err != nil {
		return err
	}
	if at, _ := o.Full.Get("document"); row.Type != evidence.TypeRunStarted && evidence.Digest(at.Text()) != document {
		return nil
	}
	switch row.Type {
	case evidence.TypeRunStarted:
		return showRun(p, o)
	case evidence.TypeFieldsExtracted:
		return showFields(p, o)
	case evidence.TypeCheckResult:
		return showChecks(p, o)
	}
	return showRules(p, o)
}

func showRun(p *approval.Presentation, o *recorder.Opened) error {
	body, err := evidence.Decode[evidence.RunStarted](o.Full)
	p.From = body.Initiator
	return err
}

func showFields(p *approval.Presentation, o *recorder.Opened) error {
	body, err := evidence.Decode[evidence.FieldsExtracted](o.Full)
	p.Facts = nil
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
	p.Rules = nil
	for _, r := range body.Rules {
		if r.Matched {
			p.Rules = append(p.Rules, approval.PresentedRule{Rule: r.Rule, Version: r.Version, Summary: r.Summary, Threshold: r.Threshold, Value: r.Value, Band: r.Band})
		}
	}
	return err
}

// apart names who may not decide: those whom the run goes back to, and who
// wrote the rules it runs under.
func (s *seen) apart(whys []string) (list []evidence.Excluded) {
	who := map[string]string{"initiator": s.Run.Initiator.Ref, "dispatcher": s.Run.Dispatcher.Ref, "author": s.author}
	for _, why := range whys {
		if who[why] != "" {
			list = append(list, evidence.Excluded{Ref: who[why], Why: why})
		}
	}
	return list
}
