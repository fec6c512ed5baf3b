package invoice

import (
	"context"
	"strings"
	"sync"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/examples/invoice/books"
	"github.com/evidencefactory/evf/examples/invoice/vendors"
)

// Leave lets the books ask the gate, with the key of identity books. It is all
// that a target system needs to enforce permits.
type Leave struct{ Client *client.Client }

// Redeem implements books.Leave.
func (l Leave) Redeem(ctx context.Context, r books.Redemption) error {
	args, err := evidence.ParseValue(r.Args)
	if err != nil {
		return &books.DeniedError{Reason: "the arguments are not exact JSON"}
	}
	err = l.Client.Redeem(ctx, client.Redemption{Action: evidence.ActionID(r.Action), Run: evidence.RunID(r.Run), Permit: r.Permit, Tool: r.Tool, Args: args})
	for _, no := range []evidence.ErrorKind{evidence.Denied, evidence.Invalid, evidence.NotFound, evidence.Conflict} {
		if client.IsKind(err, no) {
			return &books.DeniedError{Reason: err.Error()}
		}
	}
	return err
}

// Observed implements books.Leave: it records the entry as it was read back
// from the journal.
func (l Leave) Observed(ctx context.Context, o books.Observation) error {
	body := evidence.ChangeObserved{Action: o.Action, Target: "books", Entry: string(o.Entry), Digest: evidence.Digest(o.Digest)}
	var err error
	if body.Before, err = evidence.ParseValue(o.Before); err != nil {
		return err
	}
	if body.After, err = evidence.ParseValue(o.After); err != nil {
		return err
	}
	_, err = l.Client.Join(evidence.RunID(o.Run)).Record(ctx, client.Typed{Type: evidence.TypeChangeObserved, Body: body})
	return err
}

// Register is the vendor master as the books look it up.
type Register struct{ Master *vendors.Master }

// Find implements books.Vendors: by id, VAT id, or part of the name.
func (r Register) Find(query string) (list []books.Vendor) {
	query = strings.ToLower(strings.TrimSpace(query))
	for _, v := range r.Master.All() {
		one := books.Vendor{ID: v.ID, Name: v.Name, VATID: v.VATID, IBANs: v.IBANs}
		switch {
		case strings.ToLower(v.ID) == query || strings.ToLower(v.VATID) == query:
			list = append([]books.Vendor{one}, list...)
		case query != "" && strings.Contains(strings.ToLower(v.Name), query):
			list = append(list, one)
		}
	}
	return list
}

// FailTwice makes the books fail the first two postings of every invoice whose
// number begins with FLAKY, as a target that is down for a moment would.
func FailTwice() func(books.PostArgs) error {
	var mu sync.Mutex
	failed := map[string]int{}
	return func(args books.PostArgs) error {
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasPrefix(args.Number, "FLAKY") || failed[args.Number] == 2 {
			return nil
		}
		failed[args.Number]++
		return errDown
	}
}

type down struct{}

func (down) Error() string { return "the books are down for a moment" }

var errDown error = down{}
