package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evidencefactory/evf/internal/server"
	"github.com/evidencefactory/evf/packet"
)

type fsckCmd struct {
	Data    string   `required:"" help:"Data directory, while no server holds it." env:"EVF_DIR" placeholder:"DIR" type:"path"`
	Against []string `help:"Signed checkpoint or packet that was kept elsewhere; the log must still hold its tree." placeholder:"FILE" type:"path" sep:"none"`
	Anchor  string   `help:"Folder with the anchored checkpoints." env:"EVF_ANCHOR" placeholder:"DIR" type:"path"`
	JSON    bool     `help:"Print the reports as JSON."`
}

func (c *fsckCmd) Run(ctx context.Context, std streams) error {
	kept, err := readKept(c.Against)
	if err != nil {
		return err
	}
	reports, err := server.Fsck(ctx, server.FsckConfig{Data: c.Data, Anchor: c.Anchor, Against: kept, Progress: progress(std, "records")})
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

// readKept reads checkpoints and packets that were kept elsewhere.
func readKept(paths []string) (list []server.Kept, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Size() > packet.MaxSize {
			return nil, fmt.Errorf("%s is larger than a packet can be (%d bytes)", path, packet.MaxSize)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		list = append(list, server.Kept{Name: filepath.Base(path), Data: data})
	}
	return list, nil
}
