package route

import (
	"bytes"
	"strings"
	"testing"

	"go.uber.org/zap"

	"bobwatch/internal/alert"
	"bobwatch/internal/config"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

func alertsConfig(t *testing.T, alerts string) config.Config {
	t.Helper()
	c, err := config.Parse([]byte("node: n\nstateDir: " + t.TempDir() + "\nalerts:\n" + alerts))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheck(t *testing.T) {
	tests := map[string]struct {
		alerts string
		want   string // "" for accepted
	}{
		"all kinds": {`
  sinks:
  - {name: a, alertmanager: {urls: ["http://x:9093"], generatorURL: "https://x/{{.Workload.Name}}"}}
  - {name: b, webhook: {url: "http://x", format: kubescape, bulk: true}}
  - {name: c, webhook: {url: "http://x", format: template, template: '{"text": {{json .Message}}}'}}
  - {name: d, webhook: {url: "http://x", format: template, template: "{{.Message}}", contentType: text/plain}}
  - {name: e, syslog: {address: "udp://x:514", format: falco, facility: local7}}
  silences: [{rule: R0002, path: /tmp/*, reason: known, expires: 2027-01-31}]
`, ""},
		"template of stdout":      {"  {output: template, template: '{{.Nonsense}}'}\n", "alerts.output"},
		"template of a webhook":   {"  sinks: [{name: a, webhook: {url: 'http://x', format: template, template: '{\"a\": \"{{.Message}}\"}'}}]\n", "alerts.sinks[0] (a)"},
		"generator":               {"  sinks: [{name: a, alertmanager: {urls: ['http://x'], generatorURL: '{{'}}]\n", "generatorURL"},
		"facility":                {"  sinks: [{name: a, syslog: {address: 'udp://x:1', facility: local9}}]\n", "local9"},
		"authorities":             {"  sinks: [{name: a, webhook: {url: 'http://x', tls: {caFile: /nonexistent}}}]\n", "/nonexistent"},
		"rule of a newer version": {"  silences: [{rule: R9999, reason: a, expires: 2027-01-31}]\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Check(alertsConfig(t, tt.alerts))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}

// TestRoutesFollowTheConfiguration takes one alert the whole way to stdout.
func TestRoutesFollowTheConfiguration(t *testing.T) {
	tests := map[string]struct {
		alerts   string
		terminal bool
		want     string
	}{
		"auto":             {"  output: auto\n", false, `{"schema":`},
		"auto, a terminal": {"  output: auto\n", true, "HIGH     R0002"},
		"falco":            {"  output: falco\n", false, `"priority":"Error"`},
		"kubescape":        {"  {output: kubescape, cluster: prod}\n", false, `"clusterName":"prod"`},
		"template":         {"  {output: template, template: '{{.Rule}}!'}\n", false, "R0002!\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			c := alertsConfig(t, tt.alerts)
			routes, err := stdoutRoute(&c, &out, tt.terminal)
			if err != nil {
				t.Fatal(err)
			}
			a := alert.Alert{Fingerprint: "f", Rule: rule.UnexpectedFileAccess, Severity: severity.High}
			if _, err := routes[0].Sink.Send(t.Context(), []alert.Alert{a}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("got %q, want it to hold %q", out.String(), tt.want)
			}
		})
	}
	c := alertsConfig(t, "  {output: none, sinks: [{name: a, severity: high, webhook: {url: 'http://x'}}]}\n")
	if routes, err := stdoutRoute(&c, nil, false); err != nil || len(routes) != 0 {
		t.Errorf("output none: got %v, %v, want no route", routes, err)
	}
	routes, err := sinkRoutes(&c, nil, zap.NewNop())
	if err != nil || len(routes) != 1 || routes[0].MinSeverity != severity.High || routes[0].QueueBytes != 16<<20 ||
		routes[0].Queue != c.StateDir+"/alerts/a.db" {
		t.Errorf("sinks: got %+v, %v", routes, err)
	}
}
