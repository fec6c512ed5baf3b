package server

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/evidencefactory/evf/internal/redact"
)

// maskedLog takes out of every line what must not be stored in a log either:
// errors from below may quote names, paths and what a file held.
type maskedLog struct{ slog.Handler }

func (h maskedLog) Handle(ctx context.Context, r slog.Record) error {
	message, _ := redact.Mask(r.Message)
	clean := slog.NewRecord(r.Time, r.Level, message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(maskedAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

func (h maskedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = maskedAttr(a)
	}
	return maskedLog{h.Handler.WithAttrs(clean)}
}

func (h maskedLog) WithGroup(name string) slog.Handler {
	return maskedLog{h.Handler.WithGroup(name)}
}

func maskedAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		text, _ := redact.Mask(v.String())
		return slog.String(a.Key, text)
	case slog.KindGroup:
		list := v.Group()
		clean := make([]any, len(list))
		for i := range list {
			clean[i] = maskedAttr(list[i])
		}
		return slog.Group(a.Key, clean...)
	case slog.KindAny:
		text, _ := redact.Mask(fmt.Sprint(v.Any()))
		return slog.String(a.Key, text)
	}
	return a // numbers, times and truth values
}
