package packet

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/browsertest"
	"github.com/evidencefactory/evf/internal/datatest"
)

// pageOf is the page of a packet of the house, with the log's key on it.
func pageOf(t *testing.T, h *house, apply func(*Contents)) []byte {
	t.Helper()
	c := h.contents()
	c.LogKey = h.trusted
	if apply != nil {
		apply(&c)
	}
	data, err := Write(c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := p.Page()
	return page
}

func closeAll(c *Contents) {
	for i := range c.Sealed {
		c.Sealed[i].Disclosures = nil
	}
}

func verdict(p *browsertest.Page) string {
	p.Wait(`document.documentElement.dataset.checked`)
	return p.Text("#verdict")
}

func TestPageIsConsistent(t *testing.T) {
	b := browsertest.New(t)
	h := told(t)
	for _, c := range []struct {
		name, want string
		apply      func(*Contents)
	}{
		{"all disclosed", "Internally consistent with log key " + string(keyFingerprint(h.trusted)), nil},
		{"nothing disclosed", "Internally consistent with log key ", closeAll},
		{"no key of the log", "Internally consistent, the log’s signature apart", func(c *Contents) { c.LogKey = "" }},
		{"an object that is no text", "Internally consistent with log key ", func(c *Contents) {
			c.Objects = append(c.Objects, Object{"bin", []byte("\x00\xff\r\n</pre><script>")}, Object{"txt", []byte("\n\\u202e \\u{e0001}")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := b.Open(t, pageOf(t, h, c.apply), browsertest.Scripted)
			if got := verdict(p); !strings.HasPrefix(got, c.want) {
				t.Errorf("the page says %q, want %q\n%s", got, c.want, p.Text("#lists"))
			}
			if p.Console() != "" {
				t.Errorf("console:\n%s", p.Console())
			}
			if said := p.Text("body"); strings.Contains(strings.ToLower(said), "is valid") || strings.Contains(said, "successfully") {
				t.Error("the page vouches for itself")
			}
		})
	}
}

// Whoever changes a page and not its script is found out, and the place is
// shown.
func TestForgedPages(t *testing.T) {
	b := browsertest.New(t)
	h := told(t)
	page := string(pageOf(t, h, nil))
	swap := func(old, new string) func(string) string {
		return func(page string) string {
			t.Helper()
			if !strings.Contains(page, old) {
				t.Fatalf("the page does not hold %q", old)
			}
			return strings.Replace(page, old, new, 1)
		}
	}
	cut := func(pattern, by string) func(string) string {
		re := regexp.MustCompile(pattern)
		return func(page string) string {
			t.Helper()
			at := re.FindStringIndex(page)
			if at == nil {
				t.Fatalf("the page holds no %s", pattern)
			}
			return page[:at[0]] + re.ReplaceAllString(page[at[0]:at[1]], by) + page[at[1]:]
		}
	}
	raw := func(seq int) string { return fmt.Sprintf(`(?s)(<section class="raw" id="x%d">.*?)`, seq) }
	for _, c := range []struct {
		name, want string
		forge      func(string) string
	}{
		{"a record's byte", "does not have the digest that its leaf seals", cut(raw(10)+`"decision":"approve"`, `${1}"decision":"appr0ve"`)},
		{"a leaf's byte", "", cut(raw(5)+`"digest":"sha256:.`, `${1}"digest":"sha256:x`)},
		{"a proof's hash", "", cut(raw(7)+`"hashes":\["...`, `${1}"hashes":["AAA`)},
		{"a proof that is too short", "the proof is too short", cut(raw(7)+`"hashes":\["[^"]*",`, `${1}"hashes":[`)},
		{"a leaf less", "", cut(raw(6)+`</section>`, ``)},
		{"the root of the checkpoint", "", cut(`(data-file="checkpoint">\n[^\n]*\n18\n).`, `${1}_`)},
		{"the size of the checkpoint", "", cut(`(data-file="checkpoint">\n[^\n]*\n)18`, `${1}17`)},
		{"the log's signature", "did not sign the head of the log", cut(`(— `+testOrigin+` [^\n]{20})...`, `${1}AAA`)},
		{"the statement", "", swap(`"query":"records of the run`, `"query":"all records of the run`)},
		{"the statement's signature", "the packet key did not sign the statement", cut(`(id="signature">.{20}).{4}`, `${1}AAAA`)},
		{"the fingerprint of the packet key", "is not that of the packet key", cut(`(id="packetkey">sha256:).{4}`, `${1}0000`)},
		{"the fingerprint of the log key", "is not that of the log key", cut(`(id="logkey">sha256:).{4}`, `${1}0000`)},
		{"a disclosure that is moved", "", func(page string) string {
			name := regexp.MustCompile(`(?s)<pre data-file="disclosures.jsonl">\n[^<]*</pre>`)
			at := strings.Index(page, `<section class="raw" id="x10">`)
			line := name.FindString(page[at:])
			page = page[:at] + strings.Replace(page[at:], line, "", 1)
			return strings.Replace(page, `</section>`, line+`</section>`, strings.Count(page[:strings.Index(page, `id="x1"`)], `</section>`)+1)
		}},
		{"the list of what is withheld", "", swap(`"withheld":[]`, `"withheld":[{"class":"personal","pointer":"/x","reason":"withheld","record":"`+id(1)+`"}]`)},
		{"a policy", "is not what the statement lists", swap("permit (principal", "permit  (principal")},
		{"a name in the story", "", cut(`(data-p="/body/approver_name">)Bo Lind`, `${1}Eve Low`)},
		{"a name in the facts", "", cut(`(?s)(id="r10".*?<td data-p="/body/approver_name">)Bo Lind`, `${1}Eve Low`)},
		{"a comment", "", cut(`(data-p="/body/comment">)looks right`, `${1}looks fine`)},
		{"an amount", "", cut(`(data-p="/body/sealed_args/args/amount">)1248000`, `${1}12480`)},
		{"a time", "", cut(`(data-p="/occurred" data-as="time"[^>]*>2026-11-22 0)9`, `${1}8`)},
		{"a place that is not there", "", swap(`data-p="/body/comment"`, `data-p="/body/commend"`)},
		{"a field that is left out", "the field at /body/comment is not shown", cut(`(?s)(id="r10".*?)<tr><th scope="row">comment</th>.*?</tr>`, `${1}`)},
		{"a field under another's name", "stands under another name", cut(`(?s)(id="r10".*?<th scope="row">)approver name`, `${1}decision`)},
		{"an entry that is left out", "has no place in the story", cut(`(?s)<li class="entry" id="r9".*?</details>\s*</div></li>`, ``)},
		{"a state", "", cut(`(data-p="/slots/0/state">)declared`, `${1}evidenced`)},
		{"an output that is left out", "the page does not show once what slots.json says of oversight", cut(`(?s)<tr><th scope="row">human oversight</th>.*?</tr>`, ``)},
		{"a summary", "", cut(`(data-p="/slots/5/summary">)[^<]*`, `${1}nothing ran`)},
		{"slots", "", swap(`{"gaps":[],"name":"extraction"`, `{"gaps":[],"name":"extractions"`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			forged := c.forge(page)
			if forged == page {
				t.Fatal("nothing was forged")
			}
			p := b.Open(t, []byte(forged), browsertest.Scripted)
			if got := verdict(p); !strings.HasPrefix(got, "NOT consistent: ") || !strings.Contains(got+p.Text("#faults"), c.want) {
				t.Errorf("the page says %q, want NOT consistent: %s\n%s", got, c.want, p.Text("#lists"))
			}
			if c.want == "" && browsertest.Eval[int](p, `document.querySelectorAll(".fault").length`) == 0 {
				t.Error("no place is shown")
			}
		})
	}
}

// hostile is what an agent could put into a record to take the page over.
var hostile = []string{
	`</script><script>window.taken=1</script>`, `</pre></li><h1>Approved</h1>`, `<img src=x onerror=window.taken=1>`, `" onmouseover="window.taken=1`,
	`'"><svg/onload=window.taken=1>`, "a\u2028b\u2029c", "\u202egnp.exe", "nul\x00 bell\x07 esc\x1b[31m", "zero\u200bwidth", `{{.Title}}`, `\u202e \\u202e`,
	"  spaces\tand\nlines\r\n", "\ufeffmark", "&lt;b&gt; &amp;amp;", "<!--", "]]>", "\U000e0041tag", "javascript:window.taken=1", "\uffff\ufffe",
}

func TestHostileText(t *testing.T) {
	h := newHouse(t)
	f := facts{t}
	h.announce(h.key)
	h.add(evidence.TypeApprovalRequested, testRun, f.requested())
	for i, text := range hostile {
		started, decision := f.started(), f.approval("approve", fmt.Sprintf("p-%d", i))
		started.Initiator.Name, started.Trigger = text, text
		decision.Comment, decision.ApproverName = text, text
		h.add(evidence.TypeRunStarted, testRun, started)
		h.add(evidence.TypeApprovalDecided, testRun, decision)
	}
	p := browsertest.New(t).Open(t, pageOf(t, h, nil), browsertest.Scripted)
	if got := verdict(p); !strings.HasPrefix(got, "Internally consistent with") {
		t.Errorf("the page says %q\n%s", got, p.Text("#lists"))
	}
	if browsertest.Eval[bool](p, `"taken" in window`) || browsertest.Eval[int](p, `document.scripts.length`) != 1 || browsertest.Eval[int](p, `document.querySelectorAll("h1").length`) != 1 {
		t.Error("a text runs, or makes elements")
	}
	if p.Console() != "" {
		t.Errorf("console:\n%s", p.Console())
	}
	for i, text := range hostile {
		var want strings.Builder
		for _, r := range text {
			if unseen(r) {
				fmt.Fprintf(&want, "U+%04X", r)
			} else {
				want.WriteRune(r)
			}
		}
		if got := p.Text(fmt.Sprintf(`#r%d .facts [data-p="/body/comment"]`, 2*i+3)); got != want.String() {
			t.Errorf("the page shows %q, want %q", got, want.String())
		}
	}
}

// A reader whose browser runs no script has the whole story, and is told what
// was not done.
func TestPageWithoutScript(t *testing.T) {
	p := browsertest.New(t).Open(t, pageOf(t, told(t), nil), browsertest.Unscripted)
	for _, c := range []struct{ selector, want string }{
		{"#verdict", "Not re-checked"},
		{"h1", "Ana Ruiz started a run of invoice; Bo Lind approved it; books shows entry E-17."},
		{"main", "post_entry: entry E-17 read back from books"},
		{".story", "Bo Lind approved the action."},
		{".story", "looks right"},
	} {
		if got := p.Text(c.selector); !strings.Contains(got, c.want) {
			t.Errorf("%s says %q, want %q", c.selector, got, c.want)
		}
	}
}

// The key that a reader brings is held against the head of the log.
func TestKeyThatTheReaderBrings(t *testing.T) {
	b := browsertest.New(t)
	h, other := told(t), newHouse(t)
	elsewhere := newHouse(t)
	elsewhere.setOrigin("log.example/other")
	page := pageOf(t, h, func(c *Contents) { c.LogKey = "" })
	for _, c := range []struct{ name, key, want string }{
		{"the log's", h.trusted, "This key signed the head of the log. Its fingerprint: " + string(keyFingerprint(h.trusted))},
		{"another of this origin", other.trusted, "did not sign"},
		{"of another log", elsewhere.trusted, "did not sign"},
		{"no key", "nonsense", "not a verifier key"},
		{"a false hash", strings.Replace(h.trusted, testOrigin+"+", testOrigin+"+00000000", 1), "not a verifier key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := b.Open(t, page, browsertest.Scripted)
			verdict(p)
			browsertest.Eval[any](p, `document.querySelector("#trust").closest("details").open = true`)
			p.Type("#vkey", c.key+"\r")
			p.Wait(`document.querySelector("#vkeysays").textContent`)
			if got := p.Text("#vkeysays"); !strings.Contains(got, c.want) {
				t.Errorf("the page says %q, want %q", got, c.want)
			}
		})
	}
}

// Go and the page write amounts alike.
func TestMoney(t *testing.T) {
	for _, c := range []struct{ minor, currency, want string }{
		{"1248000", "EUR", "12,480.00 EUR (1248000)"}, {"5", "EUR", "0.05 EUR (5)"}, {"0", "USD", "0.00 USD (0)"},
		{"-1234567", "CHF", "-12,345.67 CHF (-1234567)"}, {"7977500", "JPY", "7,977,500 JPY (7977500)"}, {"1000", "KWD", "1.000 KWD (1000)"},
		{"007", "EUR", ""}, {"1", "XXX", ""}, {"1e3", "EUR", ""}, {"", "EUR", ""}, {"-", "EUR", ""},
	} {
		got := ""
		if isMoney(c.minor, c.currency) {
			got = money(c.minor, c.currency)
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
}

func TestMoneyOnThePage(t *testing.T) {
	h := newHouse(t)
	f := facts{t}
	h.announce(h.key)
	h.add(evidence.TypeRunStarted, testRun, f.started())
	for _, args := range []string{`{"currency":"EUR","total_minor":"-1234567","tax_minor":"5"}`, `{"currency":"JPY","total_minor":"7977500"}`, `{"currency":"XXX","total_minor":"1"}`} {
		d := f.decided("allow")
		d.ArgsDigest, d.Sealed = f.salted("args", args)
		h.add(evidence.TypeAuthorizationDecided, testRun, d)
	}
	p := browsertest.New(t).Open(t, pageOf(t, h, nil), browsertest.Scripted)
	if got := verdict(p); !strings.HasPrefix(got, "Internally consistent with") {
		t.Errorf("the page says %q", got)
	}
	if got := p.Text(`#r2 .panel [data-p$="/total_minor"]`); got != "-12,345.67 EUR (-1234567)" {
		t.Errorf("the page shows %q", got)
	}
}

// The page keeps the rules of accessibility that a program can judge, whatever
// it shows and in both colour schemes.
func TestAccessibility(t *testing.T) {
	path := os.Getenv("EVF_AXE")
	if path == "" {
		datatest.Missing(t, "EVF_AXE names no axe.min.js (of npm's axe-core@4.14.1): accessibility is not judged")
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b := browsertest.New(t)
	for name, page := range map[string][]byte{
		"nothing disclosed":                  pageOf(t, told(t), closeAll),
		"erased":                             []byte(erasedPage(t)),
		"all disclosed, and a forgery found": bytes.Replace(pageOf(t, told(t), nil), []byte(">looks right<"), []byte(">looks fine<"), 1),
	} {
		// In the dark only colours differ.
		for scheme, rules := range map[browsertest.Scheme]string{browsertest.Light: `{}`, browsertest.Dark: `{runOnly: ["color-contrast"]}`} {
			b.Prefer(t, scheme)
			p := b.Open(t, page, browsertest.Scripted)
			verdict(p)
			browsertest.Eval[any](p, `document.querySelectorAll("details").forEach((d) => { d.open = true })`)
			browsertest.Eval[any](p, string(axe)+"; undefined")
			for _, fault := range browsertest.Eval[[]string](p, `axe.run(`+rules+`).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 200)).slice(0, 3).join(" ")))`) {
				t.Errorf("%s, %s: %s", name, scheme, fault)
			}
		}
	}
}
