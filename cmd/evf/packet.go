package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

type packetCmd struct {
	Build     packetBuildCmd     `cmd:"" help:"Build the packet of a run."`
	Page      packetPageCmd      `cmd:"" help:"Take the page out of a packet, for a browser or for paper."`
	Proof     packetProofCmd     `cmd:"" help:"Take one record's proof out of a packet, as a C2SP tlog-proof."`
	RotateKey packetRotateKeyCmd `cmd:"" help:"Have the log announce another packet key."`
}

type packetBuildCmd struct {
	backend
	Run_     string   `name:"run" required:"" help:"The run's id." placeholder:"ID"`
	Profile  string   `enum:"full,auditor,public" default:"full" help:"Which withheld fields to open, as far as you may see them: full (all), auditor (no personal ones), public (none)."`
	Disclose []string `help:"Open these too. * stands for any type, and for every element of a list." placeholder:"TYPE:POINTER" sep:"none"`
	Withhold []string `help:"Keep these closed; wins over the rest." placeholder:"TYPE:POINTER" sep:"none"`
	Out      string   `short:"o" required:"" help:"File to write." placeholder:"FILE" type:"path"`
}

func (c *packetBuildCmd) Run(ctx context.Context, std streams) error {
	open := packet.Selection{Profile: packet.Profile(c.Profile), Disclose: c.Disclose, Withhold: c.Withhold}
	if err := open.Validate(); err != nil {
		fmt.Fprintf(std.err, "evf: %v\n", err)
		return exitError(exitUsage)
	}
	c.packing = progress(std, "records")
	return c.with(ctx, func(cl *client.Client) error {
		data, err := cl.BuildPacket(ctx, client.BuildPacket{Run: evidence.RunID(c.Run_), Profile: c.Profile, Disclose: c.Disclose, Withhold: c.Withhold})
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

type packetPageCmd struct {
	File string `arg:"" help:"The packet." type:"path"`
	Out  string `short:"o" required:"" help:"File to write." placeholder:"FILE" type:"path"`
}

// Run writes the page only where it shows what the packet's records say.
// Whether the log holds them takes a key, and evf verify.
func (c *packetPageCmd) Run(std streams) error {
	data, err := readFile(std, c.File, packet.MaxSize)
	if err != nil {
		return err
	}
	for _, check := range packet.Verify(data, packet.Trust{}).Checks {
		if check.Outcome == packet.Failed {
			return fmt.Errorf("%s: %s: %s %s: the page is not written; see evf verify %s", c.File, check.Name, check.Where, plain(check.Detail), c.File)
		}
	}
	p, err := packet.Open(data)
	if err != nil {
		return err
	}
	page, ok := p.Page()
	if !ok {
		return errors.New("the packet holds no page: it is of a later version")
	}
	if err := os.WriteFile(c.Out, page, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(std.err, "page      %s (%d bytes)\nverify    evf verify %s --key VKEY, with the log's key from its operator\n", c.Out, len(page), c.File)
	return nil
}
