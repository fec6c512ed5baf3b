package server

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// leaves are the places of a request's type that can hold a string, as
// pointers; an open value, a map and a list have several.
func leaves(t reflect.Type, at string) (list []string) {
	switch {
	case t == reflect.TypeFor[evidence.Value]():
		return []string{at, at + "/0", at + "/note", at + "/deep/er/0/note", at + "/password", at + "/\x00", at + "/\x00/x"}
	case t.Kind() == reflect.String:
		return []string{at}
	case t.Kind() == reflect.Slice:
		return leaves(t.Elem(), at+"/0")
	case t.Kind() == reflect.Map:
		return append(leaves(t.Elem(), at+"/amount"), at+"/\x00")
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			list = append(list, leaves(t.Field(i).Type, at+"/"+name)...)
		}
	}
	return list
}

// placing is a body with a canary at a pointer; the name \x00 stands for one that
// is the canary itself.
func placing(t *testing.T, body any, at, canary string) string {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	tree = put(tree, strings.Split(at, "/")[1:], canary)
	data, _ = json.Marshal(tree)
	return string(data)
}

func put(v any, path []string, canary string) any {
	if len(path) == 0 {
		return canary
	}
	name := path[0]
	if name == "0" {
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			list = []any{nil}
		}
		list[0] = put(list[0], path[1:], canary)
		return list
	}
	if name == "\x00" {
		name = canary
	}
	m, ok := v.(map[string]any)
	if !ok {
		m = map[string]any{}
	}
	if m[name] = put(m[name], path[1:], canary); len(path) == 1 && name == canary {
		m[name] = "x"
	}
	return m
}

// sample is a good value of a shape.
func sample(s *evidence.Shape, name string) any {
	switch {
	case s.Open:
		return map[string]any{"a": "b"}
	case s.Kind == evidence.Object:
		m := map[string]any{}
		for i := range s.Fields {
			if f := &s.Fields[i]; !f.Server {
				m[f.Name] = sample(f.Shape, f.Name)
			}
		}
		return m
	case s.Kind == evidence.Array:
		return []any{sample(s.Elem, name)}
	case s.Kind == evidence.Bool:
		return true
	case s.Kind == evidence.Number:
		return 1
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Format == "digest":
		return docA
	case s.Format == "time":
		return "2026-03-02T09:00:00.000000000Z"
	case s.Format == "uuid":
		return client.NewID()
	case name == "suite":
		return "basic"
	}
	return "some"
}

func shapeLeaves(s *evidence.Shape, at string) (list []string) {
	switch {
	case s.Open:
		return leaves(reflect.TypeFor[evidence.Value](), at)
	case s.Kind == evidence.String:
		return []string{at}
	case s.Kind == evidence.Array:
		return shapeLeaves(s.Elem, at+"/0")
	}
	for i := range s.Fields {
		list = append(list, shapeLeaves(s.Fields[i].Shape, at+"/"+s.Fields[i].Name)...)
	}
	return list
}
