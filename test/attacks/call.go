package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tried turns the outcome of a raw call into what an attack returns.
func tried(what string, errno syscall.Errno) (string, error) {
	if errno != 0 {
		return "", os.NewSyscallError(what, errno)
	}
	return what, nil
}

// x32Flag marks calls of the x32 ABI, 32-bit pointers in 64-bit mode.
const x32Flag = 1 << 30

func x32Call(string) (string, error) {
	_, _, errno := unix.RawSyscall(x32Flag|unix.SYS_GETPID, 0, 0, 0)
	return tried("x32 getpid", errno)
}

// unknownCall uses a number that no kernel has.
func unknownCall(string) (string, error) {
	_, _, errno := unix.RawSyscall(600, 0, 0, 0)
	return tried("syscall 600", errno)
}

func trace(string) (string, error) {
	runtime.LockOSThread() // a tracer is a thread
	child := exec.Command("/proc/self/exe", "hello")
	child.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := child.Start(); err != nil {
		return "", err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(child.Process.Pid, &status, 0, nil); err != nil {
		return "", err
	}
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(child.Process.Pid, &regs); err != nil {
		return "", os.NewSyscallError("ptrace", err)
	}
	return fmt.Sprintf("read the registers of pid %d", child.Process.Pid), unix.PtraceDetach(child.Process.Pid)
}

func unshare(string) (string, error) {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNS)
	return "left the mount namespace", os.NewSyscallError("unshare", err)
}

func enterNamespace(string) (string, error) {
	runtime.LockOSThread()
	fd, err := unix.Open("/proc/self/ns/uts", unix.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	return "entered a namespace", os.NewSyscallError("setns", unix.Setns(fd, unix.CLONE_NEWUTS))
}

func changeRoot(string) (string, error) {
	return "made /tmp the root", os.NewSyscallError("chroot", unix.Chroot("/tmp"))
}

func mountTmpfs(string) (string, error) {
	return "mounted a tmpfs", os.NewSyscallError("mount", unix.Mount("none", "/tmp", "tmpfs", 0, ""))
}

func loadModule(string) (string, error) {
	return "loaded a module", os.NewSyscallError("init_module", unix.InitModule([]byte("not a module"), ""))
}

func loadBPF(string) (string, error) {
	var attr [128]byte // BPF_MAP_CREATE with type 0
	_, _, errno := unix.Syscall(unix.SYS_BPF, 0, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno == unix.EINVAL {
		errno = 0 // the call was let through to its arguments
	}
	return tried("bpf", errno)
}

func keyctl(string) (string, error) {
	_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true)
	return "opened the session keyring", os.NewSyscallError("keyctl", err)
}

func userfaultfd(string) (string, error) {
	_, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC, 0, 0)
	return tried("userfaultfd", errno)
}

func readMemory(string) (string, error) {
	secret, buf := []byte("secret"), make([]byte, 6)
	local := []unix.Iovec{{Base: &buf[0], Len: uint64(len(buf))}}
	remote := []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&secret[0])), Len: len(secret)}}
	n, err := unix.ProcessVMReadv(os.Getpid(), local, remote, 0)
	return fmt.Sprintf("read %d bytes of memory", n), os.NewSyscallError("process_vm_readv", err)
}

// byName are calls that are made with arguments that every kernel refuses.
var byName = map[string]uintptr{
	"linkat":            unix.SYS_LINKAT,
	"fchmodat":          unix.SYS_FCHMODAT,
	"vmsplice":          unix.SYS_VMSPLICE,
	"syslog":            unix.SYS_SYSLOG,
	"setxattr":          unix.SYS_SETXATTR,
	"quotactl":          unix.SYS_QUOTACTL,
	"perf_event_open":   unix.SYS_PERF_EVENT_OPEN,
	"open_tree":         unix.SYS_OPEN_TREE,
	"move_mount":        unix.SYS_MOVE_MOUNT,
	"mount_setattr":     unix.SYS_MOUNT_SETATTR,
	"memfd_secret":      unix.SYS_MEMFD_SECRET,
	"kcmp":              unix.SYS_KCMP,
	"fanotify_init":     unix.SYS_FANOTIFY_INIT,
	"delete_module":     unix.SYS_DELETE_MODULE,
	"acct":              unix.SYS_ACCT,
	"add_key":           unix.SYS_ADD_KEY,
	"clock_settime":     unix.SYS_CLOCK_SETTIME,
	"finit_module":      unix.SYS_FINIT_MODULE,
	"fsopen":            unix.SYS_FSOPEN,
	"io_uring_register": unix.SYS_IO_URING_REGISTER,
	"iopl":              iopl,
	"kexec_load":        unix.SYS_KEXEC_LOAD,
	"open_by_handle_at": unix.SYS_OPEN_BY_HANDLE_AT,
	"pivot_root":        unix.SYS_PIVOT_ROOT,
	"process_vm_writev": unix.SYS_PROCESS_VM_WRITEV,
	"reboot":            unix.SYS_REBOOT,
	"swapon":            unix.SYS_SWAPON,
}

// callByName makes a call that does nothing: its arguments are no valid ones.
func callByName(name string) (string, error) {
	nr, ok := byName[name]
	if !ok {
		return "", fmt.Errorf("no call %q", name)
	}
	const invalid = ^uintptr(0)
	_, _, errno := unix.RawSyscall6(nr, invalid, invalid, invalid, invalid, invalid, invalid)
	if errno == 0 {
		return "", fmt.Errorf("%s succeeded", name)
	}
	return fmt.Sprintf("%s answered %v", name, errno), nil
}
