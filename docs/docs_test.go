// Package docs_test keeps the documents true: what they quote is compiled, what
// they show is run, what they link to is there.
package docs_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/internal/workflow"
)

// block is one fenced block of a document.
type block struct {
	info string // what stands behind the opening fence
	text string
}

// lang is the first word of the info string.
func (b block) lang() string {
	lang, _, _ := strings.Cut(b.info, " ")
	return lang
}

var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

func blocks(t *testing.T, document string) (list []block) {
	t.Helper()
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(data), -1) {
		list = append(list, block{m[1], m[2]})
	}
	return list
}

// documents lists every Markdown file that is for readers.
func documents(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestGoSnippets(t *testing.T) {
	code, err := os.ReadFile("snippets_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range documents(t) {
		for _, b := range blocks(t, doc) {
			if b.lang() == "go" && !strings.Contains(string(code), b.text) {
				t.Errorf("%s: this is not in snippets_test.go, where it would be compiled:\n%s", doc, b.text)
			}
		}
	}
}

func TestManifestSnippets(t *testing.T) {
	found := 0
	for _, doc := range documents(t) {
		for _, b := range blocks(t, doc) {
			if b.lang() != "yaml" || !regexp.MustCompile(`(?m)^manifest:`).MatchString(b.text) {
				continue
			}
			found++
			if _, err := workflow.Compile([]byte(b.text)); err != nil {
				t.Errorf("%s: the manifest does not compile:\n%v", doc, err)
			}
		}
	}
	if found < 2 {
		t.Errorf("%d manifests found, want those of README.md and manifest.md", found)
	}
}

// TestReadmeManifest holds the README's manifest against the one that its agent
// is run with.
func TestReadmeManifest(t *testing.T) {
	file, err := os.ReadFile("example/refunds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(file), "manifest: 1\n")
	for _, b := range blocks(t, "../README.md") {
		if b.lang() == "yaml" {
			if diff := cmp.Diff("manifest: 1\n"+want, b.text); diff != "" {
				t.Errorf("README.md does not quote docs/example/refunds.yaml (-file +README):\n%s", diff)
			}
			return
		}
	}
	t.Error("README.md quotes no manifest")
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)|<img[^>]+src="([^"]+)"|srcset="([^"]+)"`)

func TestLinks(t *testing.T) {
	for _, doc := range documents(t) {
		data, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			to := m[1] + m[3] + m[4]
			if strings.Contains(to, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), to)); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, to)
			}
		}
	}
}

// TestCited holds tests named in the documents against the tree, so that no
// invariant rests on a test that was renamed.
func TestCited(t *testing.T) {
	defined := definedTests(t)
	for _, doc := range documents(t) {
		data, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(string(data), -1) {
			if !defined[name] {
				t.Errorf("%s names %s, which no package defines", doc, name)
			}
		}
	}
}

func definedTests(t *testing.T) map[string]bool {
	t.Helper()
	defined := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(code), -1) {
			defined[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return defined
}

// TestDependencies holds the reviewed list against what the binary is made of.
func TestDependencies(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/evf")
	list.Dir, list.Env = "..", append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	out, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	want := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), reviewed(t)); diff != "" {
		t.Errorf("docs/dependencies.txt is not what cmd/evf is made of (-binary +file): review the change, then write it down\n%s", diff)
	}
}

// reviewed reads the list: module, version, and what it is for.
func reviewed(t *testing.T) (modules []string) {
	t.Helper()
	data, err := os.ReadFile("dependencies.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 3 {
			t.Errorf("docs/dependencies.txt: %q does not say what the module is for", line)
			continue
		}
		modules = append(modules, f[0]+" "+f[1])
	}
	return modules
}
