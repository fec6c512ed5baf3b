package housetest

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRules breaks each rule in a tree of one file.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name, path, source string
		want               string // "" where nothing is wrong with it
	}{
		{"down", "internal/gate/x.go", `package gate; import _ "github.com/evidencefactory/evf/internal/recorder"`, ""},
		{"up", "internal/store/x.go", `package store; import _ "github.com/evidencefactory/evf/internal/recorder"`, "internal/store may not import internal/recorder"},
		{"up in a test", "internal/store/x_test.go", `package store; import _ "github.com/evidencefactory/evf/internal/recorder"`, "internal/store may not import internal/recorder"},
		{"sideways", "internal/ledger/x.go", `package ledger; import _ "github.com/evidencefactory/evf/internal/vault"`, "internal/ledger may not import internal/vault"},
		{"sideways in a test", "internal/ledger/x_test.go", `package ledger; import _ "github.com/evidencefactory/evf/internal/vault"`, ""},
		{"sideways on purpose", "internal/thread/x.go", `package thread; import _ "github.com/evidencefactory/evf/internal/workflow"`, ""},
		{"sideways the other way", "internal/workflow/x.go", `package workflow; import _ "github.com/evidencefactory/evf/internal/thread"`, "internal/workflow may not import internal/thread"},
		{"a part its whole", "internal/store/sqlite/x.go", `package sqlite; import _ "github.com/evidencefactory/evf/internal/store"`, ""},
		{"a part another part", "internal/store/sqlite/x.go", `package sqlite; import _ "github.com/evidencefactory/evf/internal/store/object"`, "internal/store/sqlite may not import internal/store/object"},
		{"a whole its part", "internal/store/x.go", `package store; import _ "github.com/evidencefactory/evf/internal/store/sqlite"`, "internal/store may not import internal/store/sqlite"},
		{"something unlisted", "internal/gate/x.go", `package gate; import _ "github.com/evidencefactory/evf/internal/util"`, "internal/gate may not import internal/util"},
		{"from something unlisted", "internal/util/x.go", `package util`, "internal/util is not in the plan"},
		{"test support in a test", "internal/ledger/x_test.go", `package ledger; import _ "github.com/evidencefactory/evf/internal/store/storetest"`, ""},
		{"test support outside tests", "internal/ledger/x.go", `package ledger; import _ "github.com/evidencefactory/evf/internal/store/storetest"`, "internal/ledger may not import internal/store/storetest"},
		{"test support on purpose in another", "internal/browsertest/x.go", `package browsertest; import _ "github.com/evidencefactory/evf/internal/datatest"`, ""},
		{"test support in another", "internal/datatest/x.go", `package datatest; import _ "github.com/evidencefactory/evf/internal/browsertest"`, "internal/datatest may not import internal/browsertest"},
		{"an example's public package", "examples/invoice/x.go", `package invoice; import _ "github.com/evidencefactory/evf/client"`, ""},
		{"an example's internal package", "examples/invoice/x.go", `package invoice; import _ "github.com/evidencefactory/evf/internal/tlog"`, "examples/invoice may not import internal/tlog"},
		{"within an example", "examples/invoice/ubl/x.go", `package ubl; import _ "github.com/evidencefactory/evf/examples/invoice/books"`, ""},
		{"across examples", "examples/invoice/x.go", `package invoice; import _ "github.com/evidencefactory/evf/examples/other"`, "examples/invoice may not import examples/other"},
		{"an example in the command", "cmd/evf/x.go", `package main; import _ "github.com/evidencefactory/evf/examples/invoice"`, ""},
		{"an example in the server", "internal/server/x.go", `package server; import _ "github.com/evidencefactory/evf/examples/invoice"`, "internal/server may not import examples/invoice"},

		{"disk in a pure package", "evidence/x.go", `package evidence; import _ "os"`, "evidence is pure and imports os"},
		{"logger in a pure package", "internal/policy/x.go", `package policy; import _ "log/slog"`, "internal/policy is pure and imports log/slog"},
		{"disk in a pure package's test", "evidence/x_test.go", `package evidence; import _ "os"`, ""},
		{"clock in a pure package", "packet/x.go", `package packet; import clock "time"; var now = clock.Now`, "packet is pure and uses time.Now"},
		{"time in a pure package", "packet/x.go", `package packet; import "time"; var layout = time.RFC3339`, ""},
		{"clock elsewhere", "internal/server/x.go", `package server; import "time"; var now = time.Now`, ""},

		{"a second door", "internal/gate/x.go", `package gate; import s "github.com/evidencefactory/evf/internal/store"; var b = &s.Batch{}`, "internal/gate uses Batch of internal/store, which only internal/recorder"},
		{"entries of a second door", "internal/ledger/x.go", `package ledger; import "github.com/evidencefactory/evf/internal/store"; var b []store.Entry`, "internal/ledger uses Entry of internal/store"},
		{"rows", "internal/gate/x.go", `package gate; import "github.com/evidencefactory/evf/internal/store"; var r store.Row`, ""},
		{"a second sealer", "internal/server/x.go", `package server; func f(t interface{ SetCheckpoint() }) { t.SetCheckpoint() }`, "internal/server calls SetCheckpoint, which only internal/ledger may"},

		{"a house below the waist", "internal/ledger/x.go", `package ledger; type o struct{ House bool }; var x = o{House: true}`, "internal/ledger sets House"},
		{"a house from outside", "examples/invoice/x.go", `package invoice; type o struct{ House bool }; func f(x *o) { x.House = true }`, "examples/invoice sets House"},
		{"a house above the waist", "internal/gate/x.go", `package gate; type o struct{ House bool }; var x = o{House: true}`, ""},

		{"init", "internal/gate/x.go", `package gate; func init() {}`, "internal/gate has an init function"},
		{"a method named init", "internal/gate/x.go", `package gate; type o int; func (o) init() {}`, ""},
		{"root", "x.go", `package evf`, "code stands in the repository's root"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr, err := parseTree(fstest.MapFS{c.path: {Data: []byte(c.source)}})
			if err != nil {
				t.Fatal(err)
			}
			problems := slices.DeleteFunc(tr.check(), func(p string) bool {
				return strings.HasSuffix(p, "does not exist") || strings.Contains(p, "package comment")
			})
			if c.want == "" && len(problems) > 0 || c.want != "" && !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, c.want) }) {
				t.Errorf("problems %q, want %q", problems, c.want)
			}
		})
	}
}

func TestComments(t *testing.T) {
	const good, other, none = "// Package gate decides.\npackage gate", "// Gate decides.\npackage gate", "package gate"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"one", map[string]string{"internal/gate/a.go": good, "internal/gate/b.go": none}, ""},
		{"none", map[string]string{"internal/gate/a.go": none}, "internal/gate has 0 package comments"},
		{"two", map[string]string{"internal/gate/a.go": good, "internal/gate/b.go": good}, "internal/gate has 2 package comments"},
		{"another form", map[string]string{"internal/gate/a.go": other}, `does not begin with "Package gate"`},
		{"only in a test", map[string]string{"internal/gate/a.go": none, "internal/gate/a_test.go": good}, "internal/gate has 0 package comments"},
		{"a package of tests", map[string]string{"internal/gate/a_test.go": good}, ""},
		{"testdata and other modules", map[string]string{"internal/gate/testdata/a.go": none, "bench/go.mod": "", "bench/a.go": none}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, source := range c.files {
				files[name] = &fstest.MapFile{Data: []byte(source)}
			}
			tr, err := parseTree(files)
			if err != nil {
				t.Fatal(err)
			}
			if problems := strings.Join(tr.comments(), "\n"); (c.want == "") != (problems == "") || !strings.Contains(problems, c.want) {
				t.Errorf("problems %q, want %q", problems, c.want)
			}
		})
	}
}
