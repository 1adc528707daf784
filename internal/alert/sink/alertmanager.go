package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/alert"
)

// AlertmanagerOptions configures an Alertmanager.
type AlertmanagerOptions struct {
	// URLs of the members of one cluster. Each gets every alert, as from
	// Prometheus; an alert is delivered when one has taken it.
	URLs []string
	HTTP HTTP
	// GeneratorURL makes the link of an alert; nil makes none.
	GeneratorURL alert.Encoder
	// ResolveAfter is how long after its last report an alert is resolved. It is
	// longer than the dispatcher's RepeatInterval, so that an incident that goes
	// on is reported again before.
	ResolveAfter time.Duration
	Log          *zap.Logger
}

// RefreshInterval is how often Refresh is to be called. Alertmanager keeps
// alerts in memory only, and one that was restarted has none.
const RefreshInterval = time.Minute

// maxActive bounds the alerts that are refreshed.
const maxActive = 1024

// Alertmanager posts alerts to the API v2 of Alertmanagers.
type Alertmanager struct {
	name    string
	opts    AlertmanagerOptions
	client  *client
	urls    []string
	active  map[string]postable // by fingerprint: told and not resolved
	failing []bool              // by URL
}

// postable is an alert of Alertmanager's API.
type postable struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// NewAlertmanager returns a sink called name.
func NewAlertmanager(name string, opts AlertmanagerOptions) (*Alertmanager, error) {
	c, err := newClient(opts.HTTP)
	if err != nil {
		return nil, err
	}
	am := &Alertmanager{
		name: name, opts: opts, client: c,
		active: make(map[string]postable), failing: make([]bool, len(opts.URLs)),
	}
	for _, base := range opts.URLs {
		endpoint, err := url.JoinPath(base, "api/v2/alerts")
		if err != nil {
			return nil, fmt.Errorf("parse URL of Alertmanager: %w", err)
		}
		am.urls = append(am.urls, endpoint)
	}
	return am, nil
}

// Name implements alert.Sink.
func (am *Alertmanager) Name() string { return am.name }

// Send implements alert.Sink.
func (am *Alertmanager) Send(ctx context.Context, alerts []alert.Alert) (int, error) {
	now := time.Now()
	told := make(map[string]postable, len(alerts))
	var batch []postable
	for i := range alerts {
		a := &alerts[i]
		p := am.postable(a, now)
		before, ok := told[a.Fingerprint]
		if !ok {
			before, ok = am.active[a.Fingerprint]
		}
		if ok && before.Labels["severity"] != p.Labels["severity"] {
			// It is another alert for Alertmanager; the one it was ends.
			before.EndsAt = now
			batch = append(batch, before)
		}
		told[a.Fingerprint] = p
		batch = append(batch, p)
	}
	if err := am.post(ctx, batch); err != nil {
		return 0, err
	}
	for fingerprint, p := range told {
		am.remember(fingerprint, p)
	}
	return len(alerts), nil
}

// Refresh sends the alerts again that are not resolved yet.
func (am *Alertmanager) Refresh(ctx context.Context) error {
	now := time.Now()
	var batch []postable
	for fingerprint, p := range am.active {
		if !now.Before(p.EndsAt) {
			delete(am.active, fingerprint)
			continue
		}
		batch = append(batch, p)
	}
	if len(batch) == 0 {
		return nil
	}
	return am.post(ctx, batch)
}

// remember keeps p for Refresh. If there are too many, the one that ends first
// has to go.
func (am *Alertmanager) remember(fingerprint string, p postable) {
	if _, known := am.active[fingerprint]; !known && len(am.active) >= maxActive {
		first := ""
		for candidate, q := range am.active {
			if first == "" || q.EndsAt.Before(am.active[first].EndsAt) {
				first = candidate
			}
		}
		delete(am.active, first)
	}
	am.active[fingerprint] = p
}

// post sends batch to all members at once. There is no error if one took it.
func (am *Alertmanager) post(ctx context.Context, batch []postable) error {
	body, err := json.Marshal(batch)
	if err != nil {
		return fmt.Errorf("post alerts: %w: %w", alert.ErrRefused, err)
	}
	errs := make([]error, len(am.urls))
	var members sync.WaitGroup
	for i, endpoint := range am.urls {
		members.Go(func() {
			errs[i] = am.client.post(ctx, endpoint, http.Header{"Content-Type": {"application/json"}}, body)
		})
	}
	members.Wait()
	taken, refused := false, true
	for i, err := range errs {
		am.tell(i, err)
		taken = taken || err == nil
		refused = refused && errors.Is(err, alert.ErrRefused)
	}
	switch {
	case taken:
		return nil
	case refused, len(errs) == 1:
		return errs[0]
	}
	// One may have refused what another never got.
	return errors.New(strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
}

// tell logs that a member fails, or no longer does.
func (am *Alertmanager) tell(i int, err error) {
	if am.failing[i] == (err != nil) || len(am.urls) == 1 {
		return
	}
	am.failing[i] = err != nil
	if err != nil {
		am.opts.Log.Warn("a member of the Alertmanager cluster fails", zap.Error(err))
	} else {
		am.opts.Log.Info("a member of the Alertmanager cluster is back", zap.String("url", am.urls[i]))
	}
}

// postable describes a. Its labels are the same for all replicas, nodes, processes and
// repeats of an incident; all other facts are in annotations.
func (am *Alertmanager) postable(a *alert.Alert, now time.Time) postable {
	starts := a.First
	if starts.After(now) {
		starts = now // the clock was set back; Alertmanager would refuse it
	}
	ends := now.Add(am.opts.ResolveAfter)
	if a.Story != nil && a.Story.Ended {
		ends = now
	}
	return postable{
		Labels: withoutEmpty(map[string]string{
			"alertname":     a.RuleName,
			"rule":          a.Rule.String(),
			"severity":      a.Severity.String(),
			"namespace":     a.Workload.Namespace,
			"workload_kind": a.Workload.Kind,
			"workload":      a.Workload.Name,
			"container":     a.Container.Name,
			"fingerprint":   a.Fingerprint,
		}),
		Annotations: withoutEmpty(map[string]string{
			"incident":     a.Incident,
			"story":        story(a),
			"summary":      a.Message,
			"process":      processChain(a),
			"allow":        a.Allow.String(),
			"count":        strconv.FormatUint(a.Count, 10),
			"last":         a.Last.UTC().Format(time.RFC3339),
			"origin":       a.Origin.Kind,
			"node":         a.Node,
			"pod":          a.Pod.Name,
			"image":        a.Container.Image,
			"container_id": a.Container.ID,
		}),
		StartsAt:     starts,
		EndsAt:       ends,
		GeneratorURL: am.generatorURL(a),
	}
}

// story is the incident for people; empty for a single alert.
func story(a *alert.Alert) string {
	if a.Story == nil {
		return ""
	}
	var b bytes.Buffer
	if err := alert.StoryText(false)(&b, a); err != nil {
		return "" // a buffer takes everything
	}
	return b.String()
}

// generatorURL returns the link of a, none if it turns out not to be one.
func (am *Alertmanager) generatorURL(a *alert.Alert) string {
	if am.opts.GeneratorURL == nil {
		return ""
	}
	var b bytes.Buffer
	if err := am.opts.GeneratorURL(&b, a); err != nil {
		return ""
	}
	link, err := url.Parse(strings.TrimSpace(b.String()))
	if err != nil || link.Scheme != "http" && link.Scheme != "https" || link.Host == "" {
		return ""
	}
	return link.String()
}

func withoutEmpty(m map[string]string) map[string]string {
	for key, value := range m {
		if value == "" {
			delete(m, key)
		}
	}
	return m
}
