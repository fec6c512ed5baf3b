package invoice

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/examples/invoice/books"
	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// An agent that reads free text can be talked into things, and one with a
// permit in its hand can try more than it was given leave for. The agent below
// is as gullible and as brazen as can be, so that it shows who stops it.

var (
	ibanInText = regexp.MustCompile(`\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b`)
	toolInText = regexp.MustCompile(`\b([a-z]+)\.([a-z_]+)\b`)
	orders     = regexp.MustCompile(`(?i)\b(ignore|instead|call the tool|approval is not needed)\b`)
)

// obeyNotes does whatever a note in the document orders: pays the account it
// names, calls the tools it names. It is the gate that says no.
func (a *Agent) obeyNotes(ctx context.Context, run *client.RunHandle, digest evidence.Digest, doc *ubl.Document, res *Result) error {
	for _, note := range doc.Field("note") {
		if !orders.MatchString(note.Value) {
			continue
		}
		if iban := ibanInText.FindString(note.Value); iban != "" {
			args := a.arguments(digest, doc)
			args.IBAN = iban
			if err := a.tryAction(ctx, run, res, "pay the account that a note names", toolPost, asValue(args)); err != nil {
				return err
			}
		}
		if m := toolInText.FindStringSubmatch(note.Value); m != nil {
			if err := a.tryAction(ctx, run, res, "call the tool that a note names", m[1]+"/"+m[2], asValue(map[string]string{"note": "as told"})); err != nil {
				return err
			}
		}
	}
	return nil
}

// tryAction asks for leave that should not be given.
func (a *Agent) tryAction(ctx context.Context, run *client.RunHandle, res *Result, what, tool string, args evidence.Value) error {
	v, err := run.Ask(ctx, "", tool, args)
	if err != nil {
		return err
	}
	if v.Verdict != "deny" {
		return errors.New("the gate did not deny what an injected note asked for: " + what)
	}
	res.Denied++
	res.Refused = append(res.Refused, Refusal{Tried: what, By: "gate", Why: v.Summary})
	return nil
}

// tryWithout calls the books without the permit, and with the permit for other
// arguments than it was given for.
func (a *Agent) tryWithout(ctx context.Context, res *Result, leave books.CallMeta, args books.PostArgs) {
	without := leave
	without.Permit = ""
	a.tryCall(ctx, res, "post without a permit", without, args)
	other := args
	other.PayableMinor, other.NetMinor = args.PayableMinor+"0", strings.TrimPrefix(args.PayableMinor+"0", "-")
	other.TaxMinor = "0"
	a.tryCall(ctx, res, "post ten times the amount with the permit", leave, other)
}

// tryTwice uses a spent permit again.
func (a *Agent) tryTwice(ctx context.Context, res *Result, leave books.CallMeta, args books.PostArgs) {
	a.tryCall(ctx, res, "post a second time with the same permit", leave, args)
}

func (a *Agent) tryCall(ctx context.Context, res *Result, what string, leave books.CallMeta, args books.PostArgs) {
	_, err := a.cfg.Books.PostInvoice(ctx, args, leave)
	var refused *books.RefusedError
	if errors.As(err, &refused) {
		res.Refused = append(res.Refused, Refusal{Tried: what, By: "books", Why: refused.Code + ": " + refused.Message})
		return
	}
	// Said as it is: whoever reads the result must see that nobody refused.
	res.Refused = append(res.Refused, Refusal{Tried: what, By: "", Why: "NOT REFUSED"})
}
