package redact

// set is a set of bytes, as a bit of every byte's entry in sets.
type set uint16

const (
	lower set = 1 << iota
	upper
	digit
	hexLow // a-f
	under  // _
	hyphen
	dot
	base64Rest // + / =
	tilde
	space // of all kinds
	dollar

	letter = lower | upper
	alnum  = letter | digit
	word   = alnum | under
	url64  = word | hyphen
	dotted = url64 | dot
	std64  = alnum | base64Rest
	any64  = url64 | base64Rest
	hex    = digit | hexLow
)

var sets = func() (t [256]set) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= lower
		t[c-'a'+'A'] |= upper
	}
	for c := 'a'; c <= 'f'; c++ {
		t[c] |= hexLow
	}
	for c := '0'; c <= '9'; c++ {
		t[c] |= digit
	}
	t['_'], t['-'], t['.'], t['~'], t['$'] = under, hyphen, dot, tilde, dollar
	t['+'], t['/'], t['='] = base64Rest, base64Rest, base64Rest
	for _, c := range " \t\r\n\v\f" {
		t[c] |= space
	}
	return t
}()

// is reports whether the byte at i exists and is of a set.
func is(s string, i int, of set) bool { return i >= 0 && i < len(s) && sets[s[i]]&of != 0 }

// maxRun bounds how far a rule follows bytes of one set, so that no text makes
// many rules each read all of it.
const maxRun = 4096

// run is the end of the bytes of a set that begin at i.
func run(s string, i int, of set) int {
	for most := min(len(s), i+maxRun); i < most && sets[s[i]]&of != 0; {
		i++
	}
	return i
}

// runBack is the start of the bytes of a set that end before i, at most most
// of them.
func runBack(s string, i int, of set, most int) int {
	for n := 0; n < most && i > 0 && sets[s[i-1]]&of != 0; n++ {
		i--
	}
	return i
}

// begins reports whether something can begin at i: the byte before is no
// letter or digit, or is the end of an escape (%3D, \n, \u0022).
func begins(s string, i int) bool {
	switch {
	case !is(s, i-1, alnum):
		return true
	case i >= 3 && s[i-3] == '%':
		return true
	case i >= 2 && s[i-2] == '\\':
		return true
	}
	return i >= 6 && s[i-6] == '\\' && s[i-5] == 'u'
}

// ends reports whether something can end before i.
func ends(s string, i int) bool { return !is(s, i, alnum) }
