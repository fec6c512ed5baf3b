package ubl

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var ibanForm = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$`)

// ParseIBAN returns an IBAN in its electronic form, without spaces and in
// capitals. It is an error unless form, length (by country, where the table
// knows it) and check digits are right (ISO 13616, ISO 7064 MOD 97-10). A right
// IBAN need not be an account that exists.
func ParseIBAN(s string) (string, error) {
	iban := strings.ReplaceAll(s, " ", "")
	if strings.IndexFunc(iban, notASCII) < 0 { // others may have an ASCII capital
		iban = strings.ToUpper(iban)
	}
	if !ibanForm.MatchString(iban) {
		return "", errors.New("not an IBAN: two letters, two digits, then 11 to 30 letters and digits")
	}
	if want := ibanLengths[iban[:2]]; want != 0 && want != len(iban) {
		return "", fmt.Errorf("not an IBAN: %s has %d characters, not %d", iban[:2], want, len(iban))
	}
	if mod97(iban[4:]+iban[:4]) != 1 {
		return "", errors.New("not an IBAN: the check digits are wrong")
	}
	return iban, nil
}

// mod97 reads letters as two digits, A = 10 to Z = 35.
func mod97(s string) int {
	rest := 0
	for _, c := range s {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
			continue
		}
		rest = (rest*10 + int(c-'0')) % 97
	}
	return rest
}

// ibanLengths is from the IBAN registry (SWIFT, ISO 13616-2).
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22,
	"BH": 22, "BR": 29, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
	"DO": 28, "EE": 20, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
	"GI": 23, "GL": 18, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26,
	"IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20,
	"LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15,
	"PK": 24, "PL": 28, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24,
	"SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "XK": 20,
}
