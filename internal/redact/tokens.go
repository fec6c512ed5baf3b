package redact

// token is the form of one issuer's tokens, as its documentation gives it or
// its tokens show it: a prefix, then so many bytes of a set. Prefixes are what
// they are in their exact case.
type token struct {
	kind        Kind
	prefix      string
	body        set
	least, most int // bytes after the prefix; most 0 for no bound
}

// tokens is every form that a prefix gives away. Where an issuer changed the
// length over time, the range covers all of them.
var tokens = []token{
	{"evf-key", "evf_", dotted, 40, 200}, // our own

	{"aws-access-key", "AKIA", upper | digit, 16, 16},
	{"aws-access-key", "ASIA", upper | digit, 16, 16},
	{"aws-access-key", "ABIA", upper | digit, 16, 16},
	{"aws-access-key", "ACCA", upper | digit, 16, 16},
	{"aws-bedrock-key", "ABSK", std64, 100, 200},
	{"gcp-api-key", "AIza", url64, 35, 35},
	{"gcp-oauth-secret", "GOCSPX-", url64, 24, 40},
	{"gcp-access-token", "ya29.", dotted, 20, 0},
	{"gcp-refresh-token", "1//0", url64, 30, 0},
	{"alibaba-key", "LTAI", alnum, 12, 24},
	{"tencent-key", "AKID", alnum, 32, 48},
	{"yandex-key", "AQVN", url64, 35, 40},
	{"yandex-token", "y0_", url64, 50, 70},
	{"digitalocean-token", "dop_v1_", hex, 64, 64},
	{"digitalocean-token", "doo_v1_", hex, 64, 64},
	{"digitalocean-token", "dor_v1_", hex, 64, 64},
	{"cloudflare-key", "v1.0-", hex | hyphen, 140, 200},
	{"heroku-token", "HRKU-", url64, 36, 80},
	{"flyio-token", "FlyV1 fm", any64 | dot, 60, 0},
	{"flyio-token", "fo1_", url64, 43, 43},
	{"netlify-token", "nfp_", alnum, 36, 44},
	{"render-token", "rnd_", alnum, 28, 40},
	{"vercel-token", "vcp_", alnum, 24, 80},
	{"supabase-token", "sbp_", hex, 40, 40},
	{"supabase-token", "sb_secret_", url64, 20, 60},
	{"planetscale-token", "pscale_tkn_", dotted, 32, 64},
	{"planetscale-token", "pscale_pw_", dotted, 32, 64},
	{"planetscale-token", "pscale_oauth_", dotted, 32, 64},
	{"pinecone-key", "pcsk_", url64, 40, 90},

	{"github-token", "ghp_", word, 36, 255},
	{"github-token", "gho_", word, 36, 255},
	{"github-token", "ghu_", word, 36, 255},
	{"github-token", "ghs_", dotted, 36, 0},
	{"github-token", "ghr_", word, 36, 255},
	{"github-token", "github_pat_", word, 22, 255},
	{"gitlab-token", "glpat-", dotted, 20, 300},
	{"gitlab-token", "gldt-", dotted, 20, 300},
	{"gitlab-token", "glrt-", dotted, 20, 300},
	{"gitlab-token", "glrtr-", dotted, 20, 300},
	{"gitlab-token", "glcbt-", dotted, 20, 300},
	{"gitlab-token", "glptt-", dotted, 20, 300},
	{"gitlab-token", "glft-", dotted, 20, 300},
	{"gitlab-token", "glimt-", dotted, 20, 300},
	{"gitlab-token", "glagent-", dotted, 20, 300},
	{"gitlab-token", "glsoat-", dotted, 20, 300},
	{"gitlab-token", "glffct-", dotted, 20, 300},
	{"gitlab-token", "gloas-", dotted, 20, 300},
	{"gitlab-token", "GR1348941", url64, 20, 20},
	{"atlassian-token", "ATATT3", any64, 60, 0},
	{"atlassian-token", "ATCTT3", any64, 60, 0},
	{"bitbucket-token", "ATBB", alnum, 28, 40},
	{"npm-token", "npm_", alnum, 36, 36},
	{"pypi-token", "pypi-AgE", url64, 50, 0},
	{"rubygems-token", "rubygems_", hex, 48, 48},
	{"crates-token", "cio", alnum, 32, 32},
	{"nuget-key", "oy2", lower | digit, 43, 43},
	{"clojars-token", "CLOJARS_", alnum, 60, 60},
	{"packagist-token", "packagist_", word, 60, 100},
	{"docker-token", "dckr_pat_", url64, 20, 60},
	{"docker-token", "dckr_oat_", url64, 20, 60},
	{"jfrog-token", "AKCp", alnum, 60, 80},
	{"jfrog-token", "cmVmdGtuOj", alnum, 40, 80},
	{"circleci-token", "CCIPAT_", word, 40, 90},
	{"circleci-token", "CCIPRJ_", word, 40, 90},
	{"buildkite-token", "bkua_", hex, 40, 40},
	{"buildkite-token", "bkat_", hex, 40, 40},
	{"sonar-token", "squ_", hex, 40, 40},
	{"sonar-token", "sqp_", hex, 40, 40},
	{"sonar-token", "sqa_", hex, 40, 40},
	{"snyk-token", "snyk_uat.", dotted, 40, 0},
	{"sourcegraph-token", "sgp_", word, 40, 80},
	{"postman-key", "PMAK-", hex | hyphen, 59, 59},
	{"pulumi-token", "pul-", hex, 40, 40},
	{"vault-token", "hvs.", url64, 24, 0},
	{"vault-token", "hvb.", url64, 24, 0},
	{"vault-token", "hvr.", url64, 24, 0},
	{"doppler-token", "dp.pt.", alnum, 40, 44},
	{"doppler-token", "dp.st.", dotted, 40, 90},
	{"doppler-token", "dp.ct.", alnum, 40, 44},
	{"doppler-token", "dp.sa.", alnum, 40, 44},
	{"infracost-key", "ico-", alnum, 32, 32},
	{"age-key", "AGE-SECRET-KEY-1", upper | digit, 58, 58},
	{"1password-token", "ops_eyJ", any64, 200, 0},
	{"1password-key", "A3-", upper | digit | hyphen, 30, 40},
	{"tailscale-key", "tskey-", alnum | hyphen, 20, 80},

	{"slack-token", "xoxb-", url64, 10, 0},
	{"slack-token", "xoxp-", url64, 10, 0},
	{"slack-token", "xoxa-", url64, 10, 0},
	{"slack-token", "xoxr-", url64, 10, 0},
	{"slack-token", "xoxs-", url64, 10, 0},
	{"slack-token", "xoxc-", url64, 10, 0},
	{"slack-token", "xoxo-", url64, 10, 0},
	{"slack-token", "xoxd-", any64, 10, 0},
	{"slack-token", "xoxe-", url64, 10, 0},
	{"slack-token", "xoxe.xox", dotted, 10, 0},
	{"slack-token", "xapp-", url64, 20, 0},
	{"slack-token", "xwfp-", url64, 20, 0},
	{"twilio-key", "SK", hex, 32, 32},
	{"sendgrid-key", "SG.", dotted, 60, 72},
	{"mailgun-key", "key-", hex, 32, 32},
	{"brevo-key", "xkeysib-", hex | alnum | hyphen, 70, 90},
	{"resend-key", "re_", word, 30, 40},
	{"intercom-token", "dG9rO", any64, 54, 80},
	{"notion-token", "ntn_", alnum, 40, 60},
	{"notion-token", "secret_", alnum, 43, 43},
	{"linear-token", "lin_api_", alnum, 32, 60},
	{"linear-token", "lin_oauth_", alnum, 32, 80},
	{"airtable-token", "pat", alnum | dot, 79, 79},
	{"figma-token", "figd_", url64, 36, 60},
	{"typeform-token", "tfp_", dotted, 40, 80},
	{"contentful-token", "CFPAT-", url64, 43, 43},
	{"hubspot-token", "pat-na1-", hex | hyphen, 36, 36},
	{"hubspot-token", "pat-na2-", hex | hyphen, 36, 36},
	{"hubspot-token", "pat-eu1-", hex | hyphen, 36, 36},
	{"dropbox-token", "sl.", url64, 120, 0},
	{"dropbox-token", "sl.u.", url64, 120, 0},
	{"facebook-token", "EAA", alnum, 60, 0},
	{"twitter-token", "AAAAAAAAAAAAAAAAAAAAA", alnum | base64Rest | under | hyphen, 60, 120},
	{"adobe-secret", "p8e-", alnum, 32, 32},
	{"zapier-token", "zpka_", word, 20, 60},

	{"stripe-key", "sk_live_", alnum, 16, 0},
	{"stripe-key", "sk_test_", alnum, 16, 0},
	{"stripe-key", "rk_live_", alnum, 16, 0},
	{"stripe-key", "rk_test_", alnum, 16, 0},
	{"stripe-secret", "whsec_", any64, 24, 0},
	{"shopify-token", "shpat_", hex | upper, 32, 32},
	{"shopify-token", "shpca_", hex | upper, 32, 32},
	{"shopify-token", "shppa_", hex | upper, 32, 32},
	{"shopify-token", "shpss_", hex | upper, 32, 32},
	{"square-token", "EAAA", url64, 50, 80},
	{"square-token", "sq0atp-", url64, 22, 22},
	{"square-token", "sq0csp-", url64, 43, 43},
	{"paypal-token", "access_token$production$", alnum | dollar, 16, 0},
	{"paypal-token", "access_token$sandbox$", alnum | dollar, 16, 0},
	{"plaid-token", "access-sandbox-", hex | hyphen, 36, 36},
	{"plaid-token", "access-development-", hex | hyphen, 36, 36},
	{"plaid-token", "access-production-", hex | hyphen, 36, 36},
	{"razorpay-key", "rzp_live_", alnum, 14, 24},
	{"razorpay-key", "rzp_test_", alnum, 14, 24},
	{"easypost-key", "EZAK", alnum, 54, 54},
	{"easypost-key", "EZTK", alnum, 54, 54},
	{"shippo-token", "shippo_live_", hex, 40, 40},
	{"shippo-token", "shippo_test_", hex, 40, 40},
	{"duffel-token", "duffel_live_", url64, 40, 50},
	{"duffel-token", "duffel_test_", url64, 40, 50},
	{"flutterwave-key", "FLWSECK-", alnum, 12, 60},
	{"flutterwave-key", "FLWSECK_TEST-", alnum | hyphen, 12, 60},

	{"anthropic-key", "sk-ant-", url64, 20, 0},
	{"openai-key", "sk-proj-", url64, 20, 0},
	{"openai-key", "sk-svcacct-", url64, 20, 0},
	{"openai-key", "sk-admin-", url64, 20, 0},
	{"openai-key", "sk-None-", url64, 20, 0},
	{"openai-key", "sk-", alnum, 32, 0},
	{"openrouter-key", "sk-or-", url64, 40, 0},
	{"langfuse-key", "sk-lf-", hex | hyphen, 36, 36},
	{"huggingface-token", "hf_", alnum, 30, 40},
	{"huggingface-token", "api_org_", alnum, 30, 40},
	{"groq-key", "gsk_", alnum, 40, 60},
	{"xai-key", "xai-", alnum, 60, 100},
	{"replicate-token", "r8_", alnum, 36, 42},
	{"perplexity-key", "pplx-", alnum, 40, 64},
	{"elevenlabs-key", "sk_", hex, 48, 48},
	{"tavily-key", "tvly-", url64, 20, 60},
	{"langsmith-key", "lsv2_", word, 40, 60},
	{"databricks-token", "dapi", hex | hyphen, 32, 36},

	{"grafana-token", "glc_", any64, 32, 0},
	{"grafana-token", "glsa_", word, 41, 41},
	{"newrelic-key", "NRAK-", alnum, 27, 27},
	{"newrelic-key", "NRJS-", hex, 19, 19},
	{"newrelic-key", "NRII-", url64, 32, 32},
	{"sentry-token", "sntrys_", any64, 60, 0},
	{"sentry-token", "sntryu_", hex, 64, 64},
	{"dynatrace-token", "dt0c01.", alnum | dot, 80, 100},
	{"posthog-key", "phx_", word, 40, 60},
	{"prefect-key", "pnu_", alnum, 36, 36},
	{"readme-key", "rdme_", alnum, 60, 80},
	{"launchdarkly-key", "sdk-", hex | hyphen, 36, 36},
}

// tokenRules makes the rules of all prefixes.
func tokenRules() (rules []rule) {
	for _, t := range tokens {
		rules = append(rules, rule{[]string{lowered(t.prefix)}, t.look})
	}
	return rules
}

func (t token) look(s *source, start, end int) {
	if s.text[start:end] != t.prefix || !t.distinct() && !begins(s.text, start) {
		return
	}
	stop := run(s.text, end, t.body)
	// A full stop or hyphen at the end is the sentence's.
	for stop > end && sets[s.text[stop-1]]&(dot|hyphen|under) != 0 {
		stop--
	}
	n := stop - end
	if n < t.least || t.most > 0 && n > t.most && !t.distinct() || !t.plausible(s.text[end:stop]) {
		return
	}
	if t.most > 0 && t.body&alnum != alnum && !ends(s.text, stop) {
		return
	}
	s.add(t.kind, start, stop)
}

// distinct reports whether the prefix is one wherever it stands, even inside a
// longer word.
func (t token) distinct() bool {
	n := len(t.prefix)
	return n >= 6 || n >= 4 && (t.prefix[n-1] == '_' || t.prefix[n-1] == '-') && t.body != hex
}

// plausible refuses words of a language: a token that is more than letters of
// one case has been drawn at random.
func (t token) plausible(body string) bool {
	if t.prefix == "evf_" {
		return isOurKey(body)
	}
	if len(t.prefix) >= 6 {
		return true
	}
	var has set
	for i := range len(body) {
		has |= sets[body[i]]
	}
	return has&digit != 0 && has&letter != 0 || has&lower != 0 && has&upper != 0 || t.body&letter == upper
}

// isOurKey holds the rest of a key of ours against tenant_key-id_secret.
func isOurKey(body string) bool {
	const id, secret = 4 + 16, 64 // key- and 8 bytes, 32 bytes
	n := len(body)
	return n >= 1+1+id+1+secret && body[n-secret-1] == '_' && body[n-secret-1-id-1] == '_' &&
		body[n-secret-1-id:n-secret-1-id+4] == "key-" && run(body, n-secret, hex) == n
}

func lowered(s string) string {
	b := []byte(s)
	for i, c := range b {
		if sets[c]&upper != 0 {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
