package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"reflect"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/gate"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/thread"
)

// routes is the whole surface.
func (a *API) routes() []route {
	return []route{
		takes("POST", "/v1/runs", identity.RunWork, "Begin a run", a.beginRun),
		takes("POST", "/v1/runs/{id}/end", identity.RunWork, "End a run", a.endRun),
		takes("POST", "/v1/runs/{id}/route", identity.RunWork, "Ask the manifest's rules where a case goes", a.route),
		gives("/v1/runs", identity.Read, "List runs", a.listRuns),
		gives("/v1/runs/{id}", identity.Read, "Show a run with its records and slots", a.showRun),
		{"POST", "/v1/records", identity.RunWork, "Submit records: one object, or NDJSON, all or none",
			reflect.TypeFor[client.Draft](), reflect.TypeFor[client.PlacedList](), a.submit},

		takes("POST", "/v1/actions", identity.RunWork, "Ask whether an action may run", a.ask),
		takes("POST", "/v1/actions/{id}/outcome", identity.RunWork, "Say what came of an action", a.outcome),
		takes("POST", "/v1/permits/redeem", identity.Redeem, "Spend a permit, as the target", a.redeem),

		gives("/v1/approvals", identity.Decide, "List approvals", a.listApprovals),
		gives("/v1/approvals/{id}", identity.Decide, "Show an approval and its presentation; the look becomes a record", a.showApproval),
		takes("POST", "/v1/approvals/{id}/decide", identity.Decide, "Decide an approval", a.decide),

		takes("POST", "/v1/workflows", identity.Configure, "Put a manifest in force", a.applyWorkflow),
		gives("/v1/workflows", identity.Read, "List workflows", a.listWorkflows),
		gives("/v1/workflows/{name}", identity.Read, "Show a workflow and its manifest", a.showWorkflow),
		takes("POST", "/v1/workflows/{name}/retire", identity.Configure, "Take a workflow out of force", a.retireWorkflow),

		takes("POST", "/v1/stops", identity.Stop, "Stop a workflow, or all", a.engageStop),
		gives("/v1/stops", identity.Read, "List stop orders", a.listStops),
		takes("POST", "/v1/stops/release", identity.Stop, "Release a stop, as someone other than who engaged it", a.releaseStop),

		takes("POST", "/v1/keys", identity.Manage, "Make a key for a person or an identity", a.createKey),
		gives("/v1/keys", identity.Manage, "List keys", a.listKeys),
		takes("POST", "/v1/keys/{id}/revoke", identity.Manage, "End a key at once", a.revokeKey),

		takes("POST", "/v1/erasures", identity.Erase, "Erase a subject's or a run's values, and the bytes of its records, by authority", a.erase),
		takes("POST", "/v1/retention", identity.Erase, "Let retention run, or say what is due", a.retain),
		takes("POST", "/v1/holds", identity.Hold, "Place a legal hold", a.placeHold),
		gives("/v1/holds", identity.Read, "List legal holds", a.listHolds),
		takes("POST", "/v1/holds/{id}/release", identity.Hold, "Release a legal hold, as someone other than who placed it", a.releaseHold),

		takes("POST", "/v1/packets", identity.Export, "Build the packet of a run", a.buildPacket),
		gives("/v1/log", identity.Read, "Say which log seals the records, and its key", a.log),
		gives("/log/{tenant}/checkpoint", identity.Read, "The signed checkpoint (C2SP tlog-checkpoint)", a.checkpoint),
		gives("/log/{tenant}/tile/{path...}", identity.Read, "A tile or entry bundle (C2SP tlog-tiles)", a.tile),
	}
}

func (a *API) beginRun(ctx context.Context, c *call, in client.BeginRun) (client.Placed, error) {
	if !evidence.IsUUIDv7(string(in.Run)) {
		return client.Placed{}, evidence.Errorf(evidence.Invalid, "/run", "is not a lower-case UUIDv7")
	}
	p, err := a.cfg.Threads.Begin(ctx, c.by, thread.Begin{Run: in.Run, Occurred: in.Occurred, Initiator: thread.Party(in.Initiator),
		Dispatcher: thread.Party(in.Dispatcher), Trigger: in.Trigger, Links: in.Links})
	return client.Placed(p), err
}

func (a *API) endRun(ctx context.Context, c *call, in client.EndRun) (client.Placed, error) {
	p, err := a.cfg.Threads.End(ctx, c.by, recorder.Draft{ID: in.ID, Occurred: in.Occurred, Run: evidence.RunID(c.PathValue("id")),
		Body: evidence.Body(evidence.RunEnded{Outcome: in.Outcome, Summary: in.Summary})})
	return client.Placed(p), err
}

func (a *API) route(ctx context.Context, c *call, in client.RouteCase) (client.Routed, error) {
	if in.Document != "" && !in.Document.Valid() {
		return client.Routed{}, evidence.Errorf(evidence.Invalid, "/document", "is not a digest: sha256: and 64 hexadecimal digits")
	}
	r, err := a.cfg.Gate.Route(ctx, c.by, gate.Case{ID: in.ID, Occurred: in.Occurred, Run: evidence.RunID(c.PathValue("id")), Document: in.Document, Inputs: in.Inputs})
	if err != nil {
		return client.Routed{}, err
	}
	return client.Routed{Record: client.Placed(r.Placed), To: r.To, Summary: r.Summary, Rules: r.Rules}, nil
}

func (a *API) submit(ctx context.Context, c *call) (any, error) {
	data, err := readBody(c.Request, maxLines)
	if err != nil {
		return nil, err
	}
	lines, inLine := [][]byte{data}, func(_ int, err error) error { return err }
	switch kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type")); kind {
	case "application/json":
	case "application/x-ndjson":
		lines = bytes.Split(bytes.TrimRight(data, "\r\n"), []byte("\n"))
		inLine = func(i int, err error) error { return &lineError{i + 1, err} }
	default:
		return nil, evidence.Errorf(evidence.Invalid, "Content-Type", "is not application/json or application/x-ndjson")
	}
	if len(lines) > recorder.MaxBatch {
		return nil, evidence.Errorf(evidence.Invalid, "", "%d lines, at most %d are kept at once: send several batches", len(lines), recorder.MaxBatch)
	}
	drafts := make([]recorder.Draft, len(lines))
	for i, line := range lines {
		if drafts[i], err = recorder.ParseDraft(line); err != nil {
			return nil, inLine(i, err)
		}
	}
	placed, err := a.cfg.Threads.Submit(ctx, c.by, drafts)
	var at *recorder.DraftError
	if errors.As(err, &at) {
		return nil, inLine(at.Index, at.Err)
	}
	if err != nil {
		return nil, inLine(0, err) // a DraftError where there are several
	}
	out := client.PlacedList{}
	for _, p := range placed {
		out.Records = append(out.Records, client.Placed(p))
	}
	return out, nil
}

func (a *API) ask(ctx context.Context, c *call, in client.AskAction) (client.Verdict, error) {
	from, err := sources(&in)
	if err != nil {
		return client.Verdict{}, err
	}
	v, err := a.cfg.Gate.Before(ctx, c.by, gate.Action{ID: in.ID, Run: in.Run, Tool: in.Tool, Args: in.Args, Sources: from})
	if err != nil {
		return client.Verdict{}, err
	}
	out := client.Verdict{Action: in.ID, Verdict: v.Effect, Evaluated: v.Evaluated, Summary: v.Summary, Reasons: v.Reasons, Policies: v.Policies, Record: v.Record}
	if v.Permit != "" {
		out.Permit = &client.Permit{Token: v.Permit, Expires: v.Expires}
	}
	for _, w := range v.Approvals {
		out.Approvals = append(out.Approvals, client.Waiting{ID: w.ID, Name: w.Name, Role: w.Role, Expires: w.Expires})
	}
	return out, nil
}

// maxSources bounds the texts of either kind that an action brings along.
const maxSources = 64

// sources are the texts that the arguments of an action may come from.
func sources(in *client.AskAction) (s decision.Sources, err error) {
	for at, n := range map[string]int{"/inputs": len(in.Inputs), "/untrusted": len(in.Untrusted)} {
		if n > maxSources {
			return s, evidence.Errorf(evidence.Invalid, at, "has %d entries, at most %d are allowed", n, maxSources)
		}
	}
	for i, input := range in.Inputs {
		switch input.Source {
		case "", "field":
			s.Cited = append(s.Cited, input.Value)
		case "person":
			s.Person = append(s.Person, input.Value)
		default:
			return s, evidence.Errorf(evidence.Invalid, fmt.Sprintf("/inputs/%d/source", i), "is neither field nor person")
		}
	}
	s.Untrusted = in.Untrusted
	return s, nil
}

func (a *API) outcome(ctx context.Context, c *call, in client.Outcome) (client.Placed, error) {
	p, err := a.cfg.Gate.Done(ctx, c.by, evidence.ActionID(c.PathValue("id")), gate.Outcome{ID: in.ID, Occurred: in.Occurred, Status: in.Status,
		Attempts: in.Attempts, Code: in.Code, Message: in.Message, Response: in.Response})
	return client.Placed(p), err
}

func (a *API) redeem(ctx context.Context, c *call, in client.Redemption) (client.Redeemed, error) {
	err := a.cfg.Gate.Redeem(ctx, c.by, gate.Redemption{Action: in.Action, Run: in.Run, Permit: in.Permit, Tool: in.Tool, Args: in.Args})
	return client.Redeemed{Action: in.Action}, err
}

func (a *API) listApprovals(ctx context.Context, c *call) (client.Approvals, error) {
	q := c.URL.Query()
	limit, err := limitOf(c)
	if err != nil {
		return client.Approvals{}, err
	}
	list, err := a.cfg.Desk.ListFor(ctx, c.by, q.Get("status"), q.Get("after"), limit)
	out := client.Approvals{}
	for _, ap := range list {
		out.Approvals = append(out.Approvals, approvalOf(ap))
	}
	return out, err
}

func approvalOf(a store.Approval) client.Approval {
	return client.Approval{ID: a.ID, Name: a.Name, Status: a.Status, Action: a.Action, Run: a.Run, Role: a.Role, Quorum: a.Quorum,
		Approvers: a.Approvers, Expires: a.Expires, Presentation: a.Presentation, Summary: a.Summary}
}

func (a *API) showApproval(ctx context.Context, c *call) (client.Approval, error) {
	seen, err := a.cfg.Desk.Show(ctx, c.by, evidence.ApprovalID(c.PathValue("id")))
	if err != nil {
		return client.Approval{}, err
	}
	out := approvalOf(seen.Approval)
	out.Shown, out.Initiator = seen.Presentation, seen.Initiator
	return out, nil
}

// limitOf reads the limit of a listing, 100 where absent.
func limitOf(c *call) (int, error) {
	s := c.URL.Query().Get("limit")
	if s == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1000 {
		return 0, evidence.Errorf(evidence.Invalid, "limit", "is not a number from 1 to 1000")
	}
	return n, nil
}

// tile answers with a published file of the caller's own tenant.
func (a *API) tile(_ context.Context, c *call) (file, error) {
	return a.published(c, "tile/"+c.PathValue("path"), "application/octet-stream")
}

func (a *API) checkpoint(_ context.Context, c *call) (file, error) {
	return a.published(c, "checkpoint", "text/plain; charset=utf-8")
}

func (a *API) published(c *call, path, contentType string) (file, error) {
	missing := evidence.Errorf(evidence.NotFound, "", "the log has no such file")
	l := a.cfg.Ledger.For(c.by.Tenant.ID())
	if l == nil || evidence.TenantID(c.PathValue("tenant")) != c.by.Tenant.ID() || strings.Contains(path, "..") {
		return file{}, missing
	}
	data, err := l.ReadFile(path)
	if err != nil {
		return file{}, missing
	}
	return file{contentType, data}, nil
}

func (a *API) log(_ context.Context, c *call) (client.Log, error) {
	l := a.cfg.Ledger.For(c.by.Tenant.ID())
	if l == nil {
		return client.Log{}, evidence.Errorf(evidence.Unavailable, "", "the log is not open")
	}
	head, _ := l.Checkpoint()
	return client.Log{Origin: head.Origin, Key: l.VerifierKey(), Size: head.Size}, nil
}
