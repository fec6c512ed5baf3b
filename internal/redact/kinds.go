package redact

// Kinds that code speaks of by name. The table of tokens has one for each
// issuer besides.
const (
	PrivateKey   Kind = "private-key"
	URLPassword  Kind = "url-password"
	AuthHeader   Kind = "authorization"
	JWT          Kind = "jwt"
	Password     Kind = "password"
	SecretValue  Kind = "secret-value" // of a setting whose name says so
	HighEntropy  Kind = "high-entropy-value"
	CardCode     Kind = "card-security-code"
	AWSSecret    Kind = "aws-secret-key"
	AzureSecret  Kind = "azure-key"
	DiscordToken Kind = "discord-token"
	Telegram     Kind = "telegram-token"
	Terraform    Kind = "terraform-token"
	Mailchimp    Kind = "mailchimp-key"
	Webhook      Kind = "webhook-url"
	Text         Kind = "text" // the rest of a text that could not be kept

	Card  Kind = "card"
	IBAN  Kind = "iban"
	EMail Kind = "e-mail"
	Phone Kind = "phone"
	SSN   Kind = "us-ssn"
	ITIN  Kind = "us-itin"
	IP    Kind = "ip-address"
)

// personalKinds are those that are personal data.
var personalKinds = func() map[Kind]bool {
	m := map[Kind]bool{}
	for _, k := range []Kind{Card, IBAN, EMail, Phone, SSN, ITIN, IP, ukNINO, fiHETU} {
		m[k] = true
	}
	for _, id := range digitIDs {
		m[id.kind] = true
	}
	for _, id := range wordIDs {
		m[id.kind] = true
	}
	return m
}()

// Kinds lists every kind that a Finding can have, sorted.
func Kinds() []Kind {
	m := map[Kind]bool{PrivateKey: true, URLPassword: true, AuthHeader: true, JWT: true, Password: true, SecretValue: true,
		HighEntropy: true, CardCode: true, AWSSecret: true, AzureSecret: true, DiscordToken: true, Telegram: true, Terraform: true, Mailchimp: true, Webhook: true}
	for k := range personalKinds {
		m[k] = true
	}
	for _, t := range tokens {
		m[t.kind] = true
	}
	return sortedKinds(m)
}
