package policy

import (
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// Entity types of the schema.
const (
	typeAction   = types.EntityType("Action")
	typeIdentity = types.EntityType("Identity")
	typeTool     = types.EntityType("Tool")
	typeWorkflow = types.EntityType("Workflow")
)

// schemaOf generates the schema: its text, and what the text resolves to. The
// text is read back, so that its digest covers what evaluation really uses.
func schemaOf(src Source) (*resolved.Schema, string, error) {
	generated := schema.NewSchemaFromAST(&ast.Schema{
		CommonTypes: ast.CommonTypes{"Facts": {Type: factsType()}},
		Entities: ast.Entities{
			"Identity": {Shape: attributes(ast.String(), "kind")},
			"Workflow": {Shape: attributes(ast.String(), "environment", "mode", "tier")},
			"Tool":     {Shape: toolType()},
		},
		Actions: actionsOf(src),
	})
	text, err := generated.MarshalCedar()
	if err != nil {
		return nil, "", err
	}
	var read schema.Schema
	if err := read.UnmarshalCedar(text); err != nil {
		return nil, "", err
	}
	declared, err := read.Resolve()
	return declared, string(text), err
}

func attributes(t ast.IsType, names ...types.String) ast.RecordType {
	r := ast.RecordType{}
	for _, name := range names {
		r[name] = ast.Attribute{Type: t}
	}
	return r
}

func toolType() ast.RecordType {
	r := attributes(ast.String(), "impact", "name", "server")
	r["workflow"] = ast.Attribute{Type: ast.EntityType(typeWorkflow)}
	return r
}

// actionsOf declares one action per tool, in the group of its impact. All
// three groups exist, so that a policy about high impact still loads in a
// workflow that has none.
func actionsOf(src Source) ast.Actions {
	actions := ast.Actions{}
	for _, impact := range impacts {
		actions[types.String(impact)] = ast.Action{}
	}
	for _, t := range src.Tools {
		actions[types.String(t.Name)] = ast.Action{
			Parents: []ast.ParentRef{ast.ParentRefFromID(types.String(t.Impact))},
			AppliesTo: &ast.AppliesTo{
				Principals: []ast.EntityTypeRef{ast.EntityType(typeIdentity)},
				Resources:  []ast.EntityTypeRef{ast.EntityType(typeTool)},
				Context: ast.RecordType{
					"args":  {Type: argsType(t)},
					"facts": {Type: ast.Type("Facts")},
					"now":   {Type: ast.Long()},
				},
			},
		}
	}
	return actions
}

func argsType(t Tool) ast.RecordType {
	r := ast.RecordType{}
	for _, a := range t.Args {
		if a.Type == "json" {
			continue
		}
		r[types.String(a.Name)] = ast.Attribute{Type: cedarType(a.Type), Optional: !a.Required}
	}
	return r
}

func cedarType(argType string) ast.IsType {
	switch argType {
	case "integer", "amount":
		return ast.Long()
	case "boolean":
		return ast.Bool()
	case "strings":
		return ast.Set(ast.String())
	case "number":
		return ast.Decimal()
	}
	return ast.String()
}

// entitiesOf is the world that policies see: it does not change from request
// to request, so it is made once.
func entitiesOf(src Source) types.EntityMap {
	world := types.EntityMap{}
	add := func(uid types.EntityUID, attrs types.RecordMap, parents ...types.EntityUID) {
		world[uid] = types.Entity{UID: uid, Attributes: types.NewRecord(attrs), Parents: types.NewEntityUIDSet(parents...)}
	}
	workflow := types.NewEntityUID(typeWorkflow, types.String(src.Workflow))
	add(workflow, types.RecordMap{
		"environment": types.String(src.Environment), "mode": types.String(src.Mode), "tier": types.String(src.Tier),
	})
	for _, impact := range impacts {
		add(types.NewEntityUID(typeAction, types.String(impact)), nil)
	}
	for _, i := range src.Identities {
		add(types.NewEntityUID(typeIdentity, types.String(i.Name)), types.RecordMap{"kind": types.String(i.Kind)})
	}
	for _, t := range src.Tools {
		server, name := cutTool(t.Name)
		add(types.NewEntityUID(typeAction, types.String(t.Name)), nil, types.NewEntityUID(typeAction, types.String(t.Impact)))
		add(types.NewEntityUID(typeTool, types.String(t.Name)), types.RecordMap{
			"server": types.String(server), "name": types.String(name),
			"impact": types.String(t.Impact), "workflow": workflow,
		})
	}
	return world
}
