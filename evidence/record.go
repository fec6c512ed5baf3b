package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	// Version of leaf and record.
	Version = 1
	// SaltSize is the length in bytes of every salt.
	SaltSize = 16
	// MaxRecord bounds a record's canonical bytes; larger content is an
	// object by digest.
	MaxRecord = 60 << 10
	// MaxLinks bounds a record's links.
	MaxLinks = 64

	maxLinkID = 512 // bytes
)

// Link ties a record to something outside it: a document, a pull request, a
// trace, an entry in a target system. Kinds are lower-case words and dots;
// ids carry no personal data.
type Link struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// WorkflowRef says which workflow's manifest was in force.
type WorkflowRef struct {
	Name   string `json:"name"`
	Digest Digest `json:"digest"`
	Tier   string `json:"tier"`
	Mode   string `json:"mode"`
}

// Actor is whoever or whatever acted. Kind is human, agent, workload or
// platform; Ref a pseudonym, or the name that the manifest gives an identity.
type Actor struct {
	Kind string `json:"kind"`
	Ref  string `json:"ref"`
}

// Source is the authenticated surface that a record came in by.
type Source struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Version string `json:"version"`
}

// Withheld names one field of a body that a commitment stands for.
type Withheld struct {
	Pointer string `json:"pointer"` // RFC 6901, into the body as it was submitted
	Class   Class  `json:"class"`
}

// Record is one sealed fact: envelope and typed body.
type Record struct {
	Salt     string // base64url of SaltSize random bytes
	ID       RecordID
	Type     Type
	Occurred Time // by the source
	Received Time // by us
	Run      RunID
	Links    []Link       // sorted, unique
	Workflow *WorkflowRef // nil for records outside any workflow
	Actor    Actor
	Source   Source
	Body     Value // withheld fields replaced by commitments
	Withheld []Withheld
	Removed  []Removed // sorted by pointer and kind; no member of the record where empty
}

// Canonical is the record's bytes, and the offset of the thirty bytes of its
// received time, so that a writer can set that time last.
func (r *Record) Canonical() (data []byte, received int) {
	data = exactly(func(b []byte) []byte {
		b, received = r.append(b)
		return b
	})
	return data, received
}

func (r *Record) append(b []byte) (data []byte, received int) {
	b = appendObject(append(b, `{"actor":`...), "kind", r.Actor.Kind, "ref", r.Actor.Ref)
	b = r.Body.AppendCanonical(append(b, `,"body":`...))
	b = appendString(append(b, `,"id":`...), string(r.ID))
	b = appendList(append(b, `,"links":`...), r.Links, func(dst []byte, l Link) []byte {
		return appendObject(dst, "id", l.ID, "kind", l.Kind)
	})
	b = appendString(append(b, `,"occurred":`...), string(r.Occurred))
	b = append(b, `,"received":"`...)
	received = len(b)
	b = append(append(b, r.Received...), '"')
	if len(r.Removed) > 0 {
		b = appendList(append(b, `,"removed":`...), r.Removed, appendRemoved)
	}
	b = appendString(append(b, `,"run":`...), string(r.Run))
	b = appendString(append(b, `,"salt":`...), r.Salt)
	b = appendObject(append(b, `,"source":`...), "kind", r.Source.Kind, "name", r.Source.Name, "version", r.Source.Version)
	b = appendString(append(b, `,"type":`...), string(r.Type))
	b = appendList(append(b, `,"v":1,"withheld":`...), r.Withheld, func(dst []byte, w Withheld) []byte {
		return appendObject(dst, "class", string(w.Class), "pointer", w.Pointer)
	})
	b = append(b, `,"workflow":`...)
	if w := r.Workflow; w != nil {
		b = appendObject(b, "digest", string(w.Digest), "mode", w.Mode, "name", w.Name, "tier", w.Tier)
	} else {
		b = append(b, "null"...)
	}
	return append(b, '}'), received
}

// appendObject writes an object of strings from pairs in canonical order.
func appendObject(dst []byte, pairs ...string) []byte {
	for i := 0; i < len(pairs); i += 2 {
		dst = append(dst, "{,"[min(i, 1)])
		dst = append(appendString(dst, pairs[i]), ':')
		dst = appendString(dst, pairs[i+1])
	}
	return append(dst, '}')
}

func appendList[E any](dst []byte, list []E, one func([]byte, E) []byte) []byte {
	dst = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, e)
	}
	return append(dst, ']')
}

// ParseRecord reads a record's bytes back. It refuses bytes that are not
// exactly the canonical form of a record of this version: an equal record has
// equal bytes.
func ParseRecord(data []byte) (*Record, error) {
	if len(data) > MaxRecord {
		return nil, fmt.Errorf("record is %d bytes, above the bound of %d", len(data), MaxRecord)
	}
	v, err := ParseCanonical(data)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	d := decoder{what: "record"}
	d.version(v)
	r := &Record{
		Salt: d.text(v, "salt"), ID: RecordID(d.text(v, "id")), Type: Type(d.text(v, "type")),
		Occurred: Time(d.text(v, "occurred")), Received: Time(d.text(v, "received")),
		Run: RunID(d.text(v, "run")), Body: d.member(v, "body", Object),
		Links: d.links(v), Workflow: d.workflow(v),
	}
	actor, source := d.member(v, "actor", Object), d.member(v, "source", Object)
	r.Actor = Actor{Kind: d.text(actor, "kind"), Ref: d.text(actor, "ref")}
	r.Source = Source{Name: d.text(source, "name"), Kind: d.text(source, "kind"), Version: d.text(source, "version")}
	for _, w := range d.member(v, "withheld", Array).Elems() {
		r.Withheld = append(r.Withheld, Withheld{Pointer: d.text(w, "pointer"), Class: Class(d.text(w, "class"))})
		d.noMore(w, 2)
	}
	r.Removed = d.removed(v)
	d.noMore(actor, 2)
	d.noMore(source, 3)
	d.noMore(v, 13+min(len(r.Removed), 1)) // an empty list is left out
	if d.err == nil {
		d.err = r.check()
	}
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

// The words that a record's envelope may hold.
var (
	actorKinds    = []string{"human", "agent", "workload", "platform"}
	workflowTiers = []string{"low", "medium", "high", "critical"}
	workflowModes = []string{"observe", "shadow", "enforce"}
)

// check verifies the forms that do not depend on the record's type.
func (r *Record) check() error {
	switch salt, ok := strictBase64(r.Salt); {
	case !ok || len(salt) != SaltSize:
		return fmt.Errorf("record: salt is not base64url of %d bytes", SaltSize)
	case !IsUUIDv7(string(r.ID)):
		return fmt.Errorf("record: id is not a UUIDv7")
	case !isDotted(string(r.Type)):
		return fmt.Errorf("record: type is not 1 to 40 of a-z, 0-9, dot and underscore")
	case r.Run != "" && !IsUUIDv7(string(r.Run)):
		return fmt.Errorf("record: run is not a UUIDv7")
	case !slices.Contains(actorKinds, r.Actor.Kind):
		return fmt.Errorf("record: actor's kind is not one of %s", strings.Join(actorKinds, ", "))
	}
	if w := r.Workflow; w != nil && !(w.Digest.Valid() && slices.Contains(workflowTiers, w.Tier) && slices.Contains(workflowModes, w.Mode)) {
		return fmt.Errorf("record: workflow's digest, tier or mode is not one that version %d knows", Version)
	}
	if _, err := r.Occurred.Parse(); err != nil {
		return fmt.Errorf("record: occurred: %w", err)
	}
	if _, err := r.Received.Parse(); err != nil {
		return fmt.Errorf("record: received: %w", err)
	}
	if err := checkWithheld(r.Withheld); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := checkRemoved(r.Removed); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return checkLinks(r.Links)
}

// checkWithheld wants pointers in canonical order, each once, and classes that
// withhold something.
func checkWithheld(list []Withheld) error {
	for i, w := range list {
		if err := checkPointer(w.Pointer); err != nil {
			return fmt.Errorf("withheld/%d: %w", i, err)
		}
		if w.Class.Rank() < Internal.Rank() {
			return fmt.Errorf("withheld/%d: class is not internal, personal, confidential or secret", i)
		}
		if i > 0 && compareUTF16(list[i-1].Pointer, w.Pointer) >= 0 {
			return fmt.Errorf("withheld/%d: fields are sorted by pointer, each once", i)
		}
	}
	return nil
}

// checkLinks wants well-formed links in order, each once.
func checkLinks(links []Link) error {
	for i := range links {
		if i > 0 && CompareLinks(links[i-1], links[i]) >= 0 {
			return invalid("/links/"+strconv.Itoa(i), "stands out of order: links are sorted by kind and id, each once")
		}
	}
	return CheckLinks(links)
}

// CheckLinks holds links against their form and bounds, in any order.
func CheckLinks(links []Link) error {
	if len(links) > MaxLinks {
		return invalid("/links", "has %d elements, at most %d are allowed", len(links), MaxLinks)
	}
	for i, l := range links {
		if !isDotted(l.Kind) {
			return invalid("/links/"+strconv.Itoa(i)+"/kind", "is not 1 to 40 of a-z, 0-9, dot and underscore")
		}
		if l.ID == "" || len(l.ID) > maxLinkID {
			return invalid("/links/"+strconv.Itoa(i)+"/id", "is not 1 to %d bytes", maxLinkID)
		}
	}
	return nil
}

// isDotted accepts kinds of links and types of records.
func isDotted(s string) bool {
	ok := len(s) >= 1 && len(s) <= 40
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_'
	}
	return ok
}

// CompareLinks orders links by kind, then id.
func CompareLinks(a, b Link) int {
	if c := strings.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// SortLinks sorts links and drops repeats.
func SortLinks(links []Link) []Link {
	slices.SortFunc(links, CompareLinks)
	return slices.Compact(links)
}

// Leaf is what the log seals: one line per record, chained to the one before.
type Leaf struct {
	Tenant   TenantID
	Seq      uint64 // dense from 0; the index in the log
	Prev     Digest // of the leaf before, ZeroDigest for the first
	ID       RecordID
	Type     Type
	Received Time
	Digest   Digest // of the record's bytes
}

// Canonical is the leaf's bytes.
func (l *Leaf) Canonical() []byte {
	b := make([]byte, 0, 384)
	b = appendString(append(b, `{"digest":`...), string(l.Digest))
	b = appendString(append(b, `,"id":`...), string(l.ID))
	b = appendString(append(b, `,"prev":`...), string(l.Prev))
	b = appendString(append(b, `,"received":`...), string(l.Received))
	b = strconv.AppendUint(append(b, `,"seq":`...), l.Seq, 10)
	b = appendString(append(b, `,"tenant":`...), string(l.Tenant))
	b = appendString(append(b, `,"type":`...), string(l.Type))
	return append(b, `,"v":1}`...)
}

// ParseLeaf reads a leaf's bytes back, and refuses any that are not exactly
// canonical.
func ParseLeaf(data []byte) (*Leaf, error) {
	v, err := ParseCanonical(data)
	if err != nil {
		return nil, fmt.Errorf("leaf: %w", err)
	}
	d := decoder{what: "leaf"}
	d.version(v)
	seq, ok := d.member(v, "seq", Number).Int()
	l := &Leaf{
		Tenant: TenantID(d.text(v, "tenant")), Seq: uint64(seq), Prev: Digest(d.text(v, "prev")),
		ID: RecordID(d.text(v, "id")), Type: Type(d.text(v, "type")),
		Received: Time(d.text(v, "received")), Digest: Digest(d.text(v, "digest")),
	}
	d.noMore(v, 8)
	if d.err == nil && (!ok || seq < 0) {
		d.err = fmt.Errorf("leaf: seq is not a whole number from 0")
	}
	if d.err == nil {
		d.err = l.check()
	}
	if d.err != nil {
		return nil, d.err
	}
	return l, nil
}

func (l *Leaf) check() error {
	switch {
	case !IsUUIDv7(string(l.ID)):
		return fmt.Errorf("leaf: id is not a UUIDv7")
	case !isDotted(string(l.Type)):
		return fmt.Errorf("leaf: type is not 1 to 40 of a-z, 0-9, dot and underscore")
	case !l.Prev.Valid() || !l.Digest.Valid():
		return fmt.Errorf("leaf: prev or digest has not the form of a digest")
	}
	if _, err := ParseTenant(string(l.Tenant)); err != nil {
		return fmt.Errorf("leaf: tenant: %w", err)
	}
	if _, err := l.Received.Parse(); err != nil {
		return fmt.Errorf("leaf: received: %w", err)
	}
	return nil
}

// decoder takes objects in canonical form apart and keeps the first error.
// Whoever reads each member by its name, and then wants no more than those,
// knows that no other bytes say the same.
type decoder struct {
	what string
	err  error
}

func (d *decoder) member(v Value, name string, kind Kind) Value {
	m, ok := v.Get(name)
	if d.err == nil && (!ok || m.Kind() != kind) {
		d.err = fmt.Errorf("%s: %s is missing or not a %s", d.what, name, kind)
	}
	return m
}

// noMore wants an object to have no members beside the n that were read.
func (d *decoder) noMore(v Value, n int) {
	if d.err == nil && len(v.Fields()) != n {
		d.err = fmt.Errorf("%s: has fields that version %d does not know", d.what, Version)
	}
}

func (d *decoder) text(v Value, name string) string { return d.member(v, name, String).Text() }

func (d *decoder) version(v Value) {
	if n, ok := d.member(v, "v", Number).Int(); d.err == nil && (!ok || n != Version) {
		d.err = fmt.Errorf("%s: version %d is expected: %w", d.what, Version, ErrVersion)
	}
}

func (d *decoder) links(v Value) (links []Link) {
	for _, l := range d.member(v, "links", Array).Elems() {
		links = append(links, Link{Kind: d.text(l, "kind"), ID: d.text(l, "id")})
		d.noMore(l, 2)
	}
	return links
}

func (d *decoder) workflow(v Value) *WorkflowRef {
	if w, there := v.Get("workflow"); there && w.Kind() == Null {
		return nil
	}
	w := d.member(v, "workflow", Object)
	ref := &WorkflowRef{Name: d.text(w, "name"), Digest: Digest(d.text(w, "digest")), Tier: d.text(w, "tier"), Mode: d.text(w, "mode")}
	d.noMore(w, 4)
	return ref
}
