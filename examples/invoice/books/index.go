package books

import (
	"fmt"
	"strconv"
	"strings"
)

// index says where entries stand and answers the questions that decide whether one may be posted.
// It holds no entry: those are read from the file each time.
type index struct {
	last     int
	places   map[EntryID]place
	actions  map[string]EntryID
	runs     map[string][]EntryID
	invoices map[invoiceKey][]EntryID
	live     map[kindKey]EntryID // unvoided, by what may not be posted twice
	voidedBy map[EntryID]EntryID
}

// place is where an entry's bytes are.
type place struct {
	file   string // name within the directory
	offset int64
	size   int
}

type invoiceKey struct{ vendor, number string }

type kindKey struct {
	invoiceKey
	kind Kind
}

func liveKey(e Entry) kindKey {
	return kindKey{invoiceKey{e.Vendor, sameNumber(e.Number)}, e.Kind}
}

func newIndex() index {
	return index{
		places:   map[EntryID]place{},
		actions:  map[string]EntryID{},
		runs:     map[string][]EntryID{},
		invoices: map[invoiceKey][]EntryID{},
		live:     map[kindKey]EntryID{},
		voidedBy: map[EntryID]EntryID{},
	}
}

// add takes in an entry. Entries may come in any order of files, a reversal before what it
// reverses, since a clock may have been set back between them.
func (x *index) add(e Entry, p place) {
	x.last = max(x.last, e.ID.number())
	x.places[e.ID] = p
	if e.Action != "" {
		x.actions[e.Action] = e.ID
	}
	if e.Run != "" {
		x.runs[e.Run] = append(x.runs[e.Run], e.ID)
	}
	key := liveKey(e)
	x.invoices[key.invoiceKey] = append(x.invoices[key.invoiceKey], e.ID)
	if e.Voids != "" {
		x.voidedBy[e.Voids] = e.ID
		if x.live[key] == e.Voids {
			delete(x.live, key)
		}
		return
	}
	if _, void := x.voidedBy[e.ID]; !void {
		x.live[key] = e.ID
	}
}

const maxEntries = 999_999_999

func (x *index) next() (EntryID, error) {
	if x.last >= maxEntries {
		return "", fmt.Errorf("the books are full: %d entries", x.last)
	}
	return EntryID(fmt.Sprintf("E-%05d", x.last+1)), nil
}

// number of a well-formed id.
func (id EntryID) number() int {
	n, _ := strconv.Atoi(strings.TrimPrefix(string(id), "E-"))
	return n
}
