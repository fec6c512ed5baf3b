package evidence

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Body turns one of this package's body types into a Value. Fields that are
// optional or set by the house are left out where they are zero; a nil list is
// an empty one. It panics on a type that the catalogue could not hold.
func Body(body any) Value { return valueOf(reflect.ValueOf(body)) }

// Decode fills one of this package's body types from a Value; fields that are
// withheld stay zero.
func Decode[T any](v Value) (body T, err error) {
	return body, fill(reflect.ValueOf(&body).Elem(), "", v)
}

// goField is what a struct's field is called in JSON.
type goField struct {
	name     string
	optional bool // left out where it is zero
}

var goFields sync.Map // reflect.Type to []goField, by index

// fieldsOf reads a struct's tags, once a type.
func fieldsOf(t reflect.Type) []goField {
	if known, ok := goFields.Load(t); ok {
		return known.([]goField)
	}
	list := make([]goField, t.NumField())
	for i := range list {
		opts := strings.Split(t.Field(i).Tag.Get("evf"), ",")
		list[i].name, _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
		list[i].optional = slices.Contains(opts, "opt") || slices.Contains(opts, "server")
	}
	goFields.Store(t, list)
	return list
}

func valueOf(v reflect.Value) Value {
	if v.Type() == valueType {
		return v.Interface().(Value)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return valueOf(v.Elem())
	case reflect.String:
		return StringValue(v.String())
	case reflect.Bool:
		return BoolValue(v.Bool())
	case reflect.Int, reflect.Int64:
		n, err := IntValue(v.Int())
		if err != nil {
			panic("evidence: " + err.Error())
		}
		return n
	case reflect.Slice:
		list := make([]Value, v.Len())
		for i := range list {
			list[i] = valueOf(v.Index(i))
		}
		return ArrayValue(list...)
	case reflect.Struct:
		return structValue(v)
	}
	panic(fmt.Sprintf("evidence: no value for %v", v.Type()))
}

func structValue(v reflect.Value) Value {
	known := fieldsOf(v.Type())
	fields := make([]Field, 0, len(known))
	for i, f := range known {
		if f.optional && v.Field(i).IsZero() {
			continue
		}
		fields = append(fields, Field{f.name, valueOf(v.Field(i))})
	}
	obj, err := ObjectValue(fields...)
	if err != nil {
		panic("evidence: " + err.Error())
	}
	return obj
}

// fill sets a Go value from the one at a pointer. Members that the Go type
// does not have are passed over: commitments, and what a later version adds.
func fill(to reflect.Value, at string, v Value) error {
	if to.Type() == valueType {
		to.Set(reflect.ValueOf(v))
		return nil
	}
	switch kind := to.Kind(); {
	case v.Kind() == Null:
		return nil
	case kind == reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return fill(to.Elem(), at, v)
	case kind == reflect.String && v.Kind() == String:
		to.SetString(v.Text())
		return nil
	case kind == reflect.Bool && v.Kind() == Bool:
		to.SetBool(v.IsTrue())
		return nil
	case kind == reflect.Int || kind == reflect.Int64:
		n, ok := v.Int()
		if !ok {
			return invalid(at, "is not a whole number")
		}
		to.SetInt(n)
		return nil
	case kind == reflect.Slice && v.Kind() == Array:
		return fillSlice(to, at, v)
	case kind == reflect.Struct && v.Kind() == Object:
		return fillStruct(to, at, v)
	}
	return invalid(at, "is a %s, which is not what the type has here", v.Kind())
}

func fillSlice(to reflect.Value, at string, v Value) error {
	to.Set(reflect.MakeSlice(to.Type(), len(v.Elems()), len(v.Elems())))
	for i, e := range v.Elems() {
		if err := fill(to.Index(i), "", e); err != nil {
			return below(fmt.Sprintf("%s/%d", at, i), err)
		}
	}
	return nil
}

func fillStruct(to reflect.Value, at string, v Value) error {
	for i, f := range fieldsOf(to.Type()) {
		m, ok := v.Get(f.name)
		if !ok {
			continue
		}
		if err := fill(to.Field(i), "", m); err != nil {
			return below(pointer(at, f.name), err)
		}
	}
	return nil
}
