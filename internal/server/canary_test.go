package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

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
