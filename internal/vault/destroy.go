package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/evidencefactory/evf/evidence"
)

// Erasure is an erasure.performed as the log sealed it.
type Erasure struct {
	Leaf   []byte
	Record []byte
}

// Read takes an erasure apart. The leaf must name the record's bytes.
func (e *Erasure) Read() (*evidence.Leaf, *evidence.ErasurePerformed, error) {
	leaf, err := evidence.ParseLeaf(e.Leaf)
	if err != nil {
		return nil, nil, err
	}
	rec, err := evidence.ParseRecord(e.Record)
	if err != nil {
		return nil, nil, err
	}
	if leaf.Digest != evidence.DigestOf(e.Record) || leaf.ID != rec.ID || rec.Type != evidence.TypeErasurePerformed {
		return nil, nil, fmt.Errorf("record %s is no erasure, or not the one that its leaf names", leaf.ID)
	}
	body, err := evidence.Decode[evidence.ErasurePerformed](rec.Body)
	return leaf, &body, err
}

// Destroy carries an erasure out: its keys become tombstones, the person's
// pseudonym stands for nobody any more, and the erasure itself is kept beside
// them, in one transaction. Done again it changes nothing. A key that is not
// here becomes a tombstone too, so that none of its name is ever made.
//
// Nothing may be sealed meanwhile under a key that it destroys.
func (v *Vault) Destroy(ctx context.Context, t evidence.TenantID, e Erasure) error {
	leaf, body, err := e.Read()
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	// Before the transaction, and whatever comes of it: the erasure is on
	// record already, so nothing is sealed or opened under these keys again.
	for _, full := range body.Keys {
		name, _, _ := evidence.CutGeneration(full)
		delete(v.cache, cacheKey{t, full})
		delete(v.current, cacheKey{t, name})
		v.doomed[cacheKey{t, full}] = true
	}
	tx, err := v.db.BeginTx(ctx, nil)
	if err != nil {
		return keyError("destroy keys", err)
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := destroy(ctx, tx, t, leaf, body); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO erasure (tenant, id, leaf, record) VALUES (?,?,?,?) ON CONFLICT DO NOTHING", string(t), string(leaf.ID), e.Leaf, e.Record); err != nil {
		return keyError("keep an erasure", err)
	}
	if err := tx.Commit(); err != nil {
		return keyError("destroy keys", err)
	}
	for _, full := range body.Keys {
		delete(v.doomed, cacheKey{t, full})
	}
	return nil
}

func destroy(ctx context.Context, tx *sql.Tx, t evidence.TenantID, leaf *evidence.Leaf, body *evidence.ErasurePerformed) error {
	for _, full := range body.Keys {
		name, gen, ok := evidence.CutGeneration(full)
		if !ok {
			return fmt.Errorf("erasure %s names %q, which is no key", leaf.ID, full)
		}
		subject, run := about(name)
		_, err := tx.ExecContext(ctx, `INSERT INTO key (tenant, name, gen, subject, run, destroyed, erasure) VALUES (?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET wrapped=NULL, destroyed=excluded.destroyed, erasure=excluded.erasure WHERE wrapped IS NOT NULL`,
			string(t), name, gen, subject, run, string(leaf.Received), string(leaf.ID))
		if err != nil {
			return keyError("destroy a key", err)
		}
	}
	if body.Subject == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM subject WHERE tenant=? AND ref=?", string(t), body.Subject)
	return keyError("forget a subject", err)
}

// Key is one key as it stands.
type Key struct {
	Full    string // name and generation
	Subject string
	Run     evidence.RunID
	Erasure evidence.RecordID // that destroyed it, "" for one that is there
}

// LiveOf lists the keys, not yet destroyed, that are a person's or a run's.
func (v *Vault) LiveOf(ctx context.Context, t evidence.TenantID, subject string, run evidence.RunID) ([]Key, error) {
	const columns = "SELECT name, gen, subject, run, erasure FROM key "
	if subject != "" {
		return v.list(ctx, columns+"WHERE tenant=? AND subject=? AND subject<>'' AND wrapped IS NOT NULL ORDER BY name, gen", string(t), subject)
	}
	return v.list(ctx, columns+"WHERE tenant=? AND run=? AND run<>'' AND wrapped IS NOT NULL ORDER BY name, gen", string(t), string(run))
}

// SubjectsOf lists the people whose keys a run has, or had.
func (v *Vault) SubjectsOf(ctx context.Context, t evidence.TenantID, run evidence.RunID) ([]string, error) {
	return texts[string](v.db.QueryContext(ctx, "SELECT DISTINCT subject FROM key WHERE tenant=? AND run=? AND run<>'' AND subject<>'' ORDER BY subject", string(t), string(run)))
}

// Runs lists the runs that have keys, in order of id, after the one given.
func (v *Vault) Runs(ctx context.Context, t evidence.TenantID, after evidence.RunID, limit int) ([]evidence.RunID, error) {
	return texts[evidence.RunID](v.db.QueryContext(ctx, "SELECT DISTINCT run FROM key WHERE tenant=? AND run>? AND run<>'' AND wrapped IS NOT NULL ORDER BY run LIMIT ?", string(t), string(after), limit))
}

// EachKey goes through a tenant's keys, tombstones among them, by name.
func (v *Vault) EachKey(ctx context.Context, t evidence.TenantID, each func(Key)) error {
	const page = 4096
	name, gen := "", uint64(0)
	for {
		keys, err := v.list(ctx, "SELECT name, gen, subject, run, erasure FROM key WHERE tenant=? AND (name, gen)>(?,?) ORDER BY name, gen LIMIT ?", string(t), name, gen, page)
		if err != nil || len(keys) == 0 {
			return err
		}
		for _, k := range keys {
			each(k)
		}
		name, gen, _ = evidence.CutGeneration(keys[len(keys)-1].Full)
	}
}

func (v *Vault) list(ctx context.Context, query string, args ...any) (keys []Key, err error) {
	rows, err := v.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, keyError("list keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k Key
		var name string
		var gen uint64
		if err := rows.Scan(&name, &gen, &k.Subject, &k.Run, &k.Erasure); err != nil {
			return nil, keyError("list keys", err)
		}
		k.Full = fullName(name, gen)
		keys = append(keys, k)
	}
	return keys, keyError("list keys", rows.Err())
}

func texts[S ~string](rows *sql.Rows, err error) (list []S, _ error) {
	if err != nil {
		return nil, keyError("list keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s S
		if err := rows.Scan(&s); err != nil {
			return nil, keyError("list keys", err)
		}
		list = append(list, s)
	}
	return list, keyError("list keys", rows.Err())
}

// Carried lists the erasures that were carried out here.
func (v *Vault) Carried(ctx context.Context, t evidence.TenantID) (map[evidence.RecordID]bool, error) {
	ids, err := texts[evidence.RecordID](v.db.QueryContext(ctx, "SELECT id FROM erasure WHERE tenant=?", string(t)))
	carried := make(map[evidence.RecordID]bool, len(ids))
	for _, id := range ids {
		carried[id] = true
	}
	return carried, err
}

// EachErasure goes through a tenant's erasures kept beside the keys, or all
// tenants' for "", in order of id, that is of time, until each returns an
// error.
func (v *Vault) EachErasure(ctx context.Context, t evidence.TenantID, each func(Erasure) error) error {
	const page = 100
	for after := ""; ; {
		list, last, err := v.erasures(ctx, t, after, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, e := range list {
			if err := each(e); err != nil {
				return err
			}
		}
		after = last
	}
}

func (v *Vault) erasures(ctx context.Context, t evidence.TenantID, after string, limit int) (list []Erasure, last string, err error) {
	rows, err := v.db.QueryContext(ctx, "SELECT id, leaf, record FROM erasure WHERE (tenant=?1 OR ?1='') AND id>?2 ORDER BY id LIMIT ?3", string(t), after, limit)
	if err != nil {
		return nil, "", keyError("list erasures", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Erasure
		if err := rows.Scan(&last, &e.Leaf, &e.Record); err != nil {
			return nil, "", keyError("list erasures", err)
		}
		list = append(list, e)
	}
	return list, last, keyError("list erasures", rows.Err())
}

// Retained is until when retention has looked at a tenant, "" where it never
// has.
func (v *Vault) Retained(ctx context.Context, t evidence.TenantID) (until evidence.Time, err error) {
	err = v.db.QueryRowContext(ctx, "SELECT until FROM retention WHERE tenant=?", string(t)).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return until, keyError("read retention", err)
}

// SetRetained notes until when retention has looked at a tenant.
func (v *Vault) SetRetained(ctx context.Context, t evidence.TenantID, until evidence.Time) error {
	_, err := v.db.ExecContext(ctx, "INSERT INTO retention (tenant, until) VALUES (?,?) ON CONFLICT DO UPDATE SET until=excluded.until", string(t), string(until))
	return keyError("note retention", err)
}
