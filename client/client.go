// Package client is the Go SDK: it puts an agent, a checker or a target system
// behind the gate.
//
// An agent begins a Run, cites its inputs, has its case routed, and asks
// before it acts; with a permit it calls the target, which redeems the permit
// by its own key. Nothing here retries on its own, except that a call whose
// answer was lost can be made again with the same ids.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
)

// Client speaks to one server with one key. It is safe for concurrent use.
type Client struct {
	// Server is the base URL, such as http://127.0.0.1:8321.
	Server string
	// Key is the bearer key.
	Key string
	// HTTP makes the calls; nil means http.DefaultClient.
	HTTP *http.Client
	// Clock stamps what occurs; nil means time.Now.
	Clock func() time.Time
}

// Error is a problem that the server answered with.
type Error struct{ Problem }

func (e *Error) Error() string {
	at := e.Field
	if e.Line > 0 {
		at = "line " + strconv.Itoa(e.Line) + " " + at
	}
	if at = strings.TrimSpace(at); at != "" {
		at += ": "
	}
	return at + e.Detail
}

// IsKind reports whether err is a server's problem of a kind.
func IsKind(err error, kind evidence.ErrorKind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == string(kind)
}

// NewID is a fresh UUIDv7 for a record, run, action or approval.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Now is the clock's time as records hold it.
func (c *Client) Now() evidence.Time {
	if c.Clock != nil {
		return evidence.TimeOf(c.Clock())
	}
	return evidence.TimeOf(time.Now())
}

// maxAnswer bounds what is read of an answer that is JSON.
const maxAnswer = 64 << 20

// call sends in as JSON, if any, and reads the answer into out, if any.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(data)
	}
	data, err := c.send(ctx, method, path, "application/json", body, maxAnswer)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: answer: %w", method, path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path, contentType string, body io.Reader, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Server, "/")+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	res, err := h.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s %s: the answer is larger than %d bytes", method, path, most)
	}
	if res.StatusCode >= 300 {
		return nil, problem(res, data)
	}
	return data, nil
}

func problem(res *http.Response, data []byte) error {
	e := &Error{}
	if json.Unmarshal(data, &e.Problem) != nil || e.Detail == "" {
		e.Problem = Problem{Status: res.StatusCode, Kind: string(evidence.Fault), Detail: "the server answered " + res.Status}
	}
	return e
}

// page is the query of a listing.
func page(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Append submits drafts, all or none.
func (c *Client) Append(ctx context.Context, drafts ...Draft) ([]Placed, error) {
	var lines bytes.Buffer
	for _, d := range drafts {
		data, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("draft %s: %w", d.ID, err)
		}
		lines.Write(append(data, '\n'))
	}
	return c.AppendLines(ctx, &lines)
}

// AppendLines submits drafts as NDJSON, all or none.
func (c *Client) AppendLines(ctx context.Context, lines io.Reader) ([]Placed, error) {
	data, err := c.send(ctx, "POST", "/v1/records", "application/x-ndjson", lines, maxAnswer)
	if err != nil {
		return nil, err
	}
	var out PlacedList
	err = json.Unmarshal(data, &out)
	return out.Records, err
}

// Redeem asks, as a target, whether to act on a permit. Nil means: now, once.
func (c *Client) Redeem(ctx context.Context, r Redemption) error {
	return c.call(ctx, "POST", "/v1/permits/redeem", r, nil)
}

// Approvals lists approvals by status ("" for any) after an id.
func (c *Client) Approvals(ctx context.Context, status string, after evidence.ApprovalID) ([]Approval, error) {
	var out Approvals
	err := c.call(ctx, "GET", "/v1/approvals"+page("status", status, "after", string(after)), nil, &out)
	return out.Approvals, err
}

// Approval shows one approval with its presentation. That it was looked at
// becomes a record.
func (c *Client) Approval(ctx context.Context, id evidence.ApprovalID) (Approval, error) {
	var out Approval
	return out, c.call(ctx, "GET", "/v1/approvals/"+url.PathEscape(string(id)), nil, &out)
}

// Decide decides an approval as the key's person.
func (c *Client) Decide(ctx context.Context, id evidence.ApprovalID, d Decide) (Approval, error) {
	var out Approval
	return out, c.call(ctx, "POST", "/v1/approvals/"+url.PathEscape(string(id))+"/decide", d, &out)
}

// Runs lists runs, of one workflow or all, after an id.
func (c *Client) Runs(ctx context.Context, workflow string, after evidence.RunID) ([]Run, error) {
	var out Runs
	err := c.call(ctx, "GET", "/v1/runs"+page("workflow", workflow, "after", string(after)), nil, &out)
	return out.Runs, err
}

// Story shows a run with its records.
func (c *Client) Story(ctx context.Context, run evidence.RunID) (Story, error) {
	var out Story
	return out, c.call(ctx, "GET", "/v1/runs/"+url.PathEscape(string(run)), nil, &out)
}

// ApplyWorkflow puts a manifest in force.
func (c *Client) ApplyWorkflow(ctx context.Context, w ApplyWorkflow) (Applied, error) {
	var out Applied
	return out, c.call(ctx, "POST", "/v1/workflows", w, &out)
}

// Workflows lists registered workflows.
func (c *Client) Workflows(ctx context.Context) ([]Workflow, error) {
	var out Workflows
	err := c.call(ctx, "GET", "/v1/workflows", nil, &out)
	return out.Workflows, err
}

// Workflow shows one workflow with its manifest.
func (c *Client) Workflow(ctx context.Context, name string) (Workflow, error) {
	var out Workflow
	return out, c.call(ctx, "GET", "/v1/workflows/"+url.PathEscape(name), nil, &out)
}

// RetireWorkflow takes a workflow out of force.
func (c *Client) RetireWorkflow(ctx context.Context, name, reason string) error {
	return c.call(ctx, "POST", "/v1/workflows/"+url.PathEscape(name)+"/retire", Retire{reason}, nil)
}

// CreateKey makes a key. Its token is in this answer only.
func (c *Client) CreateKey(ctx context.Context, k CreateKey) (Key, error) {
	var out Key
	return out, c.call(ctx, "POST", "/v1/keys", k, &out)
}

// Keys lists keys, without what opens them.
func (c *Client) Keys(ctx context.Context, after string) ([]Key, error) {
	var out Keys
	err := c.call(ctx, "GET", "/v1/keys"+page("after", after), nil, &out)
	return out.Keys, err
}

// RevokeKey ends a key at once.
func (c *Client) RevokeKey(ctx context.Context, id, reason string) error {
	return c.call(ctx, "POST", "/v1/keys/"+url.PathEscape(id)+"/revoke", Revoke{reason}, nil)
}

// Packet builds the packet of a run, opened as far as the caller may see it.
func (c *Client) Packet(ctx context.Context, run evidence.RunID) ([]byte, error) {
	return c.BuildPacket(ctx, BuildPacket{Run: run})
}

// BuildPacket builds the packet of a run, opened as the selection says.
func (c *Client) BuildPacket(ctx context.Context, b BuildPacket) ([]byte, error) {
	data, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, "POST", "/v1/packets", "application/json", bytes.NewReader(data), 1<<30)
}

// Log says which log seals the tenant's records, and its key.
func (c *Client) Log(ctx context.Context) (Log, error) {
	var out Log
	return out, c.call(ctx, "GET", "/v1/log", nil, &out)
}
