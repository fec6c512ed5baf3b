package server

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/evidencefactory/evf/internal/redact"
)

// flock are canaries: secrets that no rule of the house may let live. Each is drawn
// once, remembers where it was let go, and has a mark in it that every way of
// writing it down keeps.
type flock struct {
	mu    sync.Mutex // guards where
	where []string
}

const mark = "cAnArYq7" // as a token in capitals has it: CANARYQ7

// kinds are the forms that canaries take in turn; %06d is the number.
var canaryForms = []string{
	"ghp_" + mark + "%06d" + "a1B2c3D4e5F6g7H8i9J0k1",
	"AKIA" + "CANARYQ7" + "%06d" + "XY",
	"sk_live_" + mark + "%06d" + "a1B2c3D4e5",
	"xoxb-1234567890-" + mark + "%06d" + "a1B2",
	"https://ana:" + mark + "%06d@db.example.org/x",
	"evf_default_key-0123456789abcdef_",
}

// next is a canary of the next form.
func (c *flock) next(where string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.where)
	c.where = append(c.where, where)
	form := canaryForms[n%len(canaryForms)]
	if !strings.Contains(form, "%06d") {
		// The key's own part is hexadecimal; the mark goes before it.
		return "password=" + mark + fmt.Sprintf("%06d", n)
	}
	return fmt.Sprintf(form, n)
}

// traces are the ways in which a mark may be written down.
var traces = func() (list []string) {
	for _, m := range []string{mark, strings.ToUpper(mark)} {
		list = append(list, hex.EncodeToString([]byte(m)))
		for skip := range 3 { // base64 of a text in which the mark stands anywhere
			padded := strings.Repeat("x", skip) + m
			text := base64.RawStdEncoding.EncodeToString([]byte(padded))
			list = append(list, text[(skip*8+5)/6:len(padded)*8/6])
		}
		percent := ""
		for _, b := range []byte(m) {
			percent += fmt.Sprintf("%%%02X", b)
		}
		list = append(list, percent)
	}
	return list
}()

var marked = regexp.MustCompile(`(?i)` + mark + `(\d{6})?`)

// alive says which canaries a text still holds, however it writes them.
func (c *flock) alive(text []byte) (found []string) {
	for _, m := range marked.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil || n >= len(c.where) {
			found = append(found, string(m[0]))
			continue
		}
		found = append(found, c.where[n])
	}
	for _, trace := range traces {
		if bytes.Contains(text, []byte(trace)) {
			found = append(found, "encoded as "+trace)
		}
	}
	return found
}

// Each form of canary is one that the scanner knows, and each trace one that
// the search would see: a test that looks for the wrong thing finds nothing.
func TestCanariesCanBeSeen(t *testing.T) {
	var c flock
	for range 2 * len(canaryForms) {
		canary := c.next("here")
		if _, ok := redact.Secret(canary); !ok {
			t.Errorf("%s is no secret to the scanner", canary)
		}
		for _, text := range []string{canary, "x" + canary, url.QueryEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary)), base64.RawURLEncoding.EncodeToString([]byte("é" + canary)),
			base64.RawURLEncoding.EncodeToString([]byte("xy" + canary)), hex.EncodeToString([]byte(canary))} {
			if c.alive([]byte(text)) == nil {
				t.Errorf("%s is not seen in %s", canary, text)
			}
		}
	}
}
