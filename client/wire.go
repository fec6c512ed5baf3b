package client

import (
	"github.com/evidencefactory/evf/evidence"
)

// The types below are the JSON of the HTTP API, field by field; the server
// uses the same ones. Times are evidence.Time, ids UUIDv7, digests
// "sha256:…". A request that carries an id can be sent again unchanged: it is
// answered as the first time.

// Party is who a run goes back to, or who set it going.
type Party struct {
	Kind string `json:"kind" enum:"human,schedule,workload"`
	Name string `json:"name" doc:"a mail address, a schedule's name"`
}

// BeginRun begins a run of the caller's workflow.
type BeginRun struct {
	Run        evidence.RunID  `json:"run"`
	Occurred   evidence.Time   `json:"occurred"`
	Initiator  Party           `json:"initiator"`
	Dispatcher Party           `json:"dispatcher,omitzero" doc:"the initiator where absent"`
	Trigger    string          `json:"trigger,omitzero"`
	Links      []evidence.Link `json:"links,omitzero"`
}

// EndRun ends a run; nothing joins it afterwards.
type EndRun struct {
	ID       evidence.RecordID `json:"id"`
	Occurred evidence.Time     `json:"occurred"`
	Outcome  string            `json:"outcome" enum:"completed,waiting,rejected,failed,abandoned"`
	Summary  string            `json:"summary,omitzero"`
}

// Placed is where a record stands.
type Placed struct {
	ID       evidence.RecordID `json:"id"`
	Seq      uint64            `json:"seq"`
	Received evidence.Time     `json:"received"`
	Repeat   bool              `json:"repeat,omitzero" doc:"it stood there already"`
}

// PlacedList answers a batch of records, in its order.
type PlacedList struct {
	Records []Placed `json:"records"`
}

// Draft is a record that a workload submits.
type Draft struct {
	ID       evidence.RecordID `json:"id"`
	Type     evidence.Type     `json:"type"`
	Occurred evidence.Time     `json:"occurred"`
	Run      evidence.RunID    `json:"run,omitzero"`
	Links    []evidence.Link   `json:"links,omitzero"`
	Body     evidence.Value    `json:"body"`
}

// RouteCase asks the manifest's rules where a case goes.
type RouteCase struct {
	ID       evidence.RecordID         `json:"id"`
	Occurred evidence.Time             `json:"occurred"`
	Document evidence.Digest           `json:"document,omitzero"`
	Inputs   map[string]evidence.Value `json:"inputs,omitzero" doc:"strings, whole numbers, booleans, lists of strings"`
}

// Routed is where a case goes: to the approvals named, or straight through.
type Routed struct {
	Record  Placed                 `json:"record"`
	To      []string               `json:"to"`
	Summary string                 `json:"summary"`
	Rules   []evidence.RuleOutcome `json:"rules"`
}

// AskAction asks whether an action may run. After a hold, ask again with the
// same id and arguments.
type AskAction struct {
	ID   evidence.ActionID `json:"id"`
	Run  evidence.RunID    `json:"run"`
	Tool string            `json:"tool" doc:"server/name, as in the manifest"`
	Args evidence.Value    `json:"args"`
	// Where the arguments may come from. It is compared with them and not
	// kept; what checkers attested need not be said.
	Inputs    []Input  `json:"inputs,omitempty" doc:"what may be relied on: at most 64"`
	Untrusted []string `json:"untrusted,omitempty" doc:"what others wrote and the agent read, output of tools, documents, pages: at most 64"`
}

// Input is a text that an action's arguments may rely on.
type Input struct {
	Name   string `json:"name,omitempty"`
	Value  string `json:"value"`
	Source string `json:"source,omitempty" enum:"field,person" doc:"a cited field, or what a person said; field where it is left out"`
}

// Verdict is the gate's answer.
type Verdict struct {
	Action    evidence.ActionID        `json:"action"`
	Verdict   string                   `json:"verdict" enum:"allow,hold,deny" doc:"heed this one"`
	Evaluated string                   `json:"evaluated" enum:"allow,hold,deny" doc:"what the policies said; differs in shadow mode"`
	Summary   string                   `json:"summary"`
	Reasons   []evidence.Reason        `json:"reasons"`
	Policies  []evidence.PolicyOutcome `json:"policies"`
	Permit    *Permit                  `json:"permit,omitzero"`
	Approvals []Waiting                `json:"approvals,omitzero"`
	Record    evidence.RecordID        `json:"record"`
}

// Permit is leave for one action with one set of arguments, once.
type Permit struct {
	Token   string        `json:"token"`
	Expires evidence.Time `json:"expires"`
}

// Waiting is an approval that a held action waits for.
type Waiting struct {
	ID      evidence.ApprovalID `json:"id"`
	Name    string              `json:"name"`
	Role    string              `json:"role"`
	Expires evidence.Time       `json:"expires"`
}

// Outcome is what came of an action.
type Outcome struct {
	ID       evidence.RecordID `json:"id"`
	Occurred evidence.Time     `json:"occurred"`
	Status   string            `json:"status" enum:"succeeded,failed,refused,unknown"`
	Attempts int64             `json:"attempts"`
	Code     string            `json:"code,omitzero"`
	Message  string            `json:"message,omitzero"`
	Response evidence.Value    `json:"response,omitzero"`
}

// Redemption is a target's question whether it may act on a permit.
type Redemption struct {
	Action evidence.ActionID `json:"action"`
	Run    evidence.RunID    `json:"run,omitzero"`
	Permit string            `json:"permit"`
	Tool   string            `json:"tool"`
	Args   evidence.Value    `json:"args"`
}

// Redeemed says: act now, once.
type Redeemed struct {
	Action evidence.ActionID `json:"action"`
}

// Approval is a request for a person's decision.
type Approval struct {
	ID           evidence.ApprovalID `json:"id"`
	Name         string              `json:"name"`
	Status       string              `json:"status" enum:"waiting,approved,rejected,expired,consumed"`
	Action       evidence.ActionID   `json:"action"`
	Run          evidence.RunID      `json:"run"`
	Role         string              `json:"role"`
	Quorum       int64               `json:"quorum"`
	Approvers    []string            `json:"approvers"`
	Expires      evidence.Time       `json:"expires"`
	Presentation evidence.Digest     `json:"presentation"`
	Summary      string              `json:"summary"`
	Shown        evidence.Value      `json:"shown,omitzero" doc:"the presentation; with one approval only"`
	Initiator    evidence.Person     `json:"initiator,omitzero" doc:"whom the run goes back to, by name for whoever may decide; with one approval only"`
}

// Approvals is a page of approvals.
type Approvals struct {
	Approvals []Approval `json:"approvals"`
}

// Decide is a person's decision about what they were shown.
type Decide struct {
	Decision     string          `json:"decision" enum:"approve,reject"`
	Presentation evidence.Digest `json:"presentation" doc:"the digest of what was shown"`
	ReasonCode   string          `json:"reason_code,omitzero"`
	Comment      string          `json:"comment,omitzero"`
}

// Run is one execution of a workflow.
type Run struct {
	ID        evidence.RunID `json:"id"`
	Workflow  string         `json:"workflow"`
	Initiator string         `json:"initiator" doc:"a pseudonym"`
	Started   evidence.Time  `json:"started"`
	Ended     evidence.Time  `json:"ended,omitzero"`
	Outcome   string         `json:"outcome,omitzero"`
}

// Runs is a page of runs.
type Runs struct {
	Runs []Run `json:"runs"`
}

// Story is a run with its records and slots.
type Story struct {
	Run     Run      `json:"run"`
	Records []Record `json:"records"`
	Slots   []Slot   `json:"slots"`
	Sealed  uint64   `json:"sealed" doc:"records with a seq below this are under a published checkpoint"`
}

// Record is a record as its reader may see it.
type Record struct {
	Seq      uint64             `json:"seq"`
	ID       evidence.RecordID  `json:"id"`
	Type     evidence.Type      `json:"type"`
	Occurred evidence.Time      `json:"occurred"`
	Received evidence.Time      `json:"received"`
	Actor    evidence.Actor     `json:"actor"`
	Body     evidence.Value     `json:"body" doc:"with withheld values put back, for those who may read them"`
	Erased   []string           `json:"erased,omitzero" doc:"keys that were destroyed"`
	Removed  []evidence.Removed `json:"removed,omitzero" doc:"what was taken out of texts of the body before it was kept"`
	Expunged bool               `json:"expunged,omitzero" doc:"its bytes were removed by authority: id, type and received are its leaf's"`
}

// Slot is one named place that a run fills with evidence, or leaves open.
type Slot struct {
	Name    string              `json:"name"`
	State   string              `json:"state"`
	Summary string              `json:"summary"`
	Records []evidence.RecordID `json:"records"`
	Gaps    []Gap               `json:"gaps"`
}

// Gap is what is not known, and what would close it.
type Gap struct {
	Reason string `json:"reason"`
	Close  string `json:"close"`
}

// ApplyWorkflow puts a manifest in force.
type ApplyWorkflow struct {
	Manifest string `json:"manifest" doc:"the YAML text"`
	Dry      bool   `json:"dry,omitzero" doc:"only say what would change"`
}

// Applied is what applying a manifest changed.
type Applied struct {
	Workflow string           `json:"workflow"`
	Digest   evidence.Digest  `json:"digest"`
	Previous evidence.Digest  `json:"previous,omitzero"`
	Same     bool             `json:"same,omitzero" doc:"it was in force already"`
	Changes  []ManifestChange `json:"changes"`
}

// ManifestChange is one difference between two manifests.
type ManifestChange struct {
	Path   string `json:"path"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Workflow is a registered workflow.
type Workflow struct {
	Name     string          `json:"name"`
	Digest   evidence.Digest `json:"digest"`
	Tier     string          `json:"tier"`
	Mode     string          `json:"mode"`
	Owner    string          `json:"owner" doc:"a pseudonym"`
	Author   string          `json:"author" doc:"who applied it"`
	Since    evidence.Time   `json:"since"`
	Retired  bool            `json:"retired,omitzero"`
	Manifest string          `json:"manifest,omitzero" doc:"the YAML text; with one workflow only"`
}

// Workflows lists workflows.
type Workflows struct {
	Workflows []Workflow `json:"workflows"`
}

// Retire takes a workflow out of force.
type Retire struct {
	Reason string `json:"reason"`
}

// CreateKey makes a key for a person (registered on the way) or for an
// identity of a workflow.
type CreateKey struct {
	Person   string        `json:"person,omitzero" doc:"a mail address"`
	Roles    []string      `json:"roles,omitzero" doc:"of the person"`
	Workflow string        `json:"workflow,omitzero"`
	Identity string        `json:"identity,omitzero" doc:"the manifest's name"`
	Expires  evidence.Time `json:"expires,omitzero"`
}

// Key is a key; Token opens it and is shown once.
type Key struct {
	ID      string        `json:"id"`
	Kind    string        `json:"kind" enum:"person,workload"`
	Holder  string        `json:"holder"`
	Issued  evidence.Time `json:"issued,omitzero"`
	Expires evidence.Time `json:"expires,omitzero"`
	Revoked bool          `json:"revoked,omitzero"`
	Token   string        `json:"token,omitzero"`
}

// Keys lists keys.
type Keys struct {
	Keys []Key `json:"keys"`
}

// Revoke ends a key.
type Revoke struct {
	Reason string `json:"reason"`
}

// Erase destroys the keys that a subject's or a run's values lie under, and
// removes the bytes of records of the run. There is no way back.
type Erase struct {
	Subject   string         `json:"subject,omitzero" doc:"a name as the house was given it, or a pseudonym"`
	Run       evidence.RunID `json:"run,omitzero" doc:"one that has ended"`
	Expunge   []string       `json:"expunge,omitzero" doc:"records of the run whose bytes go too, by id or by type"`
	Authority string         `json:"authority" doc:"who ordered it and on what basis: public, and for ever"`
	Dry       bool           `json:"dry,omitzero" doc:"only say what would go"`
}

// Erased is what an erasure took.
type Erased struct {
	Kind     string              `json:"kind" enum:"subject,run"`
	Subject  string              `json:"subject,omitzero" doc:"a pseudonym"`
	Run      evidence.RunID      `json:"run,omitzero"`
	Keys     []string            `json:"keys"`
	Expunged []evidence.RecordID `json:"expunged"`
	Dry      bool                `json:"dry,omitzero"`
}

// Retain lets retention run.
type Retain struct {
	Dry     bool `json:"dry,omitzero" doc:"only say what is due"`
	Confirm bool `json:"confirm,omitzero" doc:"though the clock is far ahead of when it last ran"`
}

// Retained is what retention took, or would take.
type Retained struct {
	Runs []DueRun `json:"runs"`
	Held int      `json:"held" doc:"runs that are due and under a legal hold"`
	More bool     `json:"more,omitzero" doc:"others are due, for the next pass"`
	Dry  bool     `json:"dry,omitzero"`
}

// DueRun is one run that retention takes something of.
type DueRun struct {
	Run      evidence.RunID `json:"run"`
	Workflow string         `json:"workflow"`
	Ended    evidence.Time  `json:"ended"`
	Classes  []string       `json:"classes"`
	Keys     int            `json:"keys"`
}

// PlaceHold places a legal hold.
type PlaceHold struct {
	Scope  string `json:"scope" enum:"all,workflow,run,subject"`
	What   string `json:"what,omitzero" doc:"a workflow's name, a run's id, a subject's name or pseudonym"`
	Reason string `json:"reason"`
}

// ReleaseHold ends a legal hold.
type ReleaseHold struct {
	Reason string `json:"reason"`
}

// Hold keeps what it covers from being erased.
type Hold struct {
	ID     string        `json:"id"`
	Scope  string        `json:"scope" enum:"all,workflow,run,subject"`
	What   string        `json:"what,omitzero"`
	By     string        `json:"by" doc:"who placed it"`
	Placed evidence.Time `json:"placed"`
	Status string        `json:"status" enum:"active,released"`
}

// Holds is a page of legal holds.
type Holds struct {
	Holds []Hold `json:"holds"`
}

// BuildPacket builds the packet of a run. What it opens is what the profile
// and the choices do, as far as the caller may see it; a choice is written
// TYPE:POINTER, such as check.result:/attests/*/value, with * for any type and
// for every element. What is withheld by choice stays withheld.
type BuildPacket struct {
	Run      evidence.RunID `json:"run"`
	Profile  string         `json:"profile,omitzero" enum:"full,auditor,public" doc:"full where left out"`
	Disclose []string       `json:"disclose,omitzero" doc:"fields to open besides"`
	Withhold []string       `json:"withhold,omitzero" doc:"fields to keep closed"`
}

// Log says which log seals the tenant's records.
type Log struct {
	Origin string `json:"origin"`
	Key    string `json:"key" doc:"the verifier key that evf verify --key takes"`
	Size   uint64 `json:"size"`
}

// Problem is an error (RFC 9457).
type Problem struct {
	Type   string `json:"type" doc:"about:blank"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Kind   string `json:"kind" enum:"invalid,stranger,denied,not_found,conflict,unavailable,internal"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitzero" doc:"a JSON pointer"`
	Line   int    `json:"line,omitzero" doc:"of NDJSON, from 1"`
}
