package docs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// The functions below are quoted in the documents, word for word; see
// TestGoSnippets and TestReadmeAgent.

// refund takes one ticket through the workflow.
func refund(ctx context.Context, agent *client.Client, ticket []byte, order, amount string) error {
	run, err := agent.Begin(ctx, client.BeginRun{Initiator: client.Party{Kind: "human", Name: "sam.ito@example.org"}})
	if err != nil {
		return err
	}
	digest := evidence.DigestOf(ticket)
	if _, err := run.Record(ctx, client.Typed{Type: evidence.TypeInputReferenced, Body: evidence.InputReferenced{
		Document: digest, MediaType: "text/plain", Bytes: int64(len(ticket))}}); err != nil {
		return err
	}
	if _, err := run.Route(ctx, client.RouteCase{Document: digest, Inputs: map[string]evidence.Value{
		"amount_minor": evidence.StringValue(amount)}}); err != nil {
		return err
	}
	args, err := evidence.ObjectValue(
		evidence.Field{Name: "ticket", Value: evidence.StringValue(string(digest))},
		evidence.Field{Name: "order", Value: evidence.StringValue(order)},
		evidence.Field{Name: "amount_minor", Value: evidence.StringValue(amount)})
	if err != nil {
		return err
	}
	verdict, err := run.Ask(ctx, "", "shop/refund", args)
	if err != nil {
		return err
	}
	if verdict.Verdict != "allow" { // on hold, ask again with verdict.Action once a person has decided
		return fmt.Errorf("%s: %s", verdict.Verdict, verdict.Summary)
	}
	outcome := client.Outcome{Status: "succeeded", Attempts: 1}
	if err := callShop(ctx, verdict, run.ID, args); err != nil {
		outcome = client.Outcome{Status: "refused", Attempts: 1, Code: "shop"}
	}
	if err := run.Done(ctx, verdict.Action, outcome); err != nil {
		return err
	}
	return run.End(ctx, "completed", "")
}

// refundCall is what the agent sends to the shop: the arguments and the leave.
type refundCall struct {
	Action evidence.ActionID `json:"action"`
	Run    evidence.RunID    `json:"run"`
	Permit string            `json:"permit"`
	Args   evidence.Value    `json:"args"`
}

// shop pays refunds, and nothing without a permit.
type shop struct {
	evf *client.Client // with the key of identity shop
	pay func(args evidence.Value) (entry string, err error)
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var call refundCall
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&call); err != nil {
		http.Error(w, "not a refund", http.StatusBadRequest)
		return
	}
	if err := s.evf.Redeem(r.Context(), client.Redemption{
		Action: call.Action, Run: call.Run, Permit: call.Permit, Tool: "shop/refund", Args: call.Args}); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	entry, err := s.pay(call.Args)
	if err != nil {
		http.Error(w, "the refund could not be booked", http.StatusInternalServerError)
		return
	}
	// What stands in the books now is worth more than what the agent says.
	_, err = s.evf.Join(call.Run).Record(r.Context(), client.Typed{Type: evidence.TypeChangeObserved, Body: evidence.ChangeObserved{
		Action: string(call.Action), Target: "shop", Entry: entry, Digest: evidence.DigestOf([]byte(entry)), After: call.Args}})
	if err != nil {
		http.Error(w, "booked, and not recorded", http.StatusInternalServerError)
	}
}
