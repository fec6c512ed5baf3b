package books

import (
	"encoding/json"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Codes of a refused call.
const (
	CodeInvalid     = "invalid"           // the arguments cannot be posted; mend them
	CodeNoPermit    = "no_permit"         // _meta lacks a permit, run or action
	CodeDenied      = "denied"            // the gate said no to this permit
	CodeDuplicate   = "duplicate_invoice" // the invoice stands already
	CodeConflict    = "conflict"          // the action has written another entry
	CodeVoided      = "voided"            // the entry is void or voids another
	CodeNotFound    = "not_found"         // no such entry or vendor
	CodeUnavailable = "unavailable"       // nothing was written; try again later
	CodeUnknown     = "outcome_unknown"   // the write may or may not stand; read it back first
	CodeInternal    = "internal"          // our fault; nothing was written
)

// RefusedError is the books' answer to a call that they did not carry out.
type RefusedError struct {
	Code    string `json:"code"`
	Message string `json:"message"` // for a person; never holds a permit
}

func (e *RefusedError) Error() string { return "books: " + e.Code + ": " + e.Message }

// refusal says what a caller learns of an error. Errors that are no part of the Journal's contract
// may tell of files and disks, so they stay in the log.
func refusal(err error) *RefusedError {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused
	}
	var duplicate *DuplicateError
	if errors.As(err, &duplicate) {
		return &RefusedError{CodeDuplicate, duplicate.Error()}
	}
	for _, known := range []struct {
		is   error
		code string
	}{
		{ErrInvalid, CodeInvalid}, {ErrNotFound, CodeNotFound}, {ErrConflict, CodeConflict}, {ErrVoided, CodeVoided},
	} {
		if errors.Is(err, known.is) {
			return &RefusedError{known.code, err.Error()}
		}
	}
	switch {
	case errors.Is(err, ErrUnknown):
		return &RefusedError{CodeUnknown, "the write may or may not stand: read it back before trying again"}
	case errors.Is(err, ErrBroken):
		return &RefusedError{CodeUnavailable, ErrBroken.Error()}
	}
	return &RefusedError{CodeInternal, "the books could not do it; nothing was written"}
}

// result packs a tool's answer, as structured content and as the same JSON in text for models
// that read only that.
func result(answer any, isError bool) (*mcp.CallToolResult, error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &mcp.CallToolResult{
		Content:           []mcp.Content{&mcp.TextContent{Text: string(text)}},
		StructuredContent: json.RawMessage(text),
		IsError:           isError,
	}, nil
}
