package learner

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
)

// aRun is what one run of a web application does, with the pids, temporary
// names, sessions and dates of that run.
func aRun(r *rand.Rand, visits int) []*event.Event {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	random := func(n int, from string) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = from[r.IntN(len(from))]
		}
		return string(b)
	}
	events := []*event.Event{
		execution("/usr/sbin/apache2", "/usr/sbin/apache2", "-DFOREGROUND"),
		open("/etc/apache2/apache2.conf", event.AccessRead),
		open("/etc/passwd", event.AccessRead),
		open("/run/apache2/apache2.pid", event.AccessWrite),
		flagged(open("/root", event.AccessRead), event.FlagRefused|event.FlagCallerPath),
		open(fmt.Sprintf("/proc/%d/cmdline", r.IntN(30000)+1), event.AccessRead),
		open(fmt.Sprintf("/var/log/apache2/access-2026-%02d-%02d.log", r.IntN(12)+1, r.IntN(28)+1), event.AccessWrite),
		open(fmt.Sprintf("/data/temp-%d.rdb", r.IntN(3000)+1), event.AccessWrite),
	}
	for range visits {
		host := fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256))
		events = append(events,
			open("/var/www/html/ping.php", event.AccessRead),
			open("/tmp/php"+random(6, letters), event.AccessRead|event.AccessWrite),
			open("/var/lib/php/sessions/sess_"+random(26, letters[:26]+"0123456789"), event.AccessRead|event.AccessWrite),
			execution("/usr/bin/dash", "sh", "-c", "ping -c 1 "+host),
			execution("/usr/bin/ping", "ping", "-c", "1", host),
			execution("/usr/bin/dash", "sh", "-c", "rotate /tmp/"+random(6, letters), fmt.Sprint(r.IntN(100000))),
			execution("/usr/bin/kill", "kill", "-USR1", fmt.Sprint(r.IntN(30000)+2)),
		)
	}
	return events
}

func TestSilentAfterLearningAndLoudWhenAttacked(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l := newLearner()
	for _, e := range aRun(r, 20) {
		l.Observe(e)
	}
	m, err := match.Compile([]profile.Container{l.Container()}, match.Options{Arch: "amd64", MergedUsr: true})
	if err != nil {
		t.Fatal(err)
	}
	judge := func(e *event.Event) match.Verdict {
		if e.Kind == event.KindExec {
			return m.Exec(e.Path, e.Args)
		}
		if m.Open(e.Path, e.Access) == match.Allowed {
			return match.Allowed
		}
		return m.Directory(e.Path, e.Access, e.Has(event.FlagLowerLayer))
	}
	for restart := range 20 {
		for _, e := range aRun(r, 20) {
			if got := judge(e); got != match.Allowed {
				t.Errorf("restart %d: %s %q: %v", restart, e.Path, e.Args, got)
			}
		}
	}
	attacks := []*event.Event{
		open("/etc/shadow", event.AccessRead),
		open("/etc/apache2/ports.conf", event.AccessRead),
		open("/etc/passwd", event.AccessWrite),
		open("/var/www/html/shell.php", event.AccessWrite),
		open("/proc/7/environ", event.AccessRead),
		execution("/usr/bin/dash", "sh", "-c", "ping -c 1 a;cat /etc/passwd"),
		execution("/usr/bin/dash", "sh", "-c", "id"),
		execution("/tmp/phpAbCdEf", "x"),
		execution("/usr/bin/id", "id"),
	}
	for _, e := range attacks {
		if judge(e) == match.Allowed {
			t.Errorf("attack %s %q is allowed", e.Path, e.Args)
		}
	}
}

func TestHostileContainerIsBounded(t *testing.T) {
	tests := map[string]func(i int) *event.Event{
		"names in one directory": func(i int) *event.Event { return open(fmt.Sprintf("/data/x%dx", i), event.AccessRead) },
		"directories":            func(i int) *event.Event { return open(fmt.Sprintf("/data/a%db/c%dd/e", i%7919, i), event.AccessRead) },
		"depth": func(i int) *event.Event {
			return open("/data"+strings.Repeat(fmt.Sprintf("/a%db", i), i%1000), event.AccessRead)
		},
		"places that keep their names": func(i int) *event.Event { return open(fmt.Sprintf("/etc/x%dx", i), event.AccessRead) },
		"keys":                         func(i int) *event.Event { return open(fmt.Sprintf("/home/x%dx/.ssh/id_rsa", i), event.AccessRead) },
		"below the root":               func(i int) *event.Event { return open(fmt.Sprintf("/x%dx", i), event.AccessRead) },
		"programs":                     func(i int) *event.Event { return execution(fmt.Sprintf("/tmp/x%dx", i), "x") },
		"arguments": func(i int) *event.Event {
			return execution("/bin/x", strings.Fields(strings.Repeat(fmt.Sprint("a", i, " "), i%50+1))...)
		},
		"code": func(i int) *event.Event { return execution("/bin/sh", "sh", "-c", fmt.Sprintf("a;x%dx", i)) },
		"long code": func(i int) *event.Event {
			return execution("/bin/sh", "sh", "-c", fmt.Sprint(i)+strings.Repeat(";a b", 50_000))
		},
	}
	for name, act := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLearner()
			events := 6_000
			switch name {
			case "long code":
				events = 200
			case "below the root", "places that keep their names":
				events = maxSegments + 1
			}
			for i := range events {
				l.Observe(act(i))
			}
			if got := l.opens.Len(); got > maxSegments+4096 {
				t.Errorf("%d segments are kept, want at most %d", got, maxSegments)
			}
			if got := l.programs.bytes; got > maxCommandBytes {
				t.Errorf("%d bytes of commands are kept, want at most %d", got, maxCommandBytes)
			}
			if len(l.backlog.fresh) > maxFresh {
				t.Errorf("%d facts wait for Take, want at most %d", len(l.backlog.fresh), maxFresh)
			}
			partial := l.State(boot).NotKept > 0
			allowed := allows(t, l, act(events+1))
			if !partial && !allowed {
				t.Error("the profile neither allows such an act nor is partial")
			}
		})
	}
}

func allows(t *testing.T, l *Learner, e *event.Event) bool {
	t.Helper()
	m, err := match.Compile([]profile.Container{l.Container()}, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind == event.KindExec {
		return m.Exec(e.Path, e.Args) == match.Allowed
	}
	return m.Open(e.Path, e.Access) == match.Allowed
}
