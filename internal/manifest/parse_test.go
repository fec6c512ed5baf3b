package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name     string
		from, to string // one replacement in the invoice manifest; ¦ marks where faults lie
		want     string // "path: part of the message", one per line; ¦ before those that are marked
	}{
		{"unknown key", "owner:", "¦ownr:", ": owner is missing\n¦: unknown key \"ownr\": did you mean \"owner\"?"},
		{"unknown key without a near one", "owner: ana@example.org", "owner: o\n¦zzzzzzzzzz: 1", `¦: unknown key "zzzzzzzzzz": known are manifest, workflow, purpose`},
		{"key twice", "tier: high", "tier: high\n¦tier: low", `¦: key "tier" stands here a second time, first on line 6`},
		{"version", "manifest: 1", "manifest: ¦2", "¦manifest: only version 1 is known"},
		{"workflow name", "workflow: invoice-exceptions", "workflow: ¦Invoice Exceptions", `¦workflow: "Invoice Exceptions" is not allowed: use 1 to 63 of a-z`},
		{"number for text", "owner: ana@example.org", "owner: ¦42", "¦owner: is a number, but must be text: put it in quotes"},
		{"date for text", "owner: ana@example.org", "owner: ¦2026-01-01", "¦owner: is a date, but must be text: put it in quotes"},
		{"nothing for text", "owner: ana@example.org", "owner:", "owner: is empty, but must be text"},
		{"blank text", "owner: ana@example.org", `owner: ¦"  "`, "¦owner: is empty"},
		{"space around text", "owner: ana@example.org", `owner: ¦" ana"`, "¦owner: begins or ends with a space"},
		{"control character", "owner: ana@example.org", `owner: ¦"a\tb"`, "¦owner: must be one line without control characters"},
		{"long text", "owner: ana@example.org", "owner: ¦" + strings.Repeat("é", 201), "¦owner: has 201 characters, above the bound of 200"},
		{"unknown word", "tier: high", "tier: ¦hihg", `¦tier: "hihg" is not known here: did you mean "high"?`},
		{"list for a mapping", "evidence: {owes: [extraction, validation, authorization, routing, oversight, action]}", "evidence: ¦[action]", "¦evidence: is a list, but must be a mapping"},
		{"mapping for a list", "tools: [books/*]", "tools: ¦{books: all}", "¦identities.invoice-agent.tools: is a mapping, but must be a list"},
		{"text for a mapping", "  books:\n    kind: workload\n    records: [change.observed]\n    redeems: [books]", "  books: ¦workload", "¦identities.books: is text, but must be a mapping\ntools.books/post_invoice.execution: is target, but no identity redeems"},
		{"boolean as a word", "starts: true", "starts: ¦yes", "¦identities.invoice-agent.starts: must be true or false"},
		{"boolean in capitals", "starts: true", "starts: ¦True", "¦identities.invoice-agent.starts: must be true or false"},
		{"alias", "owner: ana@example.org", "owner: *ana", ": the YAML cannot be read: unknown anchor 'ana' referenced"},
		{"anchor and alias", "books/find_vendor:\n    impact: read", "books/find_vendor:\n    impact: ¦&i read\n  books/x:\n    impact: ¦*i", "¦tools.books/find_vendor.impact: anchors and aliases are not allowed\n¦tools.books/x.impact: anchors and aliases are not allowed"},
		{"merge key", "books/find_vendor:\n    impact: read", "books/find_vendor:\n    impact: read\n    ¦<<: {execution: caller}", `¦tools.books/find_vendor: unknown key "<<"`},
		{"tag", "owner: ana@example.org", "owner: ¦!!str ana", "¦owner: tags are not allowed"},
		{"complex key", "owner: ana@example.org", "owner: ana\n? ¦[a]\n: b", "¦: a key must be a plain word"},
		{"two documents", "mode: enforce", "mode: enforce\n¦---\na: 1", "¦: the file holds more than one YAML document"},
		{"broken YAML", "tools: [books/*]", "tools: [books/*", "the YAML cannot be read: "},
		{"identity name", "  invoice-agent:", "  ¦Invoice Agent:", `¦identities: name "Invoice Agent" is not allowed: use 1 to 63`},
		{"identity kind", "kind: agent", "kind: ¦human", `¦identities.invoice-agent.kind: "human" is not known here: known are agent, workload`},
		{"kind missing", "    kind: agent\n", "", "identities.invoice-agent: kind is missing"},
		{"nobody starts", "    starts: true\n", "", "identities: nobody may begin a run: give one of them starts: true"},
		{"reserved record", "step.observed]", "¦approval.decided]", "¦identities.invoice-agent.records[2]: only the system itself records approval.decided"},
		{"reserved family", "step.observed]", "¦control.anything]", "¦identities.invoice-agent.records[2]: only the system itself records control.anything"},
		{"routing record", "step.observed]", "¦decision.routed]", "¦identities.invoice-agent.records[2]: only the system itself records decision.routed"},
		{"run record", "step.observed]", "¦run.started]", "¦identities.invoice-agent.records[2]: runs begin and end through calls of their own: write starts: true"},
		{"unknown record", "step.observed]", "¦step.obsreved]", `¦identities.invoice-agent.records[2]: "step.obsreved" is no type of record: did you mean "step.observed"?`},
		{"record glob", "step.observed]", `¦"step.*"]`, `¦identities.invoice-agent.records[2]: "step.*" is not allowed: write a type of record`},
		{"twice in a list", "step.observed]", "step.observed]\n    redeems: [¦other, ¦other]", "¦identities.invoice-agent.redeems[0]: no tool of a server other is declared\n¦identities.invoice-agent.redeems[1]: \"other\" stands twice"},
		{"undeclared tool", "tools: [books/*]", "tools: [¦books/post_invoce]", `¦identities.invoice-agent.tools[0]: no tool books/post_invoce is declared: did you mean "books/post_invoice"?`},
		{"undeclared server", "tools: [books/*]", "tools: [¦bank/*]", "¦identities.invoice-agent.tools[0]: no tool bank/* is declared"},
		{"glob too wide", "tools: [books/*]", `tools: [¦"*"]`, `¦identities.invoice-agent.tools[0]: "*" is not allowed: write server/tool`},
		{"glob within a name", "tools: [books/*]", "tools: [¦books/post_*]", `¦identities.invoice-agent.tools[0]: "books/post_*" is not allowed`},
		{"checker acts", `    checks: ["en16931/*", "vendor/*"]`, "    checks: ¦[\"en16931/*\", \"vendor/*\"]\n    tools: [books/post_invoice]", "¦identities.invoice-validator.checks: records checks and may call books/post_invoice, which has high impact"},
		{"target calls itself", "redeems: [books]", "redeems: ¦[books]\n    tools: [books/find_vendor]", "¦identities.books.redeems: redeems the permits of books and may call books/find_vendor"},
		{"checks without records", "records: [check.result]\n", "records: []\n", "identities.invoice-validator.checks: needs check.result among its records"},
		{"records without checks", "    checks: [\"en16931/*\", \"vendor/*\"]\n", "", "identities.invoice-validator.records: check.result is listed, but no checks\ntools.books/post_invoice.args.payable_minor.attested: no identity records checks\nchecks.required[0]: no identity may record en16931/*\nchecks.required[1]: no identity may record vendor/known"},
		{"check id", "vendor/known", "vendor", `checks.required[1]: "vendor" is not allowed: write group/rule`},
		{"tool name", "books/find_vendor:", "¦find_vendor:", `¦tools: name "find_vendor" is not allowed: write server/tool`},
		{"impact missing", "    impact: read\n", "", "tools.books/find_vendor: impact is missing"},
		{"no redeemer", "    redeems: [books]\n", "", "tools.books/post_invoice.execution: is target, but no identity redeems the permits of books"},
		{"subject undeclared", "subject: document", "subject: ¦invoice", "¦tools.books/post_invoice.subject: must name a required argument of type string"},
		{"subject no string", "subject: document", "subject: ¦payable_minor", "¦tools.books/post_invoice.subject: must name a required argument"},
		{"attested without subject", "    subject: document\n", "", "tools.books/post_invoice.args.payable_minor.attested: needs the tool's subject"},
		{"argument name", "query:", "¦__entity:", `¦tools.books/find_vendor.args: name "__entity" is not allowed: begin with a letter`},
		{"argument type", "urgent: {type: boolean", "urgent: {type: ¦bool", `¦tools.books/post_invoice.args.urgent.type: "bool" is not known here: did you mean "boolean"?`},
		{"unanchored pattern", `"^sha256:[0-9a-f]{64}$"`, `¦"sha256:[0-9a-f]{64}"`, "¦tools.books/post_invoice.args.document.pattern: must speak of the whole value: write ^(?:sha256:[0-9a-f]{64})$"},
		{"alternatives escape the anchors", `"^sha256:[0-9a-f]{64}$"`, `¦"^sha256:|md5:$"`, "¦tools.books/post_invoice.args.document.pattern: must speak of the whole value: write ^(?:sha256:|md5:)$"},
		{"every alternative anchored by itself", `"^sha256:[0-9a-f]{64}$"`, `¦"^a$|^b$"`, "¦tools.books/post_invoice.args.document.pattern: must speak of the whole value"},
		{"anchors of lines", `"^sha256:[0-9a-f]{64}$"`, `¦"(?m)^a$"`, "¦tools.books/post_invoice.args.document.pattern: must speak of the whole value"},
		{"no expression", `"^sha256:[0-9a-f]{64}$"`, `¦"^(a$"`, "¦tools.books/post_invoice.args.document.pattern: is no regular expression (Go RE2)"},
		{"too large an expression", `"^sha256:[0-9a-f]{64}$"`, `¦"^(a{1000}){1000}$"`, "¦tools.books/post_invoice.args.document.pattern: is no regular expression (Go RE2)"},
		{"key of another type", "urgent: {type: boolean", "urgent: {max_length: ¦5, type: boolean", "¦tools.books/post_invoice.args.urgent.max_length: means nothing for type boolean"},
		{"max below min", "min: 1, max: 500", "min: 10, max: ¦5", "¦tools.books/post_invoice.args.lines.max: is below min"},
		{"number in quotes", "max: 500", `max: ¦"500"`, "¦tools.books/post_invoice.args.lines.max: must be a whole number in plain digits"},
		{"number with underscores", "max: 500", "max: ¦5_00", "¦tools.books/post_invoice.args.lines.max: must be a whole number in plain digits"},
		{"octal number", "max: 500", "max: ¦0500", "¦tools.books/post_invoice.args.lines.max: must be a whole number in plain digits"},
		{"number out of bounds", "max_items: 3", "max_items: ¦1001", "¦tools.books/post_invoice.args.tags.max_items: must be from 1 to 1000"},
		{"empty enum", "[invoice, credit-note]", "¦[]", "¦tools.books/post_invoice.args.kind.enum: is empty"},
		{"two comparisons", "over: 1000000}", "over: 1000000, under: 5}", "routing[0].when: needs exactly one comparison"},
		{"no comparison", ", over: 1000000}", "}", "routing[0].when: needs exactly one comparison"},
		{"unknown comparison", "over: 1000000}", "¦above: 1000000}", "routing[0].when: needs exactly one comparison\n¦routing[0].when: unknown key \"above\": known are input, over, under"},
		{"fractional threshold", "over: 1000000}", "over: ¦1000.5}", "¦routing[0].when.over: must be a whole number in plain digits"},
		{"threshold of 19 digits", "over: 1000000}", "over: ¦1000000000000000000}", "¦routing[0].when.over: must be a whole number in plain digits"},
		{"any of false", "is: false", "any: ¦false", "¦routing[1].when.any: can only be true"},
		{"empty list to compare with", "not_in: [EUR, USD]", "not_in: ¦[]", "¦routing[2].when.not_in: is empty"},
		{"rule twice", "id: new-vendor", "id: ¦amount-limit", `¦routing[1].id: rule "amount-limit" stands twice, first as routing[0]`},
		{"undeclared approval", "to: treasury", "to: ¦cfo", `¦routing[2].to: no approval "cfo" is declared`},
		{"misspelt placeholder", "{threshold}.\"\n  - id: new", "{treshold}.\"\n  - id: new", "routing[0].summary: may hold {value}, {threshold}, {input} and {rule}"},
		{"rule version", "version: 3", "version: ¦0", "¦routing[0].version: must be from 1 to 1000000"},
		{"quorum", "quorum: 2", "quorum: ¦0", "¦approvals.treasury.quorum: must be from 1 to 10"},
		{"no duration", "expires: 1d", "expires: ¦1 day", "¦approvals.treasury.expires: must be a duration above zero"},
		{"duration of zero", "expires: 1d", "expires: ¦0h", "¦approvals.treasury.expires: must be a duration above zero"},
		{"duration too long", "expires: 1d", "expires: ¦91d", "¦approvals.treasury.expires: must be at most 90d"},
		{"unknown role apart", "[initiator]", "[¦owner]", `¦approvals.treasury.apart_from[0]: "owner" is not known here: known are initiator`},
		{"unknown slot", "oversight, action]}", "oversight, ¦audit]}", `¦evidence.owes[5]: "audit" is not known here`},
		{"class lowered", "confidential}", "¦public}", `¦classes.fields.extracted./fields/*/pointer: "public" is not known here`},
		{"no pointer", `"/fields/*/pointer"`, `¦"fields"`, `¦classes.fields.extracted: "fields" is no JSON pointer`},
		{"no such field", `"/fields/*/pointer"`, `¦"/fields/*/pointr"`, `¦classes.fields.extracted: fields.extracted has no field "/fields/*/pointr"`},
		{"a key raised", `"/fields/*/pointer"`, `¦"/fields/*/confidence"`, `¦classes.fields.extracted: /fields/*/confidence of fields.extracted joins and tests records`},
		{"a class below the field's", `{"/fields/*/pointer": confidential}`, `{¦"/fields/*/value": internal}`, `¦classes.fields.extracted: /fields/*/value of fields.extracted is confidential already`},
		{"secret where decisions are made again", `fields.extracted: {"/fields/*/pointer": confidential}`, `authorization.decided: {¦"/sealed_args": secret}`, `¦classes.authorization.decided: /sealed_args of authorization.decided cannot be dropped`},
		{"no pointer either", `"/fields/*/pointer"`, `¦"/a~2"`, `¦classes.fields.extracted: "/a~2" is no JSON pointer`},
		{"retention of no class", "confidential: 2555d", "¦check.result: 2555d", `¦retention: unknown key "check.result": `},
		{"retention of what always stays", "confidential: 2555d", "¦public: 2555d", `¦retention: unknown key "public": `},
		{"retention below its floor", "retention: {default: 400d, confidential: 2555d, personal: 180d, floor: 180d}", "retention: ¦{personal: 179d, floor: 180d}",
			"¦retention: personal values are kept 179d, which is below the floor of 180d: keep them longer, or set a lower floor on purpose"},
		{"retention below the floor unsaid", "retention: {default: 400d, confidential: 2555d, personal: 180d, floor: 180d}", "retention: ¦{internal: 364d}",
			"¦retention: internal values are kept 364d, which is below the floor of 365d"},
		{"folded policies", "policies: |", "policies: ¦>", "¦policies: must be a literal block"},
		{"no policies", "policies: |", "¦owners: |", "mode: enforce without policies denies every call\n¦: unknown key \"owners\": did you mean \"owner\"?"},
	}
	base := invoiceText(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(base, tt.from) {
				t.Fatalf("%q is not in the file", tt.from)
			}
			text, places := marked(strings.Replace(base, tt.from, tt.to, 1))
			_, err := Parse([]byte(text))
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got error %v, want Problems", err)
			}
			want := strings.Split(tt.want, "\n")
			if len(problems) != len(want) {
				t.Fatalf("got %d problems, want %d:\n%v", len(problems), len(want), err)
			}
			for i, p := range problems {
				message, here := strings.CutPrefix(want[i], "¦")
				if got := p.Path + ": " + p.Message; !strings.Contains(got, message) {
					t.Errorf("problem %d is\n%s\nwant\n%s", i, got, message)
				}
				if !here {
					continue
				}
				if got := fmt.Sprintf("%d:%d", p.Line, p.Column); len(places) == 0 || got != places[0] {
					t.Errorf("problem %d is said to lie at %s, want the first of %v", i, got, places)
				}
				places = places[min(1, len(places)):]
			}
		})
	}
}

// marked takes the marks out of text and says where they stood.
func marked(text string) (plain string, places []string) {
	for {
		before, after, found := strings.Cut(text, "¦")
		if !found {
			return text, places
		}
		line := before[strings.LastIndexByte(before, '\n')+1:]
		places = append(places, fmt.Sprintf("%d:%d", strings.Count(before, "\n")+1, utf8.RuneCountInString(line)+1))
		text = before + after
	}
}

func TestParseRefusesFiles(t *testing.T) {
	nested := strings.Repeat("{a: ", 40) + "1" + strings.Repeat("}", 40)
	for name, tt := range map[string][2]string{
		"empty":          {"", "the file is empty"},
		"comment only":   {"# nothing\n", "the file is empty"},
		"not UTF-8":      {"manifest: 1\nowner: \xff", "the file is not valid UTF-8"},
		"UTF-16":         {"\xff\xfem\x00", "the file is not valid UTF-8"},
		"too large":      {strings.Repeat("# ", MaxSize/2) + "x", "the file is 262145 bytes, above the bound of 262144"},
		"a list":         {"- manifest: 1", "is a list, but must be a mapping"},
		"a word":         {"manifest", "is text, but must be a mapping"},
		"control":        {"manifest: \x01", "the YAML cannot be read: control characters are not allowed"},
		"nested deeply":  {nested, "is nested too deeply"},
		"billion laughs": {"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]", "anchors and aliases are not allowed"},
		"recursive":      {"a: &a [*a]", "anchors and aliases are not allowed"},
		"many tools":     {"tools: {" + strings.Repeat("a/b: {impact: read}, ", 201) + "}", "has 201 entries, above the bound of 200"},
	} {
		_, err := Parse([]byte(tt[0]))
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), tt[1]) {
			t.Errorf("%s: got %.300v, want %q", name, err, tt[1])
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	_, err := Parse([]byte(strings.Repeat("x: 1\n", 5000)))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != maxProblems {
		t.Errorf("got %d problems, want the first %d", len(problems), maxProblems)
	}
	if want := "line 1, column 1: manifest is missing"; problems[0].String() != want && !strings.Contains(err.Error(), want) {
		t.Errorf("the first problems should be kept, got %s", problems[0])
	}
}

// FuzzParse: any bytes are read, or refused with Problems that lie in them.
func FuzzParse(f *testing.F) {
	f.Add([]byte(invoiceText(f)))
	for _, s := range []string{"", "a: &a [*a]", "? [a]\n: b", "manifest: 1\n---\n", "policies: |9\n x", "- - - -", "\xef\xbb\xbfmanifest: 1", "a: !!binary aGk="} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err == nil {
			for range Diff(nil, m) {
			}
			m.PolicyPosition(1, 1)
			m.Route(nil)
			m.RequiredChecks("", nil)
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 || len(problems) > maxProblems {
			t.Fatalf("an error without problems: %v", err)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" || len(p.Path) > 16*200 {
				t.Fatalf("problem without a place or a text: %+v", p)
			}
		}
	})
}
