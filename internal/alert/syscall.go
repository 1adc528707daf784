package alert

import (
	"fmt"
	"strconv"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/rule"
	"bobwatch/internal/syscalls"
)

// Syscall is a system call outside of the profile.
type Syscall struct {
	Name   string `json:"name,omitempty"` // empty if no table names the number
	ABI    string `json:"abi"`            // amd64, arm64, 386, arm, x32 or unknown
	Number uint32 `json:"number"`
}

var syscallTeller = teller{
	describe: func(arch string, e *event.Event, _ *process.Command) Deviation {
		return Deviation{Syscall: describeSyscall(arch, e)}
	},
	identity: func(_ fold, _ rule.ID, e *event.Event, chain *process.Chain) []string {
		return []string{
			strconv.Itoa(int(e.ABI)), strconv.FormatUint(uint64(e.Nr), 10),
			generalise.Program(chain[0].Exe),
		}
	},
	sentence: func(_ detector.Deviation, a *Alert, _ *process.Command) string {
		return fmt.Sprintf("%s by %s", callName(a.Deviation.Syscall), a.Process.Comm)
	},
	allow: allowSyscall,
}

func describeSyscall(arch string, e *event.Event) *Syscall {
	call := &Syscall{ABI: "unknown", Number: e.Nr}
	switch e.ABI {
	case event.ABINative:
		call.ABI = arch
	case event.ABICompat:
		call.ABI = syscalls.Compat(arch)
	case event.ABIX32:
		const x32Bit = 1 << 30 // x32 has amd64's numbers, with this bit
		call.ABI = "x32"
		call.Name, _ = syscalls.Name(arch, e.Nr&^x32Bit)
		return call
	}
	call.Name, _ = syscalls.Name(call.ABI, e.Nr)
	return call
}

// allowSyscall: a call that has no name, or came by x32, is never part of a
// profile. A call of the node's own kind is allowed on every architecture that
// has it, as bobctl allow does.
func allowSyscall(e *event.Event, d *Deviation) (profile.Container, bool) {
	call := d.Syscall
	architectures := []string{call.ABI}
	switch {
	case call.Name == "":
		return profile.Container{}, false
	case e.ABI == event.ABINative:
		architectures = []string{"amd64", "arm64"}
	case e.ABI != event.ABICompat:
		return profile.Container{}, false
	}
	allowed := make(map[string][]string)
	for _, arch := range architectures {
		if _, ok := syscalls.Number(arch, call.Name); ok {
			allowed[arch] = []string{call.Name}
		}
	}
	return profile.Container{Syscalls: allowed}, true
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
