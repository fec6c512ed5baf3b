package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds what one error lists.
const maxProblems = 100

// Problem is one fault of a file: where it lies, what is wrong, what to do.
type Problem struct {
	Line    int    // from 1
	Column  int    // in characters, from 1
	Path    string // such as tools.books/post_invoice.impact; "" for the file
	Message string
}

func (p Problem) String() string {
	at := fmt.Sprintf("line %d, column %d: ", p.Line, p.Column)
	if p.Path != "" {
		at += p.Path + ": "
	}
	return at + p.Message
}

// Problems is the error of Parse: never empty, in the order of the file, the
// first hundred of them.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// ordered sorts and bounds ps.
func (ps Problems) ordered() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps[:min(len(ps), maxProblems)]
}

// nearest offers the known word that a misspelt one most likely means.
func nearest(word string, known []string) string {
	best, bound := "", len(word)/3+2
	for _, k := range known {
		d := distance(word, k)
		if len(word) > 2 && strings.HasPrefix(k, word) {
			d = 1 // a short form
		}
		if d < bound {
			best, bound = k, d
		}
	}
	if best == "" {
		return "known are " + clip(strings.Join(known, ", "), 300)
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance is Levenshtein's, in bytes. Long words are never near.
func distance(a, b string) int {
	if len(a) > 80 || len(b) > 80 {
		return 80
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// clip keeps what is quoted short: at most n bytes, in whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := n - len("…")
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}
