package evidence

import (
	"crypto/sha256"
	"strconv"
	"strings"
)

// CheckSealed holds a sealed body and the list of what is withheld from it
// against the shape: every field is there in clear or withheld, no field
// stands in clear below its class, no key is withheld, and each withheld
// field has its commitment (a secret one has none). The error is an *Error of
// kind Invalid whose field is the pointer of the first fault; it quotes
// names, never values. Whether a commitment opens to a value of the right
// shape is for Reveal and Check to say.
func (s *Shape) CheckSealed(body Value, withheld []Withheld) error {
	if err := checkWithheld(withheld); err != nil {
		return invalid("", "%w", err)
	}
	c := sealedCheck{unseen: make(map[string]Class, len(withheld))}
	for _, w := range withheld {
		c.unseen[w.Pointer] = w.Class
	}
	if err := c.object(s, "", body); err != nil {
		return err
	}
	for _, w := range withheld {
		if _, left := c.unseen[w.Pointer]; left {
			return invalid(w.Pointer, "is listed as withheld, but no such field can be")
		}
	}
	return nil
}

// sealedCheck is one walk through a sealed body.
type sealedCheck struct {
	unseen map[string]Class // withheld pointers the walk has not come by
	at     []byte           // a pointer, put together to look for it
}

// take reports whether what stands at a token of a frame is withheld. Most is
// not, so its pointer is not made for that.
func (c *sealedCheck) take(frame, token string) (Class, bool) {
	if len(c.unseen) == 0 {
		return "", false
	}
	c.at = append(append(append(c.at[:0], frame...), '/'), escapePointer(token)...)
	class, ok := c.unseen[string(c.at)]
	if ok {
		delete(c.unseen, string(c.at))
	}
	return class, ok
}

func (c *sealedCheck) object(s *Shape, at string, v Value) error {
	if v.Kind() != Object {
		return invalid(at, "is a %s, an object is expected", v.Kind())
	}
	for _, m := range v.Fields() {
		if f := s.Field(m.Name); f == nil && m.Name != sdName {
			return invalid(pointer(at, m.Name), "is not a field of this type")
		}
	}
	commitments := 0
	for i := range s.Fields {
		f := &s.Fields[i]
		committed, err := c.member(f, at, v)
		if err != nil {
			return err
		}
		if committed {
			commitments++
		}
	}
	return checkCommitments(at, v, commitments)
}

// member checks one field of the object at frame; it reports whether a
// commitment among the object's own stands for it.
func (c *sealedCheck) member(f *FieldShape, frame string, parent Value) (committed bool, err error) {
	v, clear := parent.Get(f.Name)
	class, withheld := c.take(frame, f.Name)
	at := func() string { return pointer(frame, f.Name) }
	switch {
	case withheld && (f.Key || f.nested()):
		return false, invalid(at(), "is withheld, which no key and no frame around fields ever is")
	case withheld && f.Each && class != Secret:
		return false, invalid(at(), "is withheld as a whole, not element by element")
	case withheld && clear:
		return false, invalid(at(), "is withheld and stands in clear")
	case withheld && class.Rank() < f.Class.Rank():
		return false, invalid(at(), "is withheld as %s, below its class %s", class, f.Class)
	case withheld:
		return class != Secret, nil
	case !clear && !f.Optional:
		return false, invalid(at(), "is missing")
	case !clear:
		return false, nil
	case f.Class == Public && !f.nested() && !f.Each:
		if err = f.Check("", v); err != nil {
			err = below(at(), err)
		}
		return false, err
	}
	return false, c.clear(f, at(), v)
}

// clear checks a frame, a list that is withheld element by element, and what
// should be withheld and is not.
func (c *sealedCheck) clear(f *FieldShape, at string, v Value) error {
	switch {
	case f.Kind == Object:
		return c.object(f.Shape, at, v)
	case f.nested() || f.Each:
		return c.list(f, at, v)
	}
	return invalid(at, "is %s and stands in clear", f.Class)
}

// list checks a list of objects, or one that is withheld element by element.
func (c *sealedCheck) list(f *FieldShape, at string, v Value) error {
	if v.Kind() != Array {
		return invalid(at, "is a %s, an array is expected", v.Kind())
	}
	if len(v.Elems()) > f.Max {
		return invalid(at, "has %d elements, at most %d are allowed", len(v.Elems()), f.Max)
	}
	for i, e := range v.Elems() {
		var err error
		if f.nested() {
			err = c.object(f.Elem, at+"/"+strconv.Itoa(i), e)
		} else {
			err = c.elem(f, at, i, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *sealedCheck) elem(f *FieldShape, list string, i int, e Value) error {
	class, withheld := c.take(list, strconv.Itoa(i))
	at := list + "/" + strconv.Itoa(i)
	digest, _ := e.Get(sdElement)
	switch {
	case !withheld && f.Class != Public:
		return invalid(at, "is %s and stands in clear", f.Class)
	case !withheld:
		return f.Elem.Check(at, e)
	case class.Rank() < f.Class.Rank() || class == Secret:
		return invalid(at, "is withheld as %s, which is not for an element of this list", class)
	case len(e.Fields()) != 1 || !isCommitment(digest):
		return invalid(at, "is withheld, but no commitment stands in its place")
	}
	return nil
}

// checkCommitments wants exactly so many digests in an object's _sd, strictly
// ascending: their order tells nothing about names, and none stands twice.
func checkCommitments(at string, v Value, want int) error {
	list, present := v.Get(sdName)
	at = pointer(at, sdName)
	switch n := len(list.Elems()); {
	case present != (want > 0) || present && list.Kind() != Array:
		return invalid(at, "is an array where, and only where, members are withheld")
	case n != want:
		return invalid(at, "has %d commitments for %d withheld members", n, want)
	}
	for i, d := range list.Elems() {
		if !isCommitment(d) {
			return invalid(at+"/"+strconv.Itoa(i), "is not base64url of a SHA-256")
		}
		if i > 0 && strings.Compare(list.Elems()[i-1].Text(), d.Text()) >= 0 {
			return invalid(at+"/"+strconv.Itoa(i), "is not above the commitment before it")
		}
	}
	return nil
}

func isCommitment(v Value) bool {
	sum, ok := strictBase64(v.Text())
	return v.Kind() == String && ok && len(sum) == sha256.Size
}
