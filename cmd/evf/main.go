// Command evf is the evidence factory: the server, the verifier, and the tools
// around them. It holds subcommands and flags only; the work is done by the
// packages below.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/evidencefactory/evf/internal/redact"
	"github.com/evidencefactory/evf/internal/server"
)

// cli is every subcommand.
type cli struct {
	Demo      demoCmd      `cmd:"" help:"Run the invoice example end to end and keep serving."`
	Serve     serveCmd     `cmd:"" help:"Serve the API on a data directory."`
	Verify    verifyCmd    `cmd:"" help:"Verify a packet, a tlog-proof or a checkpoint offline, with a key you trust."`
	Fsck      fsckCmd      `cmd:"" help:"Check a data directory completely."`
	Packet    packetCmd    `cmd:"" help:"Build packets, take proofs out of them, rotate the key that signs them."`
	Log       logCmd       `cmd:"" help:"Look at the log, rotate its key, give it up for another."`
	Run       runCmd       `cmd:"" help:"Look at runs."`
	Approve   approveCmd   `cmd:"" help:"Look at approvals and decide them."`
	Init      initCmd      `cmd:"" help:"Write a workflow to begin with, and the cases it is held against."`
	Workflow  workflowCmd  `cmd:"" help:"Apply, list, show and retire workflows."`
	Gate      gateCmd      `cmd:"" help:"Try a workflow's rules on recorded calls."`
	Policy    policyCmd    `cmd:"" help:"Test policies, and say why they decide as they do."`
	Hook      hookCmd      `cmd:"" help:"Put the gate at a coding agent's hand."`
	Stop      stopCmd      `cmd:"" help:"Stop workflows at once, and release them."`
	Drill     drillCmd     `cmd:"" help:"Prove that stop orders and denials work, by a real call."`
	Record    recordCmd    `cmd:"" help:"Submit records."`
	Key       keyCmd       `cmd:"" help:"Make, list and revoke keys."`
	Erase     eraseCmd     `cmd:"" help:"Erase a subject's or a run's values by authority. There is no way back."`
	Retention retentionCmd `cmd:"" help:"Let retention run."`
	Hold      holdCmd      `cmd:"" help:"Place, list and release legal holds."`
	Backup    backupCmd    `cmd:"" help:"Copy a data directory, while it is served or not."`
	Restore   restoreCmd   `cmd:"" help:"Make a data directory from a backup; what was erased since stays erased."`
	Version   versionCmd   `cmd:"" help:"Say which version this is."`
}

// The exit codes that mean something to scripts; every other failure is 1.
const (
	exitInvalid   = 1
	exitUndecided = 2
	exitCannotRun = 3
	exitUsage     = 80
)

// exitError ends the program with a code; its message, if any, was said
// already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// streams are where a command reads and writes: answers to out, all else to
// err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run parses and runs one command line, and says how it ended.
func run(ctx context.Context, args []string, std streams) int {
	var c cli
	left := -1
	parser, err := kong.New(&c, kong.Name("evf"), kong.Description("Evidence Factory: SOC 2 evidence of what AI agents do, while they do it."),
		kong.UsageOnError(), kong.Writers(std.out, std.err), kong.Exit(func(code int) { left = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		panic("evf: " + err.Error()) // the command line is fixed at build time
	}
	k, err := parser.Parse(args)
	if left >= 0 {
		return left // help was asked for
	}
	if err != nil {
		fmt.Fprintf(std.err, "evf: %v\n", masked(err))
		return exitUsage
	}
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(std)
	return exitCode(k.Run(), std.err)
}

func exitCode(err error, stderr io.Writer) int {
	var code exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(stderr, "evf: %v\n", masked(err))
	return exitInvalid
}

// masked is what an error says without secrets: it may quote a name or a path,
// and where the command writes is often kept.
func masked(err error) string {
	text, _ := redact.Mask(err.Error())
	return text
}

type versionCmd struct{}

func (versionCmd) Run(std streams) error {
	fmt.Fprintln(std.out, "evf", server.Version())
	return nil
}
