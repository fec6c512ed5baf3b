package redact

import (
	"encoding/json"
	"testing"

	"github.com/evidencefactory/evf/internal/datatest"
)

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
	if err := json.Unmarshal(datatest.Read(t, "redaction", "presidio-research", "data", "synth_dataset_v2.json"), &list); err != nil {
		t.Fatal(err)
	}
	return list
}
