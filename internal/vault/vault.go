// Package vault keeps what a record withholds. Every value is encrypted under
// a key of its data subject or of its run and class, and every such key is
// wrapped by its tenant's; destroying one key makes its values unreadable for
// good, while the log that committed to them still verifies. A tombstone stays
// in its place, so that a key lost by accident is never taken for one that was
// destroyed.
//
// Ciphertexts are handed back to the caller, who keeps them beside the record
// in one transaction. Keys lie in a file of their own, apart from ordinary
// backups.
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/evidencefactory/evf/evidence"
)

const keySize = 32

//go:embed schema.sql
var schema string

// Vault holds the keys. Make one with Open.
type Vault struct {
	db     *sql.DB
	master []byte
	// derived holds what derive gave: a handful of []byte a tenant, by
	// cacheKey of tenant and purpose.
	derived sync.Map

	mu      sync.Mutex // guards what follows, and the making and destroying of keys
	cache   map[cacheKey]cipher.AEAD
	current map[cacheKey]string // the full name of the key in use under a name
	doomed  map[cacheKey]bool   // keys that an erasure names and could not destroy yet
}

// Open opens the vault in dir (keys.db and vault.key there), and makes it if
// fresh says that this house is new. In a house that is not new a missing file
// is an error, and so is a master key that the keys were not wrapped by: going
// on would lose every withheld value, and give people other pseudonyms.
func Open(ctx context.Context, dir string, fresh bool) (*Vault, error) {
	master, err := masterKey(filepath.Join(dir, "vault.key"), fresh)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "keys.db")
	// secure_delete overwrites a destroyed key; no WAL keeps a copy of it.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(truncate)&_pragma=synchronous(extra)&_pragma=secure_delete(1)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	v := &Vault{db: db, master: master, cache: map[cacheKey]cipher.AEAD{}, current: map[cacheKey]string{}, doomed: map[cacheKey]bool{}}
	if err := errors.Join(os.Chmod(path, 0o600), v.probe(ctx, path, fresh)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return v, nil
}

// probe unwraps a key of no tenant, made with the vault, so that a wrong
// master key or a lost keys.db shows before anything is kept.
func (v *Vault) probe(ctx context.Context, path string, fresh bool) error {
	const name = "probe"
	if fresh {
		_, err := v.keys(ctx, "", []string{name})
		return err
	}
	_, _, err := v.key(ctx, "", name+"/1")
	if errors.Is(err, ErrLost) {
		return fmt.Errorf("%s is missing, or holds no keys of this house: put it back from where keys are kept", path)
	}
	return err
}

func masterKey(path string, fresh bool) ([]byte, error) {
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) == keySize:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("%s has %d bytes, not %d: put the right key file back", path, len(key), keySize)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !fresh:
		return nil, fmt.Errorf("%s is missing: without it no withheld value can be read; put it back from where keys are kept", path)
	}
	key = make([]byte, keySize)
	rand.Read(key)
	return key, WriteKeyFile(path, key)
}

// Close closes the key file.
func (v *Vault) Close() error { return v.db.Close() }

// derive gives a key of the tenant for one purpose. Those in use are few: what
// is derived once is kept.
func (v *Vault) derive(t evidence.TenantID, purpose string) []byte {
	at := cacheKey{t, purpose}
	if key, ok := v.derived.Load(at); ok {
		return key.([]byte)
	}
	key, err := hkdf.Key(sha256.New, v.master, nil, "evf/"+string(t)+"/"+purpose, keySize)
	if err != nil {
		panic("vault: " + err.Error()) // only for lengths beyond the hash's
	}
	v.derived.Store(at, key)
	return key
}

// MAC is an HMAC-SHA256 over parts under the tenant's key for a purpose. Parts
// are length-prefixed, so no two lists of them run together.
func (v *Vault) MAC(t evidence.TenantID, purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, v.derive(t, "mac/"+purpose))
	for _, p := range parts {
		var size [20]byte
		h.Write(append(strconv.AppendInt(size[:0], int64(len(p)), 10), ':'))
		h.Write(p)
	}
	return h.Sum(nil)
}

func keyError(what string, err error) error {
	if err == nil {
		return nil
	}
	return evidence.Errorf(evidence.Unavailable, "", "%s: %w", what, err)
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("vault: " + err.Error()) // only for a wrong key size
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("vault: " + err.Error())
	}
	return gcm
}

func seal(a cipher.AEAD, plain, ad []byte) []byte { return a.Seal(nil, nil, plain, ad) }

func open(a cipher.AEAD, sealed, ad []byte) ([]byte, error) { return a.Open(nil, nil, sealed, ad) }

// aad binds a ciphertext to where it belongs.
func aad(parts ...string) []byte {
	b := make([]byte, 0, 256)
	for _, p := range parts {
		b = append(strconv.AppendInt(b, int64(len(p)), 10), ':')
		b = append(b, p...)
	}
	return b
}

// WriteKeyFile makes a file that only its owner reads, durably, and never
// replaces one.
func WriteKeyFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
