// Package browsertest opens pages in a real Chromium, for tests. The browser
// has a profile of its own, reaches nothing but the file it is given, and ends
// with the test.
package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/evidencefactory/evf/internal/datatest"
)

// Browser is one running Chromium with one tab. Tests that share it take
// turns.
type Browser struct {
	ctx context.Context
	dir string

	mu      sync.Mutex // guards console, which the tab's own goroutine adds to
	console []string
}

// New starts a Chromium. A machine without one skips the test and says so, or
// fails it: see datatest.
func New(t *testing.T) *Browser {
	t.Helper()
	path := datatest.Program(t, "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.ProxyServer("127.0.0.1:9"), // where nobody listens
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.Flag("no-pings", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	b := &Browser{ctx: ctx, dir: t.TempDir()}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.console = append(b.console, string(m.Type)+": "+m.Text)
			b.mu.Unlock()
		}
	}()
	return b
}

// Scheme is a colour scheme that a reader prefers.
type Scheme string

// The two colour schemes.
const (
	Light Scheme = "light"
	Dark  Scheme = "dark"
)

// Prefer has the reader of the pages that are opened from now on prefer a
// colour scheme.
func (b *Browser) Prefer(t *testing.T, s Scheme) {
	t.Helper()
	prefers := emulation.MediaFeature{Name: "prefers-color-scheme", Value: string(s)}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{&prefers}}); err != nil {
		t.Fatal(err)
	}
}

// Page is what the tab shows, until another page is opened.
type Page struct {
	*Browser
	t *testing.T
}

// Script says whether a page's scripts run.
type Script bool

// The two ways to open a page.
const (
	Scripted   Script = true
	Unscripted Script = false
)

// Open reads the page from a file, as someone does who was sent one.
func (b *Browser) Open(t *testing.T, html []byte, script Script) *Page {
	t.Helper()
	f, err := os.CreateTemp(b.dir, "*.html")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(html); err != nil {
		t.Fatal(err)
	}
	off := emulation.SetScriptExecutionDisabledParams{Value: script == Unscripted}
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, off); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.console = nil
	b.mu.Unlock()
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(f.Name())}
	if err := chromedp.Do(b.ctx, chromedp.Navigate(address.String())); err != nil {
		t.Fatal(err)
	}
	return &Page{b, t}
}

// Console is what the page has written to the console: faults of its script,
// and what its policy kept out.
func (p *Page) Console() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.console, "\n")
}

// Wait waits until an expression is true, and fails where that takes too long.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	var err error
	// Right after a page was opened, the browser may still answer for the one
	// before it, whose context is gone then.
	for range 10 {
		if _, err = chromedp.Run(p.ctx, chromedp.Poll[any](expression)); err == nil {
			return
		}
		if !strings.Contains(err.Error(), "context") || p.ctx.Err() != nil {
			break
		}
	}
	p.t.Fatalf("waiting for %s: %v\n%s", expression, err, p.Console())
}

// Text is the text of the one element that a selector names.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return Eval[string](p, fmt.Sprintf(`document.querySelector(%q).textContent`, selector))
}

// Eval is the value of a JavaScript expression in the page; promises are
// waited for.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", expression, err, p.Console())
	}
	return v
}

// Type types into the element that a selector names.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.SendKeys(selector, text)); err != nil {
		p.t.Fatal(err)
	}
}
