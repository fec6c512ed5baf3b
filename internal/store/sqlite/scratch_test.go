package sqlite

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/internal/store"
)

// TestScratch wants a Scratch to answer as projections in memory do.
func TestScratch(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, err := OpenScratch(t.Context())
		if err != nil {
			r.Fatal(err)
		}
		defer s.Close()
		var m store.Folded
		word := rapid.SampledFrom([]string{"", "a", "b", "c"})
		for n := range rapid.IntRange(0, 30).Draw(r, "puts") {
			key := store.Key{Kind: word.Draw(r, "kind"), ID: word.Draw(r, "id"), Group: word.Draw(r, "group"), Status: word.Draw(r, "status")}
			row := []byte(strconv.Itoa(n))
			if err := s.Put(key, row); err != nil {
				r.Fatal(err)
			}
			m.Put(key, row)
		}
		kind, id, limit := word.Draw(r, "of kind"), word.Draw(r, "of id"), rapid.IntRange(1, 9).Draw(r, "limit")
		group, status := word.Draw(r, "in"), word.Draw(r, "as")
		same := func(what string, ask func(projections) (any, error)) {
			got, err := ask(s)
			want, _ := ask(&m)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
				r.Fatalf("%s: %v\n(-memory +scratch) %s", what, err, diff)
			}
		}
		same("get", func(p projections) (any, error) { return p.Get(kind, id) })
		same("list", func(p projections) (any, error) {
			return p.List(kind, group, status, id, limit)
		})
		same("states", func(p projections) (any, error) { return p.States(store.Key{Kind: kind, ID: id}, limit) })
	})
}

type projections interface {
	store.Folder
	States(after store.Key, limit int) ([]store.StateRow, error)
}
