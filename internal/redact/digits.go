package redact

import (
	"net/netip"
	"strings"
)

// number is digits as they stand in a text: groups with separators between.
type number struct {
	s      *source
	groups []group
	all    string // the digits of all groups
	from   []int  // by group, where its digits begin in all
	sizes  string // by group, one byte: 1 to 9, then a, b and so on
}

type group struct{ start, end int }

// maxGroups bounds the groups of one number.
const maxGroups = 24

// scanDigits looks at every number, and at words with digits in them.
func (s *source) scanDigits() {
	t := s.text
	for i := 0; i < len(t); {
		if sets[t[i]]&digit == 0 {
			i++
			continue
		}
		if end := s.opaque(i); end > 0 {
			i = end
			continue
		}
		n := s.numberAt(i)
		i = n.groups[len(n.groups)-1].end
		if !n.tooShort() {
			n.look()
		}
	}
}

// maxWord is longer than any word with digits that a rule knows.
const maxWord = 40

// opaque is the end of a word around i that no rule here can match: a digest,
// a UUID, a token. 0 where i lies in none.
func (s *source) opaque(i int) int {
	t := s.text
	start := runBack(t, i, alnum, maxWord)
	end := run(t, i, alnum)
	if end-start >= maxWord {
		return end
	}
	if end-start == 8 && start+36 <= len(t) && t[start+8] == '-' && t[start+13] == '-' && t[start+18] == '-' && t[start+23] == '-' &&
		run(t, start+24, alnum) == start+36 && begins(t, start) {
		return start + 36
	}
	return 0
}

// tooShort reports whether a number stands alone and has too few digits to be
// anything.
func (n *number) tooShort() bool {
	g := n.groups[0]
	return len(n.groups) == 1 && g.end-g.start < 7 && !is(n.s.text, g.start-1, letter|space|hyphen) && !is(n.s.text, g.end, letter|hyphen) &&
		(g.end == len(n.s.text) || n.s.text[g.end] != ':')
}

// numberAt reads the digits at i with all groups that follow.
func (s *source) numberAt(i int) *number {
	n := &s.number
	*n = number{s: s, groups: n.groups[:0], from: n.from[:0]}
	for len(n.groups) < maxGroups {
		end := run(s.text, i, digit)
		n.groups = append(n.groups, group{i, end})
		next := end
		for next < len(s.text) && next < end+3 && strings.IndexByte(" -./()", s.text[next]) >= 0 {
			next++
		}
		if next == end || !is(s.text, next, digit) {
			break
		}
		i = next
	}
	return n
}

// look tries every rule on a number. Each run of its groups may be one thing:
// a date can stand before a card.
func (n *number) look() {
	n.join()
	for i := range n.groups {
		n.words(i)
		if n.joined(i) {
			continue
		}
		for j := len(n.groups) - 1; j >= i; j-- {
			if !is(n.s.text, n.groups[j].end, alnum) && n.try(i, j+1) {
				break
			}
		}
	}
	for i := range n.groups {
		n.phone(i)
	}
	n.ip()
}

// joined reports whether a letter or digit stands right before the i-th group.
func (n *number) joined(i int) bool { return !begins(n.s.text, n.groups[i].start) }

// try holds the groups [i:j] against the forms of cards and ids.
func (n *number) try(i, j int) bool {
	digits, sizes := n.digits(i, j)
	if len(digits) < 8 || len(digits) > 19 {
		return false
	}
	groups := n.groups[i:j]
	start, end := groups[0].start, groups[len(groups)-1].end
	even := n.even(groups)
	if even && n.isCard(digits, groups) && !(i > 0 && len(groups) > 1 && len(digits) == 12) {
		n.s.add(Card, start, end)
		return true
	}
	for k := range digitIDs {
		id := &digitIDs[k]
		if len(digits) == id.size && (even || id.mixed) && id.check(digits) && n.s.believes(id, sizes, start, end) {
			n.s.add(id.kind, start, end)
			return true
		}
	}
	return false
}

// join fills in the digits once for all runs of groups.
func (n *number) join() {
	var digits, sizes [maxGroups * 20]byte
	d, z := digits[:0], sizes[:0]
	for _, g := range n.groups {
		n.from = append(n.from, len(d))
		size := g.end - g.start
		d = append(d, n.s.text[g.start:min(g.end, g.start+20)]...) // more are no number
		z = append(z, sizeByte(size))
	}
	n.from = append(n.from, len(d))
	n.all, n.sizes = string(d), string(z)
}

func sizeByte(size int) byte {
	if size > 9 {
		return 'a' + byte(min(size-10, 25))
	}
	return '0' + byte(size)
}

// digits are those of the groups [i:j], and sizes the lengths of these groups
// as a text, such as 324.
func (n *number) digits(i, j int) (digits, sizes string) {
	return n.all[n.from[i]:n.from[j]], n.sizes[i:j]
}

// even reports whether one separator parts all of the groups.
func (n *number) even(groups []group) bool {
	for i := 2; i < len(groups); i++ {
		if n.separator(groups, i) != n.separator(groups, 1) {
			return false
		}
	}
	return true
}

func (n *number) separator(groups []group, i int) string {
	return n.s.text[groups[i-1].end:groups[i].start]
}

// issuers are the ranges of payment cards, by prefix, with the lengths that
// each gives out.
var issuers = []struct{ from, to, lengths string }{
	{"4", "4", "13 16 19"},
	{"51", "55", "16"}, {"2221", "2720", "16"},
	{"34", "34", "15"}, {"37", "37", "15"},
	{"300", "305", "14 16"}, {"309", "309", "14 16"}, {"36", "36", "14 16"}, {"38", "39", "14 16"},
	{"6011", "6011", "16 19"}, {"622126", "622925", "16 19"}, {"644", "649", "16 19"}, {"65", "65", "16 19"},
	{"3528", "3589", "16 19"}, {"2131", "2131", "15"}, {"1800", "1800", "15"}, {"35", "35", "16"},
	{"62", "62", "16 17 18 19"}, {"81", "81", "16 17 18 19"},
	{"5018", "5018", "12 13 14 15 16 17 18 19"}, {"5020", "5020", "12 13 14 15 16 17 18 19"}, {"5038", "5038", "12 13 14 15 16 17 18 19"},
	{"6759", "6763", "12 13 14 15 16 17 18 19"}, {"50", "50", "12 13 14 15 16 17 18 19"}, {"56", "58", "12 13 14 15 16 17 18 19"}, {"6304", "6304", "12 13 14 15 16 17 18 19"},
	{"67", "67", "12 13 14 15 16 17 18 19"}, {"639", "639", "12 13 14 15 16 17 18 19"}, {"0604", "0604", "12 13 14 15 16 17 18 19"},
	{"2200", "2205", "16 17 18 19"}, {"60", "60", "16"}, {"82", "82", "16"}, {"9792", "9792", "16"}, {"1", "1", "15"},
}

// isCard wants a range of an issuer, a length that it gives out, the check
// digit (ISO/IEC 7812-1 annex B) and groups as people write them.
func (n *number) isCard(digits string, groups []group) bool {
	if len(digits) < 12 || !luhn(digits) || !cardGroups(groups) || sameByte(digits) {
		return false
	}
	var b [2]byte
	length := string(append(b[:0], '0'+byte(len(digits)/10), '0'+byte(len(digits)%10)))
	for _, is := range issuers {
		if p := digits[:len(is.from)]; p < is.from || p > is.to || !strings.Contains(is.lengths, length) {
			continue
		}
		// Numbers of goods and of accounts in clouds look alike, and a short
		// prefix says little.
		inPairs := len(groups) > 5
		doubtful := len(digits) == 12 && len(is.from) < 4 || len(digits) == 13 && gtin(digits) || is.from == "1" || is.from == "82" || inPairs
		return !doubtful || len(groups) > 1 && len(digits) > 12 && !inPairs || n.s.near(groups[0].start, groups[len(groups)-1].end, cardWords)
	}
	return false
}

var cardWords = strings.Fields(`card credit debit visa maestro mastercard amex payment pay kreditkart karte carte tarjeta carta pan charge bank atm account
	jcb diners discover purchase bill expir cvv cvc`)

// cardGroups wants digits in one piece, in fours, as Amex prints them, or in
// equal groups.
func cardGroups(groups []group) bool {
	if len(groups) == 1 {
		return true
	}
	size := func(i int) int { return groups[i].end - groups[i].start }
	for i := 1; i < len(groups)-1; i++ {
		if size(i) != size(0) && !(len(groups) == 3 && size(0) == 4) {
			return false
		}
	}
	last := size(len(groups) - 1)
	return last <= max(size(0), 6) && (len(groups) > 2 || size(0) == last)
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// gtin reports whether the last digit is the check digit of a number of goods
// (GS1): weights 3 and 1 from the right.
func gtin(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 3
		}
		sum += d
	}
	return sum%10 == 0
}

// near reports whether one of the words begins a word within some sixty bytes
// before or thirty after a place.
func (s *source) near(start, end int, words []string) bool {
	return hasWord(lowered(s.text[max(0, start-60):start]), words) || hasWord(lowered(s.text[end:min(len(s.text), end+30)]), words)
}

func hasWord(text string, words []string) bool {
	for _, w := range words {
		for at := 0; ; {
			i := strings.Index(text[at:], w)
			if i < 0 {
				break
			}
			if !is(text, at+i-1, letter) {
				return true
			}
			at += i + 1
		}
	}
	return false
}

// ip finds internet addresses that may lead to a person: neither private nor
// those that mean no one machine.
func (n *number) ip() {
	t := n.s.text
	first := n.groups[0].start
	start := runBack(t, first, hex|upper, 4)
	for start > 0 && t[start-1] == ':' {
		start = runBack(t, start-1, hex|upper, 4)
	}
	stop := first
	for stop < len(t) && stop < start+45 && (is(t, stop, hex|upper|dot) || t[stop] == ':') {
		stop++
	}
	text := strings.TrimRight(t[start:stop], ".:")
	v6 := strings.Count(text, ":")
	if v6 < 2 {
		text, _, _ = strings.Cut(text, ":")
	}
	if v6 >= 2 && !strings.Contains(text, "::") && v6 != 7 || v6 < 2 && strings.Count(text, ".") != 3 || !begins(t, start) || is(t, start-1, dot) {
		return
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.IsPrivate() || addr.IsLoopback() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLinkLocalUnicast() ||
		v6 >= 2 && len(text) < 8 || v6 < 2 && n.s.isVersion(start) {
		return
	}
	n.s.add(IP, start, start+len(text))
}

// isVersion reports whether words before say that four numbers are a version.
func (s *source) isVersion(at int) bool {
	before := lowered(s.text[max(0, at-12):at])
	return strings.HasSuffix(before, "version ") || strings.HasSuffix(before, "v") || strings.HasSuffix(before, "release ") || strings.HasSuffix(before, "build ")
}
