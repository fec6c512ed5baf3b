package redact

import "strings"

const (
	ukNINO Kind = "uk-nino"
	fiHETU Kind = "fi-hetu"
)

// wordID is a national id of letters and digits. In its form 9 stands for a
// digit, A for a letter, and anything else for itself.
type wordID struct {
	kind  Kind
	form  string
	words []string // one of which must stand nearby; none where the check says enough
	check func(w string) bool
}

var wordIDs = []wordID{
	{ukNINO, "AA999999A", nil, isNINO},
	{"es-dni", "99999999A", nil, func(w string) bool { return dniLetter(w[:8]) == w[8] }},
	{"es-nie", "A9999999A", nil, func(w string) bool {
		i := strings.IndexByte("XYZ", w[0])
		return i >= 0 && dniLetter(string(rune('0'+i))+w[1:8]) == w[8]
	}},
	{"sg-nric", "A9999999A", nil, isNRIC},
	{"ie-pps", "9999999A", nil, func(w string) bool { return isPPS(w, 0) }},
	{"ie-pps", "9999999AA", nil, func(w string) bool { return isPPS(w[:8], int(w[8]-'A'+1)) }},
	{"it-cf", "AAAAAA99A99A999A", nil, isCodiceFiscale},
	{"in-pan", "AAAAA9999A", nil, func(w string) bool { return strings.IndexByte("PCHFATBLJG", w[3]) >= 0 }},
	{"mx-curp", "AAAA999999AAAAAA99", nil, func(w string) bool { return isDay(w[8:10], w[6:8]) && strings.IndexByte("HMX", w[10]) >= 0 }},
	{"mx-curp", "AAAA999999AAAAAAA9", nil, func(w string) bool { return isDay(w[8:10], w[6:8]) && strings.IndexByte("HMX", w[10]) >= 0 }},
	{"cn-id", "99999999999999999A", nil, func(w string) bool { return w[17] == 'X' && isChinese(w) }},
	{"fr-nir", "999992A99999999", nil, isCorsican},
}

// words looks at the word around the i-th group, and at ids that begin with
// letters and a group.
func (n *number) words(i int) {
	s, g := n.s, n.groups[i]
	s.iban(g.start)
	s.hetu(n, i)
	s.nino(n, i)
	const longest = 20
	start, end := runBack(s.text, g.start, letter|digit, longest), run(s.text, g.end, alnum)
	if (start == g.start && end == g.end) || end-start > longest || end-start < 8 || !begins(s.text, start) || is(s.text, start, digit) && start < g.start {
		return
	}
	w := strings.ToUpper(s.text[start:end])
	for _, id := range wordIDs {
		// Short forms with a weak check are believed in capitals only.
		if fits(id.form, w) && id.check(w) && (len(w) > 9 || id.kind == ukNINO || s.text[start:end] == w) {
			s.add(id.kind, start, end)
			return
		}
	}
}

func fits(form, w string) bool {
	if len(form) != len(w) {
		return false
	}
	for i := range len(w) {
		switch c := form[i]; {
		case c == '9' && !is(w, i, digit), c == 'A' && !is(w, i, letter), c != '9' && c != 'A' && c != w[i]:
			return false
		}
	}
	return true
}

// isNINO wants a prefix that is given out, and a suffix from A to D.
func isNINO(w string) bool {
	p := w[:2]
	return strings.IndexByte("DFIQUV", p[0]) < 0 && strings.IndexByte("DFIOQUV", p[1]) < 0 && w[8] <= 'D' &&
		!strings.Contains("BG GB KN NK NT TN ZZ", p)
}

// nino finds a British number written in twos: AB 12 34 56 C.
func (s *source) nino(n *number, i int) {
	t := s.text
	start := n.groups[i].start - 3
	if i+2 >= len(n.groups) || !is(t, start, letter) || !is(t, start+1, letter) || !is(t, start+2, space|hyphen) || !begins(t, start) {
		return
	}
	digits, sizes := n.digits(i, i+3)
	end := n.groups[i+2].end
	if is(t, end, space|hyphen) {
		end++
	}
	if sizes == "222" && is(t, end, letter) && ends(t, end+1) && isNINO(strings.ToUpper(t[start:start+2]+digits+t[end:end+1])) {
		s.add(ukNINO, start, end+1)
	}
}

// hetu finds a Finnish code: the day of birth, a sign for the century, a
// number and a check character.
func (s *source) hetu(n *number, i int) {
	t, g := s.text, n.groups[i]
	sign := g.end
	if g.end-g.start != 6 || sign+5 > len(t) || strings.IndexByte("+-ABCDEFYXWVU", t[sign]) < 0 || run(t, sign+1, digit) < sign+4 || !begins(t, g.start) || !ends(t, sign+5) {
		return
	}
	number := atoi(t[g.start:g.end] + t[sign+1:sign+4])
	if isDay(t[g.start:g.start+2], t[g.start+2:g.start+4]) && "0123456789ABCDEFHJKLMNPRSTUVWXY"[number%31] == t[sign+4] {
		s.add(fiHETU, g.start, sign+5)
	}
}

func dniLetter(digits string) byte { return "TRWAGMYFPDXBNJZSQVHLCKE"[atoi(digits)%23] }

func isNRIC(w string) bool {
	sum := weighted(w[1:], 2, 7, 6, 5, 4, 3, 2)
	switch w[0] {
	case 'S':
		return "JZIHGFEDCBA"[sum%11] == w[8]
	case 'T':
		return "JZIHGFEDCBA"[(sum+4)%11] == w[8]
	case 'F':
		return "XWUTRQPNMLK"[sum%11] == w[8]
	case 'G':
		return "XWUTRQPNMLK"[(sum+4)%11] == w[8]
	}
	return false
}

func isPPS(w string, second int) bool {
	return "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(w, 8, 7, 6, 5, 4, 3, 2)+9*second)%23] == w[7]
}

// isCodiceFiscale holds the last letter against the fifteen before it, whose
// odd places count by a table of their own.
func isCodiceFiscale(w string) bool {
	odd := [...]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i := range 15 {
		v := int(w[i] - 'A')
		if is(w, i, digit) {
			v = int(w[i] - '0')
		}
		if i%2 == 0 {
			v = odd[v]
		}
		sum += v
	}
	return byte('A'+sum%26) == w[15]
}

// isCorsican is isNIR for the departments 2A and 2B.
func isCorsican(w string) bool {
	number := map[byte]string{'A': "19", 'B': "18"}[w[6]]
	return number != "" && isNIR(w[:5]+number+w[7:])
}
