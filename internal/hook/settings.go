package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// SettingsFile is where Claude Code keeps the settings of a project that all
// who work on it share.
func SettingsFile(project string) string { return filepath.Join(project, ".claude", "settings.json") }

// events that the hook answers.
var events = []string{"PreToolUse", "PostToolUse", "PostToolUseFailure"}

// group is a matcher and what runs for it, as far as this package knows it.
type group struct {
	Matcher string    `json:"matcher"`
	Hooks   []handler `json:"hooks"`
}

type handler struct {
	Type      string `json:"type"`
	Command   string `json:"command"`
	Timeout   int    `json:"timeout,omitempty"`
	OnFailure string `json:"onFailure,omitempty"`
}

// timeout is how long the agent waits, in seconds: longer than the hook does.
const timeout = 30

// Install puts the hook into settings and leaves everything else, though it
// writes keys in order.
// Done again it changes nothing; an entry of ours that would fail open is
// replaced.
func Install(settings []byte, command string) ([]byte, error) {
	all := map[string]json.RawMessage{}
	hooks := map[string][]json.RawMessage{}
	if len(strings.TrimSpace(string(settings))) > 0 {
		if err := json.Unmarshal(settings, &all); err != nil {
			return nil, fmt.Errorf("is no JSON object: mend it first: %w", err)
		}
	}
	if raw, ok := all["hooks"]; ok {
		if err := json.Unmarshal(raw, &hooks); err != nil {
			return nil, errors.New("its hooks are not lists by event: mend them first")
		}
	}
	if len(Check(settings)) == 0 {
		return settings, nil
	}
	for _, event := range events {
		ours, err := json.Marshal(group{Matcher: "*", Hooks: []handler{{"command", command, timeout, onFailure(event)}}})
		if err != nil {
			return nil, err
		}
		hooks[event] = append(slices.DeleteFunc(hooks[event], isOurs), ours)
	}
	var err error
	if all["hooks"], err = json.Marshal(hooks); err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(all, "", "  ")
	return append(out, '\n'), err
}

// onFailure closes before a tool runs; afterwards there is nothing to stop.
func onFailure(event string) string {
	if event == "PreToolUse" {
		return "block"
	}
	return ""
}

// isOurs reports whether a group calls this hook and nothing else.
func isOurs(raw json.RawMessage) bool {
	var g group
	if json.Unmarshal(raw, &g) != nil || len(g.Hooks) == 0 {
		return false
	}
	return !slices.ContainsFunc(g.Hooks, func(h handler) bool { return !calls(h.Command) })
}

func calls(command string) bool {
	return strings.Contains(command, "evf") && strings.Contains(command, "hook claude-code")
}

// Check says how an agent could act past the hook under settings.
func Check(settings []byte) (faults []string) {
	var all struct {
		Hooks           map[string][]group `json:"hooks"`
		DisableAllHooks bool               `json:"disableAllHooks"`
	}
	if len(strings.TrimSpace(string(settings))) == 0 {
		return []string{"there are no settings, so no hook: run evf hook install"}
	}
	if err := json.Unmarshal(settings, &all); err != nil {
		return []string{"is not JSON that can be read: no hook may be in force: mend it"}
	}
	if all.DisableAllHooks {
		faults = append(faults, "disableAllHooks is true: no hook is in force")
	}
	for _, event := range events {
		if fault := checkEvent(event, all.Hooks[event]); fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults
}

// CheckLocal says how settings that add to those of the project, such as one
// person's own, take the hook out of force.
func CheckLocal(settings []byte) (faults []string) {
	var all struct {
		DisableAllHooks bool `json:"disableAllHooks"`
	}
	if err := json.Unmarshal(settings, &all); err != nil {
		return []string{"settings.local.json is not JSON that can be read: mend it"}
	}
	if all.DisableAllHooks {
		return []string{"settings.local.json: disableAllHooks is true: no hook is in force"}
	}
	return nil
}

// checkEvent wants one entry of ours that every tool goes through.
func checkEvent(event string, groups []group) (fault string) {
	fault = event + ": the hook is not installed: run evf hook install"
	for i, g := range groups {
		for j, h := range g.Hooks {
			at := fmt.Sprintf("hooks.%s[%d].hooks[%d]", event, i, j)
			switch {
			case h.Type != "command" || !calls(h.Command):
			case g.Matcher != "" && g.Matcher != "*":
				fault = fmt.Sprintf("hooks.%s[%d].matcher: only some tools are asked about: write *", event, i)
			case h.OnFailure != onFailure(event):
				fault = at + `.onFailure: a tool runs where the hook fails: write "block"`
			default:
				return ""
			}
		}
	}
	return fault
}

// Diff shows what changes between two texts: lines that only one has.
func Diff(before, after string) (lines []string) {
	a, b := strings.Split(strings.TrimSuffix(before, "\n"), "\n"), strings.Split(strings.TrimSuffix(after, "\n"), "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		lines, a, b = append(lines, "  "+a[0]), a[1:], b[1:]
	}
	var end []string
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		end, a, b = append(end, "  "+a[len(a)-1]), a[:len(a)-1], b[:len(b)-1]
	}
	for _, line := range a {
		if line != "" {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range b {
		lines = append(lines, "+ "+line)
	}
	slices.Reverse(end)
	return append(lines, end...)
}
