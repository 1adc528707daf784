package report

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"bobwatch/internal/alert"
)

// maxShown bounds a text, in bytes.
const maxShown = 4096

// shown makes a text of a document or container printable.
func shown(text string) string { return alert.Printable(text, maxShown) }

// clean makes a text printable that should be printable already. A printable text stays
// as it is.
func clean(text string) string {
	odd := func(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }
	if len(text) <= 2*maxShown && !strings.ContainsFunc(text, odd) {
		return text
	}
	return shown(text)
}

// readable returns an alert with printable texts. The agent has made them printable, but
// anybody may have written a log.
func readable(a alert.Alert) alert.Alert {
	a.Message, a.Node = clean(a.Message), clean(a.Node)
	a.Pod.Name, a.Container.Name = clean(a.Pod.Name), clean(a.Container.Name)
	a.Process = readableProcess(a.Process)
	a.Ancestors = slices.Clone(a.Ancestors)
	for i, p := range a.Ancestors {
		a.Ancestors[i] = readableProcess(p)
	}
	a.Origin.Kind = clean(a.Origin.Kind)
	if d := a.Deviation.Syscall; d != nil {
		a.Deviation.Syscall = &alert.Syscall{Name: clean(d.Name), ABI: clean(d.ABI), Number: d.Number}
	}
	if d := a.Deviation.Exec; d != nil {
		a.Deviation.Exec = &alert.Exec{Path: clean(d.Path), Args: each(d.Args, clean), File: d.File}
	}
	if d := a.Deviation.Open; d != nil {
		a.Deviation.Open = &alert.Open{
			Path: clean(d.Path), Flags: clean(d.Flags), Refused: clean(d.Refused), IOUring: d.IOUring, File: d.File,
		}
	}
	if d := a.Deviation.Moved; d != nil {
		a.Deviation.Moved = &alert.Moved{Cgroup: clean(d.Cgroup)}
	}
	return a
}

func readableProcess(p alert.Process) alert.Process {
	p.Comm, p.Exe, p.Args = clean(p.Comm), clean(p.Exe), each(p.Args, clean)
	return p
}

func each(texts []string, f func(string) string) []string {
	changed := make([]string, len(texts))
	for i, text := range texts {
		changed[i] = f(text)
	}
	return changed
}
