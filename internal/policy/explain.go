package policy

import "github.com/cedar-policy/cedar-go"

// Explained is one policy and what it said to a request.
type Explained struct {
	Determining
	Line  int    // of the policy text, from 1
	State string // applies, does not apply, or errs
}

// The states of an Explained.
const (
	Applies      = "applies"
	DoesNotApply = "does not apply"
	Errs         = "errs"
)

// Explain says of every policy, in the order of the text, what it said to a
// request: those that applied and were outweighed too. It is empty for a
// request that no policy is asked about.
func (s *Set) Explain(r Request) (list []Explained) {
	request, err := s.request(r)
	if err != nil {
		return nil
	}
	for _, c := range s.clauses {
		e := Explained{Determining: c.determining(), Line: c.line, State: DoesNotApply}
		_, diagnostic := cedar.Authorize(inOrder{c}, s.entities, request)
		switch {
		case len(diagnostic.Errors) > 0:
			e.State = Errs
		case len(diagnostic.Reasons) > 0:
			e.State = Applies
		}
		list = append(list, e)
	}
	return list
}
