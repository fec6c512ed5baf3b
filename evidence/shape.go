package evidence

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Class says who may see a field, and so where it is kept.
type Class string

// The classes, least guarded first. Public fields stand in clear in a record;
// internal, personal and confidential ones are committed to and kept in the
// vault; secret ones are never stored.
const (
	Public       Class = "public"
	Internal     Class = "internal"
	Personal     Class = "personal"
	Confidential Class = "confidential"
	Secret       Class = "secret"
)

// classes in rank order: a manifest may raise a field's class, never lower it.
var classes = []Class{Public, Internal, Personal, Confidential, Secret}

// Rank orders classes, -1 for none of them.
func (c Class) Rank() int { return slices.Index(classes, c) }

// Shape is what the catalogue knows of one value in a record's body: its
// kind, bounds and class. Shapes are compiled once from the Go types in this
// package, and everything else (validation, JSON Schema, commitments) is
// driven by them.
type Shape struct {
	Kind    Kind
	Open    bool     // any JSON value; always withheld
	Integer bool     // a Number without fraction
	Enum    []string // for strings
	Format  string   // time, digest, uuid or ident, for strings
	Max     int      // bytes of a string, elements of an array
	Empty   bool     // an empty string is allowed
	Elem    *Shape   // of an array's elements
	Fields  []FieldShape
}

// FieldShape is one member of an object.
type FieldShape struct {
	Name     string
	Class    Class
	Key      bool   // needed by joins and tests: public, cannot be raised
	Optional bool   // may be absent
	Server   bool   // set by us; a draft that sends it is refused
	Each     bool   // an array withheld element by element
	Text     bool   // free text
	Subject  string // for personal fields: the sibling that names whose it is
	Link     string // the link kind that this field's value becomes
	Pattern  string // pointer from the body's root, * for every array index
	*Shape
}

// Default bounds where a tag sets none.
const (
	defaultMaxString = 1024
	defaultMaxArray  = 256

	maxIdent = 200 // bytes, whatever a tag says
)

var valueType = reflect.TypeFor[Value]()

// shapeOf compiles a Go type. It panics on a type or tag that the rules below
// do not cover: the catalogue is fixed at build time.
//
// The tag `evf:"…"` holds, comma separated: a class (every field of a struct
// that is not itself a struct or a list of structs has one); key, opt, server,
// each, text, empty; max=N; enum=a|b; format=F; subject=FIELD; link=KIND.
func shapeOf(t reflect.Type) *Shape { return shapeAt(t, "") }

// shapeAt compiles a type that stands at a pattern of the body.
func shapeAt(t reflect.Type, at string) *Shape {
	switch {
	case t == valueType:
		return &Shape{Open: true}
	case t.Kind() == reflect.String:
		return &Shape{Kind: String, Max: defaultMaxString}
	case t.Kind() == reflect.Bool:
		return &Shape{Kind: Bool}
	case t.Kind() == reflect.Int64 || t.Kind() == reflect.Int:
		return &Shape{Kind: Number, Integer: true}
	case t.Kind() == reflect.Pointer:
		return shapeAt(t.Elem(), at)
	case t.Kind() == reflect.Slice:
		return &Shape{Kind: Array, Max: defaultMaxArray, Elem: shapeAt(t.Elem(), at+"/*")}
	case t.Kind() == reflect.Struct:
		s := &Shape{Kind: Object}
		for i := range t.NumField() {
			s.Fields = append(s.Fields, fieldShape(t, t.Field(i), at))
		}
		return s
	}
	panic(fmt.Sprintf("evidence: no shape for %v", t))
}

func fieldShape(t reflect.Type, sf reflect.StructField, at string) FieldShape {
	name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
	at = pointer(at, name)
	f := FieldShape{Name: name, Pattern: at, Shape: shapeAt(sf.Type, at)}
	for opt := range strings.SplitSeq(sf.Tag.Get("evf"), ",") {
		f.apply(opt, fmt.Sprintf("%v.%s", t, sf.Name))
	}
	open := f.Open || f.Kind == Array && f.Elem.Open
	switch {
	case name == "" || (f.Class == "") != f.nested():
		panic(fmt.Sprintf("evidence: %v.%s has no name, or no class where it needs one, or one where its fields have their own", t, sf.Name))
	case open && f.Class.Rank() < Internal.Rank():
		panic(fmt.Sprintf("evidence: %v.%s is open and public", t, sf.Name))
	case f.Class == "":
		f.Class = Public // a frame around fields with classes of their own
	}
	return f
}

// nested reports whether f is a frame around fields with classes of their
// own: an object or a list of objects. It is never withheld as a whole.
func (f *FieldShape) nested() bool {
	return f.Kind == Object || f.Kind == Array && f.Elem.Kind == Object
}

func (f *FieldShape) apply(opt, where string) {
	name, arg, _ := strings.Cut(opt, "=")
	leaf := f.Shape
	if f.Kind == Array && !f.Elem.Open {
		leaf = f.Elem // formats and enumerations speak of the elements
	}
	switch name {
	case "":
	case "public", "internal", "personal", "confidential":
		f.Class = Class(name)
	case "key":
		f.Class, f.Key = Public, true
	case "opt":
		f.Optional = true
	case "server":
		f.Server = true
	case "each":
		f.Each = true
	case "text":
		f.Text = true
	case "empty":
		leaf.Empty = true
	case "max":
		n, err := strconv.Atoi(arg)
		if err != nil {
			panic("evidence: " + where + ": " + opt)
		}
		f.Max = n
	case "enum":
		leaf.Enum = strings.Split(arg, "|")
	case "format":
		leaf.Format = arg
	case "subject":
		f.Subject = arg
	case "link":
		f.Link = arg
	default:
		panic("evidence: " + where + ": unknown option " + opt)
	}
}

// Check holds v against the shape. The error is an *Error of kind Invalid
// whose field is the pointer of the first fault below at; it quotes names,
// never values.
func (s *Shape) Check(at string, v Value) error {
	switch {
	case s.Open:
		return checkNoCommitments(at, v)
	case v.Kind() != s.Kind:
		return invalid(at, "is a %s, a %s is expected", v.Kind(), s.Kind)
	case s.Kind == String:
		return s.checkString(at, v.Text())
	case s.Kind == Number:
		if n, ok := v.Int(); s.Integer && (!ok || n > maxInt || n < -maxInt) {
			return invalid(at, "is not a whole number of at most 2^53")
		}
	case s.Kind == Array:
		if len(v.Elems()) > s.Max {
			return invalid(at, "has %d elements, at most %d are allowed", len(v.Elems()), s.Max)
		}
		for i, e := range v.Elems() {
			if err := s.Elem.Check("", e); err != nil {
				return below(at+"/"+strconv.Itoa(i), err)
			}
		}
	case s.Kind == Object:
		return s.checkObject(at, v)
	}
	return nil
}

func (s *Shape) checkObject(at string, v Value) error {
	for _, m := range v.Fields() {
		f := s.Field(m.Name)
		if f == nil {
			return invalid(pointer(at, m.Name), "is not a field of this type: leave it out")
		}
		if err := f.Check("", m.Value); err != nil {
			return below(pointer(at, m.Name), err)
		}
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if _, ok := v.Get(f.Name); !ok && !f.Optional {
			return invalid(pointer(at, f.Name), "is missing")
		}
	}
	return nil
}

// Field finds a member by name, nil where there is none.
func (s *Shape) Field(name string) *FieldShape {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// At finds the field that a pointer with * for array elements names, nil where
// the shape has none there.
func (s *Shape) At(pattern string) *FieldShape {
	tokens, err := splitPointer(pattern)
	if err != nil {
		return nil
	}
	var f *FieldShape
	for _, token := range tokens {
		if s.Kind == Array && token == "*" {
			s = s.Elem
			continue
		}
		if f = s.Field(token); f == nil {
			return nil
		}
		s = f.Shape
	}
	return f
}

func (s *Shape) checkString(at, text string) error {
	switch {
	case text == "" && !s.Empty:
		return invalid(at, "is empty")
	case s.Max > 0 && len(text) > s.Max:
		return invalid(at, "has %d bytes, at most %d are allowed", len(text), s.Max)
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
		return invalid(at, "is not one of %s", strings.Join(s.Enum, ", "))
	case text != "" && !formatOK(s.Format, text):
		return invalid(at, "has not the form of a %s", s.Format)
	}
	return nil
}

func formatOK(format, text string) bool {
	switch format {
	case "":
		return true
	case "time":
		_, err := Time(text).Parse()
		return err == nil
	case "digest":
		return Digest(text).Valid()
	case "uuid":
		return IsUUIDv7(text)
	case "ident":
		return isIdent(text)
	}
	panic("evidence: unknown format " + format)
}

// isIdent accepts names of rules, tools, checks, roles and the like: letters,
// digits and . _ / @ * : + - , at most maxIdent bytes.
func isIdent(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("._/@*:+-", c) < 0 {
			return false
		}
	}
	return len(s) <= maxIdent
}

// checkNoCommitments refuses the two names that stand for withheld values, so
// that nobody smuggles a commitment in.
func checkNoCommitments(at string, v Value) error {
	for i, e := range v.Elems() {
		if err := checkNoCommitments("", e); err != nil {
			return below(at+"/"+strconv.Itoa(i), err)
		}
	}
	for _, m := range v.Fields() {
		if m.Name == sdName || m.Name == sdElement {
			return invalid(pointer(at, m.Name), "is a reserved name: it stands for withheld values")
		}
		if err := checkNoCommitments("", m.Value); err != nil {
			return below(pointer(at, m.Name), err)
		}
	}
	return nil
}

func pointer(at, name string) string { return at + "/" + escapePointer(name) }

// below puts the place of what was checked before that of the fault found in
// it. Pointers are written on the way up only, so a sound body costs none.
func below(at string, err error) error {
	if e, ok := err.(*Error); ok {
		e.Field = at + e.Field
	}
	return err
}

func invalid(at, format string, args ...any) error { return Errorf(Invalid, at, format, args...) }
