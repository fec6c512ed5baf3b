package vault

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// Pseudonym is the random name that stands for a label (an e-mail address, a
// schedule's name) in records. The same label has the same pseudonym until it
// is erased. Labels differ by case and outer space only in how they are
// written.
func (v *Vault) Pseudonym(ctx context.Context, t evidence.TenantID, prefix, label string) (string, error) {
	mac := v.subjectMAC(t, prefix, label)
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

// Known is the pseudonym that stands for a label already, "" where none does.
func (v *Vault) Known(ctx context.Context, t evidence.TenantID, prefix, label string) (ref string, err error) {
	err = v.db.QueryRowContext(ctx, "SELECT ref FROM subject WHERE tenant=? AND mac=?", string(t), v.subjectMAC(t, prefix, label)).Scan(&ref)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return ref, keyError("look up a subject", err)
}

// Stands reports whether a pseudonym stands for someone, or has keys.
func (v *Vault) Stands(ctx context.Context, t evidence.TenantID, ref string) (stands bool, err error) {
	err = v.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM subject WHERE ref=?2 AND tenant=?1) OR EXISTS (SELECT 1 FROM key WHERE tenant=?1 AND subject=?2 AND subject<>'')",
		string(t), ref).Scan(&stands)
	return stands, keyError("look up a subject", err)
}

func (v *Vault) subjectMAC(t evidence.TenantID, prefix, label string) []byte {
	return v.MAC(t, "subject", []byte(prefix), []byte(strings.ToLower(strings.TrimSpace(label))))
}
