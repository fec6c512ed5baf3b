package server

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/evidencefactory/evf/packet"
)

// readBack asks for everything that the house answers anyone, opens every
// record with all the keys there are, and opens packets.
func (a *aviary) readBack() {
	for _, key := range []string{a.admin.Key, a.key("payments/agent"), a.person("aude@example.org", "auditor").Key, a.adminKey("second")} {
		for _, path := range []string{"/v1/runs", "/v1/runs/" + string(a.run.ID), "/v1/approvals", "/v1/workflows", "/v1/workflows/payments", "/v1/workflows/other", "/v1/keys"} {
			a.send("reading "+path, "GET", path, key, "", "")
		}
	}
	for _, row := range a.rows() {
		o := a.open(row)
		text := append(o.Full.Canonical(), row.Record...)
		for _, d := range o.Disclosures {
			plain, _ := base64.RawURLEncoding.DecodeString(d.Text)
			text = append(text, plain...)
		}
		if alive := a.alive(text); alive != nil {
			a.t.Errorf("record %d (%s) holds %v", row.Seq, row.Type, alive)
		}
	}
	data, err := a.admin.Packet(a.t.Context(), a.run.ID)
	a.must(err)
	a.packet(data)
}

func (a *aviary) packet(data []byte) {
	p, err := packet.Open(data)
	a.must(err)
	_ = p
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	a.must(err)
	for _, f := range z.File {
		r, err := f.Open()
		a.must(err)
		text, err := io.ReadAll(r)
		a.must(err)
		for _, word := range regexp.MustCompile(`[A-Za-z0-9_-]{20,}`).FindAll(text, -1) {
			if plain, err := base64.RawURLEncoding.DecodeString(string(word)); err == nil {
				text = append(append(text, '\n'), plain...)
			}
		}
		if alive := a.alive(text); alive != nil {
			a.t.Errorf("%s of the packet holds %v", f.Name, alive)
		}
	}
}

// search looks through every byte that the house left, and what it logged.
func (a *aviary) search() {
	if alive := a.alive(a.logged.b.Bytes()); alive != nil {
		a.t.Errorf("the log holds %v", alive)
	}
	files := 0
	a.must(filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if alive := a.alive(append(data, path...)); alive != nil {
			a.t.Errorf("%s holds %v", d.Name(), alive)
		}
		return err
	}))
	if files < 5 {
		a.t.Errorf("only %d files were searched", files)
	}
}
