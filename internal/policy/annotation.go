package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const maxReason = 300 // characters

var (
	idForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.-]{0,31}$`)
	controlForm = regexp.MustCompile(`^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$`)
)

var annotations = []string{"id", "version", "reason", "control", "obligation"}

// annotate reads the annotations of c, and says what is wrong with them. One
// that is not known is refused: a misspelt @obligation must not be a permit
// without one.
func (c *clause) annotate(approvals map[string]bool) (faults []string) {
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	found := map[string]string{}
	for _, a := range c.ast().Annotations {
		name := string(a.Key)
		if !slices.Contains(annotations, name) {
			say("has an unknown annotation @%s: known are @%s", name, strings.Join(annotations, ", @"))
		}
		found[name] = string(a.Value)
	}
	c.id, c.version, c.reason = found["id"], found["version"], found["reason"]
	if !idForm.MatchString(c.id) {
		c.id = ""
		say(`needs an @id("...") of 1 to 64 of a-z, 0-9, dot, underscore and hyphen`)
	}
	if !versionForm.MatchString(c.version) {
		say(`needs a @version("...") of 1 to 32 of letters, digits, dot and hyphen: raise it with every change`)
	}
	if n := utf8.RuneCountInString(c.reason); strings.TrimSpace(c.reason) == "" || n > maxReason {
		say(`needs a @reason("...") of 1 to %d characters: a sentence that the caller and an auditor can read`, maxReason)
	}
	if value, ok := found["control"]; ok {
		c.controls = list(value)
		for _, control := range c.controls {
			if !controlForm.MatchString(control) {
				say(`@control names %q: write the ids of controls with commas between, as in "AEF-AUT-02"`, control)
			}
		}
	}
	if value, ok := found["obligation"]; ok {
		faults = append(faults, c.oblige(list(value), approvals)...)
	}
	return faults
}

// oblige reads the obligations of a permit.
func (c *clause) oblige(obligations []string, approvals map[string]bool) (faults []string) {
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if !bool(c.policy.Effect()) {
		say("is a forbid and cannot carry an @obligation: nothing it could ask for would let the call through")
	}
	for _, o := range obligations {
		name, isApproval := strings.CutPrefix(o, "require_approval:")
		switch {
		case o == "require_routed":
			c.requireRouted = true
		case !isApproval:
			say("has an unknown obligation %q: known are require_approval:NAME and require_routed", o)
		case !approvals[name]:
			say("requires approval %q, which the workflow does not declare", name)
		default:
			c.require = append(c.require, name)
		}
	}
	return faults
}

// list splits at commas and drops the space around.
func list(value string) []string {
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
