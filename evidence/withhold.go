package evidence

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
)

// Names that stand for withheld values (RFC 9901 sections 4.2.4.1, 4.2.4.2).
const (
	sdName    = "_sd"
	sdElement = "..."
)

// Disclosure opens one commitment: the salt, name and value of a withheld
// field, in the form of RFC 9901 section 4.2.1.
type Disclosure struct {
	Pointer string // of the field in the body as it was submitted
	Class   Class
	Subject string // whose personal field it is, "" for others
	Text    string // base64url of the JSON array [salt, name, value], or [salt, value] for an element
}

// Digest is the commitment that stands in the disclosure's place.
func (d *Disclosure) Digest() string { return disclosureDigest([]byte(d.Text)) }

func disclosureDigest(text []byte) string {
	sum := sha256.Sum256(text)
	var b [43]byte // what RFC 4648 makes of 32 bytes, without padding
	base64.RawURLEncoding.Encode(b[:], sum[:])
	return string(b[:])
}

// Open is what the disclosure says: the field's name ("" for an array's
// element) and value.
func (d *Disclosure) Open() (name string, v Value, err error) {
	o, err := d.open()
	return o.name, o.value, err
}

// opened is what a disclosure says, and the commitment it opens.
type opened struct {
	element bool // of an array, which has no name
	name    string
	value   Value
	digest  string
}

func (d *Disclosure) open() (opened, error) {
	raw, ok := strictBase64(d.Text)
	if !ok {
		return opened{}, fmt.Errorf("disclosure %s: is not strict base64url", d.Pointer)
	}
	list, err := ParseValue(raw)
	if err != nil {
		return opened{}, fmt.Errorf("disclosure %s: %w", d.Pointer, err)
	}
	// Commitments do not nest: what is opened is what was submitted, whole.
	if err := checkNoCommitments("", list); err != nil {
		return opened{}, fmt.Errorf("disclosure %s: %w", d.Pointer, err)
	}
	switch e := list.Elems(); {
	case len(e) == 3 && e[0].Kind() == String && e[1].Kind() == String:
		return opened{name: e[1].Text(), value: e[2], digest: d.Digest()}, nil
	case len(e) == 2 && e[0].Kind() == String:
		return opened{element: true, value: e[1], digest: d.Digest()}, nil
	}
	return opened{}, fmt.Errorf("disclosure %s: is not an array of salt, name and value", d.Pointer)
}

// Withholder replaces the fields of a body that are not public by salted
// commitments.
type Withholder struct {
	// Raise may give a field a higher class than its shape does; pointers
	// have * for every array index. Raising an object, or a list of objects,
	// raises every field inside that is not a key. Nil raises nothing.
	Raise func(pointer string) Class
	// Salt yields SaltSize fresh random bytes at each call.
	Salt func() []byte

	disclosures []Disclosure
	withheld    []Withheld
	raw, text   []byte // of the disclosure being made; used again for the next
	err         error
}

// Withhold checks nothing: body must have passed shape.Check. It returns the
// body to seal, what opens its commitments, and the list of withheld fields
// sorted by pointer.
func (w *Withholder) Withhold(shape *Shape, body Value) (Value, []Disclosure, []Withheld, error) {
	w.disclosures, w.withheld, w.err = nil, nil, nil
	sealed := w.object(shape, place{floor: Public}, body)
	slices.SortFunc(w.withheld, func(a, b Withheld) int { return compareUTF16(a.Pointer, b.Pointer) })
	return sealed, w.disclosures, w.withheld, w.err
}

// place is where the walk through a body stands.
type place struct {
	at    string // pointer into the body
	floor Class  // what the objects around were raised to
}

func (p place) elem(i int) place { return place{p.at + "/" + strconv.Itoa(i), p.floor} }

func (w *Withholder) object(shape *Shape, p place, v Value) Value {
	// The first is for commitments, whose name sorts before every other.
	fields := make([]Field, 1, len(v.Fields())+1)
	var digests []Value
	for _, m := range v.Fields() {
		f := shape.Field(m.Name)
		switch class := w.class(f, p.floor); {
		case f.nested():
			fields = append(fields, Field{m.Name, w.inside(f.Shape, place{pointer(p.at, m.Name), class}, m.Value)})
		case class == Public:
			fields = append(fields, m)
		case class == Secret:
			// Dropped; the list of withheld fields is the note of it.
			w.withheld = append(w.withheld, Withheld{pointer(p.at, m.Name), class})
		case f.Each:
			fields = append(fields, Field{m.Name, w.elements(class, subjectOf(f, v), place{pointer(p.at, m.Name), class}, m.Value)})
		default:
			digests = append(digests, w.commit(pointer(p.at, m.Name), class, subjectOf(f, v), StringValue(m.Name), m.Value))
		}
	}
	if len(digests) > 0 {
		// Sorted, so that the order tells nothing about names.
		slices.SortFunc(digests, func(a, b Value) int { return compareUTF16(a.Text(), b.Text()) })
		fields[0] = Field{sdName, ArrayValue(digests...)}
	} else {
		fields = fields[1:]
	}
	sealed, err := ObjectValue(fields...)
	if err != nil && w.err == nil {
		w.err = err
	}
	return sealed
}

// inside goes on below an object or a list of objects, which itself stays in
// clear.
func (w *Withholder) inside(s *Shape, p place, v Value) Value {
	if s.Kind == Object {
		return w.object(s, p, v)
	}
	list := make([]Value, len(v.Elems()))
	for i, e := range v.Elems() {
		list[i] = w.object(s.Elem, p.elem(i), e)
	}
	return ArrayValue(list...)
}

func (w *Withholder) elements(class Class, subject string, p place, v Value) Value {
	list := make([]Value, len(v.Elems()))
	for i, e := range v.Elems() {
		digest := w.commit(p.elem(i).at, class, subject, e)
		list[i] = Value{kind: Object, in: &inside{fields: []Field{{sdElement, digest}}}}
	}
	return ArrayValue(list...)
}

// class is the highest of what the field's shape, the objects around it and
// Raise say; a key's class is fixed.
func (w *Withholder) class(f *FieldShape, floor Class) Class {
	class := f.Class
	if f.Key {
		return class
	}
	if floor.Rank() > class.Rank() {
		class = floor
	}
	if w.Raise == nil {
		return class
	}
	if raised := w.Raise(f.Pattern); raised.Rank() > class.Rank() {
		class = raised
	}
	return class
}

func (w *Withholder) commit(at string, class Class, subject string, parts ...Value) Value {
	raw := append(w.raw[:0], `["`...)
	raw = append(base64.RawURLEncoding.AppendEncode(raw, w.Salt()), '"')
	for _, part := range parts {
		raw = part.AppendCanonical(append(raw, ','))
	}
	w.raw = append(raw, ']')
	w.text = base64.RawURLEncoding.AppendEncode(w.text[:0], w.raw)
	w.disclosures = append(w.disclosures, Disclosure{Pointer: at, Class: class, Subject: subject, Text: string(w.text)})
	w.withheld = append(w.withheld, Withheld{at, class})
	return StringValue(disclosureDigest(w.text))
}

// subjectOf reads whose personal field f is from its sibling in the same
// object.
func subjectOf(f *FieldShape, parent Value) string {
	if f.Class != Personal || f.Subject == "" {
		return ""
	}
	who, _ := parent.Get(f.Subject)
	return who.Text()
}

// Reveal puts disclosed values back into a sealed body. Each disclosure must
// open a commitment that stands where its pointer says; one that does not is
// an error, so a disclosure moved to another field or record never passes.
// Commitments that nothing opens stay as they are.
func Reveal(sealed Value, disclosures []Disclosure) (Value, error) {
	root := &opening{}
	for i := range disclosures {
		d := &disclosures[i]
		o, err := d.open()
		if err != nil {
			return Value{}, err
		}
		tokens, err := splitPointer(d.Pointer)
		if err != nil {
			return Value{}, err
		}
		root.add(tokens, d.Pointer, o)
	}
	return root.reveal(sealed)
}

// opening is what disclosures open at one place of a body and below it. They
// are gathered so that the body is walked once, whatever their number.
type opening struct {
	token   string
	pointer string // of the disclosures that end here
	here    []opened
	below   []*opening
	index   map[string]*opening
}

func (n *opening) add(tokens []string, pointer string, o opened) {
	for _, token := range tokens {
		n = n.child(token)
	}
	n.pointer, n.here = pointer, append(n.here, o)
}

func (n *opening) child(token string) *opening {
	if len(n.below) == 0 { // as most: no index is needed for one
		n.below = append(n.below, &opening{token: token})
		return n.below[0]
	}
	if n.index == nil {
		n.index = map[string]*opening{n.below[0].token: n.below[0]}
	}
	next := n.index[token]
	if next == nil {
		next = &opening{token: token}
		n.index[token], n.below = next, append(n.below, next)
	}
	return next
}

// reveal puts everything below n back into a copy of v. Commitments never
// nest, so it does not matter what is opened first.
func (n *opening) reveal(v Value) (Value, error) {
	v.in = &inside{list: slices.Clone(v.Elems()), fields: slices.Clone(v.Fields())}
	for _, next := range n.below {
		for _, o := range next.here {
			if !v.put(next.token, o) {
				return Value{}, fmt.Errorf("disclosure %s opens no commitment at that place", next.pointer)
			}
		}
		if len(next.below) == 0 {
			continue
		}
		inside := v.inside(next.token)
		if inside == nil {
			return Value{}, fmt.Errorf("disclosure %s opens no commitment at that place", next.first())
		}
		opened, err := next.reveal(*inside)
		if err != nil {
			return Value{}, err
		}
		*inside = opened
	}
	return v, nil
}

// first is a pointer of a disclosure at n or below it.
func (n *opening) first() string {
	for n.pointer == "" {
		n = n.below[0]
	}
	return n.pointer
}

// inside is the member or element that a token names, nil for none.
func (v *Value) inside(token string) *Value {
	if v.kind == Array {
		if i, ok := arrayIndex(token); ok && i < len(v.Elems()) {
			return &v.in.list[i]
		}
		return nil
	}
	i := slices.IndexFunc(v.Fields(), func(f Field) bool { return f.Name == token })
	if i < 0 {
		return nil
	}
	return &v.in.fields[i].Value
}

// put opens the commitment that stands for a token's member or element; false
// where nothing there commits to it. v's lists are the caller's own.
func (v *Value) put(token string, o opened) (ok bool) {
	if v.kind == Array {
		at := v.inside(token)
		if at == nil {
			return false
		}
		*at, ok = revealElement(*at, o)
		return ok
	}
	*v, ok = revealMember(*v, token, o)
	return ok
}

// revealMember swaps a digest in an object's _sd for the field it stands for.
func revealMember(v Value, last string, o opened) (Value, bool) {
	if v.kind != Object {
		return v, false
	}
	digests, _ := v.Get(sdName)
	i := slices.IndexFunc(digests.Elems(), func(d Value) bool { return d.kind == String && d.text == o.digest })
	if i < 0 || o.element || o.name != last || o.name == sdName || o.name == sdElement {
		return v, false
	}
	fields := slices.DeleteFunc(slices.Clone(v.Fields()), func(f Field) bool { return f.Name == sdName })
	if rest := slices.Delete(slices.Clone(digests.Elems()), i, i+1); len(rest) > 0 {
		fields = append(fields, Field{sdName, ArrayValue(rest...)})
	}
	// A member of that name that stands there already is an error here.
	out, err := ObjectValue(append(fields, Field{o.name, o.value})...)
	return out, err == nil
}

// revealElement is the value that an array's {"...": digest} stands for.
func revealElement(stand Value, o opened) (Value, bool) {
	digest, _ := stand.Get(sdElement)
	if digest.kind != String || digest.text != o.digest || len(stand.Fields()) != 1 || !o.element {
		return stand, false
	}
	return o.value, true
}
