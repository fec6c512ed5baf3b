package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/ast"

	"github.com/evidencefactory/evf/evidence"
)

// factsType is the schema's Facts: one attribute for every fact.
func factsType() ast.RecordType {
	var f Facts
	r := ast.RecordType{
		"calls_in_run":   {Type: ast.Long()},
		"initiator_kind": {Type: ast.String()},
	}
	for _, flag := range f.flags() {
		r[types.String(flag.name)] = ast.Attribute{Type: ast.Bool()}
	}
	for _, list := range f.lists() {
		r[types.String(list.name)] = ast.Attribute{Type: ast.Set(ast.String())}
	}
	return r
}

// record is f as policies see it.
func (f *Facts) record() types.Record {
	r := types.RecordMap{
		"calls_in_run":   types.Long(f.CallsInRun),
		"initiator_kind": types.String(f.InitiatorKind),
	}
	for _, flag := range f.flags() {
		r[types.String(flag.name)] = types.Boolean(*flag.field)
	}
	for _, list := range f.lists() {
		values := make([]types.Value, len(*list.field))
		for i, s := range *list.field {
			values[i] = types.String(s)
		}
		r[types.String(list.name)] = types.NewSet(values...)
	}
	return types.NewRecord(r)
}

// argsRecord is the arguments as policies see them. It refuses what the tool
// does not declare, and its errors hold no value and no undeclared name.
func argsRecord(tool Tool, args evidence.Value) (types.Record, error) {
	if k := args.Kind(); k != evidence.Object && k != evidence.Null {
		return types.Record{}, errors.New("the arguments must be an object")
	}
	r, given := types.RecordMap{}, 0
	for _, declared := range tool.Args {
		arg, ok := args.Get(declared.Name)
		if !ok {
			if declared.Required {
				return types.Record{}, fmt.Errorf("argument %s is missing", declared.Name)
			}
			continue
		}
		if given++; declared.Type == "json" {
			continue
		}
		value, err := convert(arg, declared.Type)
		if err != nil {
			return types.Record{}, fmt.Errorf("argument %s %w", declared.Name, err)
		}
		r[types.String(declared.Name)] = value
	}
	if given != len(args.Fields()) {
		return types.Record{}, errors.New("there is an argument that the tool does not declare")
	}
	return types.NewRecord(r), nil
}

var amountForm = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,17})$`)

// convert reads one argument exactly: a number that a Long cannot hold as it
// stands is refused, never rounded.
func convert(v evidence.Value, argType string) (types.Value, error) {
	switch argType {
	case "string":
		if v.Kind() == evidence.String {
			return types.String(v.Text()), nil
		}
	case "boolean":
		if v.Kind() == evidence.Bool {
			return types.Boolean(v.IsTrue()), nil
		}
	case "integer":
		if n, ok := v.Int(); ok {
			return types.Long(n), nil
		}
		return nil, errors.New("must be a whole number of 64 bits")
	case "amount":
		if v.Kind() == evidence.String && amountForm.MatchString(v.Text()) {
			n, err := strconv.ParseInt(v.Text(), 10, 64)
			return types.Long(n), err
		}
		return nil, errors.New("must be a whole number of at most 18 digits, in a string")
	case "strings":
		return convertStrings(v)
	case "number":
		if v.Kind() == evidence.Number {
			return decimal(v.Text())
		}
	}
	return nil, errors.New("must be a " + argType)
}

// decimal reads a number that Cedar's four digits after the point can hold.
func decimal(text string) (types.Value, error) {
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	d, err := types.ParseDecimal(text)
	if err != nil {
		return nil, errors.New("must be a number with at most 4 digits after the point")
	}
	return d, nil
}

var errNoStrings = errors.New("must be a list of strings")

func convertStrings(v evidence.Value) (types.Value, error) {
	if v.Kind() != evidence.Array {
		return nil, errNoStrings
	}
	values := make([]types.Value, len(v.Elems()))
	for i, e := range v.Elems() {
		if e.Kind() != evidence.String {
			return nil, errNoStrings
		}
		values[i] = types.String(e.Text())
	}
	return types.NewSet(values...), nil
}
