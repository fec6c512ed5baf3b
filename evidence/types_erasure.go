package evidence

// MaxErased bounds the keys, and the expunged records, of one
// erasure.performed; a larger erasure is several records.
const (
	MaxErasedKeys     = 256
	MaxErasedExpunged = 128
)

// ErasurePerformed is the tombstone: it says what was forgotten, by whom and
// by what authority. It stands before anything is destroyed, so that nothing
// is ever gone without it.
type ErasurePerformed struct {
	Kind      string     `json:"kind" evf:"key,enum=subject|run|retention"`
	Subject   string     `json:"subject" evf:"key,opt,format=ident"` // the pseudonym whose values went
	Of        RunID      `json:"of" evf:"key,opt,format=uuid"`       // the run whose values or records went
	Classes   []string   `json:"classes" evf:"key,format=ident"`     // that retention took, of the run; none for other kinds
	Keys      []string   `json:"keys" evf:"key,max=256,format=ident"`
	Expunged  []Expunged `json:"expunged" evf:"max=128"`
	Authority string     `json:"authority" evf:"public,text,max=300"` // who ordered it, and on what basis
	Basis     Digest     `json:"basis" evf:"key,opt,format=digest"`   // the manifest whose retention it follows
	Repeats   RecordID   `json:"repeats" evf:"key,opt,format=uuid"`   // the erasure before a restore that this one does again
	By        string     `json:"by" evf:"key,format=ident"`
}

// Expunged is a record whose bytes were removed; its leaf stays.
type Expunged struct {
	Record RecordID `json:"record" evf:"key,format=uuid"`
	Seq    int64    `json:"seq" evf:"key"`
	Digest Digest   `json:"digest" evf:"key,format=digest"` // of its bytes, as its leaf names them
	Run    RunID    `json:"run" evf:"key,opt,format=uuid"`  // that it counts as a record of
}

// LegalHoldPlaced keeps what it covers from every erasure, retention's too,
// until it is released.
type LegalHoldPlaced struct {
	Hold   string `json:"hold" evf:"key,format=uuid"`
	Scope  string `json:"scope" evf:"key,enum=all|workflow|run|subject"`
	What   string `json:"what" evf:"key,opt,format=ident"` // the workflow, run or pseudonym; absent for all
	Reason string `json:"reason" evf:"internal,text,max=500"`
	By     string `json:"by" evf:"key,format=ident"`
}

// LegalHoldReleased ends a hold. Whoever placed it does not release it.
type LegalHoldReleased struct {
	Hold   string `json:"hold" evf:"key,format=uuid"`
	Reason string `json:"reason" evf:"internal,text,max=500"`
	By     string `json:"by" evf:"key,format=ident"`
}
