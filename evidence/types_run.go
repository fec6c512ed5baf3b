package evidence

// RunStarted begins a run and says whom it goes back to.
type RunStarted struct {
	Initiator  Person `json:"initiator"`
	Dispatcher Person `json:"dispatcher"`
	Trigger    string `json:"trigger" evf:"internal,opt,text,max=500"` // what set it off, in the caller's words
	Identity   string `json:"identity" evf:"key,server,format=ident"`  // the manifest's name for the caller
	Assurance  string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// Person is someone or something a run goes back to, known in records by a
// pseudonym; the name stands under the key of its subject.
type Person struct {
	Kind string `json:"kind" evf:"key,enum=human|schedule|workload"`
	Ref  string `json:"ref" evf:"key,format=ident"`
	Name string `json:"name" evf:"personal,opt,subject=ref,max=200"`
}

// RunEnded closes a run.
type RunEnded struct {
	Outcome   string `json:"outcome" evf:"key,enum=completed|waiting|rejected|failed|abandoned"`
	Summary   string `json:"summary" evf:"internal,opt,text,max=1000"`
	Records   int64  `json:"records" evf:"key,opt"` // of the run before this one: whoever holds a run's records can count them
	Assurance string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// StepObserved is one step of the agent's own.
type StepObserved struct {
	Step      string `json:"step" evf:"key,format=ident"`
	Status    string `json:"status" evf:"key,enum=started|finished|failed|skipped"`
	Summary   string `json:"summary" evf:"internal,opt,text,max=1000"`
	Assurance string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// ModelCalled says that a model was asked; prompts and answers stay out, only
// their sizes are kept.
type ModelCalled struct {
	Provider     string `json:"provider" evf:"key,format=ident"`
	Model        string `json:"model" evf:"key,format=ident"`
	InputTokens  int64  `json:"input_tokens" evf:"public,opt"`
	OutputTokens int64  `json:"output_tokens" evf:"public,opt"`
	Status       string `json:"status" evf:"key,enum=ok|failed|refused"`
	Assurance    string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// InputReferenced cites a document or other input by its digest.
type InputReferenced struct {
	Document  Digest `json:"document" evf:"key,format=digest,link=document"`
	MediaType string `json:"media_type" evf:"public,max=100"`
	Bytes     int64  `json:"bytes" evf:"public"`
	Name      string `json:"name" evf:"internal,opt,text,max=255"`   // a file's name
	Origin    string `json:"origin" evf:"internal,opt,text,max=500"` // where it came from
	Assurance string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// FieldsExtracted holds what was read out of a document, each field with the
// place it stands at.
type FieldsExtracted struct {
	Document  Digest           `json:"document" evf:"key,format=digest,link=document"`
	Extractor string           `json:"extractor" evf:"key,format=ident"`
	Version   string           `json:"version" evf:"key,format=ident"`
	Readable  bool             `json:"readable" evf:"key"` // false: no fields could be read, see problem
	Problem   string           `json:"problem" evf:"internal,opt,text,max=500"`
	Fields    []ExtractedField `json:"fields" evf:"max=256"`
	Assurance string           `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// ExtractedField is one field with its place and confidence.
type ExtractedField struct {
	Name       string `json:"name" evf:"key,format=ident"`
	Value      string `json:"value" evf:"confidential,empty,max=2000"`
	Pointer    string `json:"pointer" evf:"public,max=500"` // XPath, JSON pointer or page and box
	Confidence int64  `json:"confidence" evf:"key"`         // per mille, 0 to 1000
}

// CheckResult is what one suite of checks found about one document.
type CheckResult struct {
	Document  Digest         `json:"document" evf:"key,format=digest,link=document"`
	Suite     string         `json:"suite" evf:"key,format=ident"`
	Version   string         `json:"version" evf:"key,format=ident"`
	Outcome   string         `json:"outcome" evf:"key,enum=pass|fail|error"`
	Checks    []CheckOutcome `json:"checks" evf:"max=256"`
	Attests   []Attested     `json:"attests" evf:"opt,max=64"` // values the checker read itself and vouches for
	Identity  string         `json:"identity" evf:"key,server,format=ident"`
	Assurance string         `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// CheckOutcome is one check's finding. Its full id is suite/check.
type CheckOutcome struct {
	Check   string `json:"check" evf:"key,format=ident"`
	Version string `json:"version" evf:"key,format=ident"`
	Outcome string `json:"outcome" evf:"key,enum=pass|fail|not-applicable|error"`
	Pointer string `json:"pointer" evf:"public,opt,max=500"`
	Message string `json:"message" evf:"internal,opt,text,max=500"`
}

// Attested is a value that the checker read from the document itself; the
// gate holds an action's arguments against it.
type Attested struct {
	Name  string `json:"name" evf:"key,format=ident"`
	Value string `json:"value" evf:"confidential,empty,max=500"`
}

// OperationFailed, OperationRetried and OperationRecovered tell what went
// wrong on the way and what was done about it.
type OperationFailed struct {
	Operation string `json:"operation" evf:"key,format=ident"`
	Action    string `json:"action" evf:"key,opt,format=uuid"`
	Attempt   int64  `json:"attempt" evf:"key"`
	Code      string `json:"code" evf:"key,format=ident"`
	Message   string `json:"message" evf:"internal,opt,text,max=500"`
	Assurance string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// OperationRetried says that a failed operation is tried again.
type OperationRetried struct {
	Operation string `json:"operation" evf:"key,format=ident"`
	Action    string `json:"action" evf:"key,opt,format=uuid"`
	Attempt   int64  `json:"attempt" evf:"key"` // the attempt that begins now, from 2
	WaitMS    int64  `json:"wait_ms" evf:"public"`
	Assurance string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}

// OperationRecovered says that an operation succeeded after failures.
type OperationRecovered struct {
	Operation string `json:"operation" evf:"key,format=ident"`
	Action    string `json:"action" evf:"key,opt,format=uuid"`
	Attempts  int64  `json:"attempts" evf:"key"`
	Assurance string `json:"assurance" evf:"key,server,enum=enforced|observed|declared"`
}
