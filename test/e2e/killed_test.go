package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bobwatch/internal/testenv"
	"bobwatch/test/watch"
)

// strangers are programs that the victim never executes. Those of one round of
// kills differ from those of the rounds before and after, so that the act of one
// is not counted with that of another.
var strangers = strings.Fields("nl tac shuf od fold fmt expand paste pr sum cksum md5sum sha1sum sha256sum b2sum tsort base32 base64 unexpand uniq wc")

const actsOfRound = 8

// TestKillsLoseNothing kills the agent with SIGKILL again and again, at any
// moment, while the victim works and deviates. Each deviation is written to
// stdout at least once, and each time with the same id.
func TestKillsLoseNothing(t *testing.T) {
	l := newLab(t)
	rounds := 8
	if soak {
		rounds = 500
	}
	config := l.config(t, 4*time.Second)
	config.Pin = mountBPF(t) + "/bobwatch"
	first := l.agent(t, config)
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-killed"))
	mustTell(t, k, "(while :; do cat /tmp/greeting; ls /tmp; done) >/dev/null 2>&1 &")

	agents := []*watch.Agent{first}
	for round := range rounds {
		a := agents[len(agents)-1]
		acted := make(chan error, 1)
		go func() { acted <- actRound(t.Context(), k, round) }()
		time.Sleep(rand.N(120 * time.Millisecond))
		a.Kill()
		if err := <-acted; err != nil {
			t.Fatal(err)
		}
		a, err := watch.Start(l.program, config)
		if err != nil {
			t.Fatal(err)
		}
		agents = append(agents, a)
		if err := a.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	last := agents[len(agents)-1]
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agents' log:\n%s", last.Log())
		}
	})
	mustTell(t, k, "perl -e 1")
	await(t, last, executed("/usr/bin/perl"))
	if err := last.Stop(); err != nil {
		t.Error(err)
	}
	ids := map[string]string{} // by act
	reports := 0
	for _, a := range agents {
		for _, s := range a.Alerts() {
			if s.Deviation.Exec == nil || len(s.Deviation.Exec.Args) != 2 {
				continue
			}
			act := strings.Join(s.Deviation.Exec.Args, " ")
			if known, ok := ids[act]; ok && known != s.ID {
				t.Errorf("%s was reported as %s and as %s", act, known, s.ID)
			}
			ids[act] = s.ID
			reports++
		}
	}
	lost := 0
	for round := range rounds {
		for n := range actsOfRound {
			if act := actOf(round, n); ids[act] == "" {
				t.Errorf("%s was never reported", act)
				lost++
			}
		}
	}
	t.Logf("%d kills, %d deviations, %d lost, %d reports", rounds, rounds*actsOfRound, lost, reports)
}

// actOf is one deviation of a round, as the arguments of a program.
func actOf(round, n int) string {
	return fmt.Sprintf("%s /tmp/k%d", strangers[(round*actsOfRound+n)%len(strangers)], round)
}

func actRound(ctx context.Context, k *testenv.Container, round int) error {
	for n := range actsOfRound {
		act := actOf(round, n)
		if _, err := tell(ctx, k, fmt.Sprintf(": >/tmp/k%d; %s", round, act)); err != nil {
			return err
		}
	}
	return nil
}

// mountBPF mounts a bpffs for the time of the test.
func mountBPF(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("bpffs", dir, "bpf", 0, "mode=0700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir + "/bobwatch"); err != nil {
			t.Error(err)
		}
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}
