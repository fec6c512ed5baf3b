// Package testset reads files of unit tests for invoices, in the form in which
// CEN/TC 434 publishes those of its validation artefacts: many small invoices in
// one XML file, each with the rules that must fail on it and those that must
// not.
//
// The package is pure. It takes such a file apart and judges nothing: each
// invoice comes out as it stands, to be parsed like any other.
package testset

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// MaxCases bounds what one file may hold.
const MaxCases = 10_000

// Why a file is refused.
var (
	ErrNotTestSet = errors.New("the file is not a set of test cases: its root element is not testSet")
	ErrMalformed  = errors.New("the set of test cases is not well-formed XML in UTF-8, without document type")
	ErrTooMany    = errors.New("the set has more than 10000 test cases")
)

// Case is one test.
type Case struct {
	Must     []string // rules that must fail on the document
	MustNot  []string // rules that must not
	Document []byte   // the invoice as it stands in the file, nil without one
}

// Parse takes a file apart. Its error is one of this package's; the cases share
// the file's memory.
func Parse(file []byte) ([]Case, error) {
	r := &reader{file: file, dec: xml.NewDecoder(bytes.NewReader(file))}
	for {
		r.from = r.dec.InputOffset()
		token, err := r.dec.Token()
		switch {
		case err == io.EOF && r.inSet:
			return r.cases, nil
		case err == io.EOF:
			return nil, ErrNotTestSet
		case err != nil:
			return nil, r.refuse()
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
	}
}

type reader struct {
	file  []byte
	dec   *xml.Decoder
	from  int64 // where the token in hand begins
	inSet bool
	cases []Case
}

func (r *reader) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.Directive:
		return r.refuse()
	case xml.StartElement:
		return r.start(&t)
	}
	return nil
}

// refuse says what is wrong with a file; one that has not shown its root is
// none of ours.
func (r *reader) refuse() error {
	if !r.inSet {
		return ErrNotTestSet
	}
	return ErrMalformed
}

func (r *reader) start(t *xml.StartElement) error {
	if !r.inSet {
		if t.Name.Local != "testSet" {
			return ErrNotTestSet
		}
		r.inSet = true
		return nil
	}
	if t.Name.Local == "test" {
		if len(r.cases) == MaxCases {
			return ErrTooMany
		}
		r.cases = append(r.cases, Case{})
		return nil
	}
	if len(r.cases) == 0 {
		return nil
	}
	return r.part(&r.cases[len(r.cases)-1], t)
}

// part takes what a test consists of.
func (r *reader) part(c *Case, t *xml.StartElement) error {
	switch t.Name.Local {
	case "error", "fatal", "warning":
		return r.rule(&c.Must, t)
	case "success":
		return r.rule(&c.MustNot, t)
	case "Invoice", "CreditNote", "CrossIndustryInvoice":
		if err := r.dec.Skip(); err != nil {
			return ErrMalformed
		}
		c.Document = r.file[r.from:r.dec.InputOffset()]
	}
	return nil
}

func (r *reader) rule(list *[]string, t *xml.StartElement) error {
	var id string
	if err := r.dec.DecodeElement(&id, t); err != nil {
		return ErrMalformed
	}
	*list = append(*list, strings.TrimSpace(id))
	return nil
}
