package redact

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/evidencefactory/evf/internal/datatest"
)

var update = flag.Bool("update", false, "write the table of docs/redaction.md instead of comparing it")

// score counts what was to be found of one type in one corpus, what of it was,
// and what was reported besides.
type score struct{ marked, found, wrong int }

// add holds a text against its marks. A mark counts as found where findings of
// its type cover all of it; a finding that touches no mark is wrong.
func (s *score) add(text string, spans [][2]int, of func(Kind) bool) {
	found := slices.DeleteFunc(Scan(text), func(f Finding) bool { return !of(f.Kind) })
	for _, span := range spans {
		s.marked++
		if slices.ContainsFunc(found, func(f Finding) bool { return f.Start <= span[0] && f.End >= span[1] }) {
			s.found++
		}
	}
	for _, f := range found {
		if !slices.ContainsFunc(spans, func(span [2]int) bool { return f.Start < span[1] && span[0] < f.End }) {
			s.wrong++
		}
	}
}

func (s *score) recall() float64 { return 100 * float64(s.found) / float64(max(1, s.marked)) }

func (s *score) precision() float64 {
	return 100 * float64(s.found) / float64(max(1, s.found+s.wrong))
}

func is1(k Kind) func(Kind) bool { return func(f Kind) bool { return f == k } }

func isSecret(k Kind) bool { return !k.Personal() }

// isNational are the ids of countries other than the United States.
func isNational(k Kind) bool {
	return k.Personal() && !slices.Contains([]Kind{Card, IBAN, EMail, Phone, SSN, ITIN, IP}, k)
}

// published scores the texts of presidio-research by type.
func published(t *testing.T) map[string]*score {
	types := map[string]Kind{"CREDIT_CARD": Card, "IBAN_CODE": IBAN, "EMAIL_ADDRESS": EMail, "US_SSN": SSN, "PHONE_NUMBER": Phone, "IP_ADDRESS": IP}
	scores := map[string]*score{}
	for _, l := range labelledTexts(t) {
		at := make([]int, 0, len(l.Text)+1) // labels count characters
		for i := range l.Text {
			at = append(at, i)
		}
		at = append(at, len(l.Text))
		for label, kind := range types {
			var spans [][2]int
			for _, s := range l.Spans {
				if s.Type == label {
					spans = append(spans, [2]int{at[s.Start], at[s.End]})
				}
			}
			scoreOf(scores, string(kind)).add(l.Text, spans, is1(kind))
		}
	}
	return scores
}

func scoreOf(scores map[string]*score, name string) *score {
	if scores[name] == nil {
		scores[name] = &score{}
	}
	return scores[name]
}

// secretLines are the lines of the files of detect-secrets that hold a secret,
// as one reads them: a value that a name, an issuer's form or its look gives
// away. Ids, digests, plain values and what is encrypted are none.
var secretLines = map[string][]int{
	"config2.yaml":                {1, 2},
	"config.env":                  {1},
	"config.ini":                  {2, 10, 26, 32},
	"config.md":                   {10},
	"config.yaml":                 {5, 12, 13},
	"sample.diff":                 {22, 34},
	"only_comments.yaml":          nil,
	"short_files/first_line.php":  {1},
	"short_files/last_line.ini":   {3, 4, 5},
	"short_files/middle_line.yml": nil,
	"files/private_key":           {1, 2, 3},
	"performance/best-songs.txt":  nil,
	"word_list.txt":               nil,
}

// configurations scores the files of detect-secrets by line.
func configurations(t *testing.T) *score {
	s := &score{}
	for _, name := range slices.Sorted(maps.Keys(secretLines)) {
		text := string(datatest.Read(t, append([]string{"redaction", "detect-secrets", "test_data"}, strings.Split(name, "/")...)...))
		lines := map[int]bool{}
		for _, f := range Scan(text) {
			if f.Kind.Personal() {
				continue
			}
			first := strings.Count(text[:f.Start], "\n") + 1
			for n := range strings.Count(text[f.Start:f.End], "\n") + 1 {
				lines[first+n] = true
			}
		}
		for _, n := range secretLines[name] {
			s.marked++
			if lines[n] {
				s.found++
			} else {
				t.Logf("missed: %s line %d", name, n)
			}
			delete(lines, n)
		}
		s.wrong += len(lines)
		for n := range lines {
			t.Logf("wrong: %s line %d", name, n)
		}
	}
	return s
}

// own scores the corpora beside this test.
func own(t *testing.T) map[string]*score {
	scores := map[string]*score{}
	for _, m := range tokenCorpus() {
		scoreOf(scores, "tokens and keys").add(m.text, m.spans, isSecret)
	}
	for _, m := range settings(t) {
		scoreOf(scores, "passwords and settings").add(m.text, m.spans, isSecret)
	}
	for _, m := range personal(t) {
		name, of := string(m.kind), is1(m.kind)
		if isNational(m.kind) {
			name, of = "national ids", isNational
		}
		scoreOf(scores, name).add(m.text, m.spans, of)
	}
	for _, line := range corpusLines(t, "plain.txt") {
		for name, s := range scores {
			of := is1(Kind(name))
			switch name {
			case "tokens and keys", "passwords and settings":
				of = isSecret
			case "national ids":
				of = isNational
			}
			s.add(line, nil, of)
		}
	}
	return scores
}

// The floors below which a change may not bring any type, in percent.
var floors = []struct {
	corpus, name      string
	recall, precision float64
}{
	{"published", "card", 99, 99}, {"published", "iban", 99, 99}, {"published", "e-mail", 99, 99}, {"published", "us-ssn", 99, 99},
	{"published", "phone", 95, 95}, {"published", "ip-address", 95, 95}, {"configurations", "secrets", 95, 95},
	{"own", "card", 99, 99}, {"own", "iban", 99, 99}, {"own", "e-mail", 99, 99}, {"own", "us-ssn", 99, 99}, {"own", "us-itin", 99, 99}, {"own", "phone", 95, 95},
	{"own", "ip-address", 95, 95}, {"own", "national ids", 95, 95}, {"own", "tokens and keys", 99, 99}, {"own", "passwords and settings", 97, 97},
}

// TestScores measures recall and precision, holds them against the floors, and
// keeps the table of docs/redaction.md true.
func TestScores(t *testing.T) {
	scores := map[string]map[string]*score{"published": published(t), "configurations": {"secrets": configurations(t)}, "own": own(t)}
	table := "| corpus | type | marked | recall | precision |\n|---|---|---|---|---|\n"
	for _, f := range floors {
		s := scores[f.corpus][f.name]
		if s == nil || s.marked == 0 {
			t.Fatalf("%s: nothing is marked as %s", f.corpus, f.name)
		}
		row := fmt.Sprintf("| %s | %s | %d | %.1f %% | %.1f %% |\n", f.corpus, f.name, s.marked, s.recall(), s.precision())
		t.Log(strings.TrimSpace(row))
		table += row
		if s.recall() < f.recall || s.precision() < f.precision {
			t.Errorf("%s, %s: the floors are %.0f %% and %.0f %%: %s", f.corpus, f.name, f.recall, f.precision, row)
		}
	}
	compareTable(t, table)
}

var measured = regexp.MustCompile(`(?s)(<!-- measured -->\n).*?(<!-- /measured -->)`)

func compareTable(t *testing.T, table string) {
	t.Helper()
	const page = "../../docs/redaction.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := measured.ReplaceAllString(string(text), "${1}"+table+"${2}")
	switch {
	case *update:
		if err := os.WriteFile(page, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	case !strings.Contains(string(text), table):
		t.Errorf("%s shows other figures: run this test with -update\n%s", page, table)
	}
}

// Invoices, their numbers, digests and references are full of what looks like
// something: no secret and no card is in any of them.
func TestInvoicesHoldNoSecrets(t *testing.T) {
	root := datatest.Path(t, "invoices")
	files, size := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".xml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !utf8.Valid(data) {
			return err
		}
		files, size = files+1, size+len(data)
		for _, f := range Scan(string(data)) {
			if !f.Kind.Personal() || f.Kind == Card || isNational(f.Kind) || f.Kind == SSN || f.Kind == ITIN {
				t.Errorf("%s: %s %q", filepath.Base(path), f.Kind, data[f.Start:f.End])
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files: %v", files, err)
	}
	t.Logf("%d invoices, %d bytes", files, size)
}
