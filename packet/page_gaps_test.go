package packet

import (
	"regexp"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/browsertest"
)

// A gap that is not on the page is found out, and one that is there twice.
func TestForgedGaps(t *testing.T) {
	h := newHouse(t)
	f := facts{t}
	h.announce(h.key)
	h.add(evidence.TypeRunStarted, testRun, f.started())
	h.add(evidence.TypeAuthorizationDecided, testRun, f.decided("allow"))
	page := string(pageOf(t, h, nil))
	b := browsertest.New(t)
	p := b.Open(t, []byte(page), browsertest.Scripted)
	if got := verdict(p); !strings.HasPrefix(got, "Internally consistent with") || !regexp.MustCompile(`outputs stand on the page, with their [1-9]\d* gaps`).MatchString(p.Text("#done")) {
		t.Errorf("the page says %q: %s", got, p.Text("#lists"))
	}
	gap := regexp.MustCompile(`<li><span class="state [^"]*">.*?</li>`)
	first := gap.FindString(page)
	for name, forged := range map[string]string{
		"left out":           strings.Replace(page, first, "", 1),
		"all left out":       gap.ReplaceAllString(page, ""),
		"twice":              strings.Replace(page, first, first+first, 1),
		"no way to close it": strings.Replace(page, first, regexp.MustCompile(`<span class="close">.*</span>`).ReplaceAllString(first, ""), 1),
		"elsewhere":          strings.Replace(strings.Replace(page, first, "", 1), `<p class="legend">`, "<ul>"+first+`</ul><p class="legend">`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if first == "" || forged == page {
				t.Fatal("nothing was forged")
			}
			p := b.Open(t, []byte(forged), browsertest.Scripted)
			if got := verdict(p); !strings.HasPrefix(got, "NOT consistent: the page does not show once what slots.json says of ") {
				t.Errorf("the page says %q", got)
			}
		})
	}
}
