package invoice

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/examples/invoice/books"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// maxFields bounds the fields that one record holds.
const maxFields = 256

// extract records what was read, with the place of each field, or why nothing
// was.
func (a *Agent) extract(ctx context.Context, run *client.RunHandle, digest evidence.Digest, doc *ubl.Document, parseErr error) error {
	body := evidence.FieldsExtracted{Document: digest, Extractor: "ubl", Version: "1", Readable: parseErr == nil}
	if parseErr != nil {
		body.Problem = clip(parseErr.Error(), 500)
	} else {
		body.Fields = fields(doc)
	}
	_, err := run.Record(ctx, client.Typed{Type: evidence.TypeFieldsExtracted, Body: body})
	return err
}

func fields(doc *ubl.Document) (list []evidence.ExtractedField) {
	size := 0
	for _, f := range doc.Fields() {
		one := evidence.ExtractedField{Name: f.Name, Value: clip(f.Value, 2000), Pointer: clip(f.Pointer, 500), Confidence: int64(f.Confidence)}
		// A record holds 60 KiB. The header comes first, so what a very long
		// invoice leaves out is lines; line_count says how many there are.
		if size += len(one.Value) + len(one.Pointer) + 300; len(list) == maxFields || size > 40<<10 {
			break
		}
		list = append(list, one)
	}
	return list
}

// certain is a field's value as the agent uses it: the first one, whatever its
// confidence. The rules and the validator see to what is uncertain.
func certain(doc *ubl.Document, name string) string {
	if list := doc.Field(name); len(list) > 0 {
		return list[0].Value
	}
	return ""
}

// deciding are the fields that a posting rests on.
var deciding = []string{"type", "number", "issue_date", "due_date", "currency", "seller_name", "payee_iban", "total_with_vat", "payable"}

// declared is what the agent says of its own reading: how certain the least
// certain field was that the posting rests on.
func declared(doc *ubl.Document) map[string]evidence.Value {
	least := 1000
	for _, name := range deciding {
		for _, f := range doc.Field(name) {
			least = min(least, f.Confidence)
		}
	}
	v, err := evidence.IntValue(int64(least))
	if err != nil {
		panic("invoice: " + err.Error()) // a number up to 1000
	}
	return map[string]evidence.Value{"confidence": v}
}

// figures are what a posting is made of. The agent and the validator read them
// each for itself.
type figures struct {
	Kind, Number, Issued, Net, Tax, Payable, Currency, IBAN string
}

// read takes the figures from a document. A figure that cannot be read stays
// empty, and nothing empty can be posted.
func read(doc *ubl.Document) figures {
	minor := func(name string) string {
		m, err := ubl.ParseMoney(certain(doc, name), doc.Currency())
		if err != nil {
			return ""
		}
		return m.Minor
	}
	// The books carry what is owed in all: what was prepaid is settled there.
	f := figures{Kind: string(doc.Kind), Number: certain(doc, "number"), Issued: certain(doc, "issue_date"), Net: minor("total_without_vat"),
		Tax: minor("tax_total"), Payable: minor("total_with_vat"), Currency: doc.Currency()}
	// An account that is none is not sent on; its check says so to a person.
	f.IBAN, _ = ubl.ParseIBAN(certain(doc, "payee_iban"))
	if f.Tax == "" && f.Net == f.Payable {
		f.Tax = "0" // EN 16931 asks for no tax total where there is no tax
	}
	return f
}

// arguments are those of the posting that the agent asks for.
func (a *Agent) arguments(digest evidence.Digest, doc *ubl.Document) books.PostArgs {
	f := read(doc)
	return books.PostArgs{Document: string(digest), Kind: books.Kind(f.Kind), Vendor: a.cfg.Validator.vendorID(doc), Number: f.Number, Issued: f.Issued,
		NetMinor: f.Net, TaxMinor: f.Tax, PayableMinor: f.Payable, Currency: f.Currency, IBAN: f.IBAN}
}

// asValue is v as JSON, in the exact form that records hold.
func asValue(v any) evidence.Value {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("invoice: %T: %v", v, err))
	}
	out, err := evidence.ParseValue(data)
	if err != nil {
		panic(fmt.Sprintf("invoice: %T: %v", v, err))
	}
	return out
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-3], "") + "…"
}
