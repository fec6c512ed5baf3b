package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

type verifyCmd struct {
	File    string   `arg:"" help:"The packet, tlog-proof or checkpoint; - for standard input." type:"path"`
	Key     []string `help:"Verifier key of a log you trust (C2SP form)." placeholder:"VKEY" sep:"none"`
	Trust   string   `help:"File of verifier keys, one a line, # for comments." placeholder:"FILE" type:"path"`
	Against []string `help:"Checkpoint or packet of the same log, older or newer: prove that the log only grew between the two." placeholder:"FILE" type:"path" sep:"none"`
	Log     string   `help:"The published log, a folder or an address: prove that it still holds all of this." placeholder:"DIR|URL"`
	Auth    string   `help:"File with the key for --log URL; default EVF_KEY." placeholder:"FILE" type:"path"`
	EnvKey  string   `hidden:"" env:"EVF_KEY"`
	Leaf    string   `help:"For a tlog-proof: file of the entry it is about." placeholder:"FILE" type:"path"`
	Record  string   `help:"For a tlog-proof: file of the record that the entry must seal." placeholder:"FILE" type:"path"`
	JSON    bool     `help:"Print the report as JSON."`

	Reperform bool `help:"Decide again what the packet records, from what it holds."`
}

// Bounds of small files that verify reads.
const (
	maxTrustFile = 1 << 20
	maxEntry     = 1 << 16 // of a C2SP entry bundle
)

func (c *verifyCmd) Run(ctx context.Context, std streams) error {
	var report verified
	err := c.verify(ctx, std, &report)
	switch {
	case err != nil:
	case c.JSON:
		err = printJSON(std.out, report)
	default:
		err = printReport(std, report.Report)
		if c.Reperform {
			err = errors.Join(err, printAgain(std, report.Reperformed))
		}
	}
	var code exitError
	switch {
	case errors.As(err, &code):
		return err
	case err != nil:
		fmt.Fprintf(std.err, "evf: %s\n", masked(err))
		return exitError(exitCannotRun)
	case report.exitCode(c.Reperform) != 0:
		return exitError(report.exitCode(c.Reperform))
	}
	return nil
}

// verify reports on the file. Its errors say why that could not be done.
func (c *verifyCmd) verify(ctx context.Context, std streams, r *verified) error {
	trust, err := c.trust(std)
	if err != nil {
		return err
	}
	var files func(path string) ([]byte, error)
	if c.Log != "" {
		if files, err = c.logFiles(ctx, std); err != nil {
			return err
		}
	}
	data, err := readFile(std, c.File, packet.MaxSize)
	if err != nil {
		return err
	}
	if c.Reperform && packet.KindOf(data) != packet.FilePacket {
		return usage(std, "--reperform goes with a packet, and %s is none", c.File)
	}
	if r.Report, err = c.file(std, data, trust); err != nil || r.Verdict == packet.Invalid {
		return err
	}
	if c.Reperform {
		r.Reperformed = reperformed(data, r.Report)
	}
	for _, name := range c.Against {
		other, err := readFile(std, name, packet.MaxSize)
		if err != nil {
			return err
		}
		if err := r.Against(name, other, trust, files); err != nil {
			return fmt.Errorf("log %s: %w", c.Log, err)
		}
	}
	if files != nil {
		if err := r.AgainstLog(c.Log, trust, files); err != nil {
			return fmt.Errorf("log %s: %w", c.Log, err)
		}
	}
	return nil
}

// file verifies the file by itself.
func (c *verifyCmd) file(std streams, data []byte, trust packet.Trust) (r packet.Report, err error) {
	kind := packet.KindOf(data)
	if kind != packet.FileProof && c.Leaf+c.Record != "" {
		return r, usage(std, "--leaf and --record go with a tlog-proof, and %s is none", c.File)
	}
	switch kind {
	case packet.FileCheckpoint:
		return packet.VerifyCheckpoint(data, trust), nil
	case packet.FileProof:
		var e packet.Entry
		if e.Leaf, err = readOptional(std, c.Leaf, maxEntry); err != nil {
			return r, err
		}
		if e.Record, err = readOptional(std, c.Record, evidence.MaxRecord); err != nil {
			return r, err
		}
		return packet.VerifyTlogProof(data, e, trust), nil
	}
	p, err := packet.Open(data)
	if err != nil {
		return packet.Verify(data, trust), nil // which reports the same
	}
	p.Progress = progress(std, "records")
	return p.Verify(trust), nil
}

// trust gathers the keys that are trusted.
func (c *verifyCmd) trust(std streams) (t packet.Trust, err error) {
	text, err := readOptional(std, c.Trust, maxTrustFile)
	if err != nil {
		return t, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			t.Keys = append(t.Keys, line)
		}
	}
	t.Keys = append(t.Keys, c.Key...)
	if err := t.Validate(); err != nil {
		return t, usage(std, "%v", err)
	}
	return t, nil
}

// usage says what is wrong with the command line.
func usage(std streams, format string, args ...any) error {
	fmt.Fprintf(std.err, "evf: %s\n", masked(fmt.Errorf(format, args...)))
	return exitError(exitUsage)
}

func readOptional(std streams, path string, most int64) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return readFile(std, path, most)
}

// readFile reads a file, or standard input for -, of at most most bytes.
func readFile(std streams, path string, most int64) ([]byte, error) {
	in, hint := std.in, int64(0)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			hint = min(info.Size(), most)
		}
		in = f
	}
	// One piece of memory of the right size: packets can be large.
	buf := bytes.NewBuffer(make([]byte, 0, hint+bytes.MinRead))
	if _, err := buf.ReadFrom(io.LimitReader(in, most+1)); err != nil {
		return nil, err
	}
	if int64(buf.Len()) > most {
		return nil, fmt.Errorf("%s is larger than such a file can be (%d bytes)", path, most)
	}
	return buf.Bytes(), nil
}
