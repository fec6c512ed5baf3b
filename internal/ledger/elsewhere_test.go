package ledger

import (
	"io"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

// verifyElsewhere has a program that has never heard of us verify the log's
// files as they stand.
func (h *house) verifyElsewhere() {
	h.Helper()
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	for _, key := range h.vkeys() {
		verifier, err := note.NewVerifier(key)
		h.must(err)
		f := fsck.New(verifier.Name(), verifier, client.FileFetcher{Root: h.logFile("")}, leafHashes, fsck.Opts{N: 2})
		if err := f.Check(h.Context()); err != nil {
			h.Fatalf("another program's check of the log by key %s: %v", key, err)
		}
	}
}

func leafHashes(bundle []byte) (hashes [][]byte, err error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	for _, e := range b.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return hashes, nil
}
