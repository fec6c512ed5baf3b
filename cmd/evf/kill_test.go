package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/server"
)

// killManifest has an agent that records, and one tool that needs a person.
const killManifest = `manifest: 1
workflow: burst
purpose: Write as fast as it can until the server is killed.
owner: owner@example.org
environment: test
tier: low
mode: enforce
identities:
  agent: {kind: agent, starts: true, records: [step.observed], tools: [books/post]}
tools:
  books/post: {impact: low, args: {n: {type: string}}}
approvals:
  controller: {role: controller, expires: 1h}
policies: |
  @id("ask") @version("1") @reason("A person decides.") @obligation("require_approval:controller")
  permit (principal, action, resource);
`

// buildEvf builds the real binary once per test.
func buildEvf(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "evf")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// process is a server that runs as a process of its own.
type process struct {
	cmd *exec.Cmd
	url string
	err *lines
}

// lines keeps what the process said, for when it goes wrong.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(s string) { l.mu.Lock(); l.all = append(l.all, s); l.mu.Unlock() }

func (l *lines) String() string { l.mu.Lock(); defer l.mu.Unlock(); return strings.Join(l.all, "\n") }

func startServer(t *testing.T, bin, data string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(bin, "serve", "--data", data, "--listen", "127.0.0.1:0"), err: &lines{}}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	url := make(chan string, 1)
	go func() {
		defer close(url)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			p.err.add(scan.Text())
			if at, ok := strings.CutPrefix(scan.Text(), "serving   "); ok {
				url <- at
			}
		}
	}()
	var ok bool
	if p.url, ok = <-url; !ok {
		t.Fatalf("the server did not start:\n%s", p.err)
	}
	return p
}

// kill ends the process as a power cut would, and waits for it to be gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

func keyFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// burst is one round: what the server acknowledged before it was killed.
type burst struct {
	agent, person *client.Client
	run           evidence.RunID

	acks    atomic.Int64
	enough  int64
	full    chan struct{} // closed when there are enough acks
	filled  sync.Once
	mu      sync.Mutex
	records map[evidence.RecordID]uint64
	permits map[evidence.ActionID]string
}

func (b *burst) ack() {
	if b.acks.Add(1) >= b.enough {
		b.filled.Do(func() { close(b.full) })
	}
}

// write submits records one by one until the server is gone.
func (b *burst) write(ctx context.Context) {
	run := b.agent.Join(b.run)
	for {
		placed, err := run.Record(ctx, client.Typed{Type: evidence.TypeStepObserved, Body: evidence.StepObserved{Step: "burst", Status: "finished", Summary: "one of many"}})
		if err != nil {
			return
		}
		b.mu.Lock()
		b.records[placed[0].ID] = placed[0].Seq
		b.mu.Unlock()
		b.ack()
	}
}

// approve takes actions through hold, approval and two askers at once, until
// the server is gone.
func (b *burst) approve(ctx context.Context) {
	run := b.agent.Join(b.run)
	args, _ := evidence.ObjectValue(evidence.Field{Name: "n", Value: evidence.StringValue("1")})
	for {
		v, err := run.Ask(ctx, "", "books/post", args)
		if err != nil || len(v.Approvals) != 1 {
			return
		}
		a, err := b.person.Approval(ctx, v.Approvals[0].ID)
		if err != nil {
			return
		}
		if _, err := b.person.Decide(ctx, a.ID, client.Decide{Decision: "approve", Presentation: a.Presentation, ReasonCode: "ok"}); err != nil {
			return
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				v, err := run.Ask(ctx, v.Action, "books/post", args)
				if err != nil || v.Permit == nil {
					return
				}
				b.mu.Lock()
				b.permits[v.Action] = v.Permit.Token
				b.mu.Unlock()
				b.ack()
			})
		}
		wg.Wait()
	}
}

// TestKillInMidBurst kills the real server twenty times while it takes
// records and approvals. Whatever it acknowledged is there once, no approval
// was used twice, and the data directory is sound.
func TestKillInMidBurst(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: it builds and kills the real binary twenty times")
	}
	bin, data := buildEvf(t), filepath.Join(t.TempDir(), "data")
	ctx := t.Context()
	p := startServer(t, bin, data)
	admin := keyFile(t, server.AdminKeyFile(data, server.DefaultTenant))
	agentKey, personKey := prepareBurst(t, &client.Client{Server: p.url, Key: admin})
	for round := range 20 {
		b := &burst{
			agent: &client.Client{Server: p.url, Key: agentKey}, person: &client.Client{Server: p.url, Key: personKey},
			enough: 100 + rand.Int64N(400), full: make(chan struct{}),
			records: map[evidence.RecordID]uint64{}, permits: map[evidence.ActionID]string{},
		}
		run, err := b.agent.Begin(ctx, client.BeginRun{Initiator: client.Party{Kind: "human", Name: "starter@example.org"}})
		if err != nil {
			t.Fatalf("round %d: %v\n%s", round, err, p.err)
		}
		b.run = run.ID
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { b.write(ctx) })
		}
		for range 3 {
			wg.Go(func() { b.approve(ctx) })
		}
		<-b.full
		p.kill()
		wg.Wait()
		if out, err := exec.Command(bin, "fsck", "--data", data).CombinedOutput(); err != nil {
			t.Fatalf("round %d: fsck: %v\n%s", round, err, out)
		}
		p = startServer(t, bin, data)
		b.agent.Server = p.url
		b.check(t, &client.Client{Server: p.url, Key: admin}, round)
	}
}

func prepareBurst(t *testing.T, admin *client.Client) (agentKey, personKey string) {
	t.Helper()
	_, err := admin.ApplyWorkflow(t.Context(), client.ApplyWorkflow{Manifest: killManifest})
	agent, err2 := admin.CreateKey(t.Context(), client.CreateKey{Workflow: "burst", Identity: "agent"})
	person, err3 := admin.CreateKey(t.Context(), client.CreateKey{Person: "controller@example.org", Roles: []string{"controller"}})
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	return agent.Token, person.Token
}

// check reads the run back from the server that was started again.
func (b *burst) check(t *testing.T, admin *client.Client, round int) {
	t.Helper()
	story, err := admin.Story(t.Context(), b.run)
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	seen, consumed, started := map[evidence.RecordID][]uint64{}, map[string]int{}, map[string]int{}
	for _, r := range story.Records {
		seen[r.ID] = append(seen[r.ID], r.Seq)
		switch r.Type {
		case evidence.TypeApprovalConsumed:
			v, _ := r.Body.Get("approval")
			consumed[v.Text()]++
		case evidence.TypeActionStarted:
			v, _ := r.Body.Get("action")
			started[v.Text()]++
		}
	}
	for id, seq := range b.records {
		if !slices.Equal(seen[id], []uint64{seq}) {
			t.Errorf("round %d: record %s was acknowledged at %d and stands at %v", round, id, seq, seen[id])
		}
	}
	for action := range b.permits {
		if started[string(action)] != 1 {
			t.Errorf("round %d: action %s has a permit and was started %d times", round, action, started[string(action)])
		}
	}
	for id, n := range consumed {
		if n != 1 {
			t.Errorf("round %d: approval %s was used %d times", round, id, n)
		}
	}
	if len(b.records) == 0 || len(b.permits) == 0 {
		t.Errorf("round %d proved nothing: %s", round, fmt.Sprint(len(b.records), " records, ", len(b.permits), " permits"))
	}
}
