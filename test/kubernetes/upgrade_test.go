package kubernetes

import (
	"context"
	"testing"
	"time"
)

// TestUpgrade upgrades the chart, which replaces every agent, while one
// Deployment is learned and another guarded under load and attack.
func TestUpgrade(t *testing.T) {
	l := newLab(t)
	signed := l.vendorDocument(t)
	guarded := l.newWebapp(t, "upgraded")
	guarded.install(t, signed)
	guarded.deploy(t, 2, withoutWindow)
	learned := l.newWebapp(t, "relearned")
	learned.deploy(t, 2, nil)
	learned.load(t) // nothing pings afterwards, until it is guarded

	time.Sleep(3 * time.Second) // the journal's delay
	mark := l.alerts.mark()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	upgraded := make(chan error, 1)
	go func() { upgraded <- l.upgrade(ctx, "podAnnotations.upgraded=yes") }()
	attacks := map[string]bool{}
	for round := 0; ; round++ {
		guarded.load(t)
		for _, p := range guarded.pods(t) {
			if !attacks[p.Name] && round > 0 {
				attacks[p.Name] = true
				guarded.inject(t, p, "nl /etc/passwd")
			}
		}
		select {
		case err := <-upgraded:
			if err != nil {
				t.Fatal(err)
			}
		default:
			continue
		}
		break
	}
	for _, p := range guarded.pods(t) {
		names(t, p, l.alerts.await(t, mark, "attack during the upgrade", executed(p.Name, "/usr/bin/nl")))
	}
	l.markAll(t) // the rest of what the attacks caused
	mark = l.alerts.mark()
	guarded.load(t)
	l.silent(t, mark, guarded.namespace)

	learned.awaitGuarded(t)
	mark = l.alerts.mark()
	learned.load(t)
	l.silent(t, mark, learned.namespace)
}
