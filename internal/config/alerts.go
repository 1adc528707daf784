package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"bobwatch/internal/severity"
)

// Output is a format of alerts.
type Output string

// The outputs.
const (
	OutputAuto      Output = "auto" // text on a terminal, else json
	OutputJSON      Output = "json"
	OutputText      Output = "text"
	OutputStory     Output = "story" // incidents, for people
	OutputKubescape Output = "kubescape"
	OutputFalco     Output = "falco"
	OutputOCSF      Output = "ocsf"
	OutputTemplate  Output = "template"
	OutputNone      Output = "none"
)

// Alerts says how alerts reach people.
type Alerts struct {
	// Output is what stdout gets.
	Output Output `json:"output"`
	// Template is the text/template of the output of that name.
	Template string `json:"template"`
	// Severity is the least that stdout gets.
	Severity severity.Severity `json:"severity"`
	// Cluster is the name that alerts in Kubescape's format carry.
	Cluster string `json:"cluster"`
	// RepeatInterval is how often an incident that goes on is reported again.
	RepeatInterval Duration `json:"repeatInterval"`
	// QueueBytes bounds what waits on disk for one sink. The file may take
	// four times of it.
	QueueBytes int64 `json:"queueBytes"`
	// History bounds the incidents that the node remembers.
	History History `json:"history"`
	Sinks   []Sink  `json:"sinks"`
	// Silences hold back alerts about known and accepted acts for a while.
	Silences []Silence `json:"silences"`
}

// History bounds incidents on disk.
type History struct {
	// Bytes bounds the kept alerts. The file may take four times as much.
	Bytes int64 `json:"bytes"`
	// Age is how long an incident is kept after its last act.
	Age Duration `json:"age"`
}

// Sink is one destination of alerts in addition to stdout: exactly one of the pointers
// is set.
type Sink struct {
	// Name labels metrics and names the queue on disk.
	Name string `json:"name"`
	// Severity is the least that the sink gets.
	Severity severity.Severity `json:"severity"`
	// Incidents says whether the sink is sent incidents, one alert each, or
	// single alerts: unset for what suits its kind.
	Incidents    *bool         `json:"incidents"`
	Alertmanager *Alertmanager `json:"alertmanager"`
	Webhook      *Webhook      `json:"webhook"`
	Syslog       *Syslog       `json:"syslog"`
	// KubernetesEvents are written on the pod that an alert is about.
	KubernetesEvents *KubernetesEvents `json:"kubernetesEvents"`
}

// Alertmanager is a cluster of Alertmanagers.
type Alertmanager struct {
	// URLs of all members, without /api.
	URLs []string `json:"urls"`
	// GeneratorURL is the link of an alert, a text/template.
	GeneratorURL string `json:"generatorURL"`
	HTTPClient   `json:",inline"`
}

// Webhook is an HTTP server that is posted to.
type Webhook struct {
	URL string `json:"url"`
	// Format is json, kubescape, falco, ocsf or template; empty is json.
	Format   Output `json:"format"`
	Template string `json:"template"`
	// ContentType is that of a template's output; empty is application/json,
	// which the output is then held to.
	ContentType string `json:"contentType"`
	// Bulk sends arrays.
	Bulk bool `json:"bulk"`
	// HMACKeyFile holds the key that bodies are signed with.
	HMACKeyFile string `json:"hmacKeyFile"`
	HTTPClient  `json:",inline"`
}

// KubernetesEvents is the cluster of the section kubernetes. There is nothing
// to choose.
type KubernetesEvents struct{}

// HTTPClient says how to reach an HTTP server.
type HTTPClient struct {
	Username        string `json:"username"`
	PasswordFile    string `json:"passwordFile"`
	BearerTokenFile string `json:"bearerTokenFile"`
	TLS             TLS    `json:"tls"`
}

// TLS names the trusted authorities, and the agent's certificate.
type TLS struct {
	CAFile     string `json:"caFile"`
	CertFile   string `json:"certFile"`
	KeyFile    string `json:"keyFile"`
	ServerName string `json:"serverName"`
}

// Syslog is a receiver of RFC 5424 messages.
type Syslog struct {
	// Address is udp://, tcp:// or tls:// and HOST:PORT.
	Address string `json:"address"`
	// Facility is a name such as local0; empty is daemon.
	Facility string `json:"facility"`
	// Format is json, text, kubescape, falco, ocsf or template; empty is json.
	Format   Output `json:"format"`
	Template string `json:"template"`
	TLS      TLS    `json:"tls"`
}

// Silence keeps deviations quiet that match all of its fields; see
// docs/alerts.md.
type Silence struct {
	Workload string `json:"workload"`
	Rule     string `json:"rule"`
	Path     string `json:"path"`
	Process  string `json:"process"`
	// Reason and Expires are required.
	Reason  string `json:"reason"`
	Expires Time   `json:"expires"`
}

// Time is a point in time, written as 2027-01-31 for the end of that day in
// UTC, or as RFC 3339.
type Time struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(text []byte) error {
	if day, err := time.Parse(time.DateOnly, string(text)); err == nil {
		t.Time = day.AddDate(0, 0, 1)
		return nil
	}
	parsed, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is not a date such as 2027-01-31, nor a time of RFC 3339", text)
	}
	t.Time = parsed
	return nil
}

// check is called with what has to hold, and how to say that it does not.
type check func(ok bool, format string, args ...any)

func (a *Alerts) validate(wrong check) {
	wrong(a.RepeatInterval >= Duration(time.Second), "alerts.repeatInterval: %s is less than 1s", a.RepeatInterval)
	wrong(a.History.Bytes >= 1<<20 && a.History.Bytes <= 1<<30, "alerts.history.bytes: %d is not from 1 MiB to 1 GiB", a.History.Bytes)
	wrong(a.History.Age > 0, "alerts.history.age: must be positive")
	wrong(a.QueueBytes >= 1<<20 && a.QueueBytes <= 1<<30, "alerts.queueBytes: %d is not from 1 MiB to 1 GiB", a.QueueBytes)
	validateFormat(wrong, "alerts", "output", a.Output, a.Template,
		OutputAuto, OutputJSON, OutputText, OutputStory, OutputKubescape, OutputFalco, OutputOCSF, OutputTemplate, OutputNone)
	wrong(a.Output != OutputNone || len(a.Sinks) > 0, "alerts.output: none, and there are no sinks")
	names := map[string]bool{}
	for i := range a.Sinks {
		s, field := &a.Sinks[i], fmt.Sprintf("alerts.sinks[%d]", i)
		wrong(sinkName.MatchString(s.Name), "%s.name: %q is not made of a-z, 0-9 and -, 1 to 32 of them", field, s.Name)
		wrong(!names[s.Name] && s.Name != "stdout", "%s.name: %q is taken", field, s.Name)
		names[s.Name] = true
		s.validate(wrong, field)
	}
	for i := range a.Silences {
		s, field := &a.Silences[i], fmt.Sprintf("alerts.silences[%d]", i)
		wrong(s.Reason != "", "%s.reason: is missing", field)
		wrong(!s.Expires.IsZero(), "%s.expires: is missing", field)
	}
}

// sinkName: it becomes a label and a file name.
var sinkName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func (s *Sink) validate(wrong check, field string) {
	kinds := 0
	if s.Alertmanager != nil {
		kinds++
		s.Alertmanager.validate(wrong, field+".alertmanager")
	}
	if s.Webhook != nil {
		kinds++
		s.Webhook.validate(wrong, field+".webhook")
	}
	if s.Syslog != nil {
		kinds++
		s.Syslog.validate(wrong, field+".syslog")
	}
	if s.KubernetesEvents != nil {
		kinds++
	}
	wrong(kinds == 1, "%s: want exactly one of alertmanager, webhook, syslog, kubernetesEvents", field)
}

func (m *Alertmanager) validate(wrong check, field string) {
	wrong(len(m.URLs) > 0, "%s.urls: is missing", field)
	for i, address := range m.URLs {
		validateURL(wrong, fmt.Sprintf("%s.urls[%d]", field, i), address, "http", "https")
	}
	m.HTTPClient.validate(wrong, field)
}

func (w *Webhook) validate(wrong check, field string) {
	validateURL(wrong, field+".url", w.URL, "http", "https")
	validateFormat(wrong, field, "format", w.Format, w.Template,
		"", OutputJSON, OutputKubescape, OutputFalco, OutputOCSF, OutputTemplate)
	wrong(!w.Bulk || w.Format != OutputFalco && w.Format != OutputOCSF && w.Format != OutputTemplate,
		"%s.bulk: format %s is sent one by one", field, w.Format)
	wrong(w.ContentType == "" || w.Format == OutputTemplate, "%s.contentType: is for format template", field)
	validateFile(wrong, field+".hmacKeyFile", w.HMACKeyFile)
	w.HTTPClient.validate(wrong, field)
}

func (h *HTTPClient) validate(wrong check, field string) {
	wrong((h.Username == "") == (h.PasswordFile == ""), "%s: username and passwordFile belong together", field)
	wrong(h.Username == "" || h.BearerTokenFile == "", "%s: want username or bearerTokenFile, not both", field)
	validateFile(wrong, field+".passwordFile", h.PasswordFile)
	validateFile(wrong, field+".bearerTokenFile", h.BearerTokenFile)
	h.TLS.validate(wrong, field+".tls")
}

func (t *TLS) validate(wrong check, field string) {
	wrong((t.CertFile == "") == (t.KeyFile == ""), "%s: certFile and keyFile belong together", field)
	validateFile(wrong, field+".caFile", t.CAFile)
	validateFile(wrong, field+".certFile", t.CertFile)
	validateFile(wrong, field+".keyFile", t.KeyFile)
}

func (s *Syslog) validate(wrong check, field string) {
	validateURL(wrong, field+".address", s.Address, "udp", "tcp", "tls")
	if u, err := url.Parse(s.Address); err == nil {
		wrong(u.Port() != "" && u.Path == "", "%s.address: %q is not SCHEME://HOST:PORT", field, s.Address)
		wrong(u.Scheme == "tls" || s.TLS == TLS{}, "%s.tls: the address is not tls://", field)
	}
	validateFormat(wrong, field, "format", s.Format, s.Template,
		"", OutputJSON, OutputText, OutputKubescape, OutputFalco, OutputOCSF, OutputTemplate)
	s.TLS.validate(wrong, field+".tls")
}

func validateFormat(wrong check, field, key string, format Output, template string, known ...Output) {
	wrong(slices.Contains(known, format), "%s.%s: %q is none of %s", field, key, format, listed(known))
	wrong((template != "") == (format == OutputTemplate), "%s: template and %s: template belong together", field, key)
}

func listed(outputs []Output) string {
	text := ""
	for _, output := range outputs {
		if output == "" {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += string(output)
	}
	return text
}

// validateURL refuses credentials in it: they would end up in logs.
func validateURL(wrong check, field, address string, schemes ...string) {
	u, err := url.Parse(address)
	wrong(err == nil && u.Host != "" && u.User == nil && slices.Contains(schemes, u.Scheme),
		"%s: %q is not a URL of %v with a host and without a password", field, address, schemes)
}

func validateFile(wrong check, field, path string) {
	wrong(path == "" || filepath.IsAbs(path), "%s: %q is not an absolute path", field, path)
}
