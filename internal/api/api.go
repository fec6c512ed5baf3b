// Package api is the HTTP surface: JSON in and out, bearer keys, RFC 9457
// problems, and one table of routes from which the OpenAPI description is
// made. It decides nothing; it authenticates, reads strictly, and hands on.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/erasure"
	"github.com/evidencefactory/evf/internal/gate"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/packer"
	"github.com/evidencefactory/evf/internal/redact"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/workflow"
)

// Config is what the API hands calls on to.
type Config struct {
	People    *identity.Directory
	Workflows *workflow.Registry
	Threads   *thread.Threads
	Gate      *gate.Gate
	Desk      *approval.Desk
	Packer    *packer.Packer
	Eraser    *erasure.Eraser
	Ledger    *ledger.Ledger
	// Ready says whether the house can take calls.
	Ready func() error
	Log   *slog.Logger
}

// API serves the routes. Make one with New.
type API struct {
	cfg Config
	mux *http.ServeMux
}

// Bounds of request bodies, in bytes.
const (
	maxBody  = 1 << 20
	maxLines = 32 << 20 // of NDJSON
)

// New makes the handler of all routes.
func New(cfg Config) *API {
	a := &API{cfg: cfg, mux: http.NewServeMux()}
	for _, r := range a.routes() {
		a.mux.Handle(r.method+" "+r.path, a.serve(r))
	}
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	a.mux.HandleFunc("GET /readyz", a.ready)
	a.mux.HandleFunc("GET /openapi.json", a.openAPI())
	a.mux.HandleFunc("/", a.nothing)
	return a
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if path.Clean(r.URL.Path) != r.URL.Path { // the mux would redirect with a page of its own
		a.nothing(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// nothing answers where no route is: there is none, or not for the method.
func (a *API) nothing(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{"GET", "HEAD", "POST"} {
		if _, pattern := a.mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL}); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 || path.Clean(r.URL.Path) != r.URL.Path {
		a.fail(w, r, evidence.Errorf(evidence.NotFound, "", "there is nothing at this path: see /openapi.json"))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	code := http.StatusMethodNotAllowed
	a.answer(w, code, "application/problem+json", client.Problem{Type: "about:blank", Status: code, Title: http.StatusText(code),
		Kind: string(evidence.Invalid), Detail: "this path takes " + strings.Join(allowed, ", ")})
}

func (a *API) ready(w http.ResponseWriter, r *http.Request) {
	if err := a.cfg.Ready(); err != nil {
		a.fail(w, r, evidence.Errorf(evidence.Unavailable, "", "not ready: %w", err))
		return
	}
	io.WriteString(w, "ready\n")
}

// call is one authenticated request.
type call struct {
	*http.Request
	by *identity.Caller
}

// route is one line of the table.
type route struct {
	method, path string
	op           identity.Operation
	says         string // one line for the description
	in, out      reflect.Type
	run          func(ctx context.Context, c *call) (any, error)
}

// takes makes a route whose body is read as In.
func takes[In, Out any](method, path string, op identity.Operation, says string, f func(context.Context, *call, In) (Out, error)) route {
	return route{method, path, op, says, reflect.TypeFor[In](), reflect.TypeFor[Out](), func(ctx context.Context, c *call) (any, error) {
		var in In
		if err := readJSON(c.Request, &in); err != nil {
			return nil, err
		}
		out, err := f(ctx, c, in)
		return out, inRequest(err)
	}}
}

// inRequest gives a fault in a record's body the place that the value had in
// the request it was made from.
func inRequest(err error) error {
	var e *evidence.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Field, "/body/") {
		return &evidence.Error{Kind: e.Kind, Field: strings.TrimPrefix(e.Field, "/body"), Message: e.Message, Cause: err}
	}
	return err
}

// gives makes a route without a body.
func gives[Out any](path string, op identity.Operation, says string, f func(context.Context, *call) (Out, error)) route {
	return route{"GET", path, op, says, nil, reflect.TypeFor[Out](), func(ctx context.Context, c *call) (any, error) { return f(ctx, c) }}
}

// file is an answer that is not JSON.
type file struct {
	contentType string
	data        []byte
}

func (a *API) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxLines)
		out, err := a.run(rt, r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		if f, ok := out.(file); ok {
			w.Header().Set("Content-Type", f.contentType)
			w.Write(f.data)
			return
		}
		a.answer(w, http.StatusOK, "application/json", out)
	})
}

func (a *API) run(rt route, r *http.Request) (any, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		token = ""
	}
	by, err := a.cfg.People.Authenticate(r.Context(), token)
	if err != nil {
		return nil, err
	}
	if err := by.May(rt.op); err != nil {
		return nil, err
	}
	for name, form := range pathForms {
		if s := r.PathValue(name); s != "" && !form.MatchString(s) {
			return nil, evidence.Errorf(evidence.NotFound, "", "there is nothing of that %s", name)
		}
	}
	return rt.run(r.Context(), &call{r, by})
}

// pathForms are those of names in paths. What has another form names nothing,
// and is not repeated in an answer or a log.
var pathForms = map[string]*regexp.Regexp{
	"id":   regexp.MustCompile(`^([0-9a-f-]{36}|key-[0-9a-f]{16})$`),
	"name": regexp.MustCompile(`^[a-z0-9-]{1,63}$`),
}

// readJSON reads a body strictly: one object, known fields in their exact
// case, each once, valid UTF-8, exact numbers.
func readJSON(r *http.Request, in any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return evidence.Errorf(evidence.Invalid, "Content-Type", "is not application/json")
	}
	data, err := readBody(r, maxBody)
	if err != nil {
		return err
	}
	v, err := evidence.ParseValue(data)
	if err != nil {
		return evidence.Errorf(evidence.Invalid, "", "%w", err)
	}
	if v.Kind() != evidence.Object {
		return evidence.Errorf(evidence.Invalid, "", "the body is a %s, an object is expected", v.Kind())
	}
	err = jsonv2.Unmarshal(data, in, jsonv2.RejectUnknownMembers(true))
	var sem *jsonv2.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsonv2.ErrUnknownName):
		return evidence.Errorf(evidence.Invalid, pointerOf(err), "is not a field of this request: leave it out")
	case errors.As(err, &sem) && sem.GoType != nil:
		return evidence.Errorf(evidence.Invalid, pointerOf(err), "is not a %s", kindName(sem.GoType))
	}
	return evidence.Errorf(evidence.Invalid, pointerOf(err), "cannot be read")
}

func pointerOf(err error) string {
	var sem *jsonv2.SemanticError
	if errors.As(err, &sem) {
		return string(sem.JSONPointer)
	}
	return ""
}

// kindName says what a Go type is in JSON.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "object"
	}
	return "whole number"
}

func readBody(r *http.Request, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || int64(len(data)) > most {
		return nil, evidence.Errorf(evidence.Invalid, "", "the body is larger than %d bytes", most)
	}
	if err != nil {
		return nil, evidence.Errorf(evidence.Invalid, "", "the body broke off")
	}
	return data, nil
}

// status is the one table from kinds of error to HTTP.
var status = map[evidence.ErrorKind]int{
	evidence.Invalid:     http.StatusBadRequest,
	evidence.Stranger:    http.StatusUnauthorized,
	evidence.Denied:      http.StatusForbidden,
	evidence.NotFound:    http.StatusNotFound,
	evidence.Conflict:    http.StatusConflict,
	evidence.Unavailable: http.StatusServiceUnavailable,
	evidence.Fault:       http.StatusInternalServerError,
}

// lineError places an error in a line of NDJSON.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// fail answers with a problem. What is not meant for callers goes to the log
// only.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	kind := evidence.KindOf(err)
	p := client.Problem{Type: "about:blank", Status: status[kind], Title: http.StatusText(status[kind]), Kind: string(kind)}
	var e *evidence.Error
	if errors.As(err, &e) {
		p.Detail, p.Field = e.Message, e.Field
	}
	var syntax *evidence.SyntaxError
	if errors.As(err, &syntax) && p.Field == "" {
		p.Field = syntax.Pointer
	}
	var at *lineError
	if errors.As(err, &at) {
		p.Line = at.line
	}
	// Names that a caller sent may be quoted, and hold anything.
	p.Detail, _ = redact.Mask(p.Detail)
	p.Field, _ = redact.Mask(p.Field)
	switch kind {
	case evidence.Fault:
		p.Detail = "something failed inside; the server's log says what"
		a.cfg.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	case evidence.Unavailable:
		a.cfg.Log.Warn("request refused", "method", r.Method, "path", r.URL.Path, "error", err)
		p.Detail = "cannot be done now: try again; the server's log says why"
		w.Header().Set("Retry-After", "1")
	case evidence.Stranger:
		w.Header().Set("WWW-Authenticate", `Bearer realm="evf"`)
	}
	a.answer(w, p.Status, "application/problem+json", p)
}

func (a *API) answer(w http.ResponseWriter, code int, contentType string, out any) {
	data, err := jsonv2.Marshal(out, jsonv2.FormatNilSliceAsNull(false))
	if err != nil {
		a.cfg.Log.Error("answer cannot be written", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	w.Write(append(data, '\n'))
}
