package alert

import (
	"fmt"
	"strings"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/rule"
)

// maxShown bounds a path or argument vector inside a sentence, in bytes.
const maxShown = 200

// message says in one sentence what happened. command is what the event's
// process runs.
func message(d detector.Deviation, a *Alert, command *process.Command) string {
	e := d.Event
	path := Printable(string(e.Path), maxShown)
	comm := a.Process.Comm
	switch d.Rule {
	case rule.UnexpectedSyscall:
		return fmt.Sprintf("unexpected %s by %s", callName(a.Deviation.Syscall), comm)
	case rule.UnexpectedProcess:
		return fmt.Sprintf("unexpected process %s launched %s", path, launcher(e, a))
	case rule.UnexpectedArguments:
		args := Printable(strings.ReplaceAll(command.Args, "\x00", " "), maxShown)
		return fmt.Sprintf("unexpected arguments of %s launched %s: %s", path, launcher(e, a), args)
	case rule.UnexpectedFileAccess:
		return fmt.Sprintf("unexpected %s %s by %s%s",
			openName(a.Deviation.Open), path, comm, refusal(a.Deviation.Open))
	case rule.LeftContainer:
		return fmt.Sprintf("%s left its container for cgroup %s", comm, path)
	}
	return d.Rule.Name()
}

// launcher names who executed a program. After the execution the process
// itself carries the new name, so it is the parent.
func launcher(e *event.Event, a *Alert) string {
	switch {
	case len(a.Ancestors) > 0:
		return "by " + a.Ancestors[0].Comm
	case e.Origin == event.OriginOutside:
		return "from outside of the container"
	}
	return "as the container's first process"
}

func callName(s *Syscall) string {
	name := s.Name
	if name == "" {
		name = fmt.Sprintf("number %d", s.Number)
	}
	switch s.ABI {
	case "386", "arm":
		return "32-bit system call " + name
	case "x32":
		return "x32 system call " + name
	}
	return "system call " + name
}

func openName(o *Open) string {
	name := "lookup of"
	switch o.Flags {
	case "O_RDONLY":
		name = "read of"
	case "O_WRONLY":
		name = "write to"
	case "O_RDWR":
		name = "read and write of"
	}
	if o.IOUring {
		name = "io_uring " + name
	}
	return name
}

func refusal(o *Open) string {
	if o.Refused == "" {
		return ""
	}
	return ", refused with " + o.Refused
}
