package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	sumdb "golang.org/x/mod/sumdb/tlog"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/ledger"
	"github.com/evidencefactory/evf/internal/store"
	"github.com/evidencefactory/evf/packet"
)

// What leaves the house is read here by a library that has never heard of us.
// It stands in this module, so that the product does not depend on it.

func policyOf(t *testing.T, vkey string) torchwood.Policy {
	t.Helper()
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(v.Name()), torchwood.SingleVerifierPolicy(v))
}

// Every record's tlog-proof verifies elsewhere, with its leaf as the entry and
// with nothing else.
func TestProofsElsewhere(t *testing.T) {
	vectors := filepath.Join("..", "packet", "testdata", "vectors")
	data, err := os.ReadFile(filepath.Join(vectors, "good.evf.zip"))
	if err != nil {
		t.Fatal(err)
	}
	vkey, err := os.ReadFile(filepath.Join(vectors, "log.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	policy := policyOf(t, string(vkey))
	p, err := packet.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for s, err := range p.Sealed() {
		if err != nil {
			t.Fatal(err)
		}
		proof, entry := p.TlogProof(s), sumdb.RecordHash(s.Leaf)
		if err := torchwood.VerifyProof(policy, entry, proof); err != nil {
			t.Errorf("record %d: %v", n, err)
		}
		if extra, err := torchwood.ProofExtraData(proof); err != nil || string(extra) != string(s.Leaf) {
			t.Errorf("record %d: extra data %q, %v", n, extra, err)
		}
		if torchwood.VerifyProof(policy, sumdb.RecordHash(s.Record), proof) == nil {
			t.Errorf("record %d: another entry passes", n)
		}
		n++
	}
	if n == 0 {
		t.Error("the packet holds no records")
	}
}

// The files of a log, more than a tile of it, verify elsewhere as they are
// served: checkpoint, tiles and every entry.
func TestLogElsewhere(t *testing.T) {
	ctx := t.Context()
	h, err := openHouse(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	list, err := kinds(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a := &appender{house: h, kind: list[0], runs: []string{newID()}}
	for range 600 {
		if err := a.append(ctx, 0); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	l, err := ledger.New(ledger.Config{
		Logs: folder, Keys: t.TempDir(),
		WriteKey: func(path string, data []byte) error { return os.WriteFile(path, data, 0o600) },
	}).Open(ctx, h.tenant)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(folder, string(h.tenant.ID())))))
	defer web.Close()
	verifyLog(t, web.URL, l.VerifierKey(), leaves(ctx, t, h))
}

func verifyLog(t *testing.T, address, vkey string, want [][]byte) {
	ctx := t.Context()
	tiles, err := torchwood.NewTileFetcher(address)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := tiles.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	head, _, err := torchwood.VerifyCheckpoint(signed, policyOf(t, vkey))
	if err != nil || head.N != int64(len(want)) {
		t.Fatalf("checkpoint of size %d, want %d: %v", head.N, len(want), err)
	}
	client, err := torchwood.NewClient(tiles)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, entry := range client.AllEntries(ctx, head.Tree, 0) {
		if string(entry) != string(want[i]) {
			t.Errorf("entry %d is %q, want %q", i, entry, want[i])
		}
		n++
	}
	if client.Err() != nil || n != len(want) {
		t.Errorf("%d of %d entries, %v", n, len(want), client.Err())
	}
}

// leaves are the entries that the log must hold.
func leaves(ctx context.Context, t *testing.T, h *house) (list [][]byte) {
	t.Helper()
	err := h.tenant.View(ctx, func(tx store.Tx) error {
		rows, err := tx.Rows(0, 1000)
		for _, row := range rows {
			if leaf, err := evidence.ParseLeaf(row.Leaf); err != nil || leaf.Seq != row.Seq {
				t.Errorf("row %d: %v", row.Seq, err)
			}
			list = append(list, row.Leaf)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
