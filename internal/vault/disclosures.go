package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// Place is the record that disclosures belong to. A ciphertext moved to
// another place does not open.
type Place struct {
	Tenant evidence.TenantID
	Run    evidence.RunID
	Record evidence.RecordID
}

// keyName says which key a disclosure lies under: its subject's where it is
// personal, else its run's, else the house's.
func (p Place) keyName(d *evidence.Disclosure) string {
	switch {
	case d.Subject != "":
		return "subject/" + d.Subject
	case p.Run != "":
		return "run/" + string(p.Run)
	}
	return "house"
}

// Seal encrypts a record's disclosures into one block of bytes, nil for none.
// Keys that do not exist yet are made, and are durable before Seal returns.
func (v *Vault) Seal(ctx context.Context, p Place, list []evidence.Disclosure) ([]byte, error) {
	byKey := map[string][]evidence.Disclosure{}
	var names []string
	for _, d := range list {
		name := p.keyName(&d)
		if _, ok := byKey[name]; !ok {
			names = append(names, name)
		}
		byKey[name] = append(byKey[name], d)
	}
	slices.Sort(names)
	var block []byte
	for _, name := range names {
		key, err := v.key(ctx, p.Tenant, name, true)
		if err != nil {
			return nil, err
		}
		block = appendPart(block, name)
		block = appendPart(block, seal(key, encode(byKey[name]), p.aad(name)))
	}
	return block, nil
}

func (p Place) aad(name string) []byte {
	return aad(string(p.Tenant), string(p.Run), string(p.Record), name)
}

func appendPart[T string | []byte](b []byte, part T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

func cutPart(b []byte) (part, rest []byte, ok bool) {
	n, k := binary.Uvarint(b)
	if k <= 0 || uint64(len(b)-k) < n {
		return nil, nil, false
	}
	return b[k : k+int(n)], b[k+int(n):], true
}

// ErrAltered marks a block that was not sealed for this record, or not by us.
var ErrAltered = errors.New("withheld values do not open: the block was altered, or belongs to another record")

// Open decrypts what can still be decrypted of a block, in the order of
// pointers. Erased names the keys that no longer exist.
func (v *Vault) Open(ctx context.Context, p Place, block []byte) (list []evidence.Disclosure, erased []string, err error) {
	for len(block) > 0 {
		name, rest, ok := cutPart(block)
		sealed, rest, ok2 := cutPart(rest)
		if !ok || !ok2 {
			return nil, nil, fmt.Errorf("record %s: %w", p.Record, ErrAltered)
		}
		block = rest
		key, err := v.key(ctx, p.Tenant, string(name), false)
		if err != nil {
			return nil, nil, err
		}
		if key == nil {
			erased = append(erased, string(name))
			continue
		}
		plain, err := open(key, sealed, p.aad(string(name)))
		if err != nil {
			return nil, nil, fmt.Errorf("record %s: %w", p.Record, ErrAltered)
		}
		part, err := decode(plain)
		if err != nil {
			return nil, nil, fmt.Errorf("record %s: disclosures: %w", p.Record, err)
		}
		list = append(list, part...)
	}
	slices.SortFunc(list, func(a, b evidence.Disclosure) int { return strings.Compare(a.Pointer, b.Pointer) })
	return list, erased, nil
}
