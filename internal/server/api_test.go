package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// surface is every route with a body that is well formed, and what each caller
// of callers is answered. A status of 4xx other than 401 and 403 means that
// they got past the door and the thing itself was not there.
var surface = []struct {
	method, path, body string
	status             [7]int
}{
	{"POST", "/v1/runs", `{"run":"$new","occurred":"$now","initiator":{"kind":"human","name":"x"}}`, [7]int{401, 200, 403, 403, 403, 403, 403}},
	{"POST", "/v1/runs/$id/end", `{"id":"$new","occurred":"$now","outcome":"completed"}`, [7]int{401, 404, 403, 403, 403, 403, 403}},
	{"POST", "/v1/runs/$id/route", `{"id":"$new","occurred":"$now"}`, [7]int{401, 404, 403, 403, 403, 403, 403}},
	{"GET", "/v1/runs", "", [7]int{401, 200, 403, 403, 200, 200, 200}},
	{"GET", "/v1/runs/$id", "", [7]int{401, 404, 403, 403, 404, 404, 404}},
	{"POST", "/v1/records", `{"id":"$new","type":"step.observed","occurred":"$now","run":"$id","body":{"step":"a","status":"started"}}`, [7]int{401, 404, 403, 403, 403, 403, 403}},
	{"POST", "/v1/actions", `{"id":"$new","run":"$id","tool":"bank/read","args":{}}`, [7]int{401, 404, 403, 403, 403, 403, 403}},
	{"POST", "/v1/actions/$id/outcome", `{"id":"$new","occurred":"$now","status":"succeeded","attempts":1}`, [7]int{401, 404, 403, 403, 403, 403, 403}},
	{"POST", "/v1/permits/redeem", `{"action":"$id","permit":"x","tool":"bank/read","args":{}}`, [7]int{401, 403, 403, 403, 403, 403, 403}},
	{"GET", "/v1/approvals", "", [7]int{401, 403, 403, 200, 403, 200, 200}},
	{"GET", "/v1/approvals/$id", "", [7]int{401, 403, 403, 404, 403, 404, 404}},
	{"POST", "/v1/approvals/$id/decide", `{"decision":"approve","presentation":""}`, [7]int{401, 403, 403, 404, 403, 404, 404}},
	{"POST", "/v1/workflows", `{"manifest":"$manifest","dry":true}`, [7]int{401, 403, 403, 403, 403, 403, 200}},
	{"GET", "/v1/workflows", "", [7]int{401, 200, 403, 403, 200, 200, 200}},
	{"GET", "/v1/workflows/payments", "", [7]int{401, 200, 403, 403, 200, 200, 200}},
	{"POST", "/v1/workflows/unheard-of/retire", `{"reason":"x"}`, [7]int{401, 403, 403, 403, 403, 403, 404}},
	{"POST", "/v1/keys", `{"workflow":"payments","identity":"helper"}`, [7]int{401, 403, 403, 403, 403, 403, 200}},
	{"GET", "/v1/keys", "", [7]int{401, 403, 403, 403, 403, 403, 200}},
	{"POST", "/v1/keys/key-0000000000000000/revoke", `{"reason":"x"}`, [7]int{401, 403, 403, 403, 403, 403, 404}},
	{"POST", "/v1/erasures", `{"run":"$id","authority":"a court","dry":true}`, [7]int{401, 403, 403, 403, 403, 403, 404}},
	{"POST", "/v1/retention", `{"dry":true}`, [7]int{401, 403, 403, 403, 403, 403, 200}},
	{"POST", "/v1/stops", `{"workflow":"none","reason":"x"}`, [7]int{401, 403, 403, 403, 403, 403, 404}},
	{"GET", "/v1/stops", "", [7]int{401, 200, 403, 403, 200, 200, 200}},
	{"POST", "/v1/stops/release", `{"workflow":"none","reason":"x"}`, [7]int{401, 403, 403, 403, 403, 403, 404}},
	{"POST", "/v1/holds", `{"scope":"run","what":"$id","reason":"x"}`, [7]int{401, 403, 403, 403, 403, 403, 404}},
	{"GET", "/v1/holds", "", [7]int{401, 200, 403, 403, 200, 200, 200}},
	{"POST", "/v1/holds/$id/release", `{"reason":"x"}`, [7]int{401, 403, 403, 403, 403, 403, 404}},
	{"POST", "/v1/packets", `{"run":"$id"}`, [7]int{401, 403, 403, 403, 403, 404, 404}},
	{"GET", "/v1/log", "", [7]int{401, 200, 403, 403, 200, 200, 200}},
	{"GET", "/log/default/checkpoint", "", [7]int{401, 200, 403, 403, 200, 200, 200}},
	{"GET", "/log/default/tile/0/x999/000", "", [7]int{401, 404, 403, 403, 404, 404, 404}},
	{"GET", "/healthz", "", open},
	{"GET", "/readyz", "", open},
	{"GET", "/openapi.json", "", open},
}

// open is answered to everyone, and not described.
var open = [7]int{200, 200, 200, 200, 200, 200, 200}

// callers are the kinds of caller, in the order of a status.
func (h *house) callers() []struct{ name, key string } {
	return []struct{ name, key string }{
		{"nobody", ""},
		{"a workload", h.as("payments/agent").Key},
		{"a person without roles", h.person("plain@example.org").Key},
		{"an approver", h.person("carla@example.org", "controller").Key},
		{"a viewer", h.person("vera@example.org", "viewer").Key},
		{"an auditor", h.person("aude@example.org", "auditor").Key},
		{"an administrator", h.admin.Key},
	}
}

// fill puts in what a body or path needs.
func (h *house) fill(s string) string {
	quoted, _ := json.Marshal(manifest(h.t, "payments"))
	return strings.NewReplacer(`"$manifest"`, string(quoted), "$new", client.NewID(), "$id", client.NewID(), "$now", string(evidence.TimeOf(h.clock.now()))).Replace(s)
}

func TestWhoMayCallWhat(t *testing.T) {
	h := newHouse(t)
	h.verified(func() *client.RunHandle { run := h.begin(); h.ask(run, "", "bank/read", `{"query":"a"}`); return run }())
	for _, r := range surface {
		for i, c := range h.callers() {
			t.Run(r.method+" "+r.path+" "+c.name, func(t *testing.T) {
				contentType := ""
				if r.body != "" {
					contentType = "application/json"
				}
				res, body := h.call(r.method, h.fill(r.path), c.key, contentType, h.fill(r.body))
				if res.StatusCode != r.status[i] {
					t.Fatalf("status %d, want %d: %s", res.StatusCode, r.status[i], body)
				}
				if res.StatusCode >= 400 {
					problemOf(t, res, body)
				}
				for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
					if got := res.Header.Get(name); got != want {
						t.Errorf("%s is %q", name, got)
					}
				}
			})
		}
	}
}

// What a role may do at all, beyond what the table above asks of the admin.
func TestWhatRolesMay(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	for role, want := range map[string][4]int{ // read a run, export it, list approvals, manage
		"auditor": {200, 200, 200, 403}, "compliance": {200, 200, 200, 403}, "viewer": {200, 403, 403, 403}, "some-approver": {403, 403, 200, 403},
	} {
		key := h.person(role+"@example.org", role).Key
		for i, call := range [][3]string{{"GET", "/v1/runs/" + string(run.ID), ""}, {"POST", "/v1/packets", `{"run":"` + string(run.ID) + `"}`}, {"GET", "/v1/approvals", ""}, {"GET", "/v1/keys", ""}} {
			contentType := ""
			if call[2] != "" {
				contentType = "application/json"
			}
			if res, body := h.call(call[0], call[1], key, contentType, call[2]); res.StatusCode != want[i] {
				t.Errorf("%s: %s %s is %d, want %d: %.200s", role, call[0], call[1], res.StatusCode, want[i], body)
			}
		}
	}
}

// problemOf wants an answer in the form of RFC 9457.
func problemOf(t *testing.T, res *http.Response, body []byte) client.Problem {
	t.Helper()
	var p client.Problem
	if err := json.Unmarshal(body, &p); err != nil || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s is no problem: %s", res.StatusCode, res.Header.Get("Content-Type"), body)
	}
	if p.Type != "about:blank" || p.Title != http.StatusText(res.StatusCode) || p.Status != res.StatusCode || p.Kind == "" || p.Detail == "" {
		t.Errorf("problem is %+v", p)
	}
	return p
}

func TestOpenAPI(t *testing.T) {
	h := newHouse(t)
	res, body := h.call("GET", "/openapi.json", "", "", "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"requestBody"`
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("openapi is %q", doc.OpenAPI)
	}
	ids, described := map[string]bool{}, 0
	for _, methods := range doc.Paths {
		for _, op := range methods {
			described++
			if op.OperationID == "" || ids[op.OperationID] || op.Responses["default"] == nil {
				t.Errorf("operation %q is named twice or says nothing of problems", op.OperationID)
			}
			ids[op.OperationID] = true
		}
	}
	routes := 0
	for _, r := range surface {
		if r.status == open {
			continue
		}
		routes++
		path := strings.NewReplacer("$id", "{id}", "payments", "{name}", "unheard-of", "{name}", "key-0000000000000000", "{id}",
			"default", "{tenant}", "0/x999/000", "{path}").Replace(r.path)
		op, ok := doc.Paths[path][strings.ToLower(r.method)]
		if !ok {
			t.Errorf("%s %s is not described", r.method, path)
		}
		if got := len(op.RequestBody.Content) > 0; got != (r.body != "") {
			t.Errorf("%s %s: describes a body: %v", r.method, path, got)
		}
	}
	if described != routes {
		t.Errorf("%d operations are described, %d are tested", described, routes)
	}
	for _, of := range []any{client.BeginRun{}, client.EndRun{}, client.Draft{}, client.RouteCase{}, client.AskAction{}, client.Outcome{}, client.Redemption{},
		client.Decide{}, client.ApplyWorkflow{}, client.Retire{}, client.CreateKey{}, client.Revoke{}, client.BuildPacket{}, client.Problem{},
		client.Verdict{}, client.Approval{}, client.Story{}, client.Run{}, client.Key{}, client.Log{}} {
		typ := reflect.TypeOf(of)
		var want, got []string
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			want = append(want, name)
		}
		for name := range doc.Components.Schemas[typ.Name()].Properties {
			if name != "$schema" {
				got = append(got, name)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("schema %s has %v, the type %v", typ.Name(), got, want)
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/v1", 404, ""},
		{"GET", "/v1/nothing", 404, ""},
		{"GET", "/v1/runs/", 404, ""},
		{"GET", "//v1/runs", 404, ""},
		{"GET", "/v1/../v1/runs", 404, ""},
		{"GET", "/V1/runs", 404, ""},
		{"DELETE", "/v1/runs", 405, "GET, HEAD, POST"},
		{"PUT", "/v1/keys/key-0000000000000000/revoke", 405, "POST"},
		{"GET", "/v1/keys/key-0000000000000000/revoke", 405, "POST"},
		{"POST", "/v1/log", 405, "GET, HEAD"},
		{"OPTIONS", "/v1/log", 405, "GET, HEAD"},
		{"POST", "/healthz", 405, "GET, HEAD"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			res, body := h.call(c.method, c.path, h.admin.Key, "", "")
			if res.StatusCode != c.status || res.Header.Get("Allow") != c.allow {
				t.Fatalf("status %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
			}
			problemOf(t, res, body)
		})
	}
	res, body := h.call("HEAD", "/v1/log", h.admin.Key, "", "")
	if res.StatusCode != 200 || len(body) != 0 {
		t.Errorf("HEAD: %d with %d bytes", res.StatusCode, len(body))
	}
	res, _ = h.call("HEAD", "/v1/log", "", "", "")
	if res.StatusCode != 401 {
		t.Errorf("HEAD without a key: %d", res.StatusCode)
	}
}

func TestLogFiles(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	h.ask(run, "", "bank/read", `{"query":"a"}`)
	h.verified(run)
	res, body := h.call("GET", "/log/default/checkpoint", h.admin.Key, "", "")
	if res.StatusCode != 200 || !strings.HasPrefix(string(body), "evf-") {
		t.Fatalf("checkpoint: %d %s", res.StatusCode, body)
	}
	size := strings.Split(string(body), "\n")[1]
	res, body = h.call("GET", "/log/default/tile/0/000.p/"+size, h.admin.Key, "", "")
	if res.StatusCode != 200 || fmt.Sprint(len(body)/32) != size {
		t.Errorf("tile: %d, %d bytes of size %s", res.StatusCode, len(body), size)
	}
	for _, path := range []string{
		"/log/default/tile/..%2f..%2f..%2fadmin.key", "/log/default/tile/%2e%2e/%2e%2e/keys/vault.key", "/log/default/tile/..%2fcheckpoint",
		"/log/default/tile/%2fetc%2fpasswd", "/log/default/tile/0/000%00", "/log/default/tile/..%5c..%5cadmin.key", "/log/default/tile/0",
		"/log/second/checkpoint", "/log/..%2fdefault/checkpoint", "/log/default%2f/checkpoint", "/log/DEFAULT/checkpoint", "/log/default/tile/",
	} {
		t.Run(path, func(t *testing.T) {
			res, body := h.call("GET", path, h.admin.Key, "", "")
			if res.StatusCode != 404 {
				t.Fatalf("status %d: %s", res.StatusCode, body)
			}
			problemOf(t, res, body)
		})
	}
}

func TestStrictJSON(t *testing.T) {
	h := newHouse(t)
	key := h.as("payments/agent").Key
	run := h.begin()
	good := h.fill(`{"id":"$new","run":"` + string(run.ID) + `","tool":"bank/read","args":{"query":"a"}}`)
	with := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s has no %s", good, old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for _, c := range []struct{ name, contentType, body, field string }{
		{"empty", "application/json", "", ""},
		{"not JSON", "application/json", "id=1", ""},
		{"a list", "application/json", "[" + good + "]", ""},
		{"null", "application/json", "null", ""},
		{"no content type", "", good, "Content-Type"},
		{"another content type", "text/plain", good, "Content-Type"},
		{"a form", "application/x-www-form-urlencoded", good, "Content-Type"},
		{"repeated key", "application/json", with(`"tool"`, `"tool":"bank/pay","tool"`), ""},
		{"repeated key in arguments", "application/json", with(`"query":"a"`, `"query":"a","query":"b"`), "/args"},
		{"another case", "application/json", with(`"run"`, `"Run"`), "/Run"},
		{"unknown field", "application/json", with(`"tool"`, `"force":true,"tool"`), "/force"},
		{"unknown field deep", "application/json", with(`"tool":"bank/read"`, `"tool":{"name":"x"}`), "/tool"},
		{"another type", "application/json", with(`"tool":"bank/read"`, `"tool":7`), "/tool"},
		{"bytes after the end", "application/json", good + "{}", ""},
		{"a second value", "application/json", good + "\n" + good, ""},
		{"byte order mark", "application/json", "\ufeff" + good, ""},
		{"not UTF-8", "application/json", with(`"a"`, "\"a\xff\""), "/args/query"},
		{"lone surrogate", "application/json", with(`"a"`, `"\ud800"`), "/args/query"},
		{"a number that is not exact", "application/json", with(`"a"`, `9007199254740993`), "/args/query"},
		{"a fraction that is not exact", "application/json", with(`"a"`, `0.10000000000000000001`), "/args/query"},
		{"a number beyond any", "application/json", with(`"a"`, `1e999`), "/args/query"},
		{"NaN", "application/json", with(`"a"`, `NaN`), "/args/query"},
		{"control character", "application/json", with(`"a"`, "\"a\x01\""), "/args/query"},
		{"comment", "application/json", "/* */" + good, ""},
		{"comma at the end", "application/json", with(`}}`, `},}`), ""},
		{"deep", "application/json", with(`"a"`, strings.Repeat("[", 100)+strings.Repeat("]", 100)), ""},
		{"two megabytes", "application/json", with(`"a"`, `"`+strings.Repeat("x", 2<<20)+`"`), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.unchanged(c.name, func() {
				res, body := h.call("POST", "/v1/actions", key, c.contentType, c.body)
				if res.StatusCode != 400 {
					t.Fatalf("status %d: %s", res.StatusCode, body)
				}
				if p := problemOf(t, res, body); c.field != "" && p.Field != c.field {
					t.Errorf("field is %q, want %q: %s", p.Field, c.field, p.Detail)
				}
			})
		})
	}
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		if res, body := h.call("POST", "/v1/actions", key, contentType, " \r\n"+good+"\n "); res.StatusCode != 200 {
			t.Errorf("%s: %d %s", contentType, res.StatusCode, body)
		}
	}
}

func TestNDJSON(t *testing.T) {
	h := newHouse(t)
	run, ended := h.begin(), h.begin()
	h.must(ended.End(t.Context(), "completed", ""))
	key := h.as("payments/agent").Key
	const ndjson = "application/x-ndjson"
	line := func(run evidence.RunID, body string) string {
		return h.fill(`{"id":"$new","type":"step.observed","occurred":"$now","run":"` + string(run) + `","body":` + body + `}`)
	}
	good := func() string { return line(run.ID, `{"step":"a","status":"started"}`) }
	lines := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = good()
		}
		return strings.Join(all, "\n")
	}
	for _, c := range []struct {
		name, body, field string
		status, line      int
	}{
		{"nothing", "", "", 400, 1},
		{"only line ends", "\r\n\n", "", 400, 1},
		{"a syntax error", good() + "\n{\n" + good(), "", 400, 2},
		{"an empty line", good() + "\n\n" + good(), "", 400, 2},
		{"an unknown field", good() + "\n" + good() + "\n" + strings.Replace(good(), `"id"`, `"seq":1,"id"`, 1), "/seq", 400, 3},
		{"a wrong body", good() + "\n" + line(run.ID, `{"step":"a","status":"odd"}`), "/body/status", 400, 2},
		{"a wrong body, alone", line(run.ID, `{"step":"a","status":"odd"}`), "/body/status", 400, 1},
		{"a type that may not be", good() + "\n" + strings.Replace(good(), "step.observed", "check.result", 1), "/type", 403, 2},
		{"an ended run", good() + "\n" + good() + "\n" + line(ended.ID, `{"step":"a","status":"started"}`), "/run", 409, 3},
		{"an unknown run", good() + "\n" + line(evidence.RunID(client.NewID()), `{"step":"a","status":"started"}`), "", 404, 2},
		{"1001 lines", lines(1001), "", 400, 0},
		{"a line too large", good() + "\n" + line(run.ID, `{"step":"a","status":"started","summary":"`+strings.Repeat("x", 61<<10)+`"}`), "", 400, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.unchanged(c.name, func() {
				res, body := h.call("POST", "/v1/records", key, ndjson, c.body)
				if res.StatusCode != c.status {
					t.Fatalf("status %d: %s", res.StatusCode, body)
				}
				if p := problemOf(t, res, body); p.Line != c.line || p.Field != c.field {
					t.Errorf("line %d, field %q, want %d and %q: %s", p.Line, p.Field, c.line, c.field, p.Detail)
				}
			})
		})
	}
	for name, n := range map[string]int{"\n": 1000, "\r\n": 3} {
		before := h.count("")
		res, body := h.call("POST", "/v1/records", key, ndjson, strings.ReplaceAll(lines(n), "\n", name)+name)
		var out client.PlacedList
		if err := json.Unmarshal(body, &out); err != nil || res.StatusCode != 200 || len(out.Records) != n || h.count("") != before+n {
			t.Errorf("%d lines that end with %q: %d, %d placed", n, name, res.StatusCode, len(out.Records))
		}
	}
	two := lines(2)
	first, _ := h.call("POST", "/v1/records", key, ndjson, two)
	h.unchanged("a retry", func() {
		if again, body := h.call("POST", "/v1/records", key, ndjson, two); again.StatusCode != first.StatusCode || strings.Count(string(body), `"repeat":true`) != 2 {
			t.Errorf("then %d %s", again.StatusCode, body)
		}
	})
	// One object as JSON has no lines.
	res, body := h.call("POST", "/v1/records", key, "application/json", line(run.ID, `{"step":"a","status":"odd"}`))
	if p := problemOf(t, res, body); p.Line != 0 || p.Field != "/body/status" {
		t.Errorf("problem is %+v", p)
	}
}

// Nothing that a caller sends comes back in an error, or could be logged with
// one.
func TestErrorsDoNotRepeatValues(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	agent, admin, bank := h.as("payments/agent").Key, h.admin.Key, h.as("payments/bank").Key
	const canary = "cAnArY7f3a"
	for _, c := range []struct{ key, method, path, body string }{
		{agent, "POST", "/v1/runs", `{"run":"$new","occurred":"$now","initiator":{"kind":"human","name":"x"},"dispatcher":{"kind":"human","name":"y"},"trigger":"z","links":[{"kind":"trace","id":"t"}]}`},
		{agent, "POST", "/v1/runs/$id/end", `{"id":"$new","occurred":"$now","outcome":"completed","summary":"x"}`},
		{agent, "POST", "/v1/runs/" + string(run.ID) + "/end", `{"id":"$new","occurred":"$now","outcome":"oops","summary":"x"}`},
		{agent, "POST", "/v1/runs/" + string(run.ID) + "/route", `{"id":"$new","occurred":"$now","document":"` + docA + `","inputs":{"amount":"1"}}`},
		{agent, "POST", "/v1/records", `{"id":"$new","type":"step.observed","occurred":"$now","run":"$id","links":[{"kind":"trace","id":"t"}],"body":{"step":"a","status":"started"}}`},
		{agent, "POST", "/v1/actions", `{"id":"$new","run":"$id","tool":"bank/read","args":{"query":"x"}}`},
		{agent, "POST", "/v1/actions/$id/outcome", `{"id":"$new","occurred":"$now","status":"succeeded","attempts":1,"code":"c","message":"m","response":{"a":"b"}}`},
		{bank, "POST", "/v1/permits/redeem", `{"action":"$id","run":"$id","permit":"x","tool":"bank/read","args":{"query":"x"}}`},
		{admin, "POST", "/v1/approvals/$id/decide", `{"decision":"approve","presentation":"` + docA + `","reason_code":"a","comment":"b"}`},
		{admin, "POST", "/v1/workflows/payments/retire", `{"reason":""}`},
		{admin, "POST", "/v1/keys", `{"workflow":"other","identity":"a","expires":"$now"}`},
		{admin, "POST", "/v1/keys", `{"person":"a","roles":["b c"],"expires":"$now"}`},
		{admin, "POST", "/v1/keys/key-0000000000000000/revoke", `{"reason":"x"}`},
		{admin, "POST", "/v1/packets", `{"run":"$id"}`},
	} {
		for _, body := range canaries(value(t, h.fill(c.body)), canary) {
			res, answer := h.call(c.method, h.fill(c.path), c.key, "application/json", string(body.Canonical()))
			if res.StatusCode >= 400 && strings.Contains(string(answer), canary) {
				t.Errorf("%s %s with %s: %s", c.method, c.path, body.Canonical(), answer)
			}
			if res.StatusCode >= 500 {
				t.Errorf("%s %s with %s: %d", c.method, c.path, body.Canonical(), res.StatusCode)
			}
		}
	}
	for _, path := range []string{"/v1/runs/" + canary, "/v1/runs?limit=" + canary, "/v1/runs?after=" + canary, "/v1/approvals/" + canary, "/v1/approvals?status=" + canary,
		"/v1/workflows/" + canary, "/log/" + canary + "/checkpoint", "/log/default/tile/" + canary, "/" + canary, "/v1/keys?after=" + canary} {
		if res, answer := h.call("GET", path, admin, "", ""); strings.Contains(string(answer), canary) {
			t.Errorf("GET %s: %d %s", path, res.StatusCode, answer)
		}
	}
	for _, key := range []string{canary, "evf_default_" + canary + "_x", "evf_" + canary + "_x_y"} {
		if _, answer := h.call("GET", "/v1/keys", key, "", ""); strings.Contains(string(answer), canary) {
			t.Errorf("key %s: %s", key, answer)
		}
	}
}

// canaries are copies of v with one value replaced by s, for every place.
func canaries(v evidence.Value, s string) (list []evidence.Value) {
	switch v.Kind() {
	case evidence.Object:
		for i, f := range v.Fields() {
			for _, inner := range canaries(f.Value, s) {
				fields := slices.Clone(v.Fields())
				fields[i].Value = inner
				o, _ := evidence.ObjectValue(fields...)
				list = append(list, o)
			}
		}
	case evidence.Array:
		for i, e := range v.Elems() {
			for _, inner := range canaries(e, s) {
				elems := slices.Clone(v.Elems())
				elems[i] = inner
				list = append(list, evidence.ArrayValue(elems...))
			}
		}
	}
	return append(list, evidence.StringValue(s))
}

func TestListsAndReads(t *testing.T) {
	h := newHouse(t)
	run := h.begin()
	foreign, err := h.as("other/agent").Begin(t.Context(), client.BeginRun{Initiator: nightly})
	h.must(err)
	ids := func(c *client.Client, workflow, after string) string {
		runs, err := c.Runs(t.Context(), workflow, evidence.RunID(after))
		h.must(err)
		var s []string
		for _, r := range runs {
			s = append(s, string(r.ID))
		}
		return strings.Join(s, " ")
	}
	both := string(run.ID) + " " + string(foreign.ID)
	for _, c := range []struct{ name, got, want string }{
		{"all", ids(h.admin, "", ""), both},
		{"one workflow", ids(h.admin, "other", ""), string(foreign.ID)},
		{"after the first", ids(h.admin, "", string(run.ID)), string(foreign.ID)},
		{"a workload's own", ids(h.as("payments/agent"), "", ""), string(run.ID)},
		{"a workload's own, whatever it asks", ids(h.as("payments/agent"), "other", ""), string(run.ID)},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
	if _, err := h.as("other/agent").Story(t.Context(), run.ID); !client.IsKind(err, evidence.NotFound) {
		t.Errorf("another workflow's run: %v", err)
	}
	if story, err := h.as("payments/helper").Story(t.Context(), run.ID); err != nil || len(story.Records) != 1 {
		t.Errorf("a workload's own run: %v", err)
	}
	for _, limit := range []string{"0", "-1", "1001", "x", "1.0"} {
		for _, path := range []string{"/v1/runs", "/v1/approvals", "/v1/keys"} {
			if res, body := h.call("GET", path+"?limit="+limit, h.admin.Key, "", ""); res.StatusCode != 400 || problemOf(t, res, body).Field != "limit" {
				t.Errorf("%s?limit=%s: %d", path, limit, res.StatusCode)
			}
		}
	}
	keys, err := h.admin.Keys(t.Context(), "")
	h.must(err)
	for _, k := range keys {
		if k.Token != "" {
			t.Error("a listed key shows its token")
		}
	}
}
