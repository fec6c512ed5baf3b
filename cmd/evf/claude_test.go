package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/datatest"
	"github.com/evidencefactory/evf/internal/hook"
)

// claude is the real Claude Code, in an empty home, talking to a scripted model
// on this machine.
type claude struct {
	desk    *desk
	bin     string
	model   string // URL of the stub
	project string
	env     []string
}

// bashCall is one turn of the scripted model.
func bashCall(command string) map[string]any {
	return map[string]any{"name": "Bash", "input": map[string]any{"command": command, "description": "a test"}}
}

func newClaude(t *testing.T, d *desk, script []map[string]any) *claude {
	t.Helper()
	bin, node := os.Getenv("EVF_CLAUDE"), datatest.Program(t, "node")
	stub := datatest.Path(t, "..", "tools", "stub-model.mjs")
	if bin == "" {
		datatest.Missing(t, "EVF_CLAUDE names no claude (of npm's @anthropic-ai/claude-code): the real coding agent is not tried")
	}
	dir := t.TempDir()
	calls, err := json.Marshal(script)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "calls.json"), calls, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	model := exec.Command(node, stub, "--port", port, "--script", filepath.Join(dir, "calls.json"))
	if err := model.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Process.Kill(); model.Wait() })
	c := &claude{desk: d, bin: bin, model: "http://127.0.0.1:" + port, project: filepath.Join(dir, "project")}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if resp, err := http.Get(c.model); err == nil {
			resp.Body.Close()
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	settings, err := hook.Install(nil, buildEvf(t)+" hook claude-code --state "+filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(c.project, ".claude"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook.SettingsFile(c.project), settings, 0o644); err != nil {
		t.Fatal(err)
	}
	c.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "ANTHROPIC_BASE_URL=" + c.model, "ANTHROPIC_API_KEY=stub",
		"DISABLE_AUTOUPDATER=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "EVF_SERVER=" + d.hook.Server, "EVF_KEY=" + d.hook.EnvKey}
	return c
}

// run lets the agent work until it is done.
func (c *claude) run(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.bin, "-p", "go")
	cmd.Dir, cmd.Env = c.project, c.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// made reports whether the agent made a file.
func (c *claude) made(name string) bool {
	_, err := os.Stat(filepath.Join(c.project, name))
	return err == nil
}

// The real agent does what is allowed, not what is denied, what is held once a
// person approved it, and nothing without a server.
func TestClaudeCode(t *testing.T) {
	if testing.Short() {
		t.Skip("the real agent runs in the full suite")
	}
	d := newDesk(t)
	script := []map[string]any{bashCall("touch allowed"), bashCall("sudo touch denied; touch denied")}
	for range 40 { // the model asks again until it was approved
		script = append(script, bashCall("echo git push >> held"))
	}
	c := newClaude(t, d, script)
	approved := make(chan error, 1)
	go func() { approved <- d.approveFirst() }()
	c.run(t)
	if err := <-approved; err != nil {
		t.Fatal(err)
	}
	held, _ := os.ReadFile(filepath.Join(c.project, "held"))
	if !c.made("allowed") || c.made("denied") || string(held) != "git push\n" {
		t.Errorf("allowed %v, denied %v, held %q", c.made("allowed"), c.made("denied"), held)
	}
	runs := d.stories()
	if len(runs) != 1 {
		t.Fatalf("there are %d runs, want one", len(runs))
	}
	story, err := d.admin.Story(t.Context(), runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var types []evidence.Type
	for _, r := range story.Records {
		types = append(types, r.Type)
	}
	for want, n := range map[evidence.Type]int{evidence.TypeActionStarted: 2, evidence.TypeActionFinished: 2, evidence.TypeApprovalConsumed: 1} {
		if got := len(slices.DeleteFunc(slices.Clone(types), func(x evidence.Type) bool { return x != want })); got != n {
			t.Errorf("%d of %s on record, want %d", got, want, n)
		}
	}
	if err := os.Remove(filepath.Join(c.project, "allowed")); err != nil {
		t.Fatal(err)
	}
	d.web.Close()
	c.run(t)
	if c.made("allowed") {
		t.Error("a tool ran though the server was gone")
	}
}

// approveFirst waits for the first approval that is asked for, and gives it.
func (d *desk) approveFirst() error {
	ctx := d.t.Context()
	key, err := d.admin.CreateKey(ctx, client.CreateKey{Person: "max@example.org", Roles: []string{"maintainer"}})
	if err != nil {
		return err
	}
	max := &client.Client{Server: d.web.URL, Key: strings.TrimSpace(key.Token)}
	for {
		list, err := max.Approvals(ctx, "waiting", "")
		if err != nil {
			return err
		}
		if len(list) == 0 {
			continue
		}
		shown, err := max.Approval(ctx, list[0].ID)
		if err != nil {
			return err
		}
		_, err = max.Decide(ctx, list[0].ID, client.Decide{Decision: "approve", Presentation: shown.Presentation, ReasonCode: "reviewed"})
		return err
	}
}
