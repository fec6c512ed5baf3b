package en16931_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/examples/invoice/testset"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"github.com/evidencefactory/evf/internal/datatest"
	"github.com/google/go-cmp/cmp"
)

// xmlFiles lists the XML files below a folder, by name.
func xmlFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.EqualFold(filepath.Ext(path), ".xml") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// score is how often a rule says of the official cases that name it what it
// should.
type score struct {
	of, right int
	fires     int // cases in which it must fail
	wrong     []string
}

// officialScores judges each declared rule on its own, on every official case
// that names it. Other rules have an entry too, with nothing right.
func officialScores(t *testing.T) map[string]*score {
	t.Helper()
	dir := datatest.Path(t, "invoices", "en16931", "test")
	scores := map[string]*score{}
	for _, folder := range []string{"Invoice-unit-UBL", "CreditNote-unit-UBL"} {
		for _, path := range xmlFiles(t, filepath.Join(dir, folder)) {
			cases, err := testset.Parse(readFile(t, path))
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			for n, c := range cases {
				tally(t, scores, fmt.Sprintf("%s/%s#%d", folder, filepath.Base(path), n+1), c)
			}
		}
	}
	return scores
}

func tally(t *testing.T, scores map[string]*score, name string, c testset.Case) {
	t.Helper()
	doc, err := ubl.Parse(c.Document)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	results := map[string]en16931.Result{}
	for _, r := range en16931.Validate(doc) {
		results[r.ID] = r
	}
	judge := func(ids []string, must bool) {
		for _, id := range ids {
			s := scores[id]
			if s == nil {
				s = &score{}
				scores[id] = s
			}
			s.of++
			if must {
				s.fires++
			}
			r, declared := results[id]
			if declared && must == (r.Outcome == en16931.Fail) {
				s.right++
			} else {
				s.wrong = append(s.wrong, fmt.Sprintf("%s: must fail %v, is %s: %s", name, must, r.Outcome, r.Message))
			}
		}
	}
	judge(c.Must, true)
	judge(c.MustNot, false)
}

// undeclared are the rules that official cases or EN 16931-1 name and this
// package does not declare, and why.
var undeclared = map[string]string{
	"BR-CL-07":                         "UNTDID 1153 has more than 800 codes",
	"BR-CL-08":                         "UNTDID 4451 has more than 300 codes; no official case",
	"BR-CL-23":                         "UN/ECE Recommendations 20 and 21 have more than 2000 codes",
	"BR-CO-05 to BR-CO-08":             "whether a reason in words means the same as its code is for people; no official case",
	"BR-CO-25":                         "withdrawn in release " + en16931.Release + " of the artefacts; the official cases only say where it must not fail",
	"UBL-SR, UBL-DT, other than above": "syntax that no official case names",
	"UBL-CR":                           "warnings about elements that EN 16931-1 does not know; no official case",
}

// Each rule is judged on its own. What must hold of the whole is said here, so
// that a table in a document cannot promise more.
func TestRulesAgreeWithOfficialCases(t *testing.T) {
	scores := officialScores(t)
	declared, co, vat, cases := 0, 0, 0, 0
	for _, info := range en16931.Rules() {
		declared++
		if strings.HasPrefix(info.ID, "BR-CO-") {
			co++
		}
		if info.Group == en16931.VAT {
			vat++
		}
		s := scores[info.ID]
		if s == nil {
			t.Logf("%-9s no official case", info.ID)
			if !ownCase(info.ID) {
				t.Errorf("%s: no official case names it, and none of our own makes it fail", info.ID)
			}
			continue
		}
		cases += s.of
		t.Logf("%-9s %2d of %2d", info.ID, s.right, s.of)
		if s.right*100 < s.of*95 {
			t.Errorf("%s: only %d of %d right\n%s", info.ID, s.right, s.of, strings.Join(s.wrong, "\n"))
		}
		delete(scores, info.ID)
	}
	for _, id := range sortedIDs(scores) {
		t.Logf("%-9s undeclared: %d cases, %d of which it must fail", id, scores[id].of, scores[id].fires)
		if undeclared[id] == "" {
			t.Errorf("%s: official cases name it, it is not declared, and nothing says why", id)
		}
	}
	t.Logf("%d rules are declared, %d of BR-CO and %d of VAT categories; they are named in %d cases", declared, co, vat, cases)
	if declared < 60 || co < 10 || vat < 20 {
		t.Errorf("%d rules are declared, %d of BR-CO and %d of VAT categories: 60, 10 and 20 are promised", declared, co, vat)
	}
}

func sortedIDs[V any](m map[string]V) []string {
	var ids []string
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// broken are the third-party documents, outside of the cases, that fail rules.
var broken = map[string][]string{
	// It says in its name that it does not validate.
	"not_validating_full_invoice_based_onTest_EeISI_300_CENfullmodel.ubl.xml": {"BR-CO-10", "BR-CO-15"},
	// They are of 2020: scheme 9958 has since been withdrawn from the list.
	"EN16931_ElektronischeAdresse.ubl.xml":  {"BR-CL-25"},
	"EN16931_RechnungsUebertragung.ubl.xml": {"BR-CL-25"},
}

// A valid invoice fails no rule, and no document may crash the reader or the
// rules, whoever wrote it.
func TestEveryThirdPartyDocument(t *testing.T) {
	data := datatest.Path(t, "invoices")
	refusals := []error{ubl.ErrTooLarge, ubl.ErrEncoding, ubl.ErrForbidden, ubl.ErrTooDeep, ubl.ErrMalformed, ubl.ErrNotInvoice}
	files, parsed, clean := xmlFiles(t, data), 0, 0
	for _, path := range files {
		name := filepath.Base(path)
		doc, err := ubl.Parse(readFile(t, path))
		if err != nil {
			var refusal *ubl.Error
			typed := errors.As(err, &refusal) && slices.Contains(refusals, refusal.Kind)
			if !typed || refusal.Line < 1 {
				t.Errorf("%s: not a typed error with its place: %v", name, err)
			}
			continue
		}
		parsed++
		failing := failures(en16931.Validate(doc))
		if failing == nil {
			clean++
		}
		if diff := cmp.Diff(broken[name], failing); diff != "" {
			t.Errorf("%s fails (- want, + got)\n%s", name, diff)
		}
		for _, f := range doc.Fields() {
			if f.Value == "" || !strings.HasPrefix(f.Pointer, "/"+doc.Root.Name) {
				t.Errorf("%s: field without value or place: %+v", name, f)
			}
		}
	}
	t.Logf("%d files: %d parse, %d of them without a failing rule", len(files), parsed, clean)
	if parsed == 0 {
		t.Error("not one document parses")
	}
}

func failures(results []en16931.Result) []string {
	var ids []string
	for _, r := range results {
		if r.Outcome == en16931.Fail {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
