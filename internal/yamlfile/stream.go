package yamlfile

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// piece is the text of one document of a stream, its "---" included.
type piece struct {
	text []byte
	line int // lines of the stream before it
}

// byteOrderMark is the mark that some editors put before UTF-8. It may stand
// before every document of a stream, since files are joined as they are.
var byteOrderMark = []byte("\ufeff")

// utf16Marks are how texts begin that are UTF-16 or UTF-32.
var utf16Marks = [][]byte{{0xff, 0xfe}, {0xfe, 0xff}, {0, 0, 0xfe, 0xff}}

// Split returns the texts of the documents of a YAML stream that are not empty,
// without byte order marks and directives. No other line is left out, and each
// text begins with as many line ends as lines were before it.
func Split(name string, data []byte) ([][]byte, error) {
	pieces, err := split(name, data)
	if err != nil {
		return nil, err
	}
	var texts [][]byte
	for _, p := range pieces {
		if !p.empty() {
			texts = append(texts, p.padded())
		}
	}
	return texts, nil
}

// Single returns the text of the only document of a stream, for readers that
// would not notice a second one. An empty stream is an empty text.
func Single(name string, data []byte) ([]byte, error) {
	pieces, err := split(name, data)
	if err != nil {
		return nil, err
	}
	var only []byte
	for _, p := range pieces {
		switch {
		case p.empty():
		case only != nil:
			return nil, fmt.Errorf("%s:%d:1: a second document, where one is read: remove it", name, p.line+1)
		default:
			only = p.padded()
		}
	}
	return only, nil
}

// padded returns the text behind as many line ends as lines were before it.
func (p *piece) padded() []byte {
	return append(bytes.Repeat([]byte("\n"), p.line), p.text...)
}

// split cuts a stream at its markers. By YAML 1.2 (9.1.2) "---" and "..." at
// the beginning of a line are markers wherever they stand, in texts of several
// lines too, so that no parser is needed to find them. The YAML library's own
// parser stops at an empty document, and takes a directive for one.
func split(name string, data []byte) ([]piece, error) {
	for _, mark := range utf16Marks {
		if bytes.HasPrefix(data, mark) {
			return nil, fmt.Errorf("%s: is UTF-16 or UTF-32: save it as UTF-8", name)
		}
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: not UTF-8", name)
	}
	s := splitter{name: name}
	for number := 0; len(data) > 0; number++ {
		var line []byte
		line, data = cutLine(data)
		if err := s.add(line, number); err != nil {
			return nil, fmt.Errorf("%s:%d:1: %w", name, number+1, err)
		}
		if s.markers > MaxDocuments {
			return nil, fmt.Errorf("%s: %w", name, limitError("MaxDocuments", MaxDocuments, "documents"))
		}
	}
	if s.directive {
		return nil, fmt.Errorf("%s: a directive without a document behind it", name)
	}
	return s.pieces, nil
}

// cutLine returns the first line with its end, and the rest.
func cutLine(data []byte) (line, rest []byte) {
	end := bytes.IndexAny(data, "\r\n")
	switch {
	case end < 0:
		return data, nil
	case data[end] == '\r' && end+1 < len(data) && data[end+1] == '\n':
		end++
	}
	return data[:end+1], data[end+1:]
}

// splitter takes a stream line by line.
type splitter struct {
	name      string
	pieces    []piece
	markers   int
	open      bool // a document has begun, and no "..." has ended it
	directive bool // one was read, and its document's "---" is to come
}

// directive is the one that is read: YAML 1.1 differs in the types of plain
// scalars only, which nothing here guesses.
var directive = regexp.MustCompile(`^%YAML[ \t]+1\.[0-9]+[ \t]*(#.*)?$`)

func (s *splitter) add(line []byte, number int) error {
	plain := bytes.TrimPrefix(line, byteOrderMark)
	if marker(plain, "---") || marker(plain, "...") || !s.open {
		line = plain
	}
	text := strings.TrimSpace(string(line))
	if marker(line, "---") || marker(line, "...") {
		s.markers++
	}
	switch {
	case marker(line, "---"):
		s.pieces = append(s.pieces, piece{line: number})
		s.open, s.directive = true, false
	case marker(line, "..."):
		if rest := strings.TrimSpace(text[len("..."):]); rest != "" && rest[0] != '#' {
			return fmt.Errorf("%q behind the end of a document", rest)
		}
		if s.directive {
			return fmt.Errorf("a directive without a document behind it")
		}
		s.open = false
		return nil
	case s.open:
	case text == "" || text[0] == '#':
		return nil // between documents
	case line[0] == '%':
		if !directive.MatchString(text) {
			return fmt.Errorf("directive %s is not read: of directives only %%YAML 1.x is", text)
		}
		if s.directive {
			return fmt.Errorf("a second directive of one document")
		}
		s.directive = true
		return nil
	case s.directive:
		return fmt.Errorf("a document with a directive begins with ---")
	default:
		s.pieces = append(s.pieces, piece{line: number})
		s.open = true
	}
	last := &s.pieces[len(s.pieces)-1]
	last.text = append(last.text, line...)
	return nil
}

// marker reports whether a line is a marker, perhaps with more behind it.
func marker(line []byte, mark string) bool {
	rest, found := bytes.CutPrefix(line, []byte(mark))
	return found && (len(rest) == 0 || bytes.ContainsRune([]byte(" \t\r\n"), rune(rest[0])))
}

// empty reports whether the document has lines of white space and comments only.
func (p *piece) empty() bool {
	text := p.text
	if marker(text, "---") {
		text = text[len("---"):]
	}
	for len(text) > 0 {
		var line []byte
		line, text = cutLine(text)
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// parse returns the body of the document, nil if it is empty, and adds its
// tokens to the meter. Every token of it has to be in the body.
func (p *piece) parse(m *meter) (ast.Node, error) {
	tokens := lexer.Tokenize(string(p.text))
	if err := m.check(tokens); err != nil {
		return nil, err
	}
	for _, t := range tokens {
		t.Position.Line += p.line
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, err
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if body == nil && doc.Body != nil && doc.Body.Type() != ast.CommentType {
			body = doc.Body
		}
	}
	if body != nil {
		ast.Walk(reader{}, body)
	}
	for _, t := range tokens {
		if t.CharacterType != read && !structural[t.Type] {
			return nil, &unreadError{t}
		}
	}
	return body, nil
}

// read marks the tokens that are in a node. A token's CharacterType means
// nothing once it is parsed.
const read token.CharacterType = 0xff

// reader is an ast.Visitor that marks the token of each node.
type reader struct{}

// Visit implements ast.Visitor.
func (r reader) Visit(n ast.Node) ast.Visitor {
	if t := n.GetToken(); t != nil {
		t.CharacterType = read
	}
	return r
}

// structural tokens shape a document, and are in no node.
var structural = map[token.Type]bool{
	token.DocumentHeaderType: true, token.SequenceEntryType: true, token.CollectEntryType: true,
	token.SequenceEndType: true, token.MappingEndType: true, token.CommentType: true, token.SpaceType: true,
}

// unreadError is about a token that the YAML library took for no part of the
// document.
type unreadError struct{ token *token.Token }

func (e *unreadError) Error() string {
	return fmt.Sprintf("nothing of the document is %q: write it in another way", e.token.Value)
}
