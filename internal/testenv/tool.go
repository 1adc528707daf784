package testenv

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tool returns the path of a program that a script in test/tools builds and
// caches. It waits for the build under `make test`, and where tests are promised
// to run; elsewhere the test is skipped with the command that builds it.
func Tool(t testing.TB, script string, args ...string) string {
	t.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("find module: %v", err)
	}
	command := []string{filepath.Join(strings.TrimSpace(string(root)), "test/tools", script)}
	if !promised() && os.Getenv("BOBWATCH_BUILD_TOOLS") == "" {
		command = append(command, "--cached")
	}
	cmd := exec.Command("sh", append(command, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		Skip(t, "needs a tool: %v: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// Helm returns the path of the Helm that the tests run.
func Helm(t testing.TB) string {
	t.Helper()
	return Tool(t, "helm.sh")
}

// Cosign returns the path of the cosign of a major version, v2 or v3, that the
// tests check signatures with.
func Cosign(t testing.TB, major string) string {
	t.Helper()
	return Tool(t, "cosign.sh", major)
}
