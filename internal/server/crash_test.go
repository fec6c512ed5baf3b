package server

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
)

// What cannot be recorded does not happen: the store goes away between look
// and write.
func TestNothingLeavesThatWasNotRecorded(t *testing.T) {
	for name, try := range map[string]func(h *house, run *client.RunHandle, v client.Verdict) (leaked bool, err error){
		"permit": func(h *house, run *client.RunHandle, _ client.Verdict) (bool, error) {
			v, err := run.Ask(h.t.Context(), "", "bank/read", value(h.t, `{"query":"a"}`))
			return v.Permit != nil, err
		},
		"hold": func(h *house, run *client.RunHandle, _ client.Verdict) (bool, error) {
			v, err := run.Ask(h.t.Context(), "", "bank/wire", value(h.t, `{"amount":1}`))
			return len(v.Approvals) > 0, err
		},
		"redemption": func(h *house, run *client.RunHandle, v client.Verdict) (bool, error) {
			err := h.redeem("payments/bank", redemption(h.t, run, v))
			return err == nil, err
		},
		"key": func(h *house, _ *client.RunHandle, _ client.Verdict) (bool, error) {
			k, err := h.admin.CreateKey(h.t.Context(), client.CreateKey{Workflow: "payments", Identity: "agent"})
			return k.Token != "", err
		},
		"presentation": func(h *house, run *client.RunHandle, _ client.Verdict) (bool, error) {
			list, err := h.admin.Approvals(h.t.Context(), "", "")
			h.must(err)
			a, err := h.admin.Approval(h.t.Context(), list[0].ID)
			return a.Shown.Kind() != evidence.Null, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			run, v := h.permitted()
			h.ask(run, "", "bank/wire", `{"amount":2}`)
			h.as("payments/bank")
			h.clock.between(func() { h.must(h.server.store.Close()) })
			leaked, err := try(h, run, v)
			kind(t, err, evidence.Unavailable)
			if leaked {
				t.Error("an answer left that no record stands behind")
			}
			res, _ := h.call("GET", "/readyz", "", "", "")
			if res.StatusCode != 503 {
				t.Errorf("readyz says %d", res.StatusCode)
			}
		})
	}
}

// A copy of the directory, taken while the server runs and never closed, is
// what a crash leaves.
func TestReopenAfterAnAbruptStop(t *testing.T) {
	h := newHouse(t)
	run, v := h.permitted()
	_, held := h.wire()
	h.verified(run)
	before := h.rows()
	head, err := h.admin.Log(t.Context())
	h.must(err)

	left := t.TempDir()
	h.must(os.CopyFS(left, os.DirFS(h.dir)))
	for _, mode := range []string{"keys", "admin.key"} { // CopyFS does not keep modes
		h.must(filepath.WalkDir(filepath.Join(left, mode), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.Chmod(path, 0o600)
		}))
	}
	again := openHouse(t, left, h.clock)
	after := again.rows()
	if len(after) < len(before) {
		t.Fatalf("%d records before, %d after", len(before), len(after))
	}
	for i, row := range before {
		if string(row.Leaf) != string(after[i].Leaf) || string(row.Record) != string(after[i].Record) || string(row.Vault) != string(after[i].Vault) {
			t.Fatalf("record %d is another", i)
		}
	}
	if len(after) != len(before) {
		t.Errorf("opening wrote %d records: %s", len(after)-len(before), after[len(before)].Record)
	}
	if again.count(evidence.TypeKeyRotated) != 1 {
		t.Errorf("the packet key is announced %d times", again.count(evidence.TypeKeyRotated))
	}
	if again.admin.Key != h.admin.Key {
		t.Error("there is another first key")
	}
	if log, err := again.admin.Log(t.Context()); err != nil || log.Key != head.Key || log.Origin != head.Origin {
		t.Errorf("log is %+v, was %+v (%v)", log, head, err)
	}
	// Keys, permits and holds go on as they were.
	for who, c := range h.clients {
		again.clients[who] = again.client(c.Key)
	}
	agent := again.as("payments/agent").Join(run.ID)
	if same := again.ask(agent, v.Action, "bank/pay", payArgs); *same.Permit != *v.Permit {
		t.Error("the permit is another")
	}
	again.must(again.redeem("payments/bank", redemption(t, run, v)))
	again.approve("carla@example.org", held.Approvals[0].ID, "controller")
	again.verified(agent)
}

func TestTwoServersOnOneDirectory(t *testing.T) {
	h := newHouse(t)
	_, err := Open(t.Context(), Config{Data: h.dir})
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("opened twice: %v", err)
	}
	h.must(func() error { _, err := h.admin.Keys(t.Context(), ""); return err }())
}

// A crash between handing the first key over and recording it leaves a token
// that opens nothing; the next start hands over one that does.
func TestFirstKeyAfterACrash(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(AdminKeyFile(dir, DefaultTenant), []byte("evf_default_key-0000000000000000_00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := openHouse(t, dir, newClock())
	if _, err := h.admin.Keys(t.Context(), ""); err != nil {
		t.Errorf("the first key opens nothing: %v", err)
	}
	if n := h.count(evidence.TypeGrantIssued); n != 1 {
		t.Errorf("%d keys", n)
	}
}

func TestFilesAreTheOwners(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"admin.key", "keys/vault.key", "keys/keys.db", "keys/packet-default.key", "keys/log-default.key"} {
		info, err := os.Stat(filepath.Join(h.dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	data, err := os.ReadFile(filepath.Join(h.dir, "evf.db"))
	h.must(err)
	if secret := h.admin.Key[len(h.admin.Key)-64:]; len(data) == 0 || bytes.Contains(data, []byte(secret)) {
		t.Error("a key's secret stands in the database")
	}
}

// A packet key that the log did not announce would sign evidence that nobody
// can trace to this house.
func TestAnotherPacketKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	open := func() error {
		s, err := Open(t.Context(), Config{Data: dir})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "keys", "packet-default.key")
	if err := os.WriteFile(key, bytes.Repeat([]byte("ab"), 32), 0o600); err != nil {
		t.Fatal(err)
	}
	if open() == nil {
		t.Error("opened with another packet key")
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if open() == nil {
		t.Error("a lost packet key was made anew in silence")
	}
}
