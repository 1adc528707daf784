package report

import (
	"bobwatch/internal/alert"
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensitive"
	"bobwatch/internal/severity"
)

// explain returns the meaning of a deviation in one sentence.
func (f *finding) explain() string {
	if f.Platform != "" {
		return differences[f.Platform]
	}
	switch f.Section {
	case Syscalls:
		return explainSyscall(f.Severity)
	case Execs:
		return f.explainExec()
	case Opens:
		return f.explainOpen()
	}
	return "What a process does after it left the container is not watched as the container's any more."
}

func explainSyscall(s severity.Severity) string {
	switch s {
	case severity.Critical:
		return "It reaches into other processes, the kernel or the node."
	case severity.High:
		return "Hardly any server needs it; it prepares an escape or hides code."
	case severity.Medium:
		return "Ordinary for many programs, but new for this workload."
	}
	return "It says little: which of these are made depends on library, kernel and timing."
}

func (f *finding) explainExec() string {
	for _, incident := range f.incidents {
		if text := explainFile(&incident.Alert); text != "" {
			return text
		}
	}
	if f.Rule == rule.UnexpectedArguments {
		return "The document lists the program, but not with these arguments."
	}
	return "The document does not list the program."
}

func explainFile(a *alert.Alert) string {
	if a.Deviation.Exec == nil {
		return ""
	}
	file := a.Deviation.Exec.File
	switch {
	case file.Memfd:
		return "The program is in memory only, where nobody can look at it afterwards."
	case file.Outside:
		return "The program is not part of the container's file system."
	case file.Deleted:
		return "The program's file was deleted before it ran."
	case file.UpperLayer:
		return "The program is not part of the image: it was written while the container ran."
	case a.Origin.Kind == alert.OriginOutside && a.Origin.TTY:
		return "Somebody entered the container with a terminal."
	case a.Origin.Kind == alert.OriginOutside:
		return "It was started from outside, by a probe or kubectl exec."
	}
	return ""
}

func (f *finding) explainOpen() string {
	writes := false
	if f.entry != nil && len(f.entry.Opens) > 0 {
		open := f.entry.Opens[0]
		writes = accessOf(open.Flags)&event.AccessWrite != 0
		if _, sensitive := sensitive.Grade([]byte(open.Path)); sensitive {
			return "The file holds secrets, decides who may do what, or leads out of the container."
		}
	}
	switch {
	case writes && f.Severity >= severity.High:
		return "Who writes there decides what runs next."
	case writes:
		return "The document does not let it be written."
	case f.entry == nil:
		return "No document can name this file."
	}
	return "The document does not list the file."
}
