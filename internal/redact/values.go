package redact

import (
	"math"
	"slices"
	"strings"
)

// judge reports whether a value is a secret where a name of this kind says
// so, and of which kind.
func (k nameKind) judge(name, value string, h how) (Kind, bool) {
	if isPlaceholder(value) {
		return "", false
	}
	switch k {
	case aPassword:
		if h == asQuoted && strings.Contains(lowered(name), "phrase") {
			return Password, len(value) >= 4
		}
		return Password, isPassword(value, h)
	case aSecret:
		kind := SecretValue
		if strings.Contains(lowered(name), "secret") && len(value) == 40 && run(value, 0, std64) == 40 {
			kind = AWSSecret
		}
		return kind, isSecretValue(value, h)
	case aCardCode:
		return CardCode, len(value) >= 3 && len(value) <= 4 && run(value, 0, digit) == len(value)
	case aConnection:
		return SecretValue, false // its settings are found one by one
	}
	return "", false
}

// isPassword believes most of what is called a password: people choose plain
// words.
func isPassword(value string, h how) bool {
	n := len(value)
	var has set
	for i := range n {
		has |= sets[value[i]]
	}
	strong := has&digit != 0 && (has&letter != 0 || n >= 6) || hasSymbol(value) && n >= 6 || n >= 8 && mixedInside(value)
	switch {
	case n < 4 || n > maxValue:
		return false
	case h == asProse:
		return strong
	case h == asQuoted:
		return strong || n <= 64 && strings.Count(value, " ") <= 5 && !isSentence(value)
	}
	return strong || !isIdentifier(value) && !isSentence(value) || h == asLine && n >= 5 && !strings.ContainsAny(value, ".()") || h == asBare && n >= 5 && has&letter != 0 && isPlain(value)
}

// isSecretValue wants a value that a machine could have made.
func isSecretValue(value string, h how) bool {
	n := len(value)
	if n < 6 || n > maxValue || strings.ContainsAny(value, " \t\n") && h != asQuoted {
		return false
	}
	digits, letters := 0, 0
	for i := range n {
		switch {
		case sets[value[i]]&digit != 0:
			digits++
		case sets[value[i]]&letter != 0:
			letters++
		}
	}
	switch {
	case letters == 0:
		return digits >= 16
	case n < 8:
		return digits > 0 && (h == asLine || h == asQuoted)
	case digits > 0:
		return !isDate(value)
	case h == asProse:
		return n >= 20 && mixedInside(value)
	case h == asQuoted:
		return !strings.Contains(value, " ")
	}
	return n >= 12 && mixedInside(value) && !isIdentifier(value) || n >= 24 && run(value, 0, alnum) == n
}

// mixedInside reports whether upper-case letters stand after the first byte
// beside lower-case ones: more than a capitalised word.
func mixedInside(value string) bool {
	up, low := false, false
	for i := range len(value) {
		up = up || i > 0 && sets[value[i]]&upper != 0
		low = low || sets[value[i]]&lower != 0
	}
	return up && low
}

func hasSymbol(value string) bool { return strings.ContainsAny(value, "!@#$%^&*+=?~") }

func isPlain(value string) bool { return run(value, 0, word) == len(value) }

// isIdentifier reports whether a value reads like a name in a program: words
// joined by dots or underscores, without digits.
func isIdentifier(value string) bool {
	return run(value, 0, letter|under|dot) == len(value) && (strings.ContainsAny(value, "._") || mixedInside(value))
}

func isSentence(value string) bool { return strings.Count(value, " ") >= 3 }

// isDate reports whether a value is a time or date rather than a secret.
func isDate(value string) bool {
	return len(value) >= 10 && value[4] == '-' && value[7] == '-' && run(value, 0, digit) == 4
}

// placeholders are values that stand for one that is put in elsewhere, or say
// that there is none.
var placeholders = wordSet(`null none nil true false undefined required optional string number integer boolean object redacted removed hidden masked
	changeme change_me change-me example sample placeholder dummy todo tbd fixme empty unset missing invalid expired incorrect wrong correct revoked
	reset rotated changed updated protected secret password passwd pwd token apikey api_key key value text file env environment input prompt
	yes no on off default test-only n/a na unknown disabled enabled set not stored here below above as in for the a an and or is was of to by
	authentication authorization based manager bearer basic required. missing. expired. yourpassword yourtoken yoursecret your-password str int bytes
	var self this ctx settings config options request process new return await func function`)

// isPlaceholder reports whether a value stands for a secret, or says where it
// is, without being it.
func isPlaceholder(value string) bool {
	v := strings.Trim(value, " \t\r\n\"'`")
	low := lowered(v)
	switch {
	case v == "" || placeholders[low] || placeholders[strings.Trim(low, ".,;:!?()*_")]:
		return true
	case sameByte(v):
		return true
	case strings.HasPrefix(v, "$") && isPlain(strings.Trim(v, "${}()")), strings.HasPrefix(v, "${"), strings.HasPrefix(v, "$("), strings.HasPrefix(v, "{{"), strings.HasPrefix(v, "#{"):
		return true
	case v[0] == '<' && v[len(v)-1] == '>', v[0] == '%' && v[len(v)-1] == '%', v[0] == '[' && v[len(v)-1] == ']', v[0] == '{' && v[len(v)-1] == '}':
		return true
	case strings.HasPrefix(low, "your") && strings.ContainsAny(low, "-_ "), strings.HasPrefix(low, "sha256:"), strings.HasPrefix(low, "sha512-"):
		return true
	}
	return isLookUp(v, low)
}

// lookUps begin values that are fetched from somewhere.
var lookUps = strings.Fields(`arn:aws: vault: op:// secret:// secretref: keyvault: @microsoft.keyvault ssm: gcp-secret: projects/ ref+ file: env:
	env. env[ os.environ os.getenv getenv( process.env system.getenv viper. config. config[ settings. settings[ self. this. data. var. local. module.
	secrets. vars. params. args. opts. options. request. req. ctx. input( getpass http:// https:// /run/secrets/ /etc/ /var/ ./ ../ ~/`)

func isLookUp(v, low string) bool {
	for _, p := range lookUps {
		if strings.HasPrefix(low, p) {
			return !strings.Contains(v, "://") || !strings.Contains(v, "@")
		}
	}
	// A call: identifier(…
	call := run(v, 0, word|dot)
	return call > 0 && call < len(v) && v[call] == '(' && is(v, 0, letter)
}

// sameByte reports whether a value is one character over and over: *****,
// xxxx, or dots.
func sameByte(v string) bool {
	return len(v) > 0 && strings.Count(v, v[:1]) == len(v) || strings.Trim(v, "*x•.-_…") == "" || strings.Trim(v, "X*-_.") == ""
}

// notRandom are parts of names whose values look random and are no secret.
var notRandom = wordSet(`id ids uuid guid digest hash hashes sha sum md checksum integrity commit etag ref cursor salt signature sig nonce public
	revision rev version commitment proof root leaf checkpoint tree blob object fingerprint thumbprint cert certificate crl request trace span
	correlation session_id message url uri href src link image data content body payload file path page next prev continuation record packet
	document txid block address pubkey issuer subject serial kid x5t challenge state html svg png font encoding`)

// lookRandom finds a value that looks drawn at random, whatever its name says:
// at least 24 bytes of all three kinds, far from any language.
func lookRandom(s *source, start, end int) {
	const least, most = 24, 512
	from := runSameLine(s.text, end)
	for from < len(s.text) && from < end+3 && (isQuote(s.text[from]) || s.text[from] == '\\') {
		from++
	}
	if from+least > len(s.text) || !is(s.text, from+least-1, any64) || !is(s.text, from+8, any64) {
		return
	}
	stop := run(s.text, from, any64)
	if n := stop - from; n < least || n > most || !isRandom(s.text[from:stop]) || !s.closes(stop) {
		return
	}
	if name := s.nameBefore(start); name != "" && mayBeSecret(name) {
		s.add(HighEntropy, from, stop)
	}
}

// lookHex finds 32 hexadecimal digits between quotes, which is what many keys
// are, unless a name says that they are something else. Longer ones are
// digests more often than keys.
func lookHex(s *source, start, end int) {
	const size = 32
	stop := end + size
	if stop >= len(s.text) || s.text[stop] != s.text[start] || run(s.text[:stop], end, hex) != stop || run(s.text[:stop], end, digit) == stop {
		return
	}
	if mayBeSecret(s.nameBefore(start)) {
		s.add(HighEntropy, end, stop)
	}
}

// nameBefore is the name that a value at i is given, "" for none.
func (s *source) nameBefore(i int) string {
	for i > 0 && strings.IndexByte(" \t\"'\\:=", s.text[i-1]) >= 0 {
		i--
	}
	return s.text[runBack(s.text, i, dotted, 80):i]
}

// mayBeSecret reports whether a name leaves room for that.
func mayBeSecret(name string) bool {
	return !slices.ContainsFunc(nameParts(name), func(p string) bool { return notRandom[p] })
}

// closes reports whether a value ends at i, rather than going on in bytes that
// no key has.
func (s *source) closes(i int) bool {
	return i >= len(s.text) || is(s.text, i, space) || strings.IndexByte("\"'`,;&)}]<\\", s.text[i]) >= 0
}

// isRandom reports whether a value has the spread of a drawn one: upper and
// lower case and digits in a mix, and few repeats.
func isRandom(v string) bool {
	var count [256]int
	var ups, lows, digits, turns int
	for i := range len(v) {
		c := v[i]
		count[c]++
		switch {
		case sets[c]&upper != 0:
			ups++
		case sets[c]&lower != 0:
			lows++
		case sets[c]&digit != 0:
			digits++
		}
		if i > 0 && (sets[c]^sets[v[i-1]])&(letter|digit) != 0 {
			turns++
		}
	}
	if ups < 3 || lows < 3 || digits < 2 || turns < len(v)/3 || strings.Count(v, "/") > 2+len(v)/20 || strings.Count(v, "-") > 2+len(v)/20 ||
		strings.Contains(v, "__") {
		return false
	}
	entropy := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(v))
			entropy -= p * math.Log2(p)
		}
	}
	return entropy > 3.9
}
