package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/examples/invoice"
	"github.com/evidencefactory/evf/examples/invoice/en16931"
	"github.com/evidencefactory/evf/internal/server"
	"github.com/evidencefactory/evf/packet"
)

// demoReport is what evf demo --json prints.
type demoReport struct {
	Data       string           `json:"data"`
	VKey       string           `json:"vkey"`
	Runs       int              `json:"runs"`
	Records    uint64           `json:"records"`
	Posted     int              `json:"posted"`
	Held       int              `json:"held"`
	Rejected   int              `json:"rejected"`
	Denied     int              `json:"denied"` // actions
	Failed     int              `json:"failed"`
	Unreadable int              `json:"unreadable"`
	Packets    []demoPacket     `json:"packets"`
	Documents  []invoice.Result `json:"documents"`
	Ignored    []string         `json:"ignored"`  // files of the folder that do not end in .xml
	Declared   []declaredRule   `json:"declared"` // the rules of suite en16931, in the order of each document's
}

// declaredRule is a rule that every document is judged by.
type declaredRule struct {
	ID    string        `json:"id"`
	Group en16931.Group `json:"group"`
	Terms string        `json:"terms"`
	Asks  string        `json:"asks"`
}

func declaredRules() (list []declaredRule) {
	for _, r := range en16931.Rules() {
		list = append(list, declaredRule{r.ID, r.Group, r.Terms, r.Statement})
	}
	return list
}

type demoPacket struct {
	File    string         `json:"file"`
	Run     evidence.RunID `json:"run"`
	Verdict packet.Verdict `json:"verdict"`
	Records int            `json:"records"`
}

// play runs the documents, has people decide some, builds and verifies the
// packets, and says what happened.
func (d *demo) play(ctx context.Context, c *demoCmd, std streams) error {
	fmt.Fprintf(d.say, "evidence factory   %s\ndata               %s\n\n", d.url, d.dir)
	in, err := c.inbox()
	if err != nil {
		return err
	}
	results, err := d.process(ctx, in)
	if err != nil {
		return err
	}
	if c.Invoices == "" {
		if err := d.decide(ctx, results); err != nil {
			return err
		}
	}
	report, err := d.report(ctx, in, results)
	if err != nil {
		return err
	}
	valid, err := d.packets(ctx, report)
	if err != nil {
		return err
	}
	d.conclude(report)
	if c.JSON {
		if err := json.NewEncoder(std.out).Encode(report); err != nil {
			return err
		}
	}
	if !valid {
		fmt.Fprintln(std.err, "evf: a packet does not verify")
		return exitError(exitInvalid)
	}
	if c.Exit {
		return nil
	}
	return d.serveOn(ctx, results)
}

func (d *demo) process(ctx context.Context, in *inbox) ([]*invoice.Result, error) {
	fmt.Fprintf(d.say, "%s, each a run of invoice-exceptions:\n", in.size())
	var results []*invoice.Result
	for _, file := range in.files {
		for _, l := range in.open(file) {
			res, err := d.handle(ctx, l)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.name, err)
			}
			results = append(results, &res)
			d.line(&res)
		}
	}
	return results, nil
}

// handle gives a document to the agent. One that could not even be read has no
// digest to be known by, and so no run.
func (d *demo) handle(ctx context.Context, l letter) (invoice.Result, error) {
	if l.problem != "" {
		return invoice.Result{File: l.name, Verdict: invoice.Unreadable, Reasons: []string{l.problem}, Rules: []invoice.Rule{}}, nil
	}
	return d.agent.Process(ctx, l.name, l.data)
}

// line says what became of one document.
func (d *demo) line(r *invoice.Result) {
	mark := map[string]string{invoice.Posted: "●", invoice.Held: "○", invoice.Rejected: "✕", invoice.Failed: "✕", invoice.Unreadable: "◇"}[r.Verdict]
	why := r.Entry
	if why == "" {
		why = strings.Join(r.Reasons, " ")
	}
	fmt.Fprintf(d.say, "  %s %-10s %-36s %s\n", mark, r.Verdict, plain(clipTo(r.File, 36)), plain(clipTo(why, 110)))
	for _, no := range r.Refused {
		by := "refused by the " + no.By
		if no.By == "" {
			by = "NOT REFUSED"
		}
		fmt.Fprintf(d.say, "    %-10s %-36s %s: %s\n", "tried", no.Tried, by, plain(clipTo(no.Why, 80)))
	}
}

func clipTo(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// decide has the controller approve one case and reject another; the clerk
// tries to approve what she began.
func (d *demo) decide(ctx context.Context, results []*invoice.Result) error {
	fmt.Fprintf(d.say, "\npeople decide:\n")
	for _, one := range []struct {
		prefix, decision, reason, comment string
	}{
		{"12-", "approve", "order-confirmed", "Purchase order and delivery note seen."},
		{"11-", "reject", "account-not-confirmed", "The vendor did not confirm the new account by telephone."},
	} {
		for _, r := range results {
			if !strings.HasPrefix(r.File, one.prefix) || r.Verdict != invoice.Held {
				continue
			}
			a, err := d.approvalOf(ctx, r.Run)
			if err != nil {
				return err
			}
			decision := client.Decide{Decision: one.decision, Presentation: a.Presentation, ReasonCode: one.reason, Comment: one.comment}
			if _, err := d.ana.Decide(ctx, a.ID, decision); client.IsKind(err, evidence.Denied) {
				fmt.Fprintf(d.say, "  ✕ %-10s %-36s ana may not: %v\n", "refused", r.File, err)
			} else {
				return fmt.Errorf("the clerk could decide what she began: %v", err)
			}
			if _, err := d.priya.Decide(ctx, a.ID, decision); err != nil {
				return err
			}
			if err := d.agent.Resume(ctx, r); err != nil {
				return err
			}
			fmt.Fprintf(d.say, "  ● %-10s %-36s priya: %s\n", one.decision, r.File, one.reason)
			d.line(r)
		}
	}
	return nil
}

func (d *demo) report(ctx context.Context, in *inbox, results []*invoice.Result) (*demoReport, error) {
	log, err := d.admin.Log(ctx)
	if err != nil {
		return nil, err
	}
	rep := &demoReport{Data: d.dir, VKey: log.Key, Packets: []demoPacket{}, Ignored: in.ignored, Declared: declaredRules()}
	for _, r := range results {
		if r.Run != "" {
			rep.Runs++
		}
		rep.Documents = append(rep.Documents, *r)
		rep.Denied += r.Denied
		switch r.Verdict {
		case invoice.Posted:
			rep.Posted++
		case invoice.Held:
			rep.Held++
		case invoice.Rejected:
			rep.Rejected++
		case invoice.Failed:
			rep.Failed++
		case invoice.Unreadable:
			rep.Unreadable++
		}
	}
	return rep, nil
}

// packets builds a packet per run and verifies each as a stranger would.
func (d *demo) packets(ctx context.Context, rep *demoReport) (valid bool, err error) {
	dir := filepath.Join(d.dir, "packets")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	valid = true
	for _, doc := range rep.Documents {
		if doc.Run == "" {
			continue
		}
		data, err := d.admin.Packet(ctx, doc.Run)
		if err != nil {
			return false, fmt.Errorf("packet of %s: %w", doc.File, err)
		}
		path := filepath.Join(dir, string(doc.Run)+".evf.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return false, err
		}
		r := packet.Verify(data, packet.Trust{Keys: []string{rep.VKey}})
		valid = valid && r.Verdict == packet.Valid
		rep.Packets = append(rep.Packets, demoPacket{File: path, Run: doc.Run, Verdict: r.Verdict, Records: r.Records})
	}
	log, err := d.admin.Log(ctx)
	rep.Records = log.Size
	return valid, err
}

// conclude says in a few lines what there is to see, and where.
func (d *demo) conclude(rep *demoReport) {
	verified := 0
	for _, p := range rep.Packets {
		if p.Verdict == packet.Valid {
			verified++
		}
	}
	fmt.Fprintf(d.say, "\n%d posted, %d wait for a person, %d rejected, %d failed, %d unreadable; %d actions denied\n",
		rep.Posted, rep.Held, rep.Rejected, rep.Failed, rep.Unreadable, rep.Denied)
	fmt.Fprintf(d.say, "%d records sealed; %d of %d packets verify\n\n", rep.Records, verified, len(rep.Packets))
	rows := [][]string{{"books", filepath.Join(d.dir, "books")}, {"log", filepath.Join(d.dir, "log", server.DefaultTenant)}, {"log key", rep.VKey}}
	if len(rep.Packets) > 0 {
		rows = append(rows, []string{"verify one", "evf verify " + rep.Packets[0].File + " --key " + rep.VKey})
	}
	if rep.Held > 0 {
		rows = append(rows, []string{"decide one", "evf approve list --server " + d.url + " --auth " + filepath.Join(d.dir, "priya.key")})
	}
	rows = append(rows, []string{"read one", "evf run list --server " + d.url + " --auth " + filepath.Join(d.dir, "admin.key")})
	if err := table(d.say, rows); err != nil {
		return // the terminal is gone; the report follows all the same
	}
}

// serveOn keeps the installation up until ctx ends, and goes on with held
// cases as people decide them.
func (d *demo) serveOn(ctx context.Context, results []*invoice.Result) error {
	fmt.Fprintf(d.say, "\nserving until Ctrl-C\n")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, r := range results {
			if r.Verdict != invoice.Held {
				continue
			}
			if err := d.agent.Resume(ctx, r); err != nil {
				return fmt.Errorf("%s: %w", r.File, err)
			}
			if r.Verdict != invoice.Held {
				d.line(r)
			}
		}
	}
}
