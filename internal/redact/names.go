package redact

import (
	"slices"
	"strings"
)

// nameKind is what the name of a setting says about its value.
type nameKind uint8

const (
	notSecret   nameKind = iota
	aPassword            // chosen by a person: may be a plain word
	aSecret              // made by a machine
	aConnection          // a string with settings of its own
	aCardCode
)

// What the parts of a name mean. A name is split at _ - . and at changes from
// lower to upper case; what it ends in says what the value is.
var (
	passwordParts = wordSet(`password passwords passwd passwort kennwort passphrase passcode pwd pass pw contrasena contraseña senha motdepasse wachtwoord
		hasło haslo lösenord losenord userpass dbpass rootpassword`)
	secretParts = wordSet(`secret secrets token tokens apikey apitoken apisecret accesskey accesstoken secretkey privatekey authtoken authkey
		clientsecret credential credentials cred creds bearer authorization refreshtoken sessiontoken sessionid phpsessid jsessionid sessid
		encryptionkey signingkey masterkey accountkey sharedaccesskey sharedkey licensekey jwtsecret webhooksecret sastoken otpauth mnemonic
		seedphrase authcode pat apipassword storagekey`)
	// A key is a secret one where a part before says so.
	keyParts     = wordSet(`key keys`)
	keyQualifier = wordSet(`api access secret private auth encryption encrypt decryption signing sign master account shared storage service client
		admin root app application webhook consumer deploy ssh session license licence subscription ingest integration write hmac cipher aes rsa
		stripe openai anthropic aws azure gcp google sendgrid mailgun twilio github gitlab datadog algolia firebase maps`)
	cardCodeParts   = wordSet(`cvv cvv2 cvc cvc2 cv2`)
	connectionParts = wordSet(`connectionstring connstring connstr dsn`)

	// After one of these nothing is a secret: it is about one.
	aboutParts = wordSet(`id ids name names type types kind count counts length len size max min limit limits ttl expiry expires expired expiration
		expire policy policies field fields label url uri urls endpoint path paths file files filename dir directory prefix suffix hash hashed
		digest checksum sum version format status state ref refs reference arn age timeout header headers param params parameter regex pattern enabled
		required present hint prompt usage used changed updated created rotated at by date time provider source scope scopes issuer audience
		algorithm alg method mode manager store vault reset policyid strength valid invalid missing error fingerprint index position per
		attempts rotation budget rate cost price input output total left remaining`)
	// Nor is a value whose name has one of these anywhere.
	publicParts = wordSet(`public hashed encrypted primary foreign sort cache partition next page continuation sync idempotency csrf xsrf
		completion prompt tokenizer pagination cursor`)
)

func wordSet(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// nameParts splits a name into its parts, in lower case; at most the last
// eight.
func nameParts(name string) (parts []string) {
	from := 0
	cut := func(to int) {
		if to > from {
			parts = append(parts, strings.ToLower(name[from:to]))
		}
	}
	for i := 0; i < len(name); i++ {
		switch {
		case !is(name, i, alnum) && name[i] < 0x80:
			cut(i)
			from = i + 1
		case is(name, i, upper) && (is(name, i-1, lower|digit) || is(name, i-1, upper) && is(name, i+1, lower)):
			cut(i)
			from = i
		}
	}
	cut(len(name))
	for i, p := range parts { // password1, token2
		if t := strings.TrimRight(p, "0123456789"); t != "" && !cardCodeParts[p] {
			parts[i] = t
		}
	}
	return parts[max(0, len(parts)-8):]
}

// nameOf says what a name says about its value.
func nameOf(name string) nameKind {
	parts := nameParts(name)
	if len(parts) == 0 {
		return notSecret
	}
	last := parts[len(parts)-1]
	if aboutParts[last] || slices.ContainsFunc(parts, func(p string) bool { return publicParts[p] }) {
		return notSecret
	}
	joined := strings.Join(parts, "")
	for i := len(parts) - 1; i >= 0; i-- {
		if k := partKind(parts, i); k != notSecret {
			return k
		}
	}
	switch {
	case hasSuffix(joined, passwordParts, 5):
		return aPassword
	case hasSuffix(joined, secretParts, 5):
		return aSecret
	case hasSuffix(joined, connectionParts, 5):
		return aConnection
	}
	return notSecret
}

// partKind is what the i-th part of a name makes of it.
func partKind(parts []string, i int) nameKind {
	p := parts[i]
	pair := p
	if i > 0 {
		pair = parts[i-1] + p
	}
	switch {
	case cardCodeParts[p]:
		return aCardCode
	case passwordParts[p] && (len(p) > 4 || i == len(parts)-1), passwordParts[pair]:
		return aPassword
	case secretParts[p], secretParts[pair]:
		return aSecret
	case keyParts[p] && i == len(parts)-1 && slices.ContainsFunc(parts[:i], func(q string) bool { return keyQualifier[q] }):
		return aSecret
	case connectionParts[p], connectionParts[pair]:
		return aConnection
	}
	return notSecret
}

// hasSuffix reports whether a name without separators ends in a word of at
// least so many bytes: MYSQLPASSWORD, dbpassword.
func hasSuffix(name string, words map[string]bool, least int) bool {
	for from := max(0, len(name)-20); from <= len(name)-least; from++ {
		if words[name[from:]] {
			return true
		}
	}
	return false
}
