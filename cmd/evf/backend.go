package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/internal/server"
)

// backend is where a command finds its server: one that runs, or a data
// directory that it opens for itself. Everything behind it is the same.
type backend struct {
	Server string `help:"URL of a running server." env:"EVF_SERVER" xor:"where" placeholder:"URL"`
	Data   string `help:"Data directory, while no server holds it." env:"EVF_DIR" xor:"where" placeholder:"DIR" type:"path"`
	Anchor string `hidden:"" env:"EVF_ANCHOR" type:"path"`
	Auth   string `help:"File with the key to call with; default EVF_KEY, or the directory's admin.key." placeholder:"FILE" type:"path"`
	EnvKey string `hidden:"" env:"EVF_KEY"`

	packing func(done, total uint64) // hears of a packet that a directory of our own builds
}

// open gives a client, and a function that lets go of what it holds.
func (b *backend) open(ctx context.Context) (*client.Client, func() error, error) {
	switch {
	case b.Server != "":
		key, err := b.key("")
		return &client.Client{Server: b.Server, Key: key}, func() error { return nil }, err
	case b.Data != "":
		if _, err := os.Stat(b.Data); err != nil {
			return nil, nil, fmt.Errorf("no data directory there: %w", err)
		}
		s, err := server.Open(ctx, server.Config{Data: b.Data, Anchor: b.Anchor, Packing: b.packing})
		if err != nil {
			return nil, nil, err
		}
		key, err := b.key(server.AdminKeyFile(b.Data, server.DefaultTenant))
		if err != nil {
			return nil, nil, errors.Join(err, s.Close())
		}
		return &client.Client{Server: "http://localhost", Key: key, HTTP: &http.Client{Transport: direct{s.Handler()}}}, s.Close, nil
	}
	return nil, nil, errors.New("where? pass --server URL for a running server, or --data DIR")
}

// key finds the key to call with.
func (b *backend) key(file string) (string, error) {
	switch {
	case b.Auth != "":
		file = b.Auth
	case b.EnvKey != "":
		return b.EnvKey, nil
	case file == "":
		return "", errors.New("no key: set EVF_KEY, or pass --auth FILE")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("key to call with: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// with runs f with a client.
func (b *backend) with(ctx context.Context, f func(*client.Client) error) error {
	c, done, err := b.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(c), done())
}

// direct carries requests to a handler in this process.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := &answer{header: http.Header{}, code: http.StatusOK}
	d.handler.ServeHTTP(w, r)
	return &http.Response{Status: http.StatusText(w.code), StatusCode: w.code, Proto: r.Proto, Header: w.header,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r}, nil
}

// answer keeps a response.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(code int)        { a.code = code }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
