package schematest

import (
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
)

// writeRecord makes the bytes of a record whose body has a withheld field.
func writeRecord(t *testing.T) string {
	t.Helper()
	body := evidence.Body(evidence.RunEnded{Outcome: "completed", Summary: "posted", Assurance: "declared"})
	w := evidence.Withholder{Salt: func() []byte { return make([]byte, evidence.SaltSize) }}
	sealed, _, withheld, err := w.Withhold(evidence.TypeRunEnded.Shape(), body)
	if err != nil {
		t.Fatal(err)
	}
	r := evidence.Record{
		Salt: "AAAAAAAAAAAAAAAAAAAAAA", ID: "01890a5d-ac96-774b-bcce-b302099a8057", Type: evidence.TypeRunEnded,
		Occurred: "2026-03-01T09:00:00.000000000Z", Received: "2026-03-01T09:00:00.000000000Z",
		Actor: evidence.Actor{Kind: "agent", Ref: "poster"}, Source: evidence.Source{Name: "sdk", Kind: "api", Version: "1"},
		Body: sealed, Withheld: withheld,
	}
	data, _ := r.Canonical()
	return string(data)
}

// failures counts what Check reports.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.n++ }

func TestCheck(t *testing.T) {
	record := writeRecord(t)
	tests := []struct {
		name, old, new string
		problem        string // "" where the record passes
	}{
		{"a true record", "", "", ""},
		{"a field missing from the envelope", `"run":"",`, ``, "run"},
		{"a field missing from the body", `"outcome"`, `"result"`, "outcome"},
		{"a withheld field in clear", `"outcome"`, `"summary":"posted","outcome"`, "summary"},
		{"a type without a schema", `"run.ended"`, `"run.paused"`, "schema/run.paused.v1.json is missing"},
		{"no JSON", `{"actor"`, `{actor`, "invalid character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed := strings.Replace(record, tt.old, tt.new, 1)
			if tt.problem != "" && changed == record {
				t.Fatalf("%q does not occur in %s", tt.old, record)
			}
			seen := &failures{TB: t}
			Check(seen, []byte(changed))
			if (seen.n > 0) != (tt.problem != "") {
				t.Errorf("%d failures reported", seen.n)
			}
			if err := validate([]byte(changed)); tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
				t.Errorf("error %v, want one about %q", err, tt.problem)
			}
		})
	}
}

func TestCompileWantsSchemas(t *testing.T) {
	if _, err := compile(t.TempDir()); err == nil {
		t.Error("an empty folder passes")
	}
}
