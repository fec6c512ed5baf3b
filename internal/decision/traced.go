package decision

import (
	"slices"

	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
)

// traced holds a call that policies would let run, where an argument has not
// the origin that the manifest asks for: a person must see it first. Where the
// workflow has nobody to ask, it is denied.
func (r *Rules) traced(t manifest.Tool, q policy.Request, v policy.Verdict) policy.Verdict {
	reasons := untraced(t, q.Facts)
	if v.Effect == policy.Deny || len(reasons) == 0 {
		return v
	}
	name := r.Holding(t)
	switch {
	case name == "":
		return policy.Verdict{Effect: policy.Deny, Reasons: append(reasons, policy.Reason{Code: "nobody-to-ask",
			Text: "A person would have to see it first, and the workflow declares no approval: add one under approvals."})}
	case slices.Contains(q.Facts.Approvals, name):
		return v
	}
	if v.Effect == policy.Hold {
		reasons = append(reasons, v.Reasons...)
	}
	v.Effect, v.Reasons = policy.Hold, reasons
	if !slices.Contains(v.Require, name) {
		v.Require = append(slices.Clone(v.Require), name)
	}
	return v
}

// untraced says which arguments have not the origin that they must have.
func untraced(t manifest.Tool, f policy.Facts) (reasons []policy.Reason) {
	for _, name := range f.ArgsUntrusted {
		if arg, _ := t.Arg(name); t.Wants(arg) != manifest.ProvenanceAny {
			reasons = append(reasons, policy.Reason{Code: "untrusted-argument",
				Text: "Argument " + name + " stands only in content that others wrote (output of a tool, a document, a page), and in no cited field."})
		}
	}
	for _, name := range f.ArgsUnknown {
		if arg, _ := t.Arg(name); t.Wants(arg) == manifest.ProvenanceCited {
			reasons = append(reasons, policy.Reason{Code: "uncited-argument",
				Text: "Argument " + name + " stands in no cited field, and its place must be known."})
		}
	}
	return reasons[:min(len(reasons), 20)]
}
