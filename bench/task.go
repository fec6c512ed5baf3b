package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/packet"
)

// work is what a task did and what it took.
type work struct {
	Records int     `json:"records"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	MB      float64 `json:"peak_mb"` // of memory that was resident
}

// rate is records a second.
func (w work) rate() float64 { return float64(w.Records) / w.Seconds }

// perCore is records a second of processor time.
func (w work) perCore() float64 { return float64(w.Records) / w.CPU }

// tasks run in processes of their own, so that their memory is theirs alone.
// Each works in a folder that was made ready.
var tasks = map[string]func(ctx context.Context, dir string) (records int, err error){
	"verify": verifyTask,
	"fsck":   fsckTask,
	"append": appendTask,
}

// child runs a task in a process of its own and waits for it.
func child(ctx context.Context, task, dir string) (w work, err error) {
	self, err := os.Executable()
	if err != nil {
		return w, err
	}
	cmd := exec.CommandContext(ctx, self, "-task", task, "-dir", dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return w, fmt.Errorf("%s: %w", task, err)
	}
	if err := json.Unmarshal(out, &w); err != nil {
		return w, fmt.Errorf("%s: %w", task, err)
	}
	return w, nil
}

// runTask is the child's side of it.
func runTask(ctx context.Context, task, dir string) error {
	f, ok := tasks[task]
	if !ok {
		return fmt.Errorf("there is no task %q", task)
	}
	began, spent := time.Now(), cpuTime()
	records, err := f(ctx, dir)
	if err != nil {
		return err
	}
	w := work{Records: records, Seconds: time.Since(began).Seconds(), CPU: (cpuTime() - spent).Seconds()}
	if w.MB, err = peakMB(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(w)
}

// peakMB is the most memory of this process that was resident, which Linux
// keeps. That of getrusage counts what stood here before exec, the parent's.
func peakMB() (float64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	var kb float64
	_, err = fmt.Fscanf(bytes.NewReader(rest), "%f kB", &kb)
	return kb / 1024, err
}

// verifyTask verifies the packet that lies in a folder beside its log's key.
func verifyTask(_ context.Context, dir string) (int, error) {
	data, err := os.ReadFile(filepath.Join(dir, "packet.evidence"))
	if err != nil {
		return 0, err
	}
	key, err := os.ReadFile(filepath.Join(dir, "trusted"))
	if err != nil {
		return 0, err
	}
	r := packet.Verify(data, packet.Trust{Keys: []string{string(key)}})
	if r.Verdict != packet.Valid {
		return 0, fmt.Errorf("the packet is %s: %+v", r.Verdict, r.Checks)
	}
	return r.Records, nil
}

// fsckTask checks a whole house, as evf fsck does.
func fsckTask(ctx context.Context, dir string) (n int, err error) {
	h, err := openHouse(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	keys, err := ledger.VerifierKeys(ctx, dir, h.tenant)
	if err != nil {
		return 0, err
	}
	r, err := ledger.Fsck(ctx, ledger.FsckConfig{Tenant: h.tenant, Logs: filepath.Join(dir, "log"), Keys: keys,
		Fold: func(ctx context.Context) (ledger.Folded, error) { return sqlite.OpenScratch(ctx) },
		Open: func(ctx context.Context, row store.Row) ([]evidence.RecordID, error) {
			_, err := h.recorder.Open(ctx, h.tenant.ID(), row)
			return nil, err
		}})
	if err != nil {
		return 0, err
	}
	if !r.Clean() || r.Sealed != r.Records {
		return 0, fmt.Errorf("the house is not as it was made: %+v", r)
	}
	return int(r.Records), nil
}

// appendTask has 256 callers append steps for a while.
func appendTask(ctx context.Context, dir string) (int, error) {
	k := newKind(evidence.TypeStepObserved, step)
	c, err := openGuarded(ctx, dir, k, 256)
	if err != nil {
		return 0, err
	}
	before, err := c.kept(ctx)
	if err == nil {
		_, err = drive(ctx, config{warm: time.Second, duration: 5 * time.Second}, c, 256)
	}
	after, err2 := c.kept(ctx)
	return int(after - before), errors.Join(err, err2, c.close())
}
