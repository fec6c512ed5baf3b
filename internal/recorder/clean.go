package recorder

import (
	"slices"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/redact"
)

// cleaner walks a body before anything of it is kept. What was found in free
// text is taken out there and noted; a secret anywhere else refuses the draft,
// because a value that was changed would be evidence of something that never
// was.
type cleaner struct {
	typ     evidence.Type
	raise   func(evidence.Type, string) evidence.Class // nil raises none
	house   bool
	removed []evidence.Removed
}

// spot is where the walk stands.
type spot struct {
	at      string // pointer into the body
	pattern string // the same with * for every array index
	dropped bool   // the manifest has everything here dropped
}

func (p spot) member(name string) spot {
	name = "/" + pointerToken.Replace(name)
	return spot{p.at + name, p.pattern + name, p.dropped}
}

func (p spot) elem(i int) spot {
	return spot{p.at + "/" + strconv.Itoa(i), p.pattern + "/*", p.dropped}
}

var pointerToken = strings.NewReplacer("~", "~0", "/", "~1")

// clean is a checked body as it may be kept, with the note of what was taken
// out of it. Errors are of kind Invalid, name the field and what was found
// there, and never quote it.
func (o *Origin) clean(d *Draft, body evidence.Value) (evidence.Value, []evidence.Removed, error) {
	for i, l := range d.Links {
		at := "/links/" + strconv.Itoa(i)
		if err := checkPublic(at+"/kind", l.Kind); err != nil {
			return body, nil, err
		}
		if err := checkPublic(at+"/id", l.ID); err != nil {
			return body, nil, err
		}
	}
	c := cleaner{typ: d.Type, raise: o.Raise, house: o.House}
	body, err := c.object(d.Type.Shape(), spot{}, body)
	if err != nil {
		err.Field = "/body" + err.Field
		return body, nil, err
	}
	slices.SortFunc(c.removed, evidence.CompareRemoved)
	return body, c.removed, nil
}

func (c *cleaner) object(shape *evidence.Shape, p spot, v evidence.Value) (evidence.Value, *evidence.Error) {
	fields := slices.Clone(v.Fields())
	for i, m := range v.Fields() {
		f := shape.Field(m.Name)
		here := p.member(m.Name)
		if c.raise != nil && !f.Key && c.raise(c.typ, here.pattern) == evidence.Secret {
			here.dropped = true
		}
		clean, err := c.field(f, here, m.Value)
		if err != nil {
			return v, err
		}
		fields[i].Value = clean
	}
	out, _ := evidence.ObjectValue(fields...) // the names are those of v
	return out, nil
}

// field cleans the value of one field. What will be dropped needs no care, but
// for keys inside it, which stay.
func (c *cleaner) field(f *evidence.FieldShape, p spot, v evidence.Value) (evidence.Value, *evidence.Error) {
	switch {
	case f.Kind == evidence.Object:
		return c.object(f.Shape, p, v)
	case f.Kind == evidence.Array && !f.Elem.Open:
		return c.list(f, p, v)
	case p.dropped && !f.Key:
		return v, nil
	case f.Text:
		return c.text(f, p, v), nil
	case f.Kind == evidence.String:
		return v, c.value(f, f.Shape, p, v)
	}
	return v, checkOpen(p.at, "", v)
}

func (c *cleaner) list(f *evidence.FieldShape, p spot, v evidence.Value) (evidence.Value, *evidence.Error) {
	list := slices.Clone(v.Elems())
	for i, e := range list {
		var err *evidence.Error
		switch {
		case f.Elem.Kind == evidence.Object:
			list[i], err = c.object(f.Elem, p.elem(i), e)
		case !p.dropped || f.Key:
			err = c.value(f, f.Elem, p.elem(i), e)
		}
		if err != nil {
			return v, err
		}
	}
	return evidence.ArrayValue(list...), nil
}

// text takes out of a free text what must not be stored.
func (c *cleaner) text(f *evidence.FieldShape, p spot, v evidence.Value) evidence.Value {
	clean, found := redact.MaskWithin(v.Text(), f.Max)
	if len(found) == 0 {
		return v
	}
	for _, kind := range found {
		at := slices.IndexFunc(c.removed, func(m evidence.Removed) bool { return m.Pointer == p.at && m.Kind == string(kind) })
		if at < 0 {
			at = len(c.removed)
			c.removed = append(c.removed, evidence.Removed{Pointer: p.at, Kind: string(kind)})
		}
		c.removed[at].Count++
	}
	return evidence.StringValue(clean)
}

// value holds a string that is no free text against what it may hold. Forms
// that leave no room for a secret are not looked at.
func (c *cleaner) value(f *evidence.FieldShape, s *evidence.Shape, p spot, v evidence.Value) *evidence.Error {
	switch {
	case len(s.Enum) > 0, s.Format == "time", s.Format == "digest", s.Format == "uuid":
		return nil
	case f.Class == evidence.Public && (s.Format == "ident" || !c.house):
		return checkPublic(p.at, v.Text())
	}
	return checkText(p.at, v.Text())
}

// checkPublic refuses secrets, and personal data that has no business where
// everyone can read it.
func checkPublic(at, text string) *evidence.Error {
	if err := checkText(at, text); err != nil {
		return err
	}
	if kind, ok := redact.Identifying(text); ok {
		return evidence.Errorf(evidence.Invalid, at, "holds personal data (%s), and stands in clear in the record: send a reference instead", kind)
	}
	return nil
}

func checkText(at, text string) *evidence.Error {
	if kind, ok := redact.Secret(text); ok {
		return refusal(at, kind)
	}
	return nil
}

func refusal(at string, kind redact.Kind) *evidence.Error {
	return evidence.Errorf(evidence.Invalid, at, "holds a secret (%s), which is never stored: send a reference to where it is kept", kind)
}

// CheckOpen refuses a value that holds a secret, or has a member whose name
// says that its value is one. The error is of kind Invalid; its field is the
// pointer of the secret below at.
func CheckOpen(at string, v evidence.Value) error {
	if err := checkOpen(at, "", v); err != nil {
		return err
	}
	return nil
}

// checkOpen is CheckOpen for the value of a member, "" for none.
func checkOpen(at, name string, v evidence.Value) *evidence.Error {
	switch v.Kind() {
	case evidence.String, evidence.Number:
		if kind, ok := redact.NamedSecret(name, v.Text()); ok && name != "" {
			return refusal(at, kind)
		}
		return checkText(at, v.Text())
	case evidence.Array:
		for i, e := range v.Elems() {
			if err := checkOpen(at+"/"+strconv.Itoa(i), name, e); err != nil {
				return err
			}
		}
	case evidence.Object:
		for _, m := range v.Fields() {
			if kind, ok := redact.Secret(m.Name); ok {
				return evidence.Errorf(evidence.Invalid, at, "has a member whose name holds a secret (%s), which is never stored: leave it out", kind)
			}
			if err := checkOpen(at+"/"+pointerToken.Replace(m.Name), m.Name, m.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkObjects refuses objects that hold a secret: they are kept in clear.
func checkObjects(objects [][]byte) error {
	for _, data := range objects {
		if kind, ok := redact.Secret(string(data)); ok {
			return evidence.Errorf(evidence.Invalid, "", "a file that would be kept holds a secret (%s), which is never stored: put a reference in its place", kind)
		}
	}
	return nil
}
