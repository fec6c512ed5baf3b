package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

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
