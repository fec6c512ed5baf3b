package packet

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/tlog"
)

// Trust is what a reader believes before opening a packet.
type Trust struct {
	// Keys are the verifier keys of logs in the form of C2SP signed-note:
	// name+hash+base64, where the name is the log's origin. Several keys of
	// one origin are alternatives.
	Keys []string
}

// Validate says which key is not well formed.
func (t Trust) Validate() error {
	_, err := t.verifiers()
	return err
}

// trustedKey is a verifier key with the SHA-256 of its public part.
type trustedKey struct {
	note.Verifier
	fingerprint evidence.Digest
	through     []uint64 // records of the rotations that lead to it, none for the reader's own
}

func newTrustedKey(key string) (trustedKey, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return trustedKey{}, fmt.Errorf("is not a verifier key (name+hash+base64): %w", err)
	}
	// NewVerifier has read the same three parts; the third begins with the
	// octet that names the algorithm.
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(key, "+", 3)[2])
	if err != nil {
		return trustedKey{}, err
	}
	return trustedKey{Verifier: v, fingerprint: evidence.DigestOf(raw[1:])}, nil
}

// verifiers by origin.
func (t Trust) verifiers() (map[string][]trustedKey, error) {
	byOrigin := map[string][]trustedKey{}
	for i, key := range t.Keys {
		k, err := newTrustedKey(key)
		if err != nil {
			return nil, fmt.Errorf("trusted key %d %w", i+1, err)
		}
		byOrigin[k.Name()] = append(byOrigin[k.Name()], k)
	}
	return byOrigin, nil
}

// Verdict is what verification came to.
type Verdict string

// The verdicts.
const (
	Valid       Verdict = "valid"
	Invalid     Verdict = "invalid"
	Undecidable Verdict = "undecidable" // no trusted key for this origin, or a later version
)

// Outcome is what one check came to.
type Outcome string

// The outcomes.
const (
	OK         Outcome = "ok"
	Failed     Outcome = "failed"
	NotChecked Outcome = "not-checked"
)

// Check is one thing that was held against the file.
type Check struct {
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail"` // for a failure: the first one
	Where   string  `json:"where"`  // file, file:line or record, "" for the whole file
}

// The names of the checks, of a packet in the order of a report.
const (
	checkContainer    = "container"
	checkVersion      = "version"
	checkManifest     = "manifest"
	checkFiles        = "files"
	checkCheckpoint   = "checkpoint"
	checkLeaves       = "leaves"
	checkChain        = "chain"
	checkProofs       = "proofs"
	checkRecords      = "records"
	checkRotations    = "rotations"
	checkShapes       = "shapes"
	checkDisclosures  = "disclosures"
	checkSelection    = "selection"
	checkDigests      = "digests"
	checkObjects      = "objects"
	checkRedactions   = "redactions"
	checkSlots        = "slots"
	checkCounts       = "counts"
	checkCompleteness = "completeness"
	checkPage         = "page"

	// Of other files than packets.
	checkForm    = "form"
	checkEntry   = "entry"
	checkAgainst = "against"
	checkLog     = "log"
)

var checkNames = []string{
	checkContainer, checkVersion, checkManifest, checkFiles, checkCheckpoint, checkLeaves, checkChain, checkProofs, checkRecords,
	checkRotations, checkShapes, checkDisclosures, checkSelection, checkDigests, checkObjects, checkRedactions, checkSlots, checkCounts, checkCompleteness, checkPage,
}

const notReached = "not reached"

// advisory checks do not stand in the way of a valid packet when they could
// not be made: no file can prove that nothing was left out, and a type that is
// not in this catalogue may be in a later one.
var advisory = []string{checkShapes, checkCompleteness, checkPage}

// Report is the result of verifying a file. What it says beside the checks
// comes from the file, and is worth what the verdict is.
type Report struct {
	File           FileKind        `json:"file"`
	Verdict        Verdict         `json:"verdict"`
	Checks         []Check         `json:"checks"`
	Run            evidence.RunID  `json:"run"`
	Selection      Selection       `json:"selection"` // which withheld fields the packet opens
	Records        int             `json:"records"`
	Disclosed      int             `json:"disclosed"` // fields opened to this reader
	Withheld       int             `json:"withheld"`  // fields that stay closed
	Origin         string          `json:"origin"`
	Size           uint64          `json:"size"`            // of the log at the checkpoint
	Root           tlog.Hash       `json:"root"`            // of the tree at the checkpoint
	KeyFingerprint evidence.Digest `json:"key_fingerprint"` // of the trusted key that signed the checkpoint, "" without one
	// Rotations are the seqs of the records that lead from the reader's key to
	// the one that signed; none where that is the reader's own.
	Rotations []uint64  `json:"rotations"`
	Slots     []Slot    `json:"slots"`    // computed from the records
	Erasures  []Erasure `json:"erasures"` // that took something of these records

	followed []trustedKey // to which the reader's keys lead
}

// newReport says nothing yet. Programs read reports: a list is a list though
// nothing is in it.
func newReport(kind FileKind) Report {
	return Report{File: kind, Selection: Selection{}.listed(), Rotations: []uint64{}, Slots: []Slot{}, Erasures: []Erasure{}}
}

// Add notes what came of a check that was made beside Verify, and decides the
// verdict anew: a failed one makes it Invalid, one that could not be made
// keeps it from being Valid.
func (r *Report) Add(c Check) {
	r.Checks = append(r.Checks, c)
	switch {
	case c.Outcome == Failed:
		r.Verdict = Invalid
	case c.Outcome == NotChecked && r.Verdict == Valid:
		r.Verdict = Undecidable
	}
}

// ExitCode is what a command that verifies ends with: 0 valid, 1 invalid, 2
// undecidable.
func (r Report) ExitCode() int {
	switch r.Verdict {
	case Valid:
		return 0
	case Undecidable:
		return 2
	}
	return 1
}

// findings collects the outcomes. A check is OK only once something passed it
// and nothing failed it, so that forgetting one never makes a packet valid.
type findings struct {
	checks []Check
	more   map[string]int // failures after the first
}

func newFindings(names ...string) *findings {
	f := &findings{more: map[string]int{}}
	for _, name := range names {
		f.checks = append(f.checks, Check{Name: name, Outcome: NotChecked, Detail: notReached})
	}
	return f
}

func (f *findings) at(name string) *Check {
	i := slices.IndexFunc(f.checks, func(c Check) bool { return c.Name == name })
	return &f.checks[i]
}

func (f *findings) failed(name string) bool { return f.at(name).Outcome == Failed }

// fail notes a failure; the first one stays.
func (f *findings) fail(name, where, format string, args ...any) {
	if f.failed(name) {
		f.more[name]++
		return
	}
	*f.at(name) = Check{Name: name, Outcome: Failed, Where: where, Detail: fmt.Sprintf(format, args...)}
}

// pass notes success, unless the check failed or could not be made somewhere.
func (f *findings) pass(name, format string, args ...any) {
	if f.at(name).Detail == notReached {
		*f.at(name) = Check{Name: name, Outcome: OK, Detail: fmt.Sprintf(format, args...)}
	}
}

// skip notes why a check could not be made, unless it failed.
func (f *findings) skip(name, where, format string, args ...any) {
	if !f.failed(name) {
		*f.at(name) = Check{Name: name, Outcome: NotChecked, Where: where, Detail: fmt.Sprintf(format, args...)}
	}
}

// fault notes an error: bytes of an unknown version are not checked, others
// failed.
func (f *findings) fault(name, where string, err error) {
	if errors.Is(err, evidence.ErrVersion) {
		f.skip(name, where, "%v: a later evf may know it", err)
		return
	}
	f.fail(name, where, "%v", err)
}

// close writes out how often the checks failed, and decides.
func (f *findings) close() Verdict {
	for i := range f.checks {
		c := &f.checks[i]
		if n := f.more[c.Name]; n > 0 {
			c.Detail += fmt.Sprintf(" (and %d more)", n)
		}
	}
	return f.verdict()
}

// verdict is what the checks come to so far.
func (f *findings) verdict() Verdict {
	verdict := Valid
	for _, c := range f.checks {
		switch {
		case c.Outcome == Failed:
			verdict = Invalid
		case c.Outcome == NotChecked && verdict == Valid && !slices.Contains(advisory, c.Name):
			verdict = Undecidable
		}
	}
	return verdict
}
