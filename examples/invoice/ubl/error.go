package ubl

import (
	"errors"
	"fmt"
)

// Why a document is refused. Parse wraps them in an *Error.
var (
	ErrTooLarge   = errors.New("the document is too large")
	ErrEncoding   = errors.New("the character encoding is not supported")
	ErrForbidden  = errors.New("the document declares a document type or entities")
	ErrTooDeep    = errors.New("the document nests too deeply")
	ErrMalformed  = errors.New("the document is not well-formed XML")
	ErrNotInvoice = errors.New("the document is not a UBL 2.1 Invoice or CreditNote")
)

// Error says why and where a document was refused. Of the document it quotes
// at most names, never text.
type Error struct {
	Kind   error  // one of the Err values of this package
	Line   int    // from 1
	Offset int64  // bytes before the fault, counted in the text as UTF-8 without byte order mark
	Reason string // what is wrong there
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v: line %d (byte %d): %s", e.Kind, e.Line, e.Offset, e.Reason)
}

// Unwrap gives the Kind, for errors.Is.
func (e *Error) Unwrap() error { return e.Kind }
