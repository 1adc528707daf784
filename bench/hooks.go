package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// The hooks that bobwatch's sensor uses; a test compares them with its object.
var (
	tracedHooks = []string{ // tp_btf
		"sys_enter",
		"sched_process_exec",
		"sched_process_fork",
		"sched_process_exit",
		"cgroup_mkdir",
		"cgroup_rmdir",
		"cgroup_attach_task",
		"io_uring_submit_req",
		"inet_sock_set_state",
		"net_dev_queue",
	}
	exitHooks = []string{ // tracepoint/syscalls
		"sys_exit_open",
		"sys_exit_openat",
		"sys_exit_openat2",
		"sys_exit_creat",
		"sys_exit_open_by_handle_at",
		"sys_exit_socket",
		"sys_exit_connect",
		"sys_exit_bind",
		"sys_exit_rename",
		"sys_exit_renameat",
		"sys_exit_renameat2",
		"sys_exit_unlink",
		"sys_exit_unlinkat",
		"sys_exit_rmdir",
		"sys_exit_link",
		"sys_exit_linkat",
		"sys_exit_symlink",
		"sys_exit_symlinkat",
		"sys_exit_mkdir",
		"sys_exit_mkdirat",
		"sys_exit_mknod",
		"sys_exit_mknodat",
		"sys_exit_chmod",
		"sys_exit_fchmod",
		"sys_exit_fchmodat",
		"sys_exit_fchmodat2",
		"sys_exit_chown",
		"sys_exit_lchown",
		"sys_exit_fchown",
		"sys_exit_fchownat",
		"sys_exit_truncate",
		"sys_exit_ftruncate",
		"sys_exit_setxattr",
		"sys_exit_lsetxattr",
		"sys_exit_fsetxattr",
		"sys_exit_setxattrat",
		"sys_exit_mount",
		"sys_exit_move_mount",
		"sys_exit_pivot_root",
	}
)

// attached is what a setup has in the kernel. Closing it takes all of it out.
type attached []io.Closer

func (a attached) Close() error {
	var errs []error
	for _, c := range a {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// attachEmpty attaches programs that do nothing to the hooks of the sensor:
// what any program there costs.
func attachEmpty() (a attached, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	for _, hook := range tracedHooks {
		prog, err := loadEmpty(ebpf.Tracing, ebpf.AttachTraceRawTp, hook)
		if err != nil {
			return a, err
		}
		a = append(a, prog)
		l, err := link.AttachTracing(link.TracingOptions{Program: prog})
		if err != nil {
			return a, fmt.Errorf("attach to %s: %w", hook, err)
		}
		a = append(a, l)
	}
	prog, err := loadEmpty(ebpf.TracePoint, ebpf.AttachNone, "")
	if err != nil {
		return a, err
	}
	a = append(a, prog)
	for _, hook := range exitHooks {
		l, err := link.Tracepoint("syscalls", hook, prog, nil)
		if errors.Is(err, os.ErrNotExist) {
			continue // arm64 has neither open nor creat
		}
		if err != nil {
			return a, fmt.Errorf("attach to %s: %w", hook, err)
		}
		a = append(a, l)
	}
	return a, nil
}

func loadEmpty(kind ebpf.ProgramType, attach ebpf.AttachType, hook string) (*ebpf.Program, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:         "empty",
		Type:         kind,
		AttachType:   attach,
		AttachTo:     hook,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		License:      "GPL",
	})
	if err != nil {
		return nil, fmt.Errorf("load empty program: %w", err)
	}
	return prog, nil
}

// attachPeer attaches the program of bpf/peer.bpf.c.
func attachPeer() (attached, error) {
	var objects peerObjects
	if err := loadPeerObjects(&objects, nil); err != nil {
		return nil, fmt.Errorf("load peer: %w", err)
	}
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{
		Name: "sys_enter", Program: objects.HandleSysEnter,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("attach peer: %w", err), objects.Close())
	}
	return attached{l, &objects}, nil
}
