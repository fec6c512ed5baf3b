package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
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

// Seal encrypts a record's disclosures into one block of bytes, nil for none.
// Keys that do not exist yet are made, and are durable before Seal returns.
func (v *Vault) Seal(ctx context.Context, p Place, list []evidence.Disclosure) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	byKey := map[string][]evidence.Disclosure{}
	for _, d := range list {
		name := evidence.KeyName(p.Run, d.Class, d.Subject)
		byKey[name] = append(byKey[name], d)
	}
	names := slices.Sorted(maps.Keys(byKey))
	keys, err := v.keys(ctx, p.Tenant, names)
	if err != nil {
		return nil, err
	}
	var block []byte
	for i, key := range keys {
		block = appendPart(block, key.full)
		block = appendPart(block, seal(key.aead, encode(byKey[names[i]]), p.aad(key.full)))
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

// KeysOf lists the full names of the keys that a block's values lie under; ok
// is false where it is no block.
func KeysOf(block []byte) (names []string, ok bool) {
	for len(block) > 0 {
		name, rest, ok := cutPart(block)
		_, rest, ok2 := cutPart(rest)
		if !ok || !ok2 {
			return nil, false
		}
		names, block = append(names, string(name)), rest
	}
	return names, true
}

// ErrAltered marks a block that was not sealed for this record, or not by us.
var ErrAltered = errors.New("withheld values do not open: the block was altered, or belongs to another record")

// Erased is a key of a block that was destroyed.
type Erased struct {
	Key     string            // its full name
	Erasure evidence.RecordID // the record that says so
}

// Open decrypts what can still be decrypted of a block, in the order of
// pointers, and names the keys that were destroyed. A key that is missing for
// any other reason is ErrLost.
func (v *Vault) Open(ctx context.Context, p Place, block []byte) (list []evidence.Disclosure, erased []Erased, err error) {
	for len(block) > 0 {
		name, rest, ok := cutPart(block)
		sealed, rest, ok2 := cutPart(rest)
		if !ok || !ok2 {
			return nil, nil, fmt.Errorf("record %s: %w", p.Record, ErrAltered)
		}
		block = rest
		key, by, err := v.key(ctx, p.Tenant, string(name))
		if err != nil {
			return nil, nil, fmt.Errorf("record %s: %w", p.Record, err)
		}
		if key == nil {
			erased = append(erased, Erased{string(name), by})
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
