package ubl

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// The namespaces that UBL 2.1 documents are made of, with the prefixes that
// names get here. The root's is empty.
var prefixes = map[string]string{
	"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2": "cac:",
	"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2":     "cbc:",
	"urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2": "ext:",
	"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2":                   "",
	"urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2":                "",
}

// rootNamespaces guards against a CreditNote in the Invoice namespace.
var rootNamespaces = map[string]string{
	"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2":    "Invoice",
	"urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2": "CreditNote",
}

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

// reader builds the tree from raw tokens. It resolves namespaces itself because
// encoding/xml lets an undeclared prefix pass as if it were a namespace.
type reader struct {
	source   []byte
	dec      *xml.Decoder
	at       int64 // offset of the token in hand
	open     []*frame
	root     *Element
	elements int
	names    map[xml.Name]string // resolved names, shared to save memory
}

// frame is an element that is not closed yet.
type frame struct {
	raw     xml.Name // as written, to match its end
	element *Element
	text    []byte
	bound   map[string]string // prefixes declared here
	last    map[string]*Element
}

func newReader(text []byte) *reader {
	dec := xml.NewDecoder(bytes.NewReader(text))
	// The text was decoded before; the declaration still names what it was.
	dec.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return &reader{source: text, dec: dec, names: map[xml.Name]string{}}
}

func (r *reader) read() (*Element, error) {
	for {
		r.at = r.dec.InputOffset()
		token, err := r.dec.RawToken()
		if err == io.EOF {
			return r.finish()
		}
		if err != nil {
			return nil, r.syntax(err)
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
	}
}

func (r *reader) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.end(t)
	case xml.CharData:
		return r.text(t)
	case xml.Directive:
		return r.fail(ErrForbidden, "a document type declaration; remove it")
	case xml.ProcInst:
		if strings.EqualFold(t.Target, "xml") && r.at != 0 {
			return r.fail(ErrMalformed, "an XML declaration that is not at the very beginning")
		}
	}
	return nil
}

func (r *reader) finish() (*Element, error) {
	switch {
	case len(r.open) > 0:
		return nil, r.fail(ErrMalformed, "the document ends inside "+r.top().element.Name)
	case r.root == nil:
		return nil, r.fail(ErrMalformed, "there is no element")
	}
	return r.root, nil
}

func (r *reader) start(t xml.StartElement) error {
	switch {
	case len(r.open) == 0 && r.root != nil:
		return r.fail(ErrMalformed, "a second root element")
	case len(r.open) == MaxDepth:
		return r.fail(ErrTooDeep, "more than 100 elements inside each other")
	case r.elements == MaxElements:
		return r.fail(ErrTooLarge, "more than 500000 elements")
	case len(t.Attr) > MaxAttributes:
		return r.fail(ErrTooLarge, "an element with more than 64 attributes")
	}
	r.elements++
	f := &frame{raw: t.Name, element: &Element{}}
	r.open = append(r.open, f)
	if err := r.bind(f, t.Attr); err != nil {
		return err
	}
	if err := r.name(f); err != nil {
		return err
	}
	return r.attributes(f.element, t.Attr)
}

// bind notes the prefixes that an element declares.
func (r *reader) bind(f *frame, attrs []xml.Attr) error {
	for _, a := range attrs {
		prefix, declares := declaredPrefix(a.Name)
		if !declares {
			continue
		}
		if a.Value == "" && prefix != "" {
			return r.fail(ErrMalformed, "a prefix declared without a namespace")
		}
		if _, twice := f.bound[prefix]; twice {
			return r.fail(ErrMalformed, "a prefix declared twice")
		}
		if f.bound == nil {
			f.bound = map[string]string{}
		}
		f.bound[prefix] = a.Value
	}
	return nil
}

// declaredPrefix tells xmlns="…" (prefix "") and xmlns:p="…" from attributes.
func declaredPrefix(n xml.Name) (string, bool) {
	if n.Space == "" && n.Local == "xmlns" {
		return "", true
	}
	return n.Local, n.Space == "xmlns"
}

// name resolves the element's name and hangs it into the tree.
func (r *reader) name(f *frame) error {
	space, err := r.namespace(f.raw)
	if err != nil {
		return err
	}
	e := f.element
	e.Name = r.conventional(xml.Name{Space: space, Local: f.raw.Local})
	if len(r.open) == 1 {
		if rootNamespaces[space] != f.raw.Local {
			return r.fail(ErrNotInvoice, otherRoot(f.raw.Local))
		}
		r.root = e
		return nil
	}
	r.open[len(r.open)-2].adopt(e)
	return nil
}

// otherRoot names the other syntax of EN 16931-1, which people will try.
func otherRoot(name string) string {
	if name == "CrossIndustryInvoice" {
		return "it is a Cross Industry Invoice (UN/CEFACT), which is not read"
	}
	return "the root element is another one"
}

// adopt appends a child and counts it among its namesakes.
func (f *frame) adopt(child *Element) {
	if f.last == nil {
		f.last = map[string]*Element{}
	}
	child.parent, child.nth = f.element, 1
	if before := f.last[child.Name]; before != nil {
		before.repeats, child.repeats = true, true
		child.nth = before.nth + 1
	}
	f.last[child.Name] = child
	f.element.Children = append(f.element.Children, child)
}

// namespace is the namespace of an element's name as written.
func (r *reader) namespace(raw xml.Name) (string, error) {
	if strings.Contains(raw.Local, ":") {
		return "", r.fail(ErrMalformed, "a name with a misplaced colon")
	}
	if raw.Space == "xml" {
		return xmlNamespace, nil
	}
	for i := len(r.open) - 1; i >= 0; i-- {
		if space, bound := r.open[i].bound[raw.Space]; bound {
			return space, nil
		}
	}
	if raw.Space != "" {
		return "", r.fail(ErrMalformed, "a prefix without declaration")
	}
	return "", nil
}

// conventional spells a resolved name as Element.Name documents it.
func (r *reader) conventional(n xml.Name) string {
	if name, known := r.names[n]; known {
		return name
	}
	prefix, known := prefixes[n.Space]
	if !known {
		prefix = "Q{" + n.Space + "}"
	}
	r.names[n] = prefix + n.Local
	return r.names[n]
}

func (r *reader) attributes(e *Element, attrs []xml.Attr) error {
	for _, a := range attrs {
		if _, declares := declaredPrefix(a.Name); declares {
			continue
		}
		name, err := r.attributeName(a.Name)
		if err != nil {
			return err
		}
		if _, twice := e.Attr(name); twice {
			return r.fail(ErrMalformed, "an attribute given twice")
		}
		e.Attrs = append(e.Attrs, Attr{name, a.Value})
	}
	return nil
}

// attributeName resolves a prefix only: the default namespace does not reach
// attributes.
func (r *reader) attributeName(raw xml.Name) (string, error) {
	space, err := r.namespace(raw)
	if err != nil || raw.Space == "" {
		return raw.Local, err
	}
	return "Q{" + space + "}" + raw.Local, nil
}

func (r *reader) end(t xml.EndElement) error {
	if len(r.open) == 0 || r.top().raw != t.Name {
		return r.fail(ErrMalformed, "an end tag that does not match")
	}
	f := r.top()
	f.element.Text = string(f.text)
	r.open = r.open[:len(r.open)-1]
	return nil
}

func (r *reader) text(t xml.CharData) error {
	if len(r.open) > 0 {
		f := r.top()
		f.text = append(f.text, t...)
		return nil
	}
	if len(bytes.Trim(t, " \t\r\n")) > 0 {
		return r.fail(ErrMalformed, "text outside the root element")
	}
	return nil
}

func (r *reader) top() *frame { return r.open[len(r.open)-1] }

// fail reports a fault of the token in hand.
func (r *reader) fail(kind error, reason string) error {
	line := 1 + bytes.Count(r.source[:r.at], []byte("\n"))
	return &Error{Kind: kind, Line: line, Offset: r.at, Reason: reason}
}

// syntax reports what encoding/xml found. Its message is shortened, since it
// may repeat a name of any length.
func (r *reader) syntax(err error) error {
	reason := err.Error()
	var fault *xml.SyntaxError
	if errors.As(err, &fault) {
		reason = fault.Msg
	}
	if len(reason) > 120 {
		reason = strings.ToValidUTF8(reason[:120], "") + "…"
	}
	r.at = r.dec.InputOffset() // where it stopped, not where the token began
	return r.fail(ErrMalformed, reason)
}
