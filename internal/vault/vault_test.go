package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/evidencefactory/evf/evidence"
)

func openVault(t *testing.T, dir string, fresh bool) *Vault {
	t.Helper()
	v, err := Open(t.Context(), dir, fresh)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

var place = Place{Tenant: "acme", Run: "0198c000-0000-7000-8000-000000000001", Record: "0198c000-0000-7000-8000-000000000002"}

// disclosures are one personal field of each of two people, and one other.
var disclosures = []evidence.Disclosure{
	{Pointer: "/a", Class: evidence.Personal, Subject: "person-1", Text: "Ada"},
	{Pointer: "/b", Class: evidence.Confidential, Text: "secret plan"},
	{Pointer: "/c", Class: evidence.Personal, Subject: "person-2", Text: "Grace"},
}

func seal1(t *testing.T, v *Vault, p Place) []byte {
	t.Helper()
	block, err := v.Seal(t.Context(), p, disclosures)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir, true)
	// Whatever is sealed opens again, in a vault opened anew too.
	rapid.Check(t, func(r *rapid.T) {
		var list []evidence.Disclosure
		for i := range rapid.IntRange(0, 5).Draw(r, "fields") {
			list = append(list, evidence.Disclosure{Pointer: fmt.Sprint("/", i), Class: evidence.Personal,
				Subject: rapid.SampledFrom([]string{"", "person-1", "person-2"}).Draw(r, "subject"), Text: rapid.StringN(-1, -1, 200).Draw(r, "text")})
		}
		p := place
		p.Run = rapid.SampledFrom([]evidence.RunID{"", place.Run}).Draw(r, "run")
		block, err := v.Seal(t.Context(), p, list)
		if err != nil || (block == nil) != (len(list) == 0) {
			r.Fatalf("%d bytes, %v", len(block), err)
		}
		got, erased, err := v.Open(t.Context(), p, block)
		if err != nil || len(erased) > 0 || cmp.Diff(list, got) != "" {
			r.Fatalf("opened as %+v, erased %v, %v", got, erased, err)
		}
		for _, d := range list {
			if len(d.Text) > 8 && bytes.Contains(block, []byte(d.Text)) {
				r.Fatal("a value stands in clear")
			}
		}
	})
	block := seal1(t, v, place)
	v.Close()
	if got, _, err := openVault(t, dir, false).Open(t.Context(), place, block); err != nil || cmp.Diff(disclosures, got) != "" {
		t.Errorf("after reopening: %+v, %v", got, err)
	}
}

// TestMoved wants a block to open nowhere but where it was sealed, and no
// altered block to open.
func TestMoved(t *testing.T) {
	v := openVault(t, t.TempDir(), true)
	block := seal1(t, v, place)
	seal1(t, v, Place{Tenant: "other", Run: place.Run, Record: place.Record}) // so that it has keys of these names
	other := func(change func(*Place)) Place {
		p := place
		change(&p)
		return p
	}
	cutName := slices.Concat([]byte{1, 'x'}, block)
	for _, c := range []struct {
		name  string
		place Place
		block []byte
	}{
		{"another record", other(func(p *Place) { p.Record = "0198c000-0000-7000-8000-000000000003" }), block},
		{"another run", other(func(p *Place) { p.Run = "0198c000-0000-7000-8000-000000000003" }), block},
		{"another tenant", other(func(p *Place) { p.Tenant = "other" }), block},
		{"cut short", place, block[:len(block)-1]},
		{"a length without its part", place, []byte{200}},
		{"a length beyond any", place, bytes.Repeat([]byte{0xff}, 10)},
		{"a part that is no block", place, cutName},
		{"last byte flipped", place, append(slices.Clone(block[:len(block)-1]), block[len(block)-1]^1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := v.Open(t.Context(), c.place, c.block)
			if !errors.Is(err, ErrAltered) || got != nil {
				t.Errorf("opened as %+v, %v", got, err)
			}
		})
	}
}

func TestPseudonyms(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir, true)
	name := func(tenant evidence.TenantID, prefix, label string) string {
		t.Helper()
		ref, err := v.Pseudonym(t.Context(), tenant, prefix, label)
		if err != nil || !strings.HasPrefix(ref, prefix+"-") {
			t.Fatalf("%q, %v", ref, err)
		}
		return ref
	}
	ada := name("acme", "person", "ada@example.com")
	for _, c := range []struct {
		name, got string
		same      bool
	}{
		{"again", name("acme", "person", "ada@example.com"), true},
		{"in another writing", name("acme", "person", " Ada@Example.COM\n"), true},
		{"someone else", name("acme", "person", "grace@example.com"), false},
		{"another tenant", name("other", "person", "ada@example.com"), false},
		{"another kind", name("acme", "schedule", "ada@example.com"), false},
	} {
		if (c.got == ada) != c.same {
			t.Errorf("%s: %q beside %q", c.name, c.got, ada)
		}
	}
	v.Close()
	v = openVault(t, dir, false)
	if again := name("acme", "person", "ada@example.com"); again != ada {
		t.Errorf("after reopening %q, was %q", again, ada)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "keys.db")); err != nil || bytes.Contains(bytes.ToLower(data), []byte("ada@example")) {
		t.Errorf("the label stands in keys.db in clear (%v)", err)
	}
}

func TestMAC(t *testing.T) {
	v := openVault(t, t.TempDir(), true)
	one := v.MAC("acme", "draft", []byte("ab"), []byte("c"))
	for name, other := range map[string][]byte{
		"other cut":     v.MAC("acme", "draft", []byte("a"), []byte("bc")),
		"other tenant":  v.MAC("other", "draft", []byte("ab"), []byte("c")),
		"other purpose": v.MAC("acme", "permit", []byte("ab"), []byte("c")),
		"other house":   openVault(t, t.TempDir(), true).MAC("acme", "draft", []byte("ab"), []byte("c")),
	} {
		if bytes.Equal(one, other) {
			t.Errorf("%s: the same MAC", name)
		}
	}
	if !bytes.Equal(one, v.MAC("acme", "draft", []byte("ab"), []byte("c"))) {
		t.Error("the same parts have another MAC")
	}
}

// TestOpenRefusals opens old houses in which a key file is not as it was.
func TestOpenRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(dir string) error
		want   string
	}{
		{"vault.key missing", func(dir string) error { return os.Remove(filepath.Join(dir, "vault.key")) }, "vault.key is missing: without it no withheld value can be read; put it back"},
		{"vault.key of another house", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "vault.key"), make([]byte, keySize), 0o600)
		}, "keys.db and vault.key do not belong together"},
		{"vault.key cut short", func(dir string) error { return os.Truncate(filepath.Join(dir, "vault.key"), 10) }, "vault.key has 10 bytes, not 32: put the right key file back"},
		{"keys.db missing", func(dir string) error { return os.Remove(filepath.Join(dir, "keys.db")) }, "keys.db is missing, or holds no keys of this house: put it back"},
		{"keys.db damaged", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "keys.db"), bytes.Repeat([]byte("x"), 8192), 0o600)
		}, "keys.db"},
		{"everything missing", func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)) }, "vault.key is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			v := openVault(t, dir, true)
			seal1(t, v, place)
			v.Close()
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			v, err := Open(t.Context(), dir, false)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("opened: %v, want an error about %q", err, c.want)
			}
			if err == nil {
				v.Close()
			}
		})
	}
}

// TestOpenAgainWhileFresh stands for a crash in the first start: the vault was
// made, the rest of the house was not.
func TestOpenAgainWhileFresh(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd ?name#of%20a folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	v := openVault(t, dir, true)
	block := seal1(t, v, place)
	v.Close()
	if got, _, err := openVault(t, dir, true).Open(t.Context(), place, block); err != nil || len(got) != 3 {
		t.Errorf("opened as %+v, %v", got, err)
	}
	for _, name := range []string{"keys.db", "vault.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestWriteKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.key")
	if err := WriteKeyFile(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := WriteKeyFile(path, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key file is replaced: %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "one" {
		t.Errorf("the file holds %q", data)
	}
}

// TestConcurrency has many callers meet at the making of keys and pseudonyms.
func TestConcurrency(t *testing.T) {
	v := openVault(t, t.TempDir(), true)
	refs := make([]string, 64)
	var wg sync.WaitGroup
	for i := range refs {
		wg.Go(func() {
			p := place
			p.Record = evidence.RecordID(fmt.Sprint("record ", i))
			block, err := v.Seal(context.Background(), p, disclosures)
			if err != nil {
				t.Error(err)
				return
			}
			if got, _, err := v.Open(context.Background(), p, block); err != nil || cmp.Diff(disclosures, got) != "" {
				t.Errorf("opened as %+v, %v", got, err)
			}
			if refs[i], err = v.Pseudonym(context.Background(), "acme", "person", "ada"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(slices.Compact(refs)) != 1 {
		t.Errorf("one label has pseudonyms %v", slices.Compact(refs))
	}
}

// TestCacheBound wants keys to be found when the cache was emptied for room.
func TestCacheBound(t *testing.T) {
	v := openVault(t, t.TempDir(), true)
	block := seal1(t, v, place)
	v.mu.Lock()
	for i := len(v.cache); i < maxCache; i++ {
		v.remember("acme", fmt.Sprint("filler ", i), named{fmt.Sprint("filler ", i, "/1"), aead(make([]byte, keySize))})
	}
	v.mu.Unlock()
	if _, err := v.Seal(t.Context(), Place{Tenant: "acme", Run: "another", Record: "r"}, disclosures[1:2]); err != nil {
		t.Fatal(err)
	}
	if len(v.cache) > maxCache {
		t.Errorf("%d keys are in memory", len(v.cache))
	}
	if got, erased, err := v.Open(t.Context(), place, block); err != nil || len(erased) > 0 || len(got) != 3 {
		t.Errorf("opened as %+v, erased %v, %v", got, erased, err)
	}
}
