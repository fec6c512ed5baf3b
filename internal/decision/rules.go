// Package decision is how decisions come about, apart from everything that a
// server needs to take and record them: which facts follow from the state that
// records leave behind, what the manifest and the policies make of a call, and
// where routing rules send a case.
//
// The gate decides with it while a run goes on; re-performance decides with it
// again from what a packet holds. There is one way to reach a verdict, so that
// a verdict which cannot be reached again is a difference and no matter of
// taste. The package is pure: time is an argument.
package decision

import (
	"fmt"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
)

// Rules are a manifest with its policies compiled. Their digests are made
// once: every record cites them.
type Rules struct {
	*manifest.Manifest
	Policies *policy.Set

	digest, schema evidence.Digest
}

// Digest is over the manifest's text.
func (r *Rules) Digest() evidence.Digest { return r.digest }

// SchemaDigest is over the schema that the policies were checked against.
func (r *Rules) SchemaDigest() evidence.Digest { return r.schema }

// Compile reads a manifest and its policies. Its error is of kind Invalid and
// lists every fault with line and column.
func Compile(source []byte) (*Rules, error) {
	m, err := manifest.Parse(source)
	if err != nil {
		return nil, evidence.Errorf(evidence.Invalid, "", "%w", err)
	}
	set, err := policy.Compile(policySource(m))
	if err != nil {
		return nil, evidence.Errorf(evidence.Invalid, "", "%w", inFile(m, err))
	}
	return &Rules{m, set, m.Digest(), set.SchemaDigest()}, nil
}

func policySource(m *manifest.Manifest) policy.Source {
	src := policy.Source{Workflow: m.Workflow, Tier: string(m.Tier), Environment: m.Environment, Mode: string(m.Mode), Policies: m.PolicyText()}
	for _, t := range m.Tools {
		tool := policy.Tool{Name: t.Name, Impact: string(t.Impact)}
		for _, a := range t.Args {
			tool.Args = append(tool.Args, policy.Arg{Name: a.Name, Type: string(a.Type), Required: a.Required})
		}
		src.Tools = append(src.Tools, tool)
	}
	for _, i := range m.Identities {
		src.Identities = append(src.Identities, policy.Identity{Name: i.Name, Kind: i.Kind})
	}
	for _, a := range m.Approvals {
		src.Approvals = append(src.Approvals, a.Name)
	}
	return src
}

// inFile moves the places of policy problems to where the text stands in the
// manifest.
func inFile(m *manifest.Manifest, err error) error {
	problems, ok := err.(policy.Problems)
	if !ok {
		return err
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		if p.Line > 0 {
			p.Line, p.Column = m.PolicyPosition(p.Line, p.Column)
		}
		lines[i] = p.String()
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}

// Subject is the digest of the document that a call is about, "" for none.
func (r *Rules) Subject(tool string, args evidence.Value) evidence.Digest {
	t, ok := r.Tool(tool)
	if !ok || t.Subject == "" {
		return ""
	}
	v, _ := args.Get(t.Subject)
	if d := evidence.Digest(v.Text()); d.Valid() {
		return d
	}
	return ""
}

// Named is a tool as records name it, with the impact that the manifest gives
// it.
func (r *Rules) Named(full string) evidence.Tool {
	server, name, _ := strings.Cut(full, "/")
	t, ok := r.Tool(full)
	if !ok {
		return evidence.Tool{Server: server, Name: name, Impact: "unknown"}
	}
	return evidence.Tool{Server: server, Name: name, Impact: string(t.Impact)}
}

// Assurance is that of what is decided: outside enforce mode nothing is
// enforced.
func (r *Rules) Assurance() string {
	if r.Mode == manifest.ModeEnforce {
		return "enforced"
	}
	return "observed"
}
