package yamlfile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// Limits on one input of Parse, whatever is in it. They are far above what a
// workload needs (a document of 50,000 opens has 250,000 entries in 5 MiB) and
// are checked before the memory and time they save are spent.
const (
	MaxInputBytes = 16 << 20
	// MaxEntries bounds list items and mapping keys over all documents of one
	// input, aliases counted as often as they are used.
	MaxEntries = 500_000
	// MaxDepth bounds nested lists and mappings.
	MaxDepth = 64
	// The YAML library's time grows with the square of these: documents of one
	// input, keys of one mapping, items and keys without a value, blank lines.
	MaxDocuments  = 1000
	MaxKeys       = 1000
	MaxEmpty      = 1000
	MaxBlankLines = 10_000
	// maxMarks bounds the bytes that can start a token, because the lexer
	// spends some 200 bytes on each token.
	maxMarks = 1_500_000
)

// ErrLimit is in the chain of every error about an input that is too large.
var ErrLimit = errors.New("limit exceeded")

func limitError(name string, limit int, what string) error {
	return fmt.Errorf("%w: %s is %d %s", ErrLimit, name, limit, what)
}

func tooManyEntries() error { return limitError("MaxEntries", MaxEntries, "list items and keys") }

func tooDeep() error { return limitError("MaxDepth", MaxDepth, "levels") }

// CheckInput looks at bytes alone.
func CheckInput(data []byte) error {
	switch {
	case len(data) > MaxInputBytes:
		return limitError("MaxInputBytes", MaxInputBytes, "bytes")
	case countMarks(data) > maxMarks:
		return tooManyEntries()
	case blankLines(data) > MaxBlankLines:
		return limitError("MaxBlankLines", MaxBlankLines, "blank lines")
	}
	return nil
}

// isMark holds the bytes of YAML's indicators. A quoted text takes two quotes.
var isMark = func() (marks [256]bool) {
	for _, c := range []byte("[]{},:?&*!|>#%@`") {
		marks[c] = true
	}
	return marks
}()

func countMarks(data []byte) int {
	marks := (bytes.Count(data, []byte{'"'}) + bytes.Count(data, []byte{'\''})) / 2
	marks += bytes.Count(data, []byte("- ")) + bytes.Count(data, []byte("-\n")) + bytes.Count(data, []byte("--"))
	marks += bytes.Count(data, []byte("\n..."))
	for _, c := range data {
		if isMark[c] {
			marks++
		}
	}
	return marks
}

// blankLines counts the lines of white space.
func blankLines(data []byte) int {
	blank, started := 0, false
	for _, c := range data {
		switch c {
		case '\n', '\r':
			if !started {
				blank++
			}
			started = false
		case ' ', '\t':
		default:
			started = true
		}
	}
	return blank
}

// check bounds the input of the YAML parser, which recurses.
func (m *meter) check(tokens token.Tokens) error {
	for _, t := range tokens {
		m.add(t)
		switch {
		case m.entries > MaxEntries:
			return tooManyEntries()
		case m.depth() > MaxDepth:
			return tooDeep()
		case m.keys > MaxKeys:
			return limitError("MaxKeys", MaxKeys, "keys of one mapping")
		case m.empty > MaxEmpty:
			return limitError("MaxEmpty", MaxEmpty, "list items and keys without a value")
		}
	}
	m.levels, m.prefixes = m.levels[:0], 0
	return nil
}

// meter measures a stream of tokens. Every mapping key is followed by a colon,
// and every list item preceded by a dash, a comma or the opening bracket, so
// counting those counts entries.
type meter struct {
	entries, empty int
	keys           int // of the largest mapping so far
	levels         []level
	prefixes       int // tags and anchors that wait for their value
}

// level is a list or mapping that is open. A list in block style may stand at
// the column of its key, so that real nesting is at most twice the measured
// nesting.
type level struct {
	style  levelStyle
	column int // of block style
	keys   int // between braces: commas
	values int // between braces
}

type levelStyle uint8

const (
	styleBlock   levelStyle = iota
	styleList               // between square brackets
	styleMapping            // between braces
)

func (m *meter) depth() int { return len(m.levels) + m.prefixes }

func (m *meter) add(t *token.Token) {
	switch {
	case t.Type == token.AnchorType || t.Type == token.TagType:
		m.prefixes++
	case t.Prev == nil || t.Prev.Type != token.AnchorType: // not an anchor's name
		m.prefixes = 0
	}
	switch t.Type {
	case token.DocumentHeaderType, token.DocumentEndType:
		m.levels = m.levels[:0]
	case token.SequenceStartType:
		m.entries++
		m.levels = append(m.levels, level{style: styleList})
	case token.MappingStartType:
		m.entries++
		m.levels = append(m.levels, level{style: styleMapping})
	case token.SequenceEndType, token.MappingEndType:
		m.closeBracket(t)
	case token.CollectEntryType:
		m.entries++
		m.countKey(styleMapping)
	case token.AliasType:
		m.entries++
	case token.SequenceEntryType:
		m.entries++
		if t.Next == nil || t.Next.Type == token.SequenceEntryType {
			m.empty++
		}
		m.open(t)
	case token.MappingKeyType:
		m.open(t)
	case token.MappingValueType:
		m.value(t.Prev, t.Next)
	}
}

// endsWithoutValue reports whether the token after a key in block style is not its
// value. A list may stand at the column of its key.
func endsWithoutValue(key, next *token.Token) bool {
	if next == nil {
		return true
	}
	if next.Position.Line == key.Position.Line || next.Position.Column > key.Position.Column {
		return false
	}
	return next.Type != token.SequenceEntryType || next.Position.Column < key.Position.Column
}

// closeBracket counts the keys of a mapping in braces that had no value: what
// its commas part, less what its colons gave a value.
func (m *meter) closeBracket(t *token.Token) {
	if !m.inBrackets() {
		return
	}
	closed := m.levels[len(m.levels)-1]
	m.levels = m.levels[:len(m.levels)-1]
	if closed.style != styleMapping {
		return
	}
	if t.Prev != nil && t.Prev.Type != token.MappingStartType && t.Prev.Type != token.CollectEntryType {
		closed.keys++
	}
	m.empty += max(0, closed.keys-closed.values)
}

// value notes the colon behind a key.
func (m *meter) value(key, next *token.Token) {
	m.entries++
	switch {
	case key == nil:
	case !m.inBrackets():
		m.open(key)
		m.countKey(styleBlock)
		if endsWithoutValue(key, next) {
			m.empty++
		}
	case next != nil && next.Type != token.CollectEntryType && next.Type != token.MappingEndType:
		m.levels[len(m.levels)-1].values++
	}
}

func (m *meter) inBrackets() bool {
	return len(m.levels) > 0 && m.levels[len(m.levels)-1].style != styleBlock
}

// open notes that something in block style begins at t. Between brackets,
// columns mean nothing.
func (m *meter) open(t *token.Token) {
	if m.inBrackets() {
		return
	}
	column, last := t.Position.Column, len(m.levels)-1
	for last >= 0 && m.levels[last].style == styleBlock && m.levels[last].column > column {
		last--
	}
	m.levels = m.levels[:last+1]
	if last < 0 || m.levels[last].column < column {
		m.levels = append(m.levels, level{column: column})
	}
}

// countKey counts a key of the innermost level if it has the style.
func (m *meter) countKey(style levelStyle) {
	if last := len(m.levels) - 1; last >= 0 && m.levels[last].style == style {
		m.levels[last].keys++
		m.keys = max(m.keys, m.levels[last].keys)
	}
}
