package builtin

import (
	"bytes"

	"bobwatch/internal/event"
)

// The kinds of acts that most rules are about.
var (
	calls       = []event.Kind{event.KindSyscall}
	executions  = []event.Kind{event.KindExec}
	opens       = []event.Kind{event.KindOpen}
	connections = []event.Kind{event.KindConnection}
	sockets     = []event.Kind{event.KindSocket}
)

// names is a set of names of programs, files or directories.
type names map[string]bool

func namesOf(list ...string) names {
	set := make(names, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}

// has reports whether name is in the set. It does not allocate.
func (n names) has(name []byte) bool { return n[string(name)] }

// runs reports whether the executed program has one of the names: by its file, by
// the name it was called by, or as an applet of busybox.
func (n names) runs(e *event.Event) bool {
	called, rest, _ := bytes.Cut(e.Args, nul)
	if n.has(lastName(e.Path)) || n.has(lastName(called)) {
		return true
	}
	applet, _, _ := bytes.Cut(rest, nul)
	return isBusybox(lastName(e.Path)) && n.has(applet)
}

// ancestor reports whether an ancestor of e's process calls itself by one of the
// names, among the near ones nearest to it.
func (n names) ancestor(e *event.Event, near int) bool {
	for i := range min(e.NAncestors, near) {
		comm := e.Ancestors[i].Comm[:]
		if end := bytes.IndexByte(comm, 0); end >= 0 {
			comm = comm[:end]
		}
		if n.has(comm) {
			return true
		}
	}
	return false
}

func isBusybox(name []byte) bool { return string(name) == "busybox" || string(name) == "toybox" }

var nul = []byte{0}

func lastName(path []byte) []byte { return path[bytes.LastIndexByte(path, '/')+1:] }

// writes reports whether the open may change the file.
func writes(e *event.Event) bool { return e.Access&event.AccessWrite != 0 }

// below reports whether path lies in the directory, which ends with a slash.
func below(path []byte, directory string) bool {
	return len(path) > len(directory) && string(path[:len(directory)]) == directory
}

// belowAny is below for one of several directories.
func belowAny(path []byte, directories []string) bool {
	for _, directory := range directories {
		if below(path, directory) {
			return true
		}
	}
	return false
}

// is reports whether path is one of the files.
func is(path []byte, files ...string) bool {
	for _, file := range files { //nolint:modernize // slices.Contains would copy path
		if string(path) == file {
			return true
		}
	}
	return false
}

// ends reports whether path ends with one of the suffixes.
func ends(path []byte, suffixes ...string) bool {
	for _, suffix := range suffixes {
		if len(path) >= len(suffix) && string(path[len(path)-len(suffix):]) == suffix {
			return true
		}
	}
	return false
}

// holds reports whether text contains one of the words.
func holds(text []byte, words [][]byte) bool {
	for _, word := range words {
		if bytes.Contains(text, word) {
			return true
		}
	}
	return false
}

func wordsOf(list ...string) [][]byte {
	words := make([][]byte, len(list))
	for i, word := range list {
		words[i] = []byte(word)
	}
	return words
}

// hasArgument reports whether one of the arguments behind the name is in the set.
func (n names) hasArgument(args []byte) bool {
	_, rest, more := bytes.Cut(args, nul)
	for more {
		var arg []byte
		arg, rest, more = bytes.Cut(rest, nul)
		if n.has(arg) {
			return true
		}
	}
	return false
}
