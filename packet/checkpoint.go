package packet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/evidencefactory/evf/internal/tlog"
)

// FileKind is what a file is that proves something of a log.
type FileKind string

// The kinds of file.
const (
	FilePacket     FileKind = "packet"
	FileProof      FileKind = "tlog-proof" // C2SP tlog-proof
	FileCheckpoint FileKind = "checkpoint" // C2SP tlog-checkpoint
)

// KindOf tells a file by its bytes. What is neither a tlog-proof nor a signed
// note is held to be a packet: verifying says what is wrong with it.
func KindOf(data []byte) FileKind {
	switch {
	case bytes.HasPrefix(data, []byte(tlog.ProofHeader)):
		return FileProof
	case !bytes.HasPrefix(data, []byte("PK")) && bytes.Contains(data, []byte("\n\n\u2014 ")):
		return FileCheckpoint
	}
	return FilePacket
}

// checkpointIn finds the signed note in a file of any kind.
func checkpointIn(data []byte) ([]byte, error) {
	switch KindOf(data) {
	case FileProof:
		p, err := tlog.ParseEntryProof(data)
		return p.Checkpoint, err
	case FileCheckpoint:
		return data, nil
	}
	p, err := Open(data)
	if err != nil {
		return nil, err
	}
	signed, ok := p.File(fileCheckpoint)
	if !ok {
		return nil, fmt.Errorf("packet: %s is missing", fileCheckpoint)
	}
	return signed, nil
}

// VerifyCheckpoint holds a checkpoint by itself against the reader's trust.
func VerifyCheckpoint(signed []byte, trust Trust) Report {
	f := newFindings(checkForm, checkCheckpoint)
	r := newReport(FileCheckpoint)
	if head, ok := f.head(signed); ok {
		r.Origin, r.Size, r.Root = head.Origin, head.Size, head.Root
		r.KeyFingerprint = f.trusted(signed, head, trust).fingerprint
	}
	r.Verdict, r.Checks = f.close(), f.checks
	return r
}

// head reads the checkpoint of a file that has a check of its form.
func (f *findings) head(signed []byte) (tlog.Checkpoint, bool) {
	head, err := tlog.ReadCheckpoint(signed)
	if err != nil {
		f.fail(checkForm, "", "%v", err)
		return head, false
	}
	f.pass(checkForm, "is in the one form of its content")
	return head, true
}

// trusted wants the signature of a trusted key of the checkpoint's origin, or
// of one that such keys are known to lead to.
func (f *findings) trusted(signed []byte, head tlog.Checkpoint, trust Trust, followed ...trustedKey) (signer trustedKey) {
	byOrigin, err := trust.verifiers()
	if err != nil {
		f.skip(checkCheckpoint, "", "%v", err)
		return signer
	}
	keys := byOrigin[head.Origin]
	for _, k := range followed {
		if k.Name() == head.Origin {
			keys = append(keys, k)
		}
	}
	return f.signedBy(signed, head, keys)
}

// signedBy wants the signature of one of the keys, and gives that key.
func (f *findings) signedBy(signed []byte, head tlog.Checkpoint, keys []trustedKey) trustedKey {
	if len(keys) == 0 {
		f.skip(checkCheckpoint, fileCheckpoint, "no trusted key for origin %s: get its verifier key from the log's operator, by another way than this file", head.Origin)
		return trustedKey{}
	}
	for _, key := range keys {
		if opened, err := tlog.OpenCheckpoint(signed, key); err != nil || opened != head {
			continue
		}
		if len(key.through) == 0 {
			f.pass(checkCheckpoint, "%s at size %d, signed by a trusted key", head.Origin, head.Size)
		} else {
			f.pass(checkCheckpoint, "%s at size %d, signed by key %s, which follows a trusted key through the rotation at record %s",
				head.Origin, head.Size, short(string(key.fingerprint)), strings.Trim(fmt.Sprint(key.through), "[]"))
		}
		return key
	}
	f.fail(checkCheckpoint, fileCheckpoint, "is not signed by a trusted key of origin %s, nor by one that a rotation leads to", head.Origin)
	return trustedKey{}
}

// Against notes whether the log only grew between the report's checkpoint and
// the one in another file, of any kind and either earlier or later. name is
// what that file is called. files reads the log's published files by their
// paths in C2SP tlog-tiles; it may be nil, which is enough where both are of
// one size. Its errors that are fs.ErrNotExist say that a file is not there;
// others, of a log that could not be read, are returned, and note nothing.
func (r *Report) Against(name string, other []byte, trust Trust, files func(path string) ([]byte, error)) error {
	signed, err := checkpointIn(other)
	if err != nil {
		r.Add(Check{Name: checkAgainst, Outcome: Failed, Where: name, Detail: err.Error()})
		return nil
	}
	c, err := r.against(signed, trust, files)
	if err == nil {
		c.Name, c.Where = checkAgainst, name
		r.Add(c)
	}
	return err
}

// AgainstLog notes whether the checkpoint that a log serves now, and its
// tiles, grew out of the report's checkpoint.
func (r *Report) AgainstLog(name string, trust Trust, files func(path string) ([]byte, error)) error {
	c, err := r.againstLog(trust, files)
	if err == nil {
		c.Name, c.Where = checkLog, name
		r.Add(c)
	}
	return err
}

func (r *Report) againstLog(trust Trust, files tlog.Files) (Check, error) {
	served, err := files(fileCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return notChecked("it serves no checkpoint: it is a folder or address that holds %s and tile/", fileCheckpoint), nil
	}
	if err != nil {
		return Check{}, err
	}
	// A log that signed a larger tree than it now serves took something back.
	if head, err := tlog.ReadCheckpoint(served); err == nil && head.Origin == r.Origin && head.Size < r.Size && r.KeyFingerprint != "" {
		return failed("it serves size %d, and has signed size %d: it was cut or rolled back", head.Size, r.Size), nil
	}
	return r.against(served, trust, files)
}

func (r *Report) against(signed []byte, trust Trust, files tlog.Files) (Check, error) {
	if r.KeyFingerprint == "" {
		return notChecked("no trusted key signed the checkpoint of this file: nothing can be compared with it"), nil
	}
	f := newFindings(checkForm, checkCheckpoint)
	other, ok := f.head(signed)
	if ok {
		f.trusted(signed, other, trust, r.followed...)
	}
	for _, c := range f.checks {
		switch {
		case c.Outcome == Failed:
			return failed("its checkpoint %s", c.Detail), nil
		case other.Origin != r.Origin:
			return notChecked("is of another log, %s: the two cannot be compared", other.Origin), nil
		case c.Outcome != OK:
			return notChecked("its checkpoint: %s", c.Detail), nil
		}
	}
	old, next := tlog.Checkpoint{Origin: r.Origin, Size: r.Size, Root: r.Root}, other
	if old.Size > next.Size {
		old, next = next, old
	}
	if files == nil && old.Size != next.Size && old.Size != 0 {
		return notChecked("sizes %d and %d: the log's tiles are needed to compare them", old.Size, next.Size), nil
	}
	switch err := tlog.CheckGrown(old, next, files); {
	case errors.Is(err, tlog.ErrProof):
		return failed("%v", err), nil
	case errors.Is(err, fs.ErrNotExist):
		return notChecked("the log does not serve what is needed: %v", err), nil
	case err != nil:
		return Check{}, err
	}
	if old.Size == next.Size {
		return Check{Outcome: OK, Detail: fmt.Sprintf("is of size %d too, with the same root", old.Size)}, nil
	}
	return Check{Outcome: OK, Detail: fmt.Sprintf("the log only grew, from size %d to %d", old.Size, next.Size)}, nil
}

func failed(format string, args ...any) Check {
	return Check{Outcome: Failed, Detail: fmt.Sprintf(format, args...)}
}

func notChecked(format string, args ...any) Check {
	return Check{Outcome: NotChecked, Detail: fmt.Sprintf(format, args...)}
}
