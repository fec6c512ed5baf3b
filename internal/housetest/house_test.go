// Package housetest holds the shape of the house: which package stands on
// which floor, what may import what, and the few things that only one place
// may do. Its table mirrors docs/design/house.md; change both together, on
// purpose.
package housetest

import (
	"os"
	"testing"
)

const module = "github.com/evidencefactory/evf/"

// place is where a package stands. It may import what stands on lower floors,
// and whatever is listed besides.
type place struct {
	floor   int
	parent  string   // for a part of another package, which it may import
	besides []string // sideways arrows, on purpose
}

// plan lists every package of the module.
var plan = map[string]place{
	"evidence":      {floor: 1},
	"internal/tlog": {floor: 1},

	"packet":                {floor: 2},
	"client":                {floor: 2},
	"internal/policy":       {floor: 2},
	"internal/manifest":     {floor: 2},
	"internal/redact":       {floor: 2},
	"internal/store":        {floor: 2},
	"internal/store/sqlite": {floor: 2, parent: "internal/store"},
	"internal/store/object": {floor: 2, parent: "internal/store"},

	"internal/ledger":   {floor: 3},
	"internal/vault":    {floor: 3},
	"internal/decision": {floor: 3},

	"internal/recorder":  {floor: 4},
	"internal/replay":    {floor: 4},
	"internal/reperform": {floor: 4},

	"internal/identity": {floor: 5},
	"internal/workflow": {floor: 5, besides: []string{"internal/identity"}},
	"internal/approval": {floor: 5, besides: []string{"internal/identity"}},
	"internal/thread":   {floor: 5, besides: []string{"internal/identity", "internal/workflow"}},
	"internal/erasure":  {floor: 5, besides: []string{"internal/identity", "internal/workflow"}},

	"internal/gate":   {floor: 6},
	"internal/packer": {floor: 6},

	"internal/api":  {floor: 8},
	"internal/hook": {floor: 8},

	"internal/server": {floor: 9},

	"cmd/evf": {floor: 10},
}

// support is imported by tests only, and may import what a test beneath it
// would. Other support it imports only where it is listed besides.
var support = map[string]place{
	"internal/schematest":      {floor: 1},
	"internal/store/storetest": {floor: 2, parent: "internal/store"},
	"internal/datatest":        {floor: 1},
	"internal/browsertest":     {floor: 1, besides: []string{"internal/datatest"}},
	"internal/housetest":       {floor: 1},
	"docs":                     {floor: 10},
}

// Examples are programs on the public packages alone. They may import each
// other within one example, and only the command imports them, as a demo.
const examples = "examples/"

var (
	public       = []string{"evidence", "packet", "client"}
	showsExample = "cmd/evf"
)

// pure packages have no clock, disk, network, database, logger or randomness.
var pure = []string{"evidence", "packet", "internal/tlog", "internal/policy", "internal/control", "internal/redact", "internal/manifest", "internal/delivery", "internal/decision", "internal/replay", "internal/reperform"}

// impure is what none of them imports.
var impure = []string{"os", "net", "net/http", "database/sql", "log", "log/slog", "crypto/rand", "math/rand", "math/rand/v2"}

// clock is what none of them uses of package time.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// houseFloor is the lowest floor whose packages may speak for the house.
const houseFloor = 5

// only says which packages may use a name of another package. Whoever places
// rows must name store.Batch, and whoever signs must call SetCheckpoint.
var only = []struct {
	of, name string
	by       []string
}{
	{"internal/store", "Batch", []string{"internal/recorder", "internal/store/sqlite", "internal/store/storetest"}},
	{"internal/store", "Entry", []string{"internal/recorder", "internal/store/sqlite", "internal/store/storetest"}},
}

// onlyCalls says which packages may call methods of a name.
var onlyCalls = map[string][]string{
	"SetCheckpoint": {"internal/ledger"},
	"Expunge":       {"internal/erasure", "internal/server"},
	"Destroy":       {"internal/erasure", "internal/server"},
	"Alone":         {"internal/erasure"},
}

// house is the tree this test stands in, parsed once.
func house(t *testing.T) *tree {
	t.Helper()
	tr, err := parseTree(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestHouse(t *testing.T) {
	tr := house(t)
	if len(tr.files) < 50 {
		t.Fatalf("only %d files were found", len(tr.files))
	}
	for _, problem := range tr.check() {
		t.Error(problem)
	}
}
