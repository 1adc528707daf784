// Command vm runs a package's tests in a virtual machine on one of Debian's
// kernels, as root and with a pure cgroup v2 hierarchy:
//
//	go run ./test/vm -kernel 6.12 -- ./internal/sensor -test.run=TestExec -test.v
//
// The newest point release that apt knows is downloaded and cached. It needs
// the packages qemu-system-x86, busybox-static and xz-utils, but neither root
// nor KVM: the machine is emulated, some ten times slower than the host.
//
// The exit status is that of the tests. A kernel that panics or hangs counts as
// a failure, not as silence.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	release := flag.String("kernel", "6.12", "kernel `release`: 6.1 or 6.12")
	limit := flag.Duration("limit", 10*time.Minute, "`time` after which the machine is killed")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: vm [flags] -- package [test flags]\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("it used up its %s", *limit))
	defer cancel()

	status, err := runTests(ctx, *release, flag.Arg(0), flag.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
	os.Exit(status)
}

func runTests(ctx context.Context, release, pkg string, args []string) (status int, err error) {
	k, err := fetchKernel(ctx, release)
	if err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp("", "bobwatch-vm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	p, err := buildTests(ctx, pkg, tmp)
	if err != nil {
		return 0, err
	}
	p.args = args
	return run(ctx, k, p, os.Stdout)
}

// buildTests compiles a package's tests into dir. They run with CI set: the
// machine gives them root, BTF and a recent kernel, so none may skip for want
// of these.
func buildTests(ctx context.Context, pkg, dir string) (program, error) {
	out, err := output(ctx, "go", "list", "-f", "{{.Dir}}", pkg)
	if err != nil {
		return program{}, err
	}
	p := program{
		path: filepath.Join(dir, "tests"),
		env:  []string{"CI=vm"},
		dir:  strings.TrimSpace(string(out)),
	}
	if err := goStatic(ctx, "test", "-c", "-o", p.path, pkg); err != nil {
		return program{}, fmt.Errorf("build tests: %w", err)
	}
	return p, nil
}

// goStatic runs the go command so that what it builds needs no libraries.
func goStatic(ctx context.Context, args ...string) error {
	build := exec.CommandContext(ctx, "go", args...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}
