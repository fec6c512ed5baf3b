// Package schematest holds records that tests write against the published
// JSON Schemas, with a validator that shares no code with the house. A test
// that produces a record calls Check on its bytes, so that the schemas in
// schema/ stay true of what is really written.
package schematest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Check fails the test where a record's bytes do not match
// schema/record.v1.json, or its body does not match $defs/sealed of the schema
// of its type.
func Check(t testing.TB, record []byte) {
	t.Helper()
	if err := validate(record); err != nil {
		t.Errorf("record does not match its schema: %v\n%s", err, record)
	}
}

// schemas are the compiled schemas of a tree: of records, and of each type's
// sealed body.
type schemas struct {
	record *jsonschema.Schema
	sealed map[string]*jsonschema.Schema
}

// load runs once: compiling every schema takes longer than most tests.
var load = sync.OnceValues(func() (*schemas, error) {
	dir, err := schemaDir()
	if err != nil {
		return nil, err
	}
	return compile(dir)
})

const suffix = ".v1.json"

func validate(record []byte) error {
	known, err := load()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(record))
	if err != nil {
		return err
	}
	if err := known.record.Validate(v); err != nil {
		return err
	}
	fields := v.(map[string]any) // by its schema
	typ := fields["type"].(string)
	sealed, ok := known.sealed[typ]
	if !ok {
		return fmt.Errorf("schema/%s%s is missing: no type of the catalogue has that name", typ, suffix)
	}
	if err := sealed.Validate(fields["body"]); err != nil {
		return fmt.Errorf("body of %s: %w", typ, err)
	}
	return nil
}

// schemaDir is schema/ beside the go.mod above the running test's folder.
func schemaDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "schema"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod stands above the test: the folder of schemas is not found")
		}
		dir = parent
	}
}

func compile(dir string) (*schemas, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	all := &schemas{sealed: map[string]*jsonschema.Schema{}}
	for _, path := range files {
		switch typ := strings.TrimSuffix(filepath.Base(path), suffix); typ {
		case "draft", "leaf":
		case "record":
			all.record, err = compiler.Compile(path)
		default:
			all.sealed[typ], err = compiler.Compile(path + "#/$defs/sealed")
		}
		if err != nil {
			return nil, err
		}
	}
	if all.record == nil {
		return nil, fmt.Errorf("%s holds no schema of records", dir)
	}
	return all, nil
}
