// Package route makes the dispatcher of alerts that a configuration describes:
// stdout, sinks with their queues, silences and incidents.
package route

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/alert/sink"
	"bobwatch/internal/config"
	"bobwatch/internal/kubernetes"
)

// Check reports errors of a configuration that only the sinks can find: in templates,
// silences and certificates.
func Check(c config.Config) error {
	if _, err := stdoutRoute(&c, io.Discard, false); err != nil {
		return err
	}
	if _, err := newSilencer(c.Alerts.Silences); err != nil {
		return err
	}
	_, err := sinkRoutes(&c, nil, zap.NewNop())
	return err
}

// Options are the inputs of a dispatcher in addition to the configuration.
type Options struct {
	Stdout     io.Writer
	Terminal   bool               // stdout is one
	Client     *kubernetes.Client // nil outside of a cluster
	Correlator delivery.Correlator
	Log        *zap.Logger
	Registerer prometheus.Registerer
}

// New returns the dispatcher that c describes.
func New(c *config.Config, o Options) (*delivery.Dispatcher, error) {
	options := delivery.DefaultOptions()
	var err error
	if options.Routes, err = stdoutRoute(c, o.Stdout, o.Terminal); err != nil {
		return nil, err
	}
	sinks, err := sinkRoutes(c, o.Client, o.Log)
	if err != nil {
		return nil, err
	}
	options.Routes = append(options.Routes, sinks...)
	if options.Silencer, err = newSilencer(c.Alerts.Silences); err != nil {
		return nil, err
	}
	warnOfQueues(c, o.Log)
	options.RepeatInterval = time.Duration(c.Alerts.RepeatInterval)
	options.Correlator = o.Correlator
	options.Log = o.Log
	options.Registerer = o.Registerer
	return delivery.New(options)
}

func newSilencer(silences []config.Silence) (*delivery.Silencer, error) {
	var list []delivery.Silence
	for _, s := range silences {
		list = append(list, delivery.Silence{
			Workload: s.Workload, Rule: s.Rule, Path: s.Path, Process: s.Process,
			Reason: s.Reason, Expires: s.Expires.Time,
		})
	}
	silencer, err := delivery.NewSilencer(list)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	return silencer, nil
}

// stdoutRoute returns the way to stdout, none if the output is none.
func stdoutRoute(c *config.Config, stdout io.Writer, terminal bool) ([]delivery.Route, error) {
	output := c.Alerts.Output
	switch {
	case output == config.OutputNone:
		return nil, nil
	case output == config.OutputAuto && terminal:
		output = config.OutputText
	case output == config.OutputAuto:
		output = config.OutputJSON
	}
	file, isFile := stdout.(*os.File)
	format := sink.Format{
		Name: string(output), Template: c.Alerts.Template, Cluster: c.Alerts.Cluster,
		Colours: isFile && alert.Colours(file),
	}
	encode, err := format.Encoder()
	if err != nil {
		return nil, fmt.Errorf("alerts.output: %w", err)
	}
	return []delivery.Route{{
		Sink: sink.NewStdout(stdout, encode), MinSeverity: c.Alerts.Severity, Incidents: output == config.OutputStory,
	}}, nil
}

// sinkRoutes returns the ways to the configured sinks, each with a queue in
// the state directory. client is nil outside of a cluster.
func sinkRoutes(c *config.Config, client *kubernetes.Client, log *zap.Logger) ([]delivery.Route, error) {
	var routes []delivery.Route
	for i := range c.Alerts.Sinks {
		s := &c.Alerts.Sinks[i]
		route := delivery.Route{
			MinSeverity: s.Severity,
			Incidents:   speaksIncidents(s),
			Queue:       filepath.Join(queueDir(c), s.Name+queueSuffix),
			QueueBytes:  c.Alerts.QueueBytes,
		}
		var err error
		switch {
		case s.Alertmanager != nil:
			err = routeAlertmanager(&route, c, s, log)
		case s.Webhook != nil:
			route.Sink, err = newWebhook(c, s)
		case s.KubernetesEvents != nil:
			route.Sink = sink.NewKubernetes(s.Name, client)
		default:
			route.Sink, err = newSyslog(c, s)
		}
		if err != nil {
			return nil, fmt.Errorf("alerts.sinks[%d] (%s): %w", i, s.Name, err)
		}
		routes = append(routes, route)
	}
	return routes, nil
}

// speaksIncidents reports whether a sink gets incidents in place of single alerts:
// people read Alertmanager and the Events of a pod, programs parse the others.
func speaksIncidents(s *config.Sink) bool {
	if s.Incidents != nil {
		return *s.Incidents
	}
	return s.Alertmanager != nil || s.KubernetesEvents != nil
}

func routeAlertmanager(route *delivery.Route, c *config.Config, s *config.Sink, log *zap.Logger) error {
	opts := sink.AlertmanagerOptions{
		URLs: s.Alertmanager.URLs,
		HTTP: httpOf(&s.Alertmanager.HTTPClient),
		// Half an interval longer than until the alert is repeated.
		ResolveAfter: time.Duration(c.Alerts.RepeatInterval) * 3 / 2,
		Log:          log.With(zap.String("sink", s.Name)),
	}
	if link := s.Alertmanager.GeneratorURL; link != "" {
		var err error
		if opts.GeneratorURL, err = sink.Template(link, false); err != nil {
			return fmt.Errorf("generatorURL: %w", err)
		}
	}
	am, err := sink.NewAlertmanager(s.Name, opts)
	if err != nil {
		return err
	}
	route.Sink, route.Refresh, route.RefreshInterval = am, am.Refresh, sink.RefreshInterval
	return nil
}

func newWebhook(c *config.Config, s *config.Sink) (alert.Sink, error) {
	w := s.Webhook
	contentType := cmp.Or(w.ContentType, "application/json")
	format := sink.Format{
		Name: string(cmp.Or(w.Format, config.OutputJSON)), Template: w.Template, Cluster: c.Alerts.Cluster,
		JSON: contentType == "application/json",
	}
	encode, err := format.Encoder()
	if err != nil {
		return nil, err
	}
	return sink.NewWebhook(s.Name, sink.WebhookOptions{
		URL: w.URL, HTTP: httpOf(&w.HTTPClient), Encode: encode, ContentType: contentType,
		Bulk: w.Bulk, KeyFile: w.HMACKeyFile,
	})
}

func newSyslog(c *config.Config, s *config.Sink) (alert.Sink, error) {
	format := sink.Format{
		Name: string(cmp.Or(s.Syslog.Format, config.OutputJSON)), Template: s.Syslog.Template, Cluster: c.Alerts.Cluster,
	}
	encode, err := format.Encoder()
	if err != nil {
		return nil, err
	}
	facility, err := sink.Facility(cmp.Or(s.Syslog.Facility, "daemon"))
	if err != nil {
		return nil, err
	}
	return sink.NewSyslog(s.Name, sink.SyslogOptions{
		Address: s.Syslog.Address, TLS: sink.TLS(s.Syslog.TLS), Facility: facility, Hostname: c.Node, Encode: encode,
	})
}

func httpOf(h *config.HTTPClient) sink.HTTP {
	return sink.HTTP{
		TLS: sink.TLS(h.TLS),
		Credentials: sink.Credentials{
			Username: h.Username, PasswordFile: h.PasswordFile, BearerTokenFile: h.BearerTokenFile,
		},
	}
}

const queueSuffix = ".db"

func queueDir(c *config.Config) string { return filepath.Join(c.StateDir, "alerts") }

// warnOfQueues logs queues whose sink is not configured any more: somebody may
// have renamed it.
func warnOfQueues(c *config.Config, log *zap.Logger) {
	files, err := filepath.Glob(filepath.Join(queueDir(c), "*"+queueSuffix))
	if err != nil {
		return // of a bad pattern only
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), queueSuffix)
		if !slices.ContainsFunc(c.Alerts.Sinks, func(s config.Sink) bool { return s.Name == name }) {
			log.Warn("queue of a sink that is not configured; delete it if it is not needed", zap.String("file", file))
		}
	}
}
