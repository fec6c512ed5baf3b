package store

import (
	"cmp"
	"slices"
)

// Folded is projections in memory: what a checker folds records into, to hold
// the outcome against what an engine keeps. The zero Folded is empty. Where
// there are many, an engine has a Folder that keeps them on disk.
type Folded struct {
	rows map[name]StateRow
}

// name is what tells projection rows apart.
type name struct{ kind, id string }

var _ Folder = (*Folded)(nil)

// Get implements Projections.
func (f *Folded) Get(kind, id string) ([]byte, error) { return f.rows[name{kind, id}].Row, nil }

// Put implements Folder.
func (f *Folded) Put(key Key, row []byte) error {
	if f.rows == nil {
		f.rows = map[name]StateRow{}
	}
	f.rows[name{key.Kind, key.ID}] = StateRow{key, row}
	return nil
}

// List implements Projections.
func (f *Folded) List(kind, group, status, after string, limit int) (list [][]byte, err error) {
	for _, s := range f.sorted() {
		if s.Kind == kind && s.ID > after && (group == "" || s.Group == group) && (status == "" || s.Status == status) && len(list) < limit {
			list = append(list, s.Row)
		}
	}
	return list, nil
}

// States reads rows as Walk.States does.
func (f *Folded) States(after Key, limit int) ([]StateRow, error) {
	all := f.sorted()
	from, found := slices.BinarySearchFunc(all, after, func(s StateRow, k Key) int { return CompareKeys(s.Key, k) })
	if found {
		from++
	}
	return all[from:min(from+limit, len(all))], nil
}

// Close does nothing.
func (f *Folded) Close() error { return nil }

func (f *Folded) sorted() []StateRow {
	all := make([]StateRow, 0, len(f.rows))
	for _, s := range f.rows {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b StateRow) int { return CompareKeys(a.Key, b.Key) })
	return all
}

// CompareKeys orders keys as Walk.States does, by kind and id.
func CompareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}
