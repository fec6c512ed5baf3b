package policy

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one fault that Compile found: where, and what to do about it.
type Problem struct {
	Line    int    // in the policy text, from 1; 0 where it lies in the declarations
	Column  int    // in characters, from 1
	Policy  string // the policy's @id, where it is known
	Message string
}

func (p Problem) String() string {
	at := ""
	if p.Line > 0 {
		at = fmt.Sprintf("line %d, column %d: ", p.Line, p.Column)
	}
	if p.Policy != "" {
		at += "policy " + p.Policy + ": "
	}
	return at + p.Message
}

// maxProblems bounds what one error lists, maxMessage what one of the
// validator's messages may spell out, in characters.
const (
	maxProblems = 100
	maxMessage  = 300
)

// Problems is the error of Compile: never empty, in the order of the text, the
// first hundred of them.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// ordered sorts and bounds ps.
func (ps Problems) ordered() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps[:min(len(ps), maxProblems)]
}

var ofAction = regexp.MustCompile(` for Action::"[^"]*"`)

// explain turns the validator's error into sentences, in a stable order. The
// validator types a policy once for every tool; what it says of each alike is
// said once.
func explain(err error) (messages []string) {
	more := map[string]int{}
	for _, text := range slices.Sorted(slices.Values(flatten(err))) {
		short := ofAction.ReplaceAllString(text, "")
		if more[short]++; more[short] == 1 {
			messages = append(messages, text)
		}
	}
	for i, text := range messages {
		others := more[ofAction.ReplaceAllString(text, "")] - 1
		if runes := []rune(text); len(runes) > maxMessage { // types can nest
			text = string(runes[:maxMessage]) + "…"
		}
		switch {
		case strings.HasPrefix(text, "unable to find an applicable action"):
			messages[i] = "can never apply: no declared tool fits its principal, action and resource together"
		case others > 0 && ofAction.MatchString(text):
			messages[i] = fmt.Sprintf("does not fit the schema: %s (and so for %d more)", text, others)
		default:
			messages[i] = "does not fit the schema: " + text
		}
	}
	return messages
}

// flatten lists the texts of a joined error, each once.
func flatten(err error) (texts []string) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	for _, e := range joined.Unwrap() {
		for _, text := range flatten(e) {
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
