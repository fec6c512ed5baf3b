package main

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/evidencefactory/evf/internal/redact"
)

// scanRow is how fast one kind of text is scanned for secrets and personal
// data: MB a second of processor time, and the median of each round's ratio to
// hashing the same bytes, which differs less between machines.
type scanRow struct {
	Text   string  `json:"text"`
	Bytes  int     `json:"bytes"`
	Rate   float64 `json:"mb_per_second"`
	OfHash float64 `json:"of_sha256"`
}

// scanned are the texts, each some tens of kilobytes.
func scanned() map[string]string {
	return map[string]string{
		"prose":    strings.Repeat("The invoice of 14 lines was read from its file; totals and tax agree with the lines, and the vendor is on the list. ", 400),
		"JSON":     strings.Repeat(checks(), 12),
		"findings": strings.Repeat("Write to ana.lima@example.org, card 4111 1111 1111 1111, account DE89 3704 0044 0532 0130 00; ", 400),
	}
}

func scanConcern(_ context.Context, cfg config, _ []*kind, r *report) error {
	texts := scanned()
	for _, name := range []string{"prose", "JSON", "findings"} {
		text := texts[name]
		data := []byte(text)
		var rates, hashes []float64
		for range cfg.rounds {
			rates = append(rates, megabytes(cfg.duration, len(text), func() { redact.Scan(text) }))
			hashes = append(hashes, megabytes(cfg.duration, len(text), func() { sha256.Sum256(data) }))
		}
		r.Scans = append(r.Scans, scanRow{name, len(text), median(rates), ratio(rates, hashes)})
	}
	r.aim("scan prose, MB a second and core", r.Scans[0].Rate, 50, 0)
	return nil
}

// megabytes is how many of them f goes through in a second of processor time,
// n bytes at each call.
func megabytes(d time.Duration, n int, f func()) float64 {
	calls, began, spent := 0, time.Now(), cpuTime()
	for time.Since(began) < d || calls == 0 {
		f()
		calls++
	}
	return float64(calls*n) / 1e6 / max((cpuTime()-spent).Seconds(), 1e-9)
}
