package ubl

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// MaxDigits bounds a decimal, before and after the point together.
const MaxDigits = 30

var decimalForm = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)

// ParseDecimal reads an xs:decimal (XML Schema part 2, 3.2.3): digits with an
// optional sign and point, no exponent, no grouping. The value is exact; one of
// more than MaxDigits digits is an error.
func ParseDecimal(s string) (*apd.Decimal, error) {
	if len(s) > MaxDigits+2 || !decimalForm.MatchString(s) || digits(s) > MaxDigits {
		return nil, fmt.Errorf("not a decimal number of at most %d digits, such as 1234.50", MaxDigits)
	}
	d, _, err := apd.NewFromString(s)
	if err != nil {
		return nil, fmt.Errorf("not a decimal number: %w", err)
	}
	return d, nil
}

func digits(s string) int {
	return len(s) - strings.Count(s, ".") - strings.Count(s, "+") - strings.Count(s, "-")
}

// CanonicalDecimal writes equal decimals alike, without exponent: "100",
// "100.0" and "+100.00" are "100", and zero has no sign.
func CanonicalDecimal(d *apd.Decimal) string {
	if d.IsZero() {
		return "0"
	}
	reduced := new(apd.Decimal)
	reduced.Reduce(d)
	return reduced.Text('f')
}

// Money is an amount in the minor units of its currency: "1248000" and "EUR"
// are 12,480.00 EUR.
type Money struct {
	Minor    string // an integer, "-" before a negative one, no leading zeros
	Currency string // ISO 4217 alphabetic code
}

// ParseMoney converts an amount in major units ("12480.00") exactly. It is an
// error if the amount is no decimal, if the currency is not three capital
// letters, and if the amount has digits other than zero below the minor unit.
func ParseMoney(amount, currency string) (Money, error) {
	if !currencyForm.MatchString(currency) {
		return Money{}, fmt.Errorf("the currency is not an ISO 4217 code of three capital letters")
	}
	d, err := ParseDecimal(amount)
	if err != nil {
		return Money{}, fmt.Errorf("the amount is %w", err)
	}
	places := minorDigits(currency)
	minor := new(apd.Decimal)
	condition, err := exact.Quantize(minor, d, -places)
	if err != nil || condition.Inexact() {
		return Money{}, fmt.Errorf("the amount has more than the %d decimals of %s", places, currency)
	}
	minor.Exponent = 0
	return Money{Minor: CanonicalDecimal(minor), Currency: currency}, nil
}

// exact has room for every decimal in minor units.
var exact = apd.BaseContext.WithPrecision(4 * MaxDigits)

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// minorDigits is the exponent of the minor unit by ISO 4217 list one.
func minorDigits(currency string) int32 {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
		"RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}
