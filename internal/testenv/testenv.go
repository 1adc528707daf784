// Package testenv says what a test needs of the machine, and provides the
// heavier parts of it: a private containerd, images, ground truth.
//
// Invariant: a test that cannot run is skipped with its reason, except where
// the environment variable CI is set; there the machine is promised to have
// everything, and a test that cannot run fails.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// Skip skips the test, or fails it where CI is set.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Root skips the test unless it runs as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "needs root")
	}
}

// Command returns the path of the program called name, and skips the test if
// the machine has none.
func Command(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Skip(t, "needs the program %s: %v", name, err)
	}
	return path
}
