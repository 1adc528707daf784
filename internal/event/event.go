// Package event holds the kernel's records as plain values.
//
// A reader reuses its Event: the byte slices in it are valid until the next event is
// read. To keep an event, copy it with Clone.
package event

import "slices"

// Kind says which act an Event describes.
type Kind uint8

// The kinds of events.
const (
	KindSyscall       Kind = iota + 1 // a syscall that is not in the container's known set
	KindExec                          // a successful execve
	KindOpen                          // a file opened, or refused
	KindCgroupCreated                 // a cgroup appeared; it may become a container
	KindCgroupRemoved                 // a cgroup went away
	KindMoved                         // a container's own process left its cgroup for another
	KindSelfTest                      // the agent asked whether records reach it
	KindConnection                    // a peer that the container talks to, or a port it waits on
	KindSocket                        // a socket of a family, type and protocol
	KindChange                        // a file or a name changed: renamed, removed, given another mode

	KindEnd // one more than the last kind
)

// Kinds is how many kinds the kernel has counters for.
const Kinds = 32

// ABI is the system call interface through which a call came.
type ABI uint8

// The ABIs a 64-bit kernel offers.
const (
	ABINative  ABI = iota // amd64 or arm64
	ABICompat             // 386 on amd64, 32-bit arm on arm64
	ABIX32                // amd64 with bit 30 set; never part of a profile
	ABIUnknown            // a number outside of every table; never part of a profile
)

// Origin says how a process came into its container.
type Origin uint8

// The origins.
const (
	OriginUnknown    Origin = iota
	OriginEntrypoint        // the container's first process, or a descendant of it
	OriginOutside           // entered later: kubectl exec, a probe, nsenter
	OriginHook              // started by an OCI hook
)

// Access is the access of an open to the file.
type Access uint8

// The access bits. An open with O_PATH has none of them.
const (
	AccessRead Access = 1 << iota
	AccessWrite
)

// String returns the flag of open(2) that asks for the access.
func (a Access) String() string {
	switch a {
	case AccessRead:
		return "O_RDONLY"
	case AccessWrite:
		return "O_WRONLY"
	case AccessRead | AccessWrite:
		return "O_RDWR"
	}
	return "O_PATH"
}

// ParseAccess returns the access that a flag of open(2) asks for, and false for
// a flag that asks for none, such as O_CREAT.
func ParseAccess(flag string) (Access, bool) {
	for _, a := range []Access{AccessRead, AccessWrite, AccessRead | AccessWrite, 0} {
		if flag == a.String() {
			return a, true
		}
	}
	return 0, false
}

// Flag is a fact about an event.
type Flag uint32

// The flags of an event.
const (
	// FlagRuntime: the act is the container runtime's, not the workload's.
	FlagRuntime Flag = 1 << iota
	// FlagTTY: the process belongs to a session that has a terminal.
	FlagTTY
	// FlagRefused: the act failed with Errno. Path is the caller's string and
	// can be raced; it is relative to the working directory unless absolute.
	FlagRefused
	// FlagCallerPath: Path is the string that the caller passed, not the opened file.
	FlagCallerPath
	// FlagPathTruncated: the leading components of Path are missing.
	FlagPathTruncated
	// FlagArgsTruncated: Args holds only the first bytes of the argument vector.
	FlagArgsTruncated
	// FlagMemfd: the executed or opened file lives in memory only.
	FlagMemfd
	// FlagUpperLayer: the executed or opened file lies on the writable layer of
	// the container, so that it is not, or no longer, the one of the image.
	FlagUpperLayer
	// FlagDeleted: the file had no name any more.
	FlagDeleted
	// FlagIOUring: the open went through io_uring.
	FlagIOUring
	// FlagGuarded: the kernel judged the container guarded when it reported.
	FlagGuarded
	// FlagOutside: the file is not in the process's mount namespace; Path starts
	// with "outside:".
	FlagOutside
	// FlagMount: the executed or opened file lies on another file system than the
	// root directory of the process: a volume, a tmpfs, proc.
	FlagMount
	// FlagLeft: the process had left the container's cgroup for one outside.
	FlagLeft
	// FlagHandedOver: KindMoved only; the service manager, pid 1, took the process
	// out of the cgroup of a service, and it is not watched as the service's any
	// more. A session that sshd began is such a process.
	FlagHandedOver
	// FlagCreated: the open made the file, which was not there before; of
	// KindChange, the act made the name, or the open of its descriptor the file.
	FlagCreated
	// FlagSensitive: the opened or changed file is one that sensor.MarkSensitive was called
	// with; Object names it.
	FlagSensitive
	// FlagReplaced: the path of KindExec led to another file before. The agent
	// sets it; the kernel does not.
	FlagReplaced
	// FlagAllowed: KindExec only; sensor.MarkAllowed was called with one like it.
	FlagAllowed
	// FlagLowerLayer: the executed or opened file lies on a layer of the image, and
	// nobody wrote it in the container. A file system without layers has neither this
	// flag nor FlagUpperLayer.
	FlagLowerLayer
)

// Process identifies a process at one moment. A process is named by PID and
// Start together, because pids are reused.
type Process struct {
	PID   uint32 // thread group id in the initial pid namespace
	UID   uint32 // real uid in the initial user namespace
	Start uint64 // ns since boot
	Comm  [16]byte
}

// CommString returns Comm up to its first NUL. The process chose it.
func (p *Process) CommString() string {
	if i := slices.Index(p.Comm[:], 0); i >= 0 {
		return string(p.Comm[:i])
	}
	return string(p.Comm[:])
}

// MaxAncestors bounds the ancestors a record carries.
const MaxAncestors = 8

// Event is one act of one process.
type Event struct {
	Kind   Kind
	ABI    ABI
	Origin Origin
	Access Access
	Flags  Flag
	Time   uint64 // ns since boot
	Cgroup uint64 // id of the container's own cgroup, also for acts in cgroups nested in it

	// Repeats counts equal acts that the kernel held back since its last report.
	Repeats uint32

	Process    Process               // PID 0: unknown, because a packet came in
	Ancestors  [MaxAncestors]Process // parent first, ending with the last one inside the container
	NAncestors int

	Nr    uint32 // KindSyscall: the number as the kernel saw it
	Errno uint32 // with FlagRefused: positive errno
	Dev   uint32 // KindExec, KindOpen: device of the file, kernel encoding
	Ino   uint64 // KindExec, KindOpen: inode of the file
	// Changed is when the file of KindExec or KindOpen changed last, in ns since
	// 1970: its content, its names or its attributes.
	Changed uint64

	// KnownKey names the act in the kernel's set of known acts; 0 for kinds that
	// are not in it. Of an execution in a guarded container it names all that is
	// judged.
	KnownKey uint64

	Connection Connection // KindConnection, KindSocket

	Change ChangeAct // KindChange
	Mode   uint32    // KindChange: what chmod or mknod was asked for

	// Path is resolved by the kernel and absolute in the container's mount
	// namespace, unless FlagCallerPath is set. A file in memory is "memfd:NAME",
	// one of another mount namespace "outside:/PATH", and one nested too deeply
	// "truncated:/REST". For cgroup events it is the cgroup's path below the
	// root of its hierarchy. A Unix socket without a place in a directory tree is
	// "@NAME". It is hostile bytes.
	Path []byte
	// Target is where the symbolic link of a KindChange leads, made absolute by the
	// directory of the link; empty for all else. Hostile bytes.
	Target []byte
	// Object is the name by which a file with FlagSensitive was marked; Path may
	// be another.
	Object string
	// ImageProgram is the program that made an open, if it is known and nothing says
	// that its file is not one of the image. Whoever judges events sets it; the kernel
	// does not.
	ImageProgram string
	// Args are the NUL-separated arguments of KindExec. Of KindChange they are the
	// other name of the call, as the program passed it: where a link leads to, what
	// a file was called before. Hostile bytes.
	Args []byte
}

// Has reports whether all bits of f are set.
func (e *Event) Has(f Flag) bool { return e.Flags&f == f }

// Clone returns a copy that shares no memory with e.
func (e *Event) Clone() *Event {
	c := *e
	c.Path = slices.Clone(e.Path)
	c.Args = slices.Clone(e.Args)
	c.Target = slices.Clone(e.Target)
	return &c
}
