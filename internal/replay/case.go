package replay

import (
	"encoding/json"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/policy"
)

// Case is one test of a manifest: a request, and the verdict that it must get.
type Case struct {
	Name string
	Line int // of the file, from 1
	Call Call
	// Facts are what the gate would know, by name; those left out are as a
	// run knows them that has just begun.
	Facts evidence.Value
	Want  policy.Effect
	// Reason is the code, or the id of a policy, that the verdict must have;
	// "" for any.
	Reason string
}

// Suite is one file of cases.
type Suite struct {
	Workflow string // path of the manifest, from the file's folder
	Cases    []Case
}

// caseForm is a case as it is written.
type caseForm struct {
	Name      string         `yaml:"name"`
	Identity  string         `yaml:"identity"`
	Tool      string         `yaml:"tool"`
	Args      map[string]any `yaml:"args"`
	Inputs    []any          `yaml:"inputs"`
	Untrusted []any          `yaml:"untrusted"`
	Facts     map[string]any `yaml:"facts"`
	At        string         `yaml:"at"`
	Want      string         `yaml:"want"`
	Reason    string         `yaml:"reason"`
}

// ParseSuite reads a file of cases. Its errors name the line.
func ParseSuite(data []byte) (*Suite, error) {
	var form struct {
		Workflow string     `yaml:"workflow"`
		Cases    []caseForm `yaml:"cases"`
	}
	if err := strictly(data, &form); err != nil {
		return nil, err
	}
	var places struct {
		Cases []yaml.Node `yaml:"cases"`
	}
	if err := yaml.Unmarshal(data, &places); err != nil {
		return nil, err
	}
	if form.Workflow == "" {
		return nil, fmt.Errorf("line 1: workflow is missing: the path of the manifest, from this file")
	}
	s := &Suite{Workflow: form.Workflow}
	for i := range form.Cases {
		c, err := readCase(&form.Cases[i])
		if c.Line = places.Cases[i].Line; err != nil {
			return nil, fmt.Errorf("line %d: %w", c.Line, err)
		}
		s.Cases = append(s.Cases, c)
	}
	if len(s.Cases) == 0 {
		return nil, fmt.Errorf("line 1: there are no cases")
	}
	return s, nil
}

func readCase(form *caseForm) (c Case, err error) {
	c.Name, c.Want, c.Reason = form.Name, policy.Effect(form.Want), form.Reason
	switch {
	case form.Name == "":
		return c, fmt.Errorf("name is missing: a sentence that says what must hold")
	case !slices.Contains([]policy.Effect{policy.Allow, policy.Hold, policy.Deny}, c.Want):
		return c, fmt.Errorf("want is not allow, hold or deny")
	}
	if c.Facts, err = valueOf(form.Facts); err != nil {
		return c, fmt.Errorf("facts: %w", err)
	}
	args := form.Args
	if args == nil {
		args = map[string]any{}
	}
	line, err := json.Marshal(map[string]any{"tool": form.Tool, "identity": form.Identity, "args": args, "inputs": form.Inputs, "untrusted": form.Untrusted, "at": form.At})
	if err != nil {
		return c, err
	}
	c.Call, err = Parse(line)
	return c, err
}

// Test decides a case, and says how the verdict differs from what it must be;
// nil where it does not.
func (r *Replay) Test(c Case) error {
	v, _, err := r.judge(c.Call, func(q policy.Request) (policy.Request, error) { return withFacts(q, c.Facts) })
	switch {
	case err != nil:
		return err
	case v.Effect != c.Want:
		return fmt.Errorf("is %s, want %s: %s", v.Effect, c.Want, v.Reasons[0].Text)
	case c.Reason != "" && !because(v, c.Reason):
		return fmt.Errorf("is %s as it should be, but for reason %s (%s), not %s", v.Effect, v.Reasons[0].Code, v.Reasons[0].Text, c.Reason)
	}
	return nil
}

// because reports whether a verdict has a reason of a code, or was decided by
// a policy of that id.
func because(v policy.Verdict, reason string) bool {
	return slices.ContainsFunc(v.Reasons, func(r policy.Reason) bool { return r.Code == reason }) ||
		slices.ContainsFunc(v.Policies, func(p policy.Determining) bool { return p.ID == reason })
}
