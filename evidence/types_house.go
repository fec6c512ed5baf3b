package evidence

// WorkflowActivated puts a manifest in force.
type WorkflowActivated struct {
	Name      string   `json:"name" evf:"key,format=ident,link=workflow"`
	Digest    Digest   `json:"digest" evf:"key,format=digest"` // of the YAML, kept as an object
	Previous  Digest   `json:"previous" evf:"key,opt,format=digest"`
	Tier      string   `json:"tier" evf:"key,enum=low|medium|high|critical"`
	Mode      string   `json:"mode" evf:"key,enum=observe|shadow|enforce"`
	Owner     string   `json:"owner" evf:"key,format=ident"`
	OwnerName string   `json:"owner_name" evf:"personal,subject=owner,max=200"`
	Author    string   `json:"author" evf:"key,format=ident"` // who activated it
	Changes   []Change `json:"changes" evf:"max=256"`
	Dropped   int64    `json:"changes_dropped" evf:"key"` // changes beyond the bound, not listed
}

// Change is one difference between two manifests.
type Change struct {
	Path   string `json:"path" evf:"public,max=300"`
	Before string `json:"before" evf:"internal,empty,max=300"`
	After  string `json:"after" evf:"internal,empty,max=300"`
}

// WorkflowRetired takes a workflow out of force; runs under it are refused.
type WorkflowRetired struct {
	Name   string `json:"name" evf:"key,format=ident,link=workflow"`
	Digest Digest `json:"digest" evf:"key,format=digest"`
	Author string `json:"author" evf:"key,format=ident"`
	Reason string `json:"reason" evf:"internal,text,max=500"`
}

// PersonChanged registers a person or changes what they may do.
type PersonChanged struct {
	Person string   `json:"person" evf:"key,format=ident"`
	Name   string   `json:"name" evf:"personal,subject=person,max=200"`
	Roles  []string `json:"roles" evf:"key,format=ident"`
	Active bool     `json:"active" evf:"key"`
	By     string   `json:"by" evf:"key,format=ident"`
}

// GrantIssued gives a person or a workload a key.
type GrantIssued struct {
	Grant    string   `json:"grant" evf:"key,format=ident"`
	Kind     string   `json:"kind" evf:"key,enum=person|workload"`
	Holder   string   `json:"holder" evf:"key,format=ident"` // a person, or workflow/identity
	Workflow string   `json:"workflow" evf:"key,opt,format=ident"`
	Identity string   `json:"identity" evf:"key,opt,format=ident"`
	Roles    []string `json:"roles" evf:"key,format=ident"`
	Secret   Digest   `json:"secret" evf:"key,format=digest"` // of 256 random bits: opens nothing
	Expires  Time     `json:"expires" evf:"key,opt,format=time"`
	By       string   `json:"by" evf:"key,format=ident"`
}

// GrantRevoked ends a key at once.
type GrantRevoked struct {
	Grant  string `json:"grant" evf:"key,format=ident"`
	Reason string `json:"reason" evf:"internal,text,max=500"`
	By     string `json:"by" evf:"key,format=ident"`
}

// KeyRotated announces a signing key in the log. One for the log itself counts
// from its own record on: a checkpoint that covers it is signed by both keys.
type KeyRotated struct {
	Purpose  string `json:"purpose" evf:"key,enum=packet|log"`
	Key      string `json:"key" evf:"key,max=300"`          // packet: base64 of the Ed25519 public key; log: its verifier key
	Previous string `json:"previous" evf:"key,opt,max=300"` // the key it takes over from
	By       string `json:"by" evf:"key,opt,format=ident"`
}

// KeyRetired ends a log's key: it signs no checkpoint that covers this record.
type KeyRetired struct {
	Purpose string `json:"purpose" evf:"key,enum=log"`
	Key     string `json:"key" evf:"key,max=300"`         // its verifier key
	Proof   Digest `json:"proof" evf:"key,format=digest"` // of the object that proves the rotation away from it
	By      string `json:"by" evf:"key,format=ident"`
}

// SystemEpoch gives a log up and begins another over the records that are
// left: the first Kept of them. What the old log had signed beyond is lost.
type SystemEpoch struct {
	Origin         string   `json:"origin" evf:"key,max=200"` // of the log that begins
	Key            string   `json:"key" evf:"key,max=300"`    // its first verifier key
	PreviousOrigin string   `json:"previous_origin" evf:"key,max=200"`
	PreviousKeys   []string `json:"previous_keys" evf:"key,max=300"`        // verifier keys that signed last
	Size           int64    `json:"size" evf:"key"`                         // of the largest checkpoint known of the old log
	Root           string   `json:"root" evf:"key,max=44"`                  // base64
	Checkpoint     Digest   `json:"checkpoint" evf:"key,opt,format=digest"` // of its signed note, kept as an object
	Kept           int64    `json:"kept" evf:"key"`
	By             string   `json:"by" evf:"key,format=ident"`
	Reason         string   `json:"reason" evf:"internal,text,max=500"`
}

// PacketBuilt says which evidence left the house.
type PacketBuilt struct {
	Packet  Digest `json:"packet" evf:"key,format=digest"`
	Scope   string `json:"scope" evf:"key,enum=run"`
	Of      RunID  `json:"of" evf:"key,format=uuid"`
	Records int64  `json:"records" evf:"key"`
	By      string `json:"by" evf:"key,format=ident"`
	// How it was cut; choices are written TYPE:POINTER.
	Profile  string   `json:"profile" evf:"key,enum=full|auditor|public"`
	Disclose []string `json:"disclose" evf:"key,max=100"`
	Withhold []string `json:"withhold" evf:"key,max=100"`
}
