package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed init.sh
var initScript []byte

// errNoStatus says that the machine stopped before the program had ended: the
// kernel panicked, or the machine ran out of memory.
var errNoStatus = errors.New("the machine stopped before the program ended")

// A program is what a machine runs, as root, in place of everything else.
type program struct {
	path string // a static executable of the host
	args []string
	env  []string // NAME=value, without quotes or newlines
	dir  string   // host directory whose testdata the program finds in its working directory
}

// run boots the kernel, lets it run the program and returns the program's exit
// status. What the program and the kernel print goes to out. The machine is
// killed when ctx ends.
func run(ctx context.Context, k kernel, p program, out io.Writer) (status int, err error) {
	tmp, err := os.MkdirTemp("", "bobwatch-vm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)

	initramfs := filepath.Join(tmp, "initramfs")
	truth := filepath.Join(tmp, "true")
	if err := goStatic(ctx, "build", "-o", truth, "bobwatch/test/vm/true"); err != nil {
		return 0, err
	}
	if err := pack(initramfs, k, p, truth); err != nil {
		return 0, fmt.Errorf("pack initramfs: %w", err)
	}
	statusFile := filepath.Join(tmp, "status")
	start := time.Now()
	if err := boot(ctx, k.image, initramfs, statusFile, out); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return 0, fmt.Errorf("run machine, ended after %s: %w", time.Since(start).Round(time.Second), err)
	}
	text, err := os.ReadFile(statusFile)
	if err != nil {
		return 0, err
	}
	if len(text) == 0 {
		return 0, errNoStatus
	}
	status, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read exit status: %w", err)
	}
	return status, nil
}

// pack writes the machine's root file system. truth is what becomes its /bin/true.
func pack(file string, k kernel, p program, truth string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return errors.Join(err, f.Close())
	}
	buffered := bufio.NewWriter(f)
	a := newArchive(buffered)
	a.add("init", initScript)
	a.addFile("bin/busybox", busybox)
	a.addFile("bin/true", truth)
	a.addFile("overlay.ko", k.overlay)
	a.addFile("program", p.path)
	a.add("args", lines("", p.args))
	a.add("env", lines("export ", p.env))
	a.addDir("work")
	if p.dir != "" {
		a.addTree("work/testdata", filepath.Join(p.dir, "testdata"))
	}
	return errors.Join(a.close(), buffered.Flush(), f.Close())
}

func lines(prefix string, values []string) []byte {
	var text []byte
	for _, v := range values {
		text = fmt.Appendf(text, "%s%s\n", prefix, v)
	}
	return text
}

// boot runs the machine until it powers off. Emulation is used even where KVM
// would do: it takes seconds, and is the same everywhere.
func boot(ctx context.Context, image, initramfs, statusFile string, out io.Writer) error {
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64",
		"-accel", "tcg,thread=single", "-cpu", "max", "-m", "2048", "-smp", "2",
		"-nodefaults", "-display", "none", "-no-reboot",
		"-serial", "stdio", "-serial", "file:"+statusFile,
		"-kernel", image, "-initrd", initramfs,
		"-append", "console=ttyS0 quiet panic=-1")
	qemu.Stdout, qemu.Stderr = out, out
	qemu.WaitDelay = 5 * time.Second
	return qemu.Run()
}
