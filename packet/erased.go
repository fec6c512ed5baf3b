package packet

import (
	"slices"
	"sort"

	"github.com/evidencefactory/evf/evidence"
)

// Erasure is an erasure.performed in the packet that took something of its
// records.
type Erasure struct {
	Record    evidence.RecordID `json:"record"`
	On        evidence.Time     `json:"on"`        // when it was recorded
	Authority string            `json:"authority"` // who ordered it, and on what basis
	Fields    int               `json:"fields"`    // whose key it destroyed
	Records   int               `json:"records"`   // that it expunged
}

// Gone is a record of the run that was expunged: its leaf is there, and the
// erasure that took its bytes.
type Gone struct {
	Record    evidence.RecordID
	Type      evidence.Type
	On        evidence.Time
	Authority string
}

// restsOn says which slot a type that can be expunged is evidence for.
var restsOn = map[evidence.Type]string{
	evidence.TypeInputReferenced:    "inputs",
	evidence.TypeFieldsExtracted:    "extraction",
	evidence.TypeApprovalViewed:     "oversight",
	evidence.TypeChangeObserved:     "action",
	evidence.TypeOperationFailed:    "operation",
	evidence.TypeOperationRetried:   "operation",
	evidence.TypeOperationRecovered: "operation",
}

// erasure is an erasure.performed as the log sealed it.
type erasure struct {
	seq  uint64
	rec  *evidence.Record
	body evidence.ErasurePerformed
}

// erasure keeps a record that is one. Like every word of the house's own it is
// of no run and no workflow.
func (d *derived) erasure(seq uint64, rec *evidence.Record) {
	if rec.Type != evidence.TypeErasurePerformed || rec.Run != "" || rec.Workflow != nil {
		return
	}
	if body, err := evidence.Decode[evidence.ErasurePerformed](rec.Body); err == nil {
		d.erasures = append(d.erasures, erasure{seq, rec, body})
	}
}

// addGone counts a record of which only the leaf is left.
func (d *derived) addGone(leaf *evidence.Leaf) {
	d.gone = append(d.gone, leaf)
	d.counts.Records++
}

// settle says of everything that is closed or gone which erasure took it. It
// comes after the last record: an erasure stands behind what it takes.
func (d *derived) settle() {
	byKey := map[string][]int{} // erasures by the keys they destroyed, in order
	d.named = map[evidence.RecordID]naming{}
	took := make([]Erasure, len(d.erasures))
	for i, e := range d.erasures {
		took[i] = Erasure{Record: e.rec.ID, On: e.rec.Received, Authority: e.body.Authority}
		for _, full := range e.body.Keys {
			name, _, _ := evidence.CutGeneration(full)
			byKey[name] = append(byKey[name], i)
		}
		for _, x := range e.body.Expunged {
			d.named[x.Record] = naming{i, x}
		}
	}
	for n := range d.closed {
		c := &d.closed[n]
		by := byKey[c.key]
		if at := sort.Search(len(by), func(i int) bool { return d.erasures[by[i]].seq > c.seq }); at < len(by) {
			c.Reason, c.Erasure = ReasonErased, d.erasures[by[at]].rec.ID
			took[by[at]].Fields++
		}
	}
	for _, leaf := range d.gone {
		if n, ok := d.tookRecord(leaf); ok {
			took[n.erasure].Records++
			d.story.gone = append(d.story.gone, Gone{leaf.ID, leaf.Type, took[n.erasure].On, took[n.erasure].Authority})
		}
	}
	d.erased = slices.DeleteFunc(took, func(e Erasure) bool { return e.Fields == 0 && e.Records == 0 })
}

// naming is an erasure's word about a record.
type naming struct {
	erasure int
	evidence.Expunged
}

// tookRecord finds the erasure that names a record with its place and digest,
// and stands behind it.
func (d *derived) tookRecord(leaf *evidence.Leaf) (naming, bool) {
	n, ok := d.named[leaf.ID]
	return n, ok && n.Digest == leaf.Digest && uint64(n.Seq) == leaf.Seq && d.erasures[n.erasure].seq > leaf.Seq
}

// expunged wants an erasure for every record of which only the leaf is here,
// and the record to have been the run's.
func (v *verification) expunged() {
	for _, leaf := range v.derived.gone {
		switch n, ok := v.derived.tookRecord(leaf); {
		case !ok:
			v.fail(checkRecords, string(leaf.ID), "is not here, and no erasure in the packet says that it was expunged")
		case n.Run != v.says.Scope.Run:
			v.fail(checkRecords, string(leaf.ID), "was expunged as a record of another run than the packet's")
		}
	}
}
