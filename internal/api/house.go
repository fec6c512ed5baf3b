package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/packet"
)

func (a *API) decide(ctx context.Context, c *call, in client.Decide) (client.Approval, error) {
	if in.Decision != "approve" && in.Decision != "reject" {
		return client.Approval{}, evidence.Errorf(evidence.Invalid, "/decision", "is not approve or reject")
	}
	ap, err := a.cfg.Desk.Decide(ctx, c.by, evidence.ApprovalID(c.PathValue("id")), approval.Decision{
		Approve: in.Decision == "approve", Presentation: in.Presentation, ReasonCode: in.ReasonCode, Comment: in.Comment})
	return approvalOf(ap), err
}

func (a *API) listRuns(ctx context.Context, c *call) (client.Runs, error) {
	limit, err := limitOf(c)
	if err != nil {
		return client.Runs{}, err
	}
	q := c.URL.Query()
	own := q.Get("workflow")
	if c.by.Kind == "workload" {
		own = c.by.Workflow // a workload sees its own workflow only
	}
	list, err := a.cfg.Threads.List(ctx, c.by.Tenant, own, evidence.RunID(q.Get("after")), limit)
	out := client.Runs{}
	for _, r := range list {
		out.Runs = append(out.Runs, runOf(r))
	}
	return out, err
}

func runOf(r store.Run) client.Run {
	return client.Run{ID: r.ID, Workflow: r.Workflow, Initiator: r.Initiator.Ref, Started: r.Started, Ended: r.Ended, Outcome: r.Outcome}
}

func (a *API) showRun(ctx context.Context, c *call) (client.Story, error) {
	// A workload sees its own workflow only; Workflow is "" for a person.
	r, story, err := a.cfg.Threads.Story(ctx, c.by.Tenant, c.by.Workflow, evidence.RunID(c.PathValue("id")))
	if err != nil {
		return client.Story{}, err
	}
	out := client.Story{Run: runOf(r)}
	gone, err := a.gone(ctx, c, r.ID, story)
	if err != nil {
		return client.Story{}, err
	}
	var records []*evidence.Record
	for _, o := range story {
		if o.Expunged() {
			leaf, err := evidence.ParseLeaf(o.Leaf)
			if err != nil {
				return client.Story{}, err
			}
			out.Records = append(out.Records, client.Record{Seq: o.Seq, ID: leaf.ID, Type: leaf.Type, Received: leaf.Received, Expunged: true})
			continue
		}
		records = append(records, o.Record)
		seen := slices.DeleteFunc(slices.Clone(o.Disclosures), func(d evidence.Disclosure) bool { return !c.by.Opens(d.Class) })
		body, err := evidence.Reveal(o.Record.Body, seen)
		if err != nil {
			return out, err
		}
		out.Records = append(out.Records, client.Record{Seq: o.Seq, ID: o.Record.ID, Type: o.Record.Type, Occurred: o.Occurred, Received: o.Received,
			Actor: o.Actor, Body: body, Erased: erasedKeys(o), Removed: o.Record.Removed})
	}
	for _, s := range packet.Slots(records, gone...) {
		slot := client.Slot{Name: s.Name, State: string(s.State), Summary: s.Summary, Records: s.Records}
		for _, g := range s.Gaps {
			slot.Gaps = append(slot.Gaps, client.Gap(g))
		}
		out.Slots = append(out.Slots, slot)
	}
	if l := a.cfg.Ledger.For(c.by.Tenant.ID()); l != nil {
		head, _ := l.Checkpoint()
		out.Sealed = head.Size
	}
	return out, nil
}

func (a *API) applyWorkflow(ctx context.Context, c *call, in client.ApplyWorkflow) (client.Applied, error) {
	act, err := a.cfg.Workflows.Activate(ctx, c.by, []byte(in.Manifest), in.Dry)
	if err != nil {
		return client.Applied{}, err
	}
	out := client.Applied{Workflow: act.Name, Digest: act.Digest, Previous: act.Previous, Same: act.Same}
	for _, ch := range act.Changes {
		out.Changes = append(out.Changes, client.ManifestChange(ch))
	}
	return out, nil
}

func workflowOf(w store.Workflow) client.Workflow {
	return client.Workflow{Name: w.Name, Digest: w.Digest, Tier: w.Tier, Mode: w.Mode, Owner: w.Owner, Author: w.Author, Since: w.Since, Retired: w.Retired}
}

func (a *API) listWorkflows(ctx context.Context, c *call) (client.Workflows, error) {
	list, err := a.cfg.Workflows.List(ctx, c.by.Tenant)
	out := client.Workflows{}
	for _, w := range list {
		out.Workflows = append(out.Workflows, workflowOf(w))
	}
	return out, err
}

func (a *API) showWorkflow(ctx context.Context, c *call) (client.Workflow, error) {
	w, source, err := a.cfg.Workflows.Show(ctx, c.by.Tenant, c.PathValue("name"))
	out := workflowOf(w)
	out.Manifest = string(source)
	return out, err
}

func (a *API) retireWorkflow(ctx context.Context, c *call, in client.Retire) (client.Workflow, error) {
	if in.Reason == "" {
		return client.Workflow{}, evidence.Errorf(evidence.Invalid, "/reason", "is missing: say why the workflow is retired")
	}
	if err := a.cfg.Workflows.Retire(ctx, c.by, c.PathValue("name"), in.Reason); err != nil {
		return client.Workflow{}, err
	}
	return a.showWorkflow(ctx, c)
}

func (a *API) createKey(ctx context.Context, c *call, in client.CreateKey) (client.Key, error) {
	if in.Expires != "" {
		if _, err := in.Expires.Parse(); err != nil {
			return client.Key{}, evidence.Errorf(evidence.Invalid, "/expires", "%w", err)
		}
	}
	switch {
	case in.Person != "" && in.Workflow == "" && in.Identity == "":
		ref, err := a.cfg.People.AddPerson(ctx, c.by.Tenant, c.by, in.Person, in.Roles, true)
		if err != nil {
			return client.Key{}, err
		}
		id, token, err := a.cfg.People.IssuePerson(ctx, c.by.Tenant, c.by, ref, in.Expires)
		return client.Key{ID: id, Kind: "person", Holder: ref, Expires: in.Expires, Token: token}, err
	case in.Person == "" && in.Workflow != "" && in.Identity != "" && len(in.Roles) == 0:
		if err := a.cfg.Workflows.Declares(ctx, c.by.Tenant, in.Workflow, in.Identity); err != nil {
			return client.Key{}, err
		}
		id, token, err := a.cfg.People.IssueWorkload(ctx, c.by.Tenant, c.by, in.Workflow, in.Identity, in.Expires)
		return client.Key{ID: id, Kind: "workload", Holder: in.Workflow + "/" + in.Identity, Expires: in.Expires, Token: token}, err
	}
	return client.Key{}, evidence.Errorf(evidence.Invalid, "", "a key is for a person (with roles), or for an identity of a workflow: name one of the two")
}

func (a *API) listKeys(ctx context.Context, c *call) (client.Keys, error) {
	limit, err := limitOf(c)
	if err != nil {
		return client.Keys{}, err
	}
	list, err := a.cfg.People.Grants(ctx, c.by.Tenant, c.URL.Query().Get("after"), limit)
	out := client.Keys{}
	for _, g := range list {
		out.Keys = append(out.Keys, client.Key{ID: g.ID, Kind: g.Kind, Holder: g.Holder, Issued: g.Issued, Expires: g.Expires, Revoked: g.Revoked})
	}
	return out, err
}

func (a *API) revokeKey(ctx context.Context, c *call, in client.Revoke) (client.Key, error) {
	if in.Reason == "" {
		return client.Key{}, evidence.Errorf(evidence.Invalid, "/reason", "is missing: say why the key is revoked")
	}
	id := c.PathValue("id")
	return client.Key{ID: id, Revoked: true}, a.cfg.People.Revoke(ctx, c.by.Tenant, c.by, id, in.Reason)
}

func (a *API) buildPacket(ctx context.Context, c *call, in client.BuildPacket) (file, error) {
	if !evidence.IsUUIDv7(string(in.Run)) {
		return file{}, evidence.Errorf(evidence.Invalid, "/run", "is not a lower-case UUIDv7")
	}
	data, err := a.cfg.Packer.Run(ctx, c.by, in.Run, packet.Selection{
		Profile: cmp.Or(packet.Profile(in.Profile), packet.ProfileFull), Disclose: in.Disclose, Withhold: in.Withhold})
	return file{"application/zip", data}, err
}
