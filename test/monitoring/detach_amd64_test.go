package monitoring

import (
	"bytes"
	"debug/elf"
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// closeIn closes a file descriptor of another process, as somebody with root
// and a debugger can.
func closeIn(t *testing.T, pid, fd int) {
	t.Helper()
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	instruction, err := syscallInstruction(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.PtraceAttach(pid); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.PtraceDetach(pid); err != nil {
			t.Error(err)
		}
	}()
	await := func() {
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil || !status.Stopped() {
			t.Fatalf("process did not stop: status %#x, %v", status, err)
		}
	}
	await()
	var before, regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &before); err != nil {
		t.Fatal(err)
	}
	regs = before
	regs.Rip, regs.Rax, regs.Rdi = instruction, unix.SYS_CLOSE, uint64(fd)
	regs.Orig_rax = ^uint64(0) // the interrupted call is not restarted now
	if err := unix.PtraceSetRegs(pid, &regs); err != nil {
		t.Fatal(err)
	}
	if err := unix.PtraceSingleStep(pid); err != nil {
		t.Fatal(err)
	}
	await()
	if err := unix.PtraceGetRegs(pid, &regs); err != nil {
		t.Fatal(err)
	}
	if err := unix.PtraceSetRegs(pid, &before); err != nil {
		t.Fatal(err)
	}
	if regs.Rax != 0 {
		t.Fatalf("close(%d) in process %d: %v", fd, pid, unix.Errno(-regs.Rax))
	}
}

// syscallInstruction returns the address of one in a statically linked program.
func syscallInstruction(pid int) (uint64, error) {
	file, err := elf.Open(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	text := file.Section(".text")
	code, err := text.Data()
	if err != nil {
		return 0, err
	}
	at := bytes.Index(code, []byte{0x0f, 0x05})
	if file.Type != elf.ET_EXEC || at < 0 {
		return 0, fmt.Errorf("no syscall instruction at a known address")
	}
	return text.Addr + uint64(at), nil
}
