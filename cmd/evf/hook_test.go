package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/server"
)

// desk is a server with the coding agent's workflow, and a hook that asks it.
type desk struct {
	t     *testing.T
	web   *httptest.Server
	admin *client.Client
	hook  hookClaudeCmd
}

func newDesk(t *testing.T, edits ...string) *desk {
	t.Helper()
	dir := t.TempDir()
	s, err := server.Open(t.Context(), server.Config{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		web.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	token, err := os.ReadFile(server.AdminKeyFile(dir, server.DefaultTenant))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, web: web, admin: &client.Client{Server: web.URL, Key: strings.TrimSpace(string(token))}}
	manifest, err := os.ReadFile("../../examples/coding-agent/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(edits...).Replace(string(manifest))
	if _, err := d.admin.ApplyWorkflow(t.Context(), client.ApplyWorkflow{Manifest: text}); err != nil {
		t.Fatal(err)
	}
	key, err := d.admin.CreateKey(t.Context(), client.CreateKey{Workflow: "coding-agent", Identity: "claude-code"})
	if err != nil {
		t.Fatal(err)
	}
	d.hook = hookClaudeCmd{Server: web.URL, EnvKey: key.Token, State: filepath.Join(t.TempDir(), "state"), For: "ada@example.org"}
	return d
}

// event is what Claude Code sends; the call id is new unless it is given.
func event(name, tool, input, call string) string {
	if call == "" {
		call = client.NewID()
	}
	return `{"session_id":"s-1","cwd":"/p","hook_event_name":"` + name + `","tool_name":"` + tool + `","tool_input":` + input + `,"tool_use_id":"` + call + `","duration_ms":3}`
}

// answer is the hook's: allow, deny, "" for none, or "exit 2" with what it
// says.
func (d *desk) answer(input string) (decision, reason string) {
	d.t.Helper()
	var out, errs bytes.Buffer
	err := d.hook.Run(d.t.Context(), streams{in: strings.NewReader(input), out: &out, err: &errs})
	var code exitError
	switch {
	case errors.As(err, &code):
		if out.Len() > 0 {
			d.t.Errorf("it refused and said %s", &out)
		}
		return code.Error(), errs.String()
	case err != nil:
		d.t.Fatal(err)
	case out.Len() == 0:
		return "", ""
	}
	var said struct {
		Output struct {
			Event    string `json:"hookEventName"`
			Decision string `json:"permissionDecision"`
			Reason   string `json:"permissionDecisionReason"`
		} `json:"hookSpecificOutput"`
	}
	if err := json.Unmarshal(out.Bytes(), &said); err != nil || said.Output.Event != "PreToolUse" {
		d.t.Fatalf("%s: %v", &out, err)
	}
	return said.Output.Decision, said.Output.Reason
}

func (d *desk) wants(input, decision, reason string) {
	d.t.Helper()
	if got, why := d.answer(input); got != decision || !strings.Contains(why, reason) {
		d.t.Errorf("%s: %s (%s), want %s (%s)", input, got, why, decision, reason)
	}
}

// stories are the runs on record.
func (d *desk) stories() []client.Run {
	d.t.Helper()
	runs, err := d.admin.Runs(d.t.Context(), "", "")
	if err != nil {
		d.t.Fatal(err)
	}
	return runs
}

const push = `{"command":"git push origin main","description":"publish"}`

func TestHook(t *testing.T) {
	d := newDesk(t)
	d.wants(event("PreToolUse", "Bash", `{"command":"go test ./..."}`, "c1"), "allow", "may run")
	d.wants(event("PostToolUse", "Bash", `{"command":"go test ./..."}`, "c1"), "", "")
	d.wants(event("PreToolUse", "Bash", `{"command":"sudo rm -rf /"}`, ""), "deny", "another user")
	d.wants(event("PreToolUse", "Write", `{"file_path":"/p/.claude/settings.json","content":"{}"}`, ""), "deny", "own settings")
	d.wants(event("PreToolUse", "mcp__Mail_Box__send", `{"to":"eve"}`, ""), "deny", "no such tool")
	d.wants(event("PreToolUse", "Bash", `{"command":"ls","force":true}`, ""), "deny", "not declared")
	d.wants(event("SessionStart", "", `{}`, ""), "", "")
	runs := d.stories()
	if len(runs) != 1 {
		t.Fatalf("there are %d runs, want one for the session", len(runs))
	}
	story, err := d.admin.Story(t.Context(), runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	count := map[evidence.Type]int{}
	for _, r := range story.Records {
		count[r.Type]++
	}
	if count[evidence.TypeAuthorizationDecided] != 5 || count[evidence.TypeActionStarted] != 1 || count[evidence.TypeActionFinished] != 1 {
		t.Errorf("on record are %v", count)
	}
}

// A held call runs once after its approval, and never on another's.
func TestHookHold(t *testing.T) {
	d := newDesk(t)
	d.wants(event("PreToolUse", "Bash", push, ""), "deny", "maintainer (approval ")
	d.wants(event("PreToolUse", "Bash", push, ""), "deny", "make exactly the same call again")
	list, err := d.admin.Approvals(t.Context(), "waiting", "")
	if err != nil || len(list) != 1 {
		t.Fatalf("waiting are %v, %v", list, err)
	}
	key, err := d.admin.CreateKey(t.Context(), client.CreateKey{Person: "max@example.org", Roles: []string{"maintainer"}})
	if err != nil {
		t.Fatal(err)
	}
	max := &client.Client{Server: d.web.URL, Key: key.Token}
	shown, err := max.Approval(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := max.Decide(t.Context(), list[0].ID, client.Decide{Decision: "approve", Presentation: shown.Presentation, ReasonCode: "reviewed"}); err != nil {
		t.Fatal(err)
	}
	d.wants(event("PreToolUse", "Bash", `{"command":"git push origin other"}`, ""), "deny", "maintainer")
	key2 := d.hook.EnvKey
	d.hook.EnvKey += "0" // the gate cannot be asked: the approval must not be lost
	d.wants(event("PreToolUse", "Bash", push, ""), "exit 2", "nothing may run")
	d.hook.EnvKey = key2
	var wg sync.WaitGroup
	allowed := make([]string, 6)
	for i := range allowed {
		wg.Go(func() { allowed[i], _ = d.answer(event("PreToolUse", "Bash", push, "")) })
	}
	wg.Wait()
	if n := strings.Count(strings.Join(allowed, " "), "allow"); n != 1 {
		t.Errorf("one approval let %d calls run: %v", n, allowed)
	}
}

// Whatever goes wrong, nothing runs.
func TestHookFailsClosed(t *testing.T) {
	d := newDesk(t)
	good := event("PreToolUse", "Read", `{"file_path":"/p/a.go"}`, "")
	d.wants(good, "allow", "open to the agent")
	for name, input := range map[string]string{
		"nothing": "", "no JSON": "{", "a list": "[]", "no event": `{"session_id":"s"}`, "two keys": `{"hook_event_name":"PostToolUse","hook_event_name":"PreToolUse"}`,
		"no session": `{"hook_event_name":"PreToolUse","tool_name":"Read","tool_input":{}}`,
		"no input":   `{"hook_event_name":"PreToolUse","tool_name":"Read","session_id":"s"}`,
		"no tool":    `{"hook_event_name":"PreToolUse","tool_name":"","session_id":"s","tool_input":{}}`,
		"odd tool":   `{"hook_event_name":"PreToolUse","tool_name":"a/../b","session_id":"s","tool_input":{}}`,
		"broken":     "{\"hook_event_name\":\"PreToolUse\",\"x\":\"\xff\"}", "deep": strings.Repeat("[", 1000), "huge": `{"a":"` + strings.Repeat("x", 5<<20) + `"}`,
	} {
		if got, _ := d.answer(input); got != "exit 2" {
			t.Errorf("%s: %q, want exit 2", name, got)
		}
	}
	key := d.hook.EnvKey
	d.hook.EnvKey = key + "0"
	d.wants(good, "exit 2", "key is missing, unknown")
	d.hook.EnvKey = ""
	d.wants(good, "exit 2", "with which key")
	d.hook.EnvKey = key
	state := d.hook.State
	d.hook.State = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(d.hook.State, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.wants(good, "exit 2", "")
	d.hook.State = state
	d.web.Close()
	d.wants(good, "exit 2", "nothing may run")
}

// Outside enforce mode the hook has no opinion: the agent's own permissions
// decide as before.
func TestHookOutsideEnforce(t *testing.T) {
	for _, mode := range []string{"observe", "shadow"} {
		d := newDesk(t, "mode: enforce", "mode: "+mode)
		d.wants(event("PreToolUse", "Bash", push, ""), "", "")
		if runs := d.stories(); len(runs) != 1 {
			t.Errorf("%s: %d runs", mode, len(runs))
		}
	}
}
