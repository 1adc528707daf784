package alerting

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/alert/sink"
)

// TestOneAttackIsFourAlerts: two replicas on two nodes, an attack of four kinds
// repeated 25 times over as many processes. It is told as four alerts in one
// group, by one notification, and is over when it ends.
func TestOneAttackIsFourAlerts(t *testing.T) {
	am := startAlertmanager(t)
	link, err := sink.Template("https://dashboards.example/d/1?workload={{.Workload.Name | urlquery}}", false)
	if err != nil {
		t.Fatal(err)
	}
	var replicas []*replica
	for n := range 2 {
		opts := sink.AlertmanagerOptions{GeneratorURL: link}
		replicas = append(replicas, newReplica(t, n, toAlertmanager(t, t.TempDir(), opts, am)))
	}
	for i := range uint32(25) {
		for n, r := range replicas {
			r.attack(2000 + 10*i + 5*uint32(n))
		}
	}
	am.wantActive(t, attackMessages...)

	// It goes on to be four while the repeats are told.
	wantCount(t, am, "25")
	am.wantActive(t, attackMessages...)
	wantReadable(t, am)

	am.wantActive(t) // nothing any more
	eventually(t, func() error {
		last := note{}
		if all := am.notes.all(); len(all) > 0 {
			last = all[len(all)-1]
		}
		if last.Status != "resolved" || len(last.Alerts) != 4 {
			return fmt.Errorf("last notification: got %s of %d alerts, want resolved of 4", last.Status, len(last.Alerts))
		}
		return nil
	})
	for _, note := range am.notes.all() {
		if len(note.Alerts) > 4 {
			t.Errorf("notification: got %d alerts, want at most 4", len(note.Alerts))
		}
	}
	for n, r := range replicas {
		// Each was told at once, and once more with its count.
		if got, want := r.dispatcher.Stats().Sinks["am"], (delivery.SinkStats{Delivered: 8}); got != want {
			t.Errorf("agent %d: got %+v, want %+v", n, got, want)
		}
	}
}

// wantCount waits until the count of each alert is told.
func wantCount(t *testing.T, am *alertmanager, count string) {
	t.Helper()
	eventually(t, func() error {
		alerts, err := am.active()
		for _, a := range alerts {
			if got := a.Annotations["count"]; got != count {
				err = fmt.Errorf("%s: count %s, want %s", a.Annotations["summary"], got, count)
			}
		}
		return err
	})
}

// wantReadable fails unless the alerts of the attack are in one group and say
// what somebody needs who is woken by them.
func wantReadable(t *testing.T, am *alertmanager) {
	t.Helper()
	var groups []struct {
		Labels map[string]string `json:"labels"`
		Alerts []told            `json:"alerts"`
	}
	if err := am.get("/api/v2/alerts/groups", &groups); err != nil {
		t.Fatal(err)
	}
	if len(groups) != 1 || len(groups[0].Alerts) != 4 {
		t.Fatalf("groups: got %+v, want one of four alerts", groups)
	}
	want := map[string]string{"namespace": "shop", "workload": "webapp", "container": "web"}
	if diff := cmp.Diff(want, groups[0].Labels); diff != "" {
		t.Errorf("group (-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(groups[0].Alerts, func(a told) bool { return a.Labels["rule"] == "R0002" })
	a := groups[0].Alerts[i]
	if a.Labels["fingerprint"] == "" {
		t.Error("no label fingerprint")
	}
	delete(a.Labels, "fingerprint")
	wantLabels := map[string]string{
		"alertname": "Unexpected file access", "rule": "R0002", "severity": "high",
		"namespace": "shop", "workload_kind": "Deployment", "workload": "webapp", "container": "web",
	}
	if diff := cmp.Diff(wantLabels, a.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	for name, value := range map[string]string{
		"process": "apache2 -DFOREGROUND > sh -c cat /etc/shadow > cat /etc/shadow",
		"allow":   "bobctl allow --workload shop/Deployment/webapp --container web --open /etc/shadow --flags O_RDONLY",
		"image":   "registry.example/web:1",
	} {
		if got := a.Annotations[name]; got != value {
			t.Errorf("annotation %s: got %q, want %q", name, got, value)
		}
	}
	if want := "https://dashboards.example/d/1?workload=webapp"; a.GeneratorURL != want {
		t.Errorf("generatorURL: got %q, want %q", a.GeneratorURL, want)
	}
}

// TestAlertmanagerIsDown during an attack, and the agent is restarted
// meanwhile: all of it arrives afterwards, once.
func TestAlertmanagerIsDown(t *testing.T) {
	am, dir := newAlertmanager(t), t.TempDir()
	route := func() delivery.Route { return toAlertmanager(t, dir, sink.AlertmanagerOptions{}, am) }
	r := newReplica(t, 0, route())
	for i := range uint32(25) {
		r.attack(2000 + 10*i)
	}
	eventually(t, func() error {
		if s := r.dispatcher.Stats().Sinks["am"]; s.Queued != 4 {
			return fmt.Errorf("got %+v, want 4 queued", s)
		}
		return nil
	})
	time.Sleep(2 * repeatInterval) // repeats take the place of what they repeat
	r.stop()
	if got, want := r.dispatcher.Stats().Sinks["am"], (delivery.SinkStats{Queued: 4}); got != want {
		t.Errorf("agent that ended: got %+v, want %+v", got, want)
	}

	am.start(t)
	r = newReplica(t, 0, route())
	am.wantActive(t, attackMessages...)
	wantCount(t, am, "25")
	if got, want := r.dispatcher.Stats().Sinks["am"], (delivery.SinkStats{Delivered: 4}); got != want {
		t.Errorf("agent that came back: got %+v, want %+v", got, want)
	}
	am.wantActive(t)
}

// TestAlertmanagerForgets: one that was restarted is told again what lasts.
func TestAlertmanagerForgets(t *testing.T) {
	am := startAlertmanager(t)
	opts := sink.AlertmanagerOptions{ResolveAfter: time.Hour}
	r := newReplica(t, 0, toAlertmanager(t, t.TempDir(), opts, am))
	r.attack(2000)
	am.wantActive(t, attackMessages...)
	am.stop()
	am.start(t)
	am.wantActive(t, attackMessages...)
	if got, want := r.dispatcher.Stats().Sinks["am"], (delivery.SinkStats{Delivered: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestClusterOfAlertmanagers: each member gets every alert; one that is down
// holds up nothing, and gets what lasts when it is back.
func TestClusterOfAlertmanagers(t *testing.T) {
	one, two, down := startAlertmanager(t), startAlertmanager(t), newAlertmanager(t)
	opts := sink.AlertmanagerOptions{ResolveAfter: time.Hour}
	r := newReplica(t, 0, toAlertmanager(t, t.TempDir(), opts, one, two, down))
	r.attack(2000)
	one.wantActive(t, attackMessages...)
	two.wantActive(t, attackMessages...)
	down.start(t)
	down.wantActive(t, attackMessages...)
	if got, want := r.dispatcher.Stats().Sinks["am"], (delivery.SinkStats{Delivered: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestAlertmanagerAsksWhoCalls: TLS with an authority of its own, a client
// certificate and a password.
func TestAlertmanagerAsksWhoCalls(t *testing.T) {
	pki := newPKI(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	web := filepath.Join(t.TempDir(), "web.yml")
	write(t, web, fmt.Sprintf(`
tls_server_config:
  cert_file: %q
  key_file: %q
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: %q
basic_auth_users: {bob: %q}
`, pki.server.cert, pki.server.key, pki.ca, hash))
	am := newAlertmanager(t, "--web.config.file="+web)
	am.url = "https" + am.url[len("http"):]
	am.client = &http.Client{Transport: &http.Transport{TLSClientConfig: pki.clientConfig(t)}}
	am.start(t)

	password := filepath.Join(t.TempDir(), "password")
	write(t, password, "secret\n")
	opts := sink.AlertmanagerOptions{HTTP: sink.HTTP{
		TLS:         sink.TLS{CAFile: pki.ca, CertFile: pki.client.cert, KeyFile: pki.client.key},
		Credentials: sink.Credentials{Username: "bob", PasswordFile: password},
	}}
	r := newReplica(t, 0, toAlertmanager(t, t.TempDir(), opts, am))
	r.attack(2000)
	am.wantActive(t, attackMessages...)

	write(t, password, "wrong\n") // it is read for each request
	r.raiseAs("other")
	eventually(t, func() error {
		if s := r.dispatcher.Stats().Sinks["am"]; s.Queued != 1 || s.Dropped != 0 {
			return fmt.Errorf("wrong password: got %+v, want 1 queued", s)
		}
		return nil
	})
	for name, broken := range map[string]sink.TLS{
		"no certificate":    {CAFile: pki.ca},
		"unknown authority": {CertFile: pki.client.cert, KeyFile: pki.client.key},
	} {
		opts.HTTP.TLS = broken
		route := toAlertmanager(t, t.TempDir(), opts, am)
		if n, err := route.Sink.Send(t.Context(), []alert.Alert{{Fingerprint: "x"}}); n != 0 || err == nil {
			t.Errorf("%s: Send = %d, %v, want an error", name, n, err)
		}
	}
}

// TestWorseAlertReplacesTheOther: severity is a label, so Alertmanager takes
// it for another alert.
func TestWorseAlertReplacesTheOther(t *testing.T) {
	am := startAlertmanager(t)
	route := toAlertmanager(t, t.TempDir(), sink.AlertmanagerOptions{}, am)
	for i, severity := range []string{`"low"`, `"critical"`} {
		var a alert.Alert
		raw := fmt.Sprintf(`{"fingerprint": "f", "rule": "R0002", "severity": %s, "message": "%d", "first": "2026-11-30T12:00:00Z"}`, severity, i)
		if err := json.Unmarshal([]byte(raw), &a); err != nil {
			t.Fatal(err)
		}
		if _, err := route.Sink.Send(t.Context(), []alert.Alert{a}); err != nil {
			t.Fatal(err)
		}
		am.wantActive(t, fmt.Sprint(i))
	}
}
