package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// openAPI describes the route table as OpenAPI 3.1. It is made once.
func (a *API) openAPI() http.HandlerFunc {
	data, err := json.MarshalIndent(a.describe(), "", " ")
	if err != nil {
		panic("api: " + err.Error()) // the table is fixed at build time
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(data)
	}
}

func (a *API) describe() *huma.OpenAPI {
	reg := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	// A Value is any JSON; to the reflection it looks like a struct.
	reg.RegisterTypeAlias(reflect.TypeFor[evidence.Value](), reflect.TypeFor[any]())
	doc := &huma.OpenAPI{
		OpenAPI:  "3.1.0",
		Info:     &huma.Info{Title: "Evidence Factory", Version: "1", Description: "Runs, records, the gate, approvals and packets. Bodies are read strictly: exact field names, no unknown or repeated keys."},
		Security: []map[string][]string{{"key": {}}},
		Components: &huma.Components{Schemas: reg, SecuritySchemes: map[string]*huma.SecurityScheme{
			"key": {Type: "http", Scheme: "bearer", Description: "a key made by evf key create"}}},
	}
	problem := &huma.Response{Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: reg.Schema(reflect.TypeFor[client.Problem](), true, "")}}}
	for _, r := range a.routes() {
		op := &huma.Operation{Method: r.method, Path: strings.ReplaceAll(r.path, "...", ""), Summary: r.says, OperationID: operationID(r),
			Parameters: parameters(r), Responses: map[string]*huma.Response{"200": answerOf(reg, r), "default": problem}}
		if r.in != nil {
			op.RequestBody = &huma.RequestBody{Required: true, Content: bodiesOf(reg, r)}
		}
		doc.AddOperation(op)
	}
	return doc
}

var pathName = regexp.MustCompile(`\{(\w+)`)

func operationID(r route) string {
	return strings.ToLower(r.method) + strings.Map(func(c rune) rune {
		if strings.ContainsRune("{}.", c) {
			return -1
		}
		if c == '/' {
			return '-'
		}
		return c
	}, r.path)
}

func parameters(r route) (list []*huma.Param) {
	text := &huma.Schema{Type: "string"}
	for _, m := range pathName.FindAllStringSubmatch(r.path, -1) {
		list = append(list, &huma.Param{Name: m[1], In: "path", Required: true, Schema: text})
	}
	for _, name := range queries[r.path] {
		if r.method == "GET" {
			list = append(list, &huma.Param{Name: name, In: "query", Schema: text})
		}
	}
	return list
}

// queries are the parameters of listings.
var queries = map[string][]string{
	"/v1/runs":      {"workflow", "after", "limit"},
	"/v1/approvals": {"status", "after", "limit"},
	"/v1/keys":      {"after", "limit"},
}

func bodiesOf(reg huma.Registry, r route) map[string]*huma.MediaType {
	media := map[string]*huma.MediaType{"application/json": {Schema: reg.Schema(r.in, true, "")}}
	if r.in == reflect.TypeFor[client.Draft]() {
		media["application/x-ndjson"] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Description: "one Draft a line"}}
	}
	return media
}

func answerOf(reg huma.Registry, r route) *huma.Response {
	if r.out == reflect.TypeFor[file]() {
		return &huma.Response{Description: "A file", Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	}
	return &huma.Response{Description: "Done", Content: map[string]*huma.MediaType{"application/json": {Schema: reg.Schema(r.out, true, "")}}}
}
