// Package identity says who is calling and what they may do. Keys are 256
// random bits, shown once; what is kept of one is its digest, in a record, so
// that who could act is evidence like everything else. Revocation counts from
// the next request on: nothing is cached.
package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/vault"
)

// Caller is an authenticated person or workload.
type Caller struct {
	Tenant   store.Tenant
	Grant    string // the key they came with
	Kind     string // person or workload
	Ref      string // a person's pseudonym, or workflow/identity
	Workflow string // for workloads
	Identity string // the manifest's name, for workloads
	Roles    []string
}

// Has reports whether the caller holds a role.
func (c *Caller) Has(role string) bool { return slices.Contains(c.Roles, role) }

// The roles that the house itself knows. Every other role is a word that
// approvals ask for.
const (
	RoleAdmin      = "admin"      // manages people, keys and workflows, and erases
	RoleAuditor    = "auditor"    // reads and exports evidence
	RoleCompliance = "compliance" // likewise, and places and releases legal holds; stops workflows
	RoleViewer     = "viewer"     // reads evidence
)

// Operation is something a caller may or may not do at all; what they may do
// it to is for the packages behind to say.
type Operation string

// The operations.
const (
	RunWork   Operation = "run"       // begin and end runs, submit records, ask for actions
	Redeem    Operation = "redeem"    // spend permits
	Read      Operation = "read"      // runs, records, workflows
	Export    Operation = "export"    // build packets
	Decide    Operation = "decide"    // look at approvals and decide them
	Configure Operation = "configure" // workflows
	Manage    Operation = "manage"    // people and keys
	Erase     Operation = "erase"     // erase by authority, let retention run
	Hold      Operation = "hold"      // place and release legal holds
	Stop      Operation = "stop"      // stop workflows, and release them
)

// Who may do what: workloads by kind, people by role. Someone without a role
// may do nothing. Which approvals a person may see and decide is for the
// approval to say.
var (
	workloadMay = []Operation{RunWork, Redeem, Read}
	roleMay     = map[string][]Operation{
		RoleAdmin:      {Read, Export, Decide, Configure, Manage, Erase, Hold, Stop},
		RoleAuditor:    {Read, Export, Decide},
		RoleCompliance: {Read, Export, Decide, Hold, Stop},
		RoleViewer:     {Read},
	}
	otherRoleMay = []Operation{Decide}
)

// May refuses an operation that is not the caller's, with evidence.Denied.
func (c *Caller) May(op Operation) error {
	if c.Kind == "workload" && slices.Contains(workloadMay, op) {
		return nil
	}
	for _, role := range c.Roles {
		may, known := roleMay[role]
		if !known {
			may = otherRoleMay
		}
		if slices.Contains(may, op) {
			return nil
		}
	}
	return evidence.Errorf(evidence.Denied, "", "this key may not %s: its holder is a %s with the roles %q", op, c.Kind, c.Roles)
}

// Reads reports whether the caller may read all evidence of the tenant.
func (c *Caller) Reads() bool { return c.Kind == "person" && c.May(Read) == nil }

// Opens reports whether the caller may see what a class withholds, in a story
// as in a packet. Evidence is tested without knowing who people are: names are
// for those who run the house.
func (c *Caller) Opens(class evidence.Class) bool {
	return c.Reads() && (class != evidence.Personal || c.Has(RoleAdmin) || c.Has(RoleCompliance))
}

// Directory knows the keys and people of every tenant.
type Directory struct {
	rec   *recorder.Recorder
	vault *vault.Vault
	open  func(evidence.TenantID) store.Tenant // nil for an unknown tenant
	now   func() time.Time
}

// New makes a Directory; open finds a tenant, or nil.
func New(rec *recorder.Recorder, v *vault.Vault, open func(evidence.TenantID) store.Tenant, now func() time.Time) *Directory {
	return &Directory{rec: rec, vault: v, open: open, now: now}
}

const tokenPrefix = "evf"

// stranger is the one answer to every key that is not good, so that nothing
// can be learned from it.
func stranger() error {
	return evidence.Errorf(evidence.Stranger, "", "the key is missing, unknown, expired or revoked: send a good one as Authorization: Bearer …")
}

// Authenticate finds who a key belongs to. Every refusal is the same
// evidence.Stranger.
func (d *Directory) Authenticate(ctx context.Context, token string) (*Caller, error) {
	part := strings.Split(token, "_")
	if len(part) != 4 || part[0] != tokenPrefix {
		return nil, stranger()
	}
	id, err := evidence.ParseTenant(part[1])
	if err != nil {
		return nil, stranger()
	}
	t := d.open(id)
	if t == nil {
		return nil, stranger()
	}
	var c *Caller
	err = t.View(ctx, func(tx store.Tx) (err error) {
		c, err = d.caller(tx, t, part[2], part[3])
		return err
	})
	return c, err
}

func (d *Directory) caller(tx store.Tx, t store.Tenant, grant, secret string) (*Caller, error) {
	g, err := store.Load[store.Grant](tx, grant)
	if err != nil && evidence.KindOf(err) != evidence.NotFound {
		return nil, err
	}
	// Compared even where there is no such grant: the digest is then "".
	if subtle.ConstantTimeCompare([]byte(secretDigest(secret)), []byte(g.Secret)) != 1 || !d.live(g) {
		return nil, stranger()
	}
	c := &Caller{Tenant: t, Grant: g.ID, Kind: g.Kind, Ref: g.Holder, Workflow: g.Workflow, Identity: g.Identity, Roles: g.Roles}
	if g.Kind == "person" {
		p, err := store.Load[store.Person](tx, g.Holder)
		if err != nil && evidence.KindOf(err) != evidence.NotFound {
			return nil, err
		}
		if !p.Active {
			return nil, stranger()
		}
		c.Roles = p.Roles
	}
	return c, nil
}

func (d *Directory) live(g store.Grant) bool {
	return !g.Revoked && (g.Expires == "" || evidence.TimeOf(d.now()) < g.Expires)
}

// StillGood refuses a caller whose key was revoked, or who was made inactive or
// lost the administrator's role, since they were authenticated. Guards call it,
// so that revocation and decision share a transaction.
func (d *Directory) StillGood(tx store.Tx, c *Caller) error {
	g, err := store.Load[store.Grant](tx, c.Grant)
	if err != nil || !d.live(g) {
		return stranger()
	}
	if c.Kind != "person" {
		return nil
	}
	p, err := store.Load[store.Person](tx, c.Ref)
	if err != nil || !p.Active || c.Has(RoleAdmin) && !slices.Contains(p.Roles, RoleAdmin) {
		return stranger()
	}
	return nil
}

// secretDigest is domain-separated, so that a digest found elsewhere never
// opens a door here.
func secretDigest(secret string) evidence.Digest {
	return evidence.DigestOf([]byte("evf key\n" + secret))
}

// Pseudonym is the name that stands for a person in records.
func (d *Directory) Pseudonym(ctx context.Context, t evidence.TenantID, kind, label string) (string, error) {
	return d.vault.Pseudonym(ctx, t, kind, label)
}

// house is the origin of records that this package writes.
func house(t store.Tenant, by *Caller) recorder.Origin {
	o := recorder.Origin{Tenant: t, Submitter: "evf", House: true, Assurance: "enforced",
		Actor: evidence.Actor{Kind: "platform", Ref: "evf"}, Source: evidence.Source{Name: "evf", Kind: "identity", Version: "1"}}
	if by != nil {
		o.Actor = evidence.Actor{Kind: "human", Ref: by.Ref}
	}
	return o
}

func (c *Caller) ref() string {
	if c == nil {
		return "evf" // the house itself, at first start
	}
	return c.Ref
}

// AddPerson registers a person under a name (usually a mail address), or
// changes their roles; nil roles are those they hold already. By is nil only
// at first start.
func (d *Directory) AddPerson(ctx context.Context, t store.Tenant, by *Caller, name string, roles []string, active bool) (ref string, err error) {
	if strings.TrimSpace(name) == "" || len(name) > 200 {
		return "", evidence.Errorf(evidence.Invalid, "/name", "is empty or longer than 200 bytes")
	}
	if ref, err = d.Pseudonym(ctx, t.ID(), "person", name); err != nil {
		return "", err
	}
	if roles == nil {
		if roles, err = d.roles(ctx, t, ref); err != nil {
			return "", err
		}
	}
	return ref, d.append(ctx, t, by, evidence.TypePersonChanged, evidence.PersonChanged{Person: ref, Name: name, Roles: roles, Active: active, By: by.ref()})
}

// roles are those that a person holds, none where they are not registered.
func (d *Directory) roles(ctx context.Context, t store.Tenant, ref string) (roles []string, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		p, err := store.Load[store.Person](tx, ref)
		roles = append([]string{}, p.Roles...)
		if err != nil && evidence.KindOf(err) == evidence.NotFound {
			return nil
		}
		return err
	})
	return roles, err
}

// IssuePerson gives a registered person a key. The token is shown only here.
func (d *Directory) IssuePerson(ctx context.Context, t store.Tenant, by *Caller, ref string, expires evidence.Time) (grant, token string, err error) {
	return d.issue(ctx, t, by, evidence.GrantIssued{Kind: "person", Holder: ref, Expires: expires}, nil)
}

// IssueWorkload gives an identity of a workflow's manifest a key. Whether the
// manifest knows the identity is for the caller to have checked.
func (d *Directory) IssueWorkload(ctx context.Context, t store.Tenant, by *Caller, workflow, name string, expires evidence.Time) (grant, token string, err error) {
	return d.issue(ctx, t, by, evidence.GrantIssued{Kind: "workload", Holder: workflow + "/" + name, Workflow: workflow, Identity: name, Expires: expires}, nil)
}

// FirstAdmin makes the first administrator of a tenant that has no keys yet;
// where there are keys it does nothing. The token is handed to keep before the
// key is recorded, so that a crash in between leaves a token that opens
// nothing rather than a key that nobody has.
func (d *Directory) FirstAdmin(ctx context.Context, t store.Tenant, name string, keep func(token string) error) error {
	grants, err := d.Grants(ctx, t, "", 1)
	if err != nil || len(grants) > 0 {
		return err
	}
	ref, err := d.AddPerson(ctx, t, nil, name, []string{RoleAdmin}, true)
	if err != nil {
		return err
	}
	_, _, err = d.issue(ctx, t, nil, evidence.GrantIssued{Kind: "person", Holder: ref}, keep)
	return err
}

func (d *Directory) issue(ctx context.Context, t store.Tenant, by *Caller, g evidence.GrantIssued, keep func(token string) error) (grant, token string, err error) {
	id, secret := make([]byte, 8), make([]byte, 32)
	rand.Read(id)
	rand.Read(secret)
	g.Grant, g.By, g.Roles = "key-"+hex.EncodeToString(id), by.ref(), []string{}
	g.Secret = secretDigest(hex.EncodeToString(secret))
	token = strings.Join([]string{tokenPrefix, string(t.ID()), g.Grant, hex.EncodeToString(secret)}, "_")
	if keep != nil {
		if err := keep(token); err != nil {
			return "", "", err
		}
	}
	if err := d.append(ctx, t, by, evidence.TypeGrantIssued, g); err != nil {
		return "", "", err
	}
	return g.Grant, token, nil
}

// Revoke ends a key. It counts from the next request on.
func (d *Directory) Revoke(ctx context.Context, t store.Tenant, by *Caller, grant, reason string) error {
	err := t.View(ctx, func(tx store.Tx) error {
		_, err := store.Load[store.Grant](tx, grant)
		return err
	})
	if err != nil {
		return err
	}
	return d.append(ctx, t, by, evidence.TypeGrantRevoked, evidence.GrantRevoked{Grant: grant, Reason: reason, By: by.ref()})
}

// Departed refuses a person who still holds a good key, and so may act: whoever
// erases them revokes their keys first.
func (d *Directory) Departed(tx store.Tx, ref string) error {
	for after := ""; ; {
		grants, err := store.LoadAll[store.Grant](tx, ref, "", after, 100)
		if err != nil || len(grants) == 0 {
			return err
		}
		for _, g := range grants {
			if after = g.ID; d.live(g) {
				return evidence.Errorf(evidence.Conflict, "", "%s still holds key %s: revoke it first", ref, g.ID)
			}
		}
	}
}

// Name is what a person is called, from their latest registration; "" where it
// was erased.
func (d *Directory) Name(ctx context.Context, c *Caller) (string, error) {
	var rows []store.Row
	err := c.Tenant.View(ctx, func(tx store.Tx) error {
		p, err := store.Load[store.Person](tx, c.Ref)
		if err != nil {
			return err
		}
		rows, err = tx.Rows(p.Seq, 1)
		return err
	})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	o, err := d.rec.Open(ctx, c.Tenant.ID(), rows[0])
	if err != nil {
		return "", err
	}
	name, _ := o.Full.Get("name")
	return name.Text(), nil
}

// Grants lists the keys of a tenant, without what opens them.
func (d *Directory) Grants(ctx context.Context, t store.Tenant, after string, limit int) (list []store.Grant, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		list, err = store.LoadAll[store.Grant](tx, "", "", after, limit)
		return err
	})
	return list, err
}

func (d *Directory) append(ctx context.Context, t store.Tenant, by *Caller, typ evidence.Type, body any) error {
	_, err := d.rec.Append(ctx, house(t, by), recorder.Batch{
		Drafts: []recorder.Draft{{
			ID: evidence.RecordID(uuid.Must(uuid.NewV7()).String()), Type: typ, Occurred: evidence.TimeOf(d.now()), Body: evidence.Body(body),
		}},
		Guard: func(tx store.Tx) error {
			if by == nil {
				return nil
			}
			return d.StillGood(tx, by)
		},
	})
	return err
}
