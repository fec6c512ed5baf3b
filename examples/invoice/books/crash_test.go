package books

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTornTail cuts the last entry at every byte, as a crash may.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	post(t, j, numbered("a-1", "F-1"))
	path := filepath.Join(dir, "2026.journal")
	kept := read(t, path)
	last := numbered("a-2", "F-2")
	last.VendorName = "Söhne; & Co."
	post(t, j, last)
	j.Close()
	whole := read(t, path)

	for n := len(kept) + 1; n <= len(whole); n++ {
		f, err := scanText("2026.journal", whole[:n])
		if err != nil {
			t.Fatalf("cut at %d (%q): %v", n, tail(whole[:n]), err)
		}
		want, torn := "E-00001", whole[len(kept)+1:n]
		if n == len(whole) {
			want, torn = "E-00001 E-00002", ""
		}
		if got := ids(f.entries); got != want || string(f.torn) != torn {
			t.Fatalf("cut at %d (%q): entries %s, torn %q", n, tail(whole[:n]), got, f.torn)
		}
	}
	for n := len(kept) + 2; n < len(whole); n += len(whole) / 20 {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "2026.journal"), whole[:n])
		j := open(t, dir)
		if cuts := j.Cuts(); len(cuts) != 1 || cuts[0].Bytes != n-len(kept)-1 {
			t.Errorf("cut at %d: Cuts says %+v", n, cuts)
		}
		if aside := read(t, filepath.Join(dir, "2026.journal.torn")); aside != whole[len(kept)+1:n]+"\n" {
			t.Errorf("cut at %d: set aside %q", n, aside)
		}
		if e := post(t, j, last); e.ID != "E-00002" {
			t.Errorf("cut at %d: posted again as %s", n, e.ID)
		}
		if got := ids(entries(t, reopen(t, j))); got != "E-00001 E-00002" {
			t.Errorf("cut at %d: after posting again: %s", n, got)
		}
	}
}

func TestMalformedFilesAreRefused(t *testing.T) {
	j := open(t, t.TempDir())
	post(t, j, nordwind("a-1"))
	void(t, j, "E-00001", "a-2")
	j.Close()
	good := read(t, filepath.Join(j.dir, "2026.journal"))
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the file has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for _, c := range []struct {
		name, text string
		line       int
	}{
		{"unbalanced", replace("1992.61", "1992.62"), 12},
		{"wrong sign", replace("-12480.00", "12480.00"), 12},
		{"other account", replace("assets:vat-receivable", "assets:cash"), 13},
		{"other vendor", replace("payables:V-1001", "payables:V-6666"), 14},
		{"an extra posting", replace("-12480.00 EUR\n", "-12480.00 EUR\n    assets:cash  1.00 EUR\n"), 15},
		{"a missing posting", replace("    assets:vat-receivable                          1992.61 EUR\n", ""), 13},
		{"an unknown tag", replace("; vendor:", "; date:"), 6},
		{"a tag twice", replace("; run:", "; vendor:x\n    ; run:"), 10},
		{"no id", replace("    ; entry:E-00001\n", ""), 4},
		{"the same id twice", replace("entry:E-00002", "entry:E-00001"), 16},
		{"an unknown kind", replace("| invoice", "| gift"), 4},
		{"a raw semicolon", replace("Nordwind GmbH", "Nordwind; GmbH"), 4},
		{"another year", replace("2026-11-20", "2025-11-20"), 4},
		{"garbage between", replace("\n\n2026-12", "\n\ninclude /etc/passwd\n\n2026-12"), 16},
		{"garbage at the end", good + "include /etc/passwd", 29},
		{"an entry that is no beginning of one", good + "\n2026-11-20 gift\n", 30},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "2026.journal"), c.text)
		_, err := Open(dir)
		var malformed *MalformedError
		if !errors.As(err, &malformed) {
			t.Errorf("%s: %v, want *MalformedError", c.name, err)
			continue
		}
		if malformed.File != "2026.journal" || malformed.Line != c.line {
			t.Errorf("%s: found at %v, want line %d", c.name, malformed, c.line)
		}
		if now := read(t, filepath.Join(dir, "2026.journal")); now != c.text {
			t.Errorf("%s: Open changed the file", c.name)
		}
	}
}

// faultyFile fails at one step of a write.
type faultyFile struct {
	*os.File
	write, truncate, sync error
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if f.write == nil {
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:len(p)/2])
	return n, errors.Join(err, f.write)
}

// WriteString keeps io.WriteString from going round Write.
func (f *faultyFile) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

func (f *faultyFile) Truncate(size int64) error {
	if f.truncate != nil {
		return f.truncate
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Sync() error { return errors.Join(f.File.Sync(), f.sync) }

func TestFailedWrites(t *testing.T) {
	full := errors.New("no space left")
	for _, c := range []struct {
		name   string
		fault  faultyFile
		want   error
		broken bool
		after  string // entries once the books are opened again
	}{
		{"write fails half-way and is undone", faultyFile{write: full}, full, false, "E-00001"},
		{"write fails and cannot be undone", faultyFile{write: full, truncate: full}, ErrUnknown, true, "E-00001"},
		{"sync fails after it took", faultyFile{sync: full}, ErrUnknown, true, "E-00001 E-00002"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := open(t, t.TempDir())
			post(t, j, numbered("a-1", "F-1"))
			j.openAppend = func(path string) (appendFile, error) {
				f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
				fault := c.fault
				fault.File = f
				return &fault, err
			}
			if _, err := j.Post(numbered("a-2", "F-2")); !errors.Is(err, c.want) {
				t.Fatalf("post: %v, want %v", err, c.want)
			}
			j.openAppend = openAppend
			_, err := j.Post(numbered("a-3", "F-3"))
			if errors.Is(err, ErrBroken) != c.broken {
				t.Errorf("next post: %v", err)
			}
			want := c.after
			if !c.broken {
				want += " E-00002"
			}
			if got := ids(entries(t, reopen(t, j))); got != want {
				t.Errorf("opened again: %s, want %s", got, want)
			}
		})
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if _, err := Open(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("same process: %v, want ErrLocked", err)
	}
	child := poster(t, dir)
	out, err := child.CombinedOutput()
	if err == nil || !strings.Contains(string(out), ErrLocked.Error()) {
		t.Errorf("other process: %v, %s", err, out)
	}
	reopen(t, j)
}

// TestKill kills a process in the middle of a burst: nothing that it acknowledged is lost.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	child := poster(t, dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	for lines := bufio.NewScanner(out); lines.Scan(); acknowledged++ {
		if acknowledged == 20 {
			child.Process.Kill()
		}
	}
	child.Wait()
	if acknowledged < 20 {
		t.Fatalf("the process acknowledged %d entries before it died", acknowledged)
	}
	j := open(t, dir)
	all := entries(t, j)
	if len(all) < acknowledged || len(all) > acknowledged+1 {
		t.Errorf("%d entries acknowledged, %d found", acknowledged, len(all))
	}
	if e := post(t, j, numbered("after", "after")); e.ID.number() != len(all)+1 {
		t.Errorf("after %d entries comes %s", len(all), e.ID)
	}
}

const posterDir = "BOOKS_TEST_POST_INTO"

// poster is this test binary again, posting into dir until it is killed.
func poster(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), posterDir+"="+dir)
	return child
}

func TestMain(m *testing.M) {
	dir := os.Getenv(posterDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := postUntilKilled(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func postUntilKilled(dir string) error {
	j, err := Open(dir)
	if err != nil {
		return err
	}
	for i := range 100_000 { // bounded, should the parent die first
		e, err := j.Post(numbered(fmt.Sprintf("a-%d", i), fmt.Sprintf("F-%d", i)))
		if err != nil {
			return err
		}
		fmt.Println(e.ID)
	}
	return nil
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tail(s string) string { return s[max(0, len(s)-30):] }
