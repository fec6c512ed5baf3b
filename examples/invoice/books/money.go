package books

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Money is an amount in the minor units of a currency: {"minor":"1248000","currency":"EUR"} is
// 12,480.00 EUR. It is never held as a floating-point number, and travels as a string because JSON
// numbers lose digits beyond 2^53.
type Money struct {
	Minor    int64  `json:"minor,string"`
	Currency string `json:"currency"` // ISO 4217, three capital letters
}

// maxMinor bounds every amount, so that the sum of a few cannot overflow.
const maxMinor = 1_000_000_000_000_000

// Fraction digits of the currencies of ISO 4217 that do not have two.
var fractionDigits = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
	"RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

func digits(currency string) int {
	if n, ok := fractionDigits[currency]; ok {
		return n
	}
	return 2
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// String writes the amount as the journal does: "-12480.00 EUR", "1500 JPY", "1.234 KWD".
func (m Money) String() string {
	return m.decimal() + " " + m.Currency
}

func (m Money) decimal() string {
	n := digits(m.Currency)
	sign, abs := "", m.Minor
	if abs < 0 {
		sign, abs = "-", -abs
	}
	text := fmt.Sprintf("%0*d", n+1, abs)
	if n == 0 {
		return sign + text
	}
	return sign + text[:len(text)-n] + "." + text[len(text)-n:]
}

func (m Money) times(sign int64) Money {
	return Money{Minor: sign * m.Minor, Currency: m.Currency}
}

func (m Money) check() error {
	switch {
	case !currencyForm.MatchString(m.Currency):
		return fmt.Errorf("currency %q is not three capital letters (ISO 4217)", m.Currency)
	case m.Minor < -maxMinor || m.Minor > maxMinor:
		return fmt.Errorf("amount is beyond %d minor units", int64(maxMinor))
	}
	return nil
}

// parseMoney reads what String writes, and nothing else.
func parseMoney(text string) (Money, error) {
	number, currency, found := strings.Cut(text, " ")
	if !found || len(number) > 24 {
		return Money{}, errors.New(`amount is not of the form "12480.00 EUR"`)
	}
	minor, err := strconv.ParseInt(strings.Replace(number, ".", "", 1), 10, 64)
	if err != nil {
		return Money{}, fmt.Errorf("amount %q is not a decimal number", number)
	}
	m := Money{Minor: minor, Currency: currency}
	if err := m.check(); err != nil {
		return Money{}, err
	}
	// Writing it again is the cheapest complete check: digits, point and sign all have one form.
	if m.decimal() != number {
		return Money{}, fmt.Errorf("amount %q is not written as %s is: %q", number, currency, m.decimal())
	}
	return m, nil
}
