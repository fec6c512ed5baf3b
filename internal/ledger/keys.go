package ledger

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// signingKey is a key of the log with its private half.
type signingKey struct {
	path     string
	vkey     string // the public half, in C2SP form
	signer   note.Signer
	verifier note.Verifier
}

// keyPath is the file of a tenant's first key, which is in no record.
func keyPath(keys string, t evidence.TenantID) string {
	return filepath.Join(keys, "log-"+string(t)+".key")
}

// laterKeyPath is the file of a key that a record names, by the key's hash.
// No tenant's name has a dot, so no two tenants' files meet.
func laterKeyPath(keys string, t evidence.TenantID, vkey string) string {
	hash, _, _ := strings.Cut(strings.TrimPrefix(vkey, nameOf(vkey)+"+"), "+")
	return filepath.Join(keys, "log-"+string(t)+"."+hash+".key")
}

// keyFiles reads all of a tenant's key files that can be read. One that cannot
// is missed where it is needed.
func keyFiles(keys string, t evidence.TenantID) (list []signingKey, err error) {
	entries, err := os.ReadDir(keys)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "log-"+string(t)+".") || !strings.HasSuffix(e.Name(), ".key") {
			continue
		}
		if key, err := readKey(filepath.Join(keys, e.Name())); err == nil {
			list = append(list, key)
		}
	}
	return list, nil
}

// readKey reads a key file. Its errors never quote the content.
func readKey(path string) (signingKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return signingKey{}, err
	}
	return parseKey(path, data)
}

func parseKey(path string, data []byte) (signingKey, error) {
	skey := strings.TrimSpace(string(data))
	signer, err := note.NewSigner(skey)
	if err != nil {
		return signingKey{}, fmt.Errorf("%s is not a log's signing key: put the right file back", path)
	}
	vkey, err := publicKey(skey, signer)
	if err != nil {
		return signingKey{}, fmt.Errorf("%s: %w", path, err)
	}
	verifier, err := note.NewVerifier(vkey)
	return signingKey{path, vkey, signer, verifier}, err
}

// publicKey gives the verifier key of a signed-note key. The private form
// carries the Ed25519 seed, from which the public key follows.
func publicKey(skey string, signer note.Signer) (string, error) {
	// PRIVATE+KEY+name+hash+key, and the key's base64 may hold a plus itself.
	parts := strings.SplitN(skey, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", errors.New("is not an Ed25519 signing key")
	}
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(signer.Name(), public)
}

// ring reads the keys in force, oldest first. It makes none where records name
// them; the error is fs.ErrNotExist only for a first key that is not there.
func ring(keys string, t evidence.TenantID, h *History) ([]signingKey, error) {
	want := h.Current().signing()
	if len(want) == 0 {
		key, err := readKey(keyPath(keys, t))
		return []signingKey{key}, err
	}
	files, err := keyFiles(keys, t)
	if err != nil {
		return nil, err
	}
	var list []signingKey
	for _, k := range want {
		key, ok := withKey(files, k.Key)
		if !ok {
			return nil, fmt.Errorf("the signing key %s of tenant %s is not in any %s: put the key back from where keys are kept, or give the log up for a new epoch", k.Key, t, filepath.Join(keys, "log-"+string(t)+".*"))
		}
		list = append(list, key)
	}
	return list, nil
}

func withKey(list []signingKey, vkey string) (signingKey, bool) {
	for _, k := range list {
		if k.vkey == vkey {
			return k, true
		}
	}
	return signingKey{}, false
}

// VerifierKeys reads the public halves of the keys that sign a tenant's
// checkpoints out of the folder of keys, oldest first, in C2SP form. It makes
// none where there is none. Where the records about keys cannot be read, they
// are those of all key files of the log.
func VerifierKeys(ctx context.Context, keys string, t store.Tenant) (vkeys []string, err error) {
	h, err := ReadHistory(ctx, t)
	var list []signingKey
	if err == nil {
		list, err = ring(keys, t.ID(), h)
	} else if head, failed := readHead(ctx, t); failed == nil {
		list, err = keyFiles(keys, t.ID())
		list = slices.DeleteFunc(list, func(k signingKey) bool { return nameOf(k.vkey) != head.Origin })
	}
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		vkeys = append(vkeys, k.vkey)
	}
	return vkeys, nil
}

// firstKey makes the first key of a log. A tenant with sealed records is
// refused: a second key under one origin would be a second history.
func (g *Ledger) firstKey(ctx context.Context, t store.Tenant) ([]signingKey, error) {
	path := keyPath(g.cfg.Keys, t.ID())
	head, err := readHead(ctx, t)
	if err != nil {
		return nil, err
	}
	if head.Sealed > 0 {
		return nil, fmt.Errorf("%s is missing, and tenant %s has sealed records: put the key back from where keys are kept", path, t.ID())
	}
	key, data, err := newKey(path, head.Origin)
	if err != nil {
		return nil, err
	}
	return []signingKey{key}, g.cfg.WriteKey(path, data)
}

func newKey(path, origin string) (signingKey, []byte, error) {
	skey, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return signingKey{}, nil, err
	}
	key, err := parseKey(path, []byte(skey))
	return key, []byte(skey + "\n"), err
}

// laterKey takes up a key that no record names, which a step that was broken
// off has left, or makes one. wanted tells by its origin whether it will do.
func (g *Ledger) laterKey(t evidence.TenantID, h *History, wanted func(origin string) bool, origin string) (signingKey, error) {
	spare, err := spareKeys(g.cfg.Keys, t, h)
	if err != nil {
		return signingKey{}, err
	}
	for _, key := range spare {
		if wanted(nameOf(key.vkey)) {
			return key, nil
		}
	}
	key, data, err := newKey("", origin)
	if err != nil {
		return signingKey{}, err
	}
	key.path = laterKeyPath(g.cfg.Keys, t, key.vkey)
	return key, g.cfg.WriteKey(key.path, data)
}

// spareKeys are the later keys that no record names.
func spareKeys(keys string, t evidence.TenantID, h *History) (spare []signingKey, err error) {
	files, err := keyFiles(keys, t)
	for _, key := range files {
		if key.path != keyPath(keys, t) && !h.names(key.vkey) {
			spare = append(spare, key)
		}
	}
	return spare, err
}

// names reports whether a record names the key.
func (h *History) names(vkey string) bool {
	e := h.find(nameOf(vkey))
	if e == nil {
		return false
	}
	for _, k := range e.Keys {
		if k.Key == vkey {
			return true
		}
	}
	return false
}

// tidy brings the files behind what the records say: keys that were retired
// go, keys and files of logs that were given up are put aside.
func (g *Ledger) tidy(t evidence.TenantID, h *History) error {
	files, err := keyFiles(g.cfg.Keys, t)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, key := range files {
		if err := g.tidyKey(t, h, key); err != nil {
			return err
		}
	}
	return g.putAside(t, h)
}

func (g *Ledger) tidyKey(t evidence.TenantID, h *History, key signingKey) error {
	e := h.find(nameOf(key.vkey))
	switch {
	case e != nil && e.End != nil: // it never signs again
		return g.cfg.Move(key.path, key.path+".aside")
	case !h.names(key.vkey):
		if key.path != keyPath(g.cfg.Keys, t) {
			g.cfg.Log.Warn("a key is named by no record: a rotation or epoch was broken off before it counted; the next one takes this key up", "file", key.path)
		}
		return nil
	}
	for _, k := range e.Keys {
		if k.Key == key.vkey && k.Retired > 0 {
			return g.cfg.Remove(key.path)
		}
	}
	return nil
}
