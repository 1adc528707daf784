package profile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// Limits on one input of Parse, whatever is in it. They are far above what a
// workload needs (a document of 50,000 opens has 250,000 entries in 5 MiB) and
// are checked before the memory they save is spent.
const (
	MaxInputBytes = 16 << 20
	// MaxEntries bounds list items and mapping keys over all documents of one
	// input, aliases counted as often as they are used.
	MaxEntries = 500_000
	// MaxDepth bounds nested lists and mappings.
	MaxDepth = 64
	// maxMarks bounds the bytes that can start a token, because the lexer
	// spends some 200 bytes on each token.
	maxMarks = 1_500_000
)

// ErrLimit is in the chain of every error about an input that is too large.
var ErrLimit = errors.New("limit exceeded")

func limitError(name string, limit int, what string) error {
	return fmt.Errorf("%w: %s is %d %s", ErrLimit, name, limit, what)
}

// checkInput looks at bytes alone.
func checkInput(data []byte) error {
	if len(data) > MaxInputBytes {
		return limitError("MaxInputBytes", MaxInputBytes, "bytes")
	}
	if countMarks(data) > maxMarks {
		return limitError("MaxEntries", MaxEntries, "list items and keys")
	}
	return nil
}

// isMark tells the bytes of YAML's indicators. A quoted text takes two quotes.
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

// checkTokens bounds what the YAML parser, which recurses, is given. Every
// mapping key is followed by a colon and every list item preceded by a dash or
// a comma or the opening bracket, so counting those counts entries.
func checkTokens(tokens token.Tokens) error {
	var depth depthMeter
	entries := 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingValueType, token.SequenceEntryType, token.CollectEntryType, token.SequenceStartType,
			token.AliasType, token.DocumentHeaderType:
			entries++
		}
		depth.add(t)
		if entries > MaxEntries {
			return limitError("MaxEntries", MaxEntries, "list items and keys")
		}
		if depth.depth() > MaxDepth {
			return limitError("MaxDepth", MaxDepth, "levels")
		}
	}
	return nil
}

// depthMeter follows the nesting of a stream of tokens: the brackets that are
// open, and the columns at which the enclosing block lists, mappings, tags and
// anchors began. A list may stand at the column of its key, so that real
// nesting is at most twice what it says.
type depthMeter struct {
	flow    int
	columns []int
}

func (m *depthMeter) add(t *token.Token) {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		m.flow++
	case token.SequenceEndType, token.MappingEndType:
		m.flow--
	case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
		m.open(t)
	case token.MappingValueType:
		if t.Prev != nil {
			m.open(t.Prev)
		}
	}
}

func (m *depthMeter) open(t *token.Token) {
	if m.flow > 0 && t.Type != token.TagType && t.Type != token.AnchorType {
		return
	}
	column := t.Position.Column
	for len(m.columns) > 0 && m.columns[len(m.columns)-1] >= column {
		m.columns = m.columns[:len(m.columns)-1]
	}
	m.columns = append(m.columns, column)
}

func (m *depthMeter) depth() int { return m.flow + len(m.columns) }
