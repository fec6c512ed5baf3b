package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string) store.Store {
		s, err := Open(t.Context(), Config{Path: filepath.Join(dir, "evf.db"), Clock: storetest.Clock()})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
