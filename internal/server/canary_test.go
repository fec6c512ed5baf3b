package server

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/redact"
	"github.com/evidencefactory/evf/packet"
)

// flock are canaries: secrets that no rule of the house may let live. Each is drawn
// once, remembers where it was let go, and has a mark in it that every way of
// writing it down keeps.
type flock struct {
	mu    sync.Mutex // guards where
	where []string
}

const mark = "cAnArYq7" // as a token in capitals has it: CANARYQ7

// kinds are the forms that canaries take in turn; %06d is the number.
var canaryForms = []string{
	"ghp_" + mark + "%06d" + "a1B2c3D4e5F6g7H8i9J0k1",
	"AKIA" + "CANARYQ7" + "%06d" + "XY",
	"sk_live_" + mark + "%06d" + "a1B2c3D4e5",
	"xoxb-1234567890-" + mark + "%06d" + "a1B2",
	"https://ana:" + mark + "%06d@db.example.org/x",
	"evf_default_key-0123456789abcdef_",
}

// next is a canary of the next form.
func (c *flock) next(where string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.where)
	c.where = append(c.where, where)
	form := canaryForms[n%len(canaryForms)]
	if !strings.Contains(form, "%06d") {
		// The key's own part is hexadecimal; the mark goes before it.
		return "password=" + mark + fmt.Sprintf("%06d", n)
	}
	return fmt.Sprintf(form, n)
}

// traces are the ways in which a mark may be written down.
var traces = func() (list []string) {
	for _, m := range []string{mark, strings.ToUpper(mark)} {
		list = append(list, hex.EncodeToString([]byte(m)))
		for skip := range 3 { // base64 of a text in which the mark stands anywhere
			padded := strings.Repeat("x", skip) + m
			text := base64.RawStdEncoding.EncodeToString([]byte(padded))
			list = append(list, text[(skip*8+5)/6:len(padded)*8/6])
		}
		percent := ""
		for _, b := range []byte(m) {
			percent += fmt.Sprintf("%%%02X", b)
		}
		list = append(list, percent)
	}
	return list
}()

var marked = regexp.MustCompile(`(?i)` + mark + `(\d{6})?`)

// alive says which canaries a text still holds, however it writes them.
func (c *flock) alive(text []byte) (found []string) {
	for _, m := range marked.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil || n >= len(c.where) {
			found = append(found, string(m[0]))
			continue
		}
		found = append(found, c.where[n])
	}
	for _, trace := range traces {
		if bytes.Contains(text, []byte(trace)) {
			found = append(found, "encoded as "+trace)
		}
	}
	return found
}

// aviary is a house with canaries in it, whose log is kept.
type aviary struct {
	*house
	flock
	logged lockedBuffer
	run    *client.RunHandle
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func newAviary(t *testing.T) *aviary {
	t.Helper()
	a := &aviary{}
	h := &house{t: t, dir: t.TempDir(), clock: newClock(), clients: map[string]*client.Client{}}
	var err error
	h.server, err = Open(t.Context(), Config{Data: h.dir, Clock: h.clock.now, Tenants: []string{DefaultTenant, "second"},
		Log: slog.New(slog.NewTextHandler(&a.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	h.http = httptest.NewServer(h.server.Handler())
	h.admin = h.client(h.adminKey(DefaultTenant))
	a.house = h
	var own []string
	for _, typ := range evidence.Types() {
		if !typ.Reserved() && typ != evidence.TypeCheckResult && typ != evidence.TypeChangeObserved {
			own = append(own, string(typ))
		}
	}
	h.apply(manifest(t, "payments", "[step.observed, input.referenced, fields.extracted]", "["+strings.Join(own, ", ")+"]"))
	a.run = h.begin()
	return a
}

// send makes a call and wants no canary in its answer.
func (a *aviary) send(where, method, path, key, contentType, body string) int {
	a.t.Helper()
	res, answer := a.call(method, path, key, contentType, body)
	for name, values := range res.Header {
		answer = append(answer, (name + ": " + strings.Join(values, " ") + "\n")...)
	}
	if alive := a.alive(answer); alive != nil {
		a.t.Errorf("%s: the answer holds it: %.300s", where, answer)
	}
	return res.StatusCode
}

// probe is one route that takes a body: a call that is good but for what the
// test puts in.
type probe struct {
	route string
	in    any
	good  func(a *aviary) (path, key string, body any)
}

func (a *aviary) key(who string) string { return a.as(who).Key }

// probes are every route with a body, and every route without one that takes
// something in its path or query.
var probes = []probe{
	{"POST /v1/runs", client.BeginRun{}, func(a *aviary) (string, string, any) {
		return "/v1/runs", a.key("payments/agent"), client.BeginRun{Run: evidence.RunID(client.NewID()), Occurred: evidence.TimeOf(a.clock.now()), Initiator: client.Party{Kind: "human", Name: "Ina"},
			Dispatcher: client.Party{Kind: "schedule", Name: "nightly"}, Trigger: "mail", Links: []evidence.Link{{Kind: "trace", ID: "1"}}}
	}},
	{"POST /v1/runs/{id}/end", client.EndRun{}, func(a *aviary) (string, string, any) {
		return "/v1/runs/" + string(a.begin().ID) + "/end", a.key("payments/agent"), client.EndRun{ID: evidence.RecordID(client.NewID()), Occurred: evidence.TimeOf(a.clock.now()), Outcome: "completed", Summary: "done"}
	}},
	{"POST /v1/runs/{id}/route", client.RouteCase{}, func(a *aviary) (string, string, any) {
		return "/v1/runs/" + string(a.run.ID) + "/route", a.key("payments/agent"), client.RouteCase{ID: evidence.RecordID(client.NewID()), Occurred: evidence.TimeOf(a.clock.now()), Document: docA,
			Inputs: map[string]evidence.Value{"amount": evidence.StringValue("1")}}
	}},
	{"POST /v1/records", client.Draft{}, func(a *aviary) (string, string, any) {
		return "/v1/records", a.key("payments/agent"), client.Draft{ID: evidence.RecordID(client.NewID()), Type: "step.observed", Occurred: evidence.TimeOf(a.clock.now()), Run: a.run.ID,
			Links: []evidence.Link{{Kind: "trace", ID: "1"}}, Body: value(a.t, `{"step":"a","status":"started","summary":"begun"}`)}
	}},
	{"POST /v1/actions", client.AskAction{}, func(a *aviary) (string, string, any) {
		return "/v1/actions", a.key("payments/agent"), client.AskAction{ID: evidence.ActionID(client.NewID()), Run: a.run.ID, Tool: "bank/read", Args: value(a.t, `{"query":"a"}`)}
	}},
	{"POST /v1/actions/{id}/outcome", client.Outcome{}, func(a *aviary) (string, string, any) {
		v := a.ask(a.run, "", "bank/read", `{"query":"a"}`)
		return "/v1/actions/" + string(v.Action) + "/outcome", a.key("payments/agent"), client.Outcome{ID: evidence.RecordID(client.NewID()), Occurred: evidence.TimeOf(a.clock.now()), Status: "failed",
			Attempts: 1, Code: "timeout", Message: "no answer", Response: value(a.t, `{"ok":false}`)}
	}},
	{"POST /v1/permits/redeem", client.Redemption{}, func(a *aviary) (string, string, any) {
		return "/v1/permits/redeem", a.key("payments/bank"), client.Redemption{Action: evidence.ActionID(client.NewID()), Run: a.run.ID, Permit: "x", Tool: "bank/read", Args: value(a.t, `{"query":"a"}`)}
	}},
	{"POST /v1/approvals/{id}/decide", client.Decide{}, func(a *aviary) (string, string, any) {
		v := a.ask(a.run, "", "bank/wire", `{"amount":7}`)
		who := a.person("carla@example.org", "controller")
		shown, err := who.Approval(a.t.Context(), v.Approvals[0].ID)
		a.must(err)
		return "/v1/approvals/" + string(shown.ID) + "/decide", who.Key, client.Decide{Decision: "reject", Presentation: shown.Presentation, ReasonCode: "no", Comment: "no"}
	}},
	{"POST /v1/workflows", client.ApplyWorkflow{}, func(a *aviary) (string, string, any) {
		return "/v1/workflows", a.admin.Key, client.ApplyWorkflow{Manifest: manifest(a.t, "other")}
	}},
	{"POST /v1/workflows/{name}/retire", client.Retire{}, func(a *aviary) (string, string, any) {
		a.apply(manifest(a.t, "other"))
		return "/v1/workflows/other/retire", a.admin.Key, client.Retire{Reason: "over"}
	}},
	{"POST /v1/keys", client.CreateKey{}, func(a *aviary) (string, string, any) {
		return "/v1/keys", a.admin.Key, client.CreateKey{Person: "nina@example.org", Roles: []string{"viewer"}}
	}},
	{"POST /v1/keys/{id}/revoke", client.Revoke{}, func(a *aviary) (string, string, any) {
		k, err := a.admin.CreateKey(a.t.Context(), client.CreateKey{Workflow: "payments", Identity: "helper"})
		a.must(err)
		return "/v1/keys/" + k.ID + "/revoke", a.admin.Key, client.Revoke{Reason: "over"}
	}},
	{"POST /v1/erasures", client.Erase{}, func(a *aviary) (string, string, any) {
		run := a.begin()
		a.must(run.End(a.t.Context(), "completed", ""))
		return "/v1/erasures", a.admin.Key, client.Erase{Run: run.ID, Authority: "a court", Dry: true}
	}},
	{"POST /v1/retention", client.Retain{}, func(a *aviary) (string, string, any) {
		return "/v1/retention", a.admin.Key, client.Retain{Dry: true}
	}},
	{"POST /v1/stops", client.EngageStop{}, func(a *aviary) (string, string, any) {
		return "/v1/stops", a.admin.Key, client.EngageStop{Workflow: "other", Reason: "odd calls"}
	}},
	{"POST /v1/stops/release", client.ReleaseStop{}, func(a *aviary) (string, string, any) {
		_, err := a.admin.EngageStop(a.t.Context(), client.EngageStop{Workflow: "other", Reason: "odd calls", Drill: true})
		if !client.IsKind(err, evidence.Conflict) {
			a.must(err)
		}
		return "/v1/stops/release", a.person("lee@example.org", "compliance").Key, client.ReleaseStop{Workflow: "other", Reason: "looked at"}
	}},
	{"POST /v1/holds", client.PlaceHold{}, func(a *aviary) (string, string, any) {
		return "/v1/holds", a.admin.Key, client.PlaceHold{Scope: "workflow", What: "other", Reason: "a lawsuit"}
	}},
	{"POST /v1/holds/{id}/release", client.ReleaseHold{}, func(a *aviary) (string, string, any) {
		hold, err := a.admin.PlaceHold(a.t.Context(), client.PlaceHold{Scope: "workflow", What: "other", Reason: "a lawsuit"})
		a.must(err)
		return "/v1/holds/" + hold.ID + "/release", a.person("lee@example.org", "compliance").Key, client.ReleaseHold{Reason: "settled"}
	}},
	{"POST /v1/packets", client.BuildPacket{}, func(a *aviary) (string, string, any) {
		return "/v1/packets", a.admin.Key, client.BuildPacket{Run: a.run.ID}
	}},
}

// bodyless are the routes that take something in their path or query only.
var bodyless = []string{"GET /v1/runs", "GET /v1/runs/{id}", "GET /v1/approvals", "GET /v1/approvals/{id}", "GET /v1/workflows", "GET /v1/workflows/{name}",
	"GET /v1/keys", "GET /v1/holds", "GET /v1/stops", "GET /v1/log", "GET /log/{tenant}/checkpoint", "GET /log/{tenant}/tile/{path}"}

// leaves are the places of a request's type that can hold a string, as
// pointers; an open value, a map and a list have several.
func leaves(t reflect.Type, at string) (list []string) {
	switch {
	case t == reflect.TypeFor[evidence.Value]():
		return []string{at, at + "/0", at + "/note", at + "/deep/er/0/note", at + "/password", at + "/\x00", at + "/\x00/x"}
	case t.Kind() == reflect.String:
		return []string{at}
	case t.Kind() == reflect.Slice:
		return leaves(t.Elem(), at+"/0")
	case t.Kind() == reflect.Map:
		return append(leaves(t.Elem(), at+"/amount"), at+"/\x00")
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			list = append(list, leaves(t.Field(i).Type, at+"/"+name)...)
		}
	}
	return list
}

// placing is a body with a canary at a pointer; the name \x00 stands for one that
// is the canary itself.
func placing(t *testing.T, body any, at, canary string) string {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	tree = put(tree, strings.Split(at, "/")[1:], canary)
	data, _ = json.Marshal(tree)
	return string(data)
}

func put(v any, path []string, canary string) any {
	if len(path) == 0 {
		return canary
	}
	name := path[0]
	if name == "0" {
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			list = []any{nil}
		}
		list[0] = put(list[0], path[1:], canary)
		return list
	}
	if name == "\x00" {
		name = canary
	}
	m, ok := v.(map[string]any)
	if !ok {
		m = map[string]any{}
	}
	if m[name] = put(m[name], path[1:], canary); len(path) == 1 && name == canary {
		m[name] = "x"
	}
	return m
}

// described are the operations of the API, with the names of their bodies'
// types.
func (a *aviary) described() map[string]string {
	a.t.Helper()
	_, body := a.call("GET", "/openapi.json", "", "", "")
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		a.t.Fatal(err)
	}
	all := map[string]string{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			all[strings.ToUpper(method)+" "+path] = strings.TrimPrefix(op.RequestBody.Content["application/json"].Schema.Ref, "#/components/schemas/")
		}
	}
	return all
}

// Canaries are let go in every string field of every route, and everywhere
// else that something can be said to the house. None is found afterwards: not
// in answers, not in the log, not in the data directory, not in the vault, not
// in a packet.
func TestCanaries(t *testing.T) {
	t.Parallel()
	a := newAviary(t)
	a.coverage()
	for _, p := range probes {
		a.fields(p)
		a.malformed(p)
	}
	a.records()
	a.paths()
	a.headers()
	a.manifests()
	a.rawRequests()
	a.readBack()
	a.server.Close()
	a.http.Close()
	a.search()
	if n := len(a.where); n < 600 {
		t.Errorf("only %d canaries were let go", n)
	}
}

// coverage wants a probe for every route that the API describes.
func (a *aviary) coverage() {
	described := a.described()
	var covered []string
	for _, p := range probes {
		covered = append(covered, p.route)
		if name := reflect.TypeOf(p.in).Name(); described[p.route] != name {
			a.t.Errorf("%s takes %q, the probe sends %s", p.route, described[p.route], name)
		}
	}
	covered = append(covered, bodyless...)
	for route := range described {
		if !slices.Contains(covered, route) {
			a.t.Errorf("%s has no probe: canaries are not let go there", route)
		}
	}
}

// fields lets a canary go in every place of a good body: alone, and inside a
// text. Where nothing but the canary is wrong, the call is refused, or goes
// through without it.
func (a *aviary) fields(p probe) {
	method, _, _ := strings.Cut(p.route, " ")
	path, key, body := p.good(a)
	if status := a.send(p.route, method, path, key, "application/json", string(jsonOf(a.t, body))); status >= 400 && p.route != "POST /v1/permits/redeem" {
		a.t.Errorf("%s: the good call is answered %d", p.route, status)
	}
	for _, at := range leaves(reflect.TypeOf(p.in), "") {
		for _, format := range []string{"%s", "it says: %s, and more"} {
			path, key, body := p.good(a)
			where := p.route + " " + strings.ReplaceAll(at, "\x00", "(name)")
			a.send(where, method, path, key, "application/json", placing(a.t, body, at, fmt.Sprintf(format, a.next(where))))
		}
	}
}

func jsonOf(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// malformed sends what is no good body at all.
func (a *aviary) malformed(p probe) {
	method, _, _ := strings.Cut(p.route, " ")
	for name, format := range map[string]string{
		"no JSON": "%s", "a string": `"%s"`, "a list": `["%s"]`, "cut off": `{"id":"%s`, "a name that is none": `{"%s":1}`, "a name twice": `{"%[1]s":1,"%[1]s":2}`,
		"not UTF-8": "{\"id\":\"%s\xff\"}", "a lone surrogate": `{"id":"%s\ud800"}`, "after the value": `{} %s`, "of another kind": `{"id":{"%s":1}}`,
		"deep": strings.Repeat(`{"a":`, 80) + `"%s"`, "a number": `{"id":%s}`,
	} {
		path, key, _ := p.good(a)
		where := p.route + " malformed: " + name
		a.send(where, method, path, key, "application/json", fmt.Sprintf(format, a.next(where)))
	}
	path, key, body := p.good(a)
	where := p.route + " Content-Type"
	a.send(where, method, path, key, "text/"+a.next(where), string(jsonOf(a.t, body)))
	if p.route == "POST /v1/records" {
		good := string(jsonOf(a.t, body))
		for _, line := range []string{"%s", `{"%s":1}`, `{"id":"%s"}`} {
			where := p.route + " NDJSON"
			a.send(where, method, path, key, "application/x-ndjson", good+"\n"+fmt.Sprintf(line, a.next(where))+"\n")
		}
	}
}

// records lets canaries go in every string of every type's body.
func (a *aviary) records() {
	for _, typ := range evidence.Types() {
		who := "payments/agent"
		switch {
		case typ == evidence.TypeCheckResult:
			who = "payments/checker"
		case typ == evidence.TypeChangeObserved:
			who = "payments/bank"
		}
		good := sample(typ.Shape(), "")
		if !typ.Reserved() {
			if status := a.submit(who, typ, good, "", ""); status != 200 {
				a.t.Errorf("a good %s is answered %d", typ, status)
			}
		}
		for _, at := range shapeLeaves(typ.Shape(), "") {
			for _, format := range []string{"%s", "Trouble: %s!"} {
				where := string(typ) + " " + at
				a.submit(who, typ, good, at, fmt.Sprintf(format, a.next(where)))
			}
		}
	}
}

func (a *aviary) submit(who string, typ evidence.Type, body any, at, canary string) int {
	draft := map[string]any{"id": client.NewID(), "type": typ, "occurred": evidence.TimeOf(a.clock.now()), "run": a.run.ID, "body": body}
	text := string(jsonOf(a.t, draft))
	if at != "" {
		text = placing(a.t, draft, "/body"+at, canary)
	}
	return a.send(string(typ)+at, "POST", "/v1/records", a.key(who), "application/json", text)
}

// sample is a good value of a shape.
func sample(s *evidence.Shape, name string) any {
	switch {
	case s.Open:
		return map[string]any{"a": "b"}
	case s.Kind == evidence.Object:
		m := map[string]any{}
		for i := range s.Fields {
			if f := &s.Fields[i]; !f.Server {
				m[f.Name] = sample(f.Shape, f.Name)
			}
		}
		return m
	case s.Kind == evidence.Array:
		return []any{sample(s.Elem, name)}
	case s.Kind == evidence.Bool:
		return true
	case s.Kind == evidence.Number:
		return 1
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Format == "digest":
		return docA
	case s.Format == "time":
		return "2026-03-02T09:00:00.000000000Z"
	case s.Format == "uuid":
		return client.NewID()
	case name == "suite":
		return "basic"
	}
	return "some"
}

func shapeLeaves(s *evidence.Shape, at string) (list []string) {
	switch {
	case s.Open:
		return leaves(reflect.TypeFor[evidence.Value](), at)
	case s.Kind == evidence.String:
		return []string{at}
	case s.Kind == evidence.Array:
		return shapeLeaves(s.Elem, at+"/0")
	}
	for i := range s.Fields {
		list = append(list, shapeLeaves(s.Fields[i].Shape, at+"/"+s.Fields[i].Name)...)
	}
	return list
}

var inPath = regexp.MustCompile(`\{\w+\}`)

// paths lets canaries go in paths and queries.
func (a *aviary) paths() {
	var routes []string
	for _, p := range probes {
		routes = append(routes, p.route)
	}
	for _, route := range append(routes, bodyless...) {
		method, path, _ := strings.Cut(route, " ")
		contentType, body := "", ""
		if method == "POST" {
			contentType, body = "application/json", "{}"
		}
		if inPath.MatchString(path) {
			where := route + " path"
			a.send(where, method, inPath.ReplaceAllString(path, url.PathEscape(a.next(where))), a.admin.Key, contentType, body)
		}
		for _, name := range []string{"workflow", "after", "limit", "status", "token", "\x00"} {
			where := route + " query " + name
			query := url.Values{name: {a.next(where)}}
			if name == "\x00" {
				query = url.Values{a.next(where): {"1"}}
			}
			a.send(where, method, inPath.ReplaceAllString(path, client.NewID())+"?"+query.Encode(), a.admin.Key, contentType, body)
		}
	}
	where := "a path that is none"
	a.send(where, "GET", "/v1/"+url.PathEscape(a.next(where)), a.admin.Key, "", "")
	a.send(where, "GET", "/v1/../"+url.PathEscape(a.next(where)), a.admin.Key, "", "")
}

// headers lets canaries go in headers, the key among them.
func (a *aviary) headers() {
	for _, name := range []string{"Authorization", "User-Agent", "Cookie", "Accept", "Referer", "X-Api-Key", "Traceparent", "Idempotency-Key", "X-Forwarded-For"} {
		for _, format := range []string{"%s", "Bearer %s"} {
			where := "header " + name
			req := httptest.NewRequest("GET", "/v1/runs", nil)
			req.Header.Set("Authorization", "Bearer "+a.admin.Key)
			req.Header.Set(name, fmt.Sprintf(format, a.next(where)))
			w := httptest.NewRecorder()
			a.server.Handler().ServeHTTP(w, req)
			if alive := a.alive(w.Body.Bytes()); alive != nil {
				a.t.Errorf("%s: the answer holds it: %s", where, w.Body)
			}
		}
	}
}

// manifests lets canaries go in every scalar of a manifest, and in comments.
func (a *aviary) manifests() {
	source := manifest(a.t, "other")
	var root yaml.Node
	a.must(yaml.Unmarshal([]byte(source), &root))
	var scalars []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			scalars = append(scalars, n)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&root)
	apply := func(where, text string) {
		for _, dry := range []bool{true, false} {
			if status := a.send(where, "POST", "/v1/workflows", a.admin.Key, "application/json", string(jsonOf(a.t, client.ApplyWorkflow{Manifest: text, Dry: dry}))); status != 400 {
				a.t.Errorf("%s: a manifest with a secret is answered %d", where, status)
			}
		}
	}
	for i, n := range scalars {
		where := fmt.Sprintf("manifest, scalar %d in line %d", i, n.Line)
		before := *n
		n.Value, n.Tag, n.Style = a.next(where), "!!str", 0
		text, err := yaml.Marshal(&root)
		a.must(err)
		*n = before
		apply(where, string(text))
	}
	apply("manifest, comment", source+"# "+a.next("manifest, comment")+"\n")
	apply("manifest, policy", strings.Replace(source, "Reading changes nothing.", "Reading changes nothing, "+a.next("manifest, policy"), 1))
	apply("manifest, no YAML", "a: [\n"+a.next("manifest, no YAML")+": }")
}

// rawRequests sends what is no good HTTP to the server itself.
func (a *aviary) rawRequests() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	a.must(err)
	go a.server.Serve(a.t.Context(), l)
	for _, format := range []string{"GET /%s HTTP/9.9\r\n\r\n", "%s / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
		"POST /v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %s\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nA b: %s\r\n\r\n"} {
		conn, err := net.Dial("tcp", l.Addr().String())
		a.must(err)
		fmt.Fprintf(conn, format, a.next("raw request"))
		conn.(*net.TCPConn).CloseWrite()
		answer, _ := io.ReadAll(bufio.NewReader(conn))
		conn.Close()
		if alive := a.alive(answer); alive != nil {
			a.t.Errorf("raw request %q: the answer holds it: %s", format, answer)
		}
	}
	l.Close()
}

// readBack asks for everything that the house answers anyone, opens every
// record with all the keys there are, and opens packets.
func (a *aviary) readBack() {
	for _, key := range []string{a.admin.Key, a.key("payments/agent"), a.person("aude@example.org", "auditor").Key, a.adminKey("second")} {
		for _, path := range []string{"/v1/runs", "/v1/runs/" + string(a.run.ID), "/v1/approvals", "/v1/workflows", "/v1/workflows/payments", "/v1/workflows/other", "/v1/keys"} {
			a.send("reading "+path, "GET", path, key, "", "")
		}
	}
	for _, row := range a.rows() {
		o := a.open(row)
		text := append(o.Full.Canonical(), row.Record...)
		for _, d := range o.Disclosures {
			plain, _ := base64.RawURLEncoding.DecodeString(d.Text)
			text = append(text, plain...)
		}
		if alive := a.alive(text); alive != nil {
			a.t.Errorf("record %d (%s) holds %v", row.Seq, row.Type, alive)
		}
	}
	data, err := a.admin.Packet(a.t.Context(), a.run.ID)
	a.must(err)
	a.packet(data)
}

func (a *aviary) packet(data []byte) {
	p, err := packet.Open(data)
	a.must(err)
	_ = p
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	a.must(err)
	for _, f := range z.File {
		r, err := f.Open()
		a.must(err)
		text, err := io.ReadAll(r)
		a.must(err)
		for _, word := range regexp.MustCompile(`[A-Za-z0-9_-]{20,}`).FindAll(text, -1) {
			if plain, err := base64.RawURLEncoding.DecodeString(string(word)); err == nil {
				text = append(append(text, '\n'), plain...)
			}
		}
		if alive := a.alive(text); alive != nil {
			a.t.Errorf("%s of the packet holds %v", f.Name, alive)
		}
	}
}

// search looks through every byte that the house left, and what it logged.
func (a *aviary) search() {
	if alive := a.alive(a.logged.b.Bytes()); alive != nil {
		a.t.Errorf("the log holds %v", alive)
	}
	files := 0
	a.must(filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if alive := a.alive(append(data, path...)); alive != nil {
			a.t.Errorf("%s holds %v", d.Name(), alive)
		}
		return err
	}))
	if files < 5 {
		a.t.Errorf("only %d files were searched", files)
	}
}

// Each form of canary is one that the scanner knows, and each trace one that
// the search would see: a test that looks for the wrong thing finds nothing.
func TestCanariesCanBeSeen(t *testing.T) {
	var c flock
	for range 2 * len(canaryForms) {
		canary := c.next("here")
		if _, ok := redact.Secret(canary); !ok {
			t.Errorf("%s is no secret to the scanner", canary)
		}
		for _, text := range []string{canary, "x" + canary, url.QueryEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary)), base64.RawURLEncoding.EncodeToString([]byte("é" + canary)),
			base64.RawURLEncoding.EncodeToString([]byte("xy" + canary)), hex.EncodeToString([]byte(canary))} {
			if c.alive([]byte(text)) == nil {
				t.Errorf("%s is not seen in %s", canary, text)
			}
		}
	}
}
