package redact

import (
	"slices"
	"strings"
)

// nameRules find settings: a name that says its value is a secret, in the
// notations of programs, shells, JSON, YAML, XML and prose; and values that
// look drawn at random whatever their name.
func nameRules() []rule {
	return []rule{
		{strings.Fields("passw kennwort passphrase passcode pwd pass contrase senha motdepasse wachtwoord lösenord losenord hasło haslo pw secret token key cred bearer sess mnemonic seedphrase otpauth connstr connectionstring dsn cvv cvc cv2 pat sastoken authcode"), lookSetting},
		{[]string{"identified by", "requirepass ", "sshpass -p", "mot de passe", "connection string"}, lookPhrase},
		{[]string{"=", `":`, "': ", `: "`, ": '", "binary "}, lookRandom},
		{[]string{`"`, "'"}, lookHex},
	}
}

// lookSetting goes from a word in a name to the name's value.
func lookSetting(s *source, start, end int) {
	const longest = 80
	from, to := start, end
	for from > 0 && start-from < longest && nameByte(s.text[from-1]) {
		from--
	}
	for to < len(s.text) && to-end < longest && nameByte(s.text[to]) {
		to++
	}
	if start-from >= longest || to-end >= longest {
		return
	}
	// Escapes stand before a name, not in it: \npassword.
	if from > 0 && s.text[from-1] == '\\' && from < start && strings.IndexByte("nrt", s.text[from]) >= 0 {
		from++
	}
	name := strings.Trim(s.text[from:to], ".-")
	kind := nameOf(name)
	if kind == notSecret {
		kind, name = s.spaced(from, to)
	}
	if kind == notSecret {
		return
	}
	verb := s.passes(from, to)
	for _, v := range s.values(from, to) {
		if !verb || v.how != asProse {
			s.judge(kind, name, v)
		}
	}
}

// passes reports whether the name is the verb in running text, as in "did not
// pass: a, b", and no short word for a password.
func (s *source) passes(from, to int) bool {
	if lowered(s.text[from:to]) != "pass" || !is(s.text, from-1, space) {
		return false
	}
	before := lowered(s.text[runBack(s.text, from-1, alnum, 12) : from-1])
	return slices.Contains(strings.Fields("not to must should shall will would can cannot could may might did do does always never all checks tests"), before)
}

func nameByte(c byte) bool { return sets[c]&dotted != 0 || c >= 0x80 }

// spaced reads names of two words, as people write them: API key, access
// token.
func (s *source) spaced(from, to int) (nameKind, string) {
	if !is(s.text, from-1, space) {
		return notSecret, ""
	}
	back := runBack(s.text, from-1, alnum, 20)
	if back == from-1 {
		return notSecret, ""
	}
	name := s.text[back:from-1] + "_" + s.text[from:to]
	return nameOf(name), name
}

// how says in which notation a value stands, and so how much it takes to
// believe that it is one.
type how uint8

const (
	asProse  how = iota // after "is", or a colon in running text
	asLine              // the setting has a line of its own
	asQuoted            // between quotes or tags
	asBare              // after an equals sign or an option
)

// valueAt is a value with its notation.
type valueAt struct {
	start, end int
	how        how
}

// values finds the values of the name at [from:to].
func (s *source) values(from, to int) []valueAt {
	t := s.text
	i := to
	for i < len(t) && i < to+3 && strings.IndexByte("\"'`\\]*", t[i]) >= 0 { // the end of a quoted or emphasised name
		i++
	}
	quotedName := i > to
	gap := run(t, i, space)
	alone := strings.TrimLeft(t[lineStart(t, from):from], " \t-\"'{,;#/*") == "" || strings.HasSuffix(strings.TrimRight(t[lineStart(t, from):from], " \t"), "export")
	switch rest := t[min(gap, len(t)):]; {
	case strings.HasPrefix(rest, "=>"), strings.HasPrefix(rest, ":="), strings.HasPrefix(rest, "=="), strings.HasPrefix(rest, "::"):
		return s.value(gap+2, asBare)
	case strings.HasPrefix(rest, "="):
		if alone {
			return s.multi(from, gap+1, asLine)
		}
		return s.value(gap+1, asBare)
	case strings.HasPrefix(rest, ":"):
		switch {
		case quotedName:
			return s.value(gap+1, asBare)
		case s.typed(gap+1) > 0:
			return s.value(s.typed(gap+1), asBare)
		case alone:
			return s.multi(from, gap+1, asLine)
		}
		return s.value(gap+1, asProse)
	case strings.HasPrefix(rest, ">") && gap == i:
		return s.element(gap + 1)
	case strings.HasPrefix(rest, "(") && gap == i:
		return s.call(gap + 1)
	case quotedName && strings.HasPrefix(rest, ",") && from > 1 && t[from-2] == '(':
		return s.call(gap + 1) // put("password", "…")
	case gap == i:
		return nil
	}
	return s.afterSpace(from, i, gap, quotedName)
}

// typed is where the value begins after the type of a variable, 0 where there
// is none: password: String = "…".
func (s *source) typed(i int) int {
	i = run(s.text, i, space)
	end := run(s.text, i, dotted)
	eq := run(s.text, end, space)
	if end == i || eq == end || !strings.HasPrefix(s.text[eq:], "= ") {
		return 0
	}
	return eq + 2
}

// afterSpace finds a value that only white space or a word parts from its
// name.
func (s *source) afterSpace(from, i, gap int, quotedName bool) []valueAt {
	t := s.text
	rest := lowered(t[gap:min(len(t), gap+8)])
	switch {
	case strings.HasPrefix(rest, "value=") || strings.HasPrefix(rest, "value:"): // <add key="x" value="y">, name: X\n value: y
		return s.value(gap+6, asQuoted)
	case strings.HasPrefix(rest, "- value:"):
		return s.value(gap+8, asQuoted)
	case strings.HasPrefix(rest, "is "), strings.HasPrefix(rest, "to "):
		return s.value(run(t, gap+3, space), asProse)
	case strings.HasPrefix(rest, "was "):
		return s.value(run(t, gap+4, space), asProse)
	case strings.HasPrefix(rest, "is: "), strings.HasPrefix(rest, "is:\n"):
		return s.value(run(t, gap+3, space), asProse)
	case is(t, from-1, hyphen), is(t, from, hyphen), !quotedName && gap < len(t) && (t[gap] == '"' || t[gap] == '\'') && (from == 0 || !isQuote(t[from-1])):
		return s.value(gap, asBare) // --password x, PASSWORD 'x'
	case gap == i+1 && t[i] == ' ' && gap < len(t) && !isQuote(t[gap]):
		return s.value(gap, asProse) // netrc: password x
	}
	return nil
}

// value reads the value that begins at i or after white space there.
func (s *source) value(i int, h how) []valueAt {
	t := s.text
	i = runSameLine(t, i)
	if strings.HasPrefix(t[i:], "** ") { // the end of an emphasised name
		i = runSameLine(t, i+2)
	}
	if strings.HasPrefix(t[i:], "!!") { // a YAML tag
		i = runSameLine(t, run(t, i+2, alnum))
		h = asQuoted
	}
	for _, p := range []string{"b", "r", "u", "f", "@", "$", "N", `\`} { // prefixes of string literals, escaped quotes
		if strings.HasPrefix(t[i:], p) && i+1 < len(t) && isQuote(t[i+1]) {
			i++
			break
		}
	}
	if i >= len(t) {
		return nil
	}
	if isQuote(t[i]) {
		return s.quoted(i)
	}
	if strings.IndexByte("{[(", t[i]) >= 0 || strings.HasPrefix(t[i:], `\n`) { // what follows is more than a value, or none
		return nil
	}
	stop := i
	for stop < len(t) && stop < i+maxValue && !s.stops(stop, h) {
		if end := markerEnd(t, stop); end > 0 {
			break
		}
		stop++
	}
	if h == asProse {
		for stop > i && strings.IndexByte(".,;:)", t[stop-1]) >= 0 {
			stop--
		}
	}
	return []valueAt{{i, stop, h}}
}

const maxValue = 4096

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// runSameLine skips blanks.
func runSameLine(t string, i int) int {
	for i < len(t) && (t[i] == ' ' || t[i] == '\t') {
		i++
	}
	return i
}

// stops reports whether a value without quotes ends at i. On a line of its own
// it goes to the next white space; elsewhere punctuation ends it too.
func (s *source) stops(i int, h how) bool {
	c := s.text[i]
	switch {
	case sets[c]&space != 0, c == '"', c == '\'', c == '`':
		return true
	case h == asLine:
		return c == '<' && strings.HasPrefix(s.text[i:], "</")
	case h == asProse:
		return c == '<' || c == '>'
	}
	return strings.IndexByte(",;&<>)}]|", c) >= 0
}

// quoted reads a value between quotes: to the same quote, whatever is escaped
// inside.
func (s *source) quoted(i int) []valueAt {
	t := s.text
	quote := t[i : i+1]
	if strings.HasPrefix(t[i:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	escaped := i > 0 && t[i-1] == '\\' // the quotes themselves are escaped
	from := i + len(quote)
	for stop := from; stop < len(t) && stop < from+maxValue; stop++ {
		switch {
		case t[stop] == '\\' && escaped && strings.HasPrefix(t[stop+1:], quote):
			return []valueAt{{from, stop, asQuoted}}
		case t[stop] == '\\':
			stop++
		case t[stop] == '\n' && len(quote) == 1:
			return []valueAt{{from, stop, asBare}}
		case strings.HasPrefix(t[stop:], quote):
			return []valueAt{{from, stop, asQuoted}}
		}
	}
	return []valueAt{{from, min(len(t), from+maxValue), asBare}}
}

// element reads the text of <name>…</name>.
func (s *source) element(i int) []valueAt {
	stop := strings.IndexByte(s.text[i:min(len(s.text), i+maxValue)], '<')
	if stop < 0 {
		return nil
	}
	return []valueAt{{i, i + stop, asQuoted}}
}

// call reads a quoted argument: setPassword("…").
func (s *source) call(i int) []valueAt {
	i = run(s.text, i, space)
	if i < len(s.text) && isQuote(s.text[i]) {
		return s.quoted(i)
	}
	return nil
}

// multi reads a value that stands on the lines below its name, each deeper
// than the name, or else after it.
func (s *source) multi(name, i int, h how) []valueAt {
	t := s.text
	after := runSameLine(t, i)
	if after < len(t) && strings.IndexByte("|>", t[after]) >= 0 && is(t, after+1, space|hyphen) { // a YAML block
		after = runSameLine(t, run(t, after+1, hyphen))
	}
	if after < len(t) && t[after] != '\n' && t[after] != '\r' {
		return s.value(i, h)
	}
	indent := name - lineStart(t, name)
	var list []valueAt
	for line := after; line < len(t) && len(list) < 20; {
		line = run(t, line, sets['\n'])
		from := runSameLine(t, lineStart(t, line))
		stop := lineEnd(t, from)
		if from-lineStart(t, from) <= indent || stop == from || strings.ContainsAny(t[from:stop], ":=") {
			break
		}
		if t[from] == '-' && is(t, from+1, space) {
			from += 2
		}
		list = append(list, valueAt{from, stop, h})
		line = stop
	}
	return list
}

// lineStart is where the line around i begins, or some way back on it.
func lineStart(t string, i int) int {
	const longest = 400
	i = min(i, len(t))
	from := max(0, i-longest)
	return from + strings.LastIndexByte(t[from:i], '\n') + 1
}

func lineEnd(t string, i int) int {
	if n := strings.IndexAny(t[i:], "\r\n"); n >= 0 {
		return i + n
	}
	return len(t)
}

// lookPhrase finds a password after words that announce one.
func lookPhrase(s *source, _, end int) {
	i := run(s.text, end, space)
	if i < len(s.text) && (s.text[i] == ':' || s.text[i] == '=') {
		i = run(s.text, i+1, space)
	}
	for _, v := range s.value(i, asBare) {
		s.judge(aPassword, "password", v)
	}
}

// judge notes a value that is a secret.
func (s *source) judge(kind nameKind, name string, v valueAt) {
	value := s.text[v.start:v.end]
	if found, ok := kind.judge(name, value, v.how); ok {
		s.add(found, v.start, v.end)
	}
}
