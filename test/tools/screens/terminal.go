package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// terminal is a shell in a terminal of tmux's, which nobody sees.
type terminal struct {
	socket string
	width  int
}

// columns is how wide terminals are. Digests make long lines.
const columns = 124

// shellStart gives the shell its environment, which needs the directory three
// times, and a prompt, and tells tmux whenever it shows it.
const shellStart = `export PATH='%[1]s/bin':$PATH HOME='%[1]s' DOCKER_CONFIG='%[1]s' LC_ALL=C COSIGN_PASSWORD=screens
PS1='\[\e[32m\]$\[\e[0m\] '
PROMPT_COMMAND='tmux wait-for -S prompt'
`

// newTerminal opens a terminal with a shell in dir. Each has a tmux of its own,
// called name.
func newTerminal(ctx context.Context, dir, name string, height int) (*terminal, error) {
	start := filepath.Join(dir, "bashrc")
	if err := os.WriteFile(start, fmt.Appendf(nil, shellStart, dir), 0o600); err != nil {
		return nil, err
	}
	t := &terminal{socket: filepath.Join(dir, name+".tmux"), width: columns}
	args := []string{
		"-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(height), "-c", dir,
		"bash", "--noprofile", "--rcfile", start,
	}
	var err error
	for range 5 { // a server of tmux's may exit while it starts
		if _, err = t.tmux(ctx, args...); err == nil {
			return t, t.wait(ctx)
		}
	}
	return nil, err
}

func (t *terminal) tmux(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", t.socket}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, out)
	}
	return string(out), nil
}

// wait waits for the prompt.
func (t *terminal) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := t.tmux(ctx, "wait-for", "prompt"); err != nil {
		return err
	}
	for { // it is about to be written
		text, err := t.tmux(ctx, "capture-pane", "-p")
		if err != nil || strings.HasSuffix(strings.TrimRight(text, "\n "), "$") {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// start types a command line.
func (t *terminal) start(ctx context.Context, line string) error {
	if _, err := t.tmux(ctx, "send-keys", "-l", line); err != nil {
		return err
	}
	_, err := t.tmux(ctx, "send-keys", "Enter")
	return err
}

// run types a command line and waits until it has ended.
func (t *terminal) run(ctx context.Context, line string) error {
	if err := t.start(ctx, line); err != nil {
		return err
	}
	return t.wait(ctx)
}

// interrupt types ctrl-C and waits for the prompt.
func (t *terminal) interrupt(ctx context.Context) error {
	if _, err := t.tmux(ctx, "send-keys", "C-c"); err != nil {
		return err
	}
	return t.wait(ctx)
}

// capture returns what the terminal shows, with its colours, without the last
// prompt and empty lines.
func (t *terminal) capture(ctx context.Context) (string, error) {
	text, err := t.tmux(ctx, "capture-pane", "-p", "-e")
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimRight(text, "\n "), "\n")
	if last := len(lines) - 1; plain(lines[last]) == "$" {
		lines = lines[:last]
	}
	return strings.Join(lines, "\n"), nil
}

// text returns what the terminal shows, with long lines in one piece.
func (t *terminal) text(ctx context.Context) (string, error) {
	return t.tmux(ctx, "capture-pane", "-p", "-J", "-S", "-")
}

func (t *terminal) close() {
	_, _ = t.tmux(context.Background(), "kill-server") // it may have ended
}
