package main

import (
	"context"
	"fmt"

	"github.com/evidencefactory/evf/internal/server"
)

type fsckCmd struct {
	Data string `required:"" help:"Data directory, while no server holds it." env:"EVF_DIR" placeholder:"DIR" type:"path"`
	JSON bool   `help:"Print the reports as JSON."`
}

func (c *fsckCmd) Run(ctx context.Context, std streams) error {
	reports, err := server.Fsck(ctx, c.Data, progress(std, "records"))
	if err != nil {
		return err
	}
	clean := true
	for _, r := range reports {
		clean = clean && r.Clean()
	}
	if c.JSON {
		err = printJSON(std.out, reports)
	} else {
		for _, r := range reports {
			fmt.Fprintf(std.out, "tenant %s  %d records, %d sealed, %d problems\n", r.Tenant, r.Records, r.Sealed, len(r.Problems)+r.Dropped)
			for _, p := range r.Problems {
				fmt.Fprintf(std.out, "  %s: %s\n", plain(p.Where), plain(p.What))
			}
			for _, n := range r.Notes {
				fmt.Fprintf(std.out, "  note: %s: %s\n", plain(n.Where), plain(n.What))
			}
			if r.Dropped > 0 {
				fmt.Fprintf(std.out, "  and %d more\n", r.Dropped)
			}
		}
	}
	if err == nil && !clean {
		err = exitError(exitInvalid)
	}
	return err
}
