// Command bobctl works on Bills of Behavior: it checks, shows, combines,
// converts, signs and verifies them, and accepts the acts that alerts report.
// Called as kubectl-bob it is a plugin of kubectl.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"bobwatch/internal/alert"
	"bobwatch/internal/registry"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// version is set by the linker.
var version = "unknown"

// Exit codes, as documented in docs/bobctl.md.
const (
	exitError = 1
	exitUsage = 2
	exitFound = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := &term.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Colours: alert.Colours(os.Stdout)}
	os.Exit(run(ctx, t, os.Args))
}

// run carries out a command line, args[0] included, and returns the exit code.
func run(ctx context.Context, t *term.Terminal, args []string) int {
	name := "bobctl"
	if filepath.Base(args[0]) == "kubectl-bob" {
		name = "kubectl bob"
	}
	root := newRootCommand(t, name)
	root.SetArgs(args[1:])
	command, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	switch {
	case err == nil || errors.Is(err, term.ErrFound):
	case code == exitUsage:
		fmt.Fprintf(t.Err, "%s: %s\nSee '%s --help'.\n", name, term.EscapeLines(err.Error()), command.CommandPath())
	default:
		fmt.Fprintf(t.Err, "%s: %s\n", name, term.EscapeLines(err.Error()))
	}
	return code
}

func exitCode(err error) int {
	var usage term.UsageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, term.ErrFound),
		errors.Is(err, signature.ErrUnsigned), errors.Is(err, signature.ErrSignature),
		errors.Is(err, signature.ErrUntrusted), errors.Is(err, signature.ErrScope),
		errors.Is(err, registry.ErrTampered), errors.Is(err, registry.ErrNotBoB),
		errors.Is(err, registry.ErrTooLarge), errors.Is(err, registry.ErrMoved), errors.Is(err, registry.ErrUnsigned):
		return exitFound
	}
	return exitError
}
