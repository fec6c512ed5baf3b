package main

import (
	"context"
	"fmt"

	"github.com/evidencefactory/evf/internal/server"
)

type backupCmd struct {
	Data string `required:"" help:"Data directory; a server may hold it." env:"EVF_DIR" placeholder:"DIR" type:"path"`
	Out  string `short:"o" required:"" help:"Folder for the copy; it must not exist." placeholder:"DIR" type:"path"`
	Keys string `help:"File for the keys (mode 0600), to be kept apart; none are copied without it." placeholder:"FILE" type:"path"`
}

func (c *backupCmd) Run(ctx context.Context, std streams) error {
	b, err := server.MakeBackup(ctx, server.BackupConfig{Data: c.Data, Out: c.Out, Keys: c.Keys, Progress: progressOfSteps(std)})
	if err != nil {
		return err
	}
	for _, t := range b.Tenants {
		fmt.Fprintf(std.out, "tenant %s  %d records, %d sealed, checked\n", t.Tenant, t.Records, t.Sealed)
	}
	if c.Keys == "" {
		fmt.Fprintln(std.err, "without keys: nothing withheld can be read from this copy alone")
	}
	return nil
}

type restoreCmd struct {
	Backup     string   `required:"" help:"The backup." placeholder:"DIR" type:"path"`
	Keys       string   `required:"" help:"The file of keys." placeholder:"FILE" type:"path"`
	Data       string   `required:"" help:"Data directory to make; it does not exist, or is empty." placeholder:"DIR" type:"path"`
	Erasures   []string `help:"What was erased since: a list, a newer backup, or a data directory of the house." placeholder:"PATH" type:"path"`
	Checkpoint string   `help:"A checkpoint published since, to be told what is lost." placeholder:"FILE" type:"path"`
}

func (c *restoreCmd) Run(ctx context.Context, std streams) error {
	r, err := server.Restore(ctx, server.RestoreConfig{Backup: c.Backup, Keys: c.Keys, Data: c.Data, Erasures: c.Erasures, Checkpoint: c.Checkpoint,
		Progress: progressOfSteps(std)})
	if err != nil {
		return err
	}
	for _, t := range r.Tenants {
		fmt.Fprintf(std.out, "tenant %s  %d records, %d sealed, checked\n", t.Tenant, t.Records, t.Sealed)
	}
	fmt.Fprintf(std.out, "erasures  %d carried out\n", r.Erasures)
	for _, l := range r.Lost {
		fmt.Fprintf(std.out, "LOST      tenant %s had at least %d records, %d are here: its log must not go on under the same key; begin a new epoch with evf log epoch\n", plain(string(l.Tenant)), l.Known, l.Restored)
	}
	return nil
}
