package evidence

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/evidencefactory/evf/internal/datatest"
)

// The cases of the reference implementation of RFC 9901 say which claims are
// hidden, which of them a holder discloses, and what a verifier then sees.
// Our records use its disclosures and digests, of members and of elements,
// one level deep. A case that hides claims inside a hidden claim is refused.
func TestSDJWTCases(t *testing.T) {
	root := datatest.Path(t, "conformance", "sd-jwt")
	cases, nested := 0, 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "specification.yml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, filepath.Dir(path))
		cases++
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			var c struct {
				Claims    yaml.Node `yaml:"user_claims"`
				Disclosed yaml.Node `yaml:"holder_disclosed_claims"`
				Expected  yaml.Node `yaml:"expect_verified_user_claims"`
			}
			if err := yaml.Unmarshal(data, &c); err != nil {
				t.Fatal(err)
			}
			s := hider{t: t, salt: countingSalts(1)}
			sealed := s.hide(&c.Claims, "", &c.Disclosed)
			if s.nested {
				nested++
				checkNestedRefused(t, sealed, s.all)
				return
			}
			checkRevealed(t, sealed, s.all, plainYAML(t, &c.Claims))
			if !c.Expected.IsZero() {
				seen, err := Reveal(sealed, s.disclosed)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := string(withoutHidden(seen).Canonical()), string(plainYAML(t, &c.Expected).Canonical()); got != want {
					t.Errorf("a verifier sees %s, want %s", got, want)
				}
			}
		})
		return nil
	})
	if err != nil || cases < 30 || nested == 0 || nested == cases {
		t.Errorf("%d cases, %d of them nested, %v", cases, nested, err)
	}
	t.Logf("%d cases, %d of them nested and refused", cases, nested)
}

// checkRevealed opens everything, and then holds hostile disclosures against
// the same body.
func checkRevealed(t *testing.T, sealed Value, all []Disclosure, want Value) {
	t.Helper()
	open, err := Reveal(sealed, all)
	if err != nil || string(open.Canonical()) != string(want.Canonical()) {
		t.Errorf("opened %s, %v; want %s", open.Canonical(), err, want.Canonical())
	}
	for i, d := range all {
		for name, other := range map[string]Disclosure{
			"of another salt":      {Pointer: d.Pointer, Text: strings.Replace(d.Text, d.Text[4:8], "AAAA", 1)},
			"with padding":         {Pointer: d.Pointer, Text: d.Text + "="},
			"with a line feed":     {Pointer: d.Pointer, Text: d.Text + "\n"},
			"elsewhere":            {Pointer: d.Pointer + "x", Text: d.Text},
			"of the whole":         {Pointer: "", Text: d.Text},
			"of another's place":   {Pointer: all[(i+1)%len(all)].Pointer, Text: d.Text},
			"of the digest itself": {Pointer: d.Pointer, Text: d.Digest()},
		} {
			if other.Pointer == d.Pointer && other.Text == d.Text {
				continue
			}
			if _, err := Reveal(sealed, []Disclosure{other}); err == nil {
				t.Errorf("%s: a disclosure %s is opened", d.Pointer, name)
			}
		}
		if _, err := Reveal(sealed, []Disclosure{d, d}); err == nil {
			t.Errorf("%s: is opened twice", d.Pointer)
		}
	}
}

func checkNestedRefused(t *testing.T, sealed Value, all []Disclosure) {
	t.Helper()
	refused := 0
	for _, d := range all {
		if _, err := Reveal(sealed, []Disclosure{d}); err != nil {
			refused++
		}
	}
	if _, err := Reveal(sealed, all); err == nil || refused == 0 {
		t.Error("a commitment inside a disclosed value is opened")
	}
}

// hider makes a body with commitments out of YAML in which what is to be
// hidden carries the tag !sd.
type hider struct {
	t         *testing.T
	salt      func() []byte
	all       []Disclosure
	disclosed []Disclosure // what the holder discloses
	nested    bool         // something hidden is inside something hidden
	inside    int
}

func (s *hider) hide(n *yaml.Node, at string, chosen *yaml.Node) Value {
	switch n.Kind {
	case yaml.MappingNode:
		var fields []Field
		var digests []Value
		for i := 0; i < len(n.Content); i += 2 {
			key, below := n.Content[i], pointer(at, n.Content[i].Value)
			if key.Tag != "!sd" {
				fields = append(fields, Field{key.Value, s.hide(n.Content[i+1], below, choiceOf(chosen, key.Value))})
				continue
			}
			digests = append(digests, s.commit(n.Content[i+1], below, choiceOf(chosen, key.Value), StringValue(key.Value)))
		}
		slices.SortFunc(digests, func(a, b Value) int { return strings.Compare(a.Text(), b.Text()) })
		if len(digests) > 0 {
			fields = append(fields, Field{sdName, ArrayValue(digests...)})
		}
		return must(ObjectValue(fields...))
	case yaml.SequenceNode:
		var list []Value
		for i, e := range n.Content {
			below, choice := at+"/"+strconv.Itoa(i), element(chosen, i)
			if e.Tag != "!sd" {
				list = append(list, s.hide(e, below, choice))
				continue
			}
			list = append(list, must(ObjectValue(Field{sdElement, s.commit(untagged(e), below, choice)})))
		}
		return ArrayValue(list...)
	}
	return plainYAML(s.t, n)
}

func (s *hider) commit(n *yaml.Node, at string, chosen *yaml.Node, name ...Value) Value {
	s.nested = s.nested || s.inside > 0
	s.inside++
	value := s.hide(n, at, chosen)
	s.inside--
	parts := append([]Value{StringValue(base64.RawURLEncoding.EncodeToString(s.salt()))}, append(name, value)...)
	d := Disclosure{Pointer: at, Text: base64.RawURLEncoding.EncodeToString(ArrayValue(parts...).Canonical())}
	s.all = append(s.all, d)
	if chosen != nil && chosen.Value != "False" && chosen.Value != "false" && chosen.Tag != "!!null" {
		s.disclosed = append(s.disclosed, d)
	}
	return StringValue(d.Digest())
}

func choiceOf(n *yaml.Node, name string) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func element(n *yaml.Node, i int) *yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
		return nil
	}
	return n.Content[i]
}

// untagged is a node without its tag !sd, so that its type shows again.
func untagged(n *yaml.Node) *yaml.Node {
	c := *n
	c.Tag = ""
	return &c
}

// plainYAML is a node as a value, whatever is tagged in it.
func plainYAML(t *testing.T, n *yaml.Node) Value {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		var fields []Field
		for i := 0; i < len(n.Content); i += 2 {
			fields = append(fields, Field{n.Content[i].Value, plainYAML(t, n.Content[i+1])})
		}
		return must(ObjectValue(fields...))
	case yaml.SequenceNode:
		var list []Value
		for _, e := range n.Content {
			list = append(list, plainYAML(t, e))
		}
		return ArrayValue(list...)
	}
	var scalar any
	if err := untagged(n).Decode(&scalar); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(scalar)
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(text))
}

// withoutHidden is what is left where closed commitments are taken out.
func withoutHidden(v Value) Value {
	switch v.Kind() {
	case Object:
		var fields []Field
		for _, f := range v.Fields() {
			if f.Name != sdName {
				fields = append(fields, Field{f.Name, withoutHidden(f.Value)})
			}
		}
		return must(ObjectValue(fields...))
	case Array:
		var list []Value
		for _, e := range v.Elems() {
			if _, hidden := e.Get(sdElement); !hidden {
				list = append(list, withoutHidden(e))
			}
		}
		return ArrayValue(list...)
	}
	return v
}
