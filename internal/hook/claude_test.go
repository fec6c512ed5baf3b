package hook

import (
	"testing"

	"github.com/evidencefactory/evf/internal/datatest"
)

func FuzzClaude(f *testing.F) {
	f.Add([]byte(`{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"c"}`))
	f.Add([]byte(`{"session_id":"s","hook_event_name":"PostToolUse","tool_name":"mcp__a__b","tool_input":{},"duration_ms":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ev, err := Claude{}.Parse(data)
		if err == nil && ev != nil && (ev.Session == "" || ev.Tool == "" || ev.Args.Kind().String() != "object") {
			t.Errorf("half an event was read: %+v", ev)
		}
	})
}

// What the real agent sent is read.
func TestRecordedEvents(t *testing.T) {
	for name, after := range map[string]bool{"hook-pre-tool-use.json": false, "hook-post-tool-use.json": true} {
		data := datatest.Read(t, "traces", "emitters", name)
		ev, err := Claude{}.Parse(data)
		if err != nil || ev.Tool != "claude-code/Bash" || ev.After != after || ev.Call == "" {
			t.Errorf("%s: %+v, %v", name, ev, err)
		}
	}
}
