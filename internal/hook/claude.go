package hook

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// Claude reads the hooks of Claude Code: PreToolUse, and PostToolUse and
// PostToolUseFailure for what came of it. Other events ask for nothing. Its
// tools are claude-code/NAME in a manifest; those of MCP servers are
// server/NAME.
type Claude struct{}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// Parse implements Adapter.
func (Claude) Parse(input []byte) (*Event, error) {
	v, err := evidence.ParseValue(input)
	if err != nil {
		return nil, err
	}
	text := func(name string) string { m, _ := v.Get(name); return m.Text() }
	ev := &Event{Session: text("session_id"), Call: text("tool_use_id")}
	switch text("hook_event_name") {
	case "PreToolUse":
	case "PostToolUse":
		ev.After = true
	case "PostToolUseFailure":
		ev.After, ev.Failed = true, true
	case "":
		return nil, fmt.Errorf("hook_event_name is missing")
	default:
		return nil, nil
	}
	if ev.Session == "" || len(ev.Session) > 200 {
		return nil, fmt.Errorf("session_id is missing or longer than 200 bytes")
	}
	if ev.Tool, err = claudeTool(text("tool_name")); err != nil {
		return nil, err
	}
	args, ok := v.Get("tool_input")
	if !ok || args.Kind() != evidence.Object {
		return nil, fmt.Errorf("tool_input is no object")
	}
	ev.Args = args
	return ev, nil
}

// own is the server that the agent's own tools have in a manifest. No other may
// be called so, else its tools would be judged as the agent's.
const own = "claude-code"

// claudeTool is a tool as manifests name it.
func claudeTool(name string) (string, error) {
	server, tool := own, name
	if rest, ok := strings.CutPrefix(name, "mcp__"); ok {
		if server, tool, ok = strings.Cut(rest, "__"); !ok {
			return "", fmt.Errorf("tool_name names no tool of an MCP server")
		}
		if server = strings.ToLower(strings.ReplaceAll(server, "_", "-")); server == own {
			return "", fmt.Errorf("tool_name is of an MCP server that is called as the agent itself: give the server another name")
		}
	}
	if !plainName.MatchString(tool) || !plainName.MatchString(server) {
		return "", fmt.Errorf("tool_name is not one that a manifest could hold")
	}
	return server + "/" + tool, nil
}

// Answer implements Adapter.
func (Claude) Answer(w io.Writer, allow bool, reason string) error {
	type decision struct {
		Event    string `json:"hookEventName"`
		Decision string `json:"permissionDecision"`
		Reason   string `json:"permissionDecisionReason"`
	}
	d := decision{"PreToolUse", "deny", "evf: " + reason}
	if allow {
		d.Decision = "allow"
	}
	return json.NewEncoder(w).Encode(map[string]decision{"hookSpecificOutput": d})
}
