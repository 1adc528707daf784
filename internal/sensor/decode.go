package sensor

import (
	"bytes"
	"path"
	"unsafe"

	"bobwatch/internal/event"
	"bobwatch/internal/redact"
)

// decoder turns records into events. It owns the memory that the events'
// slices point to.
type decoder struct {
	redact *redact.Redactor
	path   []byte
	args   []byte
}

// decode fills ev from one record. It reports false for a record that is not
// of the shape bpf/event.h gives it.
func (d *decoder) decode(record []byte, ev *event.Event) bool {
	const header = int(unsafe.Sizeof(bpfEvent{}))
	if len(record) < header {
		return false
	}
	raw := (*bpfEvent)(unsafe.Pointer(unsafe.SliceData(record)))
	data := record[header:]
	pathEnd := int(raw.PathBytes)
	argsEnd := pathEnd + int(raw.ArgsBytes)
	if argsEnd > len(data) || int(raw.CallerBytes) > pathEnd || raw.AncestorsLen > event.MaxAncestors {
		return false
	}
	ev.Kind = event.Kind(raw.Kind)
	ev.ABI = event.ABI(raw.Abi)
	ev.Origin = event.Origin(raw.Origin)
	ev.Access = event.Access(raw.Access)
	ev.Flags = event.Flag(raw.Flags)
	ev.Time = raw.TimeNs
	ev.Cgroup = raw.Cgroup
	ev.Repeats = raw.Repeats
	ev.Nr = raw.Nr
	ev.Errno = uint32(raw.Error)
	ev.Dev = raw.Dev
	ev.Ino = raw.Ino
	ev.Changed = raw.ChangedNs
	ev.Object, ev.ImageProgram = "", ""
	ev.KnownKey = raw.KnownKey
	ev.Process = raw.process()
	ev.NAncestors = int(raw.AncestorsLen)
	for i := range ev.NAncestors {
		ev.Ancestors[i] = raw.ancestor(i)
	}
	ev.Connection = raw.connection()
	ev.Change, ev.Mode = event.ChangeAct(raw.Change), raw.Mode
	// Here, because nothing may see a credential that keeps or sends it.
	clean, found := d.redact.Args(d.args, data[pathEnd:argsEnd])
	if ev.Args = clean; found {
		d.args = clean
	}
	ev.Path = d.decodePath(ev, data[:pathEnd], int(raw.CallerBytes))
	if ev.Kind == event.KindChange && ev.Has(event.FlagCallerPath) {
		ev.Path = withoutVarRun(ev.Path)
	}
	ev.Target = targetOf(ev)
	return true
}

func (raw *bpfEvent) process() event.Process {
	p := &raw.Process
	return event.Process{PID: p.Pid, UID: p.Uid, Start: p.StartNs, Comm: p.Comm}
}

func (raw *bpfEvent) ancestor(i int) event.Process {
	p := &raw.Ancestors[i]
	return event.Process{PID: p.Pid, UID: p.Uid, Start: p.StartNs, Comm: p.Comm}
}

func (d *decoder) decodePath(ev *event.Event, data []byte, callerBytes int) []byte {
	switch {
	case ev.Kind == event.KindSyscall || ev.Kind == event.KindSocket:
		return nil
	case ev.Kind == event.KindConnection:
		return d.peerPath(ev, data)
	case ev.Kind != event.KindExec && ev.Kind != event.KindOpen && ev.Kind != event.KindChange:
		return bytes.TrimRight(data, "\x00")
	case ev.Has(event.FlagCallerPath):
		return d.callerPath(data[:callerBytes], data[callerBytes:])
	}
	return d.treePath(ev, data)
}

// treePath is a path that the kernel resolved, as Event.Path describes it.
func (d *decoder) treePath(ev *event.Event, data []byte) []byte {
	d.path = d.path[:0]
	switch {
	case ev.Has(event.FlagMemfd):
		return append(d.path, bytes.TrimRight(data, "\x00")...)
	case ev.Has(event.FlagOutside):
		d.path = append(d.path, "outside:"...)
	case ev.Has(event.FlagPathTruncated):
		d.path = append(d.path, "truncated:"...)
	}
	d.path = appendReversed(d.path, data)
	return d.path
}

// callerPath returns the path that a program passed, made absolute by the directory that
// it is relative to.
func (d *decoder) callerPath(name, base []byte) []byte {
	name = bytes.TrimRight(name, "\x00")
	if len(name) > 0 && name[0] == '/' {
		return append(d.path[:0], path.Clean(string(name))...)
	}
	d.path = appendReversed(d.path[:0], base)
	return append(d.path[:0], path.Join(string(d.path), string(name))...)
}

// withoutVarRun follows the links /var/run and /var/lock of every distribution in a
// name that the kernel did not resolve, as an open of the same file has it.
func withoutVarRun(name []byte) []byte {
	if bytes.HasPrefix(name, []byte("/var/run/")) {
		return name[len("/var"):]
	}
	if bytes.HasPrefix(name, []byte("/var/lock/")) {
		return append([]byte("/run"), name[len("/var"):]...)
	}
	return name
}

// targetOf returns where a symbolic link leads.
func targetOf(ev *event.Event) []byte {
	if ev.Kind != event.KindChange || ev.Change != event.ChangeSymlink || len(ev.Args) == 0 {
		return nil
	}
	target := string(bytes.TrimRight(ev.Args, "\x00"))
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(string(ev.Path)), target)
	}
	return []byte(path.Clean(target))
}

// appendReversed appends a leaf-first list of NUL-terminated components as an
// absolute path.
func appendReversed(dst, components []byte) []byte {
	if len(components) == 0 {
		return append(dst, '/')
	}
	end := len(components)
	if components[end-1] == 0 {
		end--
	}
	for end > 0 {
		start := bytes.LastIndexByte(components[:end], 0) + 1
		dst = append(dst, '/')
		dst = append(dst, components[start:end]...)
		end = start - 1
	}
	return dst
}
