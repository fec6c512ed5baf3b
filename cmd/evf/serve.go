package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/server"
)

type serveCmd struct {
	Config string `help:"YAML configuration file." placeholder:"FILE" type:"path"`
	Data   string `help:"Data directory; over the configuration's." env:"EVF_DIR" placeholder:"DIR" type:"path"`
	Anchor string `help:"Folder that keeps the latest checkpoint; over the configuration's." env:"EVF_ANCHOR" placeholder:"DIR" type:"path"`
	Listen string `help:"Address to serve on; over the configuration's." placeholder:"ADDR"`
	Trust  bool   `name:"trust-clock" help:"Go by this machine's clock even where records were received later by it: once, after a clock that was far ahead was set right."`
}

func (c *serveCmd) Run(ctx context.Context, std streams) error {
	var cfg server.Config
	if c.Config != "" {
		var err error
		if cfg, err = server.ReadConfig(c.Config); err != nil {
			return err
		}
	}
	if c.Data != "" {
		cfg.Data = c.Data
	}
	if c.Anchor != "" {
		cfg.Anchor = c.Anchor
	}
	if c.Listen != "" {
		cfg.Listen = c.Listen
	}
	cfg.TrustClock = cfg.TrustClock || c.Trust
	cfg.Log = slog.New(slog.NewTextHandler(std.err, nil))
	s, err := server.Open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, std, s, cfg), s.Close())
}

func serve(ctx context.Context, std streams, s *server.Server, cfg server.Config) error {
	if cfg.Listen == "" {
		cfg.Listen = server.DefaultListen
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "serving   http://%s\n", l.Addr())
	fmt.Fprintf(std.err, "data      %s\n", cfg.Data)
	if len(cfg.Tenants) == 0 {
		cfg.Tenants = []string{server.DefaultTenant}
	}
	for _, t := range cfg.Tenants {
		fmt.Fprintf(std.err, "log key   %s\n", s.Log(evidence.TenantID(t)).VerifierKey())
	}
	return s.Serve(ctx, l)
}
