package ubl_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	invoiceSpace = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
	creditSpace  = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
	cacSpace     = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
	cbcSpace     = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
	declares     = ` xmlns:cac="` + cacSpace + `" xmlns:cbc="` + cbcSpace + `"`
)

// invoice wraps content into a UBL Invoice.
func invoice(content string) string {
	return `<Invoice xmlns="` + invoiceSpace + `"` + declares + ">" + content + "</Invoice>"
}

func creditNote(content string) string {
	return `<CreditNote xmlns="` + creditSpace + `"` + declares + ">" + content + "</CreditNote>"
}

func parse(t testing.TB, text string) *ubl.Document {
	t.Helper()
	doc, err := ubl.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestParseRefuses(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat("<cac:Party>", levels) + strings.Repeat("</cac:Party>", levels)
	}
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` a%d=""`, i)
		}
		return "<cbc:ID" + b.String() + "/>"
	}
	cases := []struct {
		name, text string
		kind       error
		line       int
	}{
		{"nothing", "", ubl.ErrMalformed, 1},
		{"white space only", " \n\n", ubl.ErrMalformed, 3},
		{"plain text", "Dear Sir or Madam", ubl.ErrMalformed, 1},
		{"a PDF", "%PDF-1.7\n1 0 obj", ubl.ErrMalformed, 1},
		{"JSON", `{"invoice": 1}`, ubl.ErrMalformed, 1},
		{"a comment only", "<!-- -->", ubl.ErrMalformed, 1},
		{"cut off", `<Invoice xmlns="` + invoiceSpace + "\">\n<a>", ubl.ErrMalformed, 2},
		{"cut off inside a tag", `<Invoice xmlns="` + invoiceSpace + "\">\n<a", ubl.ErrMalformed, 2},
		{"end tag of another element", invoice("\n<a></b>"), ubl.ErrMalformed, 2},
		{"end tag with another prefix", invoice(`<p:a xmlns:p="u" xmlns:q="u"></q:a>`), ubl.ErrMalformed, 1},
		{"end tag too many", invoice("") + "</a>", ubl.ErrMalformed, 1},
		{"two roots", invoice("") + "\n" + invoice(""), ubl.ErrMalformed, 2},
		{"text after the root", invoice("") + "x", ubl.ErrMalformed, 1},
		{"prefix without declaration", invoice("<x:a/>"), ubl.ErrMalformed, 1},
		{"prefix declared by a sibling only", invoice(`<x:a xmlns:x="u"/><x:b/>`), ubl.ErrMalformed, 1},
		{"prefix of an attribute without declaration", invoice(`<a x:b=""/>`), ubl.ErrMalformed, 1},
		{"prefix taken back", invoice(`<a xmlns:cbc=""/>`), ubl.ErrMalformed, 1},
		{"prefix declared twice", invoice(`<a xmlns:x="u" xmlns:x="v"/>`), ubl.ErrMalformed, 1},
		{"attribute twice", invoice(`<a b="" b=""/>`), ubl.ErrMalformed, 1},
		{"attribute twice by two prefixes", invoice(`<a xmlns:x="u" xmlns:y="u" x:b="" y:b=""/>`), ubl.ErrMalformed, 1},
		{"attribute without quotes", invoice("<a b=c/>"), ubl.ErrMalformed, 1},
		{"misplaced colon", invoice("<:a/>"), ubl.ErrMalformed, 1},
		{"unknown entity", invoice("&x;"), ubl.ErrMalformed, 1},
		{"character that XML has not", invoice("&#1;"), ubl.ErrMalformed, 1},
		{"declaration that comes late", "\n<?xml version=\"1.0\"?>" + invoice(""), ubl.ErrMalformed, 2},
		{"XML 1.1", `<?xml version="1.1"?>` + invoice(""), ubl.ErrMalformed, 1},
		{"document type", "<!DOCTYPE Invoice>" + invoice(""), ubl.ErrForbidden, 1},
		{"external entity", "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///dev/null\">]>" + invoice("&x;"), ubl.ErrForbidden, 2},
		{"entities in entities", `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>` + invoice("&b;"), ubl.ErrForbidden, 1},
		{"document type inside", invoice("\n<!DOCTYPE a>"), ubl.ErrForbidden, 2},
		{"no namespace", "<Invoice/>", ubl.ErrNotInvoice, 1},
		{"another namespace", `<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-3"/>`, ubl.ErrNotInvoice, 1},
		{"a credit note as an invoice", `<CreditNote xmlns="` + invoiceSpace + `"/>`, ubl.ErrNotInvoice, 1},
		{"another UBL document", `<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>`, ubl.ErrNotInvoice, 1},
		{"an aggregate by that name", `<Invoice xmlns="` + cacSpace + `"/>`, ubl.ErrNotInvoice, 1},
		{"too deep", invoice(nested(ubl.MaxDepth)), ubl.ErrTooDeep, 1},
		{"too many attributes", invoice(attributes(ubl.MaxAttributes + 1)), ubl.ErrTooLarge, 1},
		{"too many elements", invoice(strings.Repeat("<a/>", ubl.MaxElements)), ubl.ErrTooLarge, 1},
		{"too many bytes", invoice(strings.Repeat(" ", ubl.MaxSize)), ubl.ErrTooLarge, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ubl.Parse([]byte(c.text))
			var refusal *ubl.Error
			if !errors.As(err, &refusal) || !errors.Is(err, c.kind) {
				t.Fatalf("got %v, want %v", err, c.kind)
			}
			if refusal.Line != c.line {
				t.Errorf("line %d, want %d: %v", refusal.Line, c.line, err)
			}
			if len(err.Error()) > 300 {
				t.Errorf("message of %d bytes", len(err.Error()))
			}
		})
	}
	if doc := parse(t, invoice(nested(ubl.MaxDepth-1)+attributes(ubl.MaxAttributes))); doc.Kind != ubl.Invoice {
		t.Errorf("at the limits: kind %q", doc.Kind)
	}
}

func TestErrorSaysWhere(t *testing.T) {
	text := invoice("\n  <cbc:ID>1</cbc:ID>\n  <x:a/>")
	_, err := ubl.Parse([]byte(text))
	var refusal *ubl.Error
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	if want := strings.Index(text, "<x:a/>"); refusal.Line != 3 || refusal.Offset != int64(want) {
		t.Errorf("line %d, offset %d; want 3 and %d", refusal.Line, refusal.Offset, want)
	}
}

func TestEncodings(t *testing.T) {
	note := func(s string) string { return invoice("<cbc:Note>" + s + "</cbc:Note>") }
	declared := func(encoding, rest string) string {
		return `<?xml version="1.0" encoding="` + encoding + `"?>` + rest
	}
	cases := []struct {
		name, text, note string
		refused          bool
	}{
		{name: "nothing declared", text: note("Müller"), note: "Müller"},
		{name: "byte order mark", text: "\xEF\xBB\xBF" + note("Müller"), note: "Müller"},
		{name: "utf-8 in any case", text: declared("Utf-8", note("Müller")), note: "Müller"},
		{name: "latin 1", text: declared("ISO-8859-1", note("M\xFCller")), note: "Müller"},
		{name: "latin 1 single quotes", text: strings.ReplaceAll(declared("iso-8859-1", ""), `"`, "'") + note("\xA7"), note: "§"},
		{name: "ascii", text: declared("US-ASCII", note("Mueller")), note: "Mueller"},
		{name: "character reference", text: declared("US-ASCII", note("M&#xFC;ller &amp; Co")), note: "Müller & Co"},
		{name: "latin 1 that says utf-8", text: declared("UTF-8", note("M\xFCller")), refused: true},
		{name: "latin 1 that says nothing", text: note("M\xFCller"), refused: true},
		{name: "utf-8 that says ascii", text: declared("US-ASCII", note("Müller")), refused: true},
		{name: "byte order mark and latin 1", text: "\xEF\xBB\xBF" + declared("ISO-8859-1", note("a")), refused: true},
		{name: "utf-16", text: declared("UTF-16", note("a")), refused: true},
		{name: "utf-16 bytes", text: "\xFF\xFE<\x00I\x00", refused: true},
		{name: "windows", text: declared("windows-1252", note("a")), refused: true},
		{name: "not utf-8 in a comment", text: invoice("<!-- \xFC -->"), refused: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			doc, err := ubl.Parse([]byte(c.text))
			if c.refused {
				if !errors.Is(err, ubl.ErrEncoding) {
					t.Fatalf("got %v, want %v", err, ubl.ErrEncoding)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := doc.Root.First("cbc:Note").Value(); got != c.note {
				t.Errorf("note %q, want %q", got, c.note)
			}
		})
	}
}

func TestNamesDoNotDependOnPrefixes(t *testing.T) {
	usual := parse(t, invoice(`<cac:InvoiceLine><cbc:ID schemeID="x">1</cbc:ID></cac:InvoiceLine>`))
	other := parse(t, `<i:Invoice xmlns:i="`+invoiceSpace+`"><InvoiceLine xmlns="`+cacSpace+`"><cbc:ID xmlns:cbc="`+cbcSpace+`" schemeID="x">1</cbc:ID></InvoiceLine></i:Invoice>`)
	swapped := parse(t, `<Invoice xmlns="`+invoiceSpace+`" xmlns:cac="`+cbcSpace+`" xmlns:cbc="`+cacSpace+`"><cbc:InvoiceLine><cac:ID schemeID="x">1</cac:ID></cbc:InvoiceLine></Invoice>`)
	for _, doc := range []*ubl.Document{usual, other, swapped} {
		id := doc.Root.First("cac:InvoiceLine/cbc:ID")
		scheme, _ := id.Attr("schemeID")
		if id.Path() != "/Invoice/cac:InvoiceLine/cbc:ID" || id.Value() != "1" || scheme != "x" {
			t.Errorf("path %q, value %q, scheme %q", id.Path(), id.Value(), scheme)
		}
	}
}

func TestPaths(t *testing.T) {
	doc := parse(t, creditNote(`<cbc:Note>a</cbc:Note><cbc:ID>1<!-- x -->2</cbc:ID><cbc:Note>b</cbc:Note>`+
		`<e:Note xmlns:e="urn:e">c</e:Note><cac:CreditNoteLine><cbc:ID/></cac:CreditNoteLine>`))
	var got []string
	for _, e := range doc.Root.Children {
		got = append(got, e.Path()+" "+e.Value())
	}
	want := []string{
		"/CreditNote/cbc:Note[1] a",
		"/CreditNote/cbc:ID 12",
		"/CreditNote/cbc:Note[2] b",
		"/CreditNote/Q{urn:e}Note c",
		"/CreditNote/cac:CreditNoteLine ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
	if doc.Kind != ubl.CreditNote || len(doc.Lines()) != 1 {
		t.Errorf("kind %q with %d lines", doc.Kind, len(doc.Lines()))
	}
}

func TestNilElementAnswers(t *testing.T) {
	var e *ubl.Element
	_, has := e.Attr("x")
	if e.Path() != "" || e.Value() != "" || e.First("a/b") != nil || e.All("a") != nil || e.Parent() != nil || has {
		t.Error("a nil element must be like an empty one")
	}
}

// A path leads to the element it was taken from, and to no other.
func TestPathLeadsBack(t *testing.T) {
	names := rapid.SampledFrom([]string{"cac:Party", "cac:Item", "cbc:ID", "cbc:Note"})
	var content func(t *rapid.T, depth int) string
	content = func(t *rapid.T, depth int) string {
		var b strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "children") {
			name := names.Draw(t, "name")
			inner := ""
			if depth < 4 {
				inner = content(t, depth+1)
			}
			b.WriteString("<" + name + ">" + inner + "</" + name + ">")
		}
		return b.String()
	}
	rapid.Check(t, func(t *rapid.T) {
		doc, err := ubl.Parse([]byte(invoice(content(t, 0))))
		if err != nil {
			t.Fatal(err)
		}
		walk(doc.Root, func(e *ubl.Element) {
			if found := resolve(doc.Root, e.Path()); len(found) != 1 || found[0] != e {
				t.Fatalf("%s leads to %d elements", e.Path(), len(found))
			}
		})
	})
}

func walk(e *ubl.Element, visit func(*ubl.Element)) {
	visit(e)
	for _, child := range e.Children {
		walk(child, visit)
	}
}

// resolve evaluates a path as XPath does.
func resolve(root *ubl.Element, path string) []*ubl.Element {
	steps := strings.Split(path, "/")[2:]
	at := []*ubl.Element{root}
	for _, step := range steps {
		name, position, numbered := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		var next []*ubl.Element
		for _, e := range at {
			found := e.All(name)
			if numbered {
				n, _ := strconv.Atoi(position)
				found = found[n-1 : n]
			}
			next = append(next, found...)
		}
		at = next
	}
	return at
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(invoice(`<cbc:ID>1</cbc:ID><cac:InvoiceLine/>`)))
	f.Add([]byte(creditNote(`<cbc:Note a="b">&lt;</cbc:Note><x:y xmlns:x="u"><![CDATA[z]]></x:y>`)))
	f.Add([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?>` + invoice("<cbc:ID>\xFC</cbc:ID>")))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]>` + invoice("&b;")))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := ubl.Parse(text)
		if err != nil {
			var refusal *ubl.Error
			if !errors.As(err, &refusal) || refusal.Kind == nil || refusal.Line < 1 || refusal.Offset < 0 {
				t.Fatalf("not a typed error with its place: %#v", err)
			}
			return
		}
		walk(doc.Root, func(e *ubl.Element) {
			if !strings.HasPrefix(e.Path(), "/"+doc.Root.Name) {
				t.Fatalf("path %q", e.Path())
			}
		})
		for _, field := range doc.Fields() {
			if field.Value == "" || field.Pointer == "" || field.Confidence < ubl.Malformed || field.Confidence > ubl.Certain {
				t.Fatalf("field %+v", field)
			}
		}
		_, _ = doc.Payable()
	})
}
