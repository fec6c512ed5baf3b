package redact

import "strings"

// digitID is a national id of digits alone.
type digitID struct {
	kind  Kind
	size  int
	forms string // groups as it is written, such as 324; these are believed as they stand
	bare  bool   // believed in one piece too: its check digits say enough
	mixed bool   // its separators differ
	words []string
	check func(digits string) bool
}

// digitIDs in the order in which they are tried. Where the form says little,
// a word nearby has to.
var digitIDs = []digitID{
	{SSN, 9, "324", false, false, strings.Fields("ssn social"), isSSN},
	{ITIN, 9, "324", false, false, strings.Fields("itin taxpayer"), isITIN},
	{"fr-nir", 15, "1222332 d2 122532", true, true, nil, isNIR},
	{"ch-ahv", 13, "3442", true, false, nil, func(d string) bool { return strings.HasPrefix(d, "756") && gtin(d) }},
	{"no-fnr", 11, "65", true, false, nil, isFNR},
	{"be-nrn", 11, "22232 632", false, true, strings.Fields("rijksregister registre nrn insz niss national"), isNRN},
	{"de-tax-id", 11, "2333", false, false, strings.Fields("steuer tin idnr identifikation tax"), isGermanTaxID},
	{"pl-pesel", 11, "", false, false, []string{"pesel"}, isPESEL},
	{"br-cpf", 11, "3332", false, true, []string{"cpf"}, isCPF},
	{"se-pnr", 10, "64", false, false, strings.Fields("personnummer personal pnr"), isSwedish},
	{"se-pnr", 12, "84", false, false, strings.Fields("personnummer personal pnr"), func(d string) bool { return isSwedish(d[2:]) }},
	{"dk-cpr", 10, "", false, false, strings.Fields("cpr personnummer"), func(d string) bool { return isDay(d[:2], d[2:4]) }},
	{"nl-bsn", 9, "", false, false, strings.Fields("bsn burgerservice sofi"), isBSN},
	{"ca-sin", 9, "", false, false, strings.Fields("sin social"), luhn},
	{"au-tfn", 9, "", false, false, strings.Fields("tfn tax"), weighed(11, 0, 1, 4, 3, 7, 5, 8, 6, 9, 10)},
	{"pt-nif", 9, "", false, false, strings.Fields("nif contribuinte"), isNIF},
	{"at-svnr", 10, "46", false, false, strings.Fields("svnr sozialversicherung"), isSVNR},
	{"in-aadhaar", 12, "444", false, false, strings.Fields("aadhaar aadhar uidai"), isAadhaar},
	{"kr-rrn", 13, "67", false, false, []string{"rrn", "resident"}, isRRN},
	{"cn-id", 18, "", true, false, nil, isChinese},
	{"za-id", 13, "6421 643", false, false, strings.Fields("identity id rsa"), func(d string) bool { return isDay(d[4:6], d[2:4]) && luhn(d) && d[10] <= '1' }},
	{"gb-nhs", 10, "334", false, false, []string{"nhs"}, weighed(11, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)},
}

// believes weighs how a number is written.
func (s *source) believes(id *digitID, sizes string, start, end int) bool {
	if id.bare && len(sizes) == 1 || hasForm(id.forms, sizes) {
		return id.kind != "gb-nhs" || s.near(start, end, id.words)
	}
	return s.near(start, end, id.words)
}

func hasForm(forms, sizes string) bool {
	for f := range strings.FieldsSeq(forms) {
		if f == sizes {
			return true
		}
	}
	return false
}

// isSSN wants area, group and serial numbers that are given out.
func isSSN(d string) bool {
	return d[:3] != "000" && d[:3] != "666" && d[0] != '9' && d[3:5] != "00" && d[5:] != "0000"
}

// isITIN wants the middle digits that the tax authority uses.
func isITIN(d string) bool {
	g := two(d[3:])
	return d[0] == '9' && (g >= 50 && g <= 65 || g >= 70 && g <= 88 || g >= 90 && g != 93)
}

func two(d string) int { return int(d[0]-'0')*10 + int(d[1]-'0') }

func atoi(d string) (n int) {
	for i := range len(d) {
		n = n*10 + int(d[i]-'0')
	}
	return n
}

func isDay(day, month string) bool {
	return two(day) >= 1 && two(day) <= 31 && two(month) >= 1 && two(month) <= 12
}

// weighted is the sum of digits times weights.
func weighted(d string, weights ...int) (sum int) {
	for i, w := range weights {
		sum += int(d[i]-'0') * w
	}
	return sum
}

func weighed(mod, rest int, weights ...int) func(string) bool {
	return func(d string) bool { return weighted(d, weights...)%mod == rest && !sameByte(d) }
}

func isNIR(d string) bool {
	month := two(d[3:])
	return strings.IndexByte("123478", d[0]) >= 0 && (month >= 1 && month <= 12 || month >= 20 && month <= 42 || month >= 50) && 97-atoi(d[:13])%97 == two(d[13:])
}

func isFNR(d string) bool {
	day := two(d)
	if day > 40 {
		day -= 40
	}
	m := two(d[2:])
	if m > 40 {
		m -= 40
	}
	return day >= 1 && day <= 31 && m >= 1 && m <= 12 &&
		weighted(d, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 && weighted(d, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func isNRN(d string) bool {
	n, check := atoi(d[:9]), two(d[9:])
	return two(d[2:]) <= 12 && two(d[4:]) <= 31 && (97-n%97 == check || 97-(2000000000+n)%97 == check)
}

// isGermanTaxID wants one digit two or three times among the first ten, and
// the check digit of ISO 7064, MOD 11,10.
func isGermanTaxID(d string) bool {
	if d[0] == '0' {
		return false
	}
	var count [10]int
	product := 10
	for i := range 10 {
		v := int(d[i] - '0')
		count[v]++
		sum := (v + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	repeated := 0
	for _, n := range count {
		if n > 3 {
			return false
		}
		if n > 1 {
			repeated++
		}
	}
	return repeated == 1 && (11-product)%10 == int(d[10]-'0')
}

func isPESEL(d string) bool {
	return two(d[2:])%20 >= 1 && two(d[2:])%20 <= 12 && two(d[4:]) >= 1 && two(d[4:]) <= 31 && weighted(d, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0
}

func isCPF(d string) bool {
	digit := func(n int) int {
		sum := 0
		for i := range n {
			sum += int(d[i]-'0') * (n + 1 - i)
		}
		return sum * 10 % 11 % 10
	}
	return !sameByte(d) && digit(9) == int(d[9]-'0') && digit(10) == int(d[10]-'0')
}

func isSwedish(d string) bool {
	day := two(d[4:])
	if day > 60 {
		day -= 60
	}
	return two(d[2:]) >= 1 && two(d[2:]) <= 12 && day >= 1 && day <= 31 && luhn(d)
}

func isBSN(d string) bool {
	return weighted(d, 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0 && !sameByte(d)
}

func isNIF(d string) bool {
	c := 11 - weighted(d, 9, 8, 7, 6, 5, 4, 3, 2)%11
	if c >= 10 {
		c = 0
	}
	return c == int(d[8]-'0')
}

func isSVNR(d string) bool {
	return d[0] != '0' && isDay(d[4:6], d[6:8]) && weighted(d, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11 == int(d[3]-'0')
}

// isAadhaar wants the check digit of Verhoeff (1969), over the dihedral group
// of ten.
func isAadhaar(d string) bool {
	if d[0] < '2' {
		return false
	}
	c := 0
	for i := range len(d) {
		p := int(d[len(d)-1-i] - '0')
		for range i % 8 {
			p = int("1576283094"[p] - '0')
		}
		c = dihedral(c, p)
	}
	return c == 0
}

func dihedral(a, b int) int {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return 5 + (a+b)%5
	case b < 5:
		return 5 + (a-b)%5
	}
	return (a - b + 5) % 5
}

func isRRN(d string) bool {
	return isDay(d[4:6], d[2:4]) && d[6] >= '1' && d[6] <= '8' &&
		(11-weighted(d, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11)%10 == int(d[12]-'0')
}

var chineseWeights = []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

func isChinese(d string) bool {
	century := d[6:8]
	return (century == "19" || century == "20") && isDay(d[12:14], d[10:12]) && "10X98765432"[weighted(d, chineseWeights...)%11] == d[17]
}
