package sensor

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"bobwatch/internal/syscalls"
)

// errSilent is the fault of a hook whose program does not run although its
// link exists.
var errSilent = errors.New("the program did not answer")

// Hook is one place in the kernel where a program watches.
type Hook struct {
	Name string
	Err  error // nil: attached, pinned if it should be, and not known to be silent
}

// SelfTest looks whether every program is still attached and has those that
// see system calls answer one. A record of event.KindSelfTest comes out of Read
// unless the way there is blocked. It may be called from any goroutine, by one
// at a time, until Close.
func (s *Sensor) SelfTest() []Hook {
	hooks := make([]Hook, len(s.links))
	for i := range s.links {
		a := &s.links[i]
		hooks[i] = Hook{Name: a.hook, Err: a.check()}
		if hooks[i].Err == nil && !s.answers(a.hook) {
			hooks[i].Err = errSilent
		}
	}
	return hooks
}

// check asks the kernel for the link, and for the one that is pinned.
func (a *attachment) check() error {
	id, err := linkID(a.link)
	if err != nil {
		return err
	}
	if id != a.id {
		return fmt.Errorf("link %d took the place of link %d", id, a.id)
	}
	if a.pin == "" {
		return nil
	}
	pinned, err := link.LoadPinnedLink(a.pin, nil)
	if err != nil {
		return fmt.Errorf("open pinned link: %w", err)
	}
	defer pinned.Close()
	id, err = linkID(pinned)
	if err != nil {
		return err
	}
	if id != a.id {
		return fmt.Errorf("link %d is pinned in place of link %d", id, a.id)
	}
	return nil
}

func linkID(l link.Link) (link.ID, error) {
	info, err := l.Info()
	if err != nil {
		return 0, fmt.Errorf("look up link: %w", err)
	}
	return info.ID, nil
}

// answers provokes the program on a hook. Programs run before the call
// returns. Those that see no system calls of this process are not asked.
func (s *Sensor) answers(hook string) bool {
	name, isExit := strings.CutPrefix(hook, exitHook)
	switch {
	case hook == bpfProgHandleSysEnter:
		name = "sched_get_priority_max"
	case !isExit:
		return true
	}
	nr, ok := syscalls.Number(runtime.GOARCH, name)
	if !ok {
		return false
	}
	// Every call that opens fails here before it looks at any file: as a path, the
	// first argument is a bad address, and the second a null pointer.
	const cwd = ^uintptr(99) // AT_FDCWD
	const sizeofOpenHow = 24 // for openat2
	before := atomic.LoadUint64(&s.state.Counters.SelfTests)
	_, _, errno := unix.RawSyscall6(uintptr(nr), cwd, 0, 0, sizeofOpenHow, 0, s.token)
	if atomic.LoadUint64(&s.state.Counters.SelfTests) != before {
		return true
	}
	// A seccomp filter of the agent's own, such as systemd's RestrictSUIDSGID,
	// refuses openat2 before a program sees it, which says nothing of the hook.
	return name == "openat2" && (errno == unix.ENOSYS || errno == unix.EPERM)
}
