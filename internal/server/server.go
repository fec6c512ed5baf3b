// Package server is the one place where the house is put together: it opens
// the data directory, wires every package to those below it, and starts and
// stops them in order.
package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/api"
	"github.com/evidencefactory/evf/internal/approval"
	"github.com/evidencefactory/evf/internal/erasure"
	"github.com/evidencefactory/evf/internal/gate"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/packer"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/sqlite"
	"github.com/evidencefactory/evf/internal/thread"
	"github.com/evidencefactory/evf/internal/vault"
	"github.com/evidencefactory/evf/internal/workflow"
)

// Server is an open house. Make one with Open.
type Server struct {
	cfg     Config
	lock    *os.File
	clock   *steady
	store   *sqlite.Store
	vault   *vault.Vault
	ledger  *ledger.Ledger
	rec     *recorder.Recorder
	desk    *approval.Desk
	eraser  *erasure.Eraser
	handler http.Handler
	packets map[evidence.TenantID]ed25519.PrivateKey
	tenants map[evidence.TenantID]store.Tenant

	stop    context.CancelFunc // ends the background work
	working sync.WaitGroup
}

// Open opens the data directory and starts sealing. The caller closes it.
//
// The order is: lock, store, vault, ledger, then each tenant's log, which
// refuses to go on from a database older than what was published.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	ids, err := cfg.check()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, packets: map[evidence.TenantID]ed25519.PrivateKey{}, tenants: map[evidence.TenantID]store.Tenant{}}
	if err := s.open(ctx, ids); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.working.Go(func() { s.ledger.Run(work) })
	s.working.Go(func() { s.expire(work) })
	s.working.Go(func() { s.retain(work) })
	return s, nil
}

func (s *Server) open(ctx context.Context, ids []evidence.TenantID) (err error) {
	keys := s.path("keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return err
	}
	if s.lock, err = lock(s.cfg.Data); err != nil {
		return err
	}
	_, missing := os.Stat(s.path("evf.db"))
	fresh := errors.Is(missing, fs.ErrNotExist)
	s.clock = newSteady(s.cfg.Clock, s.cfg.elapsed)
	received := func() evidence.Time { return evidence.TimeOf(s.clock.received()) }
	if s.vault, err = vault.Open(ctx, keys, fresh); err != nil {
		return err
	}
	if s.store, err = sqlite.Open(ctx, sqlite.Config{Path: s.path("evf.db"), Clock: received}); err != nil {
		return err
	}
	s.ledger = s.newLedger()
	for _, id := range ids {
		if err := s.openTenant(ctx, id); err != nil {
			return err
		}
	}
	return s.wire(ctx)
}

// path is a file of the data directory.
func (s *Server) path(name string) string { return filepath.Join(s.cfg.Data, name) }

func (s *Server) openTenant(ctx context.Context, id evidence.TenantID) error {
	t, err := s.store.ForTenant(ctx, id, func() string { return ledger.NewOrigin(id) })
	if err != nil {
		return err
	}
	if _, err := s.ledger.Open(ctx, t); err != nil {
		return err
	}
	s.tenants[id] = t
	s.packets[id], err = s.packetKeys().Open(ctx, t)
	return err
}

// wire joins the packages, bottom up.
func (s *Server) wire(ctx context.Context) error {
	if err := s.setClock(ctx); err != nil {
		return err
	}
	now := s.clock.now
	s.rec = recorder.New(s.vault)
	people := identity.New(s.rec, s.vault, func(id evidence.TenantID) store.Tenant {
		if t, ok := s.tenants[id]; ok {
			return t
		}
		return nil
	}, now)
	workflows := workflow.New(s.rec, people, now)
	threads := thread.New(s.rec, people, workflows, now)
	s.desk = approval.NewDesk(s.rec, people, now)
	s.eraser = erasure.New(erasure.Config{Recorder: s.rec, Vault: s.vault, People: people, Workflows: workflows, Ledger: s.ledger,
		List: erasure.List{Path: s.cfg.Erasures}, Clock: now})
	pack := packer.New(packer.Config{Recorder: s.rec, Threads: threads, Ledger: s.ledger, Clock: now, Generator: generator(), Progress: s.cfg.Packing,
		Key: func(t evidence.TenantID) ed25519.PrivateKey { return s.packets[t] }})
	for id, t := range s.tenants {
		// What was ordered to be erased is gone before anything is served.
		if err := errors.Join(s.eraser.BeginRetention(ctx, t), s.eraser.Resume(ctx, t)); err != nil {
			return err
		}
		if err := people.FirstAdmin(ctx, t, "admin@localhost", s.keepToken(id)); err != nil {
			return err
		}
		if err := pack.Announce(ctx, t); err != nil {
			return err
		}
	}
	s.handler = api.New(api.Config{People: people, Workflows: workflows, Threads: threads, Desk: s.desk, Packer: pack, Eraser: s.eraser, Ledger: s.ledger,
		Gate: gate.New(s.rec, s.vault, threads, now), Log: s.cfg.Log, Ready: s.ready})
	return nil
}

// AdminKeyFile is where the first administrator's key of a tenant is kept.
func AdminKeyFile(data string, t evidence.TenantID) string {
	if t == DefaultTenant {
		return filepath.Join(data, "admin.key")
	}
	return filepath.Join(data, "admin-"+string(t)+".key")
}

// keepToken writes the first key where only the owner of the directory reads
// it.
func (s *Server) keepToken(t evidence.TenantID) func(string) error {
	return func(token string) error {
		path := AdminKeyFile(s.cfg.Data, t)
		// One is left over where a crash came before its key was recorded.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return vault.WriteKeyFile(path, []byte(token+"\n"))
	}
}

func (s *Server) ready() error {
	if err := s.store.Err(); err != nil {
		return err
	}
	for id, t := range s.tenants {
		err := t.View(context.Background(), func(tx store.Tx) error {
			_, err := tx.Head()
			return err
		})
		if err != nil {
			return fmt.Errorf("tenant %s: %w", id, err)
		}
	}
	return nil
}

// Handler serves the API.
func (s *Server) Handler() http.Handler { return s.handler }

// Log is a tenant's log, nil for an unknown tenant.
func (s *Server) Log(t evidence.TenantID) *ledger.Log { return s.ledger.For(t) }

// Serve answers on l until ctx ends, then lets calls in progress finish.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute,
		WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return srv.Shutdown(end)
}

// expire denies approvals that have waited too long.
func (s *Server) expire(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if s.strays() {
			continue
		}
		for id, t := range s.tenants {
			if _, err := s.desk.Expire(ctx, t); err != nil && ctx.Err() == nil {
				s.cfg.Log.Error("approvals could not be expired; they can no longer be used all the same", "tenant", id, "error", err)
			}
		}
	}
}

// retainEvery is the time between passes of retention. None comes right after
// the start: a clock that is wrong then can still be seen.
const retainEvery = 6 * time.Hour

// retain erases what its period is over for.
func (s *Server) retain(ctx context.Context) {
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for id, t := range s.tenants {
			done, err := s.eraser.Retain(ctx, t, nil, erasure.Retention{})
			if err != nil && ctx.Err() == nil {
				s.cfg.Log.Error("retention did not run to its end; nothing was erased that is not on record", "tenant", id, "error", err)
			}
			if len(done.Due) > 0 || done.Held > 0 {
				s.cfg.Log.Info("retention", "tenant", id, "runs", len(done.Due), "held", done.Held)
			}
		}
	}
}

// Close seals what is left and closes everything, in the reverse order. It
// can be called on a half-opened server.
func (s *Server) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.working.Wait()
	var errs []error
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.vault != nil {
		errs = append(errs, s.vault.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
