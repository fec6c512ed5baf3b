package invoice

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/examples/invoice/en16931"
)

// maxChecks is how many checks evidence.CheckResult takes.
const maxChecks = 256

// However hostile a document is, what was found about it goes on record.
func TestWorstSuiteFitsARecord(t *testing.T) {
	if n := len(en16931.Rules()); n > maxChecks {
		t.Fatalf("%d rules are more than the %d that one record takes", n, maxChecks)
	}
	var results []en16931.Result
	for i := range maxChecks {
		results = append(results, en16931.Result{ID: fmt.Sprintf("BR-LONGEST-%03d", i), Version: en16931.Release, Outcome: en16931.Fail,
			Message: strings.Repeat("message ", 100), Pointer: strings.Repeat(`/Q{"}a`, 1000)})
	}
	s := suite(evidence.DigestOf(nil), "en16931", en16931.Release, results)
	for i := range 9 {
		s.Attests = append(s.Attests, evidence.Attested{Name: fmt.Sprintf("payable_minor%d", i), Value: strings.Repeat("9", 500)})
	}
	if len(s.Checks) != maxChecks || s.Checks[0].Pointer == "" || s.Checks[maxChecks-1].Outcome != "fail" || s.Checks[maxChecks-1].Message == "" {
		t.Error("a finding is lost")
	}
	w := evidence.Withholder{Salt: func() []byte { return make([]byte, 16) }}
	sealed, _, withheld, err := w.Withhold(evidence.TypeCheckResult.Shape(), asValue(s))
	if err != nil {
		t.Fatal(err)
	}
	record := evidence.Record{Type: evidence.TypeCheckResult, Body: sealed, Withheld: withheld}
	data, _ := record.Canonical()
	// What is not filled in here takes less than 1 KiB.
	if len(data) > evidence.MaxRecord-1<<10 {
		t.Errorf("%d bytes leave no room in a record of %d", len(data), evidence.MaxRecord)
	}
	t.Logf("%d bytes", len(data))
}

func TestSuiteIsAsBadAsItsWorstCheck(t *testing.T) {
	for _, c := range []struct {
		want     string
		outcomes []en16931.Outcome
	}{
		{"pass", nil},
		{"pass", []en16931.Outcome{en16931.Pass, en16931.NotApplicable}},
		{"error", []en16931.Outcome{en16931.Pass, undecided, en16931.Pass}},
		{"fail", []en16931.Outcome{undecided, en16931.Fail, undecided}},
	} {
		var results []en16931.Result
		for _, o := range c.outcomes {
			results = append(results, en16931.Result{Outcome: o})
		}
		if got := suite("", "books", "1", results).Outcome; got != c.want {
			t.Errorf("%v make %s, want %s", c.outcomes, got, c.want)
		}
	}
}
