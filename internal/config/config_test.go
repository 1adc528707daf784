package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/severity"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte("learning:\n  window: 30s\ncontainerd:\n  sockets: [/run/c.sock]\nalerts: {output: json}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Learning.Window = Duration(30 * time.Second)
	want.Containerd.Sockets = []string{"/run/c.sock"}
	want.Alerts.Output = OutputJSON
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	for _, file := range []string{"", "\n", "# nothing\n", "---\n"} {
		got, err := Parse([]byte(file))
		if err != nil {
			t.Fatalf("%q: %v", file, err)
		}
		if diff := cmp.Diff(Default(), got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", file, diff)
		}
	}
}

// Nothing of the file vanishes.
func TestParseReadsAll(t *testing.T) {
	want, err := Parse([]byte("learning: {window: 30s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"\ufefflearning: {window: 30s}\n", "---\n# c\n---\nlearning: {window: 30s}\n---\n",
		"%YAML 1.2\n---\nlearning: {window: 30s}\r\n",
	} {
		if got, err := Parse([]byte(file)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, %v, want the window of 30s", file, got, err)
		}
	}
	if _, err := Parse([]byte("learning: {window: 30s}\n---\nalerts: {output: json}\n")); err == nil || !strings.Contains(err.Error(), "configuration:2:1: a second document") {
		t.Errorf("a second document: got %v, want an error", err)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct {
		file string
		want []string // all in one error
	}{
		"unknown key":           {"learning:\n  windw: 1h\n", []string{"[2:3]", "windw"}},
		"wrong type":            {"learning:\n  sandboxes: 7\n", []string{"[2:14]"}},
		"bad duration":          {"learning:\n  window: soon\n", []string{"soon", "30s or 24h"}},
		"all at once":           {"stateDir: x\nsensor: {ringBytes: 100000}\n", []string{"stateDir", "sensor.ringBytes"}},
		"bad output":            {"alerts: {output: xml}\n", []string{"alerts.output", "auto, json, text, story, kubescape, falco, ocsf, template, none"}},
		"bad pattern":           {"cgroups: {patterns: ['/a[']}\n", []string{"cgroups.patterns[0]"}},
		"sink without kind":     {"alerts: {sinks: [{name: a}]}\n", []string{"alerts.sinks[0]", "exactly one of"}},
		"events of no cluster":  {"alerts: {sinks: [{name: a, kubernetesEvents: {}}]}\n", []string{"alerts.sinks[0].kubernetesEvents", "kubernetes.enabled"}},
		"events and syslog":     {"kubernetes: {enabled: true}\nalerts: {sinks: [{name: a, kubernetesEvents: {}, syslog: {address: 'udp://x:1'}}]}\n", []string{"exactly one of"}},
		"sink of two kinds":     {"alerts: {sinks: [{name: a, webhook: {url: 'http://x'}, syslog: {address: 'udp://x:1'}}]}\n", []string{"alerts.sinks[0]", "exactly one of"}},
		"name of a path":        {"alerts: {sinks: [{name: ../a, webhook: {url: 'http://x'}}]}\n", []string{"alerts.sinks[0].name"}},
		"name twice":            {"alerts: {sinks: [{name: a, webhook: {url: 'http://x'}}, {name: a, webhook: {url: 'http://y'}}]}\n", []string{"alerts.sinks[1].name", "taken"}},
		"key in a sink":         {"alerts: {sinks: [{name: a, alertmanager: {urls: ['http://x'], usernam: b}}]}\n", []string{"usernam"}},
		"unknown severity":      {"alerts: {sinks: [{name: a, severity: bad, webhook: {url: 'http://x'}}]}\n", []string{"low, medium, high or critical"}},
		"password in a URL":     {"alerts: {sinks: [{name: a, alertmanager: {urls: ['http://u:p@x']}}]}\n", []string{"alertmanager.urls[0]", "without a password"}},
		"no URLs":               {"alerts: {sinks: [{name: a, alertmanager: {}}]}\n", []string{"alertmanager.urls"}},
		"username alone":        {"alerts: {sinks: [{name: a, alertmanager: {urls: ['http://x'], username: u}}]}\n", []string{"passwordFile"}},
		"key alone":             {"alerts: {sinks: [{name: a, syslog: {address: 'tls://x:1', tls: {keyFile: /k}}}]}\n", []string{"syslog.tls", "certFile"}},
		"relative file":         {"alerts: {sinks: [{name: a, webhook: {url: 'http://x', hmacKeyFile: k}}]}\n", []string{"webhook.hmacKeyFile"}},
		"bulk of falco":         {"alerts: {sinks: [{name: a, webhook: {url: 'http://x', format: falco, bulk: true}}]}\n", []string{"webhook.bulk"}},
		"format of syslog":      {"alerts: {sinks: [{name: a, webhook: {url: 'http://x', format: text}}]}\n", []string{"webhook.format", "json, kubescape, falco, ocsf, template"}},
		"template not used":     {"alerts: {sinks: [{name: a, webhook: {url: 'http://x', template: b}}]}\n", []string{"webhook: template"}},
		"no template":           {"alerts: {output: template}\n", []string{"alerts: template"}},
		"alerts to nobody":      {"alerts: {output: none}\n", []string{"alerts.output: none"}},
		"no port":               {"alerts: {sinks: [{name: a, syslog: {address: 'udp://x'}}]}\n", []string{"syslog.address"}},
		"TLS for UDP":           {"alerts: {sinks: [{name: a, syslog: {address: 'udp://x:1', tls: {caFile: /c}}}]}\n", []string{"syslog.tls"}},
		"silence for ever":      {"alerts: {silences: [{rule: R0001, reason: a}]}\n", []string{"alerts.silences[0].expires"}},
		"silence for no reason": {"alerts: {silences: [{rule: R0001, expires: 2027-01-31}]}\n", []string{"alerts.silences[0].reason"}},
		"no such day":           {"alerts: {silences: [{rule: R0001, reason: a, expires: 2027-02-31}]}\n", []string{"2027-02-31"}},
		"bad trust":             {"profiles: {trust: {authorities: [{name: v}]}}\n", []string{"profiles.trust", "authorities[0]"}},
		"bad web config":        {"http: {webConfig: web.yml}\n", []string{"http.webConfig", "web.yml"}},
		"not a structure":       {"- a\n", []string{"[1:1]"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.file))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not mention %q", err, want)
				}
			}
		})
	}
}

func TestParseAlerts(t *testing.T) {
	got, err := Parse([]byte(`alerts:
  severity: high
  sinks:
  - name: ops
    severity: medium
    alertmanager:
      urls: [https://a:9093, https://b:9093/prefix]
      username: bob
      passwordFile: /etc/secret
      tls: {caFile: /etc/ca.pem}
  - name: audit
    syslog: {address: "tls://logs:6514", facility: local0}
  silences:
  - workload: shop/Deployment/web
    reason: known until the next release
    expires: 2027-01-31
  - rule: R0002
    reason: maintenance
    expires: 2027-01-31T10:00:00+01:00
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Alerts.Severity = severity.High
	want.Alerts.Sinks = []Sink{
		{Name: "ops", Severity: severity.Medium, Alertmanager: &Alertmanager{
			URLs: []string{"https://a:9093", "https://b:9093/prefix"},
			HTTPClient: HTTPClient{
				Username: "bob", PasswordFile: "/etc/secret", TLS: TLS{CAFile: "/etc/ca.pem"},
			},
		}},
		{Name: "audit", Syslog: &Syslog{Address: "tls://logs:6514", Facility: "local0"}},
	}
	want.Alerts.Silences = []Silence{
		{
			Workload: "shop/Deployment/web", Reason: "known until the next release",
			Expires: Time{time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)},
		},
		{Rule: "R0002", Reason: "maintenance", Expires: Time{time.Date(2027, 1, 31, 9, 0, 0, 0, time.UTC)}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b Time) bool { return a.Equal(b.Time) })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The example that people copy has to be valid.
func TestDocumentedSinks(t *testing.T) {
	page, err := os.ReadFile("../../docs/sinks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	c, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Alerts.Sinks) != 3 || len(c.Alerts.Silences) != 1 {
		t.Errorf("got %d sinks and %d silences, want 3 and 1", len(c.Alerts.Sinks), len(c.Alerts.Silences))
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(file, []byte("nonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Load = %v, want an error that names %s", err, file)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("learning:\n  window: 30s\n"))
	f.Add([]byte("profiles: {trust: {unsigned: [{namespace: '*', action: warn}]}}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > maxBytes {
			return
		}
		if c, err := Parse(raw); err == nil {
			if err := c.validate(); err != nil {
				t.Errorf("accepted an invalid configuration: %v", err)
			}
		}
	})
}
