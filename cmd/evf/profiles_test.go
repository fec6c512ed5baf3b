package main

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

var index = regexp.MustCompile(`/[0-9]+(/|$)`)

// checkProfiles cuts every packet of the demo for each kind of reader: it
// verifies, opens what the table says and nothing else, re-performs as far as
// that reaches, and no name is left where people stay pseudonyms.
func checkProfiles(t *testing.T, rep demoReport) {
	opens := map[string]map[packet.Profile]bool{} // by type, field and class
	profiles := []packet.Profile{packet.ProfileFull, packet.ProfileAuditor, packet.ProfilePublic}
	trust := packet.Trust{Keys: []string{rep.VKey}}
	server := backend{Data: rep.Data}
	err := server.with(t.Context(), func(c *client.Client) error {
		for _, p := range rep.Packets {
			for _, profile := range profiles {
				data, err := os.ReadFile(p.File) // the demo's own is full
				if profile != packet.ProfileFull {
					data, err = c.BuildPacket(t.Context(), client.BuildPacket{Run: p.Run, Profile: string(profile)})
				}
				if err != nil {
					return err
				}
				note(t, opens, data, profile)
				checkCut(t, data, profile, trust)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, field := range slices.Sorted(maps.Keys(opens)) {
		var by []string
		for _, profile := range profiles {
			if opens[field][profile] {
				by = append(by, string(profile))
			}
		}
		fmt.Fprintln(&table, field, strings.Join(by, ", "))
	}
	golden(t, "testdata/profiles.golden", table.String())
}

// note gathers which fields a packet withholds and which of them it opens.
func note(t *testing.T, opens map[string]map[packet.Profile]bool, data []byte, profile packet.Profile) {
	p, err := packet.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for s, err := range p.Sealed() {
		if err != nil {
			t.Fatal(err)
		}
		rec, err := evidence.ParseRecord(s.Record)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range rec.Withheld {
			field := fmt.Sprintf("%s:%s (%s)", rec.Type, index.ReplaceAllString(w.Pointer, "/*$1"), w.Class)
			if opens[field] == nil {
				opens[field] = map[packet.Profile]bool{}
			}
			if slices.ContainsFunc(s.Disclosures, func(d evidence.Disclosure) bool { return d.Pointer == w.Pointer }) {
				opens[field][profile] = true
			}
		}
	}
}

// checkCut verifies one packet and decides again what it records.
func checkCut(t *testing.T, data []byte, profile packet.Profile, trust packet.Trust) {
	v := verified{Report: packet.Verify(data, trust)}
	if v.Verdict != packet.Valid || v.Selection.Profile != profile {
		t.Errorf("the %s packet of run %s is %s, and says it is %s", profile, v.Run, v.Verdict, v.Selection.Profile)
	}
	v.Reperformed = reperformed(data, v.Report)
	decisions, want := len(v.Reperformed.Results), 0
	if profile == packet.ProfilePublic && decisions > 0 {
		want = exitUndecided
	}
	if v.exitCode(true) != want || v.Reperformed.Different > 0 || want != 0 && v.Reperformed.NotPossible != decisions {
		t.Errorf("the %s packet of run %s re-performs with %d: %+v", profile, v.Run, v.exitCode(true), v.Reperformed.Results)
	}
	if profile == packet.ProfileFull {
		return
	}
	if at := where(t, data, demoClerk, demoController, "lena.brandt@example.org"); at != "" {
		t.Errorf("the %s packet of run %s: %s", profile, v.Run, at)
	}
	if profile == packet.ProfilePublic && v.Disclosed > 0 {
		t.Errorf("the public packet of run %s opens %d fields", v.Run, v.Disclosed)
	}
}

// onThePage are manifests as the page quotes them.
var onThePage = regexp.MustCompile(`(?s)<pre data-file="policies/[0-9a-f]{64}\.yaml">.*?</pre>`)

var encoded = regexp.MustCompile(`[A-Za-z0-9_+/-]{16,}`)

// where names the file of a packet that holds one of the names, encoded or not.
// Manifests are there as they are, with the owner that they name.
func where(t *testing.T, data []byte, names ...string) string {
	p, err := packet.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range p.Names() {
		content, _ := p.File(file)
		if strings.HasSuffix(file, ".yaml") {
			continue
		}
		content = onThePage.ReplaceAll(content, nil)
		text := bytes.NewBuffer(bytes.Clone(content))
		for _, part := range encoded.FindAll(content, -1) {
			for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
				raw, _ := encoding.DecodeString(string(part))
				text.Write(raw)
			}
		}
		for _, name := range names {
			if bytes.Contains(text.Bytes(), []byte(name)) {
				return file + " holds " + name
			}
		}
	}
	return ""
}

// golden holds a text against a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run this test with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
