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
// caches. Where CI is set it waits for the build, elsewhere the test is skipped
// with the command that builds it.
func Tool(t testing.TB, script string, args ...string) string {
	t.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("find module: %v", err)
	}
	args = append([]string{filepath.Join(strings.TrimSpace(string(root)), "test/tools", script)}, args...)
	if os.Getenv("CI") == "" {
		args = append([]string{args[0], "--cached"}, args[1:]...)
	}
	cmd := exec.Command("sh", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		Skip(t, "needs a tool: %v: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// Helm returns the path of the Helm that the tests run, whose build install.sh
// begins early.
func Helm(t testing.TB) string {
	t.Helper()
	return Tool(t, "helm.sh")
}
