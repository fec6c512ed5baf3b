package housetest

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/internal/datatest"
)

// conformance says which test consumes the vectors below a path of
// conformance, or why none does. The longest path that fits a file decides.
var conformance = []struct{ path, test, why string }{
	{path: "merkle-vectors/testdata", test: "internal/tlog TestMerkleVectors"},
	{path: "jcs/testdata/input", test: "evidence TestCanonicalVectors"},
	{path: "jcs/testdata/output", test: "evidence TestCanonicalVectors"},
	{path: "jcs/testdata/outhex", test: "evidence TestCanonicalVectors"},
	{path: "jcs/testdata/README.md", test: "evidence TestNumberSequence"},
	{path: "dsse/protocol.md", test: "packet TestDSSEVector"},
	{path: "dsse/envelope.md", why: "a specification without vectors"},
	{path: "sd-jwt", test: "evidence TestSDJWTCases"},
	{path: "sd-jwt/examples/settings.yml", why: "keys and times of the JWT, which records do not have"},
	{path: "sd-jwt/tests/testcases/settings.yml", why: "keys and times of the JWT, which records do not have"},
	{path: "c2sp-specs/tlog-checkpoint.md", test: "internal/tlog TestSpecificationExamples"},
	{path: "c2sp-specs/tlog-proof.md", test: "internal/tlog TestSpecificationExamples"},
	{path: "c2sp-specs/signed-note.md", test: "internal/tlog TestSpecificationExamples"},
	{path: "c2sp-specs/tlog-tiles.md", test: "internal/tlog TestSpecificationTiles"},
	{path: "c2sp-specs/tlog-cosignature.md", why: "witnesses are not there yet"},
	{path: "c2sp-specs/tlog-witness.md", why: "witnesses are not there yet"},
	{path: "c2sp-specs/tlog-mirror.md", why: "mirrors are not there yet"},
	{path: "agent-receipts", why: "a format that is not spoken yet"},
	{path: "oscal-examples", why: "a format that is not spoken yet"},
	{path: "otlp-examples", why: "a format that is not spoken yet"},
}

// notVectors are files that stand beside vectors.
var notVectors = []string{"LICENSE", "LICENSE.md", "LICENSE-BSD-1-CLAUSE", "SOURCE_COMMIT"}

// Every vector that there is has a test that consumes it, or a reason why
// none does; and every line of the table has vectors and a test that exists.
func TestConformanceVectors(t *testing.T) {
	files := os.DirFS(datatest.Path(t, "conformance"))
	used := map[string]int{}
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		for _, other := range notVectors {
			if path.Base(name) == other {
				return nil
			}
		}
		longest := ""
		for _, row := range conformance {
			if (name == row.path || strings.HasPrefix(name, row.path+"/")) && len(row.path) > len(longest) {
				longest = row.path
			}
		}
		if longest == "" {
			t.Errorf("%s: no test consumes it, and no reason says why", name)
		}
		used[longest]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range conformance {
		if used[row.path] == 0 {
			t.Errorf("%s: there is no such vector", row.path)
		}
		if (row.test == "") == (row.why == "") {
			t.Errorf("%s: a test consumes it, or a reason says why none does", row.path)
		}
		if row.test != "" && !hasTest(t, row.test) {
			t.Errorf("%s: there is no test %s", row.path, row.test)
		}
	}
}

// hasTest looks for "package Test".
func hasTest(t *testing.T, test string) bool {
	dir, name, _ := strings.Cut(test, " ")
	list, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range list {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), "\nfunc "+name+"(t *testing.T) {") {
			return true
		}
	}
	return false
}
