package builtin

import (
	"bytes"

	"bobwatch/internal/interpreter"
	"bobwatch/internal/rule"
)

// downloadAndRun: a program that is fetched and run at once never was part of an image.
var downloadAndRun = Rule{
	ID:    rule.DownloadAndRun,
	About: "an interpreter with code that pipes `curl` or `wget` into a shell, Python or Perl, lets `eval` run what they print, or makes the download executable",
	Blind: "a download and an execution by separate commands, which R1001 reports; a script of Python or Perl that runs what it reads",
	Kinds: executions,
	Broken: func(a Act) bool {
		args := a.Event.Args
		return interpreter.Is(a.Event.Path, args) && (holds(args, downloaders) || fetches(args)) &&
			(holds(args, runners) || pipesIntoInterpreter(args))
	},
}

var (
	downloaders = wordsOf("curl ", "wget ")
	runners     = wordsOf("chmod +x", "chmod 7", "chmod a+x", `eval "$(curl `, "eval $(curl ", "eval `curl ", `eval "$(wget `, "eval $(wget ", "eval `wget ")
)

// fetches reports whether code runs fetch, and not git fetch.
func fetches(code []byte) bool {
	for rest := code; ; {
		at := bytes.Index(rest, fetch)
		if at < 0 {
			return false
		}
		before := rest[:at]
		rest = rest[at+len(fetch):]
		if at > 0 && isWordByte(before[at-1]) {
			continue
		}
		command := before[bytes.LastIndexAny(before, "\x00\n;|&(`")+1:]
		if !bytes.Contains(command, git) {
			return true
		}
	}
}

var fetch, git = []byte("fetch "), []byte("git ")

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// pipesIntoInterpreter reports whether code pipes something into a program that runs
// its input.
func pipesIntoInterpreter(code []byte) bool {
	for more := true; more; {
		_, code, more = bytes.Cut(code, pipe)
		if len(code) > 0 && code[0] == '|' {
			code = code[1:] // the alternative to a command
			continue
		}
		if more && startsInterpreter(bytes.TrimPrefix(code, ampersand)) {
			return true
		}
	}
	return false
}

var pipe, ampersand = []byte{'|'}, []byte{'&'}

// startsInterpreter reports whether a command is an interpreter that runs its input.
func startsInterpreter(command []byte) bool {
	for started := false; ; {
		var word []byte
		word, command = cutWord(command)
		name := word
		if end := bytes.IndexAny(name, "<>"); end >= 0 {
			name = name[:end]
		}
		name = lastName(name)
		switch {
		case starters.has(name):
			started = true
		case started && len(word) > 0 && (word[0] == '-' || bytes.IndexByte(word, '=') > 0):
		case pipedShells.has(name):
			return true
		default:
			return pipedScripts.has(bytes.TrimRight(name, "0123456789.")) && readsCode(command)
		}
	}
}

var (
	starters     = namesOf("sudo", "env", "exec", "nohup", "busybox")
	pipedShells  = namesOf("sh", "bash", "dash", "ash", "zsh", "ksh")
	pipedScripts = namesOf("python", "perl")
)

// readsCode reports whether Python or Perl with these arguments runs its input: they
// have neither code nor a script nor a module.
func readsCode(args []byte) bool {
	for {
		var word []byte
		word, args = cutWord(args)
		switch {
		case len(word) == 0 || string(word) == "-" || word[0] == '<' || word[0] == '>' || bytes.IndexByte(word, '>') == 1:
			return true
		case word[0] != '-' || len(bytes.Trim(word[1:], plainOptions)) > 0:
			return false
		}
	}
}

// plainOptions are those of Python and Perl that say not where code is.
const plainOptions = "uBIsSOvqwtTWX"

// cutWord returns the first word of a command and the rest; the word is empty at
// the end of the command.
func cutWord(command []byte) (word, rest []byte) {
	command = bytes.TrimLeft(command, " \t")
	end := bytes.IndexAny(command, "\x00 \t\n;|&()`'\"}")
	if end < 0 {
		end = len(command)
	}
	return command[:end], command[end:]
}
