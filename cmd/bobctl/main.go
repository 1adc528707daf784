// Command bobctl works on Bills of Behavior: it checks, shows, combines,
// converts, signs and verifies them, and accepts what an alert reported.
// Called as kubectl-bob it is a plugin of kubectl.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"bobwatch/internal/alert"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
)

// version is set by the linker.
var version = "unknown"

// Exit codes, as documented in docs/bobctl.md.
const (
	exitError = 1
	exitUsage = 2
	exitFound = 3
)

// errFound is returned by a command that did its work and whose answer is no:
// documents differ, a check found something. The command has said what.
var errFound = errors.New("found something")

// usageError is a command line that makes no sense.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error {
	return usageError(fmt.Sprintf(format, args...))
}

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	colours  bool // of out
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, colours: alert.Colours(os.Stdout)}
	os.Exit(run(ctx, t, os.Args))
}

// run carries out a command line, args[0] included, and returns the exit code.
func run(ctx context.Context, t *terminal, args []string) int {
	name := "bobctl"
	if filepath.Base(args[0]) == "kubectl-bob" {
		name = "kubectl bob"
	}
	root := newRootCommand(t, name)
	root.SetArgs(args[1:])
	command, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	switch {
	case err == nil || errors.Is(err, errFound):
	case code == exitUsage:
		fmt.Fprintf(t.err, "%s: %s\nSee '%s --help'.\n", name, escapeLines(err.Error()), command.CommandPath())
	default:
		fmt.Fprintf(t.err, "%s: %s\n", name, escapeLines(err.Error()))
	}
	return code
}

func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errFound),
		errors.Is(err, signature.ErrUnsigned), errors.Is(err, signature.ErrSignature),
		errors.Is(err, signature.ErrUntrusted), errors.Is(err, signature.ErrScope),
		errors.Is(err, registry.ErrTampered), errors.Is(err, registry.ErrNotBoB),
		errors.Is(err, registry.ErrTooLarge), errors.Is(err, registry.ErrMoved), errors.Is(err, registry.ErrUnsigned):
		return exitFound
	}
	return exitError
}
