package evidence

import (
	"errors"
	"fmt"
)

// ErrVersion marks bytes of a version that this code does not know.
var ErrVersion = errors.New("unknown version")

// ErrorKind sorts errors by what a caller can do about them. One table in the
// API maps it to an HTTP status, one in the command to an exit code.
type ErrorKind string

// The kinds of Error.
const (
	Invalid     ErrorKind = "invalid"     // mend the request
	Stranger    ErrorKind = "stranger"    // who the caller is could not be established
	Denied      ErrorKind = "denied"      // the caller may not
	NotFound    ErrorKind = "not_found"   // no such thing, or not for this caller
	Conflict    ErrorKind = "conflict"    // it was decided otherwise already
	Unavailable ErrorKind = "unavailable" // try again; the reason is for the log
	Fault       ErrorKind = "internal"    // our fault; a caller is told no more than that
)

// Error is an error a person can act on: what, where, what to do. Message and
// Field hold nothing a caller sent except names.
type Error struct {
	Kind    ErrorKind
	Field   string // where: a JSON pointer, a parameter, or ""
	Message string // what is wrong and what to do
	Cause   error  // what errors.Is and errors.As find below it
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an Error; an error among args that %w wraps becomes its cause.
func Errorf(kind ErrorKind, field, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Field: field, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// KindOf is the kind of the first Error in err's chain, Fault without one.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Fault
}
