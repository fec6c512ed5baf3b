package evidence

// StopEngaged is a stop order: from this record on, no action of the workflow,
// or of any, is allowed and no permit is redeemed, in whatever mode.
type StopEngaged struct {
	Workflow string `json:"workflow" evf:"key,opt,format=ident"` // all of them where it is left out
	Drill    bool   `json:"drill" evf:"key"`                     // only to prove that it works
	Reason   string `json:"reason" evf:"internal,text,max=500"`
	By       string `json:"by" evf:"key,format=ident"`
}

// StopReleased ends the stop order of one workflow, or of all. Whoever engaged
// it does not release it, unless it was a drill. A drill's release ends drills
// alone: a real order may have taken its place.
type StopReleased struct {
	Workflow string `json:"workflow" evf:"key,opt,format=ident"`
	Drill    bool   `json:"drill" evf:"key"` // ends a drill, and nothing else
	Reason   string `json:"reason" evf:"internal,text,max=500"`
	By       string `json:"by" evf:"key,format=ident"`
}
