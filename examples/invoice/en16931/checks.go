package en16931

import (
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// The checks that tables share.

// filled wants an element with text at one of the paths.
func filled(paths ...string) check {
	return oneOf(paths, "is missing or empty", func(e *ubl.Element) bool { return e.Value() != "" })
}

// given wants an element at one of the paths, whatever is in it.
func given(paths ...string) check {
	return oneOf(paths, "is missing", func(*ubl.Element) bool { return true })
}

// oneOf wants an element that will do at one of the paths.
func oneOf(paths []string, fault string, willDo func(*ubl.Element) bool) check {
	fault = strings.Join(paths, " or ") + " " + fault
	return func(_ *invoice, at *ubl.Element) string {
		for _, path := range paths {
			for _, e := range at.All(path) {
				if willDo(e) {
					return ""
				}
			}
		}
		return fault
	}
}

// all wants every check to hold, and gives the first fault.
func all(checks ...check) check {
	return func(in *invoice, at *ubl.Element) string {
		for _, check := range checks {
			if fault := check(in, at); fault != "" {
				return fault
			}
		}
		return ""
	}
}

func attribute(name string) check {
	return func(_ *invoice, at *ubl.Element) string {
		if _, has := at.Attr(name); !has {
			return "the attribute " + name + " is missing"
		}
		return ""
	}
}

// vatCategory wants a category of the VAT scheme with a code.
func vatCategory(path string) check {
	return oneOf([]string{path + "/cbc:ID"}, "is missing for VAT", func(e *ubl.Element) bool { return isVAT(e.Parent()) })
}

// notNegative judges the decimal at path, which read fetches.
func notNegative(path string, read func(*figures, *ubl.Element, string) *apd.Decimal) check {
	return func(_ *invoice, at *ubl.Element) string {
		f := newFigures()
		if read(f, at, path).Sign() < 0 {
			f.blame(path + " is negative")
		}
		return f.fault
	}
}

func has(at *ubl.Element, path string) bool { return at.First(path) != nil }
