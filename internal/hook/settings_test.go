package hook

import (
	"strings"
	"testing"
)

// entry is settings with one PreToolUse group, and the other events installed.
func entry(t *testing.T, group string) []byte {
	t.Helper()
	full, err := Install(nil, "evf hook claude-code")
	if err != nil {
		t.Fatal(err)
	}
	from := strings.Index(string(full), `"PreToolUse": [`) + len(`"PreToolUse": [`)
	to := from + strings.Index(string(full[from:]), "\n    ]")
	return []byte(string(full[:from]) + group + string(full[to:]))
}

const plainEntry = `{"type":"command","command":"evf hook claude-code","onFailure":"block"}`

// Every way to leave a hook that looks installed and lets a tool run is named,
// and install closes it.
func TestOpenInstalls(t *testing.T) {
	for _, tt := range []struct{ name, group, want string }{
		{"as installed", `{"matcher":"*","hooks":[` + plainEntry + `]}`, ""},
		{"no matcher", `{"hooks":[` + plainEntry + `]}`, ""},
		{"empty matcher", `{"matcher":"","hooks":[` + plainEntry + `]}`, ""},
		{"a path, flags and a timeout", `{"hooks":[{"type":"command","command":"\"/opt/x/evf\" hook claude-code --for a@b","onFailure":"block","timeout":9}]}`, ""},
		{"some tools", `{"matcher":"Bash","hooks":[` + plainEntry + `]}`, "matcher: only some tools"},
		{"no onFailure", `{"hooks":[{"type":"command","command":"evf hook claude-code"}]}`, "onFailure: a tool runs"},
		{"onFailure in another case", `{"hooks":[{"type":"command","command":"evf hook claude-code","onfailure":"block"}]}`, `has "onfailure"`},
		{"onFailure continue", `{"hooks":[{"type":"command","command":"evf hook claude-code","onFailure":"continue"}]}`, "onFailure: a tool runs"},
		{"exit code hidden", `{"hooks":[{"type":"command","command":"evf hook claude-code || true","onFailure":"block"}]}`, "command: is more than one"},
		{"in a comment", `{"hooks":[{"type":"command","command":"true # evf hook claude-code","onFailure":"block"}]}`, "command: is more than one"},
		{"printed", `{"hooks":[{"type":"command","command":"echo evf hook claude-code","onFailure":"block"}]}`, "command: is more than one"},
		{"in the background", `{"hooks":[{"type":"command","command":"evf hook claude-code &","onFailure":"block"}]}`, "command: is more than one"},
		{"a second command", `{"hooks":[{"type":"command","command":"evf hook claude-code\ntrue","onFailure":"block"}]}`, "command: is more than one"},
		{"async", `{"hooks":[{"type":"command","command":"evf hook claude-code","onFailure":"block","async":true}]}`, `has "async"`},
		{"if", `{"hooks":[{"type":"command","command":"evf hook claude-code","onFailure":"block","if":"Bash(git *)"}]}`, `has "if"`},
		{"if for the group", `{"if":"x","hooks":[` + plainEntry + `]}`, `has "if"`},
		{"another type", `{"hooks":[{"type":"prompt","command":"evf hook claude-code","onFailure":"block"}]}`, "type: write"},
		{"none", ``, "PreToolUse: the hook is not installed"},
	} {
		settings := entry(t, tt.group)
		faults := strings.Join(Check(settings), "; ")
		if (faults == "") != (tt.want == "") || !strings.Contains(faults, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, faults, tt.want)
		}
		closed, err := Install(settings, "evf hook claude-code")
		if err != nil || len(Check(closed)) > 0 {
			t.Errorf("%s: install leaves %v, %v", tt.name, Check(closed), err)
		}
	}
	if _, err := Install(nil, "evf hook claude-code || true"); err == nil {
		t.Error("a command that hides a refusal was installed")
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"Bash": "claude-code/Bash", "mcp__mail__send": "mail/send", "mcp__Mail_Box__send_all": "mail-box/send_all",
		"mcp__claude_code__Bash": "", "mcp__claude-code__Read": "", "mcp__Claude_Code__Read": "", "mcp__mail": "", "": "", "a/b": "", "mcp____x": "",
	} {
		got, err := claudeTool(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", name, got, err, want)
		}
	}
}
