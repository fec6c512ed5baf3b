package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/policy"
)

// withFacts puts facts that a case gives into a request, by the names that
// policies and records have for them.
func withFacts(q policy.Request, given evidence.Value) (policy.Request, error) {
	asked, err := policy.RequestValue(q)
	if err != nil || len(given.Fields()) == 0 {
		return q, err
	}
	known, _ := asked.Get("facts")
	for _, f := range given.Fields() {
		was, ok := known.Get(f.Name)
		if !ok {
			return q, fmt.Errorf("facts: there is no fact %s: docs/policy.md lists them", f.Name)
		}
		if was.Kind() != f.Value.Kind() {
			return q, fmt.Errorf("facts: %s is a %s, a %s is expected", f.Name, f.Value.Kind(), was.Kind())
		}
		if known, err = with(known, f.Name, sorted(f.Value)); err != nil {
			return q, err
		}
	}
	if asked, err = with(asked, "facts", known); err != nil {
		return q, err
	}
	return policy.ParseRequest(asked)
}

// with is an object with one member replaced.
func with(object evidence.Value, name string, v evidence.Value) (evidence.Value, error) {
	fields := slices.Clone(object.Fields())
	for i := range fields {
		if fields[i].Name == name {
			fields[i].Value = v
		}
	}
	return evidence.ObjectValue(fields...)
}

// sorted writes a list as the set that it is.
func sorted(v evidence.Value) evidence.Value {
	if v.Kind() != evidence.Array {
		return v
	}
	list := slices.Clone(v.Elems())
	slices.SortFunc(list, func(a, b evidence.Value) int { return strings.Compare(a.Text(), b.Text()) })
	return evidence.ArrayValue(slices.CompactFunc(list, func(a, b evidence.Value) bool { return a.Text() == b.Text() })...)
}

// valueOf is what YAML says, as a record would hold it.
func valueOf(v any) (evidence.Value, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return evidence.Value{}, err
	}
	return evidence.ParseValue(exactNumbers(text))
}

// strictly reads YAML and refuses keys that it does not know, and what comes
// after the first document.
func strictly(data []byte, into any) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("holds more than one document")
	}
	return nil
}
