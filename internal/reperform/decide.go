package reperform

import (
	"slices"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/redact"
)

// authorization reaches a verdict of the gate again: from the recorded request,
// and then the facts in that request from the records before it.
func (h *history) authorization(it *item) Result {
	body, err := evidence.Decode[evidence.AuthorizationDecided](it.full)
	res := it.result(body.Verdict)
	if err != nil {
		res.missing("the record cannot be read: %v", err)
		return res
	}
	if it.closed["/request"] {
		res.missing("/request is withheld: what was asked of the policies cannot be said")
		return res
	}
	request, err := policy.ParseRequest(body.Request)
	if err != nil {
		res.missing("/request is not one that this evf can read: %v", err)
		return res
	}
	rules := h.under(it, &res)
	if rules == nil {
		return res
	}
	s := h.look(it, rules, rules.Subject(request.Tool, request.Args), &res)
	if s == nil {
		return res
	}
	s.Now = request.Now
	s.Identity, _ = rules.Identity(request.Identity)
	if err := s.LookAction(&h.state, evidence.ActionID(body.Action)); err != nil {
		res.missing("what is known of the action cannot be gathered: %v", err)
		return res
	}
	h.compare(it, s, &body, request, &res)
	return res
}

// compare holds the record against the verdict reached from its request, and
// the request's facts against those that the records show.
func (h *history) compare(it *item, s *decision.State, body *evidence.AuthorizationDecided, request policy.Request, res *Result) {
	passed := map[string]bool{}
	if !h.registered(s, res) {
		passed["/approvals"], passed["/request/facts/approvals"] = true, true
	}
	if !h.attested(s, res) {
		passed["/request/facts/args_attested"], passed["/request/facts/args_unattested"] = true, true
	}
	now, err := s.Authorization(evidence.ActionID(body.Action), body.ArgsDigest, request, s.Judge(request))
	if err != nil {
		res.missing("the request cannot be written down: %v", err)
		return
	}
	// These do not follow from anything, or are compared apart.
	now.Sealed, now.Grant, now.LatencyUS = body.Sealed, body.Grant, body.LatencyUS
	if body.Engine != now.Engine {
		res.note("decided by %s, decided again by %s: their wording is not compared", body.Engine, now.Engine)
		passed["/engine"], passed["/schema"], passed["/summary"] = true, true, true
		for i := range body.Reasons {
			passed["/reasons/"+strconv.Itoa(i)+"/text"] = true
		}
	}
	shown := request
	shown.Facts = s.Facts(request.Tool, request.Args, body.ArgsDigest)
	told(&shown.Facts, request.Facts)
	if now.Request, err = policy.RequestValue(shown); err != nil {
		res.missing("the facts cannot be written down: %v", err)
		return
	}
	for pointer := range it.closed {
		passed[pointer] = true
	}
	res.Differences = append(res.Differences, differ("", it.full, evidence.Body(now), passed)...)
	h.sameRequest(it, body, request, res)
}

// told takes over where the arguments come from: the texts that the gate
// compared them with are nowhere kept. What checkers attested is, so what is
// cited by that alone must be so in the record.
func told(now *policy.Facts, recorded policy.Facts) {
	for _, name := range now.ArgsCited {
		if !slices.Contains(recorded.ArgsCited, name) {
			return
		}
	}
	now.ArgsCited, now.ArgsPerson = recorded.ArgsCited, recorded.ArgsPerson
	now.ArgsUnknown, now.ArgsUntrusted = recorded.ArgsUnknown, recorded.ArgsUntrusted
}

// sameRequest holds the request against the rest of the record: asked at its
// time, with the arguments that its digest is over.
func (h *history) sameRequest(it *item, body *evidence.AuthorizationDecided, request policy.Request, res *Result) {
	at := evidence.StringValue(string(evidence.TimeOf(request.Now)))
	res.Differences = append(res.Differences, differ("/request/now", at, evidence.StringValue(string(it.rec.Occurred)), nil)...)
	if it.closed["/sealed_args"] {
		res.missing("/sealed_args is withheld: that args_digest is over the request's arguments cannot be said")
		return
	}
	args, _ := body.Sealed.Get("args")
	res.Differences = append(res.Differences, differ("/request/args", request.Args, args, nil)...)
}

// routing applies the rules again to the recorded inputs, and gathers the
// inputs that the records show.
func (h *history) routing(it *item) Result {
	body, err := evidence.Decode[evidence.DecisionRouted](it.full)
	res := it.result(body.Outcome)
	if err != nil {
		res.missing("the record cannot be read: %v", err)
		return res
	}
	for i, in := range body.Inputs {
		if pointer := "/inputs/" + strconv.Itoa(i) + "/value"; it.closed[pointer] {
			res.missing("%s (%s) is withheld: what the rules read cannot be said", pointer, in.Name)
		}
	}
	rules := h.under(it, &res)
	if rules == nil || len(res.Missing) > 0 {
		return res
	}
	now, err := rules.Routed(body.Document, body.Inputs)
	if err != nil {
		res.missing("an input is not one that rules read: %v", err)
		return res
	}
	if s := h.look(it, rules, body.Document, &res); s != nil && h.attested(s, &res) {
		now.Inputs = s.Inputs(declared(body.Inputs))
	}
	res.Differences = append(res.Differences, differ("", it.full, evidence.Body(now), it.closed)...)
	return res
}

// declared are the inputs that rest on the caller's word.
func declared(inputs []evidence.RoutingInput) map[string]evidence.Value {
	said := map[string]evidence.Value{}
	for _, in := range inputs {
		if in.Assurance == "declared" {
			said[in.Name] = in.Value
		}
	}
	return said
}

// differ lists where two values say different things, member by member; what
// stands in passed is not compared.
func differ(at string, recorded, now evidence.Value, passed map[string]bool) (list []Difference) {
	switch {
	case passed[at] || string(recorded.Canonical()) == string(now.Canonical()):
		return nil
	case recorded.Kind() == evidence.String && now.Kind() == evidence.String && recorded.Text() == masked(now.Text()):
		return nil
	case recorded.Kind() == evidence.Object && now.Kind() == evidence.Object:
		for _, name := range names(recorded, now) {
			a, _ := recorded.Get(name)
			b, _ := now.Get(name)
			list = append(list, differ(at+"/"+token.Replace(name), a, b, passed)...)
		}
		return list
	case recorded.Kind() == evidence.Array && now.Kind() == evidence.Array && len(recorded.Elems()) == len(now.Elems()):
		for i := range recorded.Elems() {
			list = append(list, differ(at+"/"+strconv.Itoa(i), recorded.Elems()[i], now.Elems()[i], passed)...)
		}
		return list
	}
	return []Difference{{at, recorded, now}}
}

// masked is a text as the recorder keeps it.
func masked(text string) string {
	clean, _ := redact.Mask(text)
	return clean
}

var token = strings.NewReplacer("~", "~0", "/", "~1")

// names are the members of two objects, each once, without what stands for
// withheld ones.
func names(a, b evidence.Value) (list []string) {
	for _, f := range slices.Concat(a.Fields(), b.Fields()) {
		if f.Name != "_sd" && !slices.Contains(list, f.Name) {
			list = append(list, f.Name)
		}
	}
	return list
}
