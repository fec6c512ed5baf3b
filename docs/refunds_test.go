package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/server"
	"github.com/evidencefactory/evf/packet"
)

// shopURL is where callShop finds the shop of the running test.
type shopURL struct{}

// callShop is the agent's own way to its target.
func callShop(ctx context.Context, v client.Verdict, run evidence.RunID, args evidence.Value) error {
	data, err := json.Marshal(refundCall{Action: v.Action, Run: run, Permit: v.Permit.Token, Args: args})
	if err != nil {
		return err
	}
	res, err := http.Post(ctx.Value(shopURL{}).(string), "application/json", bytes.NewReader(data))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the shop answered %s", res.Status)
	}
	return errors.Join(err, res.Body.Close())
}

// refunds is a house with the workflow of docs/example in force.
type refunds struct {
	admin, agent *client.Client
	shop         *shop
	booked       []string
	ctx          context.Context // knows the shop
}

func openRefunds(t *testing.T) *refunds {
	t.Helper()
	dir := t.TempDir()
	url := serve(t, dir)
	key, err := os.ReadFile(server.AdminKeyFile(dir, server.DefaultTenant))
	if err != nil {
		t.Fatal(err)
	}
	r := &refunds{admin: &client.Client{Server: url, Key: strings.TrimSpace(string(key))}}
	manifest, err := os.ReadFile("example/refunds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.ApplyWorkflow(t.Context(), client.ApplyWorkflow{Manifest: string(manifest)}); err != nil {
		t.Fatal(err)
	}
	r.agent = r.identity(t, "refund-agent")
	r.shop = &shop{evf: r.identity(t, "shop"), pay: r.pay}
	target := httptest.NewServer(r.shop)
	t.Cleanup(target.Close)
	r.ctx = context.WithValue(t.Context(), shopURL{}, target.URL)
	return r
}

// serve opens a house in dir and answers at a URL.
func serve(t *testing.T, dir string) string {
	t.Helper()
	s, err := server.Open(t.Context(), server.Config{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	house := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		house.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return house.URL
}

func (r *refunds) identity(t *testing.T, name string) *client.Client {
	t.Helper()
	key, err := r.admin.CreateKey(t.Context(), client.CreateKey{Workflow: "refunds", Identity: name})
	if err != nil {
		t.Fatal(err)
	}
	return &client.Client{Server: r.admin.Server, Key: key.Token}
}

func (r *refunds) pay(args evidence.Value) (string, error) {
	order, _ := args.Get("order")
	r.booked = append(r.booked, order.Text())
	return fmt.Sprintf("refund-%d", len(r.booked)), nil
}

// TestReadmeAgent runs the README's agent and target as a reader would.
func TestReadmeAgent(t *testing.T) {
	r := openRefunds(t)
	if err := refund(r.ctx, r.agent, []byte("the cup came broken"), "A-17", "1250"); err != nil {
		t.Fatal(err)
	}
	err := refund(r.ctx, r.agent, []byte("none of it came"), "A-18", "98000")
	if err == nil || !strings.HasPrefix(err.Error(), "hold: ") {
		t.Errorf("a refund above the limit: %v, want a hold", err)
	}
	if len(r.booked) != 1 || r.booked[0] != "A-17" {
		t.Fatalf("booked %q, want A-17 only", r.booked)
	}
	runs, err := r.admin.Runs(r.ctx, "refunds", "")
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v, want 2", len(runs), err)
	}
	report := r.packet(t, runs[0].ID)
	if report.Verdict != packet.Valid {
		t.Errorf("the packet is %s: %+v", report.Verdict, report.Checks)
	}
	for _, s := range report.Slots {
		if s.Name == "action" && s.State != packet.Evidenced {
			t.Errorf("action is %s (%s), want evidenced by the shop", s.State, s.Summary)
		}
	}
}

// packet builds a run's packet and verifies it as a stranger with the key.
func (r *refunds) packet(t *testing.T, run evidence.RunID) packet.Report {
	t.Helper()
	data, err := r.admin.Packet(r.ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	log, err := r.admin.Log(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return packet.Verify(data, packet.Trust{Keys: []string{log.Key}})
}

// TestReadmeTarget calls the README's target without good leave.
func TestReadmeTarget(t *testing.T) {
	r := openRefunds(t)
	run, err := r.agent.Begin(r.ctx, client.BeginRun{Initiator: client.Party{Kind: "human", Name: "sam.ito@example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	args, err := evidence.ParseValue([]byte(`{"amount_minor":"100","order":"A-1","ticket":"` + string(evidence.ZeroDigest) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	v := client.Verdict{Action: evidence.ActionID(client.NewID()), Permit: &client.Permit{Token: "guessed"}}
	if err := callShop(r.ctx, v, run.ID, args); err == nil || len(r.booked) > 0 {
		t.Errorf("the shop paid %q on a permit that nobody gave: %v", r.booked, err)
	}
}
