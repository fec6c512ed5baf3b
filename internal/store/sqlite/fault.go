package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"

	"github.com/evidencefactory/evf/evidence"
)

// Primary result codes of SQLite (sqlite.org/rescode.html), and the extended
// ones that say a sync failed.
const (
	codeReadOnly = 8
	codeIOErr    = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

// primary is an error's primary result code, 0 where SQLite did not say it.
func primary(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// advice says what a person can do about an error of the engine.
func advice(err error) string {
	switch primary(err) {
	case codeFull:
		return "the disk is full. Free space: it goes on by itself, nothing that was acknowledged is lost"
	case codeReadOnly, codeCantOpen:
		return "the data directory cannot be written. Make it writable for this program and start again"
	case codeIOErr:
		return "the disk failed. Stop, look after the disk, run evf fsck, start again"
	case codeCorrupt, codeNotADB:
		return "the database file is damaged. Stop, copy the data directory, run evf fsck on the copy to see what is lost, restore a backup"
	}
	return ""
}

// unavailable is an error that a caller may try again after; the reason and
// what to do are for the log.
func unavailable(what string, err error) error {
	if do := advice(err); do != "" {
		return evidence.Errorf(evidence.Unavailable, "", "%s: %w; %s", what, err, do)
	}
	return evidence.Errorf(evidence.Unavailable, "", "%s: %w", what, err)
}

// distrust keeps the writer from going on after a write whose outcome the
// kernel itself does not know. A page whose sync failed is clean in its cache
// and may not be on the disk: a later sync that succeeds says nothing about
// it, and what is acknowledged behind it could be cut off by a power failure.
// Only a start writes everything anew, see settle. A full disk is no such
// case: what did not fit was taken back whole.
func (s *Store) distrust(err error) {
	if code := primary(err); code == codeIOErr || code == codeCorrupt || code == codeNotADB {
		s.broken.CompareAndSwap(nil, &err)
	}
}

// Err is why the store takes no more writes, nil as long as it does. Only
// opening it again heals it.
func (s *Store) Err() error {
	if err := s.broken.Load(); err != nil {
		return fmt.Errorf("an earlier write failed, and nothing more is written until the next start: %w", *err)
	}
	return nil
}

// settle writes what the write-ahead log holds into the database file and
// empties the log, so that everything this process reads is on the disk before
// anything is acknowledged behind it: after a failed sync the kernel may show
// a reader what the disk does not have.
func settle(ctx context.Context, conn *sql.Conn) error {
	var busy, frames, moved int
	if err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("another process reads the database")
	}
	return nil
}

// maxFaults bounds what Check lists.
const maxFaults = 100

// Check looks through the file's pages, trees and indexes, without regard to
// what they say, and lists what is damaged. It changes nothing.
func (s *Store) Check(ctx context.Context) (faults []string, err error) {
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", maxFaults))
	if err != nil {
		return damage(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if line != "ok" {
			faults = append(faults, line)
		}
	}
	if err := rows.Err(); err != nil {
		more, err := damage(err)
		return append(faults, more...), err
	}
	return faults, nil
}

// damage turns an error that is itself the finding into one.
func damage(err error) ([]string, error) {
	if code := primary(err); code == codeCorrupt || code == codeNotADB || code == codeIOErr {
		return []string{err.Error()}, nil
	}
	return nil, unavailable("check the database", err)
}
