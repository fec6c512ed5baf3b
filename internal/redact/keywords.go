package redact

// finder finds many words in one pass, whatever their case: an automaton
// (Aho and Corasick, 1975) over classes of bytes.
type finder struct {
	class [256]uint8 // 0 for bytes of no word
	width int        // number of classes
	next  []uint16   // by state and class
	out   [][]int32  // by state: the words that end there
	size  []int      // by word: its bytes
}

// newFinder makes the automaton for words in lower case.
func newFinder(words []string) *finder {
	f := &finder{width: 1}
	for _, w := range words {
		f.size = append(f.size, len(w))
		for _, c := range []byte(w) {
			if f.class[c] == 0 {
				f.class[c] = uint8(f.width)
				f.width++
			}
		}
	}
	for c := 'a'; c <= 'z'; c++ {
		f.class[c-'a'+'A'] = f.class[c]
	}
	f.grow()
	for i, w := range words {
		f.add(w, int32(i))
	}
	f.link()
	return f
}

func (f *finder) grow() uint16 {
	f.next = append(f.next, make([]uint16, f.width)...)
	f.out = append(f.out, nil)
	return uint16(len(f.out) - 1)
}

func (f *finder) add(w string, i int32) {
	state := uint16(0)
	for _, c := range []byte(w) {
		at := int(state)*f.width + int(f.class[c])
		if f.next[at] == 0 {
			n := f.grow()
			f.next[at] = n
		}
		state = f.next[at]
	}
	f.out[state] = append(f.out[state], i)
}

// link turns the tree of words into the automaton, breadth first: where a word
// does not go on, the longest of its ends that begins a word does.
func (f *finder) link() {
	fail := make([]uint16, len(f.out))
	var queue []uint16
	for _, n := range f.next[:f.width] {
		if n != 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		f.out[state] = append(f.out[state], f.out[fail[state]]...)
		for c := range f.width {
			at := int(state)*f.width + c
			back := f.next[int(fail[state])*f.width+c]
			if n := f.next[at]; n != 0 {
				fail[n] = back
				queue = append(queue, n)
			} else {
				f.next[at] = back
			}
		}
	}
}

// find calls hit for every word where it stands in s.
func (f *finder) find(s string, hit func(word, start, end int)) {
	state := uint16(0)
	for i := 0; i < len(s); i++ {
		state = f.next[int(state)*f.width+int(f.class[s[i]])]
		if list := f.out[state]; list != nil {
			for _, w := range list {
				hit(int(w), i+1-f.size[w], i+1)
			}
		}
	}
}
