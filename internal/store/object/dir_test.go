package object

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestPutAndGet(t *testing.T) {
	d := NewDir(filepath.Join(t.TempDir(), "made", "on first use"))
	if _, err := d.Get("checkpoint"); !errors.Is(err, ErrMissing) {
		t.Errorf("before anything was put: %v", err)
	}
	for _, content := range []string{"first", "", "second and longer"} { // each replaces the one before
		for _, path := range []string{"checkpoint", "tile/0/x001/000.p/7"} {
			if err := d.Put(path, []byte(content)); err != nil {
				t.Fatal(err)
			}
			if got, err := d.Get(path); err != nil || string(got) != content {
				t.Errorf("%s holds %q, %v; want %q", path, got, err, content)
			}
		}
	}
	if info, err := os.Stat(filepath.Join(d.Root(), "checkpoint")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for range 2 { // a second time is no error
		if err := d.Remove("checkpoint"); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Get("checkpoint"); !errors.Is(err, ErrMissing) {
		t.Errorf("after removing: %v", err)
	}
	if entries, _ := os.ReadDir(d.Root()); len(entries) != 1 {
		t.Errorf("left over: %v", entries)
	}
}

func TestPathsStayInside(t *testing.T) {
	outside := t.TempDir()
	d := NewDir(filepath.Join(outside, "root"))
	for _, path := range []string{"", "..", "../x", "a/../../x", "/etc/x", "a/../.."} {
		_, get := d.Get(path)
		for what, err := range map[string]error{"put": d.Put(path, nil), "get": get, "remove": d.Remove(path)} {
			if err == nil || !strings.Contains(err.Error(), "leaves its folder") {
				t.Errorf("%s %q: %v", what, path, err)
			}
		}
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("made outside: %v", entries)
	}
}

// TestFailedPut wants the old file and no trace where a new one cannot stand.
func TestFailedPut(t *testing.T) {
	d := NewDir(t.TempDir())
	if err := d.Put("a/b", []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := d.Put("a", []byte("new")); err == nil {
		t.Error("a file took the place of a folder")
	}
	if err := d.Put("a/b/c", []byte("new")); err == nil {
		t.Error("a folder took the place of a file")
	}
	if got, err := d.Get("a/b"); err != nil || string(got) != "old" {
		t.Errorf("the old file holds %q, %v", got, err)
	}
	if entries, _ := os.ReadDir(d.Root()); len(entries) != 1 {
		t.Errorf("left over: %v", entries)
	}
}

// TestWholeOrNone reads a file while it is replaced.
func TestWholeOrNone(t *testing.T) {
	d := NewDir(t.TempDir())
	contents := []string{strings.Repeat("a", 1<<16), strings.Repeat("b", 1<<15)}
	if err := d.Put("x", []byte(contents[0])); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				if got, err := d.Get("x"); err != nil || string(got) != contents[0] && string(got) != contents[1] {
					t.Errorf("read %d bytes, %v", len(got), err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 20 {
		if err := d.Put("x", []byte(contents[i%2])); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
}
