package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/internal/browsertest"
	"github.com/evidencefactory/evf/packet"
)

// pageHeadlines is what the pages of some of the demo's runs say at their top:
// one of each ending.
var pageHeadlines = map[string]string{
	"01-clean-office-supplies.xml": "ana.keller@example.org started a run of invoice-exceptions; no person had to decide; books shows entry E-00001.",
	"08-totals-wrong.xml":          "ana.keller@example.org started a run of invoice-exceptions; it waits for ap-controller to decide until ",
	"11-changed-iban.xml":          "ana.keller@example.org started a run of invoice-exceptions; priya.nair@example.org rejected it; no record shows a change.",
	"12-over-limit.xml":            "ana.keller@example.org started a run of invoice-exceptions; priya.nair@example.org approved it; books shows entry E-00012.",
	"13-duplicate-of-01.xml":       "ana.keller@example.org started a run of invoice-exceptions; the gate denied invoice-agent the call of books/post_invoice; no record shows a change.",
	"16-not-an-invoice.xml":        "ana.keller@example.org started a run of invoice-exceptions; ubl could not read the document, and no record shows a change.",
	"19-target-fails-twice.xml":    "ana.keller@example.org started a run of invoice-exceptions; no person had to decide; books shows entry E-00009.",
}

// The pages of the demo's packets re-check themselves in a browser, and say in
// one sentence what happened. They are small enough to send.
func TestDemoPages(t *testing.T) {
	b := browsertest.New(t)
	rep, _ := demoRun(t)
	for _, document := range rep.Documents {
		headline, chosen := pageHeadlines[document.File]
		if !chosen {
			continue
		}
		t.Run(document.File, func(t *testing.T) {
			i := slices.IndexFunc(rep.Packets, func(p demoPacket) bool { return p.Run == document.Run })
			data, err := os.ReadFile(rep.Packets[i].File)
			if err != nil {
				t.Fatal(err)
			}
			p, err := packet.Open(data)
			if err != nil {
				t.Fatal(err)
			}
			html, _ := p.Page()
			if len(html) > 512<<10 {
				t.Errorf("the page is %d bytes", len(html))
			}
			page := b.Open(t, html, browsertest.Scripted)
			page.Wait(`document.documentElement.dataset.checked`)
			if got := page.Text("#verdict"); !strings.HasPrefix(got, "Internally consistent with log key sha256:") {
				t.Errorf("the page says %q\n%s", got, page.Text("#lists"))
			}
			if got := page.Text("h1"); !strings.HasPrefix(got, headline) {
				t.Errorf("headline %q, want %q", got, headline)
			}
			if page.Console() != "" {
				t.Errorf("console:\n%s", page.Console())
			}
		})
	}
}
