package evidence

// DecisionRouted is a workflow's rules applied to a case: straight through, or
// to which people.
type DecisionRouted struct {
	Document  Digest         `json:"document" evf:"key,opt,format=digest,link=document"`
	Outcome   string         `json:"outcome" evf:"key,enum=straight-through|person"`
	To        []string       `json:"to" evf:"key,format=ident"` // approvals of the manifest
	Rules     []RuleOutcome  `json:"rules" evf:"max=256"`
	Inputs    []RoutingInput `json:"inputs" evf:"max=64"`
	Summary   string         `json:"summary" evf:"public,text,max=1000"`
	Assurance string         `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// RuleOutcome is one routing rule with what it compared.
type RuleOutcome struct {
	Rule      string `json:"rule" evf:"key,format=ident"`
	Version   int64  `json:"version" evf:"key"`
	Matched   bool   `json:"matched" evf:"key"`
	Input     string `json:"input" evf:"public,format=ident"`
	Op        string `json:"op" evf:"public,format=ident"`
	Threshold string `json:"threshold" evf:"public,empty,max=500"`
	Value     string `json:"value" evf:"internal,empty,max=500"`
	Band      string `json:"band" evf:"public,empty,max=40"`
	To        string `json:"to" evf:"key,empty,format=ident"`
	Summary   string `json:"summary" evf:"public,opt,text,max=500"`
	Detail    string `json:"detail" evf:"internal,opt,text,max=600"` // the summary with the value
}

// RoutingInput is one value the rules read, and how it is known.
type RoutingInput struct {
	Name      string `json:"name" evf:"key,format=ident"`
	Value     Value  `json:"value" evf:"internal"`
	Assurance string `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// Tool names a tool of the manifest.
type Tool struct {
	Server string `json:"server" evf:"key,format=ident"`
	Name   string `json:"name" evf:"key,format=ident"`
	Impact string `json:"impact" evf:"key,enum=read|low|high|unknown"`
}

// SealedArgs are an action's arguments with the salt of their digest:
// args_digest = SHA-256(salt ‖ canonical args).
type SealedArgs struct {
	Salt string `json:"salt"` // base64url of 16 bytes
	Args Value  `json:"args"`
}

// AuthorizationDecided is the gate's verdict about one action, with all that
// is needed to reach it again.
type AuthorizationDecided struct {
	Action     string          `json:"action" evf:"key,format=uuid,link=action"`
	Tool       Tool            `json:"tool"`
	ArgsDigest Digest          `json:"args_digest" evf:"key,format=digest"`
	Sealed     Value           `json:"sealed_args" evf:"confidential"` // SealedArgs
	Document   Digest          `json:"document" evf:"key,opt,format=digest,link=document"`
	Verdict    string          `json:"verdict" evf:"key,enum=allow|hold|deny"`
	Mode       string          `json:"mode" evf:"key,enum=observe|shadow|enforce"`
	Policies   []PolicyOutcome `json:"policies" evf:"max=256"`
	Reasons    []Reason        `json:"reasons" evf:"max=64"`
	Require    []string        `json:"require" evf:"key,format=ident"` // approvals outstanding
	Facts      Facts           `json:"facts"`
	Identity   string          `json:"identity" evf:"key,format=ident"`
	Grant      string          `json:"grant" evf:"key,format=ident"`
	Approvals  []string        `json:"approvals" evf:"key,format=uuid"` // consumed by this decision
	PolicySet  Digest          `json:"policy_set" evf:"key,format=digest"`
	Schema     Digest          `json:"schema" evf:"key,format=digest"`
	Engine     string          `json:"engine" evf:"key,max=80"`
	Request    Value           `json:"request" evf:"confidential"` // the policy request, for re-performance
	LatencyUS  int64           `json:"latency_us" evf:"public"`
	Summary    string          `json:"summary" evf:"public,text,max=500"`
	Assurance  string          `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// PolicyOutcome is one determining policy.
type PolicyOutcome struct {
	ID       string   `json:"id" evf:"key,format=ident"`
	Version  string   `json:"version" evf:"key,format=ident"`
	Effect   string   `json:"effect" evf:"key,enum=permit|forbid"`
	Reason   string   `json:"reason" evf:"public,max=500"`
	Controls []string `json:"controls" evf:"key,format=ident"`
}

// Reason says why, for a program and for a person.
type Reason struct {
	Code string `json:"code" evf:"key,format=ident"`
	Text string `json:"text" evf:"public,max=500"`
}

// Facts are what the gate computed for a decision.
type Facts struct {
	ChecksPassed   bool     `json:"checks_passed" evf:"key"`
	ChecksFailed   []string `json:"checks_failed" evf:"key,format=ident"`
	ChecksMissing  []string `json:"checks_missing" evf:"key,format=ident"`
	ArgsAttested   bool     `json:"args_attested" evf:"key"`
	ArgsUnattested []string `json:"args_unattested" evf:"key,format=ident"`
	ArgsCited      []string `json:"args_cited" evf:"key,format=ident"`
	ArgsPerson     []string `json:"args_person" evf:"key,format=ident"`
	ArgsUnknown    []string `json:"args_unknown" evf:"key,format=ident"`
	ArgsUntrusted  []string `json:"args_untrusted" evf:"key,format=ident"`
	Routed         bool     `json:"routed" evf:"key"`
	Route          []string `json:"route" evf:"key,format=ident"`
	Approvals      []string `json:"approvals" evf:"key,format=ident"`
	CallsInRun     int64    `json:"calls_in_run" evf:"key"`
	InitiatorKind  string   `json:"initiator_kind" evf:"key,format=ident"`
}

// ApprovalRequested asks a person for a decision about one Presentation.
type ApprovalRequested struct {
	Approval     string     `json:"approval" evf:"key,format=uuid,link=approval"`
	Name         string     `json:"name" evf:"key,format=ident"` // the manifest's
	Action       string     `json:"action" evf:"key,format=uuid,link=action"`
	Tool         Tool       `json:"tool"`
	ArgsDigest   Digest     `json:"args_digest" evf:"key,format=digest"`
	Presentation Digest     `json:"presentation" evf:"key,format=digest"` // SHA-256(salt ‖ canonical presentation)
	Shown        Value      `json:"shown" evf:"confidential"`             // {salt, presentation}
	Initiator    Person     `json:"initiator" evf:"opt"`                  // named beside the presentation, which holds the pseudonym only
	Role         string     `json:"role" evf:"key,format=ident"`
	Quorum       int64      `json:"quorum" evf:"key"`
	Expires      Time       `json:"expires" evf:"key,format=time"`
	ApartFrom    []Excluded `json:"apart_from" evf:"max=16"`
	Summary      string     `json:"summary" evf:"public,text,max=500"`
	Assurance    string     `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// Excluded is someone who may not decide, and why.
type Excluded struct {
	Ref string `json:"ref" evf:"key,format=ident"`
	Why string `json:"why" evf:"key,enum=initiator|dispatcher|author"`
}

// ApprovalViewed says that a person was given the Presentation.
type ApprovalViewed struct {
	Approval     string `json:"approval" evf:"key,format=uuid,link=approval"`
	Presentation Digest `json:"presentation" evf:"key,format=digest"`
	Viewer       string `json:"viewer" evf:"key,format=ident"`
	Assurance    string `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// ApprovalDecided is one person's decision, or an expiry.
type ApprovalDecided struct {
	Approval      string `json:"approval" evf:"key,format=uuid,link=approval"`
	Action        string `json:"action" evf:"key,format=uuid,link=action"`
	Decision      string `json:"decision" evf:"key,enum=approve|reject|expired"`
	Approver      string `json:"approver" evf:"key,opt,format=ident"`
	ApproverName  string `json:"approver_name" evf:"personal,opt,subject=approver,max=200"`
	Presentation  Digest `json:"presentation" evf:"key,format=digest"`
	ReasonCode    string `json:"reason_code" evf:"key,opt,format=ident"`
	Comment       string `json:"comment" evf:"confidential,opt,text,max=2000"`
	Authenticated string `json:"authenticated" evf:"key,opt,format=ident"` // how the person was known
	Grant         string `json:"grant" evf:"key,opt,format=ident"`
	Assurance     string `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// ApprovalConsumed spends an approval on the one action it was given for.
type ApprovalConsumed struct {
	Approval   string `json:"approval" evf:"key,format=uuid,link=approval"`
	Action     string `json:"action" evf:"key,format=uuid,link=action"`
	ArgsDigest Digest `json:"args_digest" evf:"key,format=digest"`
	Assurance  string `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// ActionStarted is written before the permit leaves the gate.
type ActionStarted struct {
	Action     string `json:"action" evf:"key,format=uuid,link=action"`
	Tool       Tool   `json:"tool"`
	ArgsDigest Digest `json:"args_digest" evf:"key,format=digest"`
	Execution  string `json:"execution" evf:"key,enum=target|caller"`
	Expires    Time   `json:"expires" evf:"key,format=time"` // of the permit
	Assurance  string `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// ActionRedeemed says that the target spent the permit before it acted.
type ActionRedeemed struct {
	Action     string `json:"action" evf:"key,format=uuid,link=action"`
	Tool       Tool   `json:"tool"`
	ArgsDigest Digest `json:"args_digest" evf:"key,format=digest"`
	Redeemer   string `json:"redeemer" evf:"key,format=ident"`
	Assurance  string `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// ActionRefused says that a target was asked to act without good leave, and
// did not.
type ActionRefused struct {
	Action    string `json:"action" evf:"key,opt,format=uuid,link=action"`
	Tool      Tool   `json:"tool"`
	Code      string `json:"code" evf:"key,enum=no-such-action|wrong-permit|wrong-tool|wrong-args|spent|expired|revoked|stopped"`
	Redeemer  string `json:"redeemer" evf:"key,format=ident"`
	Assurance string `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// ActionFinished is what the caller says came of the action.
type ActionFinished struct {
	Action    string `json:"action" evf:"key,format=uuid,link=action"`
	Status    string `json:"status" evf:"key,enum=succeeded|failed|refused|unknown"`
	Attempts  int64  `json:"attempts" evf:"key"`
	Code      string `json:"code" evf:"key,opt,format=ident"`
	Message   string `json:"message" evf:"internal,opt,text,max=500"`
	Response  Value  `json:"response" evf:"confidential,opt"`
	Assurance string `json:"assurance" evf:"key,enum=enforced|observed|declared"`
}

// ChangeObserved is a target read back after an action.
type ChangeObserved struct {
	Action    string `json:"action" evf:"key,opt,format=uuid,link=action"`
	Target    string `json:"target" evf:"key,format=ident"` // the system
	Entry     string `json:"entry" evf:"key,format=ident,link=erp.entry"`
	Digest    Digest `json:"digest" evf:"key,format=digest"` // of the entry as read back
	Before    Value  `json:"before" evf:"confidential,opt"`
	After     Value  `json:"after" evf:"confidential,opt"`
	Identity  string `json:"identity" evf:"key,server,format=ident"`
	Assurance string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}
