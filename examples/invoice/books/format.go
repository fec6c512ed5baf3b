package books

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The text of an entry, which hledger reads as it stands:
//
//	2026-11-20 (F-2231) Nordwind GmbH | invoice
//	    ; entry:E-00001
//	    ; vendor:V-1001
//	    ; issued:2026-11-18
//	    ; document:sha256:…
//	    ; run:0193f2a1-…
//	    ; action:0193f2a2-…
//	    expenses:purchases                        10487.39 EUR
//	    assets:vat-receivable                      1992.61 EUR
//	    liabilities:payables:V-1001              -12480.00 EUR
//
// A blank line stands before an entry, not after it: the last posting ends it, so a file whose
// trailing blank lines an editor stripped has lost nothing.

// header opens every file. Without the directive "1.234 KWD" would leave hledger to guess.
const header = "; Journal of the books server. Append-only: correct an entry by voiding it.\ndecimal-mark .\n"

const (
	purchases = "expenses:purchases"
	inputTax  = "assets:vat-receivable"
	payables  = "liabilities:payables:"
)

const voidNote = "void "

// render writes a checked entry.
func render(e Entry) string {
	note := string(e.Kind)
	if e.Voids != "" {
		note = voidNote + note
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s) %s | %s\n", e.Posted, escape(e.Number), escape(e.VendorName), note)
	for _, tag := range e.tags() {
		if *tag.value != "" {
			fmt.Fprintf(&b, "    ; %s:%s\n", tag.name, tag.write(*tag.value))
		}
	}
	for _, p := range e.postings() {
		fmt.Fprintf(&b, "    %-38s  %14s %s\n", p.account, p.amount.decimal(), p.amount.Currency)
	}
	return b.String()
}

// tag binds a tag's name to the field that it carries, for writing and reading alike.
type tag struct {
	name  string
	value *string
	free  bool // free text, to be escaped
}

func (t tag) write(s string) string {
	if t.free {
		return escape(s)
	}
	return s
}

// tags lists the tags in the order of the file. None may be called "date" or "date2": hledger
// would take its value for the posting's date.
func (e *Entry) tags() []tag {
	return []tag{
		{name: "entry", value: (*string)(&e.ID)},
		{name: "vendor", value: &e.Vendor},
		{name: "issued", value: &e.Issued},
		{name: "iban", value: &e.IBAN},
		{name: "document", value: &e.Document},
		{name: "run", value: &e.Run},
		{name: "action", value: &e.Action},
		{name: "voids", value: (*string)(&e.Voids)},
		{name: "reason", value: &e.Reason, free: true},
	}
}

type posting struct {
	account string
	side    int64 // of the account: +1 a debit, -1 a credit
	amount  Money // debits are positive
}

func (e *Entry) postings() []posting {
	sign := e.sign()
	return []posting{
		{purchases, sign, e.Net.times(sign)},
		{inputTax, sign, e.Tax.times(sign)},
		{payables + e.Vendor, -sign, e.Payable.times(-sign)},
	}
}

// errCut: the text ends before the entry does, as after a write that a crash interrupted.
var errCut = errors.New("the entry is incomplete")

// lineError places an error on a line of an entry, counted from zero.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }

var headForm = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2}) \(([^()]+)\) (.+) \| (void )?([a-z-]+)$`)

// parse reads one entry from whole lines (without their line feeds) and says how many it took. It
// fails with errCut when the lines are a true beginning of an entry, and with a *lineError when
// they are anything else. Spacing is free; all else must be as render writes it.
func parse(lines []string) (Entry, int, error) {
	var e Entry
	if len(lines) == 0 {
		return e, 0, errCut
	}
	if err := e.readHead(lines[0]); err != nil {
		return e, 0, &lineError{0, err}
	}
	n := 1
	for n < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[n]), ";") {
		if err := e.readTag(lines[n]); err != nil {
			return e, 0, &lineError{n, err}
		}
		n++
	}
	first := n
	for i, into := range []*Money{&e.Net, &e.Tax, &e.Payable} {
		if n == len(lines) {
			return e, 0, errCut
		}
		want := e.postings()[i]
		amount, err := readPosting(lines[n], want.account)
		if err != nil {
			return e, 0, &lineError{n, err}
		}
		*into = amount.times(want.side)
		n++
	}
	if err := e.checkAmounts(); err != nil {
		return e, 0, &lineError{first, err}
	}
	if err := e.check(); err != nil {
		return e, 0, &lineError{0, err}
	}
	if !idForm.MatchString(string(e.ID)) {
		return e, 0, &lineError{0, errors.New("the entry has no tag entry:E-00000")}
	}
	return e, n, e.compare(lines[:n])
}

func (e *Entry) readHead(line string) (err error) {
	m := headForm.FindStringSubmatch(collapse(line))
	if m == nil {
		return errors.New("expected DATE (NUMBER) VENDOR | KIND")
	}
	e.Posted, e.Kind = m[1], Kind(m[5])
	if e.Number, err = unescape(m[2]); err != nil {
		return err
	}
	e.VendorName, err = unescape(m[3])
	return err
}

func (e *Entry) readTag(line string) (err error) {
	name, value, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), ";")), ":")
	tags := e.tags()
	i := slices.IndexFunc(tags, func(t tag) bool { return t.name == name })
	switch {
	case i < 0:
		return fmt.Errorf("tag %q is not one of ours", name)
	case *tags[i].value != "":
		return fmt.Errorf("tag %q stands twice", name)
	case tags[i].free:
		value, err = unescape(value)
	}
	*tags[i].value = value
	return err
}

func readPosting(line, account string) (Money, error) {
	found, amount, _ := strings.Cut(collapse(line), " ")
	if found != account {
		return Money{}, fmt.Errorf("expected a posting to %.100q", account)
	}
	return parseMoney(amount)
}

// compare writes the entry again and holds it against what was read: accounts, signs, order of
// tags and escapes all have one form.
func (e Entry) compare(lines []string) error {
	want := strings.Split(strings.TrimSuffix(render(e), "\n"), "\n")
	for i, line := range lines {
		if i >= len(want) || collapse(line) != collapse(want[i]) {
			return &lineError{i, errors.New("the line is not in the form that the books write")}
		}
	}
	return nil
}

func collapse(line string) string { return strings.Join(strings.Fields(line), " ") }

// digest of an entry's bytes, as in Entry.Digest.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}
