package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

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
		rows = append(rows, []string{clock(r.Received), fmt.Sprint(r.Seq), seal, string(r.Type), r.Actor.Ref, plain(gist(r) + removed(r))})
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
	if r.Expunged {
		return "expunged by authority"
	}
	for _, name := range []string{"summary", "code", "status", "outcome", "decision", "entry", "name", "step"} {
		if v, ok := r.Body.Get(name); ok && v.Text() != "" {
			return v.Text()
		}
	}
	return ""
}

// removed says what was taken out of a record's texts before it was kept.
func removed(r client.Record) string {
	var list []string
	for _, m := range r.Removed {
		list = append(list, fmt.Sprintf("%d × %s at %s", m.Count, m.Kind, m.Pointer))
	}
	if list == nil {
		return ""
	}
	return " (removed: " + strings.Join(list, ", ") + ")"
}
