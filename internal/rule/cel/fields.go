package cel

import (
	"bytes"
	"slices"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"bobwatch/internal/event"
)

// field is one field of the variable event. One that does not belong to the
// event's type is zero.
type field struct {
	typ *types.Type
	get func(s *Subject) ref.Val
	// bytes is get without an allocation, of fields that most expressions begin
	// with; nil for others.
	bytes func(s *Subject) []byte
}

func text(get func(s *Subject) string) field {
	return field{typ: types.StringType, get: func(s *Subject) ref.Val { return types.String(get(s)) }}
}

// raw is text of bytes that the kernel sent.
func raw(get func(s *Subject) []byte) field {
	f := text(func(s *Subject) string { return string(get(s)) })
	f.bytes = get
	return f
}

func number(get func(s *Subject) int64) field {
	return field{typ: types.IntType, get: func(s *Subject) ref.Val { return types.Int(get(s)) }}
}

func unsigned(get func(s *Subject) uint64) field {
	return field{typ: types.UintType, get: func(s *Subject) ref.Val { return types.Uint(get(s)) }}
}

func truth(get func(s *Subject) bool) field {
	return field{typ: types.BoolType, get: func(s *Subject) ref.Val { return types.Bool(get(s)) }}
}

func list(get func(s *Subject) []string) field {
	return field{typ: types.NewListType(types.StringType), get: func(s *Subject) ref.Val {
		return types.NewStringList(types.DefaultTypeAdapter, get(s))
	}}
}

// fields are those that Kubescape's rules know, with the same meaning, and a few
// of our own.
var fields = map[string]field{
	"comm":          raw(func(s *Subject) []byte { return comm(&s.Event.Process) }),
	"pcomm":         raw(parentComm),
	"exepath":       raw(func(s *Subject) []byte { return pathOf(s, event.KindExec) }),
	"path":          raw(func(s *Subject) []byte { return pathOf(s, event.KindOpen, event.KindChange) }),
	"cwd":           text(func(*Subject) string { return "" }),
	"oldPath":       text(func(s *Subject) string { file, _ := linked(s); return file }),
	"newPath":       text(func(s *Subject) string { _, link := linked(s); return link }),
	"act":           text(act),
	"containerId":   text(func(s *Subject) string { return s.Container.ID }),
	"containerName": text(func(s *Subject) string { return s.Container.Name }),
	"namespace":     text(func(s *Subject) string { return s.Container.Namespace }),
	"podName":       text(func(s *Subject) string { return s.Container.Pod }),
	"syscallName":   text(callName),
	"capName":       text(func(*Subject) string { return "" }),
	"name":          text(func(*Subject) string { return "" }),
	"module":        text(func(*Subject) string { return "" }),
	"dstAddr":       text(peerAddress),
	"dstIp":         text(peerAddress),
	"proto":         text(func(s *Subject) string { return onConnection(s, s.Event.Connection.Protocol.String()) }),
	"pktType":       text(packetType),
	"direction":     text(direction),
	"family":        text(family),
	"origin":        text(func(s *Subject) string { return origins[s.Event.Origin%event.Origin(len(origins))] }),

	"dstPort":  number(func(s *Subject) int64 { return port(s, event.Egress) }),
	"srcPort":  number(func(s *Subject) int64 { return port(s, event.Ingress) }),
	"flagsRaw": number(func(*Subject) int64 { return 0 }),
	"opcode":   number(func(*Subject) int64 { return 0 }),
	"tty":      number(func(*Subject) int64 { return 0 }),

	"pid":      unsigned(func(s *Subject) uint64 { return uint64(s.Event.Process.PID) }),
	"ppid":     unsigned(parentPID),
	"uid":      unsigned(func(s *Subject) uint64 { return uint64(s.Event.Process.UID) }),
	"cmd":      unsigned(bpfCommand),
	"attrSize": unsigned(func(*Subject) uint64 { return 0 }),
	"ttyMajor": unsigned(func(*Subject) uint64 { return 0 }),
	"ttyMinor": unsigned(func(*Subject) uint64 { return 0 }),

	"upperlayer":  truth(func(s *Subject) bool { return s.Event.Has(event.FlagUpperLayer) }),
	"pupperlayer": truth(func(*Subject) bool { return false }),
	"hasTty":      truth(func(s *Subject) bool { return s.Event.Has(event.FlagTTY) }),
	"memfd":       truth(func(s *Subject) bool { return s.Event.Has(event.FlagMemfd) }),
	"mounted":     truth(func(s *Subject) bool { return s.Event.Has(event.FlagMount) }),
	"deleted":     truth(func(s *Subject) bool { return s.Event.Has(event.FlagDeleted) }),
	"created":     truth(func(s *Subject) bool { return s.Event.Has(event.FlagCreated) }),
	"refused":     truth(func(s *Subject) bool { return s.Event.Has(event.FlagRefused) }),

	"args":  list(arguments),
	"flags": list(openFlags),
}

var origins = [...]string{"unknown", "entrypoint", "outside", "hook"}

func comm(p *event.Process) []byte {
	if i := bytes.IndexByte(p.Comm[:], 0); i >= 0 {
		return p.Comm[:i]
	}
	return p.Comm[:]
}

func parentComm(s *Subject) []byte {
	if s.Event.NAncestors == 0 {
		return nil
	}
	return comm(&s.Event.Ancestors[0])
}

func parentPID(s *Subject) uint64 {
	if s.Event.NAncestors == 0 {
		return 0
	}
	return uint64(s.Event.Ancestors[0].PID)
}

func pathOf(s *Subject, kinds ...event.Kind) []byte {
	if !slices.Contains(kinds, s.Event.Kind) {
		return nil
	}
	return s.Event.Path
}

// linked returns the file that a link leads to, and the name of the link.
func linked(s *Subject) (file, link string) {
	e := s.Event
	switch {
	case e.Kind != event.KindChange:
	case e.Change == event.ChangeSymlink:
		return string(e.Target), string(e.Path)
	case e.Change == event.ChangeLink:
		return string(e.Path), string(e.Args)
	}
	return "", ""
}

func act(s *Subject) string {
	if s.Event.Kind != event.KindChange {
		return ""
	}
	return s.Event.Change.String()
}

func callName(s *Subject) string {
	if s.Event.Kind != event.KindSyscall {
		return ""
	}
	return s.Act()
}

// bpfCommand is BPF_PROG_LOAD: the sensor does not read the command.
func bpfCommand(s *Subject) uint64 {
	if callName(s) == "bpf" {
		return 5
	}
	return 0
}

func onConnection(s *Subject, value string) string {
	if s.Event.Kind != event.KindConnection || s.Event.Connection.IsUnix() {
		return ""
	}
	return value
}

func peerAddress(s *Subject) string {
	if !s.Event.Connection.Peer.IsValid() {
		return ""
	}
	return onConnection(s, s.Event.Connection.Peer.String())
}

func packetType(s *Subject) string {
	if s.Event.Connection.Direction == event.Egress {
		return onConnection(s, "OUTGOING")
	}
	return onConnection(s, "HOST")
}

func direction(s *Subject) string {
	switch s.Event.Connection.Direction {
	case event.Egress:
		return onConnection(s, "outbound")
	case event.Ingress:
		return onConnection(s, "inbound")
	}
	return onConnection(s, "listen")
}

func family(s *Subject) string {
	if s.Event.Kind != event.KindSocket && s.Event.Kind != event.KindConnection {
		return ""
	}
	return s.Event.Connection.Socket().String()
}

// port is the remote port of a connection to a peer, and the container's own of
// another.
func port(s *Subject, direction event.Direction) int64 {
	c := &s.Event.Connection
	if s.Event.Kind != event.KindConnection || (direction == event.Egress) != (c.Direction == event.Egress) {
		return 0
	}
	return int64(c.Port)
}

func arguments(s *Subject) []string {
	if s.Event.Kind != event.KindExec {
		return nil
	}
	if s.args == nil {
		args := strings.Split(strings.TrimSuffix(string(s.Event.Args), "\x00"), "\x00")
		s.args = &args
	}
	return *s.args
}

func openFlags(s *Subject) []string {
	if s.Event.Kind != event.KindOpen {
		return nil
	}
	flags := []string{s.Event.Access.String()}
	if s.Event.Has(event.FlagCreated) {
		flags = append(flags, "O_CREAT")
	}
	return flags
}
