package en16931_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of README.md anew")

// The tables stand between comments that name them.
var tables = regexp.MustCompile(`(?s)(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)`)

// What the table of rules says of a rule without looking at the cases.
var declaredRow = regexp.MustCompile(`(?m)^\| ([A-Z0-9-]+) \| ([^|]+) \| ([^|]+) \|`)

// The table shows the real score: nobody has to believe it.
func TestReadmeShowsTheScore(t *testing.T) {
	scores := officialScores(t)
	path := filepath.Join("..", "README.md")
	readme := string(readFile(t, path))
	shown := map[string]bool{}
	want := tables.ReplaceAllStringFunc(readme, func(old string) string {
		part := tables.FindStringSubmatch(old)
		write, known := map[string]func(map[string]*score) string{"summary": summary, "rules": ruleTable, "undeclared": undeclaredTable}[part[2]]
		if !known {
			t.Fatalf("README.md: nothing is known of table %s", part[2])
		}
		shown[part[2]] = true
		return part[1] + write(scores) + part[4]
	})
	if len(shown) != 3 {
		t.Errorf("README.md shows the tables %v of three", sortedIDs(shown))
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, readme); diff != "" {
		t.Errorf("README.md is not what the rules score (go test -update writes it anew; - want, + got)\n%s", diff)
	}
}

// Where there is no data, the table must still name the rules that there are.
func TestReadmeNamesEveryRule(t *testing.T) {
	var shown []string
	for _, part := range tables.FindAllStringSubmatch(string(readFile(t, filepath.Join("..", "README.md"))), -1) {
		if part[2] != "rules" {
			continue
		}
		for _, row := range declaredRow.FindAllStringSubmatch(part[3], -1) {
			shown = append(shown, row[1]+" "+row[2]+" "+row[3])
		}
	}
	var want []string
	for _, info := range en16931.Rules() {
		want = append(want, info.ID+" "+info.Statement+" "+info.Terms)
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
}

func summary(scores map[string]*score) string {
	families := []struct {
		name string
		of   func(en16931.RuleInfo) bool
	}{
		{"BR-01 to BR-65", func(r en16931.RuleInfo) bool { return regexp.MustCompile(`^BR-\d`).MatchString(r.ID) }},
		{"BR-CO", func(r en16931.RuleInfo) bool { return strings.HasPrefix(r.ID, "BR-CO-") }},
		{"VAT categories", func(r en16931.RuleInfo) bool {
			return r.Group == en16931.VAT && !regexp.MustCompile(`^BR-(\d|CO)`).MatchString(r.ID)
		}},
		{"BR-DEC", func(r en16931.RuleInfo) bool { return r.Group == en16931.Decimals }},
		{"BR-CL", func(r en16931.RuleInfo) bool { return r.Group == en16931.Codes }},
		{"UBL-SR, UBL-DT", func(r en16931.RuleInfo) bool { return r.Group == en16931.Syntax }},
		{"all", func(en16931.RuleInfo) bool { return true }},
	}
	var b strings.Builder
	b.WriteString("| family | declared | with official cases | verdicts | right |\n|---|--:|--:|--:|--:|\n")
	for _, f := range families {
		declared, scored, all := 0, 0, score{}
		for _, info := range en16931.Rules() {
			if !f.of(info) {
				continue
			}
			declared++
			if s := scores[info.ID]; s != nil {
				scored, all.of, all.right = scored+1, all.of+s.of, all.right+s.right
			}
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", f.name, declared, scored, all.of, all.right)
	}
	return b.String()
}

func ruleTable(scores map[string]*score) string {
	var b strings.Builder
	b.WriteString("| rule | what it asks | reads | cases | must fail | right | share |\n|---|---|---|--:|--:|--:|--:|\n")
	for _, info := range en16931.Rules() {
		fmt.Fprintf(&b, "| %s | %s | %s | ", info.ID, info.Statement, info.Terms)
		if s := scores[info.ID]; s != nil {
			fmt.Fprintf(&b, "%d | %d | %d | %d %% |\n", s.of, s.fires, s.right, s.right*100/s.of)
		} else {
			b.WriteString("none |  |  |  |\n")
		}
	}
	return b.String()
}

func undeclaredTable(scores map[string]*score) string {
	var b strings.Builder
	b.WriteString("| rule | why it is undeclared | cases | must fail |\n|---|---|--:|--:|\n")
	for _, id := range sortedIDs(undeclared) {
		fmt.Fprintf(&b, "| %s | %s | ", id, undeclared[id])
		if s := scores[id]; s != nil {
			fmt.Fprintf(&b, "%d | %d |\n", s.of, s.fires)
		} else {
			b.WriteString("none |  |\n")
		}
	}
	return b.String()
}
