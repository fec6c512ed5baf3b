package evidence

import (
	"fmt"
	"strconv"
	"strings"
)

// Removed says what was taken out of one free text before it was kept, and how
// often. The marker in the text says where.
type Removed struct {
	Pointer string `json:"pointer"` // RFC 6901, into the body as it was submitted
	Kind    string `json:"kind"`    // of what was found, such as github-token or iban
	Count   int64  `json:"count"`
}

func appendRemoved(dst []byte, m Removed) []byte {
	dst = strconv.AppendInt(append(dst, `{"count":`...), m.Count, 10)
	dst = appendString(append(dst, `,"kind":`...), m.Kind)
	return append(appendString(append(dst, `,"pointer":`...), m.Pointer), '}')
}

// checkRemoved wants counts of known form, sorted, each pointer and kind once.
func checkRemoved(list []Removed) error {
	for i, m := range list {
		if _, err := splitPointer(m.Pointer); err != nil {
			return fmt.Errorf("removed/%d: %w", i, err)
		}
		if !isKind(m.Kind) || m.Count < 1 || m.Count > MaxRecord {
			return fmt.Errorf("removed/%d: kind is not 1 to 40 of a-z, 0-9 and hyphen, or count is not 1 to %d", i, MaxRecord)
		}
		if i > 0 && CompareRemoved(list[i-1], m) >= 0 {
			return fmt.Errorf("removed/%d: entries are sorted by pointer and kind, each once", i)
		}
	}
	return nil
}

// CompareRemoved orders entries by pointer, as member names are ordered, then
// kind.
func CompareRemoved(a, b Removed) int {
	if c := compareUTF16(a.Pointer, b.Pointer); c != 0 {
		return c
	}
	return strings.Compare(a.Kind, b.Kind)
}

// isKind accepts kinds of what was removed.
func isKind(s string) bool {
	ok := len(s) >= 1 && len(s) <= 40
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	return ok
}

// removed reads the one member that a record may do without; an empty list is
// not how that is said, and fails the comparison of bytes.
func (d *decoder) removed(v Value) (list []Removed) {
	if _, ok := v.Get("removed"); !ok {
		return nil
	}
	for _, m := range d.member(v, "removed", Array).Elems() {
		count, _ := d.member(m, "count", Number).Int()
		list = append(list, Removed{Pointer: d.text(m, "pointer"), Kind: d.text(m, "kind"), Count: count})
		d.noMore(m, 3)
	}
	return list
}
