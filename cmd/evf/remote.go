package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

type packetCmd struct {
	Build packetBuildCmd `cmd:"" help:"Build the packet of a run."`
}

type packetBuildCmd struct {
	backend
	Run_ string `name:"run" required:"" help:"The run's id." placeholder:"ID"`
	Out  string `short:"o" required:"" help:"File to write." placeholder:"FILE" type:"path"`
}

func (c *packetBuildCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		data, err := cl.Packet(ctx, evidence.RunID(c.Run_))
		if err != nil {
			return err
		}
		log, err := cl.Log(ctx)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Out, data, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(std.err, "packet    %s (%d bytes)\nverify    evf verify %s --key %s\n", c.Out, len(data), c.Out, log.Key)
		return nil
	})
}

type runCmd struct {
	List runListCmd `cmd:"" help:"List runs."`
	Show runShowCmd `cmd:"" help:"Show a run: its story and its slots."`
}

type runListCmd struct {
	backend
	Workflow string `help:"Only runs of this workflow." placeholder:"NAME"`
	After    string `help:"Begin after this run." placeholder:"ID"`
	JSON     bool   `help:"Print JSON."`
}

func (c *runListCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		runs, err := cl.Runs(ctx, c.Workflow, evidence.RunID(c.After))
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, runs))
		}
		rows := [][]string{{"RUN", "WORKFLOW", "STARTED", "OUTCOME", "INITIATOR"}}
		for _, r := range runs {
			outcome := r.Outcome
			if outcome == "" {
				outcome = "open"
			}
			rows = append(rows, []string{string(r.ID), r.Workflow, clock(r.Started), outcome, r.Initiator})
		}
		return table(std.out, rows)
	})
}

// jsonOr prints v unless there was an error.
func jsonOr(std streams, err error, v any) error {
	if err != nil {
		return nil
	}
	return printJSON(std.out, v)
}

type runShowCmd struct {
	backend
	ID   string `arg:"" help:"The run's id."`
	JSON bool   `help:"Print JSON."`
}

func (c *runShowCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		s, err := cl.Story(ctx, evidence.RunID(c.ID))
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, s))
		}
		return printStory(std, s)
	})
}

func printStory(std streams, s client.Story) error {
	outcome := s.Run.Outcome
	if outcome == "" {
		outcome = "open"
	}
	fmt.Fprintf(std.out, "run %s of %s, %s; ● sealed\n\n", s.Run.ID, s.Run.Workflow, outcome)
	var rows [][]string
	for _, r := range s.Records {
		seal := "●"
		if r.Seq >= s.Sealed {
			seal = "○ not sealed yet"
		}
		rows = append(rows, []string{clock(r.Received), fmt.Sprint(r.Seq), seal, string(r.Type), r.Actor.Ref, plain(gist(r))})
	}
	if err := table(std.out, rows); err != nil {
		return err
	}
	fmt.Fprintln(std.out)
	var slots []packet.Slot
	for _, one := range s.Slots {
		slot := packet.Slot{Name: one.Name, State: packet.State(one.State), Summary: one.Summary}
		for _, g := range one.Gaps {
			slot.Gaps = append(slot.Gaps, packet.Gap(g))
		}
		slots = append(slots, slot)
	}
	return printSlots(std, slots)
}

// gist is the part of a record that a line has room for.
func gist(r client.Record) string {
	for _, name := range []string{"summary", "code", "status", "outcome", "decision", "entry", "name", "step"} {
		if v, ok := r.Body.Get(name); ok && v.Text() != "" {
			return v.Text()
		}
	}
	return ""
}

type recordCmd struct {
	Append recordAppendCmd `cmd:"" help:"Submit records as NDJSON, all or none."`
}

type recordAppendCmd struct {
	backend
	File string `arg:"" optional:"" help:"NDJSON file; standard input where absent." type:"path"`
}

func (c *recordAppendCmd) Run(ctx context.Context, std streams) error {
	in := std.in
	if c.File != "" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	return c.with(ctx, func(cl *client.Client) error {
		placed, err := cl.AppendLines(ctx, in)
		if err != nil {
			return err
		}
		return printJSON(std.out, placed)
	})
}

type workflowCmd struct {
	Apply  workflowApplyCmd  `cmd:"" help:"Put a manifest in force; the difference is shown."`
	List   workflowListCmd   `cmd:"" help:"List workflows."`
	Show   workflowShowCmd   `cmd:"" help:"Show a workflow's manifest."`
	Retire workflowRetireCmd `cmd:"" help:"Take a workflow out of force."`
}

type workflowApplyCmd struct {
	backend
	File string `arg:"" help:"The manifest." type:"path"`
	Dry  bool   `help:"Only show what would change."`
	JSON bool   `help:"Print JSON."`
}

func (c *workflowApplyCmd) Run(ctx context.Context, std streams) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	return c.with(ctx, func(cl *client.Client) error {
		a, err := cl.ApplyWorkflow(ctx, client.ApplyWorkflow{Manifest: string(text), Dry: c.Dry})
		if client.IsKind(err, evidence.Invalid) {
			var e *client.Error
			errors.As(err, &e)
			return fmt.Errorf("%s is not applied:\n%s", c.File, located(c.File, e.Detail))
		}
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, a))
		}
		return printApplied(std, a, c.Dry)
	})
}

var place = regexp.MustCompile(`(?m)^line (\d+), column (\d+):`)

// located writes each problem's place as editors and people click on it.
func located(file, problems string) string {
	return place.ReplaceAllString(problems, file+":$1:$2:")
}

func printApplied(std streams, a client.Applied, dry bool) error {
	for _, ch := range a.Changes {
		switch {
		case ch.Before == "":
			fmt.Fprintf(std.out, "+ %s: %s\n", plain(ch.Path), plain(ch.After))
		case ch.After == "":
			fmt.Fprintf(std.out, "- %s: %s\n", plain(ch.Path), plain(ch.Before))
		default:
			fmt.Fprintf(std.out, "~ %s: %s → %s\n", plain(ch.Path), plain(ch.Before), plain(ch.After))
		}
	}
	switch {
	case a.Same:
		fmt.Fprintf(std.out, "%s is in force already (%s)\n", a.Workflow, short(string(a.Digest)))
	case dry:
		fmt.Fprintf(std.out, "%s would change to %s; nothing was applied\n", a.Workflow, short(string(a.Digest)))
	default:
		fmt.Fprintf(std.out, "%s is in force: %s\n", a.Workflow, a.Digest)
	}
	return nil
}

type workflowListCmd struct {
	backend
	JSON bool `help:"Print JSON."`
}

func (c *workflowListCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		list, err := cl.Workflows(ctx)
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, list))
		}
		rows := [][]string{{"WORKFLOW", "TIER", "MODE", "SINCE", "MANIFEST", "STATE"}}
		for _, w := range list {
			state := "active"
			if w.Retired {
				state = "retired"
			}
			rows = append(rows, []string{w.Name, w.Tier, w.Mode, clock(w.Since), short(string(w.Digest)), state})
		}
		return table(std.out, rows)
	})
}

type workflowShowCmd struct {
	backend
	Name string `arg:"" help:"The workflow's name."`
	JSON bool   `help:"Print JSON."`
}

func (c *workflowShowCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		w, err := cl.Workflow(ctx, c.Name)
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, w))
		}
		_, err = io.WriteString(std.out, w.Manifest)
		return err
	})
}

type workflowRetireCmd struct {
	backend
	Name   string `arg:"" help:"The workflow's name."`
	Reason string `required:"" help:"Why; it goes into the record."`
}

func (c *workflowRetireCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(cl *client.Client) error { return cl.RetireWorkflow(ctx, c.Name, c.Reason) })
}

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make a key; it is shown once."`
	List   keyListCmd   `cmd:"" help:"List keys."`
	Revoke keyRevokeCmd `cmd:"" help:"End a key at once."`
}

type keyCreateCmd struct {
	backend
	Person   string        `help:"For a person, by mail address." xor:"for" required:"" placeholder:"MAIL"`
	Workload string        `help:"For an identity of a workflow." xor:"for" required:"" placeholder:"WORKFLOW/IDENTITY"`
	Role     []string      `help:"Roles of the person (all of them: others are taken away)."`
	Expires  time.Duration `help:"How long the key is good; for ever where absent." placeholder:"DURATION"`
	Out      string        `short:"o" help:"File for the key (mode 0600); standard output where absent." placeholder:"FILE" type:"path"`
}

func (c *keyCreateCmd) Run(ctx context.Context, std streams) error {
	req := client.CreateKey{Person: c.Person, Roles: c.Role}
	if c.Workload != "" {
		var ok bool
		if req.Workflow, req.Identity, ok = strings.Cut(c.Workload, "/"); !ok {
			return fmt.Errorf("--workload is WORKFLOW/IDENTITY, such as invoice-exceptions/invoice-agent")
		}
	}
	if c.Expires > 0 {
		req.Expires = evidence.TimeOf(time.Now().Add(c.Expires))
	}
	return c.with(ctx, func(cl *client.Client) error {
		key, err := cl.CreateKey(ctx, req)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.err, "key       %s of %s\n", key.ID, key.Holder)
		if c.Out == "" {
			_, err = fmt.Fprintln(std.out, key.Token)
			return err
		}
		return os.WriteFile(c.Out, []byte(key.Token+"\n"), 0o600)
	})
}

type keyListCmd struct {
	backend
	JSON bool `help:"Print JSON."`
}

func (c *keyListCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		list, err := cl.Keys(ctx, "")
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, list))
		}
		rows := [][]string{{"KEY", "KIND", "HOLDER", "ISSUED", "EXPIRES", "STATE"}}
		for _, k := range list {
			state := "good"
			if k.Revoked {
				state = "revoked"
			}
			rows = append(rows, []string{k.ID, k.Kind, k.Holder, clock(k.Issued), clock(k.Expires), state})
		}
		return table(std.out, rows)
	})
}

type keyRevokeCmd struct {
	backend
	ID     string `arg:"" help:"The key's id."`
	Reason string `required:"" help:"Why; it goes into the record."`
}

func (c *keyRevokeCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(cl *client.Client) error { return cl.RevokeKey(ctx, c.ID, c.Reason) })
}
