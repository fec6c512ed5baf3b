package en16931_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// invoiceData is the folder of third-party invoices. Without it the test is
// skipped, or fails where EVF_REQUIRE_DATA=1 says that it has to be there.
func invoiceData(t *testing.T) string {
	t.Helper()
	data := os.Getenv("EVF_DATA")
	if data == "" {
		data = filepath.Join("..", "shared", "data")
	}
	if !filepath.IsAbs(data) { // relative to the project's root
		data = filepath.Join("..", "..", "..", data)
	}
	data = filepath.Join(data, "invoices")
	if _, err := os.Stat(data); err != nil {
		if os.Getenv("EVF_REQUIRE_DATA") == "1" {
			t.Fatalf("third-party invoices are required but not there: %v", err)
		}
		t.Skipf("no third-party invoices (set EVF_DATA to the data folder): %v", err)
	}
	return data
}

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

// officialCase is a snippet of an invoice and what the artefacts say about it.
type officialCase struct {
	file    string
	mustNot []string // rules that must not fail on it
	must    []string // rules that must
	doc     []byte
}

// officialCases cuts the snippets out of a file of unit tests as they stand, so
// that they go through Parse like any other document.
func officialCases(t *testing.T, path string) []officialCase {
	t.Helper()
	source := readFile(t, path)
	dec := xml.NewDecoder(bytes.NewReader(source))
	var cases []officialCase
	inTest := false
	for {
		from := dec.InputOffset()
		token, err := dec.Token()
		if err == io.EOF {
			return cases
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "test":
			cases = append(cases, officialCase{file: filepath.Base(path)})
			inTest = true
		case "success", "error":
			var rule string
			if err := dec.DecodeElement(&rule, &start); err != nil || !inTest {
				t.Fatalf("%s: %s outside a test: %v", path, start.Name.Local, err)
			}
			c := &cases[len(cases)-1]
			if start.Name.Local == "error" {
				c.must = append(c.must, strings.TrimSpace(rule))
			} else {
				c.mustNot = append(c.mustNot, strings.TrimSpace(rule))
			}
		case "Invoice", "CreditNote":
			if err := dec.Skip(); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			cases[len(cases)-1].doc = source[from:dec.InputOffset()]
		}
	}
}

// Each rule is judged on its own, on every official case that names it.
func TestRulesAgreeWithOfficialCases(t *testing.T) {
	dir := filepath.Join(invoiceData(t), "en16931", "test")
	type score struct {
		right, of int
		wrong     []string
	}
	scores := map[string]*score{}
	for _, info := range en16931.Rules() {
		scores[info.ID] = &score{}
	}
	for _, folder := range []string{"Invoice-unit-UBL", "CreditNote-unit-UBL"} {
		for _, path := range xmlFiles(t, filepath.Join(dir, folder)) {
			for n, c := range officialCases(t, path) {
				doc, err := ubl.Parse(c.doc)
				if err != nil {
					t.Errorf("%s/%s case %d: %v", folder, c.file, n+1, err)
					continue
				}
				for _, r := range en16931.Validate(doc) {
					must := slices.Contains(c.must, r.ID)
					if !must && !slices.Contains(c.mustNot, r.ID) {
						continue
					}
					s := scores[r.ID]
					s.of++
					if must == (r.Outcome == en16931.Fail) {
						s.right++
					} else {
						s.wrong = append(s.wrong, fmt.Sprintf("%s/%s case %d: must fail %v, is %s: %s", folder, c.file, n+1, must, r.Outcome, r.Message))
					}
				}
			}
		}
	}
	for _, info := range en16931.Rules() {
		s := scores[info.ID]
		t.Logf("%-9s %2d of %2d", info.ID, s.right, s.of)
		switch {
		case s.of == 0 && info.ID != "BR-IC-10": // see TestIntraCommunitySupply
			t.Errorf("%s: no official case names it", info.ID)
		case s.right*100 < s.of*95:
			t.Errorf("%s: only %d of %d right\n%s", info.ID, s.right, s.of, strings.Join(s.wrong, "\n"))
		}
	}
}

// No document may crash the reader or the rules, whoever wrote it.
func TestEveryThirdPartyDocument(t *testing.T) {
	data := invoiceData(t)
	refusals := []error{ubl.ErrTooLarge, ubl.ErrEncoding, ubl.ErrForbidden, ubl.ErrTooDeep, ubl.ErrMalformed, ubl.ErrNotInvoice}
	files, parsed, clean := xmlFiles(t, data), 0, 0
	for _, path := range files {
		doc, err := ubl.Parse(readFile(t, path))
		if err != nil {
			var refusal *ubl.Error
			typed := errors.As(err, &refusal) && slices.Contains(refusals, refusal.Kind)
			if !typed || refusal.Line < 1 {
				t.Errorf("%s: not a typed error with its place: %v", filepath.Base(path), err)
			}
			continue
		}
		parsed++
		results := en16931.Validate(doc)
		if len(results) != len(en16931.Rules()) {
			t.Errorf("%s: %d results for %d rules", filepath.Base(path), len(results), len(en16931.Rules()))
		}
		failing := failures(results)
		if len(failing) == 0 {
			clean++
		} else {
			t.Logf("%s fails %v", filepath.Base(path), failing)
		}
		for _, f := range doc.Fields() {
			if f.Value == "" || !strings.HasPrefix(f.Pointer, "/"+doc.Root.Name) {
				t.Errorf("%s: field without value or place: %+v", filepath.Base(path), f)
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
