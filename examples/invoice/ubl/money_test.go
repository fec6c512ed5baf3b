package ubl_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	cases := []struct{ amount, currency, minor string }{
		{"12480.00", "EUR", "1248000"},
		{"12480", "EUR", "1248000"},
		{"0.1", "EUR", "10"},
		{".5", "EUR", "50"},
		{"5.", "EUR", "500"},
		{"+007.10", "EUR", "710"},
		{"-3.07", "EUR", "-307"},
		{"-0.00", "EUR", "0"},
		{"1.230000", "EUR", "123"},
		{"783000", "JPY", "783000"},
		{"783000.00", "JPY", "783000"},
		{"1.234", "BHD", "1234"},
		{"1.2345", "UYW", "12345"},
		{"999999999999999999999999999.99", "EUR", "99999999999999999999999999999"},
		{"1.001", "EUR", ""},
		{"0.5", "JPY", ""},
		{"1.2345", "BHD", ""},
		{"1", "eur", ""},
		{"1", "", ""},
		{"", "EUR", ""},
		{"-", "EUR", ""},
		{".", "EUR", ""},
		{"1,00", "EUR", ""},
		{"1 000", "EUR", ""},
		{"1e3", "EUR", ""},
		{"NaN", "EUR", ""},
		{"Infinity", "EUR", ""},
		{"0x10", "EUR", ""},
		{"٣", "EUR", ""},
		{strings.Repeat("9", ubl.MaxDigits+1), "EUR", ""},
	}
	for _, c := range cases {
		got, err := ubl.ParseMoney(c.amount, c.currency)
		switch {
		case c.minor == "" && err == nil:
			t.Errorf("%q %q: got %v, want an error", c.amount, c.currency, got)
		case c.minor != "" && (err != nil || got != ubl.Money{Minor: c.minor, Currency: c.currency}):
			t.Errorf("%q %q: got %v, %v; want %s", c.amount, c.currency, got, err, c.minor)
		}
	}
}

// Writing minor units with a point gives them back, whatever zeros follow.
func TestParseMoneyIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64().Draw(t, "minor")
		if minor == -1<<63 {
			t.Skip("has no absolute value")
		}
		sign, whole := "", minor
		if minor < 0 {
			sign, whole = "-", -minor
		}
		amount := fmt.Sprintf("%s%d.%02d%s", sign, whole/100, whole%100, strings.Repeat("0", rapid.IntRange(0, 8).Draw(t, "zeros")))
		got, err := ubl.ParseMoney(amount, "EUR")
		if err != nil || got.Minor != fmt.Sprint(minor) {
			t.Fatalf("%s: got %v, %v", amount, got, err)
		}
	})
}

func TestParseIBAN(t *testing.T) {
	cases := []struct{ text, iban string }{
		{"DE89370400440532013000", "DE89370400440532013000"},
		{"gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"},
		{"NO9386011117947", "NO9386011117947"},
		{"DE88370400440532013000", ""},      // check digits
		{"DE8937040044053201300", ""},       // length
		{"DE89 3704-0044-0532-0130", ""},    // characters
		{"GB82WE\u017fT12345698765432", ""}, // long s, whose capital is S
		{"6012-4", ""},
		{"", ""},
	}
	for _, c := range cases {
		got, err := ubl.ParseIBAN(c.text)
		if got != c.iban || (err == nil) != (c.iban != "") {
			t.Errorf("%q: got %q, %v", c.text, got, err)
		}
	}
}

// MOD 97-10 finds every single wrong digit and every swap of neighbours.
func TestParseIBANFindsSlips(t *testing.T) {
	const right = "DE89370400440532013000"
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(2, len(right)-2).Draw(t, "at")
		slip := []byte(right)
		if rapid.Bool().Draw(t, "swap") {
			slip[at], slip[at+1] = slip[at+1], slip[at]
		} else {
			slip[at] = byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
		}
		if _, err := ubl.ParseIBAN(string(slip)); (err == nil) != (string(slip) == right) {
			t.Fatalf("%s: %v", slip, err)
		}
	})
}
