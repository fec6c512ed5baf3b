// Package policy decides calls. It compiles one workflow's Cedar policies
// against the schema that the workflow's own declarations imply, and judges
// one request at a time: allow, hold for a person, or deny.
//
// It fails closed where Cedar does not. Cedar skips a policy that errors, so
// an erring forbid would let the call through; here any error denies. A name
// that nothing declares, a misspelt annotation or an expression of the wrong
// type is refused when the policies are loaded, not discovered in production.
//
// The package is pure: time is an argument, and a recorded Request gives the
// same Verdict again. docs/policy.md is the manual for whoever writes policies.
package policy

import (
	"fmt"
	"iter"
	"slices"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/evidencefactory/evf/evidence"
)

// EngineVersion names the engine whose reading of Cedar a verdict rests on.
const EngineVersion = "cedar-go v1.9.0"

// Source is what a Set is compiled from: the policies, and the declarations
// that their schema is generated from.
type Source struct {
	Workflow    string // the workflow's name
	Tier        string // low, medium, high or critical
	Environment string // free word
	Mode        string // observe, shadow or enforce
	Policies    string // Cedar text
	Tools       []Tool
	Identities  []Identity
	Approvals   []string // names that an obligation may require
}

// Tool is one tool that policies may speak of.
type Tool struct {
	Name   string // "server/tool"
	Impact string // read, low or high
	Args   []Arg
}

// Arg is one declared argument of a tool.
type Arg struct {
	Name string
	// Type is what the argument is in JSON, and so in Cedar: string (String),
	// integer (Long), boolean (Bool), strings (Set<String>), amount: a string
	// that holds a whole number of at most 18 digits (Long), number (decimal),
	// or json, which policies do not see.
	Type     string
	Required bool
}

// Identity is one principal that policies may speak of.
type Identity struct {
	Name string
	Kind string // agent or workload
}

// Set is one workflow's compiled policies. It is immutable and safe for
// concurrent use; evaluating it costs the same however many others exist.
type Set struct {
	clauses    []*clause // in the order of the text
	tools      map[string]Tool
	identities map[string]bool
	approvals  map[string]bool
	entities   types.EntityMap
	validator  *validate.Validator
	digest     evidence.Digest
	schema     string
}

// clause is one policy with its annotations read.
type clause struct {
	id, version, reason string
	controls            []string
	require             []string // approvals
	requireRouted       bool     // and those that the routing demands
	policy              *cedar.Policy
	line, column        int
}

// ast is the parsed policy, in the form that the validator takes.
func (c *clause) ast() *ast.Policy { return (*ast.Policy)(c.policy.AST()) }

// Compile reads and checks src. Its error is Problems: every fault that can
// be found in one go, in the order of the text.
func Compile(src Source) (*Set, error) {
	problems := src.check()
	if len(problems) > 0 {
		return nil, problems.ordered() // no schema can be made of it
	}
	schema, text, err := schemaOf(src)
	if err != nil {
		return nil, Problems{{Message: "no schema can be made of the declarations: " + err.Error()}}
	}
	s := &Set{
		tools: map[string]Tool{}, identities: map[string]bool{}, approvals: map[string]bool{},
		entities: entitiesOf(src), validator: validate.New(schema),
		digest: evidence.DigestOf([]byte(src.Policies)), schema: text,
	}
	for _, t := range src.Tools {
		s.tools[t.Name] = t
	}
	for _, i := range src.Identities {
		s.identities[i.Name] = true
	}
	for _, a := range src.Approvals {
		s.approvals[a] = true
	}
	s.clauses, problems = parse(src.Policies)
	problems = append(problems, s.inspect(vocabularyOf(src))...)
	if len(problems) > 0 {
		return nil, problems.ordered()
	}
	return s, nil
}

// inspect checks every clause that could be parsed.
func (s *Set) inspect(words vocabulary) (problems Problems) {
	lines := map[string]int{}
	for _, c := range s.clauses {
		found := c.annotate(s.approvals)
		if at, twice := lines[c.id]; twice && c.id != "" {
			found = append(found, fmt.Sprintf("has the @id of the policy on line %d: give it its own", at))
		}
		lines[c.id] = c.line
		if err := s.validator.Policy("", c.ast()); err != nil {
			found = append(found, explain(err)...)
		}
		found = append(found, words.check(c.ast())...)
		for _, message := range found {
			problems = append(problems, Problem{Line: c.line, Column: c.column, Policy: c.id, Message: message})
		}
	}
	return problems
}

// Digest is over the policy text as given.
func (s *Set) Digest() evidence.Digest { return s.digest }

// SchemaText is the generated Cedar schema, for whoever writes policies.
func (s *Set) SchemaText() string { return s.schema }

// SchemaDigest is over SchemaText.
func (s *Set) SchemaDigest() evidence.Digest { return evidence.DigestOf([]byte(s.schema)) }

// inOrder gives the engine the policies in the order of the text, so that a
// verdict lists them in the same order every time (a cedar.PolicySet walks a
// map).
type inOrder []*clause

// All is the engine's way to walk them.
func (clauses inOrder) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, c := range clauses {
			if !yield(cedar.PolicyID(c.id), c.policy) {
				return
			}
		}
	}
}

// clause finds a policy by its id, which Compile made unique.
func (s *Set) clause(id types.PolicyID) *clause {
	i := slices.IndexFunc(s.clauses, func(c *clause) bool { return c.id == string(id) })
	return s.clauses[i]
}
