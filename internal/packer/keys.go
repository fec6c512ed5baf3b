package packer

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/store"
)

// KeyFolder keeps the keys that sign packets, a file each. Which of them signs
// is what the log announced last; the files follow.
type KeyFolder struct {
	Path string
	// Write makes a key file durably and never replaces one; Remove deletes
	// one durably.
	Write  func(path string, data []byte) error
	Remove func(path string) error
	Log    *slog.Logger
}

// keyFile is a key that signs packets.
type keyFile struct {
	path string
	key  ed25519.PrivateKey
}

func (k keyFile) public() string {
	return base64.StdEncoding.EncodeToString(k.key.Public().(ed25519.PublicKey))
}

// first is the file of a tenant's first key, later that of one that took over.
// No tenant's name has a dot, so no two tenants' files meet.
func (f KeyFolder) first(t evidence.TenantID) string {
	return filepath.Join(f.Path, "packet-"+string(t)+".key")
}

func (f KeyFolder) later(t evidence.TenantID, key ed25519.PrivateKey) string {
	sum := strings.TrimPrefix(string(evidence.DigestOf(key.Public().(ed25519.PublicKey))), "sha256:")
	return filepath.Join(f.Path, "packet-"+string(t)+"."+sum[:8]+".key")
}

// Open reads the tenant's key that the log announced last, or makes the first
// one where none was announced.
func (f KeyFolder) Open(ctx context.Context, t store.Tenant) (ed25519.PrivateKey, error) {
	files, err := f.files(t.ID())
	if err != nil {
		return nil, err
	}
	keys, err := announced(ctx, t)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return f.begin(t.ID())
	}
	i := slices.IndexFunc(files, func(k keyFile) bool { return k.public() == keys[len(keys)-1] })
	if i < 0 {
		return nil, fmt.Errorf("the packet key of tenant %s that its log announced is in no %s: put it back, or announce another with evf packet rotate-key",
			t.ID(), strings.TrimSuffix(f.first(t.ID()), "key")+"*")
	}
	return files[i].key, f.tidy(files, keys)
}

// tidy removes keys that others took over from, which a crash may have left.
func (f KeyFolder) tidy(files []keyFile, keys []string) error {
	for _, k := range files {
		switch i := slices.Index(keys, k.public()); {
		case i < 0:
			f.Log.Warn("a packet key was never announced: a rotation was broken off before it counted; the next one takes this key up", "file", k.path)
		case i < len(keys)-1:
			if err := f.Remove(k.path); err != nil {
				return err
			}
		}
	}
	return nil
}

// Rotate has the log announce another packet key in place of the one before,
// which may be lost. Packets signed by that one stay valid.
//
// The order is: key file, record, old files gone. The record decides.
func (f KeyFolder) Rotate(ctx context.Context, t store.Tenant, by string, record func(context.Context, evidence.KeyRotated) error) (public string, err error) {
	keys, err := announced(ctx, t)
	if err != nil {
		return "", err
	}
	if len(keys) == 0 {
		return "", evidence.Errorf(evidence.Conflict, "", "tenant %s has announced no packet key yet: start the server once", t.ID())
	}
	key, err := f.next(t.ID(), keys)
	if err != nil {
		return "", err
	}
	body := evidence.KeyRotated{Purpose: "packet", Key: key.public(), Previous: keys[len(keys)-1], By: by}
	if err := record(ctx, body); err != nil {
		return "", err
	}
	files, err := f.files(t.ID())
	if err != nil {
		return "", err
	}
	return key.public(), f.tidy(files, append(keys, key.public()))
}

// next takes up a key that was never announced, or makes one.
func (f KeyFolder) next(t evidence.TenantID, keys []string) (keyFile, error) {
	files, err := f.files(t)
	if err != nil {
		return keyFile{}, err
	}
	for _, k := range files {
		if k.path == f.later(t, k.key) && !slices.Contains(keys, k.public()) {
			return k, nil
		}
	}
	key, data := newKey()
	k := keyFile{f.later(t, key), key}
	return k, f.Write(k.path, data)
}

// begin reads or makes a tenant's first key.
func (f KeyFolder) begin(t evidence.TenantID) (ed25519.PrivateKey, error) {
	if _, err := os.Stat(f.first(t)); err == nil {
		return readKey(f.first(t))
	}
	key, data := newKey()
	return key, f.Write(f.first(t), data)
}

func newKey() (ed25519.PrivateKey, []byte) {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	return ed25519.NewKeyFromSeed(seed), []byte(hex.EncodeToString(seed) + "\n")
}

// files are those of a tenant's keys that can be read. One that cannot is
// missed where it is needed.
func (f KeyFolder) files(t evidence.TenantID) (list []keyFile, err error) {
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "packet-"+string(t)+".") || !strings.HasSuffix(e.Name(), ".key") {
			continue
		}
		path := filepath.Join(f.Path, e.Name())
		if key, err := readKey(path); err == nil {
			list = append(list, keyFile{path, key})
		}
	}
	return list, nil
}

func readKey(path string) (ed25519.PrivateKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s is not a packet key: put the right file back", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// announced are the packet keys that a tenant's log announced, in order.
func announced(ctx context.Context, t store.Tenant) (keys []string, err error) {
	err = t.View(ctx, func(tx store.Tx) error {
		for from := uint64(0); ; {
			const page = 256
			rows, err := tx.TypeRows(evidence.TypeKeyRotated, from, page)
			if err != nil {
				return err
			}
			for _, row := range rows {
				from = row.Seq + 1
				rec, err := evidence.ParseRecord(row.Record)
				if err != nil {
					return fmt.Errorf("record %d: %w", row.Seq, err)
				}
				body, err := evidence.Decode[evidence.KeyRotated](rec.Body)
				if err != nil {
					return fmt.Errorf("record %d: %w", row.Seq, err)
				}
				if body.Purpose == "packet" {
					keys = append(keys, body.Key)
				}
			}
			if len(rows) < page {
				return nil
			}
		}
	})
	return keys, err
}
