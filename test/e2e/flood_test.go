package e2e

import (
	"strings"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/testenv"
	"bobwatch/test/watch"
)

// TestFloodSums has one container make and remove new names as fast as it can. What it
// performed is what was reported of it and what the agent said was held back.
// Single acts meanwhile, in another container and of a sensitive name in the same
// one, are reported, and nothing of the other container is held back.
func TestFloodSums(t *testing.T) {
	const performed = 2 * 40_000 // each name is opened and removed
	l := newLab(t)
	config := l.config(t, 8*time.Second)
	a := l.agent(t, config)
	bystander := l.victim
	bystander.Name = "bystander"
	noisy := l.start(t, l.victim, victimSpec("victim-noisy"))
	quiet := l.start(t, bystander, victimSpec("victim-quiet"))
	for end := time.Now().Add(config.Window); time.Now().Before(end); {
		for _, k := range []*testenv.Container{noisy, quiet} {
			if err := l.victim.Load(t.Context(), k, int(time.Until(end))); err != nil {
				t.Fatal(err)
			}
		}
	}
	learned(t, config, "victim")
	learned(t, config, "bystander")

	mustTell(t, noisy, "attack spray 40000 & sleep 0.1")
	singles := []struct {
		what string
		in   *testenv.Container
		line string
		is   func(*alert.Alert) bool
	}{
		{"an execution elsewhere", quiet, "nl /dev/null", executed("/usr/bin/nl")},
		{"an open elsewhere", quiet, "read -r x </etc/secrets/open", opened("/etc/secrets/open")},
		{"a call elsewhere", quiet, "attack keyctl", called("keyctl")},
		{"a sensitive name in the same container", noisy, "read -r x </etc/shadow", opened("/etc/shadow")},
		{"an execution in the same container", noisy, "tac /dev/null", executed("/usr/bin/tac")},
	}
	for _, s := range singles {
		mustTell(t, s.in, s.line)
		seen := await(t, a, func(a *alert.Alert) bool { return a.Container.ID == s.in.ID && s.is(a) })
		t.Logf("%s was reported after %s", s.what, seen.At.Sub(seen.Last))
	}
	mustTell(t, noisy, "wait")
	flood := func() (reported, held uint64) {
		reported = counts(a.Alerts(), func(a *alert.Alert) bool {
			open, change := a.Deviation.Open, a.Deviation.Change
			return a.Container.ID == noisy.ID && (open != nil && strings.HasPrefix(open.Path, "/tmp/spray-") ||
				change != nil && strings.HasPrefix(change.Path, "/tmp/spray-"))
		})
		return reported, counts(a.Alerts(), func(a *alert.Alert) bool { return a.Rule == rule.HeldBack && a.Container.ID == noisy.ID })
	}
	// The agent asks the kernel every second how many acts it held back, and
	// sends counts of repeats when it stops.
	_, before := flood()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		time.Sleep(3 * time.Second)
		_, after := flood()
		if after == before {
			break
		}
		before = after
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	reported, held := flood()
	t.Logf("performed %d, reported %d, held back %d", performed, reported, held)
	const others = 100 // acts that are not the flood's and may have been held back
	if sum := reported + held; sum < performed || sum > performed+others {
		t.Errorf("reported %d and held back %d, which is %d of %d", reported, held, sum, performed)
	}
	if reported == 0 {
		t.Error("nothing of the flood was reported")
	}
	if held == 0 {
		t.Log("the flood did not exceed the container's share: only the sum was checked")
	}
	if n := counts(a.Alerts(), func(a *alert.Alert) bool { return a.Rule == rule.HeldBack && a.Container.ID == quiet.ID }); n != 0 {
		t.Errorf("%d acts of the other container were held back", n)
	}
}

// counts adds up what the alerts that match count: each incident by the last
// alert about it.
func counts(alerts []watch.Seen, match func(*alert.Alert) bool) uint64 {
	last := map[string]uint64{}
	for _, s := range alerts {
		if match(&s.Alert) {
			last[s.Fingerprint] = s.Count
		}
	}
	var sum uint64
	for _, n := range last {
		sum += n
	}
	return sum
}
