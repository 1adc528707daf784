// Command vm runs a package's tests in a virtual machine on one of Debian's
// kernels, as root and with a pure cgroup v2 hierarchy:
//
//	go run ./test/vm -kernel 6.12 -- ./internal/sensor -test.run=TestExec -test.v
//
// The newest point release on the machine's mirror of Debian is downloaded and
// cached; the machine's own package lists are neither read nor changed. It needs
// the packages qemu-system-x86, busybox-static and xz-utils, but neither root
// nor KVM: the machine is emulated, some ten times slower than the host.
//
//	go run ./test/vm -fetch
//
// downloads the kernels that the tests boot, and does nothing else.
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

	"bobwatch/internal/testenv"
)

func main() {
	release := flag.String("kernel", "6.12", "kernel `release`, such as 6.1, or newest")
	fetch := flag.Bool("fetch", false, "only download the kernels that the tests boot")
	limit := flag.Duration("limit", 10*time.Minute, "`time` after which the machine is killed")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: vm [flags] -- package [test flags]\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *fetch {
		if err := fetchAll(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "vm:", err)
			os.Exit(1)
		}
		return
	}
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("it used up its %s", *limit))
	defer cancel()

	status, err := runTests(ctx, *release, flag.Arg(0), flag.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
	os.Exit(status)
}

// releases are the kernels that the tests boot.
var releases = []string{"6.1", "6.12", newest}

func fetchAll(ctx context.Context) error {
	for _, release := range releases {
		if _, err := fetchKernel(ctx, release); err != nil {
			return err
		}
	}
	return nil
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

// buildTests compiles a package's tests into dir. testenv.Promised makes a test
// fail that would skip: the machine gives it root, BTF and a recent kernel.
func buildTests(ctx context.Context, pkg, dir string) (program, error) {
	out, err := output(ctx, "go", "list", "-f", "{{.Dir}}", pkg)
	if err != nil {
		return program{}, err
	}
	p := program{
		path: filepath.Join(dir, "tests"),
		env:  []string{testenv.Promised + "=vm"},
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
