package recorder

import (
	"slices"
	"strconv"

	"github.com/evidencefactory/evf/evidence"
)

// Draft is what a caller hands in. Everything else in a record is ours to set.
type Draft struct {
	ID       evidence.RecordID
	Type     evidence.Type
	Occurred evidence.Time
	Run      evidence.RunID // "" for none
	Links    []evidence.Link
	Body     evidence.Value
}

var draftFields = []string{"id", "type", "occurred", "run", "links", "body"}

// serverFields are those of a record that a draft must not send.
var serverFields = []string{"v", "salt", "tenant", "seq", "prev", "received", "digest", "workflow", "actor", "source", "assurance", "withheld"}

// ParseDraft reads one draft: a JSON object of id, type, occurred, body and,
// where they apply, run and links. Errors are of kind Invalid and name the
// field by its pointer.
func ParseDraft(data []byte) (Draft, error) {
	if len(data) > evidence.MaxRecord {
		return Draft{}, evidence.Errorf(evidence.Invalid, "", "the draft has %d bytes, at most %d are allowed: keep larger content as an object and cite its digest", len(data), evidence.MaxRecord)
	}
	v, err := evidence.ParseValue(data)
	if err != nil {
		return Draft{}, evidence.Errorf(evidence.Invalid, "", "%w", err)
	}
	return DraftOf(v)
}

// DraftOf reads a draft out of a parsed object, as ParseDraft does.
func DraftOf(v evidence.Value) (Draft, error) {
	if v.Kind() != evidence.Object {
		return Draft{}, evidence.Errorf(evidence.Invalid, "", "a draft is an object, this is a %s", v.Kind())
	}
	for _, f := range v.Fields() {
		switch {
		case slices.Contains(serverFields, f.Name):
			return Draft{}, evidence.Errorf(evidence.Invalid, "/"+f.Name, "is set by the server: leave it out")
		case !slices.Contains(draftFields, f.Name):
			return Draft{}, evidence.Errorf(evidence.Invalid, "/"+f.Name, "is not a field of a draft")
		}
	}
	d := Draft{}
	var r fieldReader
	d.ID = evidence.RecordID(r.text(v, "", "id", true))
	d.Type = evidence.Type(r.text(v, "", "type", true))
	d.Occurred = evidence.Time(r.text(v, "", "occurred", true))
	d.Run = evidence.RunID(r.text(v, "", "run", false))
	d.Links = r.links(v)
	d.Body = r.member(v, "", "body", evidence.Object, true)
	return d, r.err
}

// fieldReader keeps the first error.
type fieldReader struct{ err error }

func (r *fieldReader) fail(field, format string, args ...any) {
	if r.err == nil {
		r.err = evidence.Errorf(evidence.Invalid, field, format, args...)
	}
}

// member reads a field of v, which stands at a pointer of the draft.
func (r *fieldReader) member(v evidence.Value, at, name string, kind evidence.Kind, required bool) evidence.Value {
	m, ok := v.Get(name)
	switch {
	case !ok && required:
		r.fail(at+"/"+name, "is missing")
	case ok && m.Kind() != kind:
		r.fail(at+"/"+name, "is a %s, a %s is expected", m.Kind(), kind)
	}
	return m
}

func (r *fieldReader) text(v evidence.Value, at, name string, required bool) string {
	return r.member(v, at, name, evidence.String, required).Text()
}

func (r *fieldReader) links(v evidence.Value) (links []evidence.Link) {
	for i, l := range r.member(v, "", "links", evidence.Array, false).Elems() {
		at := "/links/" + strconv.Itoa(i)
		if len(l.Fields()) != 2 {
			r.fail(at, "is not an object of kind and id")
			return nil
		}
		links = append(links, evidence.Link{Kind: r.text(l, at, "kind", true), ID: r.text(l, at, "id", true)})
	}
	return links
}
