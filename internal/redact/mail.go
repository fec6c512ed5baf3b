package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanMail finds mail addresses (RFC 5321 section 4.1.2, RFC 6531).
func (s *source) scanMail() {
	for from := 0; ; {
		i := strings.IndexByte(s.text[from:], '@')
		if i < 0 {
			break
		}
		s.mail(from+i, 1)
		from += i + 1
	}
	for from := 0; ; { // percent-encoded, in a query
		i := strings.Index(s.text[from:], "%40")
		if i < 0 {
			return
		}
		s.mail(from+i, 3)
		from += i + 3
	}
}

// mail reads both sides of an @ that stands at at and has size bytes.
func (s *source) mail(at, size int) {
	start := s.localStart(at)
	if start == at || s.inURL(start) || s.text[start:at] == "git" {
		return
	}
	stop := s.domainEnd(at + size)
	if stop == 0 {
		return
	}
	s.add(EMail, start, stop)
}

// inURL reports whether the user or password of a URL begins at or goes on at
// i.
func (s *source) inURL(i int) bool {
	const longest = 200
	before := s.text[max(0, i-longest):i]
	from := strings.LastIndex(before, "://")
	return from >= 0 && !strings.ContainsAny(before[from+3:], "/?&#=\"'<> \n\t")
}

// localStart is where the part before an @ begins.
func (s *source) localStart(at int) int {
	const longest = 128 // 64 by the standard; letters beyond ASCII are two or more
	if at > 1 && s.text[at-1] == '"' {
		if i := strings.LastIndexByte(s.text[max(0, at-longest):at-1], '"'); i >= 0 && !strings.ContainsAny(s.text[max(0, at-longest)+i:at], "\n") {
			return max(0, at-longest) + i
		}
	}
	start := at
	for start > 0 && at-start < longest {
		r, size := utf8.DecodeLastRuneInString(s.text[:start])
		if !isLocal(r) {
			break
		}
		start -= size
	}
	for start < at && strings.IndexByte(".'#*!$", s.text[start]) >= 0 {
		start++
	}
	return start
}

func isLocal(r rune) bool {
	if r >= utf8.RuneSelf {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
	}
	return sets[byte(r)]&(alnum|dot|hyphen|under|tilde) != 0 || strings.ContainsRune("+%'!#$*^", r)
}

// domainEnd is where a domain with at least two labels, or an address literal,
// ends; 0 where there is none.
func (s *source) domainEnd(i int) int {
	if i < len(s.text) && s.text[i] == '[' {
		if end := strings.IndexByte(s.text[i:min(len(s.text), i+50)], ']'); end > 0 && is(s.text, i+end-1, digit|hexLow) {
			return i + end + 1
		}
		return 0
	}
	stop, lastDot, labels := i, -1, 0
	for stop < len(s.text) && stop-i < 255 {
		r, size := utf8.DecodeRuneInString(s.text[stop:])
		switch {
		case r == '.':
			if stop == i || s.text[stop-1] == '.' || s.text[stop-1] == '-' {
				return domainOr0(s.text, lastDot, stop, labels)
			}
			if !labelBegins(s.text[stop+1:]) {
				return domainOr0(s.text, lastDot, stop, labels)
			}
			lastDot, labels = stop, labels+1
		case r == '-' || r < utf8.RuneSelf && sets[byte(r)]&alnum != 0 || r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)):
		default:
			return domainOr0(s.text, lastDot, stop, labels)
		}
		stop += size
	}
	return domainOr0(s.text, lastDot, stop, labels)
}

func labelBegins(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// domainOr0 is stop where the last label could be a top-level domain.
func domainOr0(t string, lastDot, stop, labels int) int {
	for stop > lastDot+1 && t[stop-1] == '-' {
		stop--
	}
	if labels == 0 || stop-lastDot-1 < 2 || is(t, lastDot+1, digit) {
		return 0
	}
	return stop
}
