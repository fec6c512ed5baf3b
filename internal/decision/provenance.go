package decision

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/policy"
)

// Sources are the texts that the arguments of a call may come from, as far as
// somebody says so. They are compared with the arguments and not kept.
type Sources struct {
	Cited     []string // values of fields that a record or document is cited for
	Person    []string // what the person said whom the run goes back to
	Untrusted []string // output of tools, text of documents, pages: whatever others wrote
}

// origin is where a value comes from. Of the parts of an argument, the highest
// origin is the argument's.
type origin int

const (
	trivial   origin = iota // says nothing: true, a single digit, a word of an enum
	cited                   // stands in a cited field
	person                  // stands in what a person said
	unknown                 // stands nowhere: derived, composed or made up
	untrusted               // stands in untrusted content, and in nothing better
)

// provenance sorts the arguments of a call by where they come from.
func (s *State) provenance(attested map[string]string, tool string, args evidence.Value, f *policy.Facts) {
	t, _ := s.Rules.Tool(tool)
	fields := slices.Clone(s.Sources.Cited)
	for _, value := range attested {
		fields = append(fields, value)
	}
	tr := newTracer(Sources{fields, s.Sources.Person, s.Sources.Untrusted})
	for _, field := range args.Fields() {
		arg, declared := t.Arg(field.Name)
		if !declared {
			continue // refused for that
		}
		switch tr.origin(arg, field.Value) {
		case cited:
			f.ArgsCited = append(f.ArgsCited, field.Name)
		case person:
			f.ArgsPerson = append(f.ArgsPerson, field.Name)
		case unknown:
			f.ArgsUnknown = append(f.ArgsUnknown, field.Name)
		case untrusted:
			f.ArgsUntrusted = append(f.ArgsUntrusted, field.Name)
		}
	}
}

// tracer looks values up in the sources of a call.
type tracer struct {
	cited, person, untrusted *texts
	left                     int // looks that may still be taken
}

// maxLooks bounds the work that one call can ask for.
const maxLooks = 4096

func newTracer(s Sources) *tracer {
	return &tracer{read(s.Cited), read(s.Person), read(s.Untrusted), maxLooks}
}

func (t *tracer) origin(arg manifest.Arg, v evidence.Value) (worst origin) {
	switch v.Kind() {
	case evidence.Array:
		for _, e := range v.Elems() {
			worst = max(worst, t.origin(arg, e))
		}
	case evidence.Object:
		for _, f := range v.Fields() {
			worst = max(worst, t.origin(arg, f.Value))
		}
	case evidence.Number:
		return t.number(arg, v.Text())
	case evidence.String:
		switch {
		case arg.Enum != nil && slices.Contains(arg.Enum, v.Text()):
			return trivial
		case arg.Type == manifest.ArgAmount:
			return t.amount(arg, v.Text())
		}
		return t.text(arg, v.Text())
	}
	return worst
}

// find tells where one value stands that is looked up in the same way
// everywhere. The better source counts: what a person said may be repeated by
// a document. What there is no time to look up counts as the worst that it
// could be.
func (t *tracer) find(stands func(*texts) bool) origin {
	t.left--
	switch {
	case t.left < 0 && t.untrusted.words != "":
		return untrusted
	case t.left < 0:
		return unknown
	case stands(t.cited):
		return cited
	case stands(t.person):
		return person
	case stands(t.untrusted):
		return untrusted
	}
	return unknown
}

// says reports whether a value says anything: a single sign stands everywhere,
// and counts only where its place must be known.
func says(arg manifest.Arg, value string) bool {
	return len(value) > 1 || value != "" && arg.Provenance == manifest.ProvenanceCited
}

// number finds a number however it is written.
func (t *tracer) number(arg manifest.Arg, text string) origin {
	if !says(arg, strings.TrimPrefix(text, "-")) {
		return trivial
	}
	return t.find(func(x *texts) bool { return x.hasNumber(text) })
}

// amount finds minor units as such, or as the amount that people write.
func (t *tracer) amount(arg manifest.Arg, minor string) origin {
	digits, negative := strings.CutPrefix(minor, "-")
	major := strings.Repeat("0", max(0, 3-len(digits))) + digits
	major = major[:len(major)-2] + "." + major[len(major)-2:]
	if negative {
		major = "-" + major
	}
	if !says(arg, digits) {
		return trivial
	}
	return t.find(func(x *texts) bool { return x.hasNumber(minor) || x.hasNumber(major) })
}

// text finds a string: the whole of it, or what in it leads elsewhere, or so
// long a part that it is hardly the caller's own.
func (t *tracer) text(arg manifest.Arg, s string) origin {
	words := wordsOf(s)
	switch {
	case !says(arg, strings.Join(words, "")):
		return trivial
	case plainNumber(s):
		return t.number(arg, strings.TrimSpace(s))
	}
	whole := t.find(func(x *texts) bool { return x.has(s) })
	if whole != unknown && (whole != untrusted || arg.Provenance != manifest.ProvenanceProse) {
		return whole
	}
	for _, part := range leads(s) {
		if t.find(func(x *texts) bool { return x.has(part) }) == untrusted {
			return untrusted
		}
	}
	if t.copied(words) {
		return untrusted
	}
	return unknown
}

// minCopied is the fewest words in a row that count as copied.
const minCopied = 5

// copied reports whether half of some words, in a row, stand in untrusted
// content and nowhere better.
func (t *tracer) copied(words []string) bool {
	n := max(minCopied, (len(words)+1)/2)
	if n > len(words) {
		return false
	}
	for i := 0; i+n <= len(words); i++ {
		row := strings.Join(words[i:i+n], " ")
		if t.find(func(x *texts) bool { return x.hasWords(row) }) == untrusted {
			return true
		}
	}
	return false
}

// leads are the parts of a text that lead somewhere: addresses of mail, hosts
// and pages, and names with digits in them, such as accounts and numbers of
// telephones.
func leads(s string) (parts []string) {
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"'<>()[]{},;|`, r) }) {
		part = strings.Trim(part, ".:!?*_`")
		host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(part), "https://"), "http://"), "/")
		dot := strings.LastIndexByte(host, '.')
		switch {
		case strings.Contains(part, "@") && len(part) > 2:
			parts = append(parts, part)
		case dot > 0 && len(host)-dot > 2 && !plainNumber(host):
			parts = append(parts, host)
		case len(part) >= 6 && strings.ContainsFunc(part, unicode.IsDigit):
			parts = append(parts, part)
		}
	}
	return parts
}

// texts are made ready to look values up in.
type texts struct {
	words   string          // " word word ", a line a text
	compact string          // letters and digits alone, a line a text
	numbers map[string]bool // as plainDecimal writes them
}

func read(list []string) *texts {
	x := &texts{numbers: map[string]bool{}}
	var words, compact strings.Builder
	for _, s := range list {
		w := wordsOf(s)
		words.WriteString(" " + strings.Join(w, " ") + " \n")
		compact.WriteString(strings.Join(w, "") + "\n")
		for _, number := range numbersIn(s) {
			x.numbers[number] = true
		}
	}
	x.words, x.compact = words.String(), compact.String()
	return x
}

// minCompact is the fewest letters and digits that are found though spaces
// stand between them, as in the groups of an IBAN.
const minCompact = 8

func (x *texts) has(s string) bool {
	words := wordsOf(s)
	if len(words) == 0 {
		return false
	}
	if x.hasWords(strings.Join(words, " ")) {
		return true
	}
	run := strings.Join(words, "")
	return len(run) >= minCompact && strings.ContainsFunc(run, unicode.IsDigit) && strings.Contains(x.compact, run)
}

func (x *texts) hasWords(row string) bool { return strings.Contains(x.words, " "+row+" ") }

func (x *texts) hasNumber(s string) bool {
	_, found := x.numbers[plainDecimal(s)]
	return found
}

// wordsOf are the runs of letters and digits of a text, in lower case. What is
// not seen, such as a zero-width space, does not part them.
func wordsOf(s string) []string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, s)
	return strings.Fields(s)
}

// numbersIn are the numbers of a text. Points and commas may part thousands or
// begin a fraction: all readings count.
func numbersIn(s string) (list []string) {
	inside := func(r rune) bool { return unicode.IsDigit(r) || strings.ContainsRune(".,'", r) }
	for _, run := range strings.FieldsFunc(s, func(r rune) bool { return !inside(r) }) {
		run = strings.Trim(run, ".,'")
		if run == "" {
			continue
		}
		plain := strings.NewReplacer(".", "", ",", "", "'", "").Replace(run)
		list = append(list, plainDecimal(plain))
		if at := strings.LastIndexAny(run, ".,"); at >= 0 {
			before := strings.NewReplacer(".", "", ",", "", "'", "").Replace(run[:at])
			list = append(list, plainDecimal(before+"."+run[at+1:]))
		}
	}
	return list
}

// plainDecimal writes a number without zeros that say nothing. Its sign is
// dropped: texts write it in many ways.
func plainDecimal(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "-")
	whole, fraction, _ := strings.Cut(s, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	whole = cmp.Or(whole, "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// plainNumber reports whether a text is a number and nothing else.
func plainNumber(s string) bool {
	s = strings.TrimPrefix(strings.TrimSpace(s), "-")
	whole, fraction, point := strings.Cut(s, ".")
	digits := func(s string) bool {
		return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	}
	return digits(whole) && (!point || digits(fraction))
}
