// Package replay decides recorded calls of tools as the gate would, without
// any effect: nothing is recorded, nobody is asked, no permit leaves. It is how
// a manifest is tried out on what agents really did.
//
// What the gate knows from its records, such as results of checks, a recording
// does not hold: it counts as missing. The package is pure.
package replay

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/store"
)

// Call is one recorded call.
type Call struct {
	Run      string
	Tool     string // server/name
	Args     evidence.Value
	Identity string // of the manifest; "" is the first that may call the tool
	Sources  decision.Sources
	At       time.Time // zero is the time of the replay
}

// Replay goes through the calls of runs in order.
type Replay struct {
	rules *decision.Rules
	now   time.Time
	calls map[string]int64 // allowed so far, by run
}

// New starts a replay under a manifest. It is always judged as in enforce
// mode, whatever mode the manifest is in. Calls without a time of their own
// happen at now.
func New(source []byte, now time.Time) (*Replay, error) {
	rules, err := decision.Compile(source)
	if err != nil {
		return nil, err
	}
	m := *rules.Manifest
	m.Mode = manifest.ModeEnforce
	judged := *rules
	judged.Manifest = &m
	return &Replay{rules: &judged, now: now, calls: map[string]int64{}}, nil
}

// Decide gives the verdict on the next call.
func (r *Replay) Decide(c Call) (policy.Verdict, error) {
	v, _, err := r.judge(c, func(q policy.Request) (policy.Request, error) { return q, nil })
	if err == nil && v.Effect == policy.Allow {
		r.calls[c.Run]++
	}
	return v, err
}

// Explanation is a verdict with everything that it came from.
type Explanation struct {
	Verdict  policy.Verdict
	Request  policy.Request
	Policies []policy.Explained // all of the manifest; none where none was asked
}

// Explain gives the verdict on a case's call, with the facts that the case
// gives, and says what each policy said to it.
func (r *Replay) Explain(c Case) (Explanation, error) {
	v, q, err := r.judge(c.Call, func(q policy.Request) (policy.Request, error) { return withFacts(q, c.Facts) })
	return Explanation{v, q, r.rules.Policies.Explain(q)}, err
}

// judge reaches the verdict on a call, from the request that follows from it
// and from what know adds.
func (r *Replay) judge(c Call, know func(policy.Request) (policy.Request, error)) (v policy.Verdict, q policy.Request, err error) {
	who, err := r.identity(c)
	if err != nil {
		return v, q, err
	}
	args := r.given(c)
	s := &decision.State{Rules: r.rules, Identity: who, Now: c.At, Run: store.Run{Calls: r.calls[c.Run]}, Sources: c.Sources}
	if s.Now.IsZero() {
		s.Now = r.now
	}
	q, err = know(policy.Request{Identity: who.Name, Tool: c.Tool, Args: args, Facts: s.Facts(c.Tool, args, ""), Now: s.Now})
	if err != nil {
		return v, q, err
	}
	return s.Judge(q), q, nil
}

// identity is whose call it is: the one that is named, or the first that may
// call the tool, or the first that may call any.
func (r *Replay) identity(c Call) (manifest.Identity, error) {
	if c.Identity != "" {
		if who, ok := r.rules.Manifest.Identity(c.Identity); ok {
			return who, nil
		}
		return manifest.Identity{}, fmt.Errorf("identity: the manifest declares no such identity")
	}
	for _, may := range []func(manifest.Identity) bool{
		func(i manifest.Identity) bool { return i.MayCall(c.Tool) },
		func(i manifest.Identity) bool { return len(i.Tools) > 0 },
	} {
		if n := slices.IndexFunc(r.rules.Identities, may); n >= 0 {
			return r.rules.Identities[n], nil
		}
	}
	return manifest.Identity{}, fmt.Errorf("the manifest declares no identity that may call a tool: give one of them tools")
}

// given are the arguments without those that are null and need not be there:
// many programs write out what they leave out.
func (r *Replay) given(c Call) evidence.Value {
	t, _ := r.rules.Tool(c.Tool)
	var fields []evidence.Field
	for _, f := range c.Args.Fields() {
		if arg, declared := t.Arg(f.Name); f.Value.Kind() != evidence.Null || !declared || arg.Required {
			fields = append(fields, f)
		}
	}
	args, err := evidence.ObjectValue(fields...)
	if err != nil { // the fields of a value are sorted, each once
		return c.Args
	}
	return args
}

// Parse reads one line of a recording:
//
//	{"run": "r1", "tool": {"server": "bank", "name": "send"}, "args": {…},
//	 "inputs": […], "untrusted": […]}
//
// A tool may be written "server/name". Of inputs and untrusted, an element is a
// text, or an object with its text under value, text or content; with source
// "person" (or user, human) an input is what a person said. Members that it
// does not know are ignored: recordings carry labels. Its errors quote no
// values.
func Parse(line []byte) (c Call, err error) {
	v, err := evidence.ParseValue(exactNumbers(line))
	if err != nil {
		return c, err
	}
	if v.Kind() != evidence.Object {
		return c, fmt.Errorf("is a %s, an object is expected", v.Kind())
	}
	text := func(v evidence.Value, name string) string { m, _ := v.Get(name); return m.Text() }
	c.Run, c.Identity = text(v, "run"), text(v, "identity")
	tool, _ := v.Get("tool")
	if c.Tool = tool.Text(); tool.Kind() == evidence.Object {
		c.Tool = text(tool, "server") + "/" + text(tool, "name")
	}
	if server, name, ok := strings.Cut(c.Tool, "/"); !ok || server == "" || name == "" {
		return c, fmt.Errorf(`tool: is neither {"server", "name"} nor "server/name"`)
	}
	if args, ok := v.Get("args"); ok && args.Kind() != evidence.Null {
		c.Args = args
	} else {
		c.Args, _ = evidence.ObjectValue()
	}
	if c.Args.Kind() != evidence.Object {
		return c, fmt.Errorf("args: is a %s, an object is expected", c.Args.Kind())
	}
	if at := text(v, "at"); at != "" {
		if c.At, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return c, fmt.Errorf("at: is no RFC 3339 time")
		}
	}
	inputs, _ := v.Get("inputs")
	for _, e := range elements(inputs) {
		if slices.Contains([]string{"person", "user", "human"}, text(e, "source")) {
			c.Sources.Person = append(c.Sources.Person, texts(e)...)
		} else {
			c.Sources.Cited = append(c.Sources.Cited, texts(e)...)
		}
	}
	seen, _ := v.Get("untrusted")
	for _, e := range elements(seen) {
		c.Sources.Untrusted = append(c.Sources.Untrusted, texts(e)...)
	}
	return c, nil
}

// elements are those of a list; one alone may stand without it.
func elements(v evidence.Value) []evidence.Value {
	switch v.Kind() {
	case evidence.Null:
		return nil
	case evidence.Array:
		return v.Elems()
	}
	return []evidence.Value{v}
}

// texts are what an element of a source says: its text, or every scalar in it
// where none is named so.
func texts(v evidence.Value) (list []string) {
	for _, name := range []string{"value", "text", "content"} {
		if m, ok := v.Get(name); ok {
			return texts(m)
		}
	}
	switch v.Kind() {
	case evidence.String, evidence.Number:
		return []string{v.Text()}
	}
	for _, e := range v.Elems() {
		list = append(list, texts(e)...)
	}
	for _, f := range v.Fields() {
		if f.Name != "source" {
			list = append(list, texts(f.Value)...)
		}
	}
	return list
}
