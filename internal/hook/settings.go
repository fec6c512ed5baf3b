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
	if !plainCall(command) {
		return nil, fmt.Errorf("%q is not one plain call of evf hook %s: give a path to evf, and its flags", command, own)
	}
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

// isOurs reports whether a group calls this hook, in whatever way, and nothing
// else.
func isOurs(raw json.RawMessage) bool {
	var g group
	if json.Unmarshal(raw, &g) != nil || len(g.Hooks) == 0 {
		return false
	}
	return !slices.ContainsFunc(g.Hooks, func(h handler) bool { return !strings.Contains(h.Command, "hook "+own) })
}

// Check says how an agent could act past the hook under settings.
func Check(settings []byte) (faults []string) {
	if len(strings.TrimSpace(string(settings))) == 0 {
		return []string{"there are no settings, so no hook: run evf hook install"}
	}
	var all map[string]json.RawMessage
	var hooks map[string][]json.RawMessage
	err := json.Unmarshal(settings, &all)
	if raw, ok := all["hooks"]; err == nil && ok {
		err = json.Unmarshal(raw, &hooks)
	}
	if err != nil {
		return []string{"is not JSON that can be read: no hook may be in force: mend it"}
	}
	faults = disabled(all)
	for _, event := range events {
		if fault := checkEvent(event, hooks[event]); fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults
}

// CheckOther says how settings that stand beside those of the project, such as
// one person's own, take the hook out of force.
func CheckOther(settings []byte) []string {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(settings, &all); err != nil {
		return []string{"is not JSON that can be read: mend it"}
	}
	return disabled(all)
}

func disabled(settings map[string]json.RawMessage) []string {
	if raw, ok := settings["disableAllHooks"]; ok && string(raw) != "false" {
		return []string{"disableAllHooks is set: no hook is in force"}
	}
	return nil
}

// checkEvent wants one group that every tool goes through, of one entry as
// Install writes it. Anything else may open a way past it.
func checkEvent(event string, groups []json.RawMessage) (fault string) {
	fault = event + ": the hook is not installed: run evf hook install"
	for i, raw := range groups {
		if !isOurs(raw) {
			continue
		}
		at := fmt.Sprintf("hooks.%s[%d]", event, i)
		if fault = checkGroup(at, event, raw); fault == "" {
			return ""
		}
	}
	return fault
}

func checkGroup(at, event string, raw json.RawMessage) string {
	var g map[string]json.RawMessage
	var entries []map[string]json.RawMessage
	if json.Unmarshal(raw, &g) != nil || json.Unmarshal(g["hooks"], &entries) != nil || len(entries) != 1 {
		return at + ": is not one entry with the hook: run evf hook install"
	}
	for key := range g {
		if key != "matcher" && key != "hooks" {
			return fmt.Sprintf("%s: has %q, which may let a tool run unasked: run evf hook install", at, key)
		}
	}
	if m, ok := g["matcher"]; ok && string(m) != `"*"` && string(m) != `""` {
		return at + ".matcher: only some tools are asked about: write *"
	}
	entry := entries[0]
	for key := range entry {
		if !slices.Contains([]string{"type", "command", "timeout", "onFailure", "statusMessage"}, key) {
			return fmt.Sprintf("%s.hooks[0]: has %q, which may let a tool run unasked: run evf hook install", at, key)
		}
	}
	switch {
	case text(entry, "type") != "command":
		return at + `.hooks[0].type: write "command"`
	case !plainCall(text(entry, "command")):
		return at + ".hooks[0].command: is more than one plain call of evf hook claude-code, so its refusal may be lost: run evf hook install"
	case text(entry, "onFailure") != onFailure(event) || entry["onFailure"] != nil && onFailure(event) == "":
		return at + `.hooks[0].onFailure: a tool runs where the hook fails: write "block"`
	}
	return ""
}

func text(object map[string]json.RawMessage, key string) (s string) {
	if json.Unmarshal(object[key], &s) != nil {
		return ""
	}
	return s
}

// plainCall reports whether a shell would do nothing but call the hook, and
// end as it ends.
func plainCall(command string) bool {
	if strings.ContainsAny(command, ";|&#`<>()\n\r\\") {
		return false
	}
	words := strings.Fields(command)
	if len(words) < 3 || words[1] != "hook" || words[2] != own {
		return false
	}
	return filepath.Base(strings.Trim(words[0], `"'`)) == "evf"
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
