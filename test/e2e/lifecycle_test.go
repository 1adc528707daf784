package e2e

import (
	"testing"
	"time"

	"bobwatch/internal/profile"
)

// TestContainerdRestart wants the agent to survive its runtime's going away,
// and to know the containers that come after.
func TestContainerdRestart(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 4*time.Second)
	a := l.agent(t, config)
	if err := l.containerd.Stop(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // long enough for the agent to notice
	if err := l.containerd.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-after"))
	mustTell(t, k, "nl /etc/secrets/open")
	await(t, a, executed("/usr/bin/nl"))
}

// TestAgentFirst wants an agent that is there before its runtime to find it.
func TestAgentFirst(t *testing.T) {
	l := newLab(t)
	if err := l.containerd.Stop(); err != nil {
		t.Fatal(err)
	}
	config := l.config(t, 4*time.Second)
	a := l.agent(t, config)
	if err := l.containerd.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-after"))
	mustTell(t, k, "nl /etc/secrets/open")
	await(t, a, executed("/usr/bin/nl"))
}

// TestKilledAgent kills the agent in the middle of its window and wants the
// next one to have what the first was told, and to go on.
func TestKilledAgent(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 12*time.Second)
	first := l.agent(t, config)
	k := l.start(t, l.victim, victimSpec("victim-learned"))
	mustTell(t, k, "nl /etc/secrets/open")
	time.Sleep(3 * time.Second) // what was told a moment ago is on disk by now
	first.Kill()

	second := l.agent(t, config)
	for end := time.Now().Add(config.Window); time.Now().Before(end); {
		if err := l.victim.Load(t.Context(), k, int(time.Until(end))); err != nil {
			t.Fatal(err)
		}
	}
	got := learned(t, config, "victim")
	found := false
	for _, e := range got.Execs {
		found = found || e.Path == "/usr/bin/nl"
	}
	if !found {
		t.Errorf("what was learned before the kill is lost: %v", got.Execs)
	}
	mustTell(t, k, "perl -e 1")
	await(t, second, executed("/usr/bin/perl"))
}

// TestGuardedAfterRestart wants an agent that is restarted to guard at once
// what its predecessor learned.
func TestGuardedAfterRestart(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 4*time.Second)
	first := l.agent(t, config)
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-guarded"))
	first.Kill()

	second := l.agent(t, config)
	if err := l.victim.Load(t.Context(), k, 1000); err != nil {
		t.Fatal(err)
	}
	mustBeSilent(t, second, "/usr/bin/perl", func() { mustTell(t, k, "perl -e 1") })
}

// TestTakeover starts the agent after the container, whose profile has to say
// that the start was not seen.
func TestTakeover(t *testing.T) {
	l := newLab(t)
	k := l.start(t, l.victim, victimSpec("victim-before"))
	config := l.config(t, 4*time.Second)
	a := l.agent(t, config)
	for end := time.Now().Add(config.Window); time.Now().Before(end); {
		if err := l.victim.Load(t.Context(), k, int(time.Until(end))); err != nil {
			t.Fatal(err)
		}
	}
	learned(t, config, "victim")
	p := finished(t, config, "victim")
	if got := p.Spec.Provenance; got.From != "attach" || got.Completeness != profile.Partial {
		t.Errorf("provenance = %+v, want a partial profile that begins with the attach", got)
	}
	mustTell(t, k, "perl -e 1")
	seen := await(t, a, executed("/usr/bin/perl"))
	if seen.Origin.Kind == "outside" {
		t.Errorf("origin = %+v of a process that the container started", seen.Origin)
	}
}
