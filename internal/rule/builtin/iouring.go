package builtin

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// ioUring: operations through a ring are hidden from tools that watch system calls.
// Databases and runtimes use rings too, so only a profile can decide. Opens through a
// ring are judged as opens.
var ioUring = Rule{
	ID:    rule.IOUring,
	About: "`io_uring_setup`, `io_uring_enter`, `io_uring_register` that the profile does not allow",
	Blind: "the operations themselves, except opens, which are judged as opens",
	Kinds: []event.Kind{event.KindSyscall},
	Calls: []string{"io_uring_setup", "io_uring_enter", "io_uring_register"},
}
