package vault

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// A key's name is what evidence.KeyName gives; its full name has the
// generation behind that. Blocks hold full names.

type cacheKey struct {
	tenant evidence.TenantID
	name   string // full in cache, without generation in current
}

// maxCache bounds the unwrapped keys held in memory.
const maxCache = 4096

// ErrLost marks a key that is neither there nor destroyed by an erasure.
var ErrLost = errors.New("is missing from keys.db, and no erasure destroyed it: put the right keys.db back, or run fsck")

// named is a key with its full name.
type named struct {
	full string
	aead cipher.AEAD
}

// keys finds the keys in use under some names, and makes those that are
// missing, all in one transaction: they are durable before anything is
// encrypted under them.
func (v *Vault) keys(ctx context.Context, t evidence.TenantID, names []string) ([]named, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := make([]named, len(names))
	missing := false
	for i, name := range names {
		full := v.current[cacheKey{t, name}]
		if found[i] = (named{full, v.cache[cacheKey{t, full}]}); found[i].aead == nil {
			missing = true
		}
	}
	if !missing {
		return found, nil
	}
	tx, err := v.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, keyError("make keys", err)
	}
	defer tx.Rollback() // after Commit it does nothing
	for i, name := range names {
		if found[i], err = v.inUse(ctx, tx, t, name); err != nil {
			return nil, err
		}
	}
	if err := v.ahead(ctx, tx, t, names); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, keyError("make keys", err)
	}
	for i, name := range names {
		v.remember(t, name, found[i])
	}
	return found, nil
}

// ahead makes the other keys that a new run is going to need, while there is a
// commit to share.
func (v *Vault) ahead(ctx context.Context, tx *sql.Tx, t evidence.TenantID, names []string) error {
	for _, name := range names {
		run, ok := strings.CutPrefix(name, "run/")
		if !ok {
			continue
		}
		run, _, _ = strings.Cut(run, "/")
		for _, class := range []evidence.Class{evidence.Internal, evidence.Confidential} {
			if _, err := v.inUse(ctx, tx, t, evidence.KeyName(evidence.RunID(run), class, "")); err != nil {
				return err
			}
		}
		return nil // a record is of one run
	}
	return nil
}

// inUse is the key in use under a name; where every one so far was destroyed,
// or there was none, the next generation is made.
func (v *Vault) inUse(ctx context.Context, tx *sql.Tx, t evidence.TenantID, name string) (named, error) {
	var gen uint64
	var wrapped []byte
	err := tx.QueryRowContext(ctx, "SELECT gen, wrapped FROM key WHERE tenant=? AND name=? ORDER BY gen DESC LIMIT 1", string(t), name).Scan(&gen, &wrapped)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return named{}, keyError("read a key", err)
	}
	if wrapped != nil {
		return v.unwrap(t, fullName(name, gen), wrapped)
	}
	raw := make([]byte, keySize)
	rand.Read(raw)
	k := named{fullName(name, gen+1), aead(raw)}
	subject, run := about(name)
	_, err = tx.ExecContext(ctx, "INSERT INTO key (tenant, name, gen, subject, run, wrapped) VALUES (?,?,?,?,?,?)",
		string(t), name, gen+1, subject, run, seal(aead(v.derive(t, "wrap")), raw, aad(string(t), k.full)))
	return k, keyError("make a key", err)
}

func fullName(name string, gen uint64) string { return name + "/" + strconv.FormatUint(gen, 10) }

// about reads whose key a name is: the person's, the run's, or both.
func about(name string) (subject, run string) {
	switch part := strings.Split(name, "/"); {
	case len(part) == 3 && part[0] == "subject" && part[2] != "house":
		return part[1], part[2]
	case len(part) == 3 && part[0] == "subject":
		return part[1], ""
	case len(part) == 3 && part[0] == "run":
		return "", part[1]
	}
	return "", ""
}

// key finds a key by its full name. Where it was destroyed it is nil, and
// erasure says by which record; one that is not there at all is ErrLost.
func (v *Vault) key(ctx context.Context, t evidence.TenantID, full string) (a cipher.AEAD, erasure evidence.RecordID, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if a, ok := v.cache[cacheKey{t, full}]; ok {
		return a, "", nil
	}
	name, gen, ok := evidence.CutGeneration(full)
	if !ok {
		return nil, "", ErrAltered
	}
	var wrapped []byte
	err = v.db.QueryRowContext(ctx, "SELECT wrapped, erasure FROM key WHERE tenant=? AND name=? AND gen=?", string(t), name, gen).Scan(&wrapped, &erasure)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && wrapped == nil && erasure == "":
		return nil, "", fmt.Errorf("key %s %w", full, ErrLost)
	case err != nil:
		return nil, "", keyError("read a key", err)
	case wrapped == nil:
		return nil, erasure, nil
	}
	k, err := v.unwrap(t, full, wrapped)
	if err != nil {
		return nil, "", err
	}
	v.makeRoom()
	v.cache[cacheKey{t, full}] = k.aead
	return k.aead, "", nil
}

func (v *Vault) unwrap(t evidence.TenantID, full string, wrapped []byte) (named, error) {
	if v.doomed[cacheKey{t, full}] {
		return named{}, evidence.Errorf(evidence.Unavailable, "", "key %s is being destroyed by an erasure that is not finished: the next start finishes it", full)
	}
	raw, err := open(aead(v.derive(t, "wrap")), wrapped, aad(string(t), full))
	if err != nil {
		return named{}, fmt.Errorf("key %q of tenant %q does not unwrap: keys.db and vault.key do not belong together, or one was altered; put the right ones back", full, t)
	}
	return named{full, aead(raw)}, nil
}

func (v *Vault) remember(t evidence.TenantID, name string, k named) {
	v.makeRoom()
	v.cache[cacheKey{t, k.full}] = k.aead
	v.current[cacheKey{t, name}] = k.full
}

func (v *Vault) makeRoom() {
	if len(v.cache) >= maxCache || len(v.current) >= maxCache {
		clear(v.cache)
		clear(v.current)
	}
}
