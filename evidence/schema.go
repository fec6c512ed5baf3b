package evidence

import (
	"bytes"
	"encoding/json"
	"slices"
)

// schemaBase begins the $id of every schema; the rest is the file's name.
const schemaBase = "https://github.com/evidencefactory/evf/schema/"

// SchemaFor is the JSON Schema (draft 2020-12) of a type's body, nil for a
// type that the catalogue does not hold. The root describes the body of a
// draft; $defs/sealed the body as a record holds it, with the fields the
// house sets and with commitments in place of what is withheld. What JSON
// Schema has no word for stands in x-evf-… members, described in
// docs/formats/leaf-and-record.md.
func SchemaFor(t Type) []byte {
	shape := t.Shape()
	if shape == nil {
		return nil
	}
	return bodySchema(string(t), shape)
}

func bodySchema(name string, shape *Shape) []byte {
	root := draftSchema(shape)
	root.Schema, root.ID, root.Title = schemaDialect, schemaBase+name+".v1.json", name
	root.Description = "The body of a draft of this type. $defs/sealed is the body as a record holds it."
	root.Defs = members{{"sealed", sealedSchema(shape)}}
	if shape.hasOpen() {
		root.Defs = append(root.Defs, member{"open", openSchema()})
	}
	return root.encode()
}

const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// Patterns of the forms that ident.go, shape.go and record.go check, without
// anchors.
const (
	patternUUID    = `[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
	patternDigest  = `sha256:[0-9a-f]{64}`
	patternTime    = `[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z`
	patternIdent   = `[A-Za-z0-9._/@*:+-]{1,200}`
	patternDotted  = `[a-z0-9._]{1,40}`
	patternKind    = `[a-z0-9-]{1,40}`
	patternTenant  = `[a-z0-9-]{1,63}`
	patternPointer = `(/([^/~]|~[01])*)+`
	// The last character carries fewer than six bits: strict base64url
	// (RFC 4648 section 3.5) wants the spare ones zero.
	patternSalt       = `[A-Za-z0-9_-]{21}[AQgw]`
	patternCommitment = `[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]`
)

// jsonSchema holds the words of JSON Schema that this package needs, in the
// order in which a person reads them.
type jsonSchema struct {
	Schema      string      `json:"$schema,omitempty"`
	ID          string      `json:"$id,omitempty"`
	Title       string      `json:"title,omitempty"`
	Description string      `json:"description,omitempty"`
	Ref         string      `json:"$ref,omitempty"`
	Type        string      `json:"type,omitempty"`
	Class       Class       `json:"x-evf-class,omitempty"`
	Key         bool        `json:"x-evf-key,omitempty"`
	Server      bool        `json:"x-evf-server,omitempty"`
	Link        string      `json:"x-evf-link,omitempty"`
	Subject     string      `json:"x-evf-subject,omitempty"`
	MaxBytes    int         `json:"x-evf-max-bytes,omitempty"`
	Withheld    []string    `json:"x-evf-withheld,omitempty"`
	Const       *int        `json:"const,omitempty"`
	Enum        []string    `json:"enum,omitempty"`
	MinLength   int         `json:"minLength,omitempty"`
	MaxLength   int         `json:"maxLength,omitempty"`
	Pattern     string      `json:"pattern,omitempty"`
	Minimum     *int        `json:"minimum,omitempty"`
	Maximum     *int        `json:"maximum,omitempty"`
	MinItems    int         `json:"minItems,omitempty"`
	MaxItems    *int        `json:"maxItems,omitempty"`
	UniqueItems bool        `json:"uniqueItems,omitempty"`
	Items       *jsonSchema `json:"items,omitempty"`
	AnyOf       []any       `json:"anyOf,omitempty"`
	Names       *jsonSchema `json:"propertyNames,omitempty"`
	Not         *jsonSchema `json:"not,omitempty"`
	Properties  members     `json:"properties,omitempty"`
	Required    []string    `json:"required,omitempty"`
	Additional  any         `json:"additionalProperties,omitempty"`
	Defs        members     `json:"$defs,omitempty"`
}

// members are named schemas that keep the order of the catalogue.
type members []member

type member struct {
	name   string
	schema *jsonSchema
}

func (ms members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, m := range ms {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(appendString(nil, m.name))
		b.WriteByte(':')
		b.Write(m.schema.encode())
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode writes the schema as its golden file holds it.
func (s *jsonSchema) encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		panic("evidence: " + err.Error()) // cannot happen: strings, numbers and lists only
	}
	return b.Bytes()
}

// objectSchema is an object of exactly these members.
func objectSchema(properties members, required ...string) *jsonSchema {
	return &jsonSchema{Type: "object", Properties: properties, Required: required, Additional: false}
}

func patternSchema(pattern string) *jsonSchema {
	return &jsonSchema{Type: "string", Pattern: "^" + pattern + "$"}
}

// optionalSchema also accepts the empty string.
func optionalSchema(pattern string) *jsonSchema {
	return patternSchema("(" + pattern + ")?")
}

func arraySchema(items *jsonSchema, most int) *jsonSchema {
	return &jsonSchema{Type: "array", MaxItems: &most, Items: items}
}

// draftSchema is a body as a caller sends it.
func draftSchema(s *Shape) *jsonSchema {
	var properties members
	var required []string
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Server {
			continue
		}
		if !f.Optional {
			required = append(required, f.Name)
		}
		properties = append(properties, member{f.Name, f.schema(valueSchema(f.Shape, draftSchema))})
	}
	return objectSchema(properties, required...)
}

// sealedSchema is a body as a record holds it: what is always withheld is no
// property, and what may be withheld is not required.
func sealedSchema(s *Shape) *jsonSchema {
	var properties members
	var required, mayHide []string
	for i := range s.Fields {
		f := &s.Fields[i]
		fixed := f.Key || f.nested()
		if fixed && !f.Optional {
			required = append(required, f.Name)
		}
		if !fixed && !f.Each {
			mayHide = append(mayHide, f.Name)
		}
		if f.Class == Public || f.Each {
			properties = append(properties, member{f.Name, f.schema(sealedValueSchema(f))})
		}
	}
	if len(mayHide) > 0 {
		properties = append(properties, member{sdName, commitmentsSchema(mayHide)})
	}
	return objectSchema(properties, required...)
}

func sealedValueSchema(f *FieldShape) *jsonSchema {
	v := valueSchema(f.Shape, sealedSchema)
	if !f.Each {
		return v
	}
	hidden := objectSchema(members{{sdElement, patternSchema(patternCommitment)}}, sdElement)
	if f.Class == Public {
		v.Items = &jsonSchema{AnyOf: []any{v.Items, hidden}}
	} else {
		v.Items = hidden
	}
	return v
}

func commitmentsSchema(mayHide []string) *jsonSchema {
	s := arraySchema(patternSchema(patternCommitment), len(mayHide))
	s.Description = "Digests of the disclosures (RFC 9901) of withheld members, sorted."
	s.Withheld, s.MinItems, s.UniqueItems = mayHide, 1, true
	return s
}

// schema adds what the catalogue knows of the field to the schema of its value.
func (f *FieldShape) schema(v *jsonSchema) *jsonSchema {
	if !f.nested() {
		v.Class = f.Class
	}
	v.Key, v.Server, v.Link, v.Subject = f.Key, f.Server, f.Link, f.Subject
	return v
}

// valueSchema is a value of the shape; object says how objects in it look.
func valueSchema(s *Shape, object func(*Shape) *jsonSchema) *jsonSchema {
	switch {
	case s.Open:
		return &jsonSchema{Ref: "#/$defs/open"}
	case s.Kind == Object:
		return object(s)
	case s.Kind == Array:
		return arraySchema(valueSchema(s.Elem, object), s.Max)
	case s.Kind == String:
		return stringSchema(s)
	case s.Kind == Number:
		low, high := -maxInt, maxInt
		return &jsonSchema{Type: "integer", Minimum: &low, Maximum: &high}
	}
	return &jsonSchema{Type: s.Kind.String()}
}

func stringSchema(s *Shape) *jsonSchema {
	if s.Enum != nil {
		return &jsonSchema{Type: "string", Enum: s.Enum}
	}
	if s.Format != "" {
		pattern := formatPatterns[s.Format]
		if s.Empty {
			return optionalSchema(pattern)
		}
		return patternSchema(pattern)
	}
	// JSON Schema counts characters, the house bytes.
	v := &jsonSchema{Type: "string", MaxLength: s.Max, MaxBytes: s.Max}
	if !s.Empty {
		v.MinLength = 1
	}
	return v
}

var formatPatterns = map[string]string{"time": patternTime, "digest": patternDigest, "uuid": patternUUID, "ident": patternIdent}

// hasOpen reports whether a value of any JSON shape occurs below s.
func (s *Shape) hasOpen() bool {
	return s.Open || s.Elem != nil && s.Elem.hasOpen() ||
		slices.ContainsFunc(s.Fields, func(f FieldShape) bool { return f.hasOpen() })
}

// openSchema is any JSON value that holds no commitment.
func openSchema() *jsonSchema {
	self := &jsonSchema{Ref: "#/$defs/open"}
	return &jsonSchema{
		Description: "Any JSON value; the two names that stand for withheld values are refused.",
		Items:       self,
		Names:       &jsonSchema{Not: &jsonSchema{Enum: []string{sdName, sdElement}}},
		Additional:  self,
	}
}

// DraftSchema is the JSON Schema of a draft from outside the house. Types that
// only the house writes are not among its types.
func DraftSchema() []byte {
	types := &jsonSchema{Type: "string"}
	for _, t := range Types() {
		if !t.Reserved() {
			types.Enum = append(types.Enum, string(t))
		}
	}
	s := objectSchema(members{
		{"id", patternSchema(patternUUID)},
		{"type", types},
		{"occurred", patternSchema(patternTime)},
		{"run", optionalSchema(patternUUID)},
		{"links", linksSchema()},
		{"body", &jsonSchema{Type: "object"}},
	}, "id", "type", "occurred", "body")
	s.Schema, s.ID, s.Title = schemaDialect, schemaBase+"draft.v1.json", "draft"
	s.Description = "What a caller submits. Its body is described by the schema of its type."
	return s.encode()
}

// RecordSchema is the JSON Schema of a record of this version.
func RecordSchema() []byte {
	version := Version
	workflow := stringsSchema("digest", "mode", "name", "tier")
	workflow.Properties[0].schema = patternSchema(patternDigest)
	workflow.Properties[1].schema.Enum = workflowModes
	workflow.Properties[3].schema.Enum = workflowTiers
	links := linksSchema()
	links.UniqueItems = true
	actor := stringsSchema("kind", "ref")
	actor.Properties[0].schema.Enum = actorKinds
	withheld := stringsSchema("class", "pointer")
	withheld.Properties[0].schema.Enum = []string{string(Internal), string(Personal), string(Confidential), string(Secret)}
	withheld.Properties[1].schema = patternSchema(patternPointer)
	removed := stringsSchema("count", "kind", "pointer")
	one, most := 1, MaxRecord
	removed.Properties[0].schema = &jsonSchema{Type: "integer", Minimum: &one, Maximum: &most}
	removed.Properties[1].schema = patternSchema(patternKind)
	removed.Properties[2].schema = patternSchema(patternPointer)
	s := sealedObject("record", members{
		{"actor", actor},
		{"body", &jsonSchema{Type: "object", Description: "As $defs/sealed of the schema of its type describes it."}},
		{"id", patternSchema(patternUUID)},
		{"links", links},
		{"occurred", patternSchema(patternTime)},
		{"received", patternSchema(patternTime)},
		{"removed", &jsonSchema{Type: "array", MinItems: 1, UniqueItems: true, Items: removed}},
		{"run", optionalSchema(patternUUID)},
		{"salt", patternSchema(patternSalt)},
		{"source", stringsSchema("kind", "name", "version")},
		{"type", patternSchema(patternDotted)},
		{"v", &jsonSchema{Type: "integer", Const: &version}},
		{"withheld", &jsonSchema{Type: "array", UniqueItems: true, Items: withheld}},
		{"workflow", &jsonSchema{AnyOf: []any{&jsonSchema{Type: "null"}, workflow}}},
	})
	s.Required = slices.DeleteFunc(s.Required, func(name string) bool { return name == "removed" })
	s.Description, s.MaxBytes = "One sealed fact: envelope and typed body.", MaxRecord
	return s.encode()
}

// LeafSchema is the JSON Schema of a leaf of this version.
func LeafSchema() []byte {
	version, first, last := Version, 0, maxInt
	s := sealedObject("leaf", members{
		{"digest", patternSchema(patternDigest)},
		{"id", patternSchema(patternUUID)},
		{"prev", patternSchema(patternDigest)},
		{"received", patternSchema(patternTime)},
		{"seq", &jsonSchema{Type: "integer", Minimum: &first, Maximum: &last}},
		{"tenant", patternSchema(patternTenant)},
		{"type", patternSchema(patternDotted)},
		{"v", &jsonSchema{Type: "integer", Const: &version}},
	})
	s.Description = "What the log seals: one line per record, chained to the one before."
	return s.encode()
}

// sealedObject is a root schema whose members are all required.
func sealedObject(name string, properties members) *jsonSchema {
	var required []string
	for _, p := range properties {
		required = append(required, p.name)
	}
	s := objectSchema(properties, required...)
	s.Schema, s.ID, s.Title = schemaDialect, schemaBase+name+".v1.json", name
	return s
}

func stringsSchema(names ...string) *jsonSchema {
	var properties members
	for _, name := range names {
		properties = append(properties, member{name, &jsonSchema{Type: "string"}})
	}
	return objectSchema(properties, names...)
}

func linksSchema() *jsonSchema {
	link := stringsSchema("id", "kind")
	id := link.Properties[0].schema
	id.MinLength, id.MaxLength, id.MaxBytes = 1, maxLinkID, maxLinkID
	link.Properties[1].schema = patternSchema(patternDotted)
	return arraySchema(link, MaxLinks)
}
