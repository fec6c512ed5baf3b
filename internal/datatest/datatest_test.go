package datatest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// ended is a test that remembers how it ended.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper()      {}
func (e *ended) Fatal(...any) { e.end("failed") }
func (e *ended) Skip(...any)  { e.end("skipped") }

func (e *ended) end(how string) {
	e.how = how
	runtime.Goexit()
}

// ends says how a test ends that does something.
func ends(t *testing.T, do func(t testing.TB)) string {
	e := &ended{TB: t, how: "passed"}
	over := make(chan struct{})
	go func() {
		defer close(over)
		do(e)
	}()
	<-over
	return e.how
}

// What is missing skips a test, and fails it where it was promised.
func TestMissing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "there"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EVF_DATA", dir)
	for _, c := range []struct {
		name, without, required string
		do                      func(t testing.TB)
	}{
		{"a file that is there", "passed", "passed", func(t testing.TB) { Path(t, "there") }},
		{"a file that is not", "skipped", "failed", func(t testing.TB) { Path(t, "not", "there") }},
		{"what a file holds that is not there", "skipped", "failed", func(t testing.TB) { Read(t, "not there") }},
		{"a program", "passed", "passed", func(t testing.TB) { Program(t, "go") }},
		{"a program that is not there", "skipped", "failed", func(t testing.TB) { Program(t, "no such program") }},
		{"anything else", "skipped", "failed", func(t testing.TB) { Missing(t, "it rains") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("EVF_REQUIRE_DATA", "")
			if got := ends(t, c.do); got != c.without {
				t.Errorf("the test %s, want %s", got, c.without)
			}
			t.Setenv("EVF_REQUIRE_DATA", "1")
			if got := ends(t, c.do); got != c.required {
				t.Errorf("where data is required the test %s, want %s", got, c.required)
			}
		})
	}
}

// A folder is found from the project's root, wherever a test runs.
func TestRelativeData(t *testing.T) {
	t.Setenv("EVF_REQUIRE_DATA", "1")
	t.Setenv("EVF_DATA", "internal")
	if len(Read(t, "datatest", "datatest.go")) == 0 {
		t.Error("this package's source is empty")
	}
}
