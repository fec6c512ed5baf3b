package server

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// Whatever way a secret takes into a line of the log, it does not arrive.
func TestMaskedLog(t *testing.T) {
	token := "ghp_" + strings.Repeat("a1B2", 9)
	var b bytes.Buffer
	log := slog.New(maskedLog{slog.NewTextHandler(&b, nil)})
	log.With("with", token).WithGroup("group").Error("message "+token, "string", token, "error", errors.New("wrapped: "+token),
		"list", []string{token}, slog.Group("inner", "x", token), "value", slog.AnyValue(lazy(token)), "number", 7, "took", time.Second)
	if strings.Contains(b.String(), token[:12]) {
		t.Errorf("the log holds the secret: %s", b.String())
	}
	if n := strings.Count(b.String(), "[removed: github-token]"); n != 7 || !strings.Contains(b.String(), "number=7") || !strings.Contains(b.String(), "took=1s") {
		t.Errorf("%d were masked: %s", n, b.String())
	}
}

// lazy says what it is only when it is logged.
type lazy string

func (l lazy) LogValue() slog.Value { return slog.StringValue(string(l)) }

// The server's own log is masked, whoever gave it.
func TestServerLogIsMasked(t *testing.T) {
	var b bytes.Buffer
	cfg := Config{Data: "x", Log: slog.New(slog.NewTextHandler(&b, nil))}
	if _, err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	cfg.Log.Warn("password=hunter22")
	if strings.Contains(b.String(), "hunter22") {
		t.Errorf("the log holds the password: %s", b.String())
	}
}
