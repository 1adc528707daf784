package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/alert"
)

// evasions are attacks on the sight of the agent itself: other ways to a file or
// a program than those in attacks, and names that lie. They are made in this
// order, in one container.
var evasions = []attack{
	// Ways to a file.
	{"path-only", "attack path-only $T", opened("/etc/secrets/path-only"), "R0002"},
	{"descriptor-race", "attack race-descriptor $T", opened("/etc/secrets/descriptor-race"), "R0002"},
	{"passed-descriptor", "attack pass-descriptor $T", opened("/etc/secrets/passed-descriptor"), "R0002"},
	{"own-descriptors", "attack in-thread $T", opened("/etc/secrets/own-descriptors"), "R0002"},
	{"uring-poll", "attack uring-poll $T", func(a *alert.Alert) bool {
		return opened("/etc/secrets/uring-poll")(a) && a.Deviation.Open.IOUring
	}, "R0002"},
	{"root-of-another", "read -r x </proc/1/root$T", opened("/etc/secrets/root-of-another"), "R0002"},
	{"working-directory", "cd /etc/secrets && read -r x <working-directory; cd /", opened("/etc/secrets/working-directory"), "R0002"},
	{"symlinked-directory", "ln -s /etc/secrets /tmp/dir && read -r x </tmp/dir/symlinked-directory", opened("/etc/secrets/symlinked-directory"), "R0002"},
	{"bound-over", "attack bound $T", called("mount"), "BW107"},
	{"shadow-bound-over", "attack bound /etc/shadow", openedShadow, "R0010"},
	{"overlay", "attack overlay $T", openedIn("/dev/shm/", "/overlay"), "R0002"},
	{"sourced", "echo : >/tmp/sourced; . /tmp/sourced", opened("/tmp/sourced"), "R0002"},
	{"hostile-name", "attack odd-name", func(a *alert.Alert) bool {
		return a.Deviation.Open != nil && strings.HasPrefix(a.Deviation.Open.Path, `/tmp/a\x0a{"rule"`)
	}, "R0002"},
	{"literal-star", ": >'/etc/secrets/*'", opened("/etc/secrets/*"), "R0002"},
	{"deleted-file", "attack deleted", openedIn("/tmp/deleted", ""), "R0002"},
	{"deep", "attack deep", func(a *alert.Alert) bool {
		return a.Deviation.Open != nil && strings.Contains(a.Deviation.Open.Path, "ddddd")
	}, "R0002"},

	// Ways to a program, and names that lie.
	{"exec-descriptor", "attack exec-descriptor /usr/bin/attack", argument("anonymous"), "R0040"},
	{"forged-name", "attack forge-name /usr/bin/cksum", executed("/usr/bin/cksum"), "R0001"},
	{"self-exe", "sh -c '/proc/self/exe -c true'", argument("true"), "R0040"},
	{"awk", "awk 'BEGIN { exit }'", func(a *alert.Alert) bool {
		return a.Deviation.Exec != nil && strings.HasSuffix(a.Deviation.Exec.Path, "awk")
	}, "R0001"},
	{"loader-preload", "cp /lib/x86_64-linux-gnu/libm.so.6 /tmp/pre.so; /lib64/ld-linux-x86-64.so.2 --preload /tmp/pre.so /usr/bin/cat /dev/null", opened("/tmp/pre.so"), "R0002"},
	{"more-code", "sh -c 'id -u; :'", argument("id -u; :"), "R0040"},
	{"startup-file", "echo : >/tmp/env; ENV=/tmp/env sh -i -c :", argument("-i"), "R0040"},
	{"daemon", "(setsid od /dev/null &) && sleep 0.3", executed("/usr/bin/od"), "R0001"},
	{"on-a-mount", "cp /usr/bin/nl /run/nl && /run/nl /dev/null", executed("/run/nl"), "R1004"},
	{"replaced-program", "cp /usr/bin/nl /usr/bin/new && mv /usr/bin/new /usr/bin/id && sh -c 'id -u' || true", executed("/usr/bin/id"), "BW003"},
	{"many-processes", "attack many-processes 300 && fmt /dev/null", executed("/usr/bin/fmt"), "R0001"},

	// Calls without a file or a program.
	{"steal-descriptor", "attack steal-descriptor", called("pidfd_getfd"), "R0003"},
	{"fanotify", "attack call fanotify_init", called("fanotify_init"), "R0003"},
	{"detached-mount", "attack call open_tree", called("open_tree"), "BW107"},
	{"moved-mount", "attack call move_mount", called("move_mount"), "BW107"},
	{"mount-attributes", "attack call mount_setattr", called("mount_setattr"), "BW107"},
	{"secret-memory", "attack call memfd_secret", called("memfd_secret"), "R0003"},
	{"perf", "attack call perf_event_open", called("perf_event_open"), "R0003"},
	{"kcmp", "attack call kcmp", called("kcmp"), "R0003"},
	{"kernel-log", "attack call syslog", called("syslog"), "R0003"},
	{"quota", "attack call quotactl", called("quotactl"), "R0003"},
	{"accounting", "attack call acct", called("acct"), "R0003"},
	{"vmsplice", "attack call vmsplice", called("vmsplice"), "R0003"},
}

func openedShadow(a *alert.Alert) bool {
	return a.Deviation.Open != nil && a.Deviation.Open.Path == "/etc/shadow"
}

// TestEvasions makes all evasions on a container whose benign life was learned,
// and wants an alert for each that names what was done.
func TestEvasions(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 8*time.Second)
	a := l.agent(t, config)
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-evaded"))
	if err := l.victim.Load(t.Context(), k, 100); err != nil {
		t.Fatal(err)
	}
	for _, act := range evasions {
		t.Run(act.name, func(t *testing.T) {
			before := len(a.Alerts())
			t.Log(mustTell(t, k, strings.ReplaceAll(act.line, "$T", secrets+act.name)+" || true"))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			seen, ok := a.Await(ctx, before, act.named)
			if !ok {
				t.Errorf("%s: no alert named it", act.line)
				for _, s := range a.Alerts()[before:] {
					t.Logf("but: %s %s", s.Rule, s.Message)
				}
				return
			}
			if seen.Rule != act.rule {
				t.Errorf("reported by %s (and %v), want %s: %s", seen.Rule, seen.Also, act.rule, seen.Message)
			}
		})
	}
}
