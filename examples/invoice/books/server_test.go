package books

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// gate is a Leave that gives permits for one call each.
type gate struct {
	mu       sync.Mutex
	permits  map[string]*grant
	observed []Observation
	down     bool // both questions fail
	deaf     bool // only Observed fails

	onRedeem func() // runs when a permit was redeemed
}

type grant struct {
	call Redemption
	used bool
}

func (g *gate) Redeem(_ context.Context, r Redemption) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	granted, found := g.permits[r.Permit]
	switch {
	case g.down:
		return fmt.Errorf("cannot redeem %s: connection refused", r.Permit)
	case !found:
		return &DeniedError{"unknown permit " + r.Permit} // careless: it quotes the permit
	case granted.used:
		return &DeniedError{"used"}
	case granted.call.Action != r.Action || granted.call.Run != r.Run || granted.call.Tool != r.Tool:
		return &DeniedError{"other call"}
	case !bytes.Equal(granted.call.Args, r.Args):
		return &DeniedError{"other args"}
	}
	granted.used = true
	if g.onRedeem != nil {
		g.onRedeem()
	}
	return nil
}

func (g *gate) Observed(ctx context.Context, o Observation) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if g.down || g.deaf {
		return errors.New("cannot record")
	}
	g.observed = append(g.observed, o)
	return nil
}

// allow gives leave for one call of a tool with these very arguments.
func (g *gate) allow(t *testing.T, tool string, args any, action string) CallMeta {
	t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	permit := fmt.Sprintf("secret-permit-%d", len(g.permits))
	g.permits[permit] = &grant{call: Redemption{Permit: permit, Run: "run-1", Action: action, Tool: tool, Args: raw}}
	return CallMeta{Permit: permit, Run: "run-1", Action: action}
}

func (g *gate) unspent(permit string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.permits[permit].used
}

// master is a vendor master of two.
type master []Vendor

func (m master) Find(query string) []Vendor {
	var found []Vendor
	for _, v := range m {
		if strings.Contains(strings.ToLower(v.ID+" "+v.Name), strings.ToLower(query)) {
			found = append(found, v)
		}
	}
	return found
}

// shop is a server with everything around it.
type shop struct {
	*gate
	journal *Journal
	client  *Client
	url     string
	log     *bytes.Buffer
}

func newShop(t *testing.T, change ...func(*Config)) *shop {
	t.Helper()
	s := &shop{gate: &gate{permits: map[string]*grant{}}, journal: open(t, t.TempDir()), log: &bytes.Buffer{}}
	cfg := Config{
		Journal: s.journal,
		Vendors: master{{ID: "V-1001", Name: "Nordwind GmbH", VATID: "DE123456789", IBANs: []string{"DE02120300000000202051"}}, {ID: "V-1002", Name: "Südwind AG"}},
		Leave:   s.gate,
		Clock:   func() time.Time { return time.Date(2026, 11, 20, 23, 59, 0, 0, time.UTC) },
		Logger:  slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, c := range change {
		c(&cfg)
	}
	h, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	s.url = web.URL
	if s.client, err = Dial(t.Context(), web.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.client.Close() })
	return s
}

func postArgs() PostArgs {
	return PostArgs{
		Document: "sha256:" + strings.Repeat("0f", 32), Kind: Invoice, Vendor: "V-1001", Number: "F-2231", Issued: "2026-11-18",
		NetMinor: "1048739", TaxMinor: "199261", PayableMinor: "1248000", Currency: "EUR", IBAN: "DE02120300000000202051",
	}
}

// refusedWith asserts a refusal by code, and that it repeats no permit.
func refusedWith(t *testing.T, err error, code string) {
	t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Code != code {
		t.Errorf("got %v, want a refusal with code %s", err, code)
		return
	}
	if strings.Contains(refused.Error(), "secret-permit") {
		t.Errorf("the refusal repeats the permit: %v", refused)
	}
}

func (s *shop) entryCount(t *testing.T, want int) {
	t.Helper()
	if n := len(entries(t, s.journal)); n != want {
		t.Errorf("%d entries in the books, want %d", n, want)
	}
	if strings.Contains(s.log.String(), "secret-permit") {
		t.Errorf("a permit is in the log:\n%s", s.log)
	}
}

func TestPostOverHTTP(t *testing.T) {
	s := newShop(t)
	leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
	posted, err := s.client.PostInvoice(t.Context(), postArgs(), leave)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.journal.Get("E-00001")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Posted{Entry: want, Observed: true}, posted); diff != "" {
		t.Errorf("answer (-in the books +got):\n%s", diff)
	}
	if want.Posted != "2026-11-20" || want.VendorName != "Nordwind GmbH" || want.Run != "run-1" || want.Action != "action-1" {
		t.Errorf("entry: %+v", want)
	}
	after, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	observation := Observation{Run: "run-1", Action: "action-1", Entry: "E-00001", Digest: want.Digest, Before: []byte("null"), After: after}
	if diff := cmp.Diff([]Observation{observation}, s.observed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	for _, by := range []GetArgs{{Entry: "E-00001"}, {Run: "run-1"}, {Vendor: "V-1001", Number: "F-2231"}} {
		found, err := s.client.GetEntry(t.Context(), by)
		if diff := cmp.Diff(Found{Entries: []Entry{want}}, found); err != nil || diff != "" {
			t.Errorf("get by %+v: %v\n%s", by, err, diff)
		}
	}
}

func TestFindVendor(t *testing.T) {
	s := newShop(t)
	vendors, err := s.client.FindVendor(t.Context(), "südwind")
	if diff := cmp.Diff([]Vendor{{ID: "V-1002", Name: "Südwind AG"}}, vendors); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if vendors, err = s.client.FindVendor(t.Context(), "nobody"); err != nil || len(vendors) != 0 {
		t.Errorf("%v, %v", vendors, err)
	}
}

func TestPermitIsEnforcedByTheBooks(t *testing.T) {
	other := postArgs()
	other.NetMinor, other.PayableMinor = "9048739", "9248000"
	for _, c := range []struct {
		name string
		meta func(CallMeta) CallMeta
		args any
		code string
	}{
		{"no permit", func(m CallMeta) CallMeta { m.Permit = ""; return m }, postArgs(), CodeNoPermit},
		{"no run", func(m CallMeta) CallMeta { m.Run = ""; return m }, postArgs(), CodeNoPermit},
		{"no action", func(m CallMeta) CallMeta { m.Action = ""; return m }, postArgs(), CodeNoPermit},
		{"a run that is no id", func(m CallMeta) CallMeta { m.Run = "r\n; x"; return m }, postArgs(), CodeNoPermit},
		{"a huge permit", func(m CallMeta) CallMeta { m.Permit = strings.Repeat("p", maxPermit+1); return m }, postArgs(), CodeNoPermit},
		{"an invented permit", func(m CallMeta) CallMeta { m.Permit = "secret-permit-x"; return m }, postArgs(), CodeDenied},
		{"another action", func(m CallMeta) CallMeta { m.Action = "action-2"; return m }, postArgs(), CodeDenied},
		{"another run", func(m CallMeta) CallMeta { m.Run = "run-2"; return m }, postArgs(), CodeDenied},
		{"other arguments", func(m CallMeta) CallMeta { return m }, other, CodeDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t)
			leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
			_, err := s.client.Call(t.Context(), "post_invoice", c.args, c.meta(leave))
			refusedWith(t, err, c.code)
			s.entryCount(t, 0)
			if len(s.observed) != 0 || !s.unspent(leave.Permit) {
				t.Errorf("observed %v, unspent %v", s.observed, s.unspent(leave.Permit))
			}
		})
	}
}

func TestPermitIsNotForAnotherTool(t *testing.T) {
	s := newShop(t)
	post(t, s.journal, nordwind("a-1"))
	args := VoidArgs{Entry: "E-00001", Reason: "why not"}
	leave := s.allow(t, "books/post_invoice", args, "action-1")
	_, err := s.client.VoidEntry(t.Context(), args, leave)
	refusedWith(t, err, CodeDenied)
	s.entryCount(t, 1)
}

func TestPermitUsedTwice(t *testing.T) {
	s := newShop(t)
	leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
	if _, err := s.client.PostInvoice(t.Context(), postArgs(), leave); err != nil {
		t.Fatal(err)
	}
	_, err := s.client.PostInvoice(t.Context(), postArgs(), leave)
	refusedWith(t, err, CodeDenied)
	s.entryCount(t, 1)
}

func TestConcurrentCallsOfOneAction(t *testing.T) {
	s := newShop(t)
	leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
	codes := s.race(t, func(int) CallMeta { return leave })
	if codes[""] != 1 || codes[CodeDenied] != 7 {
		t.Errorf("outcomes %v, want one posting and seven denials", codes)
	}
	s.entryCount(t, 1)
}

func TestConcurrentActionsForOneInvoice(t *testing.T) {
	s := newShop(t)
	codes := s.race(t, func(i int) CallMeta {
		return s.allow(t, "books/post_invoice", postArgs(), fmt.Sprintf("action-%d", i))
	})
	if codes[""] != 1 || codes[CodeDuplicate] != 7 {
		t.Errorf("outcomes %v, want one posting and seven duplicates", codes)
	}
	s.entryCount(t, 1)
}

// race posts eight times at once and counts the outcomes by code, "" for a posting.
func (s *shop) race(t *testing.T, leave func(i int) CallMeta) map[string]int {
	t.Helper()
	outcomes := make([]error, 8)
	var group sync.WaitGroup
	for i := range outcomes {
		meta := leave(i)
		group.Go(func() { _, outcomes[i] = s.client.PostInvoice(t.Context(), postArgs(), meta) })
	}
	group.Wait()
	codes := map[string]int{}
	for _, err := range outcomes {
		var refused *RefusedError
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		if refused == nil {
			refused = &RefusedError{}
		}
		codes[refused.Code]++
	}
	return codes
}

func TestFailedPostsLeaveThePermitUnspent(t *testing.T) {
	fail := true
	s := newShop(t, func(c *Config) {
		c.FailPosts = func(args PostArgs) error {
			if fail && args.Number == "F-2231" {
				return errors.New("maintenance")
			}
			return nil
		}
	})
	leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
	_, err := s.client.PostInvoice(t.Context(), postArgs(), leave)
	refusedWith(t, err, CodeUnavailable)
	s.entryCount(t, 0)
	fail = false
	if _, err := s.client.PostInvoice(t.Context(), postArgs(), leave); err != nil {
		t.Errorf("trying again: %v", err)
	}
}

func TestUnreachableGateStopsTheWrite(t *testing.T) {
	s := newShop(t)
	leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
	s.down = true
	_, err := s.client.PostInvoice(t.Context(), postArgs(), leave)
	refusedWith(t, err, CodeUnavailable)
	s.entryCount(t, 0)
}

func TestUnrecordedReadBackIsSaid(t *testing.T) {
	s := newShop(t)
	leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
	s.deaf = true
	posted, err := s.client.PostInvoice(t.Context(), postArgs(), leave)
	if err != nil || posted.Observed || posted.Entry.ID != "E-00001" {
		t.Errorf("%+v, %v; want the entry, not observed", posted, err)
	}
	s.entryCount(t, 1)
}

// A caller that hangs up once its permit is spent has still caused a posting.
func TestReadBackIsRecordedForACallerThatHungUp(t *testing.T) {
	g := &gate{permits: map[string]*grant{}}
	j := open(t, t.TempDir())
	s := &server{Config{Journal: j, Vendors: master{{ID: "V-1001", Name: "Nordwind GmbH"}}, Leave: g, Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}}
	ctx, hangUp := context.WithCancel(t.Context())
	g.onRedeem = hangUp
	leave := g.allow(t, "books/post_invoice", postArgs(), "action-1")
	answer, err := s.postInvoice(ctx, call{"books/post_invoice", []byte(compactJSON(t, postArgs())), leave})
	if err != nil || !answer.(Posted).Observed || len(g.observed) != 1 {
		t.Errorf("%+v, %v; observed %v", answer, err, g.observed)
	}
}

func TestWriteInDoubtIsSaid(t *testing.T) {
	s := newShop(t)
	s.journal.openAppend = func(path string) (appendFile, error) {
		f, err := openAppend(path)
		if err != nil {
			return nil, err
		}
		return unsynced{f}, nil
	}
	leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
	_, err := s.client.PostInvoice(t.Context(), postArgs(), leave)
	refusedWith(t, err, CodeUnknown)
	if strings.Contains(err.Error(), "disk") {
		t.Errorf("the refusal tells of the disk: %v", err)
	}
	if len(s.observed) != 0 {
		t.Errorf("observed %v", s.observed)
	}
}

type unsynced struct{ appendFile }

func (unsynced) Sync() error { return errors.New("disk on fire") }

func TestVoidOverHTTP(t *testing.T) {
	s := newShop(t)
	original := post(t, s.journal, nordwind("a-1"))
	args := VoidArgs{Entry: "E-00001", Reason: "posted to the wrong vendor"}
	_, err := s.client.VoidEntry(t.Context(), args, CallMeta{Run: "run-1", Action: "action-1"})
	refusedWith(t, err, CodeNoPermit)
	reversal, err := s.client.VoidEntry(t.Context(), args, s.allow(t, "books/void_entry", args, "action-1"))
	if err != nil || reversal.Entry.Voids != "E-00001" || !reversal.Observed {
		t.Fatalf("%+v, %v", reversal, err)
	}
	var before, after Entry
	o := s.observed[0]
	if err := errors.Join(json.Unmarshal(o.Before, &before), json.Unmarshal(o.After, &after)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(original, before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if after.VoidedBy != "E-00002" || o.Entry != "E-00002" || o.Digest != reversal.Entry.Digest {
		t.Errorf("observed %+v", o)
	}
	_, err = s.client.VoidEntry(t.Context(), args, s.allow(t, "books/void_entry", args, "action-2"))
	refusedWith(t, err, CodeVoided)
	missing := VoidArgs{Entry: "E-00009", Reason: "none"}
	_, err = s.client.VoidEntry(t.Context(), missing, s.allow(t, "books/void_entry", missing, "action-3"))
	refusedWith(t, err, CodeNotFound)
	s.entryCount(t, 2)
}

func TestOtherRefusals(t *testing.T) {
	s := newShop(t)
	change := func(f func(*PostArgs)) PostArgs { a := postArgs(); f(&a); return a }
	for _, c := range []struct {
		name string
		args PostArgs
		code string
	}{
		{"unknown vendor", change(func(a *PostArgs) { a.Vendor = "V-9" }), CodeNotFound},
		{"part of a vendor's id", change(func(a *PostArgs) { a.Vendor = "V-100" }), CodeNotFound},
		{"does not add up", change(func(a *PostArgs) { a.TaxMinor = "1" }), CodeInvalid},
		{"no such day", change(func(a *PostArgs) { a.Issued = "2026-02-30" }), CodeInvalid},
	} {
		leave := s.allow(t, "books/post_invoice", c.args, "action-1")
		_, err := s.client.PostInvoice(t.Context(), c.args, leave)
		refusedWith(t, err, c.code)
		if !s.unspent(leave.Permit) {
			t.Errorf("%s: the permit is spent", c.name)
		}
	}
	for _, by := range []GetArgs{{}, {Vendor: "V-1001"}, {Number: "F-1"}, {Entry: "E-00001", Run: "r"}} {
		_, err := s.client.GetEntry(t.Context(), by)
		refusedWith(t, err, CodeInvalid)
	}
	s.entryCount(t, 0)
}

// TestSchemaAndServerAgree holds what the schema says of arguments against what the server does.
func TestSchemaAndServerAgree(t *testing.T) {
	s := newShop(t)
	text := compactJSON(t, postArgs())
	with := func(old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %s in %s", old, text)
		}
		return strings.Replace(text, old, new, 1)
	}
	for _, c := range []struct {
		name, args string
		ok         bool
	}{
		{"sound", text, true},
		{"without iban", with(`,"iban":"DE02120300000000202051"`, ""), true},
		{"an unknown field", with(`{`, `{"approve":"yes",`), false},
		{"a name in other case", with(`"number"`, `"Number"`), false},
		{"a missing field", with(`"number":"F-2231",`, ""), false},
		{"a number for a string", with(`"1248000"`, `1248000`), false},
		{"null", with(`"F-2231"`, `null`), false},
		{"an object", with(`"F-2231"`, `{"a":1}`), false},
		{"empty", with(`"F-2231"`, `""`), false},
		{"too long", with(`F-2231`, strings.Repeat("é", 65)), false},
		{"just not too long", with(`F-2231`, strings.Repeat("é", 64)), true},
		{"a sign", with(`"1248000"`, `"-1248000"`), false},
		{"a point", with(`"1248000"`, `"12480.00"`), false},
		{"a leading zero", with(`"1248000"`, `"01248000"`), false},
		{"kind", with(`"invoice"`, `"invoices"`), false},
		{"a digest in capitals", with(`0f0f`, `0F0F`), false},
		{"a line feed after the form", with(`"EUR"`, `"EUR\n"`), false},
		{"an array", `[]`, false},
	} {
		if ok := validates(t, schema(postFields), c.args); ok != c.ok {
			t.Errorf("%s: the schema says %v", c.name, ok)
		}
		if !strings.HasPrefix(c.args, "{") {
			continue // the client sends objects only
		}
		leave := CallMeta{Permit: "secret-permit-x", Run: "r", Action: "a"}
		_, err := s.client.Call(t.Context(), "post_invoice", json.RawMessage(c.args), leave)
		if c.ok {
			refusedWith(t, err, CodeDenied)
		} else {
			refusedWith(t, err, CodeInvalid)
		}
	}
	s.entryCount(t, 0)
}

func compactJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func validates(t *testing.T, schema map[string]any, args string) bool {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(compactJSON(t, schema)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tool.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("tool.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(args))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(value) == nil
}

// rawPost sends one JSON-RPC message as it stands.
func rawPost(t *testing.T, url, body string, header map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("Mcp-Protocol-Version", "2025-06-18")
	for name, value := range header {
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

const callBody = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s,"_meta":{"evf/permit":%q,"evf/run":"run-1","evf/action":"action-1"}}}`

func TestArgumentsReachTheGateByteForByte(t *testing.T) {
	s := newShop(t)
	args := strings.ReplaceAll(compactJSON(t, postArgs()), `,`, ` ,  `) + " "
	args = strings.Replace(args, "F-2231", `F-2231 \u003c\/\u00e9`, 1)
	leave := s.allow(t, "books/post_invoice", postArgs(), "action-1")
	s.permits[leave.Permit].call.Args = json.RawMessage(strings.TrimSpace(args))
	status, answer := rawPost(t, s.url, fmt.Sprintf(callBody, "post_invoice", args, leave.Permit), nil)
	if status != http.StatusOK || !strings.Contains(answer, `"observed":true`) {
		t.Errorf("%d %s", status, answer)
	}
	e, err := s.journal.OfAction("action-1")
	if err != nil || e.Number != "F-2231 </é" {
		t.Errorf("posted %q, %v", e.Number, err)
	}
}

func TestAnArgumentTwiceIsRefused(t *testing.T) {
	s := newShop(t)
	args := strings.Replace(compactJSON(t, postArgs()), `{`, `{"vendor":"V-1002",`, 1)
	_, answer := rawPost(t, s.url, fmt.Sprintf(callBody, "post_invoice", args, "secret-permit-0"), nil)
	if !strings.Contains(answer, `"code":"invalid"`) {
		t.Errorf("%s", answer)
	}
	s.entryCount(t, 0)
}

func TestTheDoor(t *testing.T) {
	s := newShop(t, func(c *Config) { c.Hosts = []string{"books.example"} })
	list := `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	for _, c := range []struct {
		name   string
		body   string
		header map[string]string
		status int
	}{
		{"loopback", list, nil, 200},
		{"localhost", list, map[string]string{"Host": "localhost:80"}, 200},
		{"IPv6 loopback", list, map[string]string{"Host": "[::1]:80"}, 200},
		{"a host of ours", list, map[string]string{"Host": "Books.example:443", "Origin": "https://books.example"}, 200},
		{"a rebound host", list, map[string]string{"Host": "evil.example"}, 403},
		{"a host that looks like ours", list, map[string]string{"Host": "localhost.evil.example"}, 403},
		{"a foreign origin", list, map[string]string{"Origin": "https://evil.example"}, 403},
		{"an opaque origin", list, map[string]string{"Origin": "null"}, 403},
		{"a local origin", list, map[string]string{"Origin": "http://localhost:3000"}, 200},
		{"a body over the bound", `{"jsonrpc":"2.0","id":1,"method":"tools/list","x":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413},
		{"no JSON", `{`, nil, 400},
	} {
		if status, answer := rawPost(t, s.url, c.body, c.header); status != c.status {
			t.Errorf("%s: status %d (%.80s), want %d", c.name, status, answer, c.status)
		}
	}
}

func TestNewServerNeedsItsParts(t *testing.T) {
	j := open(t, t.TempDir())
	for name, cfg := range map[string]Config{
		"no journal": {Vendors: master{}, Leave: &gate{}},
		"no vendors": {Journal: j, Leave: &gate{}},
		"no leave":   {Journal: j, Vendors: master{}},
	} {
		if _, err := NewServer(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
