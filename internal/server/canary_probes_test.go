package server

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// probe is one route that takes a body: a call that is good but for what the
// test puts in.
type probe struct {
	route string
	in    any
	good  func(a *aviary) (path, key string, body any)
}

func (a *aviary) key(who string) string { return a.as(who).Key }

// probes are every route with a body, and every route without one that takes
// something in its path or query.
var probes = []probe{
	{"POST /v1/runs", client.BeginRun{}, func(a *aviary) (string, string, any) {
		return "/v1/runs", a.key("payments/agent"), client.BeginRun{Run: evidence.RunID(client.NewID()), Occurred: evidence.TimeOf(a.clock.now()), Initiator: client.Party{Kind: "human", Name: "Ina"},
			Dispatcher: client.Party{Kind: "schedule", Name: "nightly"}, Trigger: "mail", Links: []evidence.Link{{Kind: "trace", ID: "1"}}}
	}},
	{"POST /v1/runs/{id}/end", client.EndRun{}, func(a *aviary) (string, string, any) {
		return "/v1/runs/" + string(a.begin().ID) + "/end", a.key("payments/agent"), client.EndRun{ID: evidence.RecordID(client.NewID()), Occurred: evidence.TimeOf(a.clock.now()), Outcome: "completed", Summary: "done"}
	}},
	{"POST /v1/runs/{id}/route", client.RouteCase{}, func(a *aviary) (string, string, any) {
		return "/v1/runs/" + string(a.run.ID) + "/route", a.key("payments/agent"), client.RouteCase{ID: evidence.RecordID(client.NewID()), Occurred: evidence.TimeOf(a.clock.now()), Document: docA,
			Inputs: map[string]evidence.Value{"amount": evidence.StringValue("1")}}
	}},
	{"POST /v1/records", client.Draft{}, func(a *aviary) (string, string, any) {
		return "/v1/records", a.key("payments/agent"), client.Draft{ID: evidence.RecordID(client.NewID()), Type: "step.observed", Occurred: evidence.TimeOf(a.clock.now()), Run: a.run.ID,
			Links: []evidence.Link{{Kind: "trace", ID: "1"}}, Body: value(a.t, `{"step":"a","status":"started","summary":"begun"}`)}
	}},
	{"POST /v1/actions", client.AskAction{}, func(a *aviary) (string, string, any) {
		return "/v1/actions", a.key("payments/agent"), client.AskAction{ID: evidence.ActionID(client.NewID()), Run: a.run.ID, Tool: "bank/read", Args: value(a.t, `{"query":"a"}`)}
	}},
	{"POST /v1/actions/{id}/outcome", client.Outcome{}, func(a *aviary) (string, string, any) {
		v := a.ask(a.run, "", "bank/read", `{"query":"a"}`)
		return "/v1/actions/" + string(v.Action) + "/outcome", a.key("payments/agent"), client.Outcome{ID: evidence.RecordID(client.NewID()), Occurred: evidence.TimeOf(a.clock.now()), Status: "failed",
			Attempts: 1, Code: "timeout", Message: "no answer", Response: value(a.t, `{"ok":false}`)}
	}},
	{"POST /v1/permits/redeem", client.Redemption{}, func(a *aviary) (string, string, any) {
		return "/v1/permits/redeem", a.key("payments/bank"), client.Redemption{Action: evidence.ActionID(client.NewID()), Run: a.run.ID, Permit: "x", Tool: "bank/read", Args: value(a.t, `{"query":"a"}`)}
	}},
	{"POST /v1/approvals/{id}/decide", client.Decide{}, func(a *aviary) (string, string, any) {
		v := a.ask(a.run, "", "bank/wire", `{"amount":7}`)
		who := a.person("carla@example.org", "controller")
		shown, err := who.Approval(a.t.Context(), v.Approvals[0].ID)
		a.must(err)
		return "/v1/approvals/" + string(shown.ID) + "/decide", who.Key, client.Decide{Decision: "reject", Presentation: shown.Presentation, ReasonCode: "no", Comment: "no"}
	}},
	{"POST /v1/workflows", client.ApplyWorkflow{}, func(a *aviary) (string, string, any) {
		return "/v1/workflows", a.admin.Key, client.ApplyWorkflow{Manifest: manifest(a.t, "other")}
	}},
	{"POST /v1/workflows/{name}/retire", client.Retire{}, func(a *aviary) (string, string, any) {
		a.apply(manifest(a.t, "other"))
		return "/v1/workflows/other/retire", a.admin.Key, client.Retire{Reason: "over"}
	}},
	{"POST /v1/keys", client.CreateKey{}, func(a *aviary) (string, string, any) {
		return "/v1/keys", a.admin.Key, client.CreateKey{Person: "nina@example.org", Roles: []string{"viewer"}}
	}},
	{"POST /v1/keys/{id}/revoke", client.Revoke{}, func(a *aviary) (string, string, any) {
		k, err := a.admin.CreateKey(a.t.Context(), client.CreateKey{Workflow: "payments", Identity: "helper"})
		a.must(err)
		return "/v1/keys/" + k.ID + "/revoke", a.admin.Key, client.Revoke{Reason: "over"}
	}},
	{"POST /v1/erasures", client.Erase{}, func(a *aviary) (string, string, any) {
		run := a.begin()
		a.must(run.End(a.t.Context(), "completed", ""))
		return "/v1/erasures", a.admin.Key, client.Erase{Run: run.ID, Authority: "a court", Dry: true}
	}},
	{"POST /v1/retention", client.Retain{}, func(a *aviary) (string, string, any) {
		return "/v1/retention", a.admin.Key, client.Retain{Dry: true}
	}},
	{"POST /v1/stops", client.EngageStop{}, func(a *aviary) (string, string, any) {
		return "/v1/stops", a.admin.Key, client.EngageStop{Workflow: "other", Reason: "odd calls"}
	}},
	{"POST /v1/stops/release", client.ReleaseStop{}, func(a *aviary) (string, string, any) {
		_, err := a.admin.EngageStop(a.t.Context(), client.EngageStop{Workflow: "other", Reason: "odd calls", Drill: true})
		if !client.IsKind(err, evidence.Conflict) {
			a.must(err)
		}
		return "/v1/stops/release", a.person("lee@example.org", "compliance").Key, client.ReleaseStop{Workflow: "other", Reason: "looked at"}
	}},
	{"POST /v1/holds", client.PlaceHold{}, func(a *aviary) (string, string, any) {
		return "/v1/holds", a.admin.Key, client.PlaceHold{Scope: "workflow", What: "other", Reason: "a lawsuit"}
	}},
	{"POST /v1/holds/{id}/release", client.ReleaseHold{}, func(a *aviary) (string, string, any) {
		hold, err := a.admin.PlaceHold(a.t.Context(), client.PlaceHold{Scope: "workflow", What: "other", Reason: "a lawsuit"})
		a.must(err)
		return "/v1/holds/" + hold.ID + "/release", a.person("lee@example.org", "compliance").Key, client.ReleaseHold{Reason: "settled"}
	}},
	{"POST /v1/packets", client.BuildPacket{}, func(a *aviary) (string, string, any) {
		return "/v1/packets", a.admin.Key, client.BuildPacket{Run: a.run.ID}
	}},
}

// bodyless are the routes that take something in their path or query only.
var bodyless = []string{"GET /v1/runs", "GET /v1/runs/{id}", "GET /v1/approvals", "GET /v1/approvals/{id}", "GET /v1/workflows", "GET /v1/workflows/{name}",
	"GET /v1/keys", "GET /v1/holds", "GET /v1/stops", "GET /v1/log", "GET /log/{tenant}/checkpoint", "GET /log/{tenant}/tile/{path}"}

// described are the operations of the API, with the names of their bodies'
// types.
func (a *aviary) described() map[string]string {
	a.t.Helper()
	_, body := a.call("GET", "/openapi.json", "", "", "")
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		a.t.Fatal(err)
	}
	all := map[string]string{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			all[strings.ToUpper(method)+" "+path] = strings.TrimPrefix(op.RequestBody.Content["application/json"].Schema.Ref, "#/components/schemas/")
		}
	}
	return all
}

// coverage wants a probe for every route that the API describes.
func (a *aviary) coverage() {
	described := a.described()
	var covered []string
	for _, p := range probes {
		covered = append(covered, p.route)
		if name := reflect.TypeOf(p.in).Name(); described[p.route] != name {
			a.t.Errorf("%s takes %q, the probe sends %s", p.route, described[p.route], name)
		}
	}
	covered = append(covered, bodyless...)
	for route := range described {
		if !slices.Contains(covered, route) {
			a.t.Errorf("%s has no probe: canaries are not let go there", route)
		}
	}
}
