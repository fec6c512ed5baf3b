package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// vocabulary holds the names that policies may compare with. The schema
// checks types only: a forbid that names Tool::"books/post_invoce" would load
// and never match.
type vocabulary struct {
	entities map[types.EntityType][]string
	words    map[string][]string // by path, such as resource.impact
}

func vocabularyOf(src Source) vocabulary {
	var tools, servers, names, identities []string
	for _, t := range src.Tools {
		server, name := cutTool(t.Name)
		tools, servers, names = append(tools, t.Name), append(servers, server), append(names, name)
	}
	for _, i := range src.Identities {
		identities = append(identities, i.Name)
	}
	return vocabulary{
		entities: map[types.EntityType][]string{
			typeIdentity: identities, typeTool: tools, typeWorkflow: {src.Workflow},
		},
		words: map[string][]string{
			"principal.kind":          kinds,
			"resource.impact":         impacts,
			"resource.server":         servers,
			"resource.name":           names,
			"resource.workflow.tier":  tiers,
			"resource.workflow.mode":  modes,
			"context.facts.route":     src.Approvals,
			"context.facts.approvals": src.Approvals,
		},
	}
}

// check says which names of a policy nothing declares.
func (v vocabulary) check(p *ast.Policy) (faults []string) {
	for _, uid := range append(scopeEntities(p.Principal), scopeEntities(p.Resource)...) {
		faults = append(faults, v.entity(uid)...)
	}
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			if value, ok := n.(ast.NodeValue); ok {
				if uid, ok := value.Value.(types.EntityUID); ok {
					faults = append(faults, v.entity(uid)...)
				}
			}
			if left, right, ok := comparison(n); ok {
				faults = append(faults, v.compare(left, right)...)
				faults = append(faults, v.compare(right, left)...)
			}
			return true
		})
	}
	return faults
}

func (v vocabulary) entity(uid types.EntityUID) []string {
	names, known := v.entities[uid.Type]
	if !known || slices.Contains(names, string(uid.ID)) {
		return nil
	}
	return []string{fmt.Sprintf("names %s, which the workflow does not declare", uid)}
}

// compare checks the literals that stand against a path of known words.
func (v vocabulary) compare(side, other ast.IsNode) (faults []string) {
	at := path(side)
	words, known := v.words[at]
	if !known {
		return nil
	}
	for _, literal := range literals(other) {
		if !slices.Contains(words, literal) {
			faults = append(faults, fmt.Sprintf("compares %s with %q, which it can never be: it knows %s", at, literal, strings.Join(words, ", ")))
		}
	}
	return faults
}

func scopeEntities(scope ast.IsScopeNode) []types.EntityUID {
	switch s := scope.(type) {
	case ast.ScopeTypeEq:
		return []types.EntityUID{s.Entity}
	case ast.ScopeTypeIn:
		return []types.EntityUID{s.Entity}
	case ast.ScopeTypeIsIn:
		return []types.EntityUID{s.Entity}
	}
	return nil
}

// comparison is the two sides of a node that compares.
func comparison(n ast.IsNode) (left, right ast.IsNode, ok bool) {
	switch n := n.(type) {
	case ast.NodeTypeEquals:
		return n.Left, n.Right, true
	case ast.NodeTypeNotEquals:
		return n.Left, n.Right, true
	case ast.NodeTypeContains:
		return n.Left, n.Right, true
	case ast.NodeTypeContainsAll:
		return n.Left, n.Right, true
	case ast.NodeTypeContainsAny:
		return n.Left, n.Right, true
	}
	return nil, nil, false
}

// path writes attribute access with dots, "" where n is anything else.
func path(n ast.IsNode) string {
	switch n := n.(type) {
	case ast.NodeTypeVariable:
		return string(n.Name)
	case ast.NodeTypeAccess:
		if base := path(n.Arg); base != "" {
			return base + "." + string(n.Value)
		}
	}
	return ""
}

// literals are the strings of a literal, or of a set of them.
func literals(n ast.IsNode) (found []string) {
	switch n := n.(type) {
	case ast.NodeValue:
		if s, ok := n.Value.(types.String); ok {
			return []string{string(s)}
		}
	case ast.NodeTypeSet:
		for _, e := range n.Elements {
			found = append(found, literals(e)...)
		}
	}
	return found
}
