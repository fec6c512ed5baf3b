package approval

import (
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// Presentation is all that a person is shown before they decide, and nothing
// else is: the record of a decision names it by digest. Every list is bounded;
// what was left out is counted, not dropped silently.
type Presentation struct {
	Version  int64             `json:"v"` // 1
	Workflow PresentedWorkflow `json:"workflow"`
	Run      evidence.RunID    `json:"run"`
	From     PresentedParty    `json:"initiator"`
	Action   PresentedAction   `json:"action"`
	Why      []string          `json:"why"`   // reasons, one sentence each
	Rules    []PresentedRule   `json:"rules"` // routing rules that matched
	Checks   []PresentedCheck  `json:"failed_checks"`
	Passed   int64             `json:"checks_passed"`
	Facts    []PresentedFact   `json:"facts"`
	Dropped  Dropped           `json:"not_shown"`
	Asked    PresentedQuestion `json:"question"`
}

// Dropped counts what the bounds of each list left out.
type Dropped struct {
	Why    int64 `json:"why"`
	Rules  int64 `json:"rules"`
	Checks int64 `json:"failed_checks"`
	Facts  int64 `json:"facts"`
}

// PresentedWorkflow says under which rules the question arose.
type PresentedWorkflow struct {
	Name    string          `json:"name"`
	Purpose string          `json:"purpose"`
	Digest  evidence.Digest `json:"digest"`
	Tier    string          `json:"tier"`
}

// PresentedParty is whom the run goes back to, by pseudonym.
type PresentedParty struct {
	Kind string `json:"kind"`
	Ref  string `json:"ref"`
}

// PresentedAction is exactly what will run on approval.
type PresentedAction struct {
	ID       evidence.ActionID `json:"id"`
	Tool     string            `json:"tool"`
	Impact   string            `json:"impact"`
	Document evidence.Digest   `json:"document"`
	Args     evidence.Value    `json:"args"`
}

// PresentedRule is a routing rule that sent the case here.
type PresentedRule struct {
	Rule      string `json:"rule"`
	Version   int64  `json:"version"`
	Summary   string `json:"summary"`
	Detail    string `json:"detail"` // the summary with the value
	Threshold string `json:"threshold"`
	Value     string `json:"value"`
	Band      string `json:"band"`
}

// PresentedCheck is a check that did not pass.
type PresentedCheck struct {
	Check   string `json:"check"`
	Outcome string `json:"outcome"`
	Message string `json:"message"`
	Pointer string `json:"pointer"`
}

// PresentedFact is an extracted field with the place it stands at.
type PresentedFact struct {
	Name       string `json:"name"`
	Value      string `json:"value"`
	Pointer    string `json:"pointer"`
	Confidence int64  `json:"confidence"`
}

// PresentedQuestion is what the person is asked and what follows.
type PresentedQuestion struct {
	Approval string        `json:"approval"` // the manifest's name
	Role     string        `json:"role"`
	Quorum   int64         `json:"quorum"`
	Expires  evidence.Time `json:"expires"`
	Approve  string        `json:"on_approve"`
	Reject   string        `json:"on_reject"`
}

// Bounds of what a person is asked to read.
const (
	maxFacts  = 60
	maxListed = 40
	maxText   = 300
)

// bound cuts what is beyond the bounds, and counts it.
func (p *Presentation) bound() {
	p.Why = first(p.Why, maxListed, &p.Dropped.Why)
	p.Rules = first(p.Rules, maxListed, &p.Dropped.Rules)
	p.Checks = first(p.Checks, maxListed, &p.Dropped.Checks)
	p.Facts = first(p.Facts, maxFacts, &p.Dropped.Facts)
	for i := range p.Facts {
		p.Facts[i].Value = clip(p.Facts[i].Value)
	}
	for i := range p.Checks {
		p.Checks[i].Message = clip(p.Checks[i].Message)
	}
}

// first is a copy of at most n elements; what is left out adds to dropped.
func first[E any](list []E, n int, dropped *int64) []E {
	if len(list) > n {
		*dropped += int64(len(list) - n)
	}
	return slices.Clone(list[:min(len(list), n)])
}

func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// Value is the presentation's canonical form, over which its digest goes.
func (p Presentation) Value() evidence.Value {
	p.Version = 1
	p.bound()
	return evidence.Body(p)
}
