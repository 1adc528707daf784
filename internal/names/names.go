// Package names is the theory of names that change from run to run: how a document
// spells them, and how to distinguish them from names with a meaning.
//
// Its invariant: a name is taken for random because of its place and of its likeness to
// its siblings, never because of a list of programs, and a pattern stands for no more
// than its holes say.
//
// A name is one segment of a path, or one argument. A document writes it as
//
//	⋯      within a name, a part that varies: 1 to 64 ASCII letters, digits, '_' and '-'
//	⟦⋯⟧    the same, where it is the whole name, for a ⋯ alone is any name
//	⟦#⟧    a number of 1 to 20 decimal digits
//	⟦2a⟧   bytes in hexadecimal, for what would be read as a pattern or is no text
//
// Everything else stands for itself, an asterisk within a name too.
package names

const (
	// Any is a segment or an argument of any content. Within a name it is a part
	// of one.
	Any = "⋯"
	// Part is a whole name of the characters that a ⋯ within a name stands for.
	Part = "⟦⋯⟧"
	// Number is a decimal number.
	Number = "⟦#⟧"
	// Tree as a whole segment stands for any number of segments.
	Tree = "*"

	open, closing = "⟦", "⟧"
)

// The maximal length of the text in a hole. Texts of generators are shorter (a SHA-256
// has 64 digits), data that an attacker hides in a name is longer.
const (
	MaxPart   = 64 // bytes
	MaxNumber = 20 // digits, of the largest 64-bit number
)

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isAlnum(c byte) bool { return isDigit(c) || isLetter(c) }

// isPart reports whether a ⋯ within a name may stand for a text with c.
func isPart(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }
