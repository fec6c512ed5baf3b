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

type drillCmd struct {
	Stop drillStopCmd `cmd:"" help:"Prove that a stop order stops: engage one, ask, release it."`
	Deny drillDenyCmd `cmd:"" help:"Prove that the gate still denies: ask for what nothing permits."`
}

// drill is one proof by a real call of an agent. Its records are the evidence.
type drill struct {
	backend
	Workflow string `arg:"" help:"The workflow."`
	Agent    string `required:"" help:"File with the key of an identity that may begin runs." placeholder:"FILE" type:"path"`
}

// probeTool is a tool that no workflow declares: a drill never does anything.
const probeTool = "evf/drill"

// with runs f with a client of a person, and a run of the agent's that it ends
// afterwards.
func (d *drill) with(ctx context.Context, f func(*client.Client, *client.RunHandle) error) error {
	key, err := os.ReadFile(d.Agent)
	if err != nil {
		return fmt.Errorf("the agent's key: %w", err)
	}
	return d.backend.with(ctx, func(cl *client.Client) error {
		agent := *cl
		agent.Key = strings.TrimSpace(string(key))
		run, err := agent.Begin(ctx, client.BeginRun{Initiator: client.Party{Kind: "schedule", Name: "evf drill"}, Trigger: "drill"})
		if err != nil {
			return err
		}
		return errors.Join(f(cl, run), run.End(context.WithoutCancel(ctx), "completed", "drill"))
	})
}

// denied asks for the probe and wants it denied for a reason, in time.
func denied(ctx context.Context, run *client.RunHandle, code string) (took time.Duration, err error) {
	args, _ := evidence.ObjectValue()
	began := time.Now()
	v, err := run.Ask(ctx, "", probeTool, args)
	took = time.Since(began)
	switch {
	case err != nil:
		return took, err
	case v.Verdict != "deny" || len(v.Reasons) == 0 || v.Reasons[0].Code != code:
		return took, fmt.Errorf("the drill FAILED: the gate said %s (%s), and had to deny for reason %s: see run %s", v.Verdict, plain(v.Summary), code, run.ID)
	}
	return took, nil
}

type drillStopCmd struct{ drill }

func (c *drillStopCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(cl *client.Client, run *client.RunHandle) error {
		began := time.Now()
		if _, err := cl.EngageStop(ctx, client.EngageStop{Workflow: c.Workflow, Reason: "drill", Drill: true}); err != nil {
			return err
		}
		_, failed := denied(ctx, run, "stopped")
		effect := time.Since(began)
		_, err := cl.ReleaseStop(context.WithoutCancel(ctx), client.ReleaseStop{Workflow: c.Workflow, Reason: "end of drill", Drill: true})
		if err = errors.Join(failed, err); err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "stop      %s denied a call %v after the order was given; released\nrun       %s\n", c.Workflow, effect.Round(time.Millisecond), run.ID)
		return err
	})
}

type drillDenyCmd struct{ drill }

func (c *drillDenyCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, func(_ *client.Client, run *client.RunHandle) error {
		took, err := denied(ctx, run, "unknown-tool")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "deny      %s denied a tool that it does not know, in %v\nrun       %s\n", c.Workflow, took.Round(time.Millisecond), run.ID)
		return err
	})
}
