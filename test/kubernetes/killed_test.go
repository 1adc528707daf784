package kubernetes

import (
	"testing"
	"time"
)

// TestKilled kills the agent in the middle of learning and again while it
// guards. What was learned before the first is known after it, and an attack
// made while it is away is told when it is back.
func TestKilled(t *testing.T) {
	l := newLab(t)
	w := l.newWebapp(t, "killed")
	w.deploy(t, 1, nil)
	p := w.pods(t)[0]
	// Only before: nothing else executes ping.
	w.load(t)
	time.Sleep(3 * time.Second) // the journal's delay
	l.agentOn(t, p.Spec.NodeName).kill(t)
	l.agentOn(t, p.Spec.NodeName)
	for end := time.Now().Add(learningWindow); time.Now().Before(end); time.Sleep(time.Second) {
		if _, err := visit(t.Context(), p, 80, "/"); err != nil {
			t.Fatal(err)
		}
	}
	w.awaitGuarded(t)
	mark := l.alerts.mark()
	w.load(t)
	l.silent(t, mark, w.namespace)

	mark = l.alerts.mark()
	l.agentOn(t, p.Spec.NodeName).kill(t)
	w.inject(t, p, "nl /etc/passwd")
	attacked := time.Now()
	s := l.alerts.await(t, mark, "attack while the agent was away", executed(p.Name, "/usr/bin/nl"))
	names(t, p, s)
	if !s.Last.Before(attacked) {
		t.Errorf("alert is of %s, the attack was before %s", s.Last, attacked)
	}
	back := l.agentOn(t, p.Spec.NodeName)
	if got := back.pod.Status.ContainerStatuses[0].RestartCount; got != 2 {
		t.Errorf("the agent restarted %d times, want 2", got)
	}
	t.Logf("told %s after the attack", s.written.Sub(s.First))
	mark = l.alerts.mark()
	w.load(t)
	l.silent(t, mark, w.namespace)
}
