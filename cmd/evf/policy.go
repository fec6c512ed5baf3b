package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/evidencefactory/evf/internal/replay"
)

type policyCmd struct {
	Test policyTestCmd `cmd:"" help:"Hold manifests against cases of what they must allow, hold and deny."`
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

// testSuite runs the cases of one file.
func testSuite(std streams, file string) (cases, failed int, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, err
	}
	suite, err := replay.ParseSuite(data)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", file, err)
	}
	manifest := filepath.Join(filepath.Dir(file), suite.Workflow)
	source, err := os.ReadFile(manifest)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: workflow: %w", file, err)
	}
	r, err := replay.New(source, time.Now())
	if err != nil {
		return 0, 0, errors.New(manifest + " cannot be used:\n" + located(manifest, err.Error()))
	}
	for _, c := range suite.Cases {
		if err := r.Test(c); err != nil {
			failed++
			fmt.Fprintf(std.out, "%s:%d: %s: %s\n", file, c.Line, plain(c.Name), plain(err.Error()))
		}
	}
	return len(suite.Cases), failed, nil
}
