package store

import (
	"encoding/json"
	"fmt"

	"github.com/evidencefactory/evf/evidence"
)

// Key says which projection row is meant, and how it is found.
type Key struct {
	Kind   string // run, action, approval …
	ID     string
	Group  string // what rows of a kind are listed by: a run, a holder
	Status string // what they are filtered by
}

// Projections reads and writes projection rows as bytes. A Tx is read only.
type Projections interface {
	// Get reads one row; nil where there is none.
	Get(kind, id string) ([]byte, error)
	// List reads rows of a kind in order of id, after the id given. An empty
	// group or status means any.
	List(kind, group, status, after string, limit int) ([][]byte, error)
}

// Folder is what Fold needs: projections that can be written.
type Folder interface {
	Projections
	Put(key Key, row []byte) error
}

// State is a projection row in its Go form.
type State interface{ Key() Key }

// Load reads a row of S's kind. It is evidence.NotFound where there is none.
func Load[S State](p Projections, id string) (S, error) {
	var s S
	data, err := p.Get(s.Key().Kind, id)
	if err != nil {
		return s, err
	}
	if data == nil {
		return s, evidence.Errorf(evidence.NotFound, "", "no such %s: %s", s.Key().Kind, id)
	}
	return s, decodeState(data, &s)
}

// LoadAll lists rows of S's kind, as Projections.List does.
func LoadAll[S State](p Projections, group, status, after string, limit int) ([]S, error) {
	var kind S
	rows, err := p.List(kind.Key().Kind, group, status, after, limit)
	if err != nil {
		return nil, err
	}
	list := make([]S, len(rows))
	for i, data := range rows {
		if err := decodeState(data, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func decodeState(data []byte, s any) error {
	if err := json.Unmarshal(data, s); err != nil {
		return fmt.Errorf("projection row %T: %w", s, err)
	}
	return nil
}

func put(p Folder, s State) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("projection row %T: %w", s, err)
	}
	return p.Put(s.Key(), data)
}

// Run is what decisions need to know of a run.
type Run struct {
	ID         evidence.RunID  `json:"id"`
	Workflow   string          `json:"workflow"`
	Identity   string          `json:"identity"` // that began it
	Initiator  evidence.Person `json:"initiator"`
	Dispatcher evidence.Person `json:"dispatcher"`
	Started    evidence.Time   `json:"started"`
	Ended      evidence.Time   `json:"ended,omitempty"`
	Outcome    string          `json:"outcome,omitempty"`
	Calls      int64           `json:"calls"` // actions allowed so far
	Seq        uint64          `json:"seq"`
}

// Key implements State.
func (r Run) Key() Key {
	return Key{Kind: "run", ID: string(r.ID), Group: r.Workflow, Status: r.Outcome}
}

// Action states, in the order they come.
const (
	ActionHeld     = "held"
	ActionDenied   = "denied"
	ActionStarted  = "started" // a permit is out
	ActionRedeemed = "redeemed"
	ActionFinished = "finished"
)

// Action is what is known of one action.
type Action struct {
	ID         evidence.ActionID `json:"id"`
	Run        evidence.RunID    `json:"run"`
	Server     string            `json:"server"`
	Tool       string            `json:"tool"`
	Identity   string            `json:"identity"`
	Grant      string            `json:"grant"` // the key that last asked
	Status     string            `json:"status"`
	ArgsDigest evidence.Digest   `json:"args_digest"`
	Decided    uint64            `json:"decided"`             // seq of the latest authorization.decided
	Approvals  []string          `json:"approvals,omitempty"` // asked for it
	Expires    evidence.Time     `json:"expires,omitempty"`   // of the permit
	Outcome    string            `json:"outcome,omitempty"`
}

// Key implements State.
func (a Action) Key() Key {
	return Key{Kind: "action", ID: string(a.ID), Group: string(a.Run), Status: a.Status}
}

// Approval states.
const (
	ApprovalWaiting  = "waiting"
	ApprovalApproved = "approved"
	ApprovalRejected = "rejected"
	ApprovalExpired  = "expired"
	ApprovalConsumed = "consumed"
)

// Approval is what is known of one request for a decision.
type Approval struct {
	ID           evidence.ApprovalID `json:"id"`
	Name         string              `json:"name"`
	Action       evidence.ActionID   `json:"action"`
	Run          evidence.RunID      `json:"run"`
	Role         string              `json:"role"`
	Quorum       int64               `json:"quorum"`
	Status       string              `json:"status"`
	Presentation evidence.Digest     `json:"presentation"`
	ArgsDigest   evidence.Digest     `json:"args_digest"`
	Expires      evidence.Time       `json:"expires"`
	ApartFrom    []evidence.Excluded `json:"apart_from,omitempty"`
	Approvers    []string            `json:"approvers,omitempty"`
	Requested    uint64              `json:"requested"` // seq of approval.requested
	Summary      string              `json:"summary"`
}

// Key implements State.
func (a Approval) Key() Key {
	return Key{Kind: "approval", ID: string(a.ID), Group: string(a.Run), Status: a.Status}
}

// Workflow is the manifest in force under a name.
type Workflow struct {
	Name    string          `json:"name"`
	Digest  evidence.Digest `json:"digest"`
	Tier    string          `json:"tier"`
	Mode    string          `json:"mode"`
	Owner   string          `json:"owner"`
	Author  string          `json:"author"`
	Retired bool            `json:"retired,omitempty"`
	Seq     uint64          `json:"seq"`
	Since   evidence.Time   `json:"since"`
}

// Key implements State.
func (w Workflow) Key() Key {
	status := "active"
	if w.Retired {
		status = "retired"
	}
	return Key{Kind: "workflow", ID: w.Name, Status: status}
}

// Check is the latest result of one suite about one document in a run.
type Check struct {
	Run      evidence.RunID    `json:"run"`
	Document evidence.Digest   `json:"document"`
	Suite    string            `json:"suite"`
	Identity string            `json:"identity"`
	Outcomes map[string]string `json:"outcomes"` // by suite/check
	Attests  bool              `json:"attests,omitempty"`
	Seq      uint64            `json:"seq"`
}

// Key implements State.
func (c Check) Key() Key {
	return Key{Kind: "check", ID: string(c.Run) + " " + string(c.Document) + " " + c.Suite,
		Group: CheckGroup(c.Run, c.Document)}
}

// CheckGroup is what a run's checks of one document are listed by.
func CheckGroup(run evidence.RunID, document evidence.Digest) string {
	return string(run) + " " + string(document)
}

// Route is where a run's rules last sent a document.
type Route struct {
	Run      evidence.RunID  `json:"run"`
	Document evidence.Digest `json:"document"`
	To       []string        `json:"to"`
	Seq      uint64          `json:"seq"`
}

// Key implements State.
func (r Route) Key() Key {
	return Key{Kind: "route", ID: RouteID(r.Run, r.Document), Group: string(r.Run)}
}

// RouteID is a Route's id.
func RouteID(run evidence.RunID, document evidence.Digest) string {
	return string(run) + " " + string(document)
}

// Person is someone who may hold keys and roles.
type Person struct {
	Ref    string   `json:"ref"`
	Roles  []string `json:"roles"`
	Active bool     `json:"active"`
	Seq    uint64   `json:"seq"` // of their latest registration
}

// Key implements State.
func (p Person) Key() Key { return Key{Kind: "person", ID: p.Ref} }

// Grant is one key: whose it is and what it may do.
type Grant struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	Holder   string          `json:"holder"`
	Workflow string          `json:"workflow,omitempty"`
	Identity string          `json:"identity,omitempty"`
	Roles    []string        `json:"roles"`
	Secret   evidence.Digest `json:"secret"`
	Expires  evidence.Time   `json:"expires,omitempty"`
	Revoked  bool            `json:"revoked,omitempty"`
	Issued   evidence.Time   `json:"issued"`
}

// Key implements State.
func (g Grant) Key() Key { return Key{Kind: "grant", ID: g.ID, Group: g.Holder} }

// SigningKey is the key announced last for a purpose.
type SigningKey struct {
	Purpose string `json:"purpose"`
	Public  string `json:"public"`
	Seq     uint64 `json:"seq"`
}

// Key implements State.
func (k SigningKey) Key() Key { return Key{Kind: "signing-key", ID: k.Purpose} }

// ErasureExpunged marks erasures that took the bytes of records.
const ErasureExpunged = "expunged"

// Erasure is one erasure.performed, found by what it is about.
type Erasure struct {
	ID       evidence.RecordID `json:"id"`
	About    string            `json:"about"` // ErasedRun or ErasedSubject of what it names
	Keys     int               `json:"keys"`
	Expunged int               `json:"expunged,omitempty"`
	Repeats  evidence.RecordID `json:"repeats,omitempty"`
	Seq      uint64            `json:"seq"`
}

// Key implements State.
func (e Erasure) Key() Key {
	k := Key{Kind: "erasure", ID: string(e.ID), Group: e.About}
	if e.Expunged > 0 {
		k.Status = ErasureExpunged
	}
	return k
}

// ErasedRun is what erasures of a run's values and records are listed by.
func ErasedRun(run evidence.RunID) string { return "run " + string(run) }

// ErasedSubject is what erasures of a person's values are listed by.
func ErasedSubject(ref string) string { return "subject " + ref }

// Hold states.
const (
	HoldActive   = "active"
	HoldReleased = "released"
)

// Hold is a legal hold: what it covers is not erased while it is active.
type Hold struct {
	ID     string        `json:"id"`
	Scope  string        `json:"scope"`
	What   string        `json:"what,omitempty"`
	By     string        `json:"by"`
	Placed evidence.Time `json:"placed"`
	Status string        `json:"status"`
	Seq    uint64        `json:"seq"`
}

// Key implements State.
func (h Hold) Key() Key { return Key{Kind: "hold", ID: h.ID, Status: h.Status} }
