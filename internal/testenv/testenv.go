// Package testenv checks that the machine meets a test's needs, and provides the heavier
// parts of a test: a private containerd, images, ground truth.
//
// Invariant: as root on Debian, where `make test` installs everything, a test
// that cannot run fails. On any other machine it is skipped with its reason.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// Promised is the environment variable that promises that the machine has
// everything: `make test` sets it for root, and test/vm in its machines.
const Promised = "BOBWATCH_PROMISED"

func promised() bool {
	if os.Getenv(Promised) != "" {
		return true
	}
	_, err := os.Stat("/etc/debian_version")
	return err == nil && os.Geteuid() == 0
}

// Skip skips the test, or fails it where it is promised to run.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if promised() {
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
		Skip(t, "needs the program %s, which test/tools/install.sh test installs: %v", name, err)
	}
	return path
}
