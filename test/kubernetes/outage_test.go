package kubernetes

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/profile/documents"
)

// outage is how long the API server is away: longer than any client's patience.
const outage = 30 * time.Second

// TestOutage stops the API server while one Deployment is guarded and another
// learned. Attacks are told meanwhile with all that is known of whom they are
// about; what is learned meanwhile arrives afterwards.
func TestOutage(t *testing.T) {
	l := newLab(t)
	signed := l.vendorDocument(t)
	guarded := l.newWebapp(t, "guarded")
	guarded.install(t, signed)
	guarded.deploy(t, 2, withoutWindow)
	learned := l.newWebapp(t, "learned")
	learned.deploy(t, 1, withoutWindow)
	attacked, learning := guarded.pods(t), learned.pods(t)[0]
	eventually(t, "learned profile", func() error {
		if learned.record(t).Name == "" {
			return fmt.Errorf("there is none")
		}
		return nil
	})

	if err := l.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	time.Sleep(2 * time.Second)
	learned.inject(t, learning, "nl /etc/hostname")
	for _, p := range attacked {
		mark := l.alerts.mark()
		guarded.inject(t, p, "nl /etc/passwd")
		names(t, p, l.alerts.await(t, mark, "attack without an API server", executed(p.Name, "/usr/bin/nl")))
	}
	time.Sleep(time.Until(stopped.Add(outage)))
	if err := l.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "facts learned without an API server", func() error { return learned.executes(t, "/usr/bin/nl") })

	mark := l.alerts.mark()
	guarded.load(t)
	// No marker: the nodes start no pod for more than a minute after an outage.
	time.Sleep(2 * time.Second)
	l.noAlerts(t, mark, guarded.namespace)
}

// executes returns nil if the learned profile has the execution of a program.
func (w *webapp) executes(t *testing.T, path string) error {
	t.Helper()
	r := w.record(t)
	documents, err := documents.Parse(r.Name, []byte(r.Data["profile.yaml"]))
	if err != nil {
		return err
	}
	var paths []string
	for _, e := range documents[0].Spec.Containers[0].Execs {
		if e.Path == path {
			return nil
		}
		paths = append(paths, e.Path)
	}
	return fmt.Errorf("it has %s", strings.Join(paths, ", "))
}
