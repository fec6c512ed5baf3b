package books

import (
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"
)

// EntryID names an entry within the books: "E-00001", counted from one, never reused.
type EntryID string

// Kind says which way an entry posts.
type Kind string

const (
	// Invoice debits purchases and receivable tax and credits what we owe the vendor.
	Invoice Kind = "invoice"
	// CreditNote posts the other way round.
	CreditNote Kind = "credit-note"
)

// Entry is one balanced posting of the journal. Amounts are never negative; Kind and Voids give
// the side they post to.
type Entry struct {
	ID         EntryID `json:"id"`
	Posted     string  `json:"posted"` // date of posting, YYYY-MM-DD; its year picks the file
	Kind       Kind    `json:"kind"`
	Vendor     string  `json:"vendor"` // id in the vendor master, part of the account name
	VendorName string  `json:"vendor_name"`
	Number     string  `json:"number"`           // the vendor's own number of the invoice or credit note
	Issued     string  `json:"issued,omitempty"` // date on the document, YYYY-MM-DD
	Net        Money   `json:"net"`
	Tax        Money   `json:"tax"`
	Payable    Money   `json:"payable"` // Net + Tax
	IBAN       string  `json:"iban,omitempty"`
	Document   string  `json:"document,omitempty"` // "sha256:" and 64 hex digits
	Run        string  `json:"run,omitempty"`      // empty for a posting that no run made
	Action     string  `json:"action"`             // idempotency key of the write
	Voids      EntryID `json:"voids,omitempty"`    // the entry that this one reverses
	Reason     string  `json:"reason,omitempty"`   // why it does

	// VoidedBy and Digest are found on reading and never written.
	VoidedBy EntryID `json:"voided_by,omitempty"` // the entry that reverses this one
	Digest   string  `json:"digest"`              // "sha256:" of the entry's bytes in the file
}

var (
	idForm       = regexp.MustCompile(`^E-[0-9]{5,9}$`)
	vendorForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	refForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	ibanForm     = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$`)
	documentForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// Bounds on text, in characters.
const (
	maxNumber = 64
	maxName   = 200
	maxReason = 300
)

// check holds an entry to what the journal can write and balance; ID and Digest are not its matter.
func (e Entry) check() error {
	for _, f := range []struct {
		ok   bool
		fail string
	}{
		{dateOK(e.Posted), "posted is not a date YYYY-MM-DD"},
		{e.Kind == Invoice || e.Kind == CreditNote, "kind is neither invoice nor credit-note"},
		{vendorForm.MatchString(e.Vendor), "vendor is not an id of letters, digits, . _ - (64 at most)"},
		{textOK(e.VendorName, 1, maxName), "vendor name is empty, over 200 characters or not UTF-8"},
		{textOK(e.Number, 1, maxNumber), "number is empty, over 64 characters or not UTF-8"},
		{sameNumber(e.Number) != "", "number has no visible character"},
		{e.Issued == "" || dateOK(e.Issued), "issued is not a date YYYY-MM-DD"},
		{e.IBAN == "" || ibanForm.MatchString(e.IBAN), "iban is not two letters, two digits and up to 30 letters or digits, without spaces"},
		{e.Document == "" || documentForm.MatchString(e.Document), `document is not "sha256:" and 64 hex digits`},
		{e.Run == "" || refForm.MatchString(e.Run), "run is not an id of letters, digits, . _ - (128 at most)"},
		{e.Action == "" || refForm.MatchString(e.Action), "action is not an id of letters, digits, . _ - (128 at most)"},
		{e.Voids == "" || idForm.MatchString(string(e.Voids)), "voids is not an entry id"},
		{textOK(e.Reason, 0, maxReason), "reason is over 300 characters or not UTF-8"},
	} {
		if !f.ok {
			return errors.New(f.fail)
		}
	}
	return e.checkAmounts()
}

func (e Entry) checkAmounts() error {
	for _, part := range []struct {
		name  string
		money Money
	}{{"net", e.Net}, {"tax", e.Tax}, {"payable", e.Payable}} {
		if err := part.money.check(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if part.money.Minor < 0 {
			return fmt.Errorf("%s is negative: post a credit note instead", part.name)
		}
		if part.money.Currency != e.Payable.Currency {
			return fmt.Errorf("%s is in %s, payable in %s", part.name, part.money.Currency, e.Payable.Currency)
		}
	}
	if e.Payable.Minor == 0 {
		return errors.New("payable is zero: there is nothing to post")
	}
	if e.Net.Minor+e.Tax.Minor != e.Payable.Minor {
		return fmt.Errorf("net %s and tax %s do not add up to payable %s", e.Net, e.Tax, e.Payable)
	}
	return nil
}

// sign is the side of the expense account: +1 is a debit.
func (e Entry) sign() int64 {
	if (e.Kind == CreditNote) != (e.Voids != "") {
		return -1
	}
	return 1
}

// asked is what a caller asked for, without what the books added: two writes of one action must
// agree in it. The posting date is left out, since a retry may come after midnight.
func (e Entry) asked() Entry {
	e.ID, e.Posted, e.VoidedBy, e.Digest = "", "", "", ""
	return e
}

func dateOK(s string) bool {
	d, err := time.Parse(time.DateOnly, s)
	return err == nil && d.Year() >= 1000 // a year has four digits, here and in a file's name
}

func textOK(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && least <= n && n <= most
}
