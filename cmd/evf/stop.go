package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/client"
)

type stopCmd struct {
	Engage  stopEngageCmd  `cmd:"" help:"Allow nothing of a workflow any more, at once and in every mode."`
	List    stopListCmd    `cmd:"" help:"List stop orders."`
	Release stopReleaseCmd `cmd:"" help:"End a stop that someone else engaged."`
}

// stopScope says what a stop is for.
type stopScope struct {
	Workflow string `arg:"" optional:"" help:"The workflow."`
	All      bool   `help:"All workflows."`
}

// name is the workflow, "" for all of them.
func (s *stopScope) name() (string, error) {
	if (s.Workflow == "") != s.All {
		return "", errors.New("name a workflow, or say --all")
	}
	return s.Workflow, nil
}

type stopEngageCmd struct {
	backend
	stopScope
	Reason string `required:"" help:"Why; it goes into the record."`
}

func (c *stopEngageCmd) Run(ctx context.Context, std streams) error {
	name, err := c.name()
	if err != nil {
		return err
	}
	return c.with(ctx, func(cl *client.Client) error {
		s, err := cl.EngageStop(ctx, client.EngageStop{Workflow: name, Reason: c.Reason})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "%s is stopped since %s\n", s.ID, s.Since)
		return err
	})
}

type stopReleaseCmd struct {
	backend
	stopScope
	Reason string `required:"" help:"Why; it goes into the record."`
}

func (c *stopReleaseCmd) Run(ctx context.Context, std streams) error {
	name, err := c.name()
	if err != nil {
		return err
	}
	return c.with(ctx, func(cl *client.Client) error {
		s, err := cl.ReleaseStop(ctx, client.ReleaseStop{Workflow: name, Reason: c.Reason})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "%s is released since %s\n", s.ID, s.Since)
		return err
	})
}

type stopListCmd struct {
	backend
	JSON bool `help:"Print JSON."`
}

func (c *stopListCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		list, err := cl.Stops(ctx, "")
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, list))
		}
		rows := [][]string{{"STOP", "STATE", "SINCE", "ENGAGED BY", "DRILL"}}
		for _, s := range list {
			drill := ""
			if s.Drill {
				drill = "drill"
			}
			rows = append(rows, []string{s.ID, s.Status, clock(s.Since), s.By, drill})
		}
		return table(std.out, rows)
	})
}
