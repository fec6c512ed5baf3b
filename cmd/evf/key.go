package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

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
