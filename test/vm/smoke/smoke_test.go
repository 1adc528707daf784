// Package smoke asks of a machine what every kernel test takes for granted: it
// is the first thing to run when those fail all at once.
package smoke

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"bobwatch/internal/testenv"
)

// TestProgramRuns attaches a program to every system call and sees it count.
func TestProgramRuns(t *testing.T) {
	testenv.Root(t)
	counts, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer counts.Close()

	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:       ebpf.Tracing,
		AttachType: ebpf.AttachTraceRawTp,
		AttachTo:   "sys_enter",
		License:    "GPL",
		Instructions: asm.Instructions{
			asm.LoadMapValue(asm.R1, counts.FD(), 0),
			asm.Mov.Imm(asm.R2, 1),
			asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	})
	if err != nil {
		t.Fatalf("load program: %+v", err)
	}
	defer prog.Close()

	l, err := link.AttachTracing(link.TracingOptions{Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	const calls = 100
	for range calls {
		syscall.Getppid()
	}
	var got uint64
	if err := counts.Lookup(uint32(0), &got); err != nil {
		t.Fatal(err)
	}
	if got < calls {
		t.Errorf("counted %d system calls, want %d or more", got, calls)
	}
}

func TestMounts(t *testing.T) {
	if os.Getenv(testenv.Promised) != "vm" {
		t.Skip("not in a machine of test/vm")
	}
	for dir, want := range map[string]int64{
		"/proc":                unix.PROC_SUPER_MAGIC,
		"/sys/fs/bpf":          unix.BPF_FS_MAGIC,
		"/sys/kernel/tracing":  unix.TRACEFS_MAGIC,
		"/sys/kernel/security": unix.SECURITYFS_MAGIC,
	} {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			t.Errorf("statfs %s: %v", dir, err)
		} else if fs.Type != want {
			t.Errorf("%s has file system %#x, want %#x", dir, fs.Type, want)
		}
	}
}

func TestOverlay(t *testing.T) {
	testenv.Root(t)
	dir := t.TempDir()
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	merged := filepath.Join(dir, "merged")
	options := "lowerdir=" + dir + "/lower,upperdir=" + dir + "/upper,workdir=" + dir + "/work"
	if err := unix.Mount("overlay", merged, "overlay", 0, options); err != nil {
		t.Fatalf("mount overlay: %v", err)
	}
	if err := unix.Unmount(merged, 0); err != nil {
		t.Error(err)
	}
}
