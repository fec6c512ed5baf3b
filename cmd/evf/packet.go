package main

import (
	"context"
	"fmt"
	"os"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

type packetCmd struct {
	Build packetBuildCmd `cmd:"" help:"Build the packet of a run."`
	Proof packetProofCmd `cmd:"" help:"Take one record's proof out of a packet, as a C2SP tlog-proof."`
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
