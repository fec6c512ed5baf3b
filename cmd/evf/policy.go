package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/replay"
)

type policyCmd struct {
	Test    policyTestCmd    `cmd:"" help:"Hold manifests against cases of what they must allow, hold and deny."`
	Explain policyExplainCmd `cmd:"" help:"Say why a case gets its verdict: its facts, and what each policy said."`
}

type policyTestCmd struct {
	Dir string `arg:"" help:"Folder with files NAME.test.yaml, or one such file." type:"path"`
}

// Help implements kong's.
func (policyTestCmd) Help() string {
	return "Exit codes: 0 every case has the verdict that it wants; 1 some have not; 3 there is nothing that could be tested. docs/policy.md explains the files."
}

// suiteFiles are named so, beside the manifests that they test.
const suiteFiles = "*.test.yaml"

func (c *policyTestCmd) Run(std streams) error {
	files := []string{c.Dir}
	if info, err := os.Stat(c.Dir); err != nil {
		return cannotRun(std, err)
	} else if info.IsDir() {
		files, _ = filepath.Glob(filepath.Join(c.Dir, suiteFiles))
		slices.Sort(files)
	}
	if len(files) == 0 {
		return cannotRun(std, fmt.Errorf("%s has no files %s", c.Dir, suiteFiles))
	}
	cases, failed := 0, 0
	for _, file := range files {
		n, bad, err := testSuite(std, file)
		if err != nil {
			return cannotRun(std, err)
		}
		cases, failed = cases+n, failed+bad
	}
	fmt.Fprintf(std.out, "%d cases in %d files, %d failed\n", cases, len(files), failed)
	if failed > 0 {
		return exitError(exitInvalid)
	}
	return nil
}

// openSuite reads a file of cases, and the manifest that it names.
func openSuite(file string) (*replay.Suite, *replay.Replay, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	suite, err := replay.ParseSuite(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	manifest := filepath.Join(filepath.Dir(file), suite.Workflow)
	source, err := os.ReadFile(manifest)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: workflow: %w", file, err)
	}
	r, err := replay.New(source, time.Now())
	if err != nil {
		return nil, nil, errors.New(manifest + " cannot be used:\n" + located(manifest, err.Error()))
	}
	return suite, r, nil
}

// testSuite runs the cases of one file.
func testSuite(std streams, file string) (cases, failed int, err error) {
	suite, r, err := openSuite(file)
	if err != nil {
		return 0, 0, err
	}
	for _, c := range suite.Cases {
		if err := r.Test(c); err != nil {
			failed++
			fmt.Fprintf(std.out, "%s:%d: %s: %s\n", file, c.Line, plain(c.Name), plain(err.Error()))
		}
	}
	return len(suite.Cases), failed, nil
}

type policyExplainCmd struct {
	File string `arg:"" help:"A file NAME.test.yaml." type:"path"`
	Case string `arg:"" optional:"" help:"The case's name, or a part of it; the first where it is left out."`
}

func (c *policyExplainCmd) Run(std streams) error {
	suite, r, err := openSuite(c.File)
	if err != nil {
		return cannotRun(std, err)
	}
	n := slices.IndexFunc(suite.Cases, func(one replay.Case) bool { return strings.Contains(one.Name, c.Case) })
	if n < 0 {
		return cannotRun(std, fmt.Errorf("%s has no case of that name", c.File))
	}
	e, err := r.Explain(suite.Cases[n])
	if err != nil {
		return cannotRun(std, fmt.Errorf("%s:%d: %w", c.File, suite.Cases[n].Line, err))
	}
	return printExplanation(std, suite.Cases[n], e)
}

// printExplanation shows verdict, reasons, policies and facts, in the order in
// which one asks for them.
func printExplanation(std streams, c replay.Case, e replay.Explanation) error {
	fmt.Fprintf(std.out, "%s: %s by %s is %s\n", plain(c.Name), plain(c.Call.Tool), plain(e.Request.Identity), e.Verdict.Effect)
	for _, reason := range e.Verdict.Reasons {
		fmt.Fprintf(std.out, "  %s: %s\n", reason.Code, plain(reason.Text))
	}
	if len(e.Policies) == 0 {
		fmt.Fprintln(std.out, "no policy was asked")
	}
	for _, p := range e.Policies {
		fmt.Fprintf(std.out, "  %-6s %s %s: %s\n", p.Effect, p.ID, p.Version, p.State)
	}
	asked, err := policy.RequestValue(e.Request)
	if err != nil {
		return err
	}
	facts, _ := asked.Get("facts")
	for _, f := range facts.Fields() {
		fmt.Fprintf(std.out, "  fact   %s = %s\n", f.Name, plain(string(f.Value.Canonical())))
	}
	return nil
}
