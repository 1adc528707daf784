// Package interpreter knows the programs that run code they find in their
// arguments, and which of the arguments that is. Where it is in doubt, an
// argument is code.
package interpreter

import (
	"bytes"
	"path"
	"strings"
)

// interpreter is a program that runs code it finds in its arguments. Its
// options are letters, which may be joined behind one dash, or words behind two.
type interpreter struct {
	codeOptions    string // letters whose operand is code
	operandOptions string // letters whose operand is something else
	// attached are letters that take the rest of their argument, but never the
	// next one.
	attached string
	// lastOptions are letters behind whose operand nothing is an option.
	lastOptions string

	codeWords    []string // words whose operand is code
	operandWords []string // words whose operand is something else

	// firstOperand: not the operand of a code option is code, but the first
	// argument that belongs to no option, as in sh -c -e code.
	firstOperand bool
	// codeUnless: the first operand is code unless one of these letters is
	// among the options.
	codeUnless string
	// permutes: options may follow operands.
	permutes bool
}

var (
	shell  = &interpreter{codeOptions: "c", operandOptions: "oO", operandWords: []string{"rcfile", "init-file"}, firstOperand: true}
	python = &interpreter{codeOptions: "c", operandOptions: "WXm", lastOptions: "cm", operandWords: []string{"check-hash-based-pycs"}}
	perl   = &interpreter{codeOptions: "eE", operandOptions: "I", attached: "MmiCDdFVx"}
	ruby   = &interpreter{codeOptions: "e", operandOptions: "rICEX", attached: "iFKTWx0"}
	php    = &interpreter{
		codeOptions: "rBRE", operandOptions: "dcfFzSt",
		codeWords:    []string{"run", "process-begin", "process-code", "process-end"},
		operandWords: []string{"define", "php-ini", "file", "process-file", "zend-extension", "server", "docroot"},
	}
	nodeJS = &interpreter{
		codeOptions: "ep", operandOptions: "rC",
		codeWords:    []string{"eval", "print"},
		operandWords: []string{"require", "import", "conditions", "loader", "experimental-loader", "env-file"},
	}
	lua = &interpreter{codeOptions: "e", operandOptions: "l"}
	awk = &interpreter{
		codeOptions: "e", operandOptions: "vFfEil", codeUnless: "feE",
		codeWords: []string{"source"}, operandWords: []string{"file", "assign", "field-separator"},
	}
	fish = &interpreter{codeOptions: "cC", operandOptions: "dfo", codeWords: []string{"command", "init-command"}}
	su   = &interpreter{
		codeOptions: "c", operandOptions: "sgGwu", permutes: true,
		codeWords:    []string{"command", "session-command"},
		operandWords: []string{"shell", "group", "supp-group", "whitelist-environment", "user"},
	}
	interpreted = map[string]*interpreter{
		"sh": shell, "ash": shell, "bash": shell, "dash": shell, "zsh": shell, "ksh": shell, "mksh": shell,
		"csh": shell, "tcsh": shell, "rbash": shell, "fish": fish, "su": su, "runuser": su,
		"python": python, "pypy": python, "perl": perl, "ruby": ruby, "php": php, "lua": lua, "luajit": lua,
		"node": nodeJS, "nodejs": nodeJS, "awk": awk, "gawk": awk, "mawk": awk, "nawk": awk,
	}
)

// Is reports whether a program takes code as an argument, as shells
// and script languages do: by the path of its file, or by the name it was
// called by, for a file with many names. args are as event.Args has them. It
// allocates nothing.
func Is(path, args []byte) bool {
	called, rest, _ := bytes.Cut(args, nulByte)
	if interpretedName(path) || interpretedName(bytes.TrimPrefix(called, []byte("-"))) {
		return true
	}
	applet, _, _ := bytes.Cut(rest, nulByte)
	return isMultiCall(string(trimVersion(lastName(called)))) && interpretedName(applet)
}

func interpretedName(path []byte) bool {
	return interpreted[string(trimVersion(lastName(path)))] != nil
}

func lastName(path []byte) []byte { return path[bytes.LastIndexByte(path, '/')+1:] }

func trimVersion(name []byte) []byte { return bytes.TrimRight(name, versionBytes) }

// isMultiCall reports whether a program is many, told apart by its first
// argument.
func isMultiCall(name string) bool { return name == "busybox" || name == "toybox" }

// versionBytes make up the version behind a program's name, as in python3.11.
const versionBytes = "0123456789.-"

// interpreterOf returns the interpreter that the program at exe is, by its own name or
// by argv[0]; nil if the program runs no code from its arguments.
func interpreterOf(exe string, argv []string) *interpreter {
	if i := interpreted[programName(exe)]; i != nil {
		return i
	}
	if len(argv) > 0 {
		return interpreted[programName(strings.TrimPrefix(argv[0], "-"))]
	}
	return nil
}

// programName returns the last segment of exe without a version behind it.
func programName(exe string) string {
	return strings.TrimRight(path.Base(exe), versionBytes)
}

var nulByte = []byte{0}

// Named reports whether exe is called as a program that runs code from
// its arguments.
func Named(exe string) bool { return interpreted[programName(exe)] != nil }
