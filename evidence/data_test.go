package evidence

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

// dataFile finds a file of the third-party data that tests run on. Without
// the data the test is skipped, unless EVF_REQUIRE_DATA=1 demands it.
func dataFile(t *testing.T, elems ...string) string {
	t.Helper()
	root := os.Getenv("EVF_DATA")
	if root == "" {
		root = filepath.Join("..", "shared", "data")
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join("..", root) // relative to the project's root
	}
	path := filepath.Join(append([]string{root}, elems...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("EVF_REQUIRE_DATA") == "1" {
			t.Fatalf("EVF_REQUIRE_DATA=1, and %s is not there: %v", filepath.Join(elems...), err)
		}
		t.Skipf("%s is not there: set EVF_DATA to the folder of test data", filepath.Join(elems...))
	}
	return path
}

func readData(t *testing.T, elems ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(dataFile(t, elems...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustParse(t testing.TB, text string) Value {
	t.Helper()
	v, err := ParseValue([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
