package recorder

import (
	"fmt"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store/storetest"
)

// filler makes a body with every field of a shape filled, and remembers the
// values that no record may show.
type filler struct {
	run     evidence.RunID
	guarded []string
	ids     map[string]string // by field name, so that a record and those before it agree
	by      string            // who did what comes before: a hold is released by someone else
}

func (f *filler) object(s *evidence.Shape) evidence.Value {
	var fields []evidence.Field
	for i := range s.Fields {
		m := &s.Fields[i]
		if m.Server {
			continue
		}
		fields = append(fields, evidence.Field{Name: m.Name, Value: f.value(m.Shape, m.Name, m.Class != evidence.Public)})
	}
	v, err := evidence.ObjectValue(fields...)
	if err != nil {
		panic(err)
	}
	return v
}

func (f *filler) value(s *evidence.Shape, name string, guarded bool) evidence.Value {
	switch {
	case s.Open || s.Kind == evidence.String && guarded && s.Format == "" && s.Enum == nil:
		text := fmt.Sprintf("guarded-%03d-%s", len(f.guarded), name)
		f.guarded = append(f.guarded, text)
		return evidence.StringValue(text)
	case s.Kind == evidence.String:
		return evidence.StringValue(f.text(s, name))
	case s.Kind == evidence.Bool:
		return evidence.BoolValue(true)
	case s.Kind == evidence.Number:
		n, _ := evidence.IntValue(1)
		return n
	case s.Kind == evidence.Array:
		return evidence.ArrayValue(f.value(s.Elem, name, guarded))
	}
	return f.object(s)
}

func (f *filler) text(s *evidence.Shape, name string) string {
	switch {
	case name == "by" && f.by != "":
		return f.by
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Format == "time":
		return "2026-03-02T09:00:00.000000000Z"
	case s.Format == "digest":
		return string(evidence.ZeroDigest)
	case s.Format == "uuid":
		if f.ids == nil {
			f.ids = map[string]string{}
		}
		if f.ids[name] == "" {
			f.ids[name] = storetest.NewID()
		}
		return f.ids[name]
	}
	return strings.ReplaceAll(name, "_", "-")
}

// before is what must be on record before a type can follow.
var before = map[evidence.Type][]evidence.Type{
	evidence.TypeRunEnded:          {evidence.TypeRunStarted},
	evidence.TypeActionStarted:     {evidence.TypeRunStarted, evidence.TypeAuthorizationDecided},
	evidence.TypeActionRedeemed:    {evidence.TypeRunStarted, evidence.TypeAuthorizationDecided, evidence.TypeActionStarted},
	evidence.TypeActionFinished:    {evidence.TypeRunStarted, evidence.TypeAuthorizationDecided, evidence.TypeActionStarted},
	evidence.TypeApprovalRequested: {evidence.TypeAuthorizationDecided},
	evidence.TypeApprovalDecided:   {evidence.TypeAuthorizationDecided, evidence.TypeApprovalRequested},
	evidence.TypeApprovalConsumed:  {evidence.TypeAuthorizationDecided, evidence.TypeApprovalRequested, evidence.TypeApprovalDecided},
	evidence.TypeWorkflowRetired:   {evidence.TypeWorkflowActivated},
	evidence.TypeGrantRevoked:      {evidence.TypeGrantIssued},
	evidence.TypeLegalHoldReleased: {evidence.TypeLegalHoldPlaced},
}

// prepare makes the drafts that must come before one of a type.
func (f *filler) prepare(typ evidence.Type) (drafts []Draft) {
	for _, t := range before[typ] {
		other := filler{run: f.run, ids: f.ids, by: "another"}
		body := other.object(t.Shape())
		f.ids = other.ids
		drafts = append(drafts, draft(t, body))
	}
	return drafts
}
