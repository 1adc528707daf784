package observe

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/sensor"
	"bobwatch/internal/syscalls"
)

// Summary holds the acts of one command, or of one container of a workload with its
// replicas and restarts taken together. Its strings are hostile bytes.
type Summary struct {
	Namespace string        `json:"namespace,omitempty"`
	Kind      string        `json:"kind,omitempty"`
	Workload  string        `json:"workload"`
	Container string        `json:"container"`
	Images    []string      `json:"images,omitempty"`
	Instances int           `json:"instances"`
	StartSeen bool          `json:"startSeen"` // of one of them
	Observed  float64       `json:"observedSeconds"`
	Lost      uint64        `json:"lost"`    // records of executions and opens
	NotKept   uint64        `json:"notKept"` // entries beyond the bounds of memory
	Processes []ProcessLine `json:"processes"`
	Files     []FileLine    `json:"files"`
	Sockets   []SocketLine  `json:"sockets"`
	Syscalls  []SyscallLine `json:"syscalls"`
}

// Times says when something was done first and last.
type Times struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

func (t Times) join(other Times) Times {
	if t.First.IsZero() || other.First.Before(t.First) {
		t.First = other.First
	}
	if other.Last.After(t.Last) {
		t.Last = other.Last
	}
	return t
}

// ProcessLine is one command line. The times are of its executions.
type ProcessLine struct {
	Path  string   `json:"path"`
	Args  []string `json:"args"`
	Count uint64   `json:"count"` // of executions, and of processes that ran already
	Times `json:",inline"`
}

// FileLine is one way a file was opened, once for each access. The kernel tells
// the first time only.
type FileLine struct {
	Path   string    `json:"path"`
	Access string    `json:"access"`          // O_RDONLY, O_WRONLY, O_RDWR or O_PATH
	Errno  string    `json:"errno,omitempty"` // it was refused
	Comm   string    `json:"comm"`            // of the process that was first
	First  time.Time `json:"first"`
}

// SocketLine is one kind of act with one address.
type SocketLine struct {
	Act      string `json:"act"`      // connect, bind or send
	Protocol string `json:"protocol"` // tcp, udp, unix, ...
	Address  string `json:"address"`
	Comm     string `json:"comm"` // of the process that was first
	Count    uint64 `json:"count"`
	Errors   uint64 `json:"errors"`
	Times    `json:",inline"`
}

// SyscallLine is one system call.
type SyscallLine struct {
	Name   string `json:"name"`
	ABI    string `json:"abi,omitempty"` // 32-bit or x32
	Count  uint64 `json:"count"`
	Errors uint64 `json:"errors"`
	Times  `json:",inline"`
}

// sort brings the most frequent to the front, and files in the order of paths.
func (s *Summary) sort() {
	slices.SortFunc(s.Processes, func(a, b ProcessLine) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path), slices.Compare(a.Args, b.Args))
	})
	slices.SortFunc(s.Files, func(a, b FileLine) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Access, b.Access), cmp.Compare(a.Errno, b.Errno))
	})
	slices.SortFunc(s.Sockets, func(a, b SocketLine) int {
		return cmp.Or(cmp.Compare(a.Act, b.Act), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Address, b.Address))
	})
	slices.SortFunc(s.Syscalls, func(a, b SyscallLine) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ABI, b.ABI))
	})
}

// The names of acts with addresses.
var addressActs = map[sensor.AddressUse]string{
	sensor.Connected: "connect",
	sensor.Bound:     "bind",
	sensor.SentTo:    "send",
}

// protocolOf names the protocol of an address as far as it can be told from the
// kind of socket: a raw socket's is another matter.
func protocolOf(a *sensor.AddressTally) string {
	switch {
	case a.Family == unix.AF_UNIX:
		return "unix"
	case a.Family == unix.AF_NETLINK:
		return "netlink"
	case a.IP.IsValid() && a.SocketType == unix.SOCK_STREAM:
		return "tcp"
	case a.IP.IsValid() && a.SocketType == unix.SOCK_DGRAM:
		return "udp"
	case a.IP.IsValid() && a.SocketType == unix.SOCK_RAW:
		return "raw"
	}
	return "other"
}

func addressOf(a *sensor.AddressTally) string {
	switch {
	case a.IP.IsValid():
		return a.IP.String()
	case a.Family == unix.AF_UNIX:
		return a.Path
	}
	return ""
}

// CallName returns the name of a system call, or its number where it has no
// name.
func CallName(abi event.ABI, nr uint32) string {
	arch := runtime.GOARCH
	if abi == event.ABICompat {
		arch = syscalls.Compat(arch)
	}
	if name, ok := syscalls.Name(arch, nr); ok && abi <= event.ABICompat {
		return name
	}
	return fmt.Sprintf("syscall_%d", nr)
}
