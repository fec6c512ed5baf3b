package books

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/internal/datatest"
)

// What a stranger may write into an invoice to get something into the journal.
var hostile = []string{
	"F-1\n2026-11-20 gift\n    assets:cash  1.00 EUR\n    expenses:x",
	"\r\n\tinclude /etc/passwd",
	"x) * y", "(x", "!", "* done", "=2026-01-01", "a  ; b", "; comment", "a | b", "||", "date:2020-01-01", "x, run:other",
	"[2020-01-01]", "%0A", "%", "%%41", "a%", "~ monthly", "P 2026-01-01 EUR 5 USD", "= expenses", "  outer  and  inner  ",
	"\u202Egnp.exe", "\u2066iso\u2069", "zero\u200Bwidth", "\u3164filler", "combining e\u0301", "variation\uFE0F", "nbsp\u00A0x",
	"line\u2028sep", "para\u2029sep", "next\u0085line", "\x00nul", "bell\a", "\uFEFFbom", "Müller, Söhne & Co. KG", "株式会社", "end comment", "100 EUR", "@ 5 USD", "#", "\"quoted\"",
}

func hostileText(most int) *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom(hostile),
		rapid.StringN(0, 8, -1),
		rapid.StringOfN(rapid.RuneFrom([]rune("\n\r\t;|:,()[]%*!= \u202e\u200b\u3164\u00a0\u2028-'\"ab1é")), 0, 8, -1),
	)
	return rapid.Custom(func(t *rapid.T) string {
		text := []rune("v" + strings.ToValidUTF8(strings.Join(rapid.SliceOfN(piece, 0, 4).Draw(t, "pieces"), " "), "?"))
		return string(text[rapid.IntRange(0, 1).Draw(t, "drop"):][:min(len(text)-1, most)]) + "z"
	})
}

func hostileEntry() *rapid.Generator[Entry] {
	return rapid.Custom(func(t *rapid.T) Entry {
		e := nordwind("a-1")
		e.ID = "E-00001"
		e.Kind = rapid.SampledFrom([]Kind{Invoice, CreditNote}).Draw(t, "kind")
		currency := rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "CLF", "USD"}).Draw(t, "currency")
		net, tax := rapid.Int64Range(1, maxMinor/2).Draw(t, "net"), rapid.Int64Range(0, maxMinor/2).Draw(t, "tax")
		e.Net, e.Tax, e.Payable = Money{net, currency}, Money{tax, currency}, Money{net + tax, currency}
		e.Number = hostileText(maxNumber-1).Draw(t, "number")
		e.VendorName = hostileText(maxName-1).Draw(t, "name")
		if rapid.Bool().Draw(t, "void") {
			e.Voids, e.Reason = "E-00002", hostileText(maxReason-1).Draw(t, "reason")
		}
		return e
	})
}

// Whatever text comes in, the reader gives back that very entry and no other.
func TestHostileTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := hostileEntry().Draw(t, "entry")
		if err := e.check(); err != nil {
			t.Fatalf("generated entry: %v", err)
		}
		f, err := scanText("2026.journal", header+"\n"+render(e))
		if err != nil || len(f.entries) != 1 || len(f.torn) != 0 {
			t.Fatalf("%d entries, %q torn, %v from:\n%s", len(f.entries), f.torn, err, render(e))
		}
		e.Digest = digest(render(e))
		if diff := cmp.Diff(e, f.entries[0]); diff != "" {
			t.Fatalf("(-written +read):\n%s", diff)
		}
		for _, r := range render(e) {
			if r != '\n' && r != ' ' && !plain(r, 4) && !strings.ContainsRune(":;|()%", r) {
				t.Fatalf("%q reached the file:\n%s", r, render(e))
			}
		}
	})
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"F-2231", "F-2231"},
		{"Müller & Söhne/株式会社 No. 7", "Müller & Söhne/株式会社 No. 7"},
		{"a;b|c:d,e", "a%3Bb%7Cc%3Ad%2Ce"},
		{"(x)%", "%28x%29%25"},
		{" a  b ", "%20a %20b%20"},
		{"a\r\nb\t", "a%0D%0Ab%09"},
		{"\u202Eb", "%E2%80%AEb"},
		{"\u3164\u115F\uFFA0", "%E3%85%A4%E1%85%9F%EF%BE%A0"},
		{"e\u0301\uFE0F", "e%CC%81%EF%B8%8F"},
		{"\xff\uFFFD", "%FF%EF%BF%BD"},
	} {
		if got := escape(c.in); got != c.out {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.out)
		}
	}
}

func TestEscapeGivesBackEveryString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		if back, err := unescape(escape(s)); err != nil || back != s {
			t.Fatalf("%q becomes %q becomes %q, %v", s, escape(s), back, err)
		}
	})
}

// hledgerEntry is what of hledger's JSON the books must agree with.
type hledgerEntry struct {
	Date        string      `json:"tdate"`
	Code        string      `json:"tcode"`
	Description string      `json:"tdescription"`
	Status      string      `json:"tstatus"`
	Tags        [][2]string `json:"ttags"`
	Postings    []struct {
		Account string `json:"paccount"`
		Amounts []struct {
			Commodity string `json:"acommodity"`
			Quantity  struct {
				Mantissa json.Number `json:"decimalMantissa"`
				Places   int         `json:"decimalPlaces"`
			} `json:"aquantity"`
		} `json:"pamount"`
	} `json:"tpostings"`
}

func TestHledgerAgrees(t *testing.T) {
	datatest.Program(t, "hledger")
	j := open(t, t.TempDir())
	for i, text := range hostile {
		e := numbered(fmt.Sprintf("h-%d", i), text[:min(len(text), 40)]+fmt.Sprint(i))
		e.Number = strings.ToValidUTF8(e.Number, "?")
		e.VendorName = text + "z"
		post(t, j, e)
	}
	for i := range 100 {
		e := hostileEntry().Example(i)
		e.ID, e.Voids, e.Reason, e.Vendor, e.Action = "", "", "", fmt.Sprintf("V-%d", i), fmt.Sprintf("g-%d", i)
		posted := post(t, j, e)
		if i%5 == 0 {
			v := Voiding{Entry: posted.ID, Posted: "2026-12-01", Action: fmt.Sprintf("v-%d", i), Reason: hostile[i%len(hostile)]}
			if _, err := j.Void(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(j.dir, "2026.journal")
	hledger(t, "-f", path, "check")
	var theirs []hledgerEntry
	if err := json.Unmarshal(hledger(t, "-f", path, "print", "-O", "json"), &theirs); err != nil {
		t.Fatal(err)
	}
	ours := entries(t, j)
	byID := map[string]hledgerEntry{}
	for _, h := range theirs {
		byID[h.tag("entry")] = h
	}
	if len(theirs) != len(ours) || len(byID) != len(ours) {
		t.Fatalf("hledger reads %d entries with %d ids, we read %d", len(theirs), len(byID), len(ours))
	}
	for _, e := range ours {
		compareWithHledger(t, e, byID[string(e.ID)])
	}
}

func (h hledgerEntry) tag(name string) string {
	for _, tag := range h.Tags {
		if tag[0] == name {
			return tag[1]
		}
	}
	return ""
}

func compareWithHledger(t *testing.T, e Entry, h hledgerEntry) {
	t.Helper()
	note := string(e.Kind)
	if e.Voids != "" {
		note = voidNote + note
	}
	want := []string{e.Posted, escape(e.Number), escape(e.VendorName) + " | " + note, "Unmarked"}
	got := []string{h.Date, h.Code, h.Description, h.Status}
	for _, tag := range e.tags() {
		if *tag.value != "" {
			want = append(want, tag.name+":"+tag.write(*tag.value))
		}
	}
	for _, tag := range h.Tags {
		got = append(got, tag[0]+":"+tag[1])
	}
	for _, p := range e.postings() {
		want = append(want, fmt.Sprintf("%s %d e-%d %s", p.account, p.amount.Minor, digits(p.amount.Currency), p.amount.Currency))
	}
	for _, p := range h.Postings {
		for _, a := range p.Amounts {
			got = append(got, fmt.Sprintf("%s %s e-%d %s", p.Account, a.Quantity.Mantissa, a.Quantity.Places, a.Commodity))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-ours +hledger's):\n%s", e.ID, diff)
	}
}

func hledger(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("hledger", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("hledger %v: %v\n%s", args, err, errorOutput(err))
	}
	return out
}

func errorOutput(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}
