// Package vault keeps what a record withholds. Every value is encrypted under
// a key of its data subject or of its run, and every such key is wrapped by
// its tenant's; destroying one key makes its values unreadable for good,
// while the log that committed to them still verifies.
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
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/evidencefactory/evf/evidence"
)

const keySize = 32

const schema = `
CREATE TABLE IF NOT EXISTS key (
  tenant  TEXT NOT NULL,
  name    TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subject (
  tenant TEXT NOT NULL,
  mac    BLOB NOT NULL,
  ref    TEXT NOT NULL UNIQUE,
  PRIMARY KEY (tenant, mac)
) WITHOUT ROWID;`

// Vault holds the keys. Make one with Open.
type Vault struct {
	db     *sql.DB
	master []byte
	// derived holds what derive gave: a handful of []byte a tenant, by
	// cacheKey of tenant and purpose.
	derived sync.Map

	mu    sync.Mutex // guards cache, and the making of keys
	cache map[cacheKey]cipher.AEAD
}

type cacheKey struct {
	tenant evidence.TenantID
	name   string
}

// maxCache bounds the unwrapped keys held in memory.
const maxCache = 4096

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
	v := &Vault{db: db, master: master, cache: map[cacheKey]cipher.AEAD{}}
	if err := errors.Join(os.Chmod(path, 0o600), v.probe(ctx, path, fresh)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return v, nil
}

// probe unwraps a key of no tenant, made with the vault, so that a wrong
// master key or a lost keys.db shows before anything is kept.
func (v *Vault) probe(ctx context.Context, path string, fresh bool) error {
	key, err := v.key(ctx, "", "probe", fresh)
	if err == nil && key == nil {
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

// Pseudonym is the random name that stands for a label (an e-mail address, a
// schedule's name) in records. The same label has the same pseudonym until it
// is erased. Labels differ by case and outer space only in how they are
// written.
func (v *Vault) Pseudonym(ctx context.Context, t evidence.TenantID, prefix, label string) (string, error) {
	mac := v.MAC(t, "subject", []byte(prefix), []byte(strings.ToLower(strings.TrimSpace(label))))
	v.mu.Lock()
	defer v.mu.Unlock()
	var ref string
	err := v.db.QueryRowContext(ctx, "SELECT ref FROM subject WHERE tenant=? AND mac=?", string(t), mac).Scan(&ref)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return ref, keyError("look up a subject", err)
	}
	raw := make([]byte, 10)
	rand.Read(raw)
	ref = prefix + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(raw))
	_, err = v.db.ExecContext(ctx, "INSERT INTO subject (tenant, mac, ref) VALUES (?,?,?)", string(t), mac, ref)
	return ref, keyError("register a subject", err)
}

// key finds a key by name, and makes it where create says so. It is nil where
// the key does not exist: destroyed, or never made.
func (v *Vault) key(ctx context.Context, t evidence.TenantID, name string, create bool) (cipher.AEAD, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := cacheKey{t, name}
	if aead, ok := v.cache[at]; ok {
		return aead, nil
	}
	var wrapped []byte
	err := v.db.QueryRowContext(ctx, "SELECT wrapped FROM key WHERE tenant=? AND name=?", string(t), name).Scan(&wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		if !create {
			return nil, nil
		}
		return v.makeKey(ctx, at)
	}
	if err != nil {
		return nil, keyError("read a key", err)
	}
	raw, err := open(aead(v.derive(t, "wrap")), wrapped, aad(string(t), name))
	if err != nil {
		return nil, fmt.Errorf("key %q of tenant %q does not unwrap: keys.db and vault.key do not belong together, or one was altered; put the right ones back", name, t)
	}
	return v.remember(at, raw), nil
}

// makeKey stores a key before anything is encrypted under it.
func (v *Vault) makeKey(ctx context.Context, at cacheKey) (cipher.AEAD, error) {
	raw := make([]byte, keySize)
	rand.Read(raw)
	wrapped := seal(aead(v.derive(at.tenant, "wrap")), raw, aad(string(at.tenant), at.name))
	if _, err := v.db.ExecContext(ctx, "INSERT INTO key (tenant, name, wrapped) VALUES (?,?,?)", string(at.tenant), at.name, wrapped); err != nil {
		return nil, keyError("make a key", err)
	}
	return v.remember(at, raw), nil
}

func (v *Vault) remember(at cacheKey, raw []byte) cipher.AEAD {
	if len(v.cache) >= maxCache {
		clear(v.cache)
	}
	v.cache[at] = aead(raw)
	return v.cache[at]
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
