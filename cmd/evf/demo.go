package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/examples/invoice"
	"github.com/evidencefactory/evf/examples/invoice/books"
	"github.com/evidencefactory/evf/examples/invoice/documents"
	"github.com/evidencefactory/evf/examples/invoice/vendors"
	"github.com/evidencefactory/evf/internal/server"
)

type demoCmd struct {
	Dir      string `help:"Data directory; a fresh temporary one where absent." placeholder:"DIR" type:"path"`
	Invoices string `help:"Folder of UBL invoices, or of test sets of them, to run on instead of the demo's own." placeholder:"DIR" type:"path"`
	Listen   string `help:"Address to serve on." default:"127.0.0.1:0" placeholder:"ADDR"`
	Exit     bool   `help:"End when done, instead of serving on."`
	JSON     bool   `help:"Print one JSON object; all text goes to standard error."`
}

// The people of the demo.
const (
	demoClerk      = "ana.keller@example.org"
	demoController = "priya.nair@example.org"
)

func (c *demoCmd) Run(ctx context.Context, std streams) error {
	say := std.out
	if c.JSON {
		say = std.err
	}
	d, err := openDemo(ctx, c, say)
	if err != nil {
		return err
	}
	return errors.Join(d.play(ctx, c, std), d.close())
}

// demo is a whole installation in one process: the factory, the books, the
// agent and the people.
type demo struct {
	say     io.Writer
	dir     string
	server  *server.Server
	url     string
	admin   *client.Client
	priya   *client.Client
	ana     *client.Client
	agent   *invoice.Agent
	journal *books.Journal
	close_  []func() error
}

func openDemo(ctx context.Context, c *demoCmd, say io.Writer) (d *demo, err error) {
	d = &demo{say: say, dir: c.Dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "evf-demo-"); err != nil {
			return d, err
		}
	}
	if err = d.openServer(ctx, c.Listen); err != nil {
		return d, err
	}
	if _, err = d.admin.ApplyWorkflow(ctx, client.ApplyWorkflow{Manifest: string(invoice.Manifest)}); err != nil {
		return d, fmt.Errorf("apply the invoice workflow: %w", err)
	}
	if err = d.openPeople(ctx); err != nil {
		return d, err
	}
	return d, d.openAgent(ctx)
}

// close undoes what was opened, last first.
func (d *demo) close() (err error) {
	for i := len(d.close_) - 1; i >= 0; i-- {
		err = errors.Join(err, d.close_[i]())
	}
	return err
}

func (d *demo) openServer(ctx context.Context, addr string) (err error) {
	if d.server, err = server.Open(ctx, server.Config{Data: d.dir, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}); err != nil {
		return err
	}
	d.close_ = append(d.close_, d.server.Close)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	d.url = "http://" + l.Addr().String()
	// The server outlives ctx: Ctrl-C lets calls in progress end first.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- d.server.Serve(serving, l) }()
	d.close_ = append(d.close_, func() error { stop(); return <-done })
	key, err := os.ReadFile(server.AdminKeyFile(d.dir, server.DefaultTenant))
	d.admin = d.client(strings.TrimSpace(string(key)))
	return err
}

func (d *demo) client(key string) *client.Client { return &client.Client{Server: d.url, Key: key} }

// openPeople gives the clerk and the controller their keys. The clerk holds
// the controller's role too, and still may not approve what she began.
func (d *demo) openPeople(ctx context.Context) error {
	for _, p := range []struct {
		name string
		to   **client.Client
		file string
	}{{demoClerk, &d.ana, "ana.key"}, {demoController, &d.priya, "priya.key"}} {
		key, err := d.admin.CreateKey(ctx, client.CreateKey{Person: p.name, Roles: []string{"ap-controller"}})
		if err != nil {
			return fmt.Errorf("key of %s: %w", p.name, err)
		}
		if err := os.WriteFile(filepath.Join(d.dir, p.file), []byte(key.Token+"\n"), 0o600); err != nil {
			return err
		}
		*p.to = d.client(key.Token)
	}
	return nil
}

// openAgent starts the books and gives each of the three identities its key.
func (d *demo) openAgent(ctx context.Context) error {
	keys := map[string]*client.Client{}
	for _, name := range []string{"invoice-agent", "invoice-validator", "books"} {
		key, err := d.admin.CreateKey(ctx, client.CreateKey{Workflow: "invoice-exceptions", Identity: name})
		if err != nil {
			return fmt.Errorf("key of %s: %w", name, err)
		}
		keys[name] = d.client(key.Token)
	}
	master, err := vendors.Load(documents.Vendors)
	if err != nil {
		return err
	}
	url, err := d.openBooks(keys["books"], master)
	if err != nil {
		return err
	}
	conn, err := books.Dial(ctx, url)
	if err != nil {
		return err
	}
	d.close_ = append(d.close_, conn.Close)
	d.agent = invoice.New(invoice.Config{
		Agent: keys["invoice-agent"], Books: conn, Initiator: demoClerk,
		Validator: &invoice.Validator{Client: keys["invoice-validator"], Vendors: master, Books: conn},
		Probe:     func(name string) bool { return strings.HasPrefix(name, "02-") },
	})
	return nil
}

func (d *demo) openBooks(key *client.Client, master *vendors.Master) (url string, err error) {
	if d.journal, err = books.Open(filepath.Join(d.dir, "books")); err != nil {
		return "", err
	}
	d.close_ = append(d.close_, d.journal.Close)
	handler, err := books.NewServer(books.Config{Journal: d.journal, Vendors: invoice.Register{Master: master}, Leave: invoice.Leave{Client: key}, FailPosts: invoice.FailTwice()})
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go srv.Serve(l) // ends with Close, whose error is the only one of interest
	d.close_ = append(d.close_, srv.Close)
	return "http://" + l.Addr().String() + "/mcp", nil
}

// approvalOf finds what a held run waits for.
func (d *demo) approvalOf(ctx context.Context, run evidence.RunID) (client.Approval, error) {
	var after evidence.ApprovalID
	for {
		list, err := d.priya.Approvals(ctx, "waiting", after)
		if err != nil {
			return client.Approval{}, err
		}
		for _, a := range list {
			if after = a.ID; a.Run == run {
				return d.priya.Approval(ctx, a.ID)
			}
		}
		if len(list) == 0 {
			return client.Approval{}, fmt.Errorf("run %s waits for nothing", run)
		}
	}
}
