package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/evidence"
)

// ordered is an erasure as the log would have sealed it.
func ordered(t testing.TB, id evidence.RecordID, body evidence.ErasurePerformed) Erasure {
	t.Helper()
	body.Kind, body.Authority, body.By = "run", "a court", "person-9"
	rec := evidence.Record{ID: id, Type: evidence.TypeErasurePerformed, Occurred: "2026-03-02T09:00:00.000000000Z", Received: "2026-03-02T09:00:00.000000000Z",
		Actor: evidence.Actor{Kind: "platform", Ref: "evf"}, Source: evidence.Source{Name: "evf", Kind: "erasure", Version: "1"},
		Salt: "AAECAwQFBgcICQoLDA0ODw", Body: evidence.Body(body)}
	data, _ := rec.Canonical()
	leaf := evidence.Leaf{Tenant: "acme", Seq: 9, Prev: evidence.ZeroDigest, ID: id, Type: rec.Type, Received: rec.Received, Digest: evidence.DigestOf(data)}
	return Erasure{leaf.Canonical(), data}
}

const (
	erasureA evidence.RecordID = "0198c000-0000-7000-8000-00000000000a"
	erasureB evidence.RecordID = "0198c000-0000-7000-8000-00000000000b"
)

// keysOf are the full names in a block, by what evidence.KeyName gives.
func keysOf(t *testing.T, block []byte) (keys []string) {
	t.Helper()
	for len(block) > 0 {
		name, rest, ok := cutPart(block)
		_, rest, ok2 := cutPart(rest)
		if !ok || !ok2 {
			t.Fatal("the block is damaged")
		}
		keys, block = append(keys, string(name)), rest
	}
	return keys
}

func TestKeyNames(t *testing.T) {
	v := openVault(t, t.TempDir(), true)
	list := append(slices.Clone(disclosures), evidence.Disclosure{Pointer: "/d", Class: evidence.Internal, Text: "note"}, evidence.Disclosure{Pointer: "/e", Class: evidence.Personal, Text: "someone"})
	for _, c := range []struct {
		run  evidence.RunID
		want []string
	}{
		{place.Run, []string{"run/" + string(place.Run) + "/confidential/1", "run/" + string(place.Run) + "/internal/1", "run/" + string(place.Run) + "/personal/1",
			"subject/person-1/" + string(place.Run) + "/1", "subject/person-2/" + string(place.Run) + "/1"}},
		{"", []string{"house/confidential/1", "house/internal/1", "house/personal/1", "subject/person-1/house/1", "subject/person-2/house/1"}},
	} {
		block, err := v.Seal(t.Context(), Place{Tenant: "acme", Run: c.run, Record: "r"}, list)
		if err != nil {
			t.Fatal(err)
		}
		if got := keysOf(t, block); cmp.Diff(c.want, got) != "" {
			t.Errorf("keys are %v, want %v", got, c.want)
		}
	}
}

// TestErased wants a destroyed key to take its values with it and nothing
// else, for good: what is sealed under its name later is under another key.
func TestErased(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir, true)
	block := seal1(t, v, place)
	gone := "subject/person-1/" + string(place.Run) + "/1"
	e := ordered(t, erasureA, evidence.ErasurePerformed{Keys: []string{gone}})
	for range 2 { // done again it changes nothing
		if err := v.Destroy(t.Context(), "acme", e); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, erased, err := v.Open(t.Context(), place, block)
			if err != nil || !slices.Equal(erased, []Erased{{gone, erasureA}}) || cmp.Diff(disclosures[1:], got) != "" {
				t.Fatalf("opened as %+v, erased %v, %v", got, erased, err)
			}
			v.Close()
			v = openVault(t, dir, false)
		}
	}
	later := seal1(t, v, Place{Tenant: "acme", Run: place.Run, Record: "0198c000-0000-7000-8000-000000000009"})
	if keys := keysOf(t, later); !slices.Contains(keys, "subject/person-1/"+string(place.Run)+"/2") || slices.Contains(keys, gone) {
		t.Errorf("sealed under %v after the erasure", keys)
	}
	if got, erased, err := v.Open(t.Context(), place, block); err != nil || len(erased) != 1 || cmp.Diff(disclosures[1:], got) != "" {
		t.Errorf("beside a later key it opens as %+v, erased %v, %v", got, erased, err)
	}
	if err := v.Destroy(t.Context(), "acme", ordered(t, erasureB, evidence.ErasurePerformed{Keys: []string{gone}})); err != nil {
		t.Fatal(err)
	}
	if _, erased, _ := v.Open(t.Context(), place, block); !slices.Equal(erased, []Erased{{gone, erasureA}}) {
		t.Errorf("a later erasure takes the place of the first: %v", erased)
	}
}

// TestKeyBytesAreGone looks for the wrapped key in the files.
func TestKeyBytesAreGone(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir, true)
	seal1(t, v, place)
	var wrapped []byte
	name := "run/" + string(place.Run) + "/confidential"
	if err := v.db.QueryRow("SELECT wrapped FROM key WHERE name=?", name).Scan(&wrapped); err != nil {
		t.Fatal(err)
	}
	if found := findBytes(t, dir, wrapped); len(found) == 0 {
		t.Fatal("the wrapped key is not in keys.db before")
	}
	if err := v.Destroy(t.Context(), "acme", ordered(t, erasureA, evidence.ErasurePerformed{Keys: []string{name + "/1"}})); err != nil {
		t.Fatal(err)
	}
	if found := findBytes(t, dir, wrapped); len(found) > 0 {
		t.Errorf("the destroyed key still stands in %v", found)
	}
}

func findBytes(t *testing.T, dir string, want []byte) (files []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, want) {
			files = append(files, e.Name())
		}
	}
	return files
}

// TestLost wants a key that is missing for no reason never to be taken for one
// that was destroyed.
func TestLost(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir, true)
	block := seal1(t, v, place)
	v.Close()
	db, err := sql.Open("sqlite", filepath.Join(dir, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, query := range map[string]string{
		"its row gone":        "DELETE FROM key WHERE subject='person-1'",
		"its bytes gone only": "UPDATE key SET wrapped=NULL WHERE subject='person-2'",
	} {
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
		v := openVault(t, dir, false)
		if got, erased, err := v.Open(t.Context(), place, block); !errors.Is(err, ErrLost) || got != nil || erased != nil {
			t.Errorf("%s: opened as %+v, erased %v, %v", name, got, erased, err)
		}
	}
}

// TestUnfinished has an erasure fail that is on record: its keys stay shut
// until it is done again.
func TestUnfinished(t *testing.T) {
	v := openVault(t, t.TempDir(), true)
	block := seal1(t, v, place)
	gone := "run/" + string(place.Run) + "/confidential/1"
	e := ordered(t, erasureA, evidence.ErasurePerformed{Keys: []string{gone}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Destroy(ctx, "acme", e); evidence.KindOf(err) != evidence.Unavailable {
		t.Fatalf("destroyed: %v", err)
	}
	if _, _, err := v.Open(t.Context(), place, block); evidence.KindOf(err) != evidence.Unavailable {
		t.Errorf("opened: %v", err)
	}
	if _, err := v.Seal(t.Context(), place, disclosures); evidence.KindOf(err) != evidence.Unavailable {
		t.Errorf("sealed: %v", err)
	}
	if err := v.Destroy(t.Context(), "acme", e); err != nil {
		t.Fatal(err)
	}
	if _, erased, err := v.Open(t.Context(), place, block); err != nil || len(erased) != 1 {
		t.Errorf("opened after it was done: erased %v, %v", erased, err)
	}
	if keys := keysOf(t, seal1(t, v, place)); slices.Contains(keys, gone) {
		t.Errorf("sealed under %v", keys)
	}
}

// TestDestroyNeverMade wants a key that was never here, as after a restore, to
// be as good as destroyed.
func TestDestroyNeverMade(t *testing.T) {
	v := openVault(t, t.TempDir(), true)
	gone := "run/" + string(place.Run) + "/confidential/1"
	if err := v.Destroy(t.Context(), "acme", ordered(t, erasureA, evidence.ErasurePerformed{Keys: []string{gone}})); err != nil {
		t.Fatal(err)
	}
	if keys := keysOf(t, seal1(t, v, place)); slices.Contains(keys, gone) {
		t.Errorf("a key that was erased elsewhere is made: %v", keys)
	}
	if carried, err := v.Carried(t.Context(), "acme"); err != nil || !carried[erasureA] {
		t.Errorf("carried out are %v, %v", carried, err)
	}
}

// TestForgottenPseudonym wants a person who comes back to be someone else.
func TestForgottenPseudonym(t *testing.T) {
	v := openVault(t, t.TempDir(), true)
	name := func(label string) string {
		ref, err := v.Pseudonym(t.Context(), "acme", "person", label)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	ada, grace := name("ada@example.com"), name("grace@example.com")
	if ref, err := v.Known(t.Context(), "acme", "person", " ADA@example.com"); err != nil || ref != ada {
		t.Errorf("known as %q, %v", ref, err)
	}
	if err := v.Destroy(t.Context(), "acme", ordered(t, erasureA, evidence.ErasurePerformed{Subject: ada})); err != nil {
		t.Fatal(err)
	}
	if ref, err := v.Known(t.Context(), "acme", "person", "ada@example.com"); err != nil || ref != "" {
		t.Errorf("after the erasure known as %q, %v", ref, err)
	}
	if again := name("ada@example.com"); again == ada {
		t.Error("the pseudonym comes back")
	}
	if name("grace@example.com") != grace {
		t.Error("someone else has another pseudonym now")
	}
}

// TestDestroyLaw erases keys in any order among sealing and reopening: what was
// sealed opens but for the keys destroyed since, and those never open again.
func TestDestroyLaw(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir, true)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		run := evidence.RunID("0198c000-0000-7000-8000-" + string(evidence.DigestOf([]byte{byte(n), byte(n >> 8)}))[7:19])
		type sealed struct {
			place Place
			block []byte
			keys  []string
		}
		var blocks []sealed
		gone := map[string]bool{}
		for i := range rapid.IntRange(1, 8).Draw(r, "steps") {
			if rapid.Bool().Draw(r, "seal") || len(blocks) == 0 {
				p := Place{"acme", run, evidence.RecordID(rune('a' + i))}
				block := seal1(t, v, p)
				keys := keysOf(t, block)
				if slices.ContainsFunc(keys, func(k string) bool { return gone[k] }) {
					r.Fatalf("sealed under a destroyed key: %v", keys)
				}
				blocks = append(blocks, sealed{p, block, keys})
				continue
			}
			key := rapid.SampledFrom(rapid.SampledFrom(blocks).Draw(r, "block").keys).Draw(r, "key")
			gone[key] = true
			id := evidence.RecordID(string(run[:24]) + string(evidence.DigestOf([]byte(key)))[7:19])
			if err := v.Destroy(t.Context(), "acme", ordered(t, id, evidence.ErasurePerformed{Keys: []string{key}})); err != nil {
				r.Fatal(err)
			}
		}
		for _, b := range blocks {
			got, erased, err := v.Open(t.Context(), b.place, b.block)
			want := 0
			for _, k := range b.keys {
				if gone[k] {
					want++
				}
			}
			if err != nil || len(erased) != want || len(got) != len(disclosures)-want {
				r.Fatalf("opened %d values, erased %v, %v; want %d gone", len(got), erased, err, want)
			}
		}
	})
}
