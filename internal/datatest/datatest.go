// Package datatest finds what tests need and the project does not bring: data
// that others made, below EVF_DATA, and programs. What is missing skips a test
// aloud; with EVF_REQUIRE_DATA=1 it fails it, so that nothing goes unjudged
// where everything is promised to be there.
package datatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Path is the path of a file or folder of the data, which is there.
func Path(t testing.TB, elems ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{root(t)}, elems...)...)
	if _, err := os.Stat(path); err != nil {
		Missing(t, "%s is not there: set EVF_DATA to the folder of test data", filepath.Join(elems...))
	}
	return path
}

// Read is what a file of the data holds.
func Read(t testing.TB, elems ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(Path(t, elems...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Program is the path of a program of that name.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "%s is not installed", name)
	}
	return path
}

// Missing ends a test for want of something, by a skip or a failure.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	why := fmt.Sprintf(format, args...)
	if os.Getenv("EVF_REQUIRE_DATA") == "1" {
		t.Fatal(why + " (EVF_REQUIRE_DATA=1)")
	}
	t.Skip("SKIPPED: " + why)
}

// root is the folder of the data. What EVF_DATA says is relative to the
// project's root, which is where go.mod is.
func root(t testing.TB) string {
	t.Helper()
	data := os.Getenv("EVF_DATA")
	if data == "" {
		data = filepath.Join("..", "shared", "data")
	}
	if filepath.IsAbs(data) {
		return data
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, data)
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test does not run within the project: no go.mod")
		}
		dir = filepath.Dir(dir)
	}
}
