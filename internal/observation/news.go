package observation

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/observe"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/term"
)

// The values of news.Kind.
const (
	newsSyscall = "syscall"
	newsExec    = "exec"
	newsOpen    = "open"
	newsContact = "connection"
	newsSocket  = "socket"
	newsChange  = "change"
	newsMoved   = "moved" // the process left its container for another cgroup
)

// news is one act as trace writes it for machines.
type news struct {
	Time      time.Time `json:"time"`
	Namespace string    `json:"namespace,omitempty"`
	Pod       string    `json:"pod,omitempty"`
	Container string    `json:"container,omitempty"`
	PID       uint32    `json:"pid"` // of the process, on the host
	UID       uint32    `json:"uid"`
	Comm      string    `json:"comm"`
	Kind      string    `json:"kind"`
	Syscall   string    `json:"syscall,omitempty"`
	Path      string    `json:"path,omitempty"`
	Args      []string  `json:"args,omitempty"`
	Access    string    `json:"access,omitempty"` // O_RDONLY, O_WRONLY, O_RDWR or O_PATH
	Act       string    `json:"act,omitempty"`    // of a change: rename, unlink, ...
	Other     string    `json:"other,omitempty"`  // the other name of a change
	Errno     string    `json:"errno,omitempty"`  // of an act that was refused
	Notes     []string  `json:"notes,omitempty"`
}

func newsOf(s *observe.Subject, ev *event.Event, boot time.Time) news {
	c := &s.Container
	n := news{
		Time:      boot.Add(time.Duration(ev.Time)),
		Namespace: c.Namespace, Pod: c.Pod, Container: c.Name,
		PID: ev.Process.PID, UID: ev.Process.UID, Comm: ev.Process.CommString(),
		Path:  string(ev.Path),
		Notes: notesOf(ev),
	}
	switch ev.Kind {
	case event.KindExec:
		n.Kind = newsExec
		for arg := range bytes.SplitSeq(bytes.TrimSuffix(ev.Args, []byte{0}), []byte{0}) {
			n.Args = append(n.Args, string(arg))
		}
	case event.KindOpen:
		n.Kind = newsOpen
		n.Access = ev.Access.String()
		if ev.Has(event.FlagRefused) {
			n.Errno = unix.ErrnoName(unix.Errno(ev.Errno))
		}
	case event.KindChange:
		n.Kind, n.Act = newsChange, ev.Change.String()
		n.Other = string(bytes.TrimRight(ev.Args, "\x00"))
		if ev.Has(event.FlagRefused) {
			n.Errno = unix.ErrnoName(unix.Errno(ev.Errno))
		}
	case event.KindConnection:
		n.Kind, n.Path = newsContact, contactWords(ev)
	case event.KindSocket:
		n.Kind, n.Path = newsSocket, ev.Connection.Socket().String()
	case event.KindMoved:
		n.Kind = newsMoved
	default:
		n.Kind, n.Syscall = newsSyscall, observe.CallName(ev.ABI, ev.Nr)
	}
	return n
}

// contactWords names the direction and the peer of a connection, such as "egress TCP
// 10.0.0.7:5432".
func contactWords(ev *event.Event) string {
	c := &ev.Connection
	if c.IsUnix() {
		return c.Direction.String() + " " + string(ev.Path)
	}
	words := fmt.Sprintf("%s %s %s", c.Direction, c.Protocol, netip.AddrPortFrom(c.Peer, c.Port))
	if ev.Has(event.FlagRefused) {
		words += " refused"
	}
	return words
}

// notesOf returns remarks on an act, such as that it came from outside.
func notesOf(ev *event.Event) []string {
	var notes []string
	note := func(is bool, text string) {
		if is {
			notes = append(notes, text)
		}
	}
	note(ev.ABI == event.ABICompat, "32-bit")
	note(ev.ABI == event.ABIX32, "x32")
	note(ev.Origin == event.OriginOutside, "from outside")
	note(ev.Has(event.FlagIOUring), "io_uring")
	note(ev.Has(event.FlagMemfd), "in memory")
	note(ev.Has(event.FlagDeleted), "deleted")
	note(ev.Kind == event.KindExec && ev.Has(event.FlagUpperLayer), "not in the image")
	note(ev.Has(event.FlagCallerPath), "as named by the program")
	note(ev.Has(event.FlagArgsTruncated), "arguments cut")
	return notes
}

// Filter says which news is wanted.
type Filter struct {
	syscalls, execs, opens bool   // none of them: all
	calls                  string // as strace's -e takes it
	names                  []string
	except                 bool // names are those that are not wanted
}

// Register registers the flags that say which news is wanted.
func (f *Filter) Register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.syscalls, "syscalls", false, "show system calls")
	flags.BoolVar(&f.execs, "execs", false, "show executions")
	flags.BoolVar(&f.opens, "opens", false, "show opens")
	flags.StringVarP(&f.calls, "events", "e", "", "show only the system calls `[!]NAME[,NAME]...`; openat and similar calls stand for opens too, execve for executions")
}

// Calls that have records of their own, with more than the name of the call.
var (
	openCalls   = []string{"open", "openat", "openat2", "creat", "open_by_handle_at"}
	execCalls   = []string{"execve", "execveat"}
	changeCalls = []string{
		"rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "link", "linkat", "symlink", "symlinkat",
		"mkdir", "mkdirat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown",
		"fchownat", "truncate", "ftruncate", "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "mount", "move_mount",
		"pivot_root",
	}
	// contactCalls are those by which connections come about, most of them.
	contactCalls = []string{"connect", "accept", "accept4", "listen", "bind", "sendto", "sendmsg", "sendmmsg"}
)

// Check reads calls.
func (f *Filter) Check() error {
	text, ok := strings.CutPrefix(strings.TrimPrefix(f.calls, "trace="), "!")
	f.except = ok
	if f.calls == "" {
		return nil
	}
	for name := range strings.SplitSeq(text, ",") {
		if _, ok := syscalls.Number(runtime.GOARCH, name); !ok {
			return term.Usagef("-e %s: no such system call on %s", term.Word(name), runtime.GOARCH)
		}
		f.names = append(f.names, name)
	}
	return nil
}

func (f *Filter) wants(ev *event.Event) bool {
	all := !f.syscalls && !f.execs && !f.opens
	switch ev.Kind {
	case event.KindSyscall:
		return (all || f.syscalls) && f.named(observe.CallName(ev.ABI, ev.Nr))
	case event.KindExec:
		return (all || f.execs) && f.named(execCalls...)
	case event.KindOpen:
		return (all || f.opens) && f.named(openCalls...)
	case event.KindChange:
		return all && f.named(changeCalls...)
	case event.KindConnection:
		return all && f.named(contactCalls...)
	case event.KindSocket:
		return all && f.named("socket")
	}
	return all
}

// named reports whether one of the calls is wanted.
func (f *Filter) named(calls ...string) bool {
	return len(f.names) == 0 || slices.ContainsFunc(calls, func(name string) bool {
		return slices.Contains(f.names, name) != f.except
	})
}

// CallNames returns the names of all system calls of this machine.
func CallNames() []string {
	var names []string
	for nr := range uint32(syscalls.MaxNr) {
		if name, ok := syscalls.Name(runtime.GOARCH, nr); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
