package server

import (
	"errors"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"crypto/sha256"
	"encoding/hex"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

// ErrLocked marks a data directory that another process holds.
var ErrLocked = errors.New("another process holds this data directory: reach it with --server URL, or stop it first")

// generator names this program in packets, with its own binary's digest.
var generator = sync.OnceValue(func() packet.Generator {
	return packet.Generator{Name: "evf", Version: Version(), Digest: binaryDigest()}
})

// Version is the module's version as built, "devel" for one built from a
// working copy.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// binaryDigest is evidence.ZeroDigest where the binary cannot be read.
func binaryDigest() evidence.Digest {
	path, err := os.Executable()
	if err != nil {
		return evidence.ZeroDigest
	}
	f, err := os.Open(path)
	if err != nil {
		return evidence.ZeroDigest
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return evidence.ZeroDigest
	}
	return evidence.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}
