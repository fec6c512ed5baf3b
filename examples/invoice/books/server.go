package books

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Config of a server. Journal, Vendors and Leave must be given.
type Config struct {
	// Journal is written by nobody else while the server runs.
	Journal *Journal

	// Vendors is the vendor master. Invoices of vendors that it does not know are refused.
	Vendors Vendors

	// Leave is asked before every write.
	Leave Leave

	// FailPosts makes postings fail on purpose, to show what agents and gate make of a target that
	// is down. It runs before the permit is redeemed: an error of its own refuses the call as
	// unavailable, with nothing written and the permit unspent, so that trying again makes sense.
	// Never set it on real books.
	FailPosts func(PostArgs) error

	// Clock gives the date of posting, taken in UTC. Nil is time.Now.
	Clock func() time.Time

	// Logger hears of refusals and faults, never of permits. Nil logs nothing.
	Logger *slog.Logger

	// Hosts are the names, without port, that a request may call this server by in Host and
	// Origin, beside those of the loopback. Any other is refused, so that a web page cannot reach
	// the books by pointing its own name at this machine (DNS rebinding).
	Hosts []string
}

// Vendors looks vendors up, best match first. A query is part of a name, an id, a VAT id or an
// IBAN; the exact id always finds its vendor. It must be safe for concurrent use.
type Vendors interface {
	Find(query string) []Vendor
}

// Vendor is an entry of the vendor master.
type Vendor struct {
	ID    string   `json:"id"` // letters, digits, . _ - (64 at most): it becomes part of an account's name
	Name  string   `json:"name"`
	VATID string   `json:"vat_id,omitempty"`
	IBANs []string `json:"ibans,omitempty"`
}

const (
	maxBody      = 1 << 20
	leaveTimeout = 10 * time.Second // for one question to the Leave
)

type server struct{ Config }

// NewServer returns the books as an MCP server over streamable HTTP, without sessions, for any
// path. Its tools are find_vendor, get_entry, post_invoice and void_entry; the latter two need the
// _meta of CallMeta. A refused call is a tool result with isError and {"code", "message"} as its
// structured content, with one of the codes of this package. It fails only for an incomplete Config.
func NewServer(cfg Config) (http.Handler, error) {
	if cfg.Journal == nil || cfg.Vendors == nil || cfg.Leave == nil {
		return nil, errors.New("books server: Journal, Vendors and Leave must be given")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &server{cfg}
	// The SDK gets no logger: it could log a request, and with it a permit.
	m := mcp.NewServer(&mcp.Implementation{Name: "books", Version: "1"}, &mcp.ServerOptions{
		Instructions: "Accounts payable. Look a vendor up, read entries, post invoices and credit notes, void entries. Writes need a permit.",
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}},
	})
	for _, t := range s.tools() {
		m.AddTool(t.describe(), s.handler(t))
	}
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return m }, &mcp.StreamableHTTPOptions{
		Stateless:                  true,
		JSONResponse:               true,
		MaxRequestBodyBytes:        maxBody,
		DisableLocalhostProtection: true, // ours is stricter and knows Hosts
	})
	return s.guard(h), nil
}

// guard refuses requests that came by a name that is not ours.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.ours(r.Host) {
			http.Error(w, "this server does not answer to that Host", http.StatusForbidden)
			return
		}
		if origins, sent := r.Header["Origin"]; sent && !slices.ContainsFunc(origins, s.ourOrigin) {
			http.Error(w, "this server does not answer to that Origin", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) ourOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && s.ours(u.Host)
}

func (s *server) ours(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsLoopback() {
		return true
	}
	return host == "localhost" || slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}
