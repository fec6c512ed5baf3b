package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/evidencefactory/evf/internal/datatest"
	"github.com/evidencefactory/evf/internal/server"
)

// A block marked console is a piece of a terminal session: lines that begin
// with "$ " are commands, "> " continues one, the rest is what they print. A
// line of … stands for any lines, … in a line for any text. All blocks of a
// document are one session of one shell.

// command is one command of a session and what the document says it prints.
type command struct {
	text  string
	shown []string
}

func commands(t *testing.T, document string) (list []command) {
	t.Helper()
	for _, b := range blocks(t, document) {
		if b.lang() != "console" {
			continue
		}
		for line := range strings.Lines(b.text) {
			line = strings.TrimRight(line, "\n")
			text, starts := strings.CutPrefix(line, "$ ")
			more, continues := strings.CutPrefix(line, "> ")
			switch last := len(list) - 1; {
			case starts:
				list = append(list, command{text: text})
			case last < 0:
				t.Fatalf("%s: %q stands before the first command", document, line)
			case continues && len(list[last].shown) == 0:
				list[last].text += "\n" + more
			default:
				list[last].shown = append(list[last].shown, line)
			}
		}
	}
	return list
}

// marker begins each command's output.
const marker = "\x1e"

// runSession runs the commands in one shell and holds what each prints against
// what the document shows.
func runSession(t *testing.T, document, dir string, env ...string) {
	t.Helper()
	list := commands(t, document)
	if len(list) == 0 {
		t.Fatalf("%s has no console blocks", document)
	}
	var script strings.Builder
	for i, c := range list {
		// The demo would serve on until it is interrupted.
		text := strings.ReplaceAll(c.text, "go run ./cmd/evf demo", "evf demo --exit")
		fmt.Fprintf(&script, "printf '%s%d\\n'\n%s\n", marker, i, text)
	}
	shell := exec.Command("bash", "-c", script.String())
	shell.Dir = dir
	shell.Env = append([]string{"PATH=" + filepath.Dir(binary(t)) + ":" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir()}, env...)
	out, err := shell.CombinedOutput()
	printed := map[int]string{}
	for _, part := range strings.Split(string(out), marker)[1:] {
		number, text, _ := strings.Cut(part, "\n")
		i, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("%s: output without its command: %q", document, part)
		}
		printed[i] = text
	}
	for i, c := range list {
		if got := printed[i]; !matches(c.shown, got) {
			t.Errorf("%s: $ %s\nshows:\n%s\nprints:\n%s", document, c.text, strings.Join(c.shown, "\n"), got[:min(len(got), 2000)])
		}
	}
	if err != nil && t.Failed() {
		t.Logf("the shell ended with %v", err)
	}
}

// matches reports whether what was printed is what a document shows.
func matches(shown []string, printed string) bool {
	var pattern strings.Builder
	for _, line := range shown {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(linePattern(line) + `[ \t]*\n`)
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(strings.TrimRight(printed, "\n") + tail(printed))
}

// tail ends printed text with one line feed, and leaves nothing as it is.
func tail(printed string) string {
	if strings.TrimRight(printed, "\n") == "" {
		return ""
	}
	return "\n"
}

var (
	uuid   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	stamp  = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{9})?Z`)
	spaces = regexp.MustCompile(`\s+`)
)

// linePattern is a shown line as a regular expression: ids and times are those
// of another day, and columns may be wider.
func linePattern(line string) string {
	p := regexp.QuoteMeta(line)
	p = uuid.ReplaceAllLiteralString(p, uuid.String())
	p = regexp.MustCompile(strings.ReplaceAll(stamp.String(), `(?:\.\d{9})?`, `(?:\\\.\d{9})?`)).ReplaceAllLiteralString(p, stamp.String())
	p = spaces.ReplaceAllLiteralString(p, `\s+`)
	return strings.ReplaceAll(p, "…", ".*")
}

// binary builds evf once for all sessions.
func binary(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "evf")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/evf")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// built is the folder of what is built once; TestMain sets it.
var built string

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "evf-docs-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

func TestTour(t *testing.T) {
	datatest.Program(t, "bash")
	runSession(t, "tour.md", t.TempDir())
}

func TestReadme(t *testing.T) {
	datatest.Program(t, "bash")
	runSession(t, "../README.md", t.TempDir())
}

func TestOperations(t *testing.T) {
	datatest.Program(t, "bash")
	runSession(t, "operations.md", t.TempDir())
}

func TestAPI(t *testing.T) {
	datatest.Program(t, "bash")
	datatest.Program(t, "curl")
	dir := t.TempDir()
	manifest, err := os.ReadFile("example/refunds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "refunds.yaml"), manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	house := filepath.Join(dir, "house")
	url := serve(t, house)
	admin := server.AdminKeyFile(house, server.DefaultTenant)
	key, err := os.ReadFile(admin)
	if err != nil {
		t.Fatal(err)
	}
	runSession(t, "api.md", dir, "EVF="+url, "ADMIN="+strings.TrimSpace(string(key)))
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		name, shown, printed string
		want                 bool
	}{
		{"as it is", "a  b", "a b\n", true},
		{"other text", "a b", "a c\n", false},
		{"more lines", "a", "a\nb\n", false},
		{"fewer lines", "a\nb", "a\n", false},
		{"lines left out", "a\n…\nd", "a\nb\nc\nd\n", true},
		{"no lines left out", "a\n…\nd", "a\nd\n", true},
		{"text left out", "a … d", "a b c d\n", true},
		{"another id", "run 01a2014c-9365-7544-b558-db680b4b2176", "run 0193f2a1-0000-7000-8000-000000000000\n", true},
		{"another time", "at 2026-11-22 03:28:45Z", "at 2027-01-02 03:04:05Z\n", true},
		{"another exact time", "at 2026-11-22T03:28:45.000000000Z", "at 2027-01-02T03:04:05.123456789Z\n", true},
		{"nothing", "", "", true},
		{"something where nothing is shown", "", "a\n", false},
	} {
		var shown []string
		if c.shown != "" {
			shown = strings.Split(c.shown, "\n")
		}
		if got := matches(shown, c.printed); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
