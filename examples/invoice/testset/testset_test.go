package testset_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/testset"
	"github.com/google/go-cmp/cmp"
)

const set = `<?xml version="1.0" encoding="UTF-8"?>
<testSet xmlns="urn:x">
	<assert><description>about <scope>BR-02</scope></description></assert>
	<test><assert><success>BR-02</success><success> BR-03 </success></assert><Invoice xmlns="urn:i"><a/>text</Invoice></test>
	<test id="2"><assert><error>BR-02</error><warning>BR-51</warning></assert><c:CreditNote xmlns:c="urn:c"><Invoice/></c:CreditNote></test>
	<test><assert><fatal>BR-01</fatal></assert></test>
</testSet>`

func TestParse(t *testing.T) {
	cases, err := testset.Parse([]byte(set))
	if err != nil {
		t.Fatal(err)
	}
	want := []testset.Case{
		{MustNot: []string{"BR-02", "BR-03"}, Document: []byte(`<Invoice xmlns="urn:i"><a/>text</Invoice>`)},
		{Must: []string{"BR-02", "BR-51"}, Document: []byte(`<c:CreditNote xmlns:c="urn:c"><Invoice/></c:CreditNote>`)},
		{Must: []string{"BR-01"}},
	}
	if diff := cmp.Diff(want, cases); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       error
	}{
		{"empty", "", testset.ErrNotTestSet},
		{"no XML", "Dear Sir", testset.ErrNotTestSet},
		{"an invoice", "<Invoice/>", testset.ErrNotTestSet},
		{"a document type", `<!DOCTYPE testSet [<!ENTITY a "b">]><testSet/>`, testset.ErrNotTestSet},
		{"a document type within", "<testSet><!DOCTYPE x></testSet>", testset.ErrMalformed},
		{"cut off", "<testSet><test>", testset.ErrMalformed},
		{"cut off in an invoice", "<testSet><test><Invoice>", testset.ErrMalformed},
		{"cut off in a rule", "<testSet><test><error>", testset.ErrMalformed},
		{"an entity of its own", "<testSet><test><error>&a;</error></test></testSet>", testset.ErrMalformed},
		{"another encoding", `<?xml version="1.0" encoding="UTF-16"?><testSet/>`, testset.ErrNotTestSet},
		{"too many", "<testSet>" + strings.Repeat("<test/>", testset.MaxCases+1) + "</testSet>", testset.ErrTooMany},
	} {
		t.Run(c.name, func(t *testing.T) {
			cases, err := testset.Parse([]byte(c.file))
			if !errors.Is(err, c.want) || cases != nil {
				t.Errorf("%d cases and %v, want %v", len(cases), err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(set))
	f.Fuzz(func(t *testing.T, file []byte) {
		cases, err := testset.Parse(file)
		if err != nil && cases != nil || len(cases) > testset.MaxCases {
			t.Errorf("%d cases and %v", len(cases), err)
		}
	})
}
