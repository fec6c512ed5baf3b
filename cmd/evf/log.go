package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/internal/server"
)

type logCmd struct {
	Show      logShowCmd      `cmd:"" help:"Show the logs and keys that a tenant has and had."`
	RotateKey logRotateKeyCmd `cmd:"" help:"Give the log another key, beside its present one."`
	RetireKey logRetireKeyCmd `cmd:"" help:"End the older of the log's two keys."`
	Epoch     logEpochCmd     `cmd:"" help:"Give the log up, and begin another over the records that are left."`
}

// upkeep is the directory and tenant that a change of keys is about.
type upkeep struct {
	Data   string `required:"" help:"Data directory, while no server holds it." env:"EVF_DIR" placeholder:"DIR" type:"path"`
	Anchor string `help:"Folder with the anchored checkpoints." env:"EVF_ANCHOR" placeholder:"DIR" type:"path"`
	Tenant string `help:"Tenant." default:"default"`
	By     string `help:"Mail address of whoever does it; the record names them." default:"admin@localhost" placeholder:"MAIL"`
}

// with runs f on the opened directory.
func (c *upkeep) with(ctx context.Context, std streams, f func(*server.Upkeep) error) error {
	u, err := server.OpenUpkeep(ctx, server.UpkeepConfig{Data: c.Data, Anchor: c.Anchor, Tenant: c.Tenant, By: c.By,
		Log: slog.New(slog.NewTextHandler(std.err, nil))})
	if err != nil {
		return err
	}
	return errors.Join(f(u), u.Close())
}

type logShowCmd struct {
	upkeep
	JSON bool `help:"Print JSON."`
}

func (c *logShowCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(u *server.Upkeep) error {
		s, err := u.Log(ctx)
		if err != nil || c.JSON {
			return errors.Join(err, jsonOr(std, err, s))
		}
		return table(std.out, logRows(s))
	})
}

func logRows(s server.LogState) [][]string {
	rows := [][]string{
		{"tenant", string(s.Tenant)},
		{"log", s.Current().Origin},
		{"sealed", fmt.Sprintf("%d of %d records", s.Size, s.Next)},
	}
	for _, key := range s.Keys {
		rows = append(rows, []string{"signs", key})
	}
	if s.Missing != "" {
		rows = append(rows, []string{"signs", "no key: " + plain(s.Missing)})
	}
	for _, e := range s.Epochs {
		for i, k := range e.Keys {
			if i > 0 {
				rows = append(rows, []string{"rotated", fmt.Sprintf("at record %d to %s", k.Since, k.Key)})
			}
			if i > 0 && e.Keys[i-1].Retired > 0 {
				rows = append(rows, []string{"retired", fmt.Sprintf("at record %d: %s", e.Keys[i-1].Retired, e.Keys[i-1].Key)})
			}
		}
		if e.End != nil {
			rows = append(rows, []string{"given up", fmt.Sprintf("%s at record %d, of %d signed records %d were kept", e.Origin, e.End.Record, e.End.Size, min(e.End.Kept, e.End.Size))})
		}
	}
	return rows
}

type logRotateKeyCmd struct{ upkeep }

func (c *logRotateKeyCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(u *server.Upkeep) error {
		key, err := u.RotateLogKey(ctx)
		if err == nil {
			fmt.Fprintf(std.out, "new key   %s\nboth keys sign until evf log retire-key; publish the new one now\n", key)
		}
		return err
	})
}

type logRetireKeyCmd struct{ upkeep }

func (c *logRetireKeyCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(u *server.Upkeep) error {
		key, err := u.RetireLogKey(ctx)
		if err == nil {
			fmt.Fprintf(std.out, "retired   %s\n", key)
		}
		return err
	})
}

type logEpochCmd struct {
	upkeep
	Reason string   `required:"" help:"Why the log is given up; it goes into the record."`
	From   []string `help:"Signed checkpoint or packet of the old log that was kept elsewhere." placeholder:"FILE" type:"path" sep:"none"`
	Key    []string `help:"Verifier key of the old log, where its key file is lost." placeholder:"VKEY" sep:"none"`
}

func (c *logEpochCmd) Run(ctx context.Context, std streams) error {
	from, err := readKept(c.From)
	if err != nil {
		return err
	}
	return c.with(ctx, std, func(u *server.Upkeep) error {
		key, err := u.BeginEpoch(ctx, c.Reason, from, c.Key)
		if err != nil {
			return err
		}
		s, err := u.Log(ctx)
		if err != nil {
			return err
		}
		end := s.Epochs[len(s.Epochs)-2].End
		fmt.Fprintf(std.out, "new log   %s\nkey       %s\nkept      %d records", s.Current().Origin, key, end.Kept)
		if end.Size > end.Kept {
			fmt.Fprintf(std.out, "; records %s of the old log are lost", span(end.Kept, end.Size))
		}
		fmt.Fprintf(std.out, "\nsaid by   record %d\n", end.Record)
		return nil
	})
}

// span names the records from one seq up to, and without, another.
func span(from, to uint64) string {
	if to == from+1 {
		return strconv.FormatUint(from, 10)
	}
	return strings.Join([]string{strconv.FormatUint(from, 10), strconv.FormatUint(to-1, 10)}, " to ")
}

type packetRotateKeyCmd struct{ upkeep }

func (c *packetRotateKeyCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(u *server.Upkeep) error {
		key, err := u.RotatePacketKey(ctx)
		if err == nil {
			fmt.Fprintf(std.out, "new key   %s\n", key)
		}
		return err
	})
}
