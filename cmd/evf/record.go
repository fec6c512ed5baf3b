package main

import (
	"context"
	"os"

	"github.com/evidencefactory/evf/client"
)

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
