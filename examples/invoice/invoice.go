// Package invoice is the worked example: an agent that handles supplier
// invoices behind the gate. It reads fields out of UBL documents, has them
// checked by a validator with an identity of its own, asks the workflow's rules
// where the case goes, and posts what it may into the books, which redeem the
// permit themselves.
//
// It is an ordinary program on the public SDK: packages client and evidence
// are all it knows of the factory.
package invoice

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/examples/invoice/books"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// Manifest is the workflow's manifest.
//
//go:embed workflow.yaml
var Manifest []byte

// Cases are what the manifest must decide.
//
//go:embed workflow.test.yaml
var Cases []byte

// Tools of the manifest.
const toolPost = "books/post_invoice"

// Config is what the agent works with.
type Config struct {
	// Agent calls with the key of identity invoice-agent.
	Agent *client.Client
	// Validator checks documents under its own key.
	Validator *Validator
	// Books is the agent's connection to the books.
	Books *books.Client
	// Initiator is the person whom the runs go back to, by mail address.
	Initiator string
	// Wait is how the agent waits between attempts; nil sleeps.
	Wait func(context.Context, time.Duration) error
	// Probe makes the agent misbehave with a permit in its hand: no permit,
	// other arguments, the same permit twice. Each must be refused.
	Probe func(name string) bool
}

// Agent handles documents one at a time.
type Agent struct{ cfg Config }

// New makes an Agent.
func New(cfg Config) *Agent {
	if cfg.Wait == nil {
		cfg.Wait = sleep
	}
	if cfg.Probe == nil {
		cfg.Probe = func(string) bool { return false }
	}
	return &Agent{cfg}
}

// Verdicts of a Result.
const (
	Posted     = "posted"
	Held       = "held"       // waits for a person
	Rejected   = "rejected"   // by the gate or by a person
	Failed     = "failed"     // permitted, and not posted
	Unreadable = "unreadable" // no invoice could be read
)

// Result is what became of a document.
type Result struct {
	File    string         `json:"file"`
	Run     evidence.RunID `json:"run"`
	Verdict string         `json:"verdict"`
	Reasons []string       `json:"reasons"`
	Rules   []Rule         `json:"rules"`
	Denied  int            `json:"denied"` // actions that the gate denied in the run
	Entry   string         `json:"entry,omitempty"`
	Refused []Refusal      `json:"refused,omitempty"`
	waiting *waiting
}

// Rule is one check's finding.
type Rule struct {
	ID      string `json:"id"`
	Suite   string `json:"suite"`
	Verdict string `json:"verdict"` // pass, fail, not-applicable or error
	OK      bool   `json:"ok"`      // pass or not-applicable
	Message string `json:"message,omitempty"`
	Pointer string `json:"pointer,omitempty"` // XPath of the first element at fault
}

// Refusal is a call that was tried and refused.
type Refusal struct {
	Tried string `json:"tried"`
	By    string `json:"by"`
	Why   string `json:"why"`
}

// waiting is what a held case needs to go on.
type waiting struct {
	action evidence.ActionID
	args   books.PostArgs
}

// Process takes one document through the workflow. The error is one of the
// way (a server gone, a broken answer); what the document deserves is in the
// Result.
func (a *Agent) Process(ctx context.Context, name string, doc []byte) (Result, error) {
	res := Result{File: name, Reasons: []string{}, Rules: []Rule{}}
	run, err := a.cfg.Agent.Begin(ctx, client.BeginRun{
		Initiator:  client.Party{Kind: "human", Name: a.cfg.Initiator},
		Dispatcher: client.Party{Kind: "schedule", Name: "invoice inbox, every five minutes"},
		Trigger:    "a file arrived in the invoice inbox",
	})
	if err != nil {
		return res, err
	}
	res.Run = run.ID
	digest := evidence.DigestOf(doc)
	if _, err := run.Record(ctx, client.Typed{Type: evidence.TypeInputReferenced, Body: evidence.InputReferenced{
		Document: digest, MediaType: "application/xml", Bytes: int64(len(doc)), Name: clip(name, 255), Origin: "invoice inbox"}}); err != nil {
		return res, err
	}
	parsed, parseErr := ubl.Parse(doc)
	if err := a.extract(ctx, run, digest, parsed, parseErr); err != nil {
		return res, err
	}
	if parseErr != nil {
		res.Verdict, res.Reasons = Unreadable, append(res.Reasons, parseErr.Error())
		return res, run.End(ctx, "failed", "The document is not an invoice that can be read.")
	}
	if res.Rules, err = a.cfg.Validator.Check(ctx, run.ID, doc); err != nil {
		return res, err
	}
	if err := a.obeyNotes(ctx, run, digest, parsed, &res); err != nil {
		return res, err
	}
	routed, err := run.Route(ctx, client.RouteCase{Document: digest, Inputs: declared(parsed)})
	if err != nil {
		return res, err
	}
	for _, r := range routed.Rules {
		if r.Matched {
			res.Reasons = append(res.Reasons, r.Detail)
		}
	}
	return res, a.act(ctx, run, &res, "", a.arguments(digest, parsed))
}

// Resume goes on with a case that was held, once a person has decided.
func (a *Agent) Resume(ctx context.Context, res *Result) error {
	if res.waiting == nil {
		return fmt.Errorf("run %s does not wait for anything", res.Run)
	}
	w := *res.waiting
	res.waiting = nil
	return a.act(ctx, a.cfg.Agent.Join(res.Run), res, w.action, w.args)
}

// act asks for leave to post, and heeds the answer.
func (a *Agent) act(ctx context.Context, run *client.RunHandle, res *Result, id evidence.ActionID, args books.PostArgs) error {
	v, err := run.Ask(ctx, id, toolPost, asValue(args))
	if err != nil {
		return err
	}
	switch v.Verdict {
	case "hold":
		res.Verdict, res.waiting = Held, &waiting{v.Action, args}
		return nil
	case "deny":
		res.Verdict = Rejected
		res.Denied++
		for _, r := range v.Reasons {
			res.Reasons = append(res.Reasons, r.Text)
		}
		return run.End(ctx, "rejected", v.Summary)
	}
	return a.post(ctx, run, res, v, args)
}

// post calls the books with the permit, and tries again where they are down.
func (a *Agent) post(ctx context.Context, run *client.RunHandle, res *Result, v client.Verdict, args books.PostArgs) error {
	leave := books.CallMeta{Permit: v.Permit.Token, Run: string(run.ID), Action: string(v.Action)}
	probing := a.cfg.Probe(res.File)
	if probing {
		a.tryWithout(ctx, res, leave, args)
	}
	posted, attempts, err := a.attempt(ctx, run, v.Action, leave, args)
	out := client.Outcome{Status: "succeeded", Attempts: int64(attempts)}
	var refused *books.RefusedError
	switch {
	case errors.As(err, &refused):
		out.Status, out.Code, out.Message = "refused", refused.Code, clip(refused.Message, 500)
	case err != nil:
		out.Status, out.Code, out.Message = "unknown", "no_answer", "the books gave no answer that could be understood"
	default:
		out.Response = asValue(map[string]any{"entry": posted.Entry.ID, "digest": posted.Entry.Digest})
	}
	if probing && err == nil {
		a.tryTwice(ctx, res, leave, args)
	}
	if err := run.Done(ctx, v.Action, out); err != nil {
		return err
	}
	if out.Status != "succeeded" {
		res.Verdict, res.Reasons = Failed, append(res.Reasons, out.Message)
		return run.End(ctx, "failed", "The posting was permitted and did not come about.")
	}
	res.Verdict, res.Entry = Posted, string(posted.Entry.ID)
	return run.End(ctx, "completed", "Posted as "+string(posted.Entry.ID)+".")
}

// maxAttempts bounds how often an unavailable target is called.
const maxAttempts = 4

// attempt calls the books until they answer otherwise than "unavailable".
// That answer promises that nothing was written and the permit is unspent, so
// trying again cannot post twice.
func (a *Agent) attempt(ctx context.Context, run *client.RunHandle, action evidence.ActionID, leave books.CallMeta, args books.PostArgs) (posted books.Posted, n int, err error) {
	for n = 1; ; n++ {
		posted, err = a.cfg.Books.PostInvoice(ctx, args, leave)
		var refused *books.RefusedError
		if !errors.As(err, &refused) || refused.Code != books.CodeUnavailable || n == maxAttempts {
			break
		}
		wait := time.Duration(n) * 50 * time.Millisecond
		if _, err := run.Record(ctx,
			client.Typed{Type: evidence.TypeOperationFailed, Body: evidence.OperationFailed{Operation: toolPost, Action: string(action), Attempt: int64(n), Code: refused.Code, Message: clip(refused.Message, 500)}},
			client.Typed{Type: evidence.TypeOperationRetried, Body: evidence.OperationRetried{Operation: toolPost, Action: string(action), Attempt: int64(n + 1), WaitMS: wait.Milliseconds()}},
		); err != nil {
			return posted, n, err
		}
		if err := a.cfg.Wait(ctx, wait); err != nil {
			return posted, n, err
		}
	}
	if err == nil && n > 1 {
		_, err = run.Record(ctx, client.Typed{Type: evidence.TypeOperationRecovered, Body: evidence.OperationRecovered{Operation: toolPost, Action: string(action), Attempts: int64(n)}})
	}
	return posted, n, err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
