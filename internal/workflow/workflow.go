// Package workflow keeps which manifest is in force: activation with its
// author and difference, retirement, and the compiled form that every decision
// starts from. The manifest that counts is the one active when a decision is
// made; each record says which one that was.
package workflow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/decision"
	"github.com/evidencefactory/evf/internal/identity"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/redact"
	"github.com/evidencefactory/evf/internal/store"
)

// Compiled is a manifest ready to decide by.
type Compiled struct{ *decision.Rules }

// Ref is how records name it.
func (c *Compiled) Ref() *evidence.WorkflowRef {
	return &evidence.WorkflowRef{Name: c.Workflow, Digest: c.Digest(), Tier: string(c.Tier), Mode: string(c.Mode)}
}

// Raise is the class that the manifest raises a field to.
func (c *Compiled) Raise(t evidence.Type, pattern string) evidence.Class {
	for _, r := range c.Classes {
		if r.Type == t && r.Pointer == pattern {
			return r.Class
		}
	}
	return evidence.Public
}

// Compile reads a manifest and its policies. Its error is of kind Invalid and
// lists every fault with line and column.
func Compile(source []byte) (*Compiled, error) {
	rules, err := decision.Compile(source)
	if err != nil {
		return nil, err
	}
	return &Compiled{rules}, nil
}

// Registry keeps every tenant's workflows. It is safe for concurrent use.
type Registry struct {
	rec    *recorder.Recorder
	people *identity.Directory
	now    func() time.Time

	mu    sync.Mutex // guards cache
	cache map[evidence.Digest]*Compiled
}

// New makes a Registry.
func New(rec *recorder.Recorder, people *identity.Directory, now func() time.Time) *Registry {
	return &Registry{rec: rec, people: people, now: now, cache: map[evidence.Digest]*Compiled{}}
}

// Activation is what activating a manifest changed.
type Activation struct {
	Name     string
	Digest   evidence.Digest
	Previous evidence.Digest // "" for a new workflow
	Changes  []manifest.Change
	Same     bool // it was in force already: nothing was recorded
}

// Activate puts a manifest in force, or with dry only says what that would
// change.
func (r *Registry) Activate(ctx context.Context, by *identity.Caller, source []byte, dry bool) (*Activation, error) {
	// Only here: a manifest that was kept must load under rules made later.
	if err := checkSecrets(string(source)); err != nil {
		return nil, err
	}
	next, err := Compile(source)
	if err != nil {
		return nil, err
	}
	now, before, err := r.current(ctx, by.Tenant, next.Workflow)
	if err != nil {
		return nil, err
	}
	a := &Activation{Name: next.Workflow, Digest: next.Digest(), Previous: now.Digest}
	var old *manifest.Manifest
	if before != nil {
		old = before.Manifest
	}
	a.Changes = manifest.Diff(old, next.Manifest)
	a.Same = a.Digest == a.Previous && !now.Retired
	if dry || a.Same {
		return a, nil
	}
	owner, err := r.people.Pseudonym(ctx, by.Tenant.ID(), "person", next.Owner)
	if err != nil {
		return nil, err
	}
	body := evidence.WorkflowActivated{Name: a.Name, Digest: a.Digest, Previous: a.Previous, Tier: string(next.Tier), Mode: string(next.Mode),
		Owner: owner, OwnerName: next.Owner, Author: by.Ref}
	nameless, err := r.pseudonymous(ctx, by, a.Changes)
	if err != nil {
		return nil, err
	}
	body.Changes, body.Dropped = changes(nameless)
	return a, r.append(ctx, by, evidence.TypeWorkflowActivated, body, recorder.Batch{
		// What whoever reads the record needs to decide again.
		Objects: [][]byte{source, []byte(next.PolicyText()), []byte(next.Policies.SchemaText())},
		Guard: func(tx store.Tx) error {
			w, err := store.Load[store.Workflow](tx, a.Name)
			if err != nil && evidence.KindOf(err) != evidence.NotFound {
				return err
			}
			if w.Digest != a.Previous {
				return evidence.Errorf(evidence.Conflict, "", "workflow %s was changed by someone else just now: look at the difference again", a.Name)
			}
			return r.people.StillGood(tx, by)
		},
	})
}

// pseudonymous keeps owners' names out of a list that is not under their keys.
func (r *Registry) pseudonymous(ctx context.Context, by *identity.Caller, list []manifest.Change) ([]manifest.Change, error) {
	list = slices.Clone(list)
	for i := range list {
		if list[i].Path != "owner" {
			continue
		}
		for _, name := range []*string{&list[i].Before, &list[i].After} {
			if *name == "" {
				continue
			}
			ref, err := r.people.Pseudonym(ctx, by.Tenant.ID(), "person", *name)
			if err != nil {
				return nil, err
			}
			*name = ref
		}
	}
	return list, nil
}

// checkSecrets refuses a manifest that holds a secret, and says on which line:
// its text is kept in clear, and leaves in packets.
func checkSecrets(source string) error {
	for _, f := range redact.Scan(source) {
		if f.Kind.Personal() || f.Kind.Guess() {
			continue
		}
		before := source[:f.Start]
		column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
		return evidence.Errorf(evidence.Invalid, "", "line %d, column %d: holds a secret (%s), and a manifest is kept in clear: put a reference in its place",
			strings.Count(before, "\n")+1, column, f.Kind)
	}
	return nil
}

// changes fits a difference into a record.
func changes(list []manifest.Change) (out []evidence.Change, dropped int64) {
	const most, longest = 100, 200
	clip := func(s string) string {
		if len(s) > longest {
			return strings.ToValidUTF8(s[:longest], "") + "…"
		}
		return s
	}
	for i, c := range list {
		if i == most {
			return out, int64(len(list) - most)
		}
		out = append(out, evidence.Change{Path: clip(c.Path), Before: clip(c.Before), After: clip(c.After)})
	}
	return out, 0
}

// Retire takes a workflow out of force: no run begins or goes on under it.
func (r *Registry) Retire(ctx context.Context, by *identity.Caller, name, reason string) error {
	now, _, err := r.current(ctx, by.Tenant, name)
	if err != nil {
		return err
	}
	if now.Name == "" || now.Retired {
		return evidence.Errorf(evidence.NotFound, "", "no workflow of that name is in force")
	}
	return r.append(ctx, by, evidence.TypeWorkflowRetired, evidence.WorkflowRetired{Name: name, Digest: now.Digest, Author: by.Ref, Reason: reason}, recorder.Batch{
		Guard: func(tx store.Tx) error {
			w, err := store.Load[store.Workflow](tx, name)
			if err != nil {
				return err
			}
			if w.Retired || w.Digest != now.Digest {
				return evidence.Errorf(evidence.Conflict, "", "the workflow was changed by someone else just now: look at it again")
			}
			return r.people.StillGood(tx, by)
		},
	})
}

// Active is the compiled manifest in force in a snapshot. Its error is
// evidence.Denied for a workflow that is not registered or retired.
func (r *Registry) Active(tx store.Tx, name string) (*Compiled, error) {
	w, err := store.Load[store.Workflow](tx, name)
	if evidence.KindOf(err) == evidence.NotFound && err != nil || w.Retired {
		return nil, evidence.Errorf(evidence.Denied, "", "the workflow is not in force: apply its manifest first")
	}
	if err != nil {
		return nil, err
	}
	return r.load(tx, w.Digest)
}

// StillActive refuses a decision whose manifest is no longer in force. Guards
// call it.
func (r *Registry) StillActive(tx store.Tx, c *Compiled) error {
	w, err := store.Load[store.Workflow](tx, c.Workflow)
	if err != nil {
		return err
	}
	if w.Retired || w.Digest != c.Digest() {
		return evidence.Errorf(evidence.Conflict, "", "workflow %s was changed just now: ask again", c.Workflow)
	}
	return nil
}

// List is every workflow of a tenant, retired ones too.
func (r *Registry) List(ctx context.Context, t store.Tenant) (list []store.Workflow, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		list, err = store.LoadAll[store.Workflow](tx, "", "", "", 1000)
		return err
	})
	return list, err
}

// Show is one workflow and its manifest's text.
func (r *Registry) Show(ctx context.Context, t store.Tenant, name string) (w store.Workflow, source []byte, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		if w, err = store.Load[store.Workflow](tx, name); err != nil {
			return err
		}
		source, err = tx.Object(w.Digest)
		return err
	})
	return w, source, err
}

// Declares refuses an identity that the manifest in force does not have.
func (r *Registry) Declares(ctx context.Context, t store.Tenant, name, identity string) error {
	return t.View(ctx, func(tx store.Tx) error {
		c, err := r.Active(tx, name)
		if err != nil {
			return err
		}
		if _, ok := c.Identity(identity); !ok {
			return evidence.Errorf(evidence.NotFound, "/identity", "is not one that workflow %s declares", name)
		}
		return nil
	})
}

// current is what is registered under a name, zero for nothing.
func (r *Registry) current(ctx context.Context, t store.Tenant, name string) (w store.Workflow, c *Compiled, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		w, err = store.Load[store.Workflow](tx, name)
		if err != nil && evidence.KindOf(err) == evidence.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		c, err = r.load(tx, w.Digest)
		return err
	})
	return w, c, err
}

// Manifest is one that was put in force at some time, by its digest.
func (r *Registry) Manifest(tx store.Tx, d evidence.Digest) (*manifest.Manifest, error) {
	c, err := r.load(tx, d)
	if err != nil {
		return nil, err
	}
	return c.Manifest, nil
}

// maxCache bounds the compiled manifests held in memory.
const maxCache = 256

func (r *Registry) load(tx store.Tx, d evidence.Digest) (*Compiled, error) {
	r.mu.Lock()
	c, ok := r.cache[d]
	r.mu.Unlock()
	if ok {
		return c, nil
	}
	source, err := tx.Object(d)
	if err != nil {
		return nil, err
	}
	if evidence.DigestOf(source) != d {
		return nil, fmt.Errorf("the manifest kept as %s was altered: run fsck", d)
	}
	if c, err = Compile(source); err != nil {
		return nil, fmt.Errorf("the manifest kept as %s: %w", d, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.cache) >= maxCache {
		clear(r.cache)
	}
	r.cache[d] = c
	return c, nil
}

func (r *Registry) append(ctx context.Context, by *identity.Caller, typ evidence.Type, body any, b recorder.Batch) error {
	b.Drafts = []recorder.Draft{{ID: evidence.RecordID(uuid.Must(uuid.NewV7()).String()), Type: typ, Occurred: evidence.TimeOf(r.now()), Body: evidence.Body(body)}}
	_, err := r.rec.Append(ctx, recorder.Origin{
		Tenant: by.Tenant, Submitter: "evf", House: true, Assurance: "enforced",
		Actor:  evidence.Actor{Kind: "human", Ref: by.Ref},
		Source: evidence.Source{Name: "evf", Kind: "workflow", Version: "1"},
	}, b)
	return err
}
