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
	act := ""
	switch {
	case a.Deviation.Syscall != nil:
		act = fmt.Sprintf("%s by %s", callName(a.Deviation.Syscall), a.Process.Comm)
	case a.Deviation.Exec != nil:
		act = launched(d.Rule, e, a, command)
	case a.Deviation.Open != nil:
		act = fmt.Sprintf("%s %s by %s%s", openName(a.Deviation.Open), Printable(string(e.Path), maxShown),
			a.Process.Comm, refusal(a.Deviation.Open))
	case a.Deviation.Moved != nil:
		return fmt.Sprintf("%s left its container for cgroup %s", a.Process.Comm, Printable(string(e.Path), maxShown))
	}
	if r, ok := rule.Lookup(d.Rule); ok && r.Profile == rule.NeedsProfile {
		return "unexpected " + act
	}
	return strings.TrimSuffix(d.Rule.Name()+": "+act, ": ")
}

// launched says which program was executed, and how if that is what is wrong.
func launched(broken rule.ID, e *event.Event, a *Alert, command *process.Command) string {
	path := Printable(string(e.Path), maxShown)
	if broken != rule.UnexpectedArguments {
		return fmt.Sprintf("process %s launched %s", path, launcher(e, a))
	}
	args := Printable(strings.ReplaceAll(command.Args, "\x00", " "), maxShown)
	return fmt.Sprintf("arguments of %s launched %s: %s", path, launcher(e, a), args)
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
