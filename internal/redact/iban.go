package redact

// ibanLength is the length of an account number (ISO 13616) by country, as the
// registry lists them, and those of countries that use the form without being
// in it.
var ibanLength = func() map[string]int {
	m := map[string]int{}
	for length, countries := range map[int]string{
		15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN TL",
		21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL SO", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
		25: "LY PT ST", 26: "IS TR IR DJ", 27: "BI FR GF GP MQ RE PF TF YT NC BL MF PM WF CF CG GA GQ TD CM DJ GR IT MC MR SM",
		28: "AL AZ BY CY DO GT HN HU LB NI PL SN CI BJ BF ML NE TG MA MZ KM DZ", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC",
		33: "RU",
	} {
		for i := 0; i+2 <= len(countries); i += 3 {
			m[countries[i:i+2]+string(rune('0'+length/10))+string(rune('0'+length%10))] = length
		}
	}
	return m
}()

// iban finds an account number whose check digits are the group's at i: its
// country before, its account after, blanks between as people write them.
func (s *source) iban(i int) {
	t := s.text
	at := i
	if at > 0 && (t[at-1] == ' ' || t[at-1] == '-') {
		at--
	}
	start := at - 2
	if !is(t, start, letter) || !is(t, start+1, letter) || !begins(t, start) && !(start >= 4 && lowered(t[start-4:start]) == "iban") || !is(t, i+1, digit) {
		return
	}
	country := string([]byte{t[start] &^ 0x20, t[start+1] &^ 0x20})
	for length := 15; length <= 33; length++ {
		if ibanLength[country+string(rune('0'+length/10))+string(rune('0'+length%10))] == 0 {
			continue
		}
		if stop := ibanEnd(t, start, i, length); stop > 0 {
			s.add(IBAN, start, stop)
			return
		}
	}
}

// ibanEnd is where an account number of a length ends, 0 where its check
// digits are not right (ISO 7064, MOD 97-10).
func ibanEnd(t string, start, i, length int) int {
	rest := 0
	n := 4
	j := i + 2
	for ; j < len(t) && n < length; j++ {
		switch c := t[j]; {
		case is(t, j, alnum):
			rest = mod97(rest, c)
			n++
		case (c == ' ' || c == '-' || c == '.' || c == '\n' || c == '/') && (is(t, j+1, alnum) || t[j] == ' ' && is(t, j+2, alnum)):
		default:
			return 0
		}
	}
	for _, c := range []byte{t[start], t[start+1], t[i], t[i+1]} {
		rest = mod97(rest, c)
	}
	if n < length || !ends(t, j) || rest != 1 {
		return 0
	}
	return j
}

func mod97(rest int, c byte) int {
	if sets[c]&digit != 0 {
		return (rest*10 + int(c-'0')) % 97
	}
	return (rest*100 + int(c&^0x20-'A') + 10) % 97
}
