package ubl

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	utf8Mark    = []byte("\xEF\xBB\xBF")
	declaration = regexp.MustCompile(`^<\?xml\s[^>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']`)
)

// decode returns the document as valid UTF-8 without byte order mark.
func decode(doc []byte) ([]byte, error) {
	text, marked := bytes.CutPrefix(doc, utf8Mark)
	switch label := declared(text); {
	case label == "" || label == "utf-8":
		return checked(text, utf8Fault(text), "a byte sequence that is not UTF-8")
	case label == "us-ascii" || label == "ascii":
		return checked(text, bytes.IndexFunc(text, notASCII), "a byte that is not US-ASCII, the declared encoding")
	case (label == "iso-8859-1" || label == "latin1") && !marked:
		return fromLatin1(text), nil
	}
	return nil, &Error{Kind: ErrEncoding, Line: 1, Reason: "only UTF-8, US-ASCII and ISO-8859-1 are read; convert it to UTF-8"}
}

// declared is the encoding that the XML declaration names, in lower case.
func declared(text []byte) string {
	found := declaration.FindSubmatch(text[:min(len(text), 256)])
	if found == nil {
		return ""
	}
	return strings.ToLower(string(found[1]))
}

func checked(text []byte, fault int, reason string) ([]byte, error) {
	if fault < 0 {
		return text, nil
	}
	line := 1 + bytes.Count(text[:fault], []byte("\n"))
	return nil, &Error{Kind: ErrEncoding, Line: line, Offset: int64(fault), Reason: reason}
}

// utf8Fault is the offset of the first byte that is not UTF-8, -1 without one.
func utf8Fault(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

func notASCII(r rune) bool { return r >= utf8.RuneSelf }

// fromLatin1 uses that the first 256 code points of Unicode are ISO-8859-1.
func fromLatin1(text []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for _, b := range text {
		out = utf8.AppendRune(out, rune(b))
	}
	return out
}
