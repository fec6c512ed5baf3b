package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/recorder"
)

// told is a batch of drafts in the making: what a house writes down of a run
// in which an agent books invoices and a person approves each.
type told struct {
	run    evidence.RunID
	number int // of the invoice at hand
	drafts []recorder.Draft
}

func (t *told) add(typ evidence.Type, body any) {
	t.drafts = append(t.drafts, recorder.Draft{ID: evidence.RecordID(newID()), Type: typ, Occurred: now(), Run: t.run, Body: evidence.Body(body)})
}

func (t *told) begin() {
	t.add(evidence.TypeRunStarted, evidence.RunStarted{
		Initiator:  evidence.Person{Kind: "human", Ref: "person-1", Name: "Ana Ruiz"},
		Dispatcher: evidence.Person{Kind: "workload", Ref: "workload-1"}, Trigger: "mail 771 with an invoice",
	})
}

func (t *told) end(records int) {
	t.add(evidence.TypeRunEnded, evidence.RunEnded{Outcome: "completed", Summary: "Every invoice is booked.", Records: int64(records)})
}

// perInvoice is how many records an invoice gives.
const perInvoice = 18

// invoice tells of one invoice, from the mail to the entry in the books.
func (t *told) invoice() {
	t.number++
	document := evidence.DigestOf(fmt.Appendf(nil, "%s %d", t.run, t.number))
	t.step("read-invoice", "The invoice was read from its XML; totals and tax agree with the lines.")
	t.add(evidence.TypeInputReferenced, evidence.InputReferenced{Document: document, MediaType: "application/xml", Bytes: 8213, Name: "invoice.xml"})
	t.add(evidence.TypeFieldsExtracted, extracted(document))
	t.add(evidence.TypeModelCalled, evidence.ModelCalled{Provider: "provider", Model: "model-1", InputTokens: 2048, OutputTokens: 512, Status: "ok"})
	t.check(document, "en16931", 8)
	t.check(document, "vendor", 3)
	t.add(evidence.TypeDecisionRouted, evidence.DecisionRouted{Document: document, Outcome: "person", To: []string{"controller"},
		Rules:   []evidence.RuleOutcome{{Rule: "limit", Version: 4, Matched: true, Input: "total", Op: "above", Threshold: "10000.00", Value: "12480.00", To: "controller"}},
		Summary: "The total is above the limit."})
	t.step("post-entry", "The entry waits for the controller.")
	t.act(document)
	t.step("file-invoice", "The invoice was filed under its entry.")
}

func (t *told) step(name, summary string) {
	t.add(evidence.TypeStepObserved, evidence.StepObserved{Step: name, Status: "finished", Summary: summary})
}

func extracted(document evidence.Digest) evidence.FieldsExtracted {
	f := evidence.FieldsExtracted{Document: document, Extractor: "ubl", Version: "2.1.0", Readable: true}
	for i := range 6 {
		f.Fields = append(f.Fields, evidence.ExtractedField{Name: "line." + strconv.Itoa(i) + ".amount", Value: "1234.50",
			Pointer: fmt.Sprintf("/Invoice/cac:InvoiceLine[%d]/cbc:LineExtensionAmount", i+1), Confidence: 990})
	}
	return f
}

func (t *told) check(document evidence.Digest, suite string, n int) {
	c := evidence.CheckResult{Document: document, Suite: suite, Version: "1", Outcome: "pass"}
	for i := range n {
		c.Checks = append(c.Checks, evidence.CheckOutcome{Check: fmt.Sprintf("BR-%02d", i+1), Version: "1", Outcome: "pass"})
	}
	t.add(evidence.TypeCheckResult, c)
}

// act asks for an action, has a person approve it, and does it.
func (t *told) act(document evidence.Digest) {
	action, approval, expires := newID(), newID(), now()
	tool := evidence.Tool{Server: "books", Name: "post_entry", Impact: "high"}
	args, sealed := salted("args", `{"amount":"12480.00","vendor":"V-104"}`)
	presented, shown := salted("presentation", `{"title":"Post 12,480.00 EUR to vendor V-104"}`)
	decided := evidence.AuthorizationDecided{
		Action: action, Tool: tool, ArgsDigest: args, Sealed: sealed, Document: document, Verdict: "hold", Mode: "enforce",
		Identity: "invoice-agent", Grant: "grant-1", PolicySet: evidence.DigestOf([]byte(policies)), Schema: evidence.DigestOf([]byte(schema)),
		Engine: "cedar", Request: evidence.StringValue("request"), Require: []string{"controller"}, Summary: "A person must approve it.",
		Assurance: "enforced", Facts: evidence.Facts{ChecksPassed: true, Routed: true, InitiatorKind: "human"},
	}
	t.add(evidence.TypeAuthorizationDecided, decided)
	t.add(evidence.TypeApprovalRequested, evidence.ApprovalRequested{
		Approval: approval, Name: "controller", Action: action, Tool: tool, ArgsDigest: args, Presentation: presented, Shown: shown,
		Role: "ap-controller", Quorum: 1, Expires: expires, ApartFrom: []evidence.Excluded{{Ref: "person-1", Why: "initiator"}},
		Summary: "Post the entry?", Assurance: "enforced"})
	t.add(evidence.TypeApprovalDecided, evidence.ApprovalDecided{
		Approval: approval, Action: action, Decision: "approve", Approver: "person-2", ApproverName: "Bo Lind",
		Presentation: presented, Comment: "As ordered.", Assurance: "enforced"})
	t.add(evidence.TypeApprovalConsumed, evidence.ApprovalConsumed{Approval: approval, Action: action, ArgsDigest: args, Assurance: "enforced"})
	decided.Verdict, decided.Require, decided.Approvals, decided.Summary = "allow", nil, []string{approval}, "A person approved it."
	t.add(evidence.TypeAuthorizationDecided, decided)
	t.add(evidence.TypeActionStarted, evidence.ActionStarted{Action: action, Tool: tool, ArgsDigest: args, Execution: "target", Expires: expires, Assurance: "enforced"})
	t.add(evidence.TypeActionRedeemed, evidence.ActionRedeemed{Action: action, Tool: tool, ArgsDigest: args, Redeemer: "books", Assurance: "enforced"})
	t.add(evidence.TypeActionFinished, evidence.ActionFinished{Action: action, Status: "succeeded", Attempts: 1, Message: "posted", Assurance: "declared"})
	t.add(evidence.TypeChangeObserved, evidence.ChangeObserved{Action: action, Target: "books", Entry: "E-" + action, Digest: evidence.DigestOf([]byte(action))})
}

// salted is a value with its salt, as it is withheld, and its salted digest.
func salted(member, text string) (evidence.Digest, evidence.Value) {
	v, err := evidence.ParseValue([]byte(text))
	if err != nil {
		panic("bench: " + err.Error()) // only for a text above that is no JSON
	}
	salt := []byte("0123456789abcdef")
	digest, err := evidence.SaltedDigest(salt, v)
	if err != nil {
		panic("bench: " + err.Error())
	}
	both, err := evidence.ObjectValue(evidence.Field{Name: "salt", Value: evidence.StringValue(base64.RawURLEncoding.EncodeToString(salt))},
		evidence.Field{Name: member, Value: v})
	if err != nil {
		panic("bench: " + err.Error())
	}
	return digest, both
}

// What decisions cite.
const (
	manifest = "workflow: invoice\n"
	policies = "permit (principal, action, resource);"
	schema   = "namespace EVF {}"
)

// tell appends a run of so many invoices, and answers how many records it has.
func (h *house) tell(ctx context.Context, run evidence.RunID, invoices int) (int, error) {
	t := &told{run: run}
	written := 0
	flush := func() error {
		o := h.origin
		o.House = true
		_, err := h.recorder.Append(ctx, o, recorder.Batch{Drafts: t.drafts})
		written += len(t.drafts)
		t.drafts = t.drafts[:0]
		return err
	}
	t.begin()
	for range invoices {
		if t.invoice(); len(t.drafts) > recorder.MaxBatch-2*perInvoice {
			if err := flush(); err != nil {
				return 0, err
			}
		}
	}
	t.end(written + len(t.drafts))
	err := flush()
	return written, err
}
