package books

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Posted answers a write.
type Posted struct {
	Entry Entry `json:"entry"` // as read back from disk

	// Observed is false if the entry stands but the read-back could not be recorded with the gate.
	Observed bool `json:"observed"`
}

// Found answers get_entry.
type Found struct {
	Entries []Entry `json:"entries"`        // oldest first, a hundred at most
	More    bool    `json:"more,omitempty"` // there are others
}

type foundVendors struct {
	Vendors []Vendor `json:"vendors"`
}

const (
	maxEntriesFound = 100
	maxVendorsFound = 20
	maxPermit       = 8 << 10
)

type tool struct {
	name, about string
	fields      []field
	writes      bool
	run         func(context.Context, call) (any, error)
}

// call is one call of a tool: the arguments byte for byte, and for a write the leave that came
// with them.
type call struct {
	tool string // as a Redemption names it
	args json.RawMessage
	meta CallMeta
}

func (s *server) tools() []tool {
	return []tool{
		{"find_vendor", "Find vendors in the vendor master.", findFields, false, s.findVendor},
		{"get_entry", "Read entries of the journal: one by id, all of a run, or those about a vendor's document number.", getFields, false, s.getEntry},
		{"post_invoice", "Post an invoice or credit note. Needs a permit for exactly these arguments.", postFields, true, s.postInvoice},
		{"void_entry", "Reverse an entry. Needs a permit for exactly these arguments.", voidFields, true, s.voidEntry},
	}
}

func (t tool) describe() *mcp.Tool {
	closed := false
	return &mcp.Tool{
		Name: t.name, Description: t.about, InputSchema: schema(t.fields),
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: !t.writes, DestructiveHint: &t.writes, OpenWorldHint: &closed},
	}
}

func (s *server) handler(t tool) mcp.ToolHandler {
	return func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		c := call{tool: "books/" + t.name, args: req.Params.Arguments}
		answer, err := s.serve(ctx, t, c, req.Params.Meta)
		if err != nil {
			refused := refusal(err)
			s.Logger.Warn("call refused", "tool", c.tool, "code", refused.Code, "error", err)
			return result(refused, true)
		}
		return result(answer, false)
	}
}

func (s *server) serve(ctx context.Context, t tool, c call, meta mcp.Meta) (any, error) {
	if t.writes {
		var err error
		if c.meta, err = readMeta(meta); err != nil {
			return nil, err
		}
	}
	return t.run(ctx, c)
}

func readMeta(meta mcp.Meta) (CallMeta, error) {
	var m CallMeta
	m.Permit, _ = meta[MetaPermit].(string)
	m.Run, _ = meta[MetaRun].(string)
	m.Action, _ = meta[MetaAction].(string)
	switch {
	case m.Permit == "" || len(m.Permit) > maxPermit:
		return m, &RefusedError{CodeNoPermit, "a write needs a permit in _meta " + MetaPermit}
	case !refForm.MatchString(m.Run):
		return m, &RefusedError{CodeNoPermit, "a write needs the run's id in _meta " + MetaRun}
	case !refForm.MatchString(m.Action):
		return m, &RefusedError{CodeNoPermit, "a write needs the action's id in _meta " + MetaAction}
	}
	return m, nil
}

func (s *server) findVendor(_ context.Context, c call) (any, error) {
	args, err := readArgs[findArgs](c.args, findFields)
	if err != nil {
		return nil, err
	}
	vendors := s.Vendors.Find(args.Query)
	return foundVendors{append([]Vendor{}, vendors[:min(len(vendors), maxVendorsFound)]...)}, nil
}

func (s *server) getEntry(_ context.Context, c call) (any, error) {
	args, err := readArgs[GetArgs](c.args, getFields)
	if err != nil {
		return nil, err
	}
	entries, err := s.find(args)
	if err != nil {
		return nil, err
	}
	n := min(len(entries), maxEntriesFound)
	return Found{Entries: entries[:n], More: n < len(entries)}, nil
}

func (s *server) find(args GetArgs) ([]Entry, error) {
	switch {
	case args.Entry != "" && args == (GetArgs{Entry: args.Entry}):
		e, err := s.Journal.Get(args.Entry)
		return []Entry{e}, err
	case args.Run != "" && args == (GetArgs{Run: args.Run}):
		return s.Journal.OfRun(args.Run)
	case args.Vendor != "" && args.Number != "" && args == (GetArgs{Vendor: args.Vendor, Number: args.Number}):
		return s.Journal.OfInvoice(args.Vendor, args.Number)
	}
	return nil, &RefusedError{CodeInvalid, "give entry, or run, or vendor and number, and only one of the three"}
}

// postInvoice: first all that can be refused without the permit, so that none is spent in vain;
// then the permit, then the write, then what was read back.
func (s *server) postInvoice(ctx context.Context, c call) (any, error) {
	args, err := readArgs[PostArgs](c.args, postFields)
	if err != nil {
		return nil, err
	}
	vendor, err := s.vendor(args.Vendor)
	if err != nil {
		return nil, err
	}
	entry, err := args.entry(vendor.Name, s.today(), c.meta)
	if err != nil {
		return nil, err
	}
	before, err := s.written(c.meta.Action)
	if err != nil {
		return nil, err
	}
	if s.FailPosts != nil {
		if err := s.FailPosts(args); err != nil {
			return nil, &RefusedError{CodeUnavailable, "the books are not available; nothing was written"}
		}
	}
	if err := s.redeem(ctx, c); err != nil {
		return nil, err
	}
	// A process that dies from here to Observed leaves an action of unknown outcome: the permit is
	// spent, and only OfAction or OfRun can tell whether the entry stands. That is the safe side:
	// writing before redeeming would let a crash hide a posting that nobody had allowed.
	posted, err := s.Journal.Post(entry)
	if err != nil {
		return nil, err
	}
	return Posted{posted, s.observed(ctx, c, posted, before, &posted)}, nil
}

func (s *server) voidEntry(ctx context.Context, c call) (any, error) {
	args, err := readArgs[VoidArgs](c.args, voidFields)
	if err != nil {
		return nil, err
	}
	before, err := s.Journal.Get(args.Entry)
	if err != nil {
		return nil, err
	}
	if err := s.redeem(ctx, c); err != nil {
		return nil, err
	}
	// What postInvoice says of a crash holds here too.
	reversal, err := s.Journal.Void(Voiding{
		Entry: args.Entry, Posted: s.today(), Run: c.meta.Run, Action: c.meta.Action, Reason: args.Reason,
	})
	if err != nil {
		return nil, err
	}
	after, err := s.Journal.Get(args.Entry)
	if err != nil {
		s.Logger.Error("voided entry does not read", "entry", args.Entry, "error", err)
		return Posted{Entry: reversal}, nil
	}
	return Posted{reversal, s.observed(ctx, c, reversal, &before, &after)}, nil
}

// written returns what the action has already written, nil if nothing.
func (s *server) written(action string) (*Entry, error) {
	e, err := s.Journal.OfAction(action)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return &e, err
}

func (s *server) vendor(id string) (Vendor, error) {
	found := s.Vendors.Find(id)
	i := slices.IndexFunc(found, func(v Vendor) bool { return v.ID == id })
	if i < 0 {
		return Vendor{}, &RefusedError{CodeNotFound, "no vendor " + id + " in the vendor master"}
	}
	return found[i], nil
}

func (s *server) today() string { return s.Clock().UTC().Format(time.DateOnly) }

// redeem spends the call's permit, or refuses the call.
func (s *server) redeem(ctx context.Context, c call) error {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	err := s.Leave.Redeem(ctx, Redemption{
		Permit: c.meta.Permit, Run: c.meta.Run, Action: c.meta.Action, Tool: c.tool, Args: c.args,
	})
	if err == nil {
		return nil
	}
	// A Leave may have quoted the permit in its error; nothing of ours repeats it.
	reason := strings.ReplaceAll(err.Error(), c.meta.Permit, "[permit]")
	var denied *DeniedError
	if errors.As(err, &denied) {
		return &RefusedError{CodeDenied, reason}
	}
	s.Logger.Error("permit not redeemed", "tool", c.tool, "action", c.meta.Action, "error", reason)
	return &RefusedError{CodeUnavailable, "the gate could not be asked; nothing was written"}
}

// observed tells the gate what was read back, and whether it took it. The entry stands either way.
func (s *server) observed(ctx context.Context, c call, written Entry, before, after *Entry) bool {
	// The caller may have hung up; what it has caused is recorded all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	o := Observation{Run: c.meta.Run, Action: c.meta.Action, Entry: written.ID, Digest: written.Digest}
	var err1, err2 error
	o.Before, err1 = json.Marshal(before)
	o.After, err2 = json.Marshal(after)
	if err := errors.Join(err1, err2, s.Leave.Observed(ctx, o)); err != nil {
		reason := strings.ReplaceAll(err.Error(), c.meta.Permit, "[permit]")
		s.Logger.LogAttrs(ctx, slog.LevelError, "read-back not recorded", slog.String("entry", string(written.ID)), slog.String("error", reason))
		return false
	}
	return true
}
