package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice"
	"github.com/evidencefactory/evf/examples/invoice/documents"
	"github.com/evidencefactory/evf/internal/datatest"
	"github.com/evidencefactory/evf/internal/schematest"
	"github.com/evidencefactory/evf/packet"
)

// demoRun runs the demo in this process and reads its report.
func demoRun(t *testing.T, args ...string) (demoReport, string) {
	t.Helper()
	var out, text bytes.Buffer
	args = append([]string{"demo", "--exit", "--json", "--dir", filepath.Join(t.TempDir(), "data")}, args...)
	if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &text}); code != 0 {
		t.Fatalf("demo ended with %d:\n%s", code, &text)
	}
	var rep demoReport
	dec := json.NewDecoder(&out)
	if err := dec.Decode(&rep); err != nil {
		t.Fatalf("report: %v", err)
	}
	if dec.More() {
		t.Error("standard output holds more than one object")
	}
	return rep, text.String()
}

// demoVerdicts is what must become of every document of the demo: the verdict,
// and the words of the reason where there is one.
var demoVerdicts = map[string][2]string{
	"01-clean-office-supplies.xml":      {invoice.Posted, ""},
	"02-clean-two-vat-rates.xml":        {invoice.Posted, ""},
	"03-clean-allowance-and-charge.xml": {invoice.Posted, ""},
	"04-clean-reverse-charge.xml":       {invoice.Posted, ""},
	"05-clean-exempt-training.xml":      {invoice.Posted, ""},
	"06-clean-forty-lines.xml":          {invoice.Posted, ""},
	"07-credit-note.xml":                {invoice.Posted, ""},
	"08-totals-wrong.xml":               {invoice.Held, "BR-CO-10"},
	"09-vat-wrong.xml":                  {invoice.Held, "BR-CO-17"},
	"10-unknown-vendor.xml":             {invoice.Held, "vendor-known"},
	"11-changed-iban.xml":               {invoice.Rejected, "vendor-bank"},
	"12-over-limit.xml":                 {invoice.Posted, "above the limit"},
	"13-duplicate-of-01.xml":            {invoice.Rejected, "not-posted-before"},
	"14-two-accounts.xml":               {invoice.Held, "least certain"},
	"15-bad-due-date.xml":               {invoice.Held, "least certain"},
	"16-not-an-invoice.xml":             {invoice.Unreadable, "not a UBL"},
	"17-not-xml.xml":                    {invoice.Unreadable, "not well-formed"},
	"18-injection.xml":                  {invoice.Posted, ""},
	"19-target-fails-twice.xml":         {invoice.Posted, ""},
	"20-blocked-vendor.xml":             {invoice.Held, "vendor-active"},
	"21-changed-iban-small.xml":         {invoice.Held, "vendor-bank"},
	"22-invalid-iban.xml":               {invoice.Held, "vendor-bank"},
	"23-entity-declaration.xml":         {invoice.Unreadable, "entities"},
	"24-foreign-currency.xml":           {invoice.Held, "SEK"},
	"25-currency-without-decimals.xml":  {invoice.Held, "JPY"},
	"26-at-the-limit.xml":               {invoice.Posted, ""},
	"27-foreign-vat-id.xml":             {invoice.Held, "vendor-vat"},
	"28-clean-zero-rated.xml":           {invoice.Posted, ""},
}

func TestDemo(t *testing.T) {
	rep, text := demoRun(t)
	seen := map[string]invoice.Result{}
	for _, doc := range rep.Documents {
		seen[doc.File] = doc
		want, ok := demoVerdicts[doc.File]
		if !ok {
			t.Errorf("%s: no verdict is expected for it: add it to the table", doc.File)
			continue
		}
		if doc.Verdict != want[0] || !strings.Contains(strings.Join(doc.Reasons, " "), want[1]) {
			t.Errorf("%s: %s %q, want %s because of %q", doc.File, doc.Verdict, doc.Reasons, want[0], want[1])
		}
	}
	for name := range demoVerdicts {
		if _, ok := seen[name]; !ok {
			t.Errorf("%s: the demo did not run on it", name)
		}
	}
	t.Run("every attack is refused", func(t *testing.T) { checkRefusals(t, seen) })
	t.Run("packets", func(t *testing.T) { checkPackets(t, rep, seen) })
	t.Run("profiles", func(t *testing.T) { checkProfiles(t, rep) })
	t.Run("books", func(t *testing.T) { checkBooks(t, rep) })
	t.Run("text", func(t *testing.T) { checkText(t, rep, text) })
}

func checkRefusals(t *testing.T, seen map[string]invoice.Result) {
	for name, tries := range map[string][]string{
		"02-clean-two-vat-rates.xml": {"post without a permit", "post ten times the amount with the permit", "post a second time with the same permit"},
		"18-injection.xml":           {"pay the account that a note names", "call the tool that a note names"},
	} {
		var tried []string
		for _, r := range seen[name].Refused {
			tried = append(tried, r.Tried)
			if r.By == "" {
				t.Errorf("%s: %s was not refused", name, r.Tried)
			}
		}
		if !slices.Equal(tried, tries) {
			t.Errorf("%s tried %q, want %q", name, tried, tries)
		}
	}
	if seen["18-injection.xml"].Denied != 2 {
		t.Errorf("the injection had %d actions denied, want 2", seen["18-injection.xml"].Denied)
	}
}

// checkPackets verifies every packet as a stranger would, holds each record
// against its schema, and asks that each of the six outputs has records or a
// named gap.
func checkPackets(t *testing.T, rep demoReport, seen map[string]invoice.Result) {
	if len(rep.Packets) != len(rep.Documents) {
		t.Errorf("%d packets for %d documents", len(rep.Packets), len(rep.Documents))
	}
	for _, p := range rep.Packets {
		data, err := os.ReadFile(p.File)
		if err != nil {
			t.Fatal(err)
		}
		report := packet.Verify(data, packet.Trust{Keys: []string{rep.VKey}})
		if report.Verdict != packet.Valid {
			t.Errorf("%s: %s", p.File, report.Verdict)
			continue
		}
		checkOutputs(t, p, report.Slots)
		checkFlips(t, p.File, data, rep.VKey)
		open, err := packet.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		for sealed, err := range open.Sealed() {
			if err != nil {
				t.Fatal(err)
			}
			schematest.Check(t, sealed.Record)
		}
	}
}

// checkFlips changes bytes all over a packet, one at a time: none of it is
// valid then.
func checkFlips(t *testing.T, file string, data []byte, vkey string) {
	data = slices.Clone(data)
	for i := 0; i < len(data); i += 1 + len(data)/100 {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			data[i] ^= flip
			if r := packet.Verify(data, packet.Trust{Keys: []string{vkey}}); r.ExitCode() == 0 {
				t.Errorf("%s, byte %d ^ %#x: valid", file, i, flip)
			}
			data[i] ^= flip
		}
	}
}

func checkOutputs(t *testing.T, p demoPacket, slots []packet.Slot) {
	six := []string{"extraction", "validation", "authorization", "routing", "oversight", "action"}
	for i, name := range six {
		if slots[i].Name != name {
			t.Fatalf("run %s: output %d is %s, want %s", p.Run, i, slots[i].Name, name)
		}
		if len(slots[i].Records) == 0 && len(slots[i].Gaps) == 0 {
			t.Errorf("run %s: %s has neither records nor a named gap", p.Run, name)
		}
	}
}

// checkBooks reads the journal with hledger, where it is installed: it
// balances, and holds an entry for every document that was posted.
func checkBooks(t *testing.T, rep demoReport) {
	hledger := datatest.Program(t, "hledger")
	journals, err := filepath.Glob(filepath.Join(rep.Data, "books", "*.journal"))
	if err != nil || len(journals) == 0 {
		t.Fatalf("no journal: %v", err)
	}
	for _, j := range journals {
		if out, err := exec.Command(hledger, "-f", j, "check").CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", j, err, out)
		}
	}
	out, err := exec.Command(hledger, "-f", journals[0], "print").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range rep.Documents {
		if posted := strings.Contains(string(out), "run:"+string(doc.Run)); posted != (doc.Verdict == invoice.Posted) {
			t.Errorf("%s is %s, and in the books: %v", doc.File, doc.Verdict, posted)
		}
	}
}

// checkText holds keys apart from what is said, and from other users.
func checkText(t *testing.T, rep demoReport, text string) {
	for _, name := range []string{"admin.key", "priya.key", "ana.key"} {
		if key := keyFile(t, filepath.Join(rep.Data, name)); strings.Contains(text, key) {
			t.Errorf("the text shows %s", name)
		}
		if info, err := os.Stat(filepath.Join(rep.Data, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is not for its owner only: %v", name, err)
		}
	}
	if !strings.Contains(text, "wait for a person") || !strings.Contains(text, rep.VKey) {
		t.Errorf("the text does not say what happened and where to look:\n%s", text)
	}
}

// TestForeignInvoices runs on documents that nobody on this project wrote:
// each gets a verdict, and none that fails a rule is posted without a person.
func TestForeignInvoices(t *testing.T) {
	for _, dir := range []string{"invoices/en16931/ubl", "invoices/zugferd-xmlrechnung"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			folder := datatest.Path(t, filepath.FromSlash(dir))
			rep, _ := demoRun(t, "--invoices", folder)
			if n := countXML(t, folder); len(rep.Documents) != n {
				t.Errorf("%d of %d files have a verdict", len(rep.Documents), n)
			}
			for _, doc := range rep.Documents {
				broken := slices.ContainsFunc(doc.Rules, func(r invoice.Rule) bool { return !r.OK })
				if doc.Verdict == "" || doc.Verdict == invoice.Posted && broken {
					t.Errorf("%s: %q with broken rules: %v", doc.File, doc.Verdict, broken)
				}
			}
		})
	}
}

func countXML(t *testing.T, folder string) (n int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.EqualFold(filepath.Ext(path), ".xml") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDemoDocuments keeps the table above and the folder together.
func TestDemoDocuments(t *testing.T) {
	names, err := fs.Glob(documents.FS, "*.xml")
	if err != nil || len(names) != len(demoVerdicts) {
		t.Errorf("%d documents, %d expected verdicts, %v", len(names), len(demoVerdicts), err)
	}
}
