package manifest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/evidencefactory/evf/evidence"
)

func invoiceText(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/invoice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// mustParse reads a manifest that is expected to be good.
func mustParse(t testing.TB, text string) *Manifest {
	t.Helper()
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("the manifest should be read:\n%v", err)
	}
	return m
}

func invoice(t testing.TB) *Manifest { return mustParse(t, invoiceText(t)) }

func TestParse(t *testing.T) {
	m := invoice(t)
	const large = 1 << 53
	want := &Manifest{
		Workflow: "invoice-exceptions", Owner: "ana@example.org", Environment: "production",
		Purpose: "Post supplier invoices that pass every check; bring the others to a person.",
		Tier:    TierHigh, Mode: ModeEnforce,
		Identities: []Identity{
			{Name: "invoice-agent", Kind: "agent", Starts: true, Tools: []string{"books/*"},
				Records: []evidence.Type{"input.referenced", "fields.extracted", "step.observed"}},
			{Name: "invoice-validator", Kind: "workload", Records: []evidence.Type{"check.result"}, Checks: []string{"en16931/*", "vendor/*"}},
			{Name: "books", Kind: "workload", Records: []evidence.Type{"change.observed"}, Redeems: []string{"books"}},
		},
		Tools: []Tool{
			{Name: "books/find_vendor", Impact: ImpactRead, Execution: ExecutionCaller, Args: []Arg{
				{Name: "query", Type: ArgString, Required: true, MaxLength: 200, MaxItems: 100, Min: -large, Max: large},
			}},
			{Name: "books/post_invoice", Impact: ImpactHigh, Execution: ExecutionTarget, Subject: "document", Args: []Arg{
				{Name: "document", Type: ArgString, Required: true, Pattern: "^sha256:[0-9a-f]{64}$", MaxLength: 2000, MaxItems: 100, Min: -large, Max: large},
				{Name: "payable_minor", Type: ArgAmount, Required: true, Attested: "payable_minor", MaxLength: 2000, MaxItems: 100, Max: 999999999999999999},
				{Name: "kind", Type: ArgString, Required: true, Enum: []string{"invoice", "credit-note"}, MaxLength: 2000, MaxItems: 100, Min: -large, Max: large},
				{Name: "lines", Type: ArgInteger, MaxLength: 2000, MaxItems: 100, Min: 1, Max: 500},
				{Name: "urgent", Type: ArgBoolean, MaxLength: 2000, MaxItems: 100, Min: -large, Max: large},
				{Name: "tags", Type: ArgStrings, MaxLength: 20, MaxItems: 3, Min: -large, Max: large},
				{Name: "note", Type: ArgString, MaxLength: 500, MaxItems: 100, Min: -large, Max: large},
			}},
		},
		Required: []string{"en16931/*", "vendor/known"},
		Routing: []Rule{
			{ID: "amount-limit", Version: 3, Input: "payable_minor", Op: OpOver, Threshold: []string{"1000000"}, Band: "high", To: "ap-controller",
				Summary: "Payable {value} is above the limit of {threshold}."},
			{ID: "new-vendor", Version: 1, Input: "vendor_known", Op: OpIs, Threshold: []string{"false"}, Band: "high", To: "ap-controller",
				Summary: "The vendor is new ({input} is {value})."},
			{ID: "currency", Version: 1, Input: "currency", Op: OpNotIn, Threshold: []string{"EUR", "USD"}, Band: "medium", To: "treasury",
				Summary: "Currency {value} is none of {threshold}."},
		},
		Approvals: []Approval{
			{Name: "ap-controller", Role: "ap-controller", Quorum: 1, Expires: 4 * time.Hour, ApartFrom: []string{"initiator", "dispatcher", "author"}},
			{Name: "treasury", Role: "treasurer", Quorum: 2, Expires: 24 * time.Hour, ApartFrom: []string{"initiator"}},
		},
		Owes:    []string{"extraction", "validation", "authorization", "routing", "oversight", "action"},
		Classes: []ClassRule{{Type: "fields.extracted", Pointer: "/fields/*/pointer", Class: evidence.Confidential}},
		Retention: Retention{Default: 400 * day, Floor: 180 * day,
			Classes: map[evidence.Class]time.Duration{evidence.Confidential: 2555 * day, evidence.Personal: 180 * day}},
	}
	if diff := cmp.Diff(want, m, cmpopts.IgnoreUnexported(Manifest{}, Arg{})); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	if got := string(m.Source()); got != invoiceText(t) {
		t.Error("Source is not the text as given")
	}
	if got, want := m.Digest(), evidence.DigestOf([]byte(invoiceText(t))); got != want {
		t.Errorf("Digest is %s, want %s", got, want)
	}
}

func TestSmallestManifest(t *testing.T) {
	m := mustParse(t, `{manifest: 1, workflow: w, purpose: p, owner: o, environment: e, tier: low, mode: observe,
identities: {a: {kind: agent, starts: true}}, tools: {}}`)
	if len(m.Owes) != 6 || m.Retention.For(evidence.Personal) != 400*day || m.Retention.Floor != 365*day || m.PolicyText() != "" {
		t.Errorf("defaults are wrong: %+v", m)
	}
	if routing := m.Route(nil); routing.To != nil || routing.Rules != nil {
		t.Errorf("without rules everything goes straight through, got %+v", routing)
	}
}

func TestLookups(t *testing.T) {
	m := invoice(t)
	agent, ok := m.Identity("invoice-agent")
	validator, _ := m.Identity("invoice-validator")
	books, _ := m.Identity("books")
	if _, known := m.Identity("stranger"); known || !ok {
		t.Error("identities are not found by name")
	}
	if _, known := m.Tool("books/post"); known {
		t.Error("a tool was found that is not declared")
	}
	if a, known := m.Approval("treasury"); !known || a.Quorum != 2 {
		t.Error("approvals are not found by name")
	}
	if m.Retention.For(evidence.Confidential) != 2555*day || m.Retention.For(evidence.Internal) != 400*day {
		t.Error("retention goes by class, else by default")
	}
	for name, got := range map[string]bool{
		"agent records inputs":          agent.MayRecord("input.referenced"),
		"agent calls":                   agent.MayCall("books/post_invoice"),
		"validator records results":     validator.MayRecord("check.result"),
		"validator checks by glob":      validator.MayCheck("en16931/BR-CO-10"),
		"books redeems":                 books.MayRedeem("books"),
		"agent records no results":      !agent.MayRecord("check.result"),
		"agent does not check":          !agent.MayCheck("vendor/known"),
		"agent does not start with run": !agent.MayRecord("run.started"),
		"agent calls no other server":   !agent.MayCall("bookshop/buy"),
		"a glob is no prefix":           !agent.MayCall("books"),
		"a glob wants a name":           !agent.MayCall("books/"),
		"validator calls nothing":       !validator.MayCall("books/find_vendor"),
		"validator keeps to groups":     !validator.MayCheck("sanctions/list"),
		"agent does not redeem":         !agent.MayRedeem("books"),
	} {
		if !got {
			t.Error(name)
		}
	}
}

// Where a policy stands in the text, it stands in the file.
func TestPolicyPosition(t *testing.T) {
	for name, text := range map[string]string{
		"as it is":      invoiceText(t),
		"deep indent":   strings.ReplaceAll(invoiceText(t), "\n  ", "\n     "),
		"blank first":   strings.Replace(invoiceText(t), "policies: |\n", "policies: |  # Cedar\n\n  \n", 1),
		"explicit":      strings.Replace(invoiceText(t), "policies: |\n", "policies: |2-\n  // first\n", 1),
		"windows lines": strings.ReplaceAll(invoiceText(t), "\n", "\r\n"),
	} {
		m := mustParse(t, text)
		file := strings.Split(text, "\n")
		for i, line := range strings.Split(m.PolicyText(), "\n") {
			at := strings.Index(line, "principal")
			if at < 0 {
				continue
			}
			fileLine, fileColumn := m.PolicyPosition(i+1, at+1)
			if got := file[fileLine-1][fileColumn-1:]; !strings.HasPrefix(got, "principal") {
				t.Errorf("%s: line %d of the policies is said to stand at %d:%d, where %q stands", name, i+1, fileLine, fileColumn, got)
			}
		}
	}
}

func TestDiff(t *testing.T) {
	before := invoice(t)
	text := invoiceText(t)
	for _, change := range [][2]string{
		{"over: 1000000", "over: 2000000"}, {"tools: [books/*]", "tools: [books/find_vendor, books/post_invoice]"},
		{"      note: {type: string, required: false, max_length: 500}\n", ""}, {"mode: enforce", "mode: shadow # for now"},
		{"{role: ap-controller}", "{role: ap-controller, quorum: 2}"},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("%q is not in the file", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	want := []Change{
		{"mode", "enforce", "shadow"},
		{"identities.invoice-agent.tools", "books/*", "books/find_vendor, books/post_invoice"},
		{"routing.amount-limit.when.over", "1000000", "2000000"},
		{"approvals.ap-controller.quorum", "", "2"},
		{"tools.books/post_invoice.args.note.type", "string", ""},
		{"tools.books/post_invoice.args.note.required", "false", ""},
		{"tools.books/post_invoice.args.note.max_length", "500", ""},
	}
	if diff := cmp.Diff(want, Diff(before, mustParse(t, text))); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got := Diff(before, invoice(t)); got != nil {
		t.Errorf("nothing changed, but %v", got)
	}
	created := Diff(nil, before)
	if len(created) == 0 || created[0] != (Change{"manifest", "", "1"}) || len(created) != len(Diff(before, nil)) {
		t.Errorf("a first manifest is all new, got %v", created)
	}
}
