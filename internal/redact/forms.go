package redact

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// formRules find secrets that have a form of their own rather than a prefix
// and a length.
var formRules = []rule{
	{[]string{"-----begin"}, lookPEM},
	{[]string{"putty-user-key-file-"}, lookPuTTY},
	{[]string{"eyj"}, lookJWT},
	{[]string{"://"}, lookURL},
	{[]string{"bearer", "basic", "token "}, lookScheme},
	{[]string{"q~"}, lookAzureSecret},
	{[]string{".atlasv1."}, lookTerraform},
	{[]string{":aa"}, lookTelegram},
	{[]string{"."}, lookDiscord},
	{[]string{"-us"}, lookMailchimp},
	{[]string{"hooks.slack.com/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "webhook.office.com/", "hooks.zapier.com/hooks/"}, lookWebhook},
	{[]string{"user ", "-u "}, lookCurlUser},
}

// maxBlock bounds a private key's block.
const maxBlock = 32 << 10

// lookPEM finds the block of a private key (RFC 7468, and OpenSSH's and
// OpenPGP's likes). A block that does not end goes on as long as its lines
// look like one.
func lookPEM(s *source, start, _ int) {
	rest := s.text[start:min(len(s.text), start+maxBlock)]
	label, body, ok := strings.Cut(rest[len("-----begin"):], "-----")
	if !ok || len(label) > 60 || !strings.Contains(strings.ToUpper(label), "PRIVATE KEY") {
		return
	}
	if i := strings.Index(body, "-----END"); i >= 0 {
		stop := len(rest) - len(body) + i + len("-----END")
		if j := strings.Index(rest[stop:], "-----"); j >= 0 && j <= 60 {
			stop += j + len("-----")
		}
		s.add(PrivateKey, start, start+stop)
		return
	}
	from := len(rest) - len(body)
	stop := from
	for stop < len(rest) && (is(rest, stop, std64|space) || strings.IndexByte(`\"',:-`, rest[stop]) >= 0) {
		stop++
	}
	s.add(PrivateKey, start, start+stop)
}

// lookPuTTY finds a key in PuTTY's format, to the end of its MAC.
func lookPuTTY(s *source, start, _ int) {
	rest := s.text[start:min(len(s.text), start+maxBlock)]
	i := strings.Index(rest, "Private-Lines:")
	if i < 0 {
		return
	}
	stop := len(rest)
	if j := strings.Index(rest[i:], "Private-MAC:"); j >= 0 {
		stop = run(rest, run(rest, i+j+len("Private-MAC:"), space), hex)
	}
	s.add(PrivateKey, start, start+stop)
}

// lookJWT finds a signed or encrypted token in compact form (RFC 7515 section
// 7.1, RFC 7516 section 7.1): an object with a member alg, then two or four
// more parts.
func lookJWT(s *source, start, end int) {
	if s.text[start:end] != "eyJ" || is(s.text, start-1, alnum) && !begins(s.text, start) {
		return
	}
	stop := run(s.text, start, url64|dot)
	parts := strings.Split(strings.TrimRight(s.text[start:stop], ".-_"), ".")
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	if len(parts) < 2 || len(parts[1]) < 8 || err != nil || !strings.Contains(string(head), `"alg"`) {
		return
	}
	s.add(JWT, start, stop)
}

// lookURL finds the password of a URL (RFC 3986 section 3.2.1).
func lookURL(s *source, start, end int) {
	if !is(s.text, start-1, alnum) {
		return
	}
	const longest = 1024
	stop := end
	for stop < len(s.text) && stop < end+longest && !is(s.text, stop, space) && strings.IndexByte("/?#;\"'<>`", s.text[stop]) < 0 {
		stop++
	}
	user := s.text[end:stop]
	if at := strings.LastIndexByte(user, '@'); at >= 0 {
		user = user[:at]
	} else if at = s.slashed(end, stop); at > 0 {
		user = s.text[end:at] // a password with a slash that nobody escaped
	} else {
		return
	}
	_, password, ok := strings.Cut(user, ":")
	if !ok || password == "" || isPlaceholder(password) {
		return
	}
	stop = end + len(user)
	s.add(URLPassword, stop-len(password), stop)
}

// slashed is where the @ of a URL stands whose password has an unescaped
// slash, 0 where it has none: user:p/ss@host.
func (s *source) slashed(from, slash int) int {
	if colon := strings.IndexByte(s.text[from:slash], ':'); colon < 0 || run(s.text, from+colon+1, digit) == slash {
		return 0 // no user:, or host:port/path
	}
	if slash >= len(s.text) || s.text[slash] != '/' {
		return 0
	}
	for i := slash; i < len(s.text) && i < slash+200 && !is(s.text, i, space); i++ {
		switch s.text[i] {
		case '@':
			return i
		case '"', '\'', '<', '>', '`':
			return 0
		}
	}
	return 0
}

// lookScheme finds credentials of HTTP authentication (RFC 9110 section 11.4).
func lookScheme(s *source, start, end int) {
	if !begins(s.text, start) {
		return
	}
	from := run(s.text, end, space)
	stop := run(s.text, from, any64|dot|tilde)
	value := s.text[from:stop]
	switch lowered(s.text[start:end]) {
	case "bearer":
		if from == end || len(value) < 12 || !s.afterHeader(start) && !mixed(value) {
			return
		}
	case "basic":
		if from == end || !isBasic(value) {
			return
		}
	default:
		if len(value) < 16 || !mixed(value) || !s.afterHeader(start) {
			return
		}
	}
	if isPlaceholder(value) {
		return
	}
	s.add(AuthHeader, from, stop)
}

// afterHeader reports whether the name of the header stands before.
func (s *source) afterHeader(at int) bool {
	return strings.Contains(lowered(s.text[max(0, at-24):at]), "authorization")
}

// isBasic reports whether a value is user:password in base64 (RFC 7617).
func isBasic(value string) bool {
	if len(value) < 4 {
		return false
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	if err != nil {
		return false
	}
	user, password, ok := strings.Cut(string(plain), ":")
	return ok && user+password != "" && utf8.Valid(plain) && !strings.ContainsFunc(string(plain), func(r rune) bool { return r < ' ' })
}

// mixed reports whether a value has at least two of lower case, upper case and
// digits.
func mixed(value string) bool {
	var has set
	for i := range len(value) {
		has |= sets[value[i]]
	}
	n := 0
	for _, c := range []set{lower, upper, digit} {
		if has&c != 0 {
			n++
		}
	}
	return n >= 2
}

// lookAzureSecret finds a client secret of Microsoft Entra: three characters,
// a digit, Q~ and 31 to 34 more.
func lookAzureSecret(s *source, start, end int) {
	const set = dotted | tilde
	if s.text[start:end] != "Q~" || !is(s.text, start-1, digit) || runBack(s.text, start-1, set, 3) != start-4 {
		return
	}
	if stop := run(s.text, end, set); stop-end >= 31 && stop-end <= 36 {
		s.add(AzureSecret, start-4, stop)
	}
}

// lookTerraform finds a token of Terraform Cloud: 14 characters, .atlasv1. and
// some sixty more.
func lookTerraform(s *source, start, end int) {
	from, stop := runBack(s.text, start, alnum, 20), run(s.text, end, url64)
	if start-from >= 14 && stop-end >= 40 {
		s.add(Terraform, from, stop)
	}
}

// lookTelegram finds a bot's token: its number, a colon and 35 characters that
// begin with AA.
func lookTelegram(s *source, start, end int) {
	from, stop := runBack(s.text, start, digit, 12), run(s.text, start+1, url64)
	if s.text[start+1:end] == "AA" && start-from >= 8 && start-from <= 10 && stop-start-1 >= 33 && stop-start-1 <= 36 {
		s.add(Telegram, from, stop)
	}
}

// lookDiscord finds a bot's token: its number in base64, six characters and 27
// to 40 more, with dots between.
func lookDiscord(s *source, dotAt, end int) {
	if !is(s.text, dotAt-1, url64) || !is(s.text, dotAt-20, url64) || dotAt+7 >= len(s.text) || s.text[dotAt+7] != '.' {
		return
	}
	second, stop := run(s.text, end, url64), run(s.text, dotAt+8, url64)
	if second != dotAt+7 || stop-second-1 < 25 || stop-second-1 > 45 {
		return
	}
	for _, n := range []int{26, 24, 23} { // of 19, 18 and 17 digits
		from := dotAt - n
		if from < 0 || !begins(s.text, from) {
			continue
		}
		if id, err := base64.RawURLEncoding.DecodeString(s.text[from:dotAt]); err == nil && run(string(id), 0, digit) == len(id) {
			s.add(DiscordToken, from, stop)
			return
		}
	}
}

// lookMailchimp finds a key: 32 hexadecimal digits and the data centre.
func lookMailchimp(s *source, start, end int) {
	from, stop := runBack(s.text, start, hex, 33), run(s.text, end, digit)
	if start-from == 32 && stop-end >= 1 && stop-end <= 2 && begins(s.text, from) && ends(s.text, stop) {
		s.add(Mailchimp, from, stop)
	}
}

// lookWebhook finds addresses that let anyone post: knowing them is the
// secret.
func lookWebhook(s *source, start, end int) {
	stop := end
	for stop < len(s.text) && (is(s.text, stop, any64|dot) || strings.IndexByte("@%?&", s.text[stop]) >= 0) {
		stop++
	}
	if path := s.text[end:stop]; len(path) >= 20 && mixed(path) {
		s.add(Webhook, start, stop)
	}
}

// lookCurlUser finds user:password given to a program: -u name:password.
func lookCurlUser(s *source, start, end int) {
	if !is(s.text, start-1, space|hyphen) || !strings.Contains(s.text[max(0, start-200):start], "curl") {
		return
	}
	from := run(s.text, end, space)
	stop := from
	for stop < len(s.text) && !is(s.text, stop, space) && s.text[stop] != '\'' && s.text[stop] != '"' {
		stop++
	}
	if colon := strings.IndexByte(s.text[from:stop], ':'); colon > 0 && !isPlaceholder(s.text[from+colon+1:stop]) {
		s.add(Password, from+colon+1, stop)
	}
}
