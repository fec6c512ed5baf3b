// Package books is a small accounting system: the target system of the invoice example. It owns a
// plain-text double-entry journal that hledger reads, and offers it to agents as an MCP server
// that redeems a permit before it writes and reads every write back from disk.
//
// Journal keeps the files, NewServer puts a server in front of it, Client calls the server. The
// package knows nothing of Evidence Factory: what it needs from a gate is the interface Leave.
package books

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// Errors of a Journal. An error that wraps none of these and is no *DuplicateError or
// *MalformedError comes from the file system, and nothing was written.
var (
	// ErrInvalid: the entry cannot be posted as it is.
	ErrInvalid = errors.New("invalid entry")
	// ErrNotFound: the books hold nothing of the kind.
	ErrNotFound = errors.New("no such entry")
	// ErrConflict: same action, other content.
	ErrConflict = errors.New("this action has already written another entry")
	// ErrVoided: the entry cannot be voided.
	ErrVoided = errors.New("the entry is void or voids another")
	// ErrLocked: another Journal, here or in another process, holds the directory.
	ErrLocked = errors.New("the books are open elsewhere")
	// ErrUnknown: the outcome shows when the books are opened again.
	ErrUnknown = errors.New("the write may or may not stand")
	// ErrBroken follows every ErrUnknown until then.
	ErrBroken = errors.New("the books take no writes until they are opened again")
)

// DuplicateError refuses an invoice or credit note that already stands in the books, unvoided.
type DuplicateError struct {
	Kind           Kind
	Vendor, Number string
	Entry          EntryID // the one that stands
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("%s %s of vendor %s is already posted as %s", e.Kind, escape(e.Number), e.Vendor, e.Entry)
}

// MalformedError says where a journal file is not in the form that the books write.
type MalformedError struct {
	File   string
	Line   int // from one
	Reason string
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

// Cut tells of an incomplete last entry that Open found, as a crash in the middle of a write
// leaves it. It was never acknowledged. Its bytes stand in File + ".torn".
type Cut struct {
	File   string
	Offset int64 // where the file ends now
	Bytes  int
}

// Journal is a set of books: a directory with one append-only file per year of posting. It is safe
// for concurrent use. Every entry that it returns was read from a file in that call.
type Journal struct {
	dir  string
	lock io.Closer
	cuts []Cut

	// openAppend opens a journal file for writing. Tests put failing files in its place.
	openAppend func(path string) (appendFile, error)

	mu     sync.RWMutex // guards the files' growth and what follows
	index  index
	broken bool // a write ended in doubt
}

// Open takes the directory, which it creates if need be, for this Journal alone (else ErrLocked),
// reads all of it, and sets an incomplete last entry aside. Anything else that it cannot read is
// a *MalformedError.
func Open(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open books: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open books in %s: %w", dir, err)
	}
	j := &Journal{dir: dir, lock: lock, index: newIndex(), openAppend: openAppend}
	if err := j.load(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open books in %s: %w", dir, err)
	}
	return j, nil
}

// Close gives the directory free. The Journal must not be used afterwards.
func (j *Journal) Close() error { return j.lock.Close() }

// Cuts lists what Open set aside.
func (j *Journal) Cuts() []Cut { return slices.Clone(j.cuts) }

// Post writes e and returns it as read back, once it is durable. ID, Voids, VoidedBy and Digest
// must be empty, Action must not.
//
// The action is the idempotency key: posting it again returns the entry of the first time, or
// ErrConflict if e asks for something else. Further errors: ErrInvalid, *DuplicateError,
// ErrUnknown, ErrBroken.
func (j *Journal) Post(e Entry) (Entry, error) {
	if e.ID != "" || e.Voids != "" || e.VoidedBy != "" || e.Digest != "" || e.Action == "" {
		return Entry{}, fmt.Errorf("%w: a new entry has an action, and no id, voids or digest", ErrInvalid)
	}
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if first, found, err := j.firstOf(e); found || err != nil {
		return first, err
	}
	if id, found := j.index.live[liveKey(e)]; found {
		return Entry{}, &DuplicateError{Kind: e.Kind, Vendor: e.Vendor, Number: e.Number, Entry: id}
	}
	return j.write(e)
}

// Voiding asks for the reversal of an entry. All but Run must be given.
type Voiding struct {
	Entry  EntryID
	Posted string // date of the reversal, YYYY-MM-DD
	Run    string
	Action string
	Reason string
}

// Void appends an entry that reverses another and returns it as read back. The reversed invoice
// may then be posted anew. It is idempotent by action as Post is. Errors: ErrInvalid, ErrNotFound,
// ErrVoided, ErrConflict, ErrUnknown, ErrBroken.
func (j *Journal) Void(v Voiding) (Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, err := j.read(v.Entry)
	if err != nil {
		return Entry{}, err
	}
	voids, voidedBy := e.Voids, e.VoidedBy
	e.Posted, e.Run, e.Action, e.Reason, e.Voids = v.Posted, v.Run, v.Action, v.Reason, v.Entry
	e.ID, e.VoidedBy, e.Digest = "", "", ""
	if v.Action == "" || v.Reason == "" {
		return Entry{}, fmt.Errorf("%w: a void has an action and a reason", ErrInvalid)
	}
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if first, found, err := j.firstOf(e); found || err != nil {
		return first, err
	}
	if voids != "" || voidedBy != "" {
		return Entry{}, fmt.Errorf("%w: %s", ErrVoided, v.Entry)
	}
	return j.write(e)
}

// firstOf finds the entry that e's action has already written, and holds e to it.
func (j *Journal) firstOf(e Entry) (first Entry, found bool, err error) {
	id, found := j.index.actions[e.Action]
	if !found {
		return Entry{}, false, nil
	}
	if first, err = j.read(id); err != nil {
		return Entry{}, true, err
	}
	if first.asked() != e.asked() {
		return Entry{}, true, fmt.Errorf("%w: action %s wrote %s", ErrConflict, e.Action, id)
	}
	return first, true, nil
}

// write numbers a checked entry, makes it durable and reads it back. j.mu is held.
func (j *Journal) write(e Entry) (Entry, error) {
	if j.broken {
		return Entry{}, ErrBroken
	}
	id, err := j.index.next()
	if err != nil {
		return Entry{}, err
	}
	e.ID = id
	p, err := j.append(e.Posted[:4], render(e))
	if err != nil {
		j.broken = j.broken || errors.Is(err, ErrUnknown)
		return Entry{}, err
	}
	back, err := j.readAt(p)
	if err == nil && (back.ID != e.ID || back.asked() != e.asked()) {
		err = errors.New("the file holds another entry than was written")
	}
	if err != nil {
		j.broken = true
		return Entry{}, fmt.Errorf("%w: read back %s: %w", ErrUnknown, e.ID, err)
	}
	j.index.add(back, p)
	return back, nil
}

// Get returns one entry, or ErrNotFound.
func (j *Journal) Get(id EntryID) (Entry, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.read(id)
}

// OfAction returns the entry that an action wrote, or ErrNotFound. After a crash it tells whether
// an action of unknown outcome took effect.
func (j *Journal) OfAction(action string) (Entry, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.read(j.index.actions[action])
}

// OfRun returns the entries that a run made, oldest first, or ErrNotFound.
func (j *Journal) OfRun(run string) ([]Entry, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.readAll(j.index.runs[run])
}

// OfInvoice returns the entries about a vendor's invoice or credit note number, voided ones and
// their reversals too, oldest first, or ErrNotFound. Case and spaces in the number do not matter.
func (j *Journal) OfInvoice(vendor, number string) ([]Entry, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.readAll(j.index.invoices[invoiceKey{vendor, sameNumber(number)}])
}

// Entries reads all files anew and returns every entry in the order of their numbers. It is the
// independent count that a reconciliation holds against the log, so it trusts no index.
func (j *Journal) Entries() ([]Entry, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	names, err := journalFiles(j.dir)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, name := range names {
		f, err := j.scan(name)
		if err != nil {
			return nil, err
		}
		all = append(all, f.entries...)
	}
	slices.SortFunc(all, func(a, b Entry) int {
		if d := len(a.ID) - len(b.ID); d != 0 {
			return d
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	markVoided(all)
	return all, nil
}

func markVoided(all []Entry) {
	by := map[EntryID]EntryID{}
	for _, e := range all {
		if e.Voids != "" {
			by[e.Voids] = e.ID
		}
	}
	for i := range all {
		all[i].VoidedBy = by[all[i].ID]
	}
}

func (j *Journal) readAll(ids []EntryID) ([]Entry, error) {
	if len(ids) == 0 {
		return nil, ErrNotFound
	}
	entries := make([]Entry, 0, len(ids))
	for _, id := range ids {
		e, err := j.read(id)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (j *Journal) read(id EntryID) (Entry, error) {
	p, found := j.index.places[id]
	if !found {
		return Entry{}, fmt.Errorf("%w: %.16q", ErrNotFound, id)
	}
	e, err := j.readAt(p)
	if err != nil {
		return Entry{}, err
	}
	e.VoidedBy = j.index.voidedBy[id]
	return e, nil
}
