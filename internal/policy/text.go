package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cedar-policy/cedar-go"
)

// statement is the text of one policy, up to and with its semicolon, and
// where it begins.
type statement struct {
	text         string
	line, column int
}

// parse reads policy text. Each policy is read by itself, so that one that
// cannot be read does not hide the faults of the others.
func parse(text string) (clauses []*clause, problems Problems) {
	if !utf8.ValidString(text) {
		return nil, Problems{{Line: 1, Column: 1, Message: "the policies are not valid UTF-8"}}
	}
	statements, err := split(text)
	if err != nil {
		return nil, Problems{*err}
	}
	for _, st := range statements {
		list, err := cedar.NewPolicyListFromBytes("", []byte(st.text))
		if err != nil {
			problems = append(problems, st.fault(err))
			continue
		}
		for _, p := range list { // none where only a comment is left
			at := p.Position()
			c := &clause{policy: p}
			c.line, c.column = st.shift(at.Line, at.Column)
			clauses = append(clauses, c)
		}
	}
	if len(clauses) > MaxPolicies {
		problems = append(problems, Problem{Line: 1, Column: 1, Message: fmt.Sprintf("there are %d policies, above the bound of %d", len(clauses), MaxPolicies)})
	}
	return clauses, problems
}

// split cuts text after every semicolon that stands outside strings and
// comments: in Cedar only the end of a policy is one. The pieces make up the
// whole text, so nothing is lost. It refuses what the recursive parser should
// not be given, and block comments, which Cedar itself does not have.
func split(text string) (statements []statement, fault *Problem) {
	s := scanner{text: text, line: 1, column: 1}
	for s.pos < len(text) {
		st, fault := s.statement()
		if fault != nil {
			return nil, fault
		}
		statements = append(statements, st)
	}
	return statements, nil
}

// scanner walks policy text and knows line and column.
type scanner struct {
	text         string
	pos          int
	line, column int
}

func (s *scanner) statement() (statement, *Problem) {
	start, st := s.pos, statement{line: s.line, column: s.column}
	depth := 0
	for s.pos < len(s.text) {
		if s.pos-start > MaxPolicyText {
			return st, s.fault("one policy is longer than %d bytes here: split it, or end the one before with a semicolon", MaxPolicyText)
		}
		switch c := s.text[s.pos]; {
		case c == '"':
			s.skipString()
			continue
		case strings.HasPrefix(s.text[s.pos:], "//"):
			s.skipTo('\n')
			continue
		case strings.HasPrefix(s.text[s.pos:], "/*"):
			return st, s.fault("Cedar has no block comments: begin each line of the comment with //")
		case strings.IndexByte("([{", c) >= 0:
			if depth++; depth > MaxNesting {
				return st, s.fault("brackets are nested deeper than %d levels", MaxNesting)
			}
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case c == ';':
			s.advance()
			st.text = s.text[start:s.pos]
			return st, nil
		}
		s.advance()
	}
	st.text = s.text[start:]
	return st, nil
}

// advance steps over one character.
func (s *scanner) advance() {
	_, size := utf8.DecodeRuneInString(s.text[s.pos:])
	if s.text[s.pos] == '\n' {
		s.line, s.column = s.line+1, 0
	}
	s.pos, s.column = s.pos+size, s.column+1
}

func (s *scanner) skipTo(end byte) {
	for s.pos < len(s.text) && s.text[s.pos] != end {
		s.advance()
	}
}

// skipString steps over a string. One that its line does not close is left
// for the parser to report.
func (s *scanner) skipString() {
	for s.advance(); s.pos < len(s.text) && s.text[s.pos] != '\n'; s.advance() {
		switch s.text[s.pos] {
		case '"':
			s.advance()
			return
		case '\\':
			if s.advance(); s.pos == len(s.text) {
				return
			}
		}
	}
}

func (s *scanner) fault(format string, args ...any) *Problem {
	return &Problem{Line: s.line, Column: s.column, Message: fmt.Sprintf(format, args...)}
}

// shift turns a position in the statement into one in the whole text.
func (st statement) shift(line, column int) (int, int) {
	if line == 1 {
		column += st.column - 1
	}
	return line + st.line - 1, column
}

var (
	parserFault = regexp.MustCompile(`(?s)<input>:(\d+):(\d+)(?: (".*?"))?: (.*)$`)
	wrongToken  = regexp.MustCompile(`(?s)^exact got (.*) want (.*)$`)
)

// fault words the parser's error. The parser names the token after the one
// that it could not accept, so that one is looked for before it.
func (st statement) fault(err error) Problem {
	m := parserFault.FindStringSubmatch(err.Error())
	if m == nil {
		return st.literalFault(err)
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	message := m[4]
	if w := wrongToken.FindStringSubmatch(message); w != nil {
		line, column = st.before(line, column, w[1])
		message = fmt.Sprintf("found %q where %q should stand", w[1], w[2])
	} else if m[3] != "" {
		message = fmt.Sprintf("cannot be read before %s: %s", m[3], message)
	}
	line, column = st.shift(line, column)
	return Problem{Line: line, Column: column, Message: message}
}

// literalFault words the errors of impossible literals: the parser says only
// what is wrong with them, not where they stand.
func (st statement) literalFault(err error) Problem {
	line, column := st.first()
	message := "a literal of this policy cannot be read: " + err.Error()
	var number *strconv.NumError
	if errors.As(err, &number) {
		line, column = position(st.text[:max(0, strings.Index(st.text, number.Num))])
		message = "number " + number.Num + " does not fit 64 bits"
	}
	line, column = st.shift(line, column)
	return Problem{Line: line, Column: column, Message: message}
}

// first is the position of the first character that is not space.
func (st statement) first() (line, column int) {
	blank := len(st.text) - len(strings.TrimLeft(st.text, " \t\r\n"))
	return position(st.text[:blank])
}

// before finds the last place of token before a position, or the position.
func (st statement) before(line, column int, token string) (int, int) {
	end := offset(st.text, line, column)
	if at := strings.LastIndex(st.text[:end], token); at >= 0 && token != "" {
		return position(st.text[:at])
	}
	return line, column
}

// position is where the text after prefix begins.
func position(prefix string) (line, column int) {
	last := strings.LastIndexByte(prefix, '\n') + 1
	return strings.Count(prefix, "\n") + 1, utf8.RuneCountInString(prefix[last:]) + 1
}

// offset is the opposite of position, at most len(text).
func offset(text string, line, column int) int {
	s := scanner{text: text, line: 1, column: 1}
	for s.pos < len(text) && (s.line < line || s.line == line && s.column < column) {
		s.advance()
	}
	return s.pos
}
