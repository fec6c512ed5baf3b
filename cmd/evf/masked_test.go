package main

import (
	"bytes"
	"strings"
	"testing"
)

// A secret in a file's name, an option or an argument is not repeated where
// the command says what went wrong.
func TestErrorsAreMasked(t *testing.T) {
	token := "ghp_" + strings.Repeat("a1B2", 9)
	for _, args := range [][]string{
		{"workflow", "apply", token + ".yaml", "--data", t.TempDir()},
		{"record", "append", "/" + token + "/lines", "--data", t.TempDir()},
		{"verify", token},
		{"run", "list", "--data", "/nowhere/" + token},
		{token},
		{"run", "list", "--" + token},
		{"run", "show", token, "--server", "http://127.0.0.1:1/" + token},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &errs}); code == 0 {
			t.Errorf("%q succeeds", args)
		}
		if said := out.String() + errs.String(); strings.Contains(said, token) {
			t.Errorf("%q: %s", args, said)
		}
	}
}
