package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/object"
)

// FsckConfig says which tenant is checked, and what it is held against.
type FsckConfig struct {
	Tenant store.Tenant
	// Logs is the folder with one published log per tenant below it.
	Logs string
	// Keys are the verifier keys that sign now, as VerifierKeys gives them.
	Keys []string
	// Against are checkpoints kept elsewhere.
	Against []Outside
	// Open opens everything a record withholds and holds it against its
	// commitments; its error says what is wrong. Erased are the erasures that
	// destroyed keys of it. It is called for several rows at once. Nil leaves
	// that unchecked.
	Open func(ctx context.Context, row store.Row) (erased []evidence.RecordID, err error)
	// Values goes through the keys of withheld values, by full name; erasure
	// is "" for one that is there. Nil leaves tombstones unchecked.
	Values func(ctx context.Context, each func(full string, erasure evidence.RecordID)) error
	// Kept goes through the erasures that are kept beside the keys, which may
	// be newer than the records are.
	Kept func(ctx context.Context, each func(id evidence.RecordID, e *evidence.ErasurePerformed)) error
	// Fold makes an empty place for the projections that the records give: as
	// many as the tenant has. Nil keeps them in memory.
	Fold func(context.Context) (Folded, error)
	// Progress hears after every page how many records were walked, and how
	// many there are. Nil hears nothing.
	Progress func(done, total uint64)
}

// Folded is projections that can be read back in order, as Walk.States does.
type Folded interface {
	store.Folder
	States(after store.Key, limit int) ([]store.StateRow, error)
	Close() error
}

// Report is what Fsck found.
type Report struct {
	Tenant   evidence.TenantID `json:"tenant"`
	Origin   string            `json:"origin"`
	Records  uint64            `json:"records"` // that stand in the store
	Sealed   uint64            `json:"sealed"`  // under the published checkpoint, 0 where its signature does not hold
	Problems []Problem         `json:"problems"`
	Dropped  int               `json:"dropped"` // problems beyond the first 100, not listed
	// Notes are what the next start puts right by itself. They are no problems.
	Notes []Problem `json:"notes"`
}

// Problem is one thing that is not as it should be.
type Problem struct {
	Where string `json:"where"` // a record by its seq, a file of the log, a row of a table
	What  string `json:"what"`
}

func (p Problem) String() string { return p.Where + ": " + p.What }

// Clean reports whether nothing is wrong.
func (r *Report) Clean() bool { return len(r.Problems) == 0 }

// maxProblems bounds a report.
const maxProblems = 100

func (r *Report) add(where, what string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.Dropped++
		return
	}
	r.Problems = append(r.Problems, Problem{where, fmt.Sprintf(what, args...)})
}

func (r *Report) note(where, what string, args ...any) {
	r.Notes = append(r.Notes, Problem{where, fmt.Sprintf(what, args...)})
}

// Fsck walks everything a tenant has, changes nothing, and goes on after each
// fault to find the others. It holds the rows against their leaves and each
// other, the tables made from them against the records, and the log's files
// and checkpoints against the rows.
//
// What it cannot see by itself is a whole house put back to an earlier day:
// for that, hold the log against a checkpoint kept elsewhere. Nobody may write to the
// tenant meanwhile; where somebody did, the error is evidence.Conflict. Any
// other error means that the walk could not be finished.
func Fsck(ctx context.Context, cfg FsckConfig) (r *Report, err error) {
	verifiers, err := parseVerifiers(cfg.Keys)
	if err != nil {
		return nil, err
	}
	head, err := readHead(ctx, cfg.Tenant)
	if err != nil {
		return nil, err
	}
	c := &check{cfg: cfg, head: head, prev: evidence.ZeroDigest, linked: newLinkSet(),
		Report: &Report{Tenant: cfg.Tenant.ID(), Origin: head.Origin, Problems: []Problem{}, Notes: []Problem{}}}
	c.folded = &store.Folded{}
	if cfg.Fold != nil {
		if c.folded, err = cfg.Fold(ctx); err != nil {
			return nil, err
		}
	}
	defer func() { err = errors.Join(err, c.folded.Close()) }()
	c.log = newLogCheck(c.Report, object.NewDir(filepath.Join(cfg.Logs, string(cfg.Tenant.ID()))))
	h, err := ReadHistory(ctx, cfg.Tenant)
	if err != nil {
		c.add("keys", "%v", err)
		h = &History{Epochs: []Epoch{{Origin: head.Origin}}}
	}
	c.log.epoch = h.Current()
	c.log.checkpoints(head, verifiers)
	if err := c.rotations(ctx, h.Current()); err != nil {
		return nil, err
	}
	c.against = newAgainst(c.Report, h, verifiers, cfg.Against)
	for _, step := range []func(context.Context) error{c.records, c.states, c.links, c.objects, c.erasures} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	c.against.finish()
	after, err := readHead(ctx, cfg.Tenant)
	if err != nil {
		return nil, err
	}
	if after.Next != head.Next || after.Sealed != head.Sealed {
		return nil, evidence.Errorf(evidence.Conflict, "", "tenant %s was written to while it was checked: stop the server and check again", cfg.Tenant.ID())
	}
	return c.Report, nil
}

// check is one walk.
type check struct {
	*Report
	cfg  FsckConfig
	head store.Head
	log  *logCheck

	against *against

	next   uint64          // seq of the record that should come now
	prev   evidence.Digest // of the leaf before it, "" where there is none to be had
	folded Folded
	linked *linkSet // that the records have
	erased erasures
}

// fsckPage is how many rows are in memory at a time; each may have a record
// and a block of the vault of their largest sizes.
const fsckPage = 256

// records walks the rows in order, and names those that are not there.
func (c *check) records(ctx context.Context) error {
	for more := true; more; {
		rows, err := readRows(ctx, c.cfg.Tenant, c.next, fsckPage)
		if err != nil {
			return err
		}
		for _, l := range c.look(ctx, rows) {
			c.missing(l.Seq)
			if err := c.row(ctx, l); err != nil {
				return err
			}
		}
		more = len(rows) == fsckPage
		if c.cfg.Progress != nil {
			c.cfg.Progress(c.next, max(c.next, c.head.Next))
		}
	}
	if c.next > c.head.Next {
		c.add("head", "says %d records, and record %d stands behind them", c.head.Next, c.next-1)
	}
	c.missing(max(c.head.Next, c.log.size()))
	return nil
}

// missing names the records from the one that should come now up to end. Where
// the log still has their leaves, the walk goes on over those.
func (c *check) missing(end uint64) {
	if c.next >= end {
		return
	}
	where := fmt.Sprintf("record %d", c.next)
	if end-c.next > 1 {
		where = fmt.Sprintf("records %d to %d", c.next, end-1)
	}
	c.add(where, "missing from the store; the head says %d records, the published checkpoint covers %d", c.head.Next, c.Sealed)
	for c.next < end {
		leaf := c.log.published(c.next)
		if leaf == nil {
			c.log.stop(c.next)
			c.against.stop()
			c.next, c.prev = end, ""
			return
		}
		c.step(leaf)
	}
}

// step moves the walk over the leaf that comes next.
func (c *check) step(leaf []byte) {
	c.log.grow(leaf)
	c.against.grow(c.next, leaf)
	c.next, c.prev = c.next+1, evidence.DigestOf(leaf)
	if c.next == c.head.Next && c.prev != c.head.Prev {
		c.add("head", "does not name the last leaf, that of record %d", c.next-1)
	}
}
