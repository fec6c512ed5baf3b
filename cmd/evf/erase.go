package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

type eraseCmd struct {
	backend
	Subject   string   `help:"Whose values: a name as the house was given it, or a pseudonym." xor:"of" required:"" placeholder:"NAME"`
	Of        string   `name:"run" help:"The run whose values; it must have ended." xor:"of" required:"" placeholder:"ID"`
	Expunge   []string `help:"Records of the run whose bytes go too, by id or by type." placeholder:"RECORD"`
	Authority string   `required:"" help:"Who ordered it and on what basis: public, and for ever." placeholder:"TEXT"`
	Dry       bool     `help:"Only say what would go."`
	JSON      bool     `help:"Print JSON."`
}

func (c *eraseCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		e, err := cl.Erase(ctx, client.Erase{Subject: c.Subject, Run: evidence.RunID(c.Of), Expunge: c.Expunge, Authority: c.Authority, Dry: c.Dry})
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, e))
		}
		what := "erased"
		if e.Dry {
			what = "would be erased"
		}
		_, err = fmt.Fprintf(std.out, "%s: %d keys, %d records expunged\n", what, len(e.Keys), len(e.Expunged))
		for _, k := range e.Keys {
			fmt.Fprintln(std.out, "  key   ", k)
		}
		for _, r := range e.Expunged {
			fmt.Fprintln(std.out, "  record", r)
		}
		return err
	})
}

type retentionCmd struct {
	Pass retentionRunCmd `cmd:"" name:"run" help:"Erase what its period is over for, or say what is due."`
}

type retentionRunCmd struct {
	backend
	Dry     bool `help:"Only say what is due."`
	Confirm bool `help:"Run though the clock is far ahead of when it last ran."`
	JSON    bool `help:"Print JSON."`
}

func (c *retentionRunCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		r, err := cl.Retain(ctx, client.Retain{Dry: c.Dry, Confirm: c.Confirm})
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, r))
		}
		return printRetained(std.out, r)
	})
}

func printRetained(w io.Writer, r client.Retained) error {
	what := "erased"
	if r.Dry {
		what = "due"
	}
	fmt.Fprintf(w, "%s: %d runs; %d more are under a legal hold\n", what, len(r.Runs), r.Held)
	var rows [][]string
	for _, d := range r.Runs {
		rows = append(rows, []string{string(d.Run), d.Workflow, clock(d.Ended), strings.Join(d.Classes, ","), fmt.Sprint(d.Keys, " keys")})
	}
	if r.More {
		rows = append(rows, []string{"and others, at the next pass"})
	}
	return table(w, rows)
}

type holdCmd struct {
	Place   holdPlaceCmd   `cmd:"" help:"Keep what a scope covers from being erased."`
	List    holdListCmd    `cmd:"" help:"List legal holds."`
	Release holdReleaseCmd `cmd:"" help:"End a hold that someone else placed."`
}

type holdPlaceCmd struct {
	backend
	Scope  string `arg:"" enum:"all,workflow,run,subject" help:"all, workflow, run or subject."`
	What   string `arg:"" optional:"" help:"The workflow's name, the run's id, or the subject's name or pseudonym."`
	Reason string `required:"" help:"Why; it goes into the record."`
}

func (c *holdPlaceCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		h, err := cl.PlaceHold(ctx, client.PlaceHold{Scope: c.Scope, What: c.What, Reason: c.Reason})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(std.out, h.ID)
		return err
	})
}

type holdListCmd struct {
	backend
	JSON bool `help:"Print JSON."`
}

func (c *holdListCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		list, err := cl.Holds(ctx, "")
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, list))
		}
		rows := [][]string{{"HOLD", "SCOPE", "WHAT", "PLACED", "BY", "STATE"}}
		for _, h := range list {
			rows = append(rows, []string{h.ID, h.Scope, h.What, clock(h.Placed), h.By, h.Status})
		}
		return table(std.out, rows)
	})
}

type holdReleaseCmd struct {
	backend
	ID     string `arg:"" help:"The hold's id."`
	Reason string `required:"" help:"Why; it goes into the record."`
}

func (c *holdReleaseCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(cl *client.Client) error {
		_, err := cl.ReleaseHold(ctx, c.ID, c.Reason)
		return err
	})
}
