// Command screens makes the pictures of a terminal in docs/screens: it types
// command lines into a real one and draws what they answer. Nothing in them is
// made up.
//
// It runs as root, after `make build`, on a machine with busybox, docker-registry
// and tmux. Where KUBECONFIG is that of `make cluster-up`, it also makes the
// pictures of a cluster. What it starts on this machine ends with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	out := flag.String("out", "docs/screens", "`directory` to write to")
	only := flag.String("only", "", "make these `scenes` only, with commas between them; a scene may need those before it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, only string) error {
	dir, err := os.MkdirTemp("", "bobwatch-screens-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &stage{out: out, dir: dir}
	err = s.prepare()
	all := scenes
	if inCluster() {
		all = append(all, clusterScenes...)
	}
	for _, scene := range all {
		if err != nil || only != "" && !strings.Contains(","+only+",", ","+scene.name+",") {
			continue
		}
		fmt.Println(scene.name)
		if err = s.play(ctx, scene); err != nil {
			err = fmt.Errorf("%s: %w", scene.name, err)
		}
	}
	return errors.Join(err, s.close())
}

// stage is where the scenes are played: a directory with what they need, and
// the servers behind them.
type stage struct {
	out, dir string
	servers  []*exec.Cmd
	terminal *terminal
}

// prepare lays out the programs and files.
func (s *stage) prepare() error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	if err := os.Mkdir(s.path("bin"), 0o755); err != nil {
		return err
	}
	for name, program := range map[string]string{"agent": "bin/agent", "bobctl": "bin/bobctl", "ping": busybox} {
		program, err := filepath.Abs(program)
		if err == nil {
			err = os.Symlink(program, s.path("bin", name))
		}
		if err != nil {
			return err
		}
	}
	for _, name := range []string{"webapp.yaml", "webapp-next.yaml", "broken.yaml"} {
		text, err := os.ReadFile(filepath.Join("cmd/bobctl/testdata", name))
		if err == nil {
			err = s.write(name, string(text))
		}
		if err != nil {
			return err
		}
	}
	if err := errors.Join(s.write("www/cgi-bin/ping", pingPage), s.write("www/index.html", "Whom shall I ping?\n")); err != nil {
		return err
	}
	return os.MkdirAll(s.out, 0o755)
}

// pingPage is the page of the lab: it lets whoever asks run any command.
const pingPage = `#!/bin/sh
printf 'Content-Type: text/plain\n\n'
sh -c "ping -c 1 $(busybox httpd -d "$QUERY_STRING")"
`

func (s *stage) path(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

// write writes a file that can be executed, with its directory.
func (s *stage) write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(s.path(name), []byte(text), 0o755)
}

// play opens a terminal for a scene, and draws what is in it at the end.
func (s *stage) play(ctx context.Context, scene scene) error {
	t, err := newTerminal(ctx, s.dir, scene.name, scene.height)
	if err != nil {
		return err
	}
	defer t.close()
	s.terminal = t
	frames, err := scene.play(ctx, s)
	if err != nil {
		text, _ := t.text(ctx) // what is there tells why
		return fmt.Errorf("%w\n%s", err, text)
	}
	if len(frames) == 0 {
		text, err := t.capture(ctx)
		if err != nil {
			return err
		}
		frames = []string{text}
	}
	return os.WriteFile(filepath.Join(s.out, scene.name+".svg"), draw(frames, t.width), 0o644)
}

// serve starts a server that ends with the stage.
func (s *stage) serve(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.servers = append(s.servers, cmd)
	return nil
}

func (s *stage) close() error {
	for _, cmd := range s.servers {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}
	return removeCgroup()
}
