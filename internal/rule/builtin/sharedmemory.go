package builtin

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/rule"
)

// sharedMemoryExec: /dev/shm can be written by everybody, in most containers,
// and is gone after a restart.
var sharedMemoryExec = Rule{
	ID:    rule.SharedMemoryExec,
	About: "a program or script in `/dev/shm`",
	Blind: "a program that only works from there: the working directory is not known",
	Kinds: []event.Kind{event.KindExec},
	Broken: func(a Act) bool {
		called, rest, _ := bytes.Cut(a.Event.Args, []byte{0})
		script, _, _ := bytes.Cut(rest, []byte{0})
		return inSharedMemory(a.Event.Path) || inSharedMemory(called) ||
			interpreter.Is(a.Event.Path, a.Event.Args) && inSharedMemory(script)
	},
}

var sharedMemory = []byte("/dev/shm/")

func inSharedMemory(path []byte) bool { return bytes.HasPrefix(path, sharedMemory) }
