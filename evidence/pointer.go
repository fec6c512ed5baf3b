package evidence

// FieldAt finds the field that a pointer into a body leads to, nil where the
// shape has none there.
func (s *Shape) FieldAt(pointer string) (f *FieldShape) {
	tokens, err := splitPointer(pointer)
	if err != nil {
		return nil
	}
	for _, token := range tokens {
		if s.Kind == Array {
			s = s.Elem
			continue
		}
		if f = s.Field(token); f == nil {
			return nil
		}
		s = f.Shape
	}
	return f
}

// Parent walks an RFC 6901 pointer to the value that holds its last token.
func (v Value) Parent(pointer string) (frame Value, last string, ok bool) {
	tokens, err := splitPointer(pointer)
	if err != nil {
		return Value{}, "", false
	}
	for _, t := range tokens[:len(tokens)-1] {
		if v, ok = v.Step(t); !ok {
			return Value{}, "", false
		}
	}
	return v, tokens[len(tokens)-1], true
}

// Step is the member of an object, or the element of an array, that one token
// of a pointer names.
func (v Value) Step(token string) (Value, bool) {
	if v.kind != Array {
		return v.Get(token)
	}
	list := v.Elems()
	i, ok := arrayIndex(token)
	if !ok || i >= len(list) {
		return Value{}, false
	}
	return list[i], true
}
