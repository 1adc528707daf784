package silence

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/status"
	"bobwatch/internal/testenv"
)

//go:embed prelude.sh
var prelude []byte

// user uses one service, over the containers in which it runs.
type user struct {
	*lab
	service   *service
	dir       string // of its client; holds the volume of the service as data
	container *testenv.Container
	started   int // containers so far
	round     int // of the load
	marked    int // markers so far
	phase     Phase
	seen      []Alert
	read      int // of the alerts about the service
}

// learn loads the service until it is guarded, and restarts it once meanwhile.
func (u *user) learn(ctx context.Context) error {
	for end := time.Now().Add(3*u.options.Window + time.Minute); ; {
		if err := u.restart(ctx, syscall.SIGTERM); err != nil {
			return err
		}
		for half := time.Now().Add(u.options.Window/2 + time.Second); time.Now().Before(half); {
			if err := u.client(ctx, "load"); err != nil {
				return err
			}
		}
		guarded, err := u.guarded(ctx)
		if guarded || err != nil {
			return err
		}
		if time.Now().After(end) {
			return errors.New("the learning window does not end")
		}
	}
}

// guarded reports whether the agent guards the service.
func (u *user) guarded(ctx context.Context) (bool, error) {
	text, err := u.status(ctx)
	if err != nil {
		return false, err
	}
	var answer status.Status
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return false, fmt.Errorf("read status: %w", err)
	}
	for _, w := range answer.Workloads {
		if w.Name == u.service.name {
			return w.State == status.Guarded, nil
		}
	}
	return false, fmt.Errorf("the agent does not know workload %s", u.service.name)
}

// same asks for nothing new.
func (u *user) same(ctx context.Context) error {
	for _, step := range []struct {
		signal syscall.Signal
		env    []string
	}{
		{signal: syscall.SIGTERM}, {signal: syscall.SIGKILL}, {signal: syscall.SIGTERM, env: []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8"}},
	} {
		for _, function := range []string{"load", "same", "load"} {
			if err := u.client(ctx, function); err != nil {
				return err
			}
		}
		if err := u.restart(ctx, step.signal, step.env...); err != nil {
			return err
		}
	}
	if err := u.client(ctx, "load"); err != nil {
		return err
	}
	return u.mark(ctx)
}

// change uses the service differently.
func (u *user) change(ctx context.Context) error {
	if err := u.client(ctx, "change"); err != nil {
		return err
	}
	if err := u.client(ctx, "load"); err != nil {
		return err
	}
	return u.mark(ctx)
}

// restart ends the service's container by a signal and starts another one with
// the same volume.
func (u *user) restart(ctx context.Context, signal syscall.Signal, env ...string) error {
	if u.container != nil {
		if err := u.stop(ctx, signal); err != nil {
			return err
		}
	}
	u.started++
	spec := testenv.ContainerSpec{
		ID:    fmt.Sprintf("%s-%d", u.service.name, u.started),
		Image: "localhost/silence-" + u.service.name + ":1",
		Pod:   u.service.name, Name: u.service.name,
		Flags: []string{"--mount", "type=bind,src=" + filepath.Join(u.dir, "data") + ",dst=/data,options=rbind:rw"},
	}
	for _, e := range env {
		spec.Flags = append(spec.Flags, "--env", e)
	}
	k, err := u.containerd.Run(ctx, spec)
	if err != nil {
		return err
	}
	u.container = k
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end) && k.Running(); {
		if err = u.client(ctx, "ready"); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	log, _ := os.ReadFile(k.Log)
	return fmt.Errorf("wait for %s: %w; its log: %s", k.ID, err, log)
}

func (u *user) stop(ctx context.Context, signal syscall.Signal) error {
	k := u.container
	u.container = nil
	if signal == syscall.SIGKILL { // a crash: the kernel ends the others with the first process
		if err := syscall.Kill(k.PID, signal); err != nil {
			return err
		}
		return k.Wait(ctx)
	}
	return k.Stop(ctx)
}

func (u *user) end(ctx context.Context) {
	if u.container != nil {
		_ = u.stop(ctx, syscall.SIGTERM)
	}
}

// client runs one function of the service's client. A function's status means
// something for ready alone: a client may well be refused.
func (u *user) client(ctx context.Context, function string) error {
	if function == "load" {
		u.round++
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	script := bytes.Join([][]byte{prelude, u.service.client, []byte(function + "\n")}, []byte("\n"))
	cmd := exec.CommandContext(ctx, "bash", "-c", string(script))
	cmd.Env = append(os.Environ(),
		"PID="+strconv.Itoa(u.container.PID), "CLIENT="+strconv.Itoa(u.clients.PID),
		"EXEC=ctr -a "+u.containerd.Address+" -n "+testenv.Namespace+" task exec",
		"ID="+u.container.ID, "TMP="+u.dir, "N="+strconv.Itoa(u.round),
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("client %s: %w: %s", function, ctx.Err(), out)
	}
	if function == "ready" && err != nil {
		return fmt.Errorf("client ready: %w: %s", err, out)
	}
	if function != "ready" && !u.container.Running() {
		log, _ := os.ReadFile(u.container.Log)
		return fmt.Errorf("the service ended in client %s: %s; its log: %s", function, out, log)
	}
	return nil
}

// mark does an act that nothing allows, waits for its alert, and takes all
// alerts before it for the phase.
func (u *user) mark(ctx context.Context) error {
	program := marker(u.marked)
	u.marked++
	if _, err := u.container.Exec(ctx, program); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, ok := u.agent.Await(ctx, 0, func(a *alert.Alert) bool {
		return a.Workload.Name == u.service.name && isMarker(a, program)
	})
	if !ok {
		return fmt.Errorf("no alert of %s: the service is not guarded", program)
	}
	u.take()
	return nil
}

func (u *user) take() {
	all := u.raised(u.service.name)
	for _, s := range all[u.read:] {
		if isMarker(&s.Alert, "/usr/bin/silence-marker-") {
			continue
		}
		u.seen = append(u.seen, Alert{Seen: s, Phase: u.phase, Expected: u.service.expects(s.Message)})
	}
	u.read = len(all)
}

// alerts returns all alerts so far, a marker's own acts left out.
func (u *user) alerts() []Alert {
	u.take()
	return u.seen
}

// isMarker reports whether an alert is about a marker or what a marker did.
func isMarker(a *alert.Alert, program string) bool {
	if a.Deviation.Exec != nil {
		return strings.HasPrefix(a.Deviation.Exec.Path, program)
	}
	return strings.HasPrefix(a.Process.Exe, program)
}
