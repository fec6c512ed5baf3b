package redact

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// marked is a text of our own corpus with what must be found in it.
type marked struct {
	kind  Kind // "" for any secret
	text  string
	spans [][2]int
}

func unmark(kind Kind, line string) marked {
	m := marked{kind: kind}
	line = strings.ReplaceAll(line, `\n`, "\n")
	for {
		before, rest, ok := strings.Cut(line, "«")
		m.text += before
		if !ok {
			return m
		}
		secret, after, _ := strings.Cut(rest, "»")
		m.spans = append(m.spans, [2]int{len(m.text), len(m.text) + len(secret)})
		m.text += secret
		line = after
	}
}

func corpusLines(t testing.TB, file string) (lines []string) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "# ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func settings(t testing.TB) (list []marked) {
	for _, line := range corpusLines(t, "settings.txt") {
		list = append(list, unmark("", line))
	}
	return list
}

func personal(t testing.TB) (list []marked) {
	for _, line := range corpusLines(t, "personal.txt") {
		kind, text, _ := strings.Cut(line, "\t")
		list = append(list, unmark(Kind(kind), text))
	}
	return list
}

// forms are issuers' tokens as their documentation shows them: {a36} stands
// for 36 letters and digits, h for hexadecimal digits, u for base64url, U for
// capitals and digits, l for small letters and digits, b for base64, d for
// digits.
var forms = []struct {
	kind Kind
	form string
}{
	{"evf-key", "evf_default_key-{h16}_{h64}"},
	{"aws-access-key", "AKIA{U16}"}, {"aws-access-key", "ASIA{U16}"},
	{"gcp-api-key", "AIza{u35}"}, {"gcp-oauth-secret", "GOCSPX-{u28}"}, {"gcp-access-token", "ya29.a0{u60}"}, {"gcp-refresh-token", "1//0{u60}"},
	{"azure-key", "{a3}8Q~{u34}"},
	{"digitalocean-token", "dop_v1_{h64}"},
	{"github-token", "ghp_{a36}"}, {"github-token", "gho_{a36}"}, {"github-token", "ghs_{a36}"}, {"github-token", "github_pat_{a22}_{a59}"},
	{"gitlab-token", "glpat-{u20}"}, {"gitlab-token", "glptt-{h40}"}, {"gitlab-token", "GR1348941{u20}"},
	{"atlassian-token", "ATATT3{u180}={h8}"},
	{"npm-token", "npm_{a36}"}, {"pypi-token", "pypi-AgEIcHlwaS5vcmc{u70}"}, {"rubygems-token", "rubygems_{h48}"}, {"crates-token", "cio{a32}"},
	{"nuget-key", "oy2{l43}"}, {"docker-token", "dckr_pat_{u27}"}, {"circleci-token", "CCIPAT_{a22}_{h40}"}, {"sonar-token", "squ_{h40}"},
	{"postman-key", "PMAK-{h24}-{h34}"}, {"pulumi-token", "pul-{h40}"}, {"vault-token", "hvs.{u90}"}, {"doppler-token", "dp.pt.{a43}"},
	{"terraform-token", "{a14}.atlasv1.{u67}"}, {"age-key", "AGE-SECRET-KEY-1{U58}"}, {"tailscale-key", "tskey-auth-{a12}-{a32}"},
	{"slack-token", "xoxb-{d12}-{d12}-{a24}"}, {"slack-token", "xoxp-{d12}-{d12}-{d12}-{h32}"}, {"slack-token", "xapp-1-A{U10}-{d13}-{h64}"},
	{"webhook-url", "hooks.slack.com/services/T{U8}/B{U8}/{a24}"}, {"webhook-url", "discord.com/api/webhooks/{d18}/{u68}"},
	{"discord-token", "MTE5NzYyOTU3ODY0MDU4OTg3.{u6}.{u38}"}, {"telegram-token", "{d10}:AA{u33}"},
	{"twilio-key", "SK{h32}"}, {"sendgrid-key", "SG.{u22}.{u43}"}, {"mailgun-key", "key-{h32}"}, {"mailchimp-key", "{h32}-us12"},
	{"notion-token", "ntn_{a46}"}, {"notion-token", "secret_{a43}"}, {"linear-token", "lin_api_{a40}"}, {"airtable-token", "pat{a14}.{h64}"}, {"figma-token", "figd_{u40}"},
	{"hubspot-token", "pat-eu1-{h8}-{h4}-{h4}-{h4}-{h12}"}, {"facebook-token", "EAA{a120}"},
	{"stripe-key", "sk_live_{a24}"}, {"stripe-key", "sk_test_{a99}"}, {"stripe-key", "rk_live_{a24}"}, {"stripe-secret", "whsec_{a32}"},
	{"shopify-token", "shpat_{h32}"}, {"square-token", "sq0atp-{u22}"}, {"", "EAAA{u60}"}, {"paypal-token", "access_token$production${l16}${h32}"},
	{"razorpay-key", "rzp_live_{a14}"},
	{"anthropic-key", "sk-ant-api03-{u95}"}, {"openai-key", "sk-proj-{u120}"}, {"openai-key", "sk-{a48}"}, {"openrouter-key", "sk-or-v1-{h64}"},
	{"huggingface-token", "hf_{a34}"}, {"groq-key", "gsk_{a52}"}, {"replicate-token", "r8_{a37}"}, {"perplexity-key", "pplx-{a48}"}, {"xai-key", "xai-{a80}"},
	{"databricks-token", "dapi{h32}"}, {"databricks-token", "dapi{h32}-2"},
	{"grafana-token", "glsa_{a32}_{h8}"}, {"newrelic-key", "NRAK-{U27}"}, {"sentry-token", "sntryu_{h64}"}, {"dynatrace-token", "dt0c01.{U24}.{U64}"},
	{"jwt", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{u40}.{u43}"}, {"jwt", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.{u60}.{u16}.{u40}.{u22}"},
	{"private-key", "-----BEGIN RSA PRIVATE KEY-----\n{b64}\n{b64}\n-----END RSA PRIVATE KEY-----"},
	{"private-key", "-----BEGIN OPENSSH PRIVATE KEY-----\n{b64}\n-----END OPENSSH PRIVATE KEY-----"},
	{"private-key", `-----BEGIN PRIVATE KEY-----\n{b64}\n{b64}\n-----END PRIVATE KEY-----`},
	{"private-key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{b64}\n={a4}\n-----END PGP PRIVATE KEY BLOCK-----"},
	{"private-key", "-----BEGIN EC PRIVATE KEY-----\n{b64}\n{b40}"},
}

var placeholderOfForm = regexp.MustCompile(`\{([ahuUlbd])(\d+)\}`)

const lowDigits, capDigits = "abcdefghijklmnopqrstuvwxyz0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// drawn fills a form in, always the same for one seed.
func drawn(form string, seed int) string {
	state := uint64(seed)*0x9E3779B97F4A7C15 + 1
	next := func(of string) byte {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		return of[state>>20%uint64(len(of))]
	}
	alphabets := map[string]string{"a": lowDigits + capDigits, "h": "0123456789abcdef", "u": lowDigits + capDigits + "-_", "U": capDigits, "l": lowDigits,
		"b": lowDigits + capDigits + "+/", "d": "123456789"}
	return placeholderOfForm.ReplaceAllStringFunc(form, func(p string) string {
		m := placeholderOfForm.FindStringSubmatch(p)
		n, _ := strconv.Atoi(m[2])
		b := make([]byte, n)
		for i := range b {
			b[i] = next(alphabets[m[1]])
		}
		if n > 2 { // of every kind that the alphabet has, and no hyphen at an end
			copy(b, map[string]string{"a": "a1Z", "u": "a1Z", "U": "A2Z", "l": "a1z", "h": "1a2", "b": "a1Z"}[m[1]])
			b[n-1] = map[string]byte{"a": 'q', "u": 'q', "U": 'Q', "l": 'q', "h": 'e', "b": 'q', "d": '7'}[m[1]]
		}
		return string(b)
	})
}

// contexts are what secrets stand in; %s is the secret.
var contexts = []string{"%s", "the key is %s, rotate it.", `{"k":"%s"}`, "export X=%s\n", "https://h.example/?t=%s&y=1", "(see `%s`)", `\n%s\n`, "t%%3D%s", "<v>%s</v>", "é%s", "X-Y: %s\r\n", "%s."}

// tokenCorpus is every form in every context.
func tokenCorpus() (list []marked) {
	for i, f := range forms {
		for j, context := range contexts {
			secret := drawn(f.form, i*100+j)
			text := fmt.Sprintf(context, secret)
			at := strings.Index(text, secret)
			list = append(list, marked{f.kind, text, [][2]int{{at, at + len(secret)}}})
		}
	}
	return list
}
