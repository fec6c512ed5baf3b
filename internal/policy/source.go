package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of what one Set may hold. They keep the time and the stack that
// parsing and validation take small whatever is sent.
const (
	MaxText       = 128 << 10 // bytes of policy text
	MaxPolicies   = 200
	MaxPolicyText = 8 << 10 // bytes of one policy
	MaxNesting    = 32      // brackets within brackets in one policy
	maxTools      = 200
	maxIdentities = 100
	maxArgs       = 64
)

var (
	impacts  = []string{"read", "low", "high"}
	tiers    = []string{"low", "medium", "high", "critical"}
	modes    = []string{"observe", "shadow", "enforce"}
	kinds    = []string{"agent", "workload"}
	argTypes = []string{"string", "integer", "boolean", "strings", "amount", "number", "json"}
)

// check finds declarations that no schema can be made of.
func (s *Source) check() (problems Problems) {
	say := func(format string, args ...any) {
		problems = append(problems, Problem{Message: fmt.Sprintf(format, args...)})
	}
	if len(s.Policies) > MaxText {
		say("the policies are %d bytes, above the bound of %d", len(s.Policies), MaxText)
	}
	if len(s.Tools) > maxTools || len(s.Identities) > maxIdentities {
		say("at most %d tools and %d identities can be declared", maxTools, maxIdentities)
	}
	oneOf := func(what, word string, of []string) {
		if !slices.Contains(of, word) {
			say("%s is %q: it must be one of %s", what, word, strings.Join(of, ", "))
		}
	}
	oneOf("the workflow's tier", s.Tier, tiers)
	oneOf("the workflow's mode", s.Mode, modes)
	seen := map[string]bool{}
	once := func(kind, name string) {
		if seen[kind+" "+name] {
			say("%s %q is declared twice", kind, name)
		}
		seen[kind+" "+name] = true
	}
	for _, i := range s.Identities {
		once("identity", i.Name)
		oneOf("the kind of identity "+i.Name, i.Kind, kinds)
	}
	for _, t := range s.Tools {
		once("tool", t.Name)
		oneOf("the impact of tool "+t.Name, t.Impact, impacts)
		if server, name := cutTool(t.Name); server == "" || name == "" {
			say("tool %q must be named server/tool", t.Name)
		}
		if len(t.Args) > maxArgs {
			say("tool %s has more than %d arguments", t.Name, maxArgs)
		}
		for _, a := range t.Args {
			once("argument", t.Name+" "+a.Name)
			oneOf("the type of argument "+a.Name+" of tool "+t.Name, a.Type, argTypes)
		}
	}
	return problems
}

// cutTool splits "server/tool"; name is empty where there is no slash.
func cutTool(full string) (server, name string) {
	server, name, _ = strings.Cut(full, "/")
	return server, name
}
