package vault

import (
	"errors"

	"github.com/evidencefactory/evf/evidence"
)

// encode writes disclosures as they stand under the cipher: pointer, class,
// subject and text of each, all length-prefixed.
func encode(list []evidence.Disclosure) []byte {
	size := 0
	for i := range list {
		d := &list[i]
		size += len(d.Pointer) + len(d.Class) + len(d.Subject) + len(d.Text) + 8 // prefixes of one or two bytes
	}
	b := make([]byte, 0, size)
	for i := range list {
		d := &list[i]
		for _, part := range [...]string{d.Pointer, string(d.Class), d.Subject, d.Text} {
			b = appendPart(b, part)
		}
	}
	return b
}

// decode reads what encode wrote.
func decode(b []byte) (list []evidence.Disclosure, err error) {
	for len(b) > 0 {
		var parts [4]string
		for i := range parts {
			part, rest, ok := cutPart(b)
			if !ok {
				return nil, errors.New("are not pointer, class, subject and text of each")
			}
			parts[i], b = string(part), rest
		}
		list = append(list, evidence.Disclosure{Pointer: parts[0], Class: evidence.Class(parts[1]), Subject: parts[2], Text: parts[3]})
	}
	return list, nil
}
