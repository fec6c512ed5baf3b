// Package vendors holds the vendor master, the list of suppliers that may be
// paid and the accounts they may be paid into, and compares invoices with it.
//
// The package is pure: the master comes as bytes, and a check states facts about
// one document and nothing else.
package vendors

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
	"go.yaml.in/yaml/v3"
)

// Limits of a vendor master. A larger one is refused.
const (
	MaxSize    = 1 << 20 // bytes
	MaxVendors = 10_000
)

// Status says whether a vendor may be paid.
type Status string

const (
	Active  Status = "active"
	Blocked Status = "blocked"
)

// Vendor is one supplier.
type Vendor struct {
	ID     string   `yaml:"id"`     // up to 64 letters, digits, "-", "_" and "."
	Name   string   `yaml:"name"`   // as registered
	VATID  string   `yaml:"vat_id"` // with country prefix; "" for one without
	IBANs  []string `yaml:"ibans"`  // at least one, in electronic form once loaded
	Status Status   `yaml:"status"`
	Since  string   `yaml:"since"` // YYYY-MM-DD, first day an invoice may bear
}

// Master is a loaded vendor master. It is read-only and safe for concurrent use.
type Master struct {
	vendors []Vendor
	byVAT   map[string]int // indexes into vendors
	byName  map[string]int
}

// Load reads a vendor master in YAML: one document with the key "vendors", a
// list of vendors with the fields of Vendor. Unknown and repeated keys are
// errors, and so is a vendor that cannot be told from another by id, VAT id or
// name. Errors name the line.
func Load(text []byte) (*Master, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("vendor master: it has more than %d bytes", MaxSize)
	}
	list, lines, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("vendor master: %w", err)
	}
	if len(list) == 0 || len(list) > MaxVendors {
		return nil, fmt.Errorf("vendor master: want 1 to %d vendors, found %d", MaxVendors, len(list))
	}
	m := &Master{vendors: list, byVAT: map[string]int{}, byName: map[string]int{}}
	ids := map[string]bool{}
	for i := range m.vendors {
		if err := m.admit(i, ids); err != nil {
			return nil, fmt.Errorf("vendor master: line %d: vendor %q: %w", lines[i], list[i].ID, err)
		}
	}
	return m, nil
}

// All lists the vendors in the order of the file. The caller must not change
// them.
func (m *Master) All() []Vendor { return m.vendors }

// decode reads the list strictly, and the line on which each vendor begins.
func decode(text []byte) ([]Vendor, []int, error) {
	var file struct {
		Vendors []Vendor `yaml:"vendors"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the file is empty")
	} else if err != nil {
		return nil, nil, err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("there is more than one YAML document")
	}
	var places struct {
		Vendors []yaml.Node `yaml:"vendors"`
	}
	if err := yaml.Unmarshal(text, &places); err != nil {
		return nil, nil, err
	}
	if len(places.Vendors) != len(file.Vendors) { // YAML drops them silently
		return nil, nil, errors.New("an entry of the list is empty")
	}
	lines := make([]int, len(places.Vendors))
	for i, node := range places.Vendors {
		lines[i] = node.Line
	}
	return file.Vendors, lines, nil
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// admit checks vendor i and enters it into the indexes.
func (m *Master) admit(i int, ids map[string]bool) error {
	v := &m.vendors[i]
	vat, name := plainID(v.VATID), plainName(v.Name)
	_, sameVAT := m.byVAT[vat]
	_, sameName := m.byName[name]
	switch {
	case !idForm.MatchString(v.ID):
		return errors.New("id wants 1 to 64 letters, digits, dots, dashes or underscores")
	case ids[v.ID]:
		return errors.New("another vendor has this id")
	case name == "":
		return errors.New("name is missing")
	case sameName:
		return errors.New("another vendor has this name")
	case v.VATID != "" && !vatForm.MatchString(vat):
		return errors.New("vat_id wants a country prefix and 2 to 13 letters or digits")
	case v.VATID != "" && sameVAT:
		return errors.New("another vendor has this vat_id")
	case v.Status != Active && v.Status != Blocked:
		return fmt.Errorf("status wants %s or %s", Active, Blocked)
	}
	if _, err := time.Parse(time.DateOnly, v.Since); err != nil {
		return errors.New("since wants a date such as 2026-01-31")
	}
	if err := v.readAccounts(); err != nil {
		return err
	}
	ids[v.ID], m.byName[name] = true, i
	if vat != "" {
		m.byVAT[vat] = i
	}
	return nil
}

func (v *Vendor) readAccounts() error {
	if len(v.IBANs) == 0 {
		return errors.New("ibans wants at least one account")
	}
	for i, s := range v.IBANs {
		iban, err := ubl.ParseIBAN(s)
		if err != nil {
			return fmt.Errorf("ibans[%d]: %w", i, err)
		}
		if slices.Contains(v.IBANs[:i], iban) {
			return fmt.Errorf("ibans[%d]: listed twice", i)
		}
		v.IBANs[i] = iban
	}
	return nil
}

var vatForm = regexp.MustCompile(`^[A-Z]{2}[A-Z0-9]{2,13}$`)

// plainID writes identifiers alike however they are grouped.
func plainID(s string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", ".", "", "-", "").Replace(s))
}

// plainName lets case and white space differ, nothing else: a name that is only
// similar is another name.
func plainName(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}
