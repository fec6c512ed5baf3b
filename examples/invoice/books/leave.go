package books

import (
	"context"
	"encoding/json"
)

// Keys of a tool call's _meta that a write needs.
const (
	MetaPermit = "evf/permit" // the token, single-use
	MetaRun    = "evf/run"    // the run that the call belongs to; written into the journal
	MetaAction = "evf/action" // the action that the permit was given for; the entry's idempotency key
)

// CallMeta is what a caller sends beside a write's arguments. All three fields must be given.
type CallMeta struct {
	Permit, Run, Action string
}

// Leave is the gate as the books see it: they ask it before they write, and tell it what stands
// afterwards. It must be safe for concurrent use.
type Leave interface {
	// Redeem spends a permit on one call. It returns nil at most once for a permit, and only for
	// the tool and arguments that the permit was given for; a *DeniedError if the gate says no;
	// any other error if the gate could not be asked. The books write after nil alone.
	Redeem(context.Context, Redemption) error
	// Observed records what the books read back from disk after a write.
	Observed(context.Context, Observation) error
}

// Redemption asks leave for one call, of which the caller has said Permit, Run and Action.
type Redemption struct {
	Permit string // a secret: not to be logged
	Run    string
	Action string
	Tool   string          // "books/post_invoice" or "books/void_entry"
	Args   json.RawMessage // the call's arguments, byte for byte as received
}

// Observation is a change of the books, as read back.
type Observation struct {
	Run    string
	Action string
	Entry  EntryID // the entry that was written
	Digest string  // of its bytes in the file, "sha256:" and hex

	// What the books held before and after, as JSON: for a posting the Entry itself, null before;
	// for a void the Entry that it reverses, with voided_by after.
	Before, After json.RawMessage
}

// DeniedError is a gate's no.
type DeniedError struct {
	Reason string // short and fit for the caller: "used", "other args", "expired"
}

func (e *DeniedError) Error() string { return "permit denied: " + e.Reason }
