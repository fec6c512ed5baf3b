package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/evidencefactory/evf/internal/policy"
	"github.com/evidencefactory/evf/internal/replay"
)

type gateCmd struct {
	Replay gateReplayCmd `cmd:"" help:"Decide recorded calls under a manifest, without any effect."`
}

type gateReplayCmd struct {
	Workflow string `required:"" help:"The manifest." placeholder:"FILE" type:"path"`
	Calls    string `required:"" help:"Recorded calls, one JSON object a line; - is standard input." placeholder:"FILE"`
	JSON     bool   `help:"Print a line of JSON for each call, then the totals."`
}

// Help implements kong's.
func (gateReplayCmd) Help() string {
	return `A call is {"run","tool":{"server","name"},"args","inputs":[…],"untrusted":[…]}; docs/policy.md explains it. The manifest is judged as in enforce mode.

Exit codes: 0 every call was decided, whatever the verdicts; 2 a line could not be read; 3 there is no manifest or no recording.`
}

// maxCallLine bounds one recorded call.
const maxCallLine = 16 << 20

// replayed is the verdict on one recorded call, as it is printed.
type replayed struct {
	Run      string          `json:"run"`
	Tool     json.RawMessage `json:"tool"`
	Verdict  policy.Effect   `json:"verdict"`
	Policies []replayPolicy  `json:"policies"`
	Reasons  []replayReason  `json:"reasons"`
}

type replayPolicy struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Effect  string `json:"effect"`
}

type replayReason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// replayTotals ends a replay.
type replayTotals struct {
	Calls      int `json:"calls"`
	Allow      int `json:"allow"`
	Hold       int `json:"hold"`
	Deny       int `json:"deny"`
	Unreadable int `json:"unreadable"`
}

func (c *gateReplayCmd) Run(std streams) error {
	source, err := os.ReadFile(c.Workflow)
	if err != nil {
		return cannotRun(std, err)
	}
	r, err := replay.New(source, time.Now())
	if err != nil {
		return cannotRun(std, fmt.Errorf("%s cannot be used:\n%s", c.Workflow, located(c.Workflow, err.Error())))
	}
	in := std.in
	if c.Calls != "-" {
		f, err := os.Open(c.Calls)
		if err != nil {
			return cannotRun(std, err)
		}
		defer f.Close()
		in = f
	}
	return c.replay(std, r, in)
}

// cannotRun says what is in the way, and that nothing was decided.
func cannotRun(std streams, err error) error {
	fmt.Fprintln(std.err, "evf:", err)
	return exitError(exitCannotRun)
}

func (c *gateReplayCmd) replay(std streams, r *replay.Replay, in io.Reader) error {
	var totals replayTotals
	out := bufio.NewWriter(std.out)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxCallLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		totals.Calls++
		done, err := decideLine(r, line)
		if err != nil {
			totals.Unreadable++
			fmt.Fprintf(std.err, "%s:%d: %s\n", c.Calls, n, plain(err.Error()))
			continue
		}
		totals.count(done.Verdict)
		if err := c.print(out, done); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		totals.Unreadable++
		fmt.Fprintf(std.err, "%s: the line after call %d: %v; nothing after it was read\n", c.Calls, totals.Calls, err)
	}
	if err := errors.Join(c.printTotals(out, totals), out.Flush()); err != nil {
		return err
	}
	if totals.Unreadable > 0 {
		return exitError(exitUndecided)
	}
	return nil
}

func decideLine(r *replay.Replay, line []byte) (replayed, error) {
	call, err := replay.Parse(line)
	if err != nil {
		return replayed{}, err
	}
	v, err := r.Decide(call)
	if err != nil {
		return replayed{}, err
	}
	done := replayed{Run: call.Run, Verdict: v.Effect, Policies: []replayPolicy{}, Reasons: []replayReason{}}
	for _, p := range v.Policies {
		done.Policies = append(done.Policies, replayPolicy{p.ID, p.Version, p.Effect})
	}
	for _, reason := range v.Reasons {
		done.Reasons = append(done.Reasons, replayReason{reason.Code, reason.Text})
	}
	var as struct {
		Tool json.RawMessage `json:"tool"`
	}
	err = json.Unmarshal(line, &as)
	done.Tool = as.Tool
	return done, err
}

func (t *replayTotals) count(e policy.Effect) {
	switch e {
	case policy.Allow:
		t.Allow++
	case policy.Hold:
		t.Hold++
	default:
		t.Deny++
	}
}

func (c *gateReplayCmd) print(w io.Writer, d replayed) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(d)
	}
	why := ""
	if len(d.Reasons) > 0 {
		why = d.Reasons[0].Text
	}
	_, err := fmt.Fprintf(w, "%-5s  %s  %s  %s\n", d.Verdict, plain(d.Run), plain(string(d.Tool)), plain(why))
	return err
}

func (c *gateReplayCmd) printTotals(w io.Writer, t replayTotals) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(struct {
			Totals replayTotals `json:"totals"`
		}{t})
	}
	_, err := fmt.Fprintf(w, "%d calls: %d allowed, %d held, %d denied, %d unreadable\n", t.Calls, t.Allow, t.Hold, t.Deny, t.Unreadable)
	return err
}
