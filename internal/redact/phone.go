package redact

import "strings"

var phoneWords = strings.Fields(`phone tel telephone mobile cell call dial fax whatsapp sms text contact hotline handy telefon mobil rufnummer ruf
	téléphone telefono teléfono móvil portable reach ring landline handset extension ext answer messag registered`)

// phone finds a phone number that begins with the i-th group. What people
// write is wilder than any rule: a number counts where it has a country code,
// the groups of North America, a trunk zero and groups, or a word before it.
func (n *number) phone(i int) {
	t := n.s.text
	start := n.groups[i].start
	open := start > 0 && t[start-1] == '('
	if open {
		start--
	}
	plus := start > 0 && t[start-1] == '+'
	if plus {
		start--
	}
	if !begins(t, start) || is(t, start-1, dot) && !plus && is(t, start-2, digit) || i > 0 && !open && !plus && n.sticks(i) {
		return
	}
	for j := len(n.groups); j > i; j-- {
		groups := n.groups[i:j]
		end := groups[len(groups)-1].end
		digits, sizes := n.digits(i, j)
		if len(digits) < 7 || len(digits) > 15 || is(t, end, alnum) && !n.extension(end) || !n.evenGaps(groups) {
			continue
		}
		if n.isPhone(digits, sizes, groups, plus, open) {
			n.s.add(Phone, start, n.extended(end))
			return
		}
	}
}

// sticks reports whether the i-th group goes on from the one before, as in a
// date or an amount, rather than beginning something new.
func (n *number) sticks(i int) bool {
	sep := n.separator(n.groups, i)
	return len(sep) == 1 && sep != " "
}

// extension reports whether an extension follows: x12.
func (n *number) extension(end int) bool {
	return n.s.text[end]|0x20 == 'x' && is(n.s.text, end+1, digit)
}

// extended is the end of a number with the extension that follows it.
func (n *number) extended(end int) int {
	t := n.s.text
	i := runSameLine(t, end)
	for _, mark := range []string{"x", "X", "ext. ", "ext.", "ext ", "Ext. ", "Ext.", "Ext "} {
		if strings.HasPrefix(t[i:], mark) && is(t, i+len(mark), digit) {
			return run(t, i+len(mark), digit)
		}
	}
	return end
}

// evenGaps wants separators as in phone numbers: no slash but one, and no two
// full stops.
func (n *number) evenGaps(groups []group) bool {
	slashes := 0
	for i := 1; i < len(groups); i++ {
		sep := n.separator(groups, i)
		slashes += strings.Count(sep, "/")
		if strings.Contains(sep, ". ") || sep == " -" || sep == "- " {
			return false
		}
	}
	return slashes <= 1
}

func (n *number) isPhone(digits, sizes string, groups []group, plus, open bool) bool {
	start, end := groups[0].start, groups[len(groups)-1].end
	grouped := len(groups) > 1
	switch {
	case plus:
		return digits[0] != '0' && len(digits) >= 8
	case sameByte(digits), n.isDecimal(groups), sizes == "324", strings.HasPrefix(sizes, "422") && (digits[:2] == "19" || digits[:2] == "20"):
		return false
	case strings.HasPrefix(digits, "00") && grouped && len(digits) >= 10 && len(sizes) >= 3:
		return true
	case sizes == "334" && northAmerican(digits), sizes == "1334" && digits[0] == '1' && northAmerican(digits[1:]):
		return true
	case digits[0] == '0' && digits[1] != '0' && grouped && len(digits) >= 9 && len(digits) <= 12 && groups[0].end-groups[0].start >= 2 && !n.dotted(groups):
		return true
	case open && grouped && len(digits) >= 8:
		return true
	}
	if !grouped { // a bare number counts only right after its word, and is no time
		return len(digits) >= 9 && !(len(digits) == 10 && digits[0] == '1') && hasWord(lowered(n.s.text[max(0, start-20):start]), phoneWords)
	}
	return n.s.near(start, end, phoneWords) && !strings.HasPrefix(sizes, "224")
}

// northAmerican wants area and exchange codes that can be dialled.
func northAmerican(digits string) bool { return digits[0] >= '2' && digits[3] >= '2' }

// isDecimal reports whether groups are an amount: 1.234.567.
func (n *number) isDecimal(groups []group) bool {
	for i := 1; i < len(groups); i++ {
		if n.separator(groups, i) != "." || groups[i].end-groups[i].start != 3 {
			return false
		}
	}
	return len(groups) > 1 && groups[0].end-groups[0].start <= 3 && len(groups) != 4
}

func (n *number) dotted(groups []group) bool {
	return strings.Contains(n.s.text[groups[0].start:groups[len(groups)-1].end], ".") && len(groups) < 3
}
