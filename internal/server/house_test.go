package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/schematest"
	"github.com/evidencefactory/evf/internal/store"
)

// house is a whole server on a directory of its own, reached over HTTP as
// anyone else would. Every record that a test leaves is held against its
// published schema at the end, and every decision is reached again.
type house struct {
	t       *testing.T
	dir     string
	clock   *clock
	trust   bool // the clock, whatever the records say
	server  *Server
	http    *httptest.Server
	admin   *client.Client
	clients map[string]*client.Client
}

// clock is a time that tests move, and a place to do something in between: at
// the next look at it, once.
type clock struct {
	mu   sync.Mutex
	at   time.Time
	hook func()
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	hook := c.hook
	c.hook = nil
	c.mu.Unlock()
	if hook != nil {
		hook()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// between has f run when the clock is read next, which for the gate is after
// it looked at the state and before it commits.
func (c *clock) between(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hook = f
}

// newHouse opens a server with both workflows in force. The test runs beside
// others: most of its time is the disk's.
func newHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := openHouse(t, t.TempDir(), newClock())
	h.apply(manifest(t, "payments"))
	h.apply(manifest(t, "other"))
	return h
}

func openHouse(t *testing.T, dir string, c *clock, tenants ...string) *house {
	t.Helper()
	return openHouseWith(t, Config{Data: dir, Clock: c.now, Tenants: tenants}, c)
}

func openHouseWith(t *testing.T, cfg Config, c *clock) *house {
	t.Helper()
	h := &house{t: t, dir: cfg.Data, clock: c, clients: map[string]*client.Client{}}
	var err error
	// Sealing is woken where a test waits for it; a fast interval only costs.
	h.server, err = Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.http = httptest.NewServer(h.server.Handler())
	t.Cleanup(h.close)
	h.admin = h.client(h.adminKey(DefaultTenant))
	return h
}

func (h *house) adminKey(tenant evidence.TenantID) string {
	h.t.Helper()
	key, err := os.ReadFile(AdminKeyFile(h.dir, tenant))
	if err != nil && tenant == DefaultTenant && len(h.server.cfg.Tenants) == 1 {
		h.t.Fatal(err)
	}
	return strings.TrimSpace(string(key))
}

func (h *house) close() {
	if !h.t.Failed() {
		for _, row := range h.rows() {
			if !row.Expunged() {
				schematest.Check(h.t, row.Record)
			}
		}
		h.decideAgain()
	}
	h.http.Close()
	if err := h.server.Close(); err != nil {
		h.t.Error(err)
	}
}

func (h *house) client(key string) *client.Client {
	return &client.Client{Server: h.http.URL, Key: key, HTTP: h.http.Client(), Clock: h.clock.now}
}

func manifest(t *testing.T, name string, edits ...string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	for i := 0; i < len(edits); i += 2 {
		if strings.Count(s, edits[i]) != 1 {
			t.Fatalf("manifest %s has %q %d times", name, edits[i], strings.Count(s, edits[i]))
		}
		s = strings.Replace(s, edits[i], edits[i+1], 1)
	}
	return s
}

func (h *house) apply(manifest string) {
	h.t.Helper()
	if _, err := h.admin.ApplyWorkflow(h.t.Context(), client.ApplyWorkflow{Manifest: manifest}); err != nil {
		h.t.Fatal(err)
	}
}

// as is the client of an identity, written workflow/identity.
func (h *house) as(who string) *client.Client {
	h.t.Helper()
	if c, ok := h.clients[who]; ok {
		return c
	}
	workflow, name, _ := strings.Cut(who, "/")
	key, err := h.admin.CreateKey(h.t.Context(), client.CreateKey{Workflow: workflow, Identity: name})
	if err != nil {
		h.t.Fatal(err)
	}
	h.clients[who] = h.client(key.Token)
	return h.clients[who]
}

// person is the client of someone with roles.
func (h *house) person(name string, roles ...string) *client.Client {
	h.t.Helper()
	if c, ok := h.clients[name]; ok {
		return c
	}
	key, err := h.admin.CreateKey(h.t.Context(), client.CreateKey{Person: name, Roles: append([]string{}, roles...)})
	if err != nil {
		h.t.Fatal(err)
	}
	h.clients[name] = h.client(key.Token)
	return h.clients[name]
}

// begin begins a run of payments that goes back to ina.
func (h *house) begin() *client.RunHandle {
	h.t.Helper()
	run, err := h.as("payments/agent").Begin(h.t.Context(), client.BeginRun{Initiator: client.Party{Kind: "human", Name: "ina@example.org"}})
	if err != nil {
		h.t.Fatal(err)
	}
	return run
}

// value parses JSON.
func value(t *testing.T, text string) evidence.Value {
	t.Helper()
	v, err := evidence.ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// ask asks for an action and wants a verdict.
func (h *house) ask(run *client.RunHandle, id evidence.ActionID, tool, args string) client.Verdict {
	h.t.Helper()
	v, err := run.Ask(h.t.Context(), id, tool, value(h.t, args))
	if err != nil {
		h.t.Fatalf("%s: %v", tool, err)
	}
	return v
}

// verdict wants an effect with the code of its first reason.
func (h *house) verdict(v client.Verdict, effect, code string) {
	h.t.Helper()
	if v.Verdict != effect || len(v.Reasons) == 0 || v.Reasons[0].Code != code {
		h.t.Fatalf("verdict is %s %+v, want %s %s", v.Verdict, v.Reasons, effect, code)
	}
	if (v.Permit != nil) != (effect == "allow") {
		h.t.Fatalf("verdict %s has permit %v", effect, v.Permit)
	}
}

// kind wants an error of a kind.
func kind(t *testing.T, err error, want evidence.ErrorKind) {
	t.Helper()
	if !client.IsKind(err, want) {
		t.Fatalf("error is %v, want one of kind %s", err, want)
	}
}

func (h *house) redeem(who string, r client.Redemption) error {
	return h.as(who).Redeem(h.t.Context(), r)
}

// tenant is the store's own view, for what the API does not show.
func (h *house) tenant() store.Tenant { return h.server.tenants[DefaultTenant] }

func (h *house) view(f func(store.Tx) error) {
	h.t.Helper()
	if err := h.tenant().View(context.Background(), f); err != nil {
		h.t.Fatal(err)
	}
}

// rows are all records, in order.
func (h *house) rows() (rows []store.Row) {
	h.t.Helper()
	err := h.tenant().View(context.Background(), func(tx store.Tx) (err error) {
		rows, err = tx.Rows(0, 1<<20)
		return err
	})
	if err != nil && evidence.KindOf(err) != evidence.Unavailable { // a test closed the store
		h.t.Error(err)
	}
	return rows
}

// count is how many records of a type there are, of any type for "".
func (h *house) count(typ evidence.Type) (n int) {
	h.t.Helper()
	for _, row := range h.rows() {
		if typ == "" || row.Type == typ {
			n++
		}
	}
	return n
}

// last is the body of the latest record of a type, withheld fields put back.
func last[T any](h *house, typ evidence.Type) (body T) {
	h.t.Helper()
	rows := h.rows()
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].Type != typ {
			continue
		}
		o := h.open(rows[i])
		body, err := evidence.Decode[T](o.Full)
		if err != nil {
			h.t.Fatal(err)
		}
		return body
	}
	h.t.Fatalf("no record of type %s", typ)
	return body
}

func (h *house) open(row store.Row) *recorder.Opened {
	h.t.Helper()
	o, err := h.server.rec.Open(context.Background(), DefaultTenant, row)
	if err != nil {
		h.t.Fatal(err)
	}
	return o
}

// unchanged wants f to leave no record.
func (h *house) unchanged(what string, f func()) {
	h.t.Helper()
	before := h.count("")
	f()
	if after := h.count(""); after != before {
		h.t.Fatalf("%s left %d records: %s", what, after-before, h.rows()[after-1].Record)
	}
}

// call makes a plain HTTP call and reads its answer.
func (h *house) call(method, path, key, contentType, body string) (*http.Response, []byte) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.http.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		h.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := h.http.Client().Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res, data
}

// together runs f n times at once and returns how the calls ended.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			errs[i] = f(i)
		})
	}
	done.Wait()
	return errs
}

const docA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
const docB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

// check records a result as an identity.
func (h *house) check(who string, run *client.RunHandle, c evidence.CheckResult) error {
	h.t.Helper()
	if c.Document == "" {
		c.Document = docA
	}
	c.Version = "1"
	if c.Outcome == "" {
		c.Outcome = "pass"
	}
	_, err := h.as(who).Join(run.ID).Record(h.t.Context(), client.Typed{Type: evidence.TypeCheckResult, Body: c})
	return err
}

// must is check that wants no error.
func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func outcomes(pairs ...string) (list []evidence.CheckOutcome) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, evidence.CheckOutcome{Check: pairs[i], Version: "1", Outcome: pairs[i+1]})
	}
	return list
}

func attests(pairs ...string) (list []evidence.Attested) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, evidence.Attested{Name: pairs[i], Value: pairs[i+1]})
	}
	return list
}

// figures are what the checker vouches for, and payArgs the call that uses
// them.
var figures = attests("payee", "acme", "amount", "500", "parts", "3", "urgent", "true")

const payArgs = `{"document":"` + docA + `","payee":"acme","amount":"500","parts":3,"urgent":true}`

// checked has both checkers pass docA in a run.
func (h *house) checked(run *client.RunHandle) {
	h.t.Helper()
	h.must(h.check("payments/checker", run, evidence.CheckResult{Suite: "basic", Checks: outcomes("one", "pass", "two", "not-applicable"), Attests: figures}))
	h.must(h.check("payments/second", run, evidence.CheckResult{Suite: "second", Checks: outcomes("ok", "pass")}))
}
