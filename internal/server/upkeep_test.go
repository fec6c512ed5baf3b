package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/packet"
)

// stopped stops the server, has f look after the directory, and starts again.
func (h *house) stopped(f func(u *Upkeep)) {
	h.t.Helper()
	h.http.Close()
	h.must(h.server.Close())
	u, err := OpenUpkeep(h.t.Context(), UpkeepConfig{Data: h.dir, Tenant: DefaultTenant, By: "olga@example.org"})
	h.must(err)
	f(u)
	h.must(u.Close())
	h.start()
}

func (h *house) start() {
	h.t.Helper()
	var err error
	h.server, err = Open(h.t.Context(), Config{Data: h.dir, Clock: h.clock.now})
	h.must(err)
	h.http = httptest.NewServer(h.server.Handler())
	h.admin = h.client(h.admin.Key)
	for who, c := range h.clients {
		h.clients[who] = h.client(c.Key)
	}
}

// packetBy builds a run's packet and wants it to be valid for a reader who
// trusts a key, through so many rotations.
func (h *house) packetBy(run evidence.RunID, keys map[string]int) []byte {
	h.t.Helper()
	data, err := h.admin.Packet(h.t.Context(), run)
	h.must(err)
	h.trusts(data, keys)
	return data
}

func (h *house) trusts(data []byte, keys map[string]int) {
	h.t.Helper()
	for key, through := range keys {
		r := packet.Verify(data, packet.Trust{Keys: []string{key}})
		if r.Verdict != packet.Valid || len(r.Rotations) != through {
			h.t.Errorf("by key %s the packet is %s, through %d rotations, want %d: %+v", key, r.Verdict, len(r.Rotations), through, r.Checks)
		}
	}
}

func TestPacketsFollowTheLogsKeys(t *testing.T) {
	h := newHouse(t)
	run, _ := h.permitted()
	log := func() string { l, err := h.admin.Log(t.Context()); h.must(err); return l.Key }
	first := log()
	old := h.packetBy(run.ID, map[string]int{first: 0})
	var second, third string
	h.stopped(func(u *Upkeep) { _, err := u.RotateLogKey(t.Context()); h.must(err) })
	second = log()
	h.packetBy(run.ID, map[string]int{first: 0, second: 0}) // both sign
	h.stopped(func(u *Upkeep) {
		retired, err := u.RetireLogKey(t.Context())
		if h.must(err); retired != first {
			t.Errorf("retired %s", retired)
		}
	})
	h.packetBy(run.ID, map[string]int{first: 1, second: 0})
	h.stopped(func(u *Upkeep) {
		_, err := u.RotateLogKey(t.Context())
		h.must(err)
		_, err = u.RetireLogKey(t.Context())
		h.must(err)
	})
	third = log()
	h.packetBy(run.ID, map[string]int{first: 2, second: 1, third: 0})
	h.trusts(old, map[string]int{first: 0})

	// Given up: no key of the old log leads to the next one.
	h.stopped(func(u *Upkeep) { _, err := u.BeginEpoch(t.Context(), "a test", nil, nil); h.must(err) })
	data := h.packetBy(run.ID, map[string]int{log(): 0})
	for _, key := range []string{first, third} {
		if r := packet.Verify(data, packet.Trust{Keys: []string{key}}); r.Verdict != packet.Undecidable {
			t.Errorf("by a key of the log that was given up the packet is %s", r.Verdict)
		}
	}
	h.clean()

	rotated := last[evidence.KeyRotated](h, evidence.TypeKeyRotated)
	if rotated.Purpose != "log" || rotated.Key != third || rotated.Previous != second || !strings.HasPrefix(rotated.By, "person-") {
		t.Errorf("the record says %+v", rotated)
	}
}

func TestPacketKeyRotates(t *testing.T) {
	h := newHouse(t)
	run, _ := h.permitted()
	l, err := h.admin.Log(t.Context())
	h.must(err)
	old := h.packetBy(run.ID, map[string]int{l.Key: 0})
	var public string
	h.stopped(func(u *Upkeep) { public, err = u.RotatePacketKey(t.Context()); h.must(err) })
	fresh := h.packetBy(run.ID, map[string]int{l.Key: 0})
	h.trusts(old, map[string]int{l.Key: 0})
	for data, want := range map[*[]byte]bool{&old: false, &fresh: true} {
		p, err := packet.Open(*data)
		if h.must(err); (p.Statement().Key == public) != want {
			t.Errorf("a packet is signed by %s", p.Statement().Key)
		}
	}
	if _, err := os.Stat(filepath.Join(h.dir, "keys", "packet-default.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old key's file: %v", err)
	}
	h.clean()

	// It is lost: the server says so, and another is announced.
	files, err := filepath.Glob(filepath.Join(h.dir, "keys", "packet-*.key"))
	if h.must(err); len(files) != 1 {
		t.Fatalf("keys are %v", files)
	}
	h.http.Close()
	h.must(h.server.Close())
	h.must(os.Remove(files[0]))
	if _, err := Open(t.Context(), Config{Data: h.dir}); err == nil || !strings.Contains(err.Error(), "evf packet rotate-key") {
		t.Errorf("opened without the packet key: %v", err)
	}
	h.must(withUpkeep(h, func(u *Upkeep) error { _, err := u.RotatePacketKey(t.Context()); return err }))
	h.start()
	h.packetBy(run.ID, map[string]int{l.Key: 0})
	h.trusts(old, map[string]int{l.Key: 0})
}

func withUpkeep(h *house, f func(u *Upkeep) error) error {
	u, err := OpenUpkeep(h.t.Context(), UpkeepConfig{Data: h.dir, Tenant: DefaultTenant, By: "olga@example.org"})
	if err != nil {
		return err
	}
	return errors.Join(f(u), u.Close())
}

// clean wants fsck to find nothing in the directory as it stands.
func (h *house) clean() {
	h.t.Helper()
	h.http.Close()
	h.must(h.server.Close())
	reports, err := Fsck(h.t.Context(), FsckConfig{Data: h.dir})
	if h.must(err); !reports[0].Clean() {
		h.t.Errorf("fsck: %v", reports[0].Problems)
	}
	h.start()
}

// TestPacketKeyAtEveryStep stops a rotation before and after each of its
// steps: file, record, removal of the old file.
func TestPacketKeyAtEveryStep(t *testing.T) {
	h := openHouse(t, t.TempDir(), newClock())
	h.http.Close()
	h.must(h.server.Close())
	errPower := errors.New("the power went")
	for step := range 3 {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprint("step ", step, " before ", before), func(t *testing.T) {
				dir := t.TempDir()
				h.must(os.CopyFS(dir, os.DirFS(h.dir)))
				c := &house{t: t, dir: dir}
				n := 0
				fault := func(do func() error) error {
					n++
					switch {
					case n != step+1:
						return do()
					case before:
						return errPower
					}
					return errors.Join(do(), errPower)
				}
				err := withUpkeep(c, func(u *Upkeep) error {
					keys := u.house.packetKeys()
					write, remove := keys.Write, keys.Remove
					keys.Write = func(path string, data []byte) error { return fault(func() error { return write(path, data) }) }
					keys.Remove = func(path string) error { return fault(func() error { return remove(path) }) }
					_, err := keys.Rotate(t.Context(), u.tenant, u.by, func(ctx context.Context, body evidence.KeyRotated) error {
						return fault(func() error { return u.record(ctx, ledger.Entry{Type: evidence.TypeKeyRotated, Body: body}) })
					})
					return err
				})
				if !errors.Is(err, errPower) {
					t.Fatalf("rotation: %v", err)
				}
				s, err := Open(t.Context(), Config{Data: dir})
				if err != nil {
					t.Fatal(err)
				}
				c.must(s.Close())
				c.must(withUpkeep(c, func(u *Upkeep) error { _, err := u.RotatePacketKey(t.Context()); return err }))
				if files, err := filepath.Glob(filepath.Join(dir, "keys", "packet-*.key")); err != nil || len(files) != 1 {
					t.Errorf("keys are %v, %v", files, err)
				}
				reports, err := Fsck(t.Context(), FsckConfig{Data: dir})
				if c.must(err); !reports[0].Clean() {
					t.Errorf("fsck: %v", reports[0].Problems)
				}
			})
		}
	}
	h.start()
}

func TestUpkeepRefusals(t *testing.T) {
	h := openHouse(t, t.TempDir(), newClock())
	open := func(cfg UpkeepConfig) error {
		cfg.By = "olga@example.org"
		u, err := OpenUpkeep(t.Context(), cfg)
		if err == nil {
			err = u.Close()
		}
		return err
	}
	if err := open(UpkeepConfig{Data: h.dir, Tenant: DefaultTenant}); !errors.Is(err, ErrLocked) {
		t.Errorf("while a server holds it: %v", err)
	}
	h.http.Close()
	h.must(h.server.Close())
	for _, c := range []struct {
		name string
		cfg  UpkeepConfig
		want string
	}{
		{"no directory", UpkeepConfig{Data: filepath.Join(h.dir, "nowhere"), Tenant: DefaultTenant}, "is not a data directory"},
		{"no such tenant", UpkeepConfig{Data: h.dir, Tenant: "other"}, "has no tenant of this name"},
		{"anchor inside", UpkeepConfig{Data: h.dir, Tenant: DefaultTenant, Anchor: filepath.Join(h.dir, "log")}, "is inside the data directory"},
		{"anchor that is the directory", UpkeepConfig{Data: h.dir, Tenant: DefaultTenant, Anchor: h.dir}, "is inside the data directory"},
		{"anchor that is not there", UpkeepConfig{Data: h.dir, Tenant: DefaultTenant, Anchor: h.dir + "-anchor"}, "make the folder, or mount"},
	} {
		c.cfg.Data = strings.TrimSuffix(c.cfg.Data, "/")
		h.must(os.MkdirAll(filepath.Join(h.dir, "log"), 0o700))
		if err := open(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error about %q", c.name, err, c.want)
		}
	}
	link := filepath.Join(t.TempDir(), "anchor")
	h.must(os.Symlink(filepath.Join(h.dir, "log"), link))
	if err := open(UpkeepConfig{Data: h.dir, Tenant: DefaultTenant, Anchor: link}); err == nil || !strings.Contains(err.Error(), "is inside the data directory") {
		t.Errorf("an anchor that leads inside by a link: %v", err)
	}
	h.start()
}

// TestAnchorStopsAnOlderHouse puts the whole directory back to an earlier day.
func TestAnchorStopsAnOlderHouse(t *testing.T) {
	dir, anchor := t.TempDir(), t.TempDir()
	h := &house{t: t, dir: dir, clock: newClock(), clients: map[string]*client.Client{}}
	run := func(dir string) error {
		s, err := Open(t.Context(), Config{Data: dir, Anchor: anchor})
		if err != nil {
			return err
		}
		return s.Close()
	}
	h.must(run(dir))
	backup := t.TempDir()
	h.must(os.CopyFS(backup, os.DirFS(dir)))
	h.must(withUpkeep(h, func(u *Upkeep) error { _, err := u.RotateLogKey(t.Context()); return err }))
	h.must(run(dir))
	if err := run(backup); !errors.Is(err, ledger.ErrAnchor) || !strings.Contains(err.Error(), "the database is older than the anchor") {
		t.Errorf("an older house starts: %v", err)
	}
	h.must(run(dir))
	// fsck finds the same, in what was put back.
	r, err := Fsck(t.Context(), FsckConfig{Data: backup, Anchor: anchor})
	if h.must(err); r[0].Clean() || !strings.HasPrefix(r[0].Problems[0].Where, "anchor evf-") {
		t.Errorf("fsck: %+v", r[0])
	}
}

// TestFsckAgainstPicksTheTenant holds a house of two tenants against a
// checkpoint of one.
func TestFsckAgainstPicksTheTenant(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Config{Data: dir, Tenants: []string{DefaultTenant, "second"}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Log("second").Seal(t.Context())
	_, kept := s.Log("second").Checkpoint()
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	c := &scene{t: t, dir: dir}
	cfg := FsckConfig{Data: dir, Against: []Kept{{"kept", kept}}}
	for _, r := range c.fsck(cfg) {
		if !r.Clean() {
			t.Errorf("tenant %s: %v", r.Tenant, r.Problems)
		}
	}
	c.edit("UPDATE record SET leaf=CAST(replace(CAST(leaf AS TEXT), 'grant', 'grand') AS BLOB) WHERE pos>>40=2 AND type='grant.issued'")
	r := c.fsck(cfg)
	if !r[0].Clean() || !slices.ContainsFunc(r[1].Problems, func(p ledger.Problem) bool { return p.Where == "kept" }) {
		t.Errorf("first tenant %v, second %v", r[0].Problems, r[1].Problems)
	}
}

// TestFsckKeptFiles holds a house against packets and against files that are
// of no use.
func TestFsckKeptFiles(t *testing.T) {
	h := newHouse(t)
	run, _ := h.permitted()
	data, err := h.admin.Packet(t.Context(), run.ID)
	h.must(err)
	other := openHouse(t, t.TempDir(), newClock())
	h.must(other.server.Log(DefaultTenant).Seal(t.Context()))
	_, foreign := other.server.Log(DefaultTenant).Checkpoint()
	h.http.Close()
	h.must(h.server.Close())
	defer h.start()
	for _, c := range []struct {
		name string
		data []byte
		want string // "" where it holds
	}{
		{"a packet", data, ""},
		{"a packet that was altered", bytes.Replace(data, []byte(`"seq":`), []byte(`"seQ":`), 1), "is not"},
		{"a checkpoint of another house", foreign, "which no tenant here has or had"},
		{"nothing of ours", []byte("hello\n"), "is neither a packet nor a signed checkpoint"},
	} {
		r, err := Fsck(t.Context(), FsckConfig{Data: h.dir, Against: []Kept{{"kept", c.data}}})
		if c.want == "" && (err != nil || !r[0].Clean()) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want an error about %q", c.name, err, c.want)
		}
	}
}
