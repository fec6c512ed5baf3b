package tlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// EntryProof is a C2SP tlog-proof: that one entry is in the tree of a signed
// checkpoint. Which entry, the reader must know or take from Extra.
type EntryProof struct {
	Extra      []byte // opaque, covered by no signature; nil for none
	Index      uint64
	Hashes     []Hash
	Checkpoint []byte // a signed note
}

// ProofHeader is the first line of every tlog-proof.
const ProofHeader = "c2sp.org/tlog-proof@v1\n"

// MaxEntryProof bounds a tlog-proof's text in bytes: an entry in Extra, the
// hashes, the checkpoint.
const MaxEntryProof = 256 << 10

// maxHashes is the height of the tallest tree there can be.
const maxHashes = 63

// Text is the proof as it is stored, by custom as NAME.tlog-proof.
func (p EntryProof) Text() []byte {
	var b strings.Builder
	b.WriteString(ProofHeader)
	if p.Extra != nil {
		fmt.Fprintf(&b, "extra %s\n", base64.StdEncoding.EncodeToString(p.Extra))
	}
	fmt.Fprintf(&b, "index %d\n", p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintf(&b, "%s\n", h)
	}
	return append([]byte(b.String()+"\n"), p.Checkpoint...)
}

// ParseEntryProof reads a proof's text, in which nothing can be spelled in two
// ways. It trusts nothing of it: see OpenCheckpoint and VerifyInclusion.
func ParseEntryProof(text []byte) (p EntryProof, err error) {
	if len(text) > MaxEntryProof {
		return p, fmt.Errorf("tlog-proof is above the bound of %d bytes", MaxEntryProof)
	}
	head, rest, ok := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0]+"\n" != ProofHeader {
		return p, fmt.Errorf("tlog-proof does not begin with %q, or has no checkpoint", strings.TrimSpace(ProofHeader))
	}
	lines = lines[1:]
	if extra, ok := cutLine(&lines, "extra "); ok {
		if p.Extra, ok = unbase64(extra); !ok {
			return p, errors.New("tlog-proof's extra line is not strict base64")
		}
	}
	index, _ := cutLine(&lines, "index ") // no number where there is no such line
	if p.Index, ok = parseNumber(index); !ok {
		return p, errors.New("tlog-proof has no index line with a plain decimal number")
	}
	if len(lines) > maxHashes {
		return p, fmt.Errorf("tlog-proof has more than %d hashes", maxHashes)
	}
	for i, line := range lines {
		raw, ok := unbase64(line)
		if !ok || len(raw) != HashSize {
			return p, fmt.Errorf("tlog-proof's hash %d is not strict base64 of %d bytes", i, HashSize)
		}
		p.Hashes = append(p.Hashes, Hash(raw))
	}
	p.Checkpoint = []byte(rest)
	_, err = ReadCheckpoint(p.Checkpoint)
	return p, err
}

// cutLine takes the first line, where it begins with prefix.
func cutLine(lines *[]string, prefix string) (string, bool) {
	if len(*lines) == 0 {
		return "", false
	}
	rest, ok := strings.CutPrefix((*lines)[0], prefix)
	if ok {
		*lines = (*lines)[1:]
	}
	return rest, ok
}
