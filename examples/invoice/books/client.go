package books

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Client calls a books server over MCP. It is safe for concurrent use.
type Client struct {
	session *mcp.ClientSession
}

// Dial connects to the server at url, for instance "http://127.0.0.1:8090/mcp". The caller closes
// the Client.
func Dial(ctx context.Context, url string) (*Client, error) {
	c := mcp.NewClient(&mcp.Implementation{Name: "books-client", Version: "1"}, nil)
	session, err := c.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint:             url,
		MaxRetries:           -1,
		DisableStandaloneSSE: true, // the server has nothing to say unasked
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("dial books at %s: %w", url, err)
	}
	return &Client{session}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.session.Close() }

// FindVendor looks vendors up, best match first, twenty at most.
func (c *Client) FindVendor(ctx context.Context, query string) ([]Vendor, error) {
	found, err := ask[foundVendors](ctx, c, "find_vendor", findArgs{query}, CallMeta{})
	return found.Vendors, err
}

// GetEntry reads entries of the journal.
func (c *Client) GetEntry(ctx context.Context, args GetArgs) (Found, error) {
	return ask[Found](ctx, c, "get_entry", args, CallMeta{})
}

// PostInvoice posts an invoice or credit note under a permit.
func (c *Client) PostInvoice(ctx context.Context, args PostArgs, leave CallMeta) (Posted, error) {
	return ask[Posted](ctx, c, "post_invoice", args, leave)
}

// VoidEntry reverses an entry under a permit. The answer is the reversing entry.
func (c *Client) VoidEntry(ctx context.Context, args VoidArgs, leave CallMeta) (Posted, error) {
	return ask[Posted](ctx, c, "void_entry", args, leave)
}

func ask[A any](ctx context.Context, c *Client, tool string, args any, leave CallMeta) (A, error) {
	var answer A
	raw, err := c.Call(ctx, tool, args, leave)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return answer, fmt.Errorf("answer of %s: %w", tool, err)
	}
	return answer, nil
}

// Call sends any arguments to any tool, sound or not, and returns the structured content of the
// answer. Empty fields of leave are not sent. A call that the books refuse fails with a
// *RefusedError; any other error means that no answer of theirs came back.
func (c *Client) Call(ctx context.Context, tool string, args any, leave CallMeta) (json.RawMessage, error) {
	meta := mcp.Meta{}
	for key, value := range map[string]string{MetaPermit: leave.Permit, MetaRun: leave.Run, MetaAction: leave.Action} {
		if value != "" {
			meta[key] = value
		}
	}
	res, err := c.session.CallTool(ctx, &mcp.CallToolParams{Meta: meta, Name: tool, Arguments: args})
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", tool, err)
	}
	raw, err := json.Marshal(res.StructuredContent)
	if err != nil {
		return nil, fmt.Errorf("answer of %s: %w", tool, err)
	}
	if !res.IsError {
		return raw, nil
	}
	refused := &RefusedError{}
	if err := json.Unmarshal(raw, refused); err != nil || refused.Code == "" {
		return nil, fmt.Errorf("call %s: refused without a code", tool)
	}
	return nil, refused
}
