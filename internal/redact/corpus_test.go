package redact

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// dataFile finds a file of the third-party data that tests run on. Without
// the data the test is skipped, unless EVF_REQUIRE_DATA=1 demands it.
func dataFile(t testing.TB, elems ...string) string {
	t.Helper()
	root := os.Getenv("EVF_DATA")
	if root == "" {
		root = filepath.Join("..", "shared", "data")
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join("..", "..", root) // relative to the project's root
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

func readData(t testing.TB, elems ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(dataFile(t, elems...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// labelled is a text with what someone marked in it, in characters.
type labelled struct {
	Text  string `json:"full_text"`
	Spans []struct {
		Type  string `json:"entity_type"`
		Value string `json:"entity_value"`
		Start int    `json:"start_position"`
		End   int    `json:"end_position"`
	} `json:"spans"`
}

func labelledTexts(t testing.TB) (list []labelled) {
	t.Helper()
	if err := json.Unmarshal(readData(t, "redaction", "presidio-research", "data", "synth_dataset_v2.json"), &list); err != nil {
		t.Fatal(err)
	}
	return list
}
