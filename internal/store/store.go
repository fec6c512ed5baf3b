// Package store is the contract of the place where records rest: rows in a
// dense sequence per tenant, the projections that decisions read, objects by
// digest, and the checkpoint last signed. Everything a batch writes commits
// together or not at all, and is durable when Append returns.
//
// Engines live below (sqlite); storetest is the suite that each must pass.
// What the projections hold, and how records fold into them, is here, so that
// a checker can fold the records again and compare.
package store

import (
	"context"

	"github.com/evidencefactory/evf/evidence"
)

// Store holds every tenant's rows. Only ForTenant gives access to them.
type Store interface {
	// ForTenant opens a tenant, and makes it on first use with the origin
	// that newOrigin gives its log.
	ForTenant(ctx context.Context, id evidence.TenantID, newOrigin func() string) (Tenant, error)
	// Tenants lists the tenants made so far.
	Tenants(ctx context.Context) ([]evidence.TenantID, error)
	Close() error
}

// Tenant is one tenant's rows, and nothing of any other's.
type Tenant interface {
	ID() evidence.TenantID
	// Append commits a batch. When it returns without error, every entry and
	// its projections are on stable storage. With an error of kind
	// evidence.Unavailable (ctx ended, the disk failed) nothing was
	// acknowledged and the outcome is open: try again with the same ids. With
	// any other error nothing of the batch is stored.
	Append(ctx context.Context, b *Batch) ([]Placed, error)
	// View runs f on one consistent snapshot of committed state.
	View(ctx context.Context, f func(Tx) error) error
	// SetCheckpoint replaces the checkpoint for a tree of size from by that of
	// a larger tree; evidence.Conflict where the stored one is of another size.
	SetCheckpoint(ctx context.Context, from, to uint64, signed []byte) error
	// Expunge removes the bytes of sealed records: the record itself, what it
	// withholds and its links. Leaf, id, type and run stay. When it returns,
	// the bytes stand in none of the store's files. Records that have none
	// left are passed over; one that is not sealed yet, or whose type folds
	// into projections, is evidence.Conflict.
	Expunge(ctx context.Context, seqs []uint64) error
	// Forget clears the MACs of records, against which guesses at what they
	// withhold could be tried. From then on whoever repeats one of them is
	// answered evidence.Conflict. When it returns, the MACs stand in none of
	// the store's files, even where an earlier call was broken off. Records
	// that have none left, or that are not there, are passed over.
	Forget(ctx context.Context, seqs []uint64) error
	// SetForgotten raises Head.Forgotten; it never lowers it.
	SetForgotten(ctx context.Context, to uint64) error
}

// Batch is entries that commit together.
type Batch struct {
	Entries []Entry
	// Objects are kept by digest, beside the records that cite them.
	Objects [][]byte
	// Guard runs before anything is written, in the same transaction; its
	// error refuses the batch. It is not run where every entry is a repeat.
	// Where Append's ctx ends early, it may still run after Append returned.
	Guard func(Tx) error
	// Epoch, where set, gives the tenant's log up for another with the batch.
	Epoch *Epoch
}

// Epoch begins another log over a tenant's records: none of them is sealed in
// it. evidence.Conflict where the tenant's log is not the one From names.
type Epoch struct{ From, To string } // origins

// Entry is a record ready to be placed: canonical but for its received time.
type Entry struct {
	Submitter string // who placed it: a retry by another is a conflict
	MAC       []byte // keyed MAC of the canonical draft: equal for a retry, which one that is empty never is
	Record    *evidence.Record
	Bytes     []byte // canonical bytes; Append sets the received time in place
	Received  int    // its offset there
	Vault     []byte // encrypted disclosures, nil for none
}

// Placed is where a record came to stand.
type Placed struct {
	ID       evidence.RecordID `json:"id"`
	Seq      uint64            `json:"seq"`
	Received evidence.Time     `json:"received"`
	Repeat   bool              `json:"repeat,omitempty"` // it stood there already
}

// Head is the end of a tenant's sequence and what is sealed of it.
type Head struct {
	Origin     string
	Next       uint64          // seq of the next record; the number of records
	Prev       evidence.Digest // of the last leaf, evidence.ZeroDigest at first
	Sealed     uint64          // size of the tree last signed
	Checkpoint []byte          // its signed note, nil before the first
	Forgotten  uint64          // erasures before this seq have had the MACs of all they closed cleared
}

// Row is one record as it stands. Record and Vault are empty where it was
// expunged.
type Row struct {
	Seq       uint64
	ID        evidence.RecordID
	Type      evidence.Type
	Run       evidence.RunID
	Submitter string
	Leaf      []byte
	Record    []byte
	Vault     []byte
}

// Expunged reports whether the record's bytes were removed.
func (r *Row) Expunged() bool { return len(r.Record) == 0 }

// PlacedLink is one link of the record at Seq.
type PlacedLink struct {
	evidence.Link
	Seq uint64
}

// StateRow is a projection row as it stands.
type StateRow struct {
	Key
	Row []byte
}

// Tx reads one snapshot of a tenant; in a Guard, the state just before its
// batch.
type Tx interface {
	Projections
	Walk
	Head() (Head, error)
	// Rows reads records by seq, in order, from and including after, at most
	// limit of them.
	Rows(from uint64, limit int) ([]Row, error)
	// RunRows reads a run's records in order of seq, from and including from.
	RunRows(run evidence.RunID, from uint64, limit int) ([]Row, error)
	// RunLength is the number of a run's records.
	RunLength(run evidence.RunID) (uint64, error)
	// HouseRows reads the records of no run that withhold something, likewise.
	HouseRows(from uint64, limit int) ([]Row, error)
	// TypeRows reads records of a type likewise.
	TypeRows(t evidence.Type, from uint64, limit int) ([]Row, error)
	// RowByID finds a submitter's record; evidence.NotFound without one.
	RowByID(submitter string, id evidence.RecordID) (Row, error)
	// Linked lists the seqs of records with a link, in order, from and
	// including from.
	Linked(l evidence.Link, from uint64, limit int) ([]uint64, error)
	// Object reads an object by its digest; evidence.NotFound without one.
	Object(d evidence.Digest) ([]byte, error)
}

// Walk reads whole tables page by page, for a checker. Each method answers at
// most limit elements in order, after the one given; the zero value comes
// before all others.
type Walk interface {
	// States reads projection rows of every kind by kind and id.
	States(after Key, limit int) ([]StateRow, error)
	// Links reads links by kind, id and seq.
	Links(after PlacedLink, limit int) ([]PlacedLink, error)
	// Objects lists the digests that objects are kept by.
	Objects(after evidence.Digest, limit int) ([]evidence.Digest, error)
}
