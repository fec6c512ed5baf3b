package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/internal/server"
)

// evf runs a command line in this process.
func evf(t *testing.T, args ...string) (code int, out, text string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, streams{strings.NewReader(""), &stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

// published is a data directory whose log grew after early, a checkpoint that
// was kept.
type published struct {
	dir, vkey, early string
}

func (p published) log() string { return filepath.Join(p.dir, "log", string(server.DefaultTenant)) }

func publish(t *testing.T) published {
	t.Helper()
	p := published{dir: t.TempDir(), early: filepath.Join(t.TempDir(), "early.checkpoint")}
	for i := range 2 {
		s, err := server.Open(t.Context(), server.Config{Data: p.dir})
		if err != nil {
			t.Fatal(err)
		}
		admin := keyFile(t, server.AdminKeyFile(p.dir, server.DefaultTenant))
		c := client.Client{Server: "http://localhost", Key: admin, HTTP: &http.Client{Transport: direct{s.Handler()}}}
		_, err = c.CreateKey(t.Context(), client.CreateKey{Person: "ops@example.org", Roles: []string{"operator"}})
		if err := errors.Join(err, s.Log(server.DefaultTenant).Seal(t.Context()), s.Close()); err != nil {
			t.Fatal(err)
		}
		p.vkey = s.Log(server.DefaultTenant).VerifierKey()
		if i == 0 {
			data, err := os.ReadFile(filepath.Join(p.log(), "checkpoint"))
			if err := errors.Join(err, os.WriteFile(p.early, data, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p
}

// The server's own routes serve the log to whoever has a key.
func TestVerifyAgainstServer(t *testing.T) {
	p := publish(t)
	s, err := server.Open(t.Context(), server.Config{Data: p.dir})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		web.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	keyFile := server.AdminKeyFile(p.dir, server.DefaultTenant)
	args := []string{"verify", p.early, "--key", p.vkey, "--log", web.URL + "/log/default"}
	if code, out, text := evf(t, append(args, "--auth", keyFile)...); code != 0 || !strings.Contains(out, "the log only grew") {
		t.Errorf("exit %d: %s%s", code, out, text)
	}
	if code, _, text := evf(t, args...); code != exitCannotRun || !strings.Contains(text, "--auth") {
		t.Errorf("without a key: exit %d: %s", code, text)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("EVF_KEY", strings.TrimSpace(string(key)))
	if code, out, text := evf(t, args...); code != 0 {
		t.Errorf("by EVF_KEY: exit %d: %s%s", code, out, text)
	}
}

// A log may answer anything. Nothing that it answers is followed elsewhere,
// read without bound, or makes a proof of nothing.
func TestVerifyAgainstAddress(t *testing.T) {
	p := publish(t)
	files := http.FileServer(http.Dir(p.log()))
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the reader came to another address, for %s", r.URL.Path)
	}))
	defer elsewhere.Close()
	tiles := func(answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/tile/") {
				answer(w, r)
				return
			}
			files.ServeHTTP(w, r)
		}
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		code   int
		says   string
	}{
		{"as it is", files.ServeHTTP, 0, "the log only grew"},
		{"nothing there", http.NotFound, exitUndecided, "serves no checkpoint"},
		{"no tiles", tiles(http.NotFound), exitUndecided, "GET tile/0/000"},
		{"gone", tiles(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }), exitUndecided, "GET tile/0/000"},
		{"forbidden", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, exitCannotRun, "asks for a key"},
		{"broken", tiles(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }), exitCannotRun, "answers 502"},
		{"sent elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
		}, exitCannotRun, "not followed"},
		{"without end", tiles(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}), exitCannotRun, "larger than any file"},
		{"cut short", tiles(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "32") }), exitCannotRun, "EOF"},
		{"empty tiles", tiles(func(http.ResponseWriter, *http.Request) {}), exitInvalid, "has 0 bytes"},
		{"tiles of zeros", tiles(func(w http.ResponseWriter, r *http.Request) {
			width := 256
			if _, w, ok := strings.Cut(r.URL.Path, ".p/"); ok {
				width = len(w) // any number but the right one
			}
			_, _ = w.Write(make([]byte, width*32))
		}), exitInvalid, "tile/0/000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			web := httptest.NewServer(c.answer)
			defer web.Close()
			code, out, text := evf(t, "verify", p.early, "--key", p.vkey, "--log", web.URL+"/")
			if code != c.code || !strings.Contains(out+text, c.says) {
				t.Errorf("exit %d, want %d that says %q: %s%s", code, c.code, c.says, out, text)
			}
		})
	}
}

// A key is sent over TLS, or within this machine, and to nobody else.
func TestKeyIsNotSentInClear(t *testing.T) {
	for host, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "[::1]": true, "127.8.8.8": true,
		"log.example": false, "10.0.0.1": false, "localhost.log.example": false, "127.0.0.1.log.example": false} {
		for _, scheme := range []string{"http", "https"} {
			c := verifyCmd{Log: scheme + "://" + host + "/log/default", EnvKey: "evf_secret"}
			var said bytes.Buffer
			_, err := c.logAddress(t.Context(), streams{strings.NewReader(""), &said, &said})
			if want := ok || scheme == "https"; (err == nil) != want || strings.Contains(said.String(), "evf_secret") {
				t.Errorf("%s: %v %s", c.Log, err, &said)
			}
		}
	}
}
