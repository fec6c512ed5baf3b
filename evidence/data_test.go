package evidence

import (
	"flag"
	"testing"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

func mustParse(t testing.TB, text string) Value {
	t.Helper()
	v, err := ParseValue([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
