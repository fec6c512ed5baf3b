package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

type approveCmd struct {
	List   approveListCmd   `cmd:"" help:"List approvals that wait."`
	Show   approveShowCmd   `cmd:"" help:"Show what is asked; that you looked becomes a record."`
	Decide approveDecideCmd `cmd:"" help:"Approve or reject."`
}

type approveListCmd struct {
	backend
	Status string `help:"waiting, approved, rejected, expired or consumed; empty for all." default:"waiting"`
	JSON   bool   `help:"Print JSON."`
}

func (c *approveListCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		list, err := cl.Approvals(ctx, c.Status, "")
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, list))
		}
		rows := [][]string{{"APPROVAL", "STATUS", "ROLE", "EXPIRES", "ABOUT"}}
		for _, a := range list {
			rows = append(rows, []string{string(a.ID), a.Status, a.Role, clock(a.Expires), plain(a.Summary)})
		}
		return table(std.out, rows)
	})
}

type approveShowCmd struct {
	backend
	ID   string `arg:"" help:"The approval's id."`
	JSON bool   `help:"Print JSON."`
}

func (c *approveShowCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client) error {
		a, err := cl.Approval(ctx, evidence.ApprovalID(c.ID))
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, a))
		}
		fmt.Fprintf(std.out, "%s\n%s, needs %d with role %s before %s\n\n", plain(a.Summary), a.Status, a.Quorum, a.Role, clock(a.Expires))
		rows := [][]string{{"initiator", plain(a.Initiator.Name)}}
		leaves(&rows, "", a.Shown)
		if err := table(std.out, rows); err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "\ndecide    evf approve decide %s --shown %s --approve|--reject --reason CODE\n", a.ID, a.Presentation)
		return err
	})
}

// leaves lists every value of a presentation with its path: nothing that was
// to be shown is left out.
func leaves(rows *[][]string, path string, v evidence.Value) {
	switch v.Kind() {
	case evidence.Object:
		for _, f := range v.Fields() {
			leaves(rows, strings.TrimPrefix(path+"."+f.Name, "."), f.Value)
		}
	case evidence.Array:
		for i, e := range v.Elems() {
			leaves(rows, fmt.Sprintf("%s.%d", path, i+1), e)
		}
	case evidence.String, evidence.Number:
		*rows = append(*rows, []string{plain(path), plain(v.Text())})
	default:
		*rows = append(*rows, []string{plain(path), string(v.Canonical())})
	}
}

type approveDecideCmd struct {
	backend
	ID      string `arg:"" help:"The approval's id."`
	Approve bool   `xor:"decision" required:"" help:"Let the action run."`
	Reject  bool   `xor:"decision" required:"" help:"Stop the action."`
	Shown   string `required:"" help:"Digest of the presentation you were shown (approve show prints it)." placeholder:"DIGEST"`
	Reason  string `required:"" help:"Reason code, such as reviewed or wrong-account." placeholder:"CODE"`
	Comment string `help:"In your own words; kept confidential."`
}

func (c *approveDecideCmd) Run(ctx context.Context, std streams) error {
	d := client.Decide{Decision: "reject", Presentation: evidence.Digest(c.Shown), ReasonCode: c.Reason, Comment: c.Comment}
	if c.Approve {
		d.Decision = "approve"
	}
	return c.with(ctx, func(cl *client.Client) error {
		a, err := cl.Decide(ctx, evidence.ApprovalID(c.ID), d)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "%s is %s\n", a.ID, a.Status)
		return err
	})
}
