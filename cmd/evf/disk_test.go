package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/datatest"
	"github.com/evidencefactory/evf/internal/server"
)

// sick is a real server on a disk that fails, and what it acknowledged.
type sick struct {
	t         *testing.T
	bin, data string
	p         *process
	key       string // the agent's
	run       evidence.RunID
	acked     map[evidence.RecordID]uint64
}

func newSick(t *testing.T, bin, data string) *sick {
	t.Helper()
	s := &sick{t: t, bin: bin, data: data, acked: map[evidence.RecordID]uint64{}}
	s.p = startServer(t, bin, data)
	s.key, _ = prepareBurst(t, s.client(keyFile(t, server.AdminKeyFile(data, server.DefaultTenant))))
	run, err := s.client(s.key).Begin(t.Context(), client.BeginRun{Initiator: client.Party{Kind: "human", Name: "starter@example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	s.run = run.ID
	return s
}

func (s *sick) client(key string) *client.Client { return &client.Client{Server: s.p.url, Key: key} }

// record submits one record and keeps it where it was acknowledged.
func (s *sick) record(ctx context.Context) error {
	placed, err := s.client(s.key).Join(s.run).Record(ctx, client.Typed{Type: evidence.TypeStepObserved,
		Body: evidence.StepObserved{Step: "fill", Status: "finished", Summary: strings.Repeat("one of many ", 40)}})
	if err == nil {
		s.acked[placed[0].ID] = placed[0].Seq
	}
	return err
}

// ask asks for leave to act.
func (s *sick) ask(ctx context.Context) error {
	args, _ := evidence.ObjectValue(evidence.Field{Name: "n", Value: evidence.StringValue("1")})
	_, err := s.client(s.key).Join(s.run).Ask(ctx, "", "books/post", args)
	return err
}

// works wants everything to be taken.
func (s *sick) works(when string) {
	s.t.Helper()
	for what, do := range map[string]func(context.Context) error{"record": s.record, "action": s.ask} {
		if err := do(s.t.Context()); err != nil {
			s.t.Errorf("%s, %s: %v\n%s", when, what, err, s.p.err)
		}
	}
}

// refuses wants nothing to be taken: the caller is told to try again, and the
// log says what to do.
func (s *sick) refuses(when, advice string) {
	s.t.Helper()
	for what, do := range map[string]func(context.Context) error{"record": s.record, "action": s.ask} {
		err := do(s.t.Context())
		if !client.IsKind(err, evidence.Unavailable) {
			s.t.Errorf("%s, %s: %v\n%s", when, what, err, s.p.err)
		}
	}
	if !strings.Contains(s.p.err.String(), advice) {
		s.t.Errorf("%s: the log does not say %q:\n%s", when, advice, s.p.err)
	}
}

// ready wants readyz to answer with a status.
func (s *sick) ready(status int) {
	s.t.Helper()
	res, err := http.Get(s.p.url + "/readyz")
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != status {
		s.t.Errorf("readyz says %d, want %d", res.StatusCode, status)
	}
}

// restart kills the server, has fsck look at what it left, and starts it anew.
func (s *sick) restart() {
	s.t.Helper()
	s.p.kill()
	if out, err := exec.Command(s.bin, "fsck", "--data", s.data).CombinedOutput(); err != nil {
		s.t.Fatalf("fsck: %v\n%s", err, out)
	}
	s.p = startServer(s.t, s.bin, s.data)
}

// kept wants every acknowledged record where it was placed, once.
func (s *sick) kept() {
	s.t.Helper()
	story, err := s.client(keyFile(s.t, server.AdminKeyFile(s.data, server.DefaultTenant))).Story(s.t.Context(), s.run)
	if err != nil {
		s.t.Fatal(err)
	}
	seen := map[evidence.RecordID][]uint64{}
	for _, r := range story.Records {
		seen[r.ID] = append(seen[r.ID], r.Seq)
	}
	for id, seq := range s.acked {
		if !slices.Equal(seen[id], []uint64{seq}) {
			s.t.Errorf("record %s was acknowledged at %d and stands at %v", id, seq, seen[id])
		}
	}
	if len(s.acked) == 0 {
		s.t.Error("nothing was acknowledged, so nothing is proved")
	}
}

// fault makes system calls of the running server fail on files of the data
// directory, and returns what mends them.
func (s *sick) fault(inject string, files ...string) (mend func()) {
	s.t.Helper()
	args := []string{"-f", "-qqq", "-o", "/dev/null", "-p", strconv.Itoa(s.p.cmd.Process.Pid), "-e", "trace=" + strings.Split(inject, ":")[0], "-e", "inject=" + inject}
	for _, f := range files {
		args = append(args, "-P", filepath.Join(s.data, f))
	}
	cmd := exec.Command("strace", args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for !s.traced() {
		if cmd.ProcessState != nil || cmd.Process.Signal(syscall.Signal(0)) != nil {
			s.t.Fatalf("strace ended: %s", said.String())
		}
		s.p.yield(s.t)
	}
	var mended bool
	mend = func() {
		if mended {
			return
		}
		mended = true
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	}
	s.t.Cleanup(mend)
	return mend
}

// traced reports whether every thread of the server has a tracer.
func (s *sick) traced() bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.p.cmd.Process.Pid))
	for _, task := range tasks {
		data, err := os.ReadFile(task)
		if err == nil && bytes.Contains(data, []byte("TracerPid:\t0\n")) {
			return false
		}
	}
	return len(tasks) > 0
}

// yield lets time pass by doing something that takes some.
func (p *process) yield(t *testing.T) {
	t.Helper()
	if res, err := http.Get(p.url + "/healthz"); err == nil {
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

// needsProgram skips where a program that makes disks fail is missing.
func needsProgram(t *testing.T, name string) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped with -short: it builds and breaks the real binary")
	}
	datatest.Program(t, name)
	if os.Getuid() != 0 {
		datatest.Missing(t, "only root can make a disk fail")
	}
}

// TestFailingDisk has the kernel refuse the server's writes and syncs, mends
// it, and looks for what was acknowledged.
func TestFailingDisk(t *testing.T) {
	needsProgram(t, "strace")
	bin := buildEvf(t)
	for _, c := range []struct {
		name, inject string
		files        []string
		advice       string
		heals        bool // without a start
	}{
		{"full", "pwrite64:error=ENOSPC", []string{"evf.db-wal"}, "the disk is full. Free space: it goes on by itself", true},
		{"read-only", "pwrite64:error=EROFS", []string{"evf.db-wal"}, "the disk failed. Stop, look after the disk, run evf fsck, start again", false},
		{"broken", "pwrite64:error=EIO", []string{"evf.db-wal"}, "the disk failed. Stop", false},
		{"not synced", "fsync,fdatasync:error=EIO", []string{"evf.db-wal"}, "nothing more is written until the next start", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSick(t, bin, filepath.Join(t.TempDir(), "data"))
			s.works("before")
			mend := s.fault(c.inject, c.files...)
			s.refuses("failing", "")
			s.refuses("failing still", c.advice)
			mend()
			if c.heals {
				s.works("mended")
				s.ready(http.StatusOK)
			} else {
				s.refuses("mended, and not started again", c.advice)
				s.ready(http.StatusServiceUnavailable)
			}
			s.restart()
			s.works("started again")
			s.kept()
		})
	}
}

// TestFullDisk fills a small disk with records until nothing fits, frees some
// of it, and goes on.
func TestFullDisk(t *testing.T) {
	needsProgram(t, "mount")
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk).CombinedOutput(); err != nil {
		datatest.Missing(t, "no disk of a given size can be made here: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", disk).Run() })
	ballast := filepath.Join(disk, "ballast")
	s := newSick(t, buildEvf(t), filepath.Join(disk, "data"))
	if err := os.WriteFile(ballast, make([]byte, 12<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; s.record(t.Context()) == nil; n++ {
		if n == 100_000 {
			t.Fatal("a disk of 16 MB holds 100000 records")
		}
	}
	s.refuses("full", "the disk is full")
	if _, err := s.client(s.key).Begin(t.Context(), client.BeginRun{Initiator: client.Party{Kind: "human", Name: "starter@example.org"}}); !client.IsKind(err, evidence.Unavailable) {
		t.Errorf("a run begins on a full disk: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s.works("with room again")
	s.ready(http.StatusOK)
	s.kept()
	s.restart()
	s.works("started again")
	s.kept()
	t.Logf("%d records until the disk was full", n)
}

// TestStartOnABadDisk starts where not even the checkpoint of what was
// committed fits, and once there is room again.
func TestStartOnABadDisk(t *testing.T) {
	needsProgram(t, "mount")
	bin := buildEvf(t)
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk).CombinedOutput(); err != nil {
		datatest.Missing(t, "no disk of a given size can be made here: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", disk).Run() })
	s := newSick(t, bin, filepath.Join(disk, "data"))
	s.works("before")
	s.p.kill()
	for _, c := range []struct {
		name, advice string
		harm, mend   func() error
	}{
		{"read-only", "cannot be written. Make it writable", func() error { return remount(disk, "ro") }, func() error { return remount(disk, "rw") }},
		{"full", "the disk is full", func() error { return fill(filepath.Join(disk, "ballast")) }, func() error { return os.Remove(filepath.Join(disk, "ballast")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.harm(); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(bin, "key", "create", "--data", s.data, "--person", "new@example.org", "--role", "controller", "-o", filepath.Join(t.TempDir(), "key"))
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.advice) {
				t.Errorf("%v: does not say %q: %s", err, c.advice, out)
			}
			if err := c.mend(); err != nil {
				t.Fatal(err)
			}
			s.t = t
			s.p = startServer(t, bin, s.data)
			s.works("mended")
			s.kept()
			s.p.kill()
		})
	}
}

func remount(disk, how string) error {
	return exec.Command("mount", "-o", "remount,"+how, disk).Run()
}

// fill writes until there is no room left.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	return nil
}

// TestCorruptPage damages pages of the database file, one after the other:
// fsck says that it is damaged, and a server that starts on it acknowledges
// nothing it could not keep.
func TestCorruptPage(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: it builds and breaks the real binary")
	}
	bin, data := buildEvf(t), filepath.Join(t.TempDir(), "data")
	s := newSick(t, bin, data)
	for range 200 {
		if err := s.record(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.restart()
	s.p.kill()
	if out, err := exec.Command(bin, "key", "list", "--data", data).CombinedOutput(); err != nil { // takes the write-ahead log in
		t.Fatalf("%v: %s", err, out)
	}
	path := filepath.Join(data, "evf.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for at := 0; at < len(whole); at += page * max(1, len(whole)/page/24) {
		t.Run(fmt.Sprintf("page %d", at/page+1), func(t *testing.T) {
			bad := bytes.Clone(whole)
			for i := range page {
				bad[at+i] ^= 0x5a
			}
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(bin, "fsck", "--data", data).CombinedOutput()
			if err == nil {
				t.Errorf("fsck finds nothing wrong: %s", out)
			}
			if !strings.Contains(string(out), "database") || strings.Contains(string(out), "panic") {
				t.Errorf("fsck does not say that the database is damaged: %s", out)
			}
		})
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s.restart()
	s.kept()
}
