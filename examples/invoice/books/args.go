package books

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"

	strictjson "github.com/go-json-experiment/json"
)

// PostArgs are the arguments of post_invoice, all of them strings, so that one spelling has one
// digest: a permit is given for exactly these.
type PostArgs struct {
	Document     string `json:"document"` // "sha256:" and 64 hex digits: the document posted
	Kind         Kind   `json:"kind"`
	Vendor       string `json:"vendor"` // id in the vendor master
	Number       string `json:"number"`
	Issued       string `json:"issued"`        // YYYY-MM-DD
	NetMinor     string `json:"net_minor"`     // minor units of Currency, digits only
	TaxMinor     string `json:"tax_minor"`     // likewise; "0" where no tax is due
	PayableMinor string `json:"payable_minor"` // net and tax together
	Currency     string `json:"currency"`      // ISO 4217
	IBAN         string `json:"iban,omitempty"`
}

// VoidArgs are the arguments of void_entry.
type VoidArgs struct {
	Entry  EntryID `json:"entry"`
	Reason string  `json:"reason"`
}

// GetArgs are the arguments of get_entry: Entry, or Run, or Vendor and Number.
type GetArgs struct {
	Entry  EntryID `json:"entry,omitempty"`
	Run    string  `json:"run,omitempty"`
	Vendor string  `json:"vendor,omitempty"`
	Number string  `json:"number,omitempty"`
}

type findArgs struct {
	Query string `json:"query"`
}

// entry turns the arguments into what is to be posted. The vendor's name comes from the vendor
// master, never from the document.
func (a PostArgs) entry(vendorName, posted string, m CallMeta) (Entry, error) {
	e := Entry{
		Posted: posted, Kind: a.Kind, Vendor: a.Vendor, VendorName: vendorName, Number: a.Number,
		Issued: a.Issued, IBAN: a.IBAN, Document: a.Document, Run: m.Run, Action: m.Action,
	}
	for _, part := range []struct {
		name, minor string
		into        *Money
	}{{"net_minor", a.NetMinor, &e.Net}, {"tax_minor", a.TaxMinor, &e.Tax}, {"payable_minor", a.PayableMinor, &e.Payable}} {
		minor, err := strconv.ParseInt(part.minor, 10, 64)
		if err != nil {
			return Entry{}, fmt.Errorf("%w: %s is not a whole number", ErrInvalid, part.name)
		}
		*part.into = Money{Minor: minor, Currency: a.Currency}
	}
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return e, nil
}

// field is one argument of a tool. The tool's JSON Schema and the check of a call are both made
// from it, so they cannot disagree.
type field struct {
	name     string
	about    string
	form     *regexp.Regexp // nil for free text
	most     int            // characters
	optional bool
}

var (
	dateForm  = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	kindForm  = regexp.MustCompile(`^(invoice|credit-note)$`)
	minorForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,15})$`)
)

var postFields = []field{
	{name: "document", about: "SHA-256 digest of the document that is posted: sha256:<64 hex digits>", form: documentForm, most: 71},
	{name: "kind", about: "invoice, or credit-note, which posts the other way round", form: kindForm, most: 11},
	{name: "vendor", about: "vendor id as find_vendor gives it", form: vendorForm, most: 64},
	{name: "number", about: "the vendor's own number of the document", most: maxNumber},
	{name: "issued", about: "date on the document, YYYY-MM-DD", form: dateForm, most: 10},
	{name: "net_minor", about: "net amount in minor units (12480.00 EUR is 1248000), never negative", form: minorForm, most: 16},
	{name: "tax_minor", about: "tax in minor units, 0 where none is due", form: minorForm, most: 16},
	{name: "payable_minor", about: "net and tax together, in minor units", form: minorForm, most: 16},
	{name: "currency", about: "ISO 4217 code", form: currencyForm, most: 3},
	{name: "iban", about: "account that the document asks to be paid to, without spaces", form: ibanForm, most: 34, optional: true},
}

var voidFields = []field{
	{name: "entry", about: "id of the entry to reverse", form: idForm, most: 11},
	{name: "reason", about: "why it is reversed", most: maxReason},
}

var getFields = []field{
	{name: "entry", about: "an entry's id; or give run; or vendor and number", form: idForm, most: 11, optional: true},
	{name: "run", about: "a run's id: all entries that it made", form: refForm, most: 128, optional: true},
	{name: "vendor", about: "a vendor's id, with number", form: vendorForm, most: 64, optional: true},
	{name: "number", about: "the vendor's own number of the document, with vendor", most: maxNumber, optional: true},
}

var findFields = []field{
	{name: "query", about: "part of a vendor's name, an id, a VAT id or an IBAN", most: maxName},
}

// schema describes the fields as a JSON Schema.
func schema(fields []field) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range fields {
		p := map[string]any{"type": "string", "description": f.about, "minLength": 1, "maxLength": f.most}
		if f.form != nil {
			p["pattern"] = f.form.String()
		}
		properties[f.name] = p
		if !f.optional {
			required = append(required, f.name)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

// readArgs holds raw to fields and reads it into A. A name that stands twice is refused, since the
// gate and we might each take another one of the two.
func readArgs[A any](raw json.RawMessage, fields []field) (A, error) {
	var args A
	var object map[string]any
	if err := strictjson.Unmarshal(raw, &object); err != nil || object == nil {
		return args, fmt.Errorf("%w: arguments are not one JSON object with each name once", ErrInvalid)
	}
	for _, f := range fields {
		value, present := object[f.name]
		delete(object, f.name)
		if err := f.check(value, present); err != nil {
			return args, fmt.Errorf("%w: %s: %w", ErrInvalid, f.name, err)
		}
	}
	for name := range object {
		return args, fmt.Errorf("%w: %.40q is not an argument of this tool", ErrInvalid, name)
	}
	if err := strictjson.Unmarshal(raw, &args); err != nil {
		return args, fmt.Errorf("%w: arguments do not read: %w", ErrInvalid, err)
	}
	return args, nil
}

func (f field) check(value any, present bool) error {
	if !present {
		if f.optional {
			return nil
		}
		return errors.New("is missing")
	}
	s, isString := value.(string)
	switch {
	case !isString:
		return errors.New("is not a string")
	case s == "":
		return errors.New("is empty")
	case utf8.RuneCountInString(s) > f.most:
		return fmt.Errorf("is longer than %d characters", f.most)
	case f.form != nil && !f.form.MatchString(s):
		return fmt.Errorf("is not of the form %s", f.form)
	}
	return nil
}
