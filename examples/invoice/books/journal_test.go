package books

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func eur(minor int64) Money { return Money{Minor: minor, Currency: "EUR"} }

// nordwind is the invoice that the tests post; each changes what it is about.
func nordwind(action string) Entry {
	return Entry{
		Posted: "2026-11-20", Kind: Invoice, Vendor: "V-1001", VendorName: "Nordwind GmbH", Number: "F-2231",
		Issued: "2026-11-18", Net: eur(1048739), Tax: eur(199261), Payable: eur(1248000),
		IBAN: "DE02120300000000202051", Document: "sha256:" + strings.Repeat("0f", 32),
		Run: "0193f2a1-7c1e-7000-8000-000000000001", Action: action,
	}
}

func numbered(action, number string) Entry {
	e := nordwind(action)
	e.Number = number
	return e
}

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func reopen(t *testing.T, j *Journal) *Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, j.dir)
}

func post(t *testing.T, j *Journal, e Entry) Entry {
	t.Helper()
	posted, err := j.Post(e)
	if err != nil {
		t.Fatal(err)
	}
	return posted
}

func void(t *testing.T, j *Journal, id EntryID, action string) Entry {
	t.Helper()
	e, err := j.Void(Voiding{Entry: id, Posted: "2026-12-01", Run: "run-2", Action: action, Reason: "wrong vendor"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func entries(t *testing.T, j *Journal) []Entry {
	t.Helper()
	all, err := j.Entries()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func ids(all []Entry) string {
	var list []string
	for _, e := range all {
		list = append(list, string(e.ID))
	}
	return strings.Join(list, " ")
}

func TestPostWritesOneReadableEntry(t *testing.T) {
	j := open(t, t.TempDir())
	posted := post(t, j, nordwind("a-1"))
	want := header + `
2026-11-20 (F-2231) Nordwind GmbH | invoice
    ; entry:E-00001
    ; vendor:V-1001
    ; issued:2026-11-18
    ; iban:DE02120300000000202051
    ; document:sha256:` + strings.Repeat("0f", 32) + `
    ; run:0193f2a1-7c1e-7000-8000-000000000001
    ; action:a-1
    expenses:purchases                            10487.39 EUR
    assets:vat-receivable                          1992.61 EUR
    liabilities:payables:V-1001                  -12480.00 EUR
`
	data, err := os.ReadFile(filepath.Join(j.dir, "2026.journal"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	wanted := nordwind("a-1")
	wanted.ID, wanted.Digest = "E-00001", digest(strings.TrimPrefix(want, header+"\n"))
	if diff := cmp.Diff(wanted, posted); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Entry{wanted}, entries(t, reopen(t, j))); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
}

func TestCreditNotePostsTheOtherWay(t *testing.T) {
	j := open(t, t.TempDir())
	e := nordwind("a-1")
	e.Kind = CreditNote
	post(t, j, e)
	data, err := os.ReadFile(filepath.Join(j.dir, "2026.journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"purchases -10487.39 EUR", "vat-receivable -1992.61 EUR", "V-1001 12480.00 EUR", "| credit-note"} {
		if !strings.Contains(collapse(string(data)), line) {
			t.Errorf("file lacks %q:\n%s", line, data)
		}
	}
}

func TestYearsHaveFilesOfTheirOwnAndOneNumbering(t *testing.T) {
	j := open(t, t.TempDir())
	for i, day := range []string{"2026-12-31", "2027-01-01", "2026-12-31"} {
		e := numbered("a-"+day+string(rune('a'+i)), "F-"+string(rune('1'+i)))
		e.Posted = day
		post(t, j, e)
	}
	names, err := journalFiles(j.dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2026.journal", "2027.journal"}, names); diff != "" {
		t.Error(diff)
	}
	j = reopen(t, j)
	if got := ids(entries(t, j)); got != "E-00001 E-00002 E-00003" {
		t.Errorf("entries %s", got)
	}
	if e := post(t, j, numbered("a-4", "F-4")); e.ID != "E-00004" {
		t.Errorf("after reopening the next entry is %s", e.ID)
	}
}

func TestActionIsTheIdempotencyKey(t *testing.T) {
	j := open(t, t.TempDir())
	first := post(t, j, nordwind("a-1"))
	again := nordwind("a-1")
	again.Posted = "2026-11-21" // the retry came after midnight
	for _, j := range []*Journal{j, reopen(t, j)} {
		if diff := cmp.Diff(first, post(t, j, again)); diff != "" {
			t.Errorf("second post (-first +second):\n%s", diff)
		}
		other := again
		other.Number = "F-9999"
		if _, err := j.Post(other); !errors.Is(err, ErrConflict) {
			t.Errorf("other content under the same action: %v", err)
		}
		if n := len(entries(t, j)); n != 1 {
			t.Errorf("%d entries, want 1", n)
		}
	}
}

func TestDuplicateInvoiceIsRefused(t *testing.T) {
	j := open(t, t.TempDir())
	post(t, j, nordwind("a-1"))
	otherVendor, otherKind := nordwind("a-v"), nordwind("a-k")
	otherVendor.Vendor, otherKind.Kind = "V-1002", CreditNote
	for _, c := range []struct {
		name      string
		entry     Entry
		duplicate bool
	}{
		{"the same", nordwind("a-2"), true},
		{"other case and spaces", numbered("a-3", " f-22 31"), true},
		{"an invisible character", numbered("a-4", "F-\u200b2231"), true},
		{"another number", numbered("a-5", "F-2232"), false},
		{"another vendor", otherVendor, false},
		{"a credit note", otherKind, false},
	} {
		_, err := j.Post(c.entry)
		var duplicate *DuplicateError
		if errors.As(err, &duplicate) != c.duplicate {
			t.Errorf("%s: %v", c.name, err)
		}
		if duplicate != nil && duplicate.Entry != "E-00001" {
			t.Errorf("%s: duplicate of %s", c.name, duplicate.Entry)
		}
	}
}

func TestVoidReversesOnce(t *testing.T) {
	j := open(t, t.TempDir())
	post(t, j, nordwind("a-1"))
	reversal := void(t, j, "E-00001", "a-2")
	if reversal.ID != "E-00002" || reversal.Voids != "E-00001" || reversal.Reason != "wrong vendor" {
		t.Errorf("reversal: %+v", reversal)
	}
	j = reopen(t, j)
	if e, err := j.Get("E-00001"); err != nil || e.VoidedBy != "E-00002" {
		t.Errorf("voided entry: %+v, %v", e, err)
	}
	if again := void(t, j, "E-00001", "a-2"); again.ID != "E-00002" {
		t.Errorf("the same action again wrote %s", again.ID)
	}
	for _, c := range []struct {
		name string
		void Voiding
		want error
	}{
		{"twice", Voiding{"E-00001", "2026-12-01", "r", "a-3", "again"}, ErrVoided},
		{"a reversal", Voiding{"E-00002", "2026-12-01", "r", "a-3", "no"}, ErrVoided},
		{"no such entry", Voiding{"E-00009", "2026-12-01", "r", "a-3", "no"}, ErrNotFound},
		{"no reason", Voiding{"E-00001", "2026-12-01", "r", "a-3", ""}, ErrInvalid},
		{"no action", Voiding{"E-00001", "2026-12-01", "r", "", "no"}, ErrInvalid},
		{"an action that posted", Voiding{"E-00001", "2026-12-01", "r", "a-1", "no"}, ErrConflict},
	} {
		if _, err := j.Void(c.void); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if e := post(t, j, nordwind("a-4")); e.ID != "E-00003" {
		t.Errorf("a voided invoice is posted anew as %s", e.ID)
	}
	balance := int64(0)
	for _, e := range entries(t, j) {
		balance += e.sign() * e.Payable.Minor
	}
	if balance != 1248000 {
		t.Errorf("post, void, post leave %d, want one invoice", balance)
	}
}

func TestLookUps(t *testing.T) {
	j := open(t, t.TempDir())
	run := nordwind("a-1").Run
	post(t, j, nordwind("a-1"))
	post(t, j, numbered("a-2", "F-2232"))
	void(t, j, "E-00001", "a-3")
	for _, c := range []struct {
		name string
		find func() ([]Entry, error)
		want string
	}{
		{"run", func() ([]Entry, error) { return j.OfRun(run) }, "E-00001 E-00002"},
		{"invoice", func() ([]Entry, error) { return j.OfInvoice("V-1001", "f-2231") }, "E-00001 E-00003"},
		{"action", func() ([]Entry, error) { e, err := j.OfAction("a-2"); return []Entry{e}, err }, "E-00002"},
	} {
		got, err := c.find()
		if err != nil || ids(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, ids(got), err, c.want)
		}
	}
	for name, find := range map[string]func() error{
		"entry":   func() error { _, err := j.Get("E-00009"); return err },
		"run":     func() error { _, err := j.OfRun("none"); return err },
		"invoice": func() error { _, err := j.OfInvoice("V-1", "F-2231"); return err },
		"action":  func() error { _, err := j.OfAction("none"); return err },
	} {
		if err := find(); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
}

func TestReadsComeFromTheFile(t *testing.T) {
	j := open(t, t.TempDir())
	before := post(t, j, nordwind("a-1"))
	path := filepath.Join(j.dir, "2026.journal")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(data), "Nordwind", "Sudwinde")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := j.Get("E-00001")
	if err != nil || after.VendorName != "Sudwinde GmbH" || after.Digest == before.Digest {
		t.Errorf("after a change on disk Get returns %q with digest %s, %v", after.VendorName, after.Digest, err)
	}
}

func TestInvalidEntriesAreRefused(t *testing.T) {
	j := open(t, t.TempDir())
	for name, spoil := range map[string]func(*Entry){
		"no action":          func(e *Entry) { e.Action = "" },
		"an id":              func(e *Entry) { e.ID = "E-00007" },
		"a void":             func(e *Entry) { e.Voids = "E-00001" },
		"unbalanced":         func(e *Entry) { e.Tax.Minor++ },
		"negative":           func(e *Entry) { e.Net, e.Payable = eur(-1), eur(199260) },
		"zero":               func(e *Entry) { e.Net, e.Tax, e.Payable = eur(0), eur(0), eur(0) },
		"two currencies":     func(e *Entry) { e.Tax.Currency = "USD" },
		"no currency":        func(e *Entry) { e.Net.Currency, e.Tax.Currency, e.Payable.Currency = "", "", "" },
		"too much":           func(e *Entry) { e.Net, e.Payable = eur(maxMinor+1), eur(maxMinor+1+199261) },
		"kind":               func(e *Entry) { e.Kind = "gift" },
		"vendor":             func(e *Entry) { e.Vendor = "V 1001  99 EUR" },
		"no vendor name":     func(e *Entry) { e.VendorName = "" },
		"long number":        func(e *Entry) { e.Number = strings.Repeat("9", 65) },
		"invisible number":   func(e *Entry) { e.Number = "\u200b " },
		"number not UTF-8":   func(e *Entry) { e.Number = "F-\xff" },
		"date":               func(e *Entry) { e.Posted = "2026-02-30" },
		"year":               func(e *Entry) { e.Posted = "0026-02-20" },
		"issued":             func(e *Entry) { e.Issued = "yesterday" },
		"iban with spaces":   func(e *Entry) { e.IBAN = "DE02 1203 0000" },
		"document":           func(e *Entry) { e.Document = "md5:00" },
		"run with line feed": func(e *Entry) { e.Run = "r\n2026-01-01" },
	} {
		e := nordwind("a-1")
		spoil(&e)
		if _, err := j.Post(e); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	if names, err := journalFiles(j.dir); err != nil || len(names) != 0 {
		t.Errorf("refused entries left %v, %v", names, err)
	}
}

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		money Money
		text  string
	}{
		{eur(1248000), "12480.00 EUR"},
		{eur(-5), "-0.05 EUR"},
		{eur(0), "0.00 EUR"},
		{Money{1500, "JPY"}, "1500 JPY"},
		{Money{0, "JPY"}, "0 JPY"},
		{Money{1234, "KWD"}, "1.234 KWD"},
		{Money{-1, "CLF"}, "-0.0001 CLF"},
		{eur(maxMinor), "10000000000000.00 EUR"},
	} {
		if got := c.money.String(); got != c.text {
			t.Errorf("%+v is written %q, want %q", c.money, got, c.text)
		}
		if got, err := parseMoney(c.text); err != nil || got != c.money {
			t.Errorf("%q reads as %+v, %v", c.text, got, err)
		}
	}
	for _, text := range []string{
		"", "EUR", "1.0 EUR", "1.000 EUR", "1,00 EUR", "01.00 EUR", "-0.00 EUR", "+1.00 EUR", "1.00 eur", "1.00EUR",
		"1.00 EURO", "1_0.00 EUR", "1.5 JPY", ".50 EUR", "1e2 EUR", "99999999999999999.00 EUR",
	} {
		if m, err := parseMoney(text); err == nil {
			t.Errorf("%q reads as %v", text, m)
		}
	}
}
