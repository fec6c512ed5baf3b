package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice"
	"github.com/evidencefactory/evf/examples/invoice/documents"
	"github.com/google/go-cmp/cmp"
)

const ublInvoice = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"

// A folder may hold anything. Every file of it is in the report: with a verdict
// on each rule, with the reason why it has none, or by name as ignored.
func TestInvoicesOfAnyKind(t *testing.T) {
	clean, err := documents.FS.ReadFile("08-totals-wrong.xml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a-bare.xml":        `<Invoice xmlns="` + ublInvoice + `"/>`,
		"b-cii.XML":         `<CrossIndustryInvoice xmlns="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"/>`,
		"c-entities.xml":    `<!DOCTYPE Invoice [<!ENTITY a "b">]><Invoice xmlns="` + ublInvoice + `"><ID>&a;</ID></Invoice>`,
		"d-set.xml":         `<testSet><test><assert><error>BR-02</error></assert><Invoice xmlns="` + ublInvoice + `"/></test><test/></testSet>`,
		"e-text.xml":        "Dear Sir",
		"f-empty.xml":       "",
		"g\x01\nname.xml":   "",
		"notes.txt":         "see you",
		"sub/h-totals.xml":  string(clean),
		"sub/i-large.xml":   strings.Repeat(" ", maxDocument+1),
		"sub/j-too-big.xml": strings.Repeat(" ", 11<<20),
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(folder, "sub/k-dangling.xml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", filepath.Join(folder, "sub/l-loop.xml")); err != nil {
		t.Fatal(err)
	}
	rep, _ := demoRun(t, "--invoices", folder)

	want := []struct{ file, verdict, why string }{
		{"a-bare.xml", invoice.Rejected, ""},
		{"b-cii.XML", invoice.Unreadable, "Cross Industry Invoice"},
		{"c-entities.xml", invoice.Unreadable, "entities"},
		{"d-set.xml#1", invoice.Rejected, ""},
		{"d-set.xml#2", invoice.Unreadable, "no element"},
		{"e-text.xml", invoice.Unreadable, "not well-formed"},
		{"f-empty.xml", invoice.Unreadable, "no element"},
		{"g\x01\nname.xml", invoice.Unreadable, "no element"},
		{"sub/h-totals.xml", invoice.Held, "BR-CO-10"},
		{"sub/i-large.xml", invoice.Unreadable, "16777217 bytes"},
		{"sub/j-too-big.xml", invoice.Unreadable, "10 MiB"},
		{"sub/k-dangling.xml", invoice.Unreadable, "cannot be read"},
		{"sub/l-loop.xml", invoice.Unreadable, "not an ordinary one"},
	}
	if len(rep.Documents) != len(want) {
		t.Fatalf("%d documents in the report, want %d", len(rep.Documents), len(want))
	}
	runs := 0
	for i, w := range want {
		doc := rep.Documents[i]
		if doc.File != w.file || doc.Verdict != w.verdict || !strings.Contains(strings.Join(doc.Reasons, " "), w.why) {
			t.Errorf("%q is %s %q, want %q %s because of %q", doc.File, doc.Verdict, doc.Reasons, w.file, w.verdict, w.why)
		}
		if doc.Run != "" {
			runs++
		}
		checkRuleVerdicts(t, rep, doc)
	}
	if rep.Runs != runs || len(rep.Packets) != runs {
		t.Errorf("%d runs and %d packets are reported of %d", rep.Runs, len(rep.Packets), runs)
	}
	if diff := cmp.Diff([]string{"notes.txt"}, rep.Ignored); diff != "" {
		t.Errorf("ignored (- want, + got)\n%s", diff)
	}
}

// checkRuleVerdicts wants one verdict for each declared rule of each document
// that could be read, in the order of the declaration.
func checkRuleVerdicts(t *testing.T, rep demoReport, doc invoice.Result) {
	t.Helper()
	var declared, judged []string
	for _, r := range rep.Declared {
		declared = append(declared, r.ID)
	}
	for _, r := range doc.Rules {
		if r.Suite != "en16931" {
			continue
		}
		judged = append(judged, r.ID)
		switch r.Verdict {
		case "pass", "not-applicable":
			if !r.OK || r.Message != "" || r.Pointer != "" {
				t.Errorf("%q: %+v", doc.File, r)
			}
		case "fail":
			if r.OK || r.Message == "" || !strings.HasPrefix(r.Pointer, "/Invoice") {
				t.Errorf("%q: %+v", doc.File, r)
			}
		default:
			t.Errorf("%q: %+v", doc.File, r)
		}
	}
	if doc.Verdict == invoice.Unreadable {
		declared = nil
	}
	if diff := cmp.Diff(declared, judged); diff != "" {
		t.Errorf("%q: verdicts (- declared, + got)\n%s", doc.File, diff)
	}
}
