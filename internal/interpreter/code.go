package interpreter

import (
	"slices"
	"strings"
)

// Span says which arguments of a program are code.
type Span struct {
	// The arguments from first up to end are code, or may be. There is none
	// where they are equal.
	first, end int
	// Fixed is how many leading arguments decide the meaning of the others. No
	// pattern may stand for one of them, because it could let code in.
	Fixed int
	// open: more arguments behind these could still be code.
	Open bool
}

// Has reports whether argument i is code.
func (s Span) Has(i int) bool { return s.first <= i && i < s.end }

// CodeIn finds the code among the arguments of the program at exe. Where it is
// in doubt it takes everything for code that may be.
func CodeIn(exe string, argv []string) Span {
	if i := interpreterOf(exe, argv); i != nil {
		s := codeScan{interpreter: i, argv: argv}
		s.scan()
		return s.Span
	}
	at := startedBy(exe, argv)
	if at == 0 {
		return Span{Fixed: min(1, len(argv))}
	}
	if at >= len(argv) {
		return Span{Fixed: len(argv), Open: true}
	}
	s := CodeIn(argv[at], argv[at:])
	return Span{first: s.first + at, end: s.end + at, Fixed: s.Fixed + at, Open: s.Open}
}

// startedBy returns the position of the program that exe starts with the
// arguments behind it, as env does; 0 if it does not do that.
func startedBy(exe string, argv []string) int {
	name := programName(exe)
	if isMultiCall(name) && len(argv) > 0 {
		name = programName(argv[0])
	}
	switch {
	case isMultiCall(name):
		return 1
	case name != "env":
		return 0
	}
	for at := 1; at < len(argv); at++ {
		switch arg := argv[at]; {
		case arg == "-u", arg == "-C", arg == "--unset", arg == "--chdir":
			at++
		case strings.HasPrefix(arg, "-S"), strings.HasPrefix(arg, "--split-string"):
			return len(argv) // a command line in one argument
		case !strings.HasPrefix(arg, "-") && !strings.Contains(arg, "="):
			return at
		}
	}
	return len(argv)
}

// codeScan reads the arguments of an interpreter from left to right.
type codeScan struct {
	*interpreter
	argv []string
	at   int
	Span
	// armed: the next operand is code. stopped: it is, or is a script, or
	// nothing behind is an option.
	armed, stopped bool
	// doubtful: the argument may be the operand of an option that is not known.
	// unsure: there was such an argument.
	doubtful, unsure bool
}

func (s *codeScan) scan() {
	s.armed = s.codeUnless != ""
	for s.at = 1; s.at < len(s.argv) && !s.stopped; s.at++ {
		s.argument(s.argv[s.at])
	}
	s.Open = !s.stopped
	s.Fixed = min(s.at, len(s.argv))
	if s.first < s.end && (s.unsure || s.permutes) {
		s.end, s.Fixed = len(s.argv), len(s.argv)
	}
}

func (s *codeScan) argument(arg string) {
	doubtful := s.doubtful
	s.doubtful = false
	switch {
	case arg == "--" && s.permutes:
		s.code(s.at+1, len(s.argv))
		s.at = len(s.argv)
	case arg == "--", arg == "-" && s.firstOperand:
		s.at++
		s.operand()
	case len(arg) > 2 && arg[:2] == "--":
		s.word(arg[2:])
	case len(arg) > 1 && (arg[0] == '-' || arg[0] == '+' && s.firstOperand):
		s.letters(arg[1:])
	case doubtful && !s.armed:
		s.unsure = true
	case !s.permutes:
		s.unsure = s.unsure || doubtful
		s.operand()
	}
}

// operand ends the options at the first operand, which is code or a script.
func (s *codeScan) operand() {
	if s.armed {
		s.code(s.at, s.at+1)
	}
	s.stopped = true
}

// code marks arguments as code.
func (s *codeScan) code(first, end int) {
	end = min(end, len(s.argv))
	if first >= end {
		return
	}
	if s.first == s.end {
		s.first = first
	}
	s.end = end
}

// word reads an option of two dashes.
func (s *codeScan) word(option string) {
	name, _, joined := strings.Cut(option, "=")
	code := slices.Contains(s.codeWords, name)
	switch {
	case code && joined:
		s.code(s.at, s.at+1)
	case code:
		s.at++
		s.code(s.at, s.at+1)
	case joined:
	case slices.Contains(s.operandWords, name):
		s.at++
	default:
		s.doubtful = true
	}
	if code || s.codeUnless != "" && name == "file" {
		s.armed = false
	}
}

// letters reads the options of one argument.
func (s *codeScan) letters(letters string) {
	for k := range len(letters) {
		letter, rest := letters[k], letters[k+1:]
		if strings.IndexByte(s.codeUnless, letter) >= 0 {
			s.armed = false
		}
		switch {
		case strings.IndexByte(s.codeOptions, letter) >= 0 && s.firstOperand:
			s.armed = true
			continue
		case strings.IndexByte(s.codeOptions, letter) >= 0:
			s.codeOperand(rest)
		case strings.IndexByte(s.operandOptions, letter) >= 0:
			if s.firstOperand && rest != "" {
				s.either()
				return
			}
			if rest == "" {
				s.at++
			}
		case strings.IndexByte(s.attached, letter) < 0:
			continue
		}
		s.stopped = strings.IndexByte(s.lastOptions, letter) >= 0
		return
	}
}

// codeOperand takes the rest of an argument for code, or the next one. Node
// knows -pe for both of its options.
func (s *codeScan) codeOperand(rest string) {
	if rest == "" || strings.Trim(rest, s.codeOptions) == "" {
		s.at++
	}
	s.code(s.at, s.at+1)
}

// either gives up: shells differ in whether an option that takes an operand
// may be followed by more letters.
func (s *codeScan) either() {
	s.code(s.at+1, len(s.argv))
	s.at = len(s.argv)
}
