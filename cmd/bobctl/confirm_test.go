package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bobwatch/internal/testenv"
)

// The question is asked on the terminal, though the document comes by standard
// input. Only yes is yes, and without a terminal nothing is done.
func TestInstallAsks(t *testing.T) {
	client := controlPlane(t)
	program := filepath.Join(buildBobctl(t), "bobctl")
	workspace(t)
	document := readFile(t, "webapp.yaml")
	install := func(tty *os.File) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, "install", "-", "-n", "shop", "--insecure-skip-verify", "--wait=false")
		cmd.Stdin = strings.NewReader(document)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if tty != nil {
			cmd.ExtraFiles = []*os.File{tty}
			cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, 3 // the first of ExtraFiles
		}
		return cmd
	}
	out, err := install(nil).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "confirm by --yes") {
		t.Errorf("without a terminal: %v: %s", err, out)
	}
	for _, tt := range []struct {
		answer string
		want   bool
	}{{"\n", false}, {"no\n", false}, {"y\n", true}} {
		user, tty := testenv.Terminal(t)
		if _, err := io.WriteString(user, tt.answer); err != nil {
			t.Fatal(err)
		}
		out, err := install(tty).CombinedOutput()
		if got := documentsIn(t, client, "shop", "webapp") != nil; got != tt.want || got != (err == nil) {
			t.Errorf("answer %q: installed %t (%v: %s), want %t", tt.answer, got, err, out, tt.want)
		}
		asked := make([]byte, 256)
		n, err := user.Read(asked)
		if err != nil || !strings.Contains(string(asked[:n]), "Install shop/webapp? [y/N]") && !strings.Contains(tt.answer, strings.TrimSpace(string(asked[:n]))) {
			t.Errorf("answer %q: the terminal shows %q (%v)", tt.answer, asked[:n], err)
		}
	}
}
