package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/zap"
	"go.uber.org/zap/zapio"

	"bobwatch/internal/agent/port"
	"bobwatch/internal/alert"
	"bobwatch/internal/config"
	"bobwatch/internal/incident"
	"bobwatch/internal/status"
)

const (
	// maxSilence is how long the engine may take for one turn before the agent
	// calls itself unhealthy. It turns at least once a second.
	maxSilence = 15 * time.Second
	// drainTimeout is how long answers under way are waited for at the end.
	drainTimeout = 3 * time.Second
)

// server answers /metrics, /healthz, /readyz, /status and /incidents. A nil server serves nothing.
type server struct {
	listener  *port.Listener
	http      *http.Server
	webConfig string
	log       *zap.Logger
}

// listen opens the address of c. TLS and authentication are those of the web
// configuration, which is read again at every connection and request; one that
// cannot be used at the start is an error.
func listen(c config.HTTP, registry *prometheus.Registry, e *engine, history *incident.History, log *zap.Logger) (*server, error) {
	if c.Listen == "" {
		return nil, nil
	}
	if err := web.Validate(c.WebConfig); err != nil {
		return nil, fmt.Errorf("http.webConfig: %w", err)
	}
	network, address := "tcp", c.Listen
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("http.listen: %w", err)
		}
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	s := &server{
		listener:  port.NewListener(listener),
		http:      port.Server(handler(registry, e, history)),
		webConfig: c.WebConfig,
		log:       log,
	}
	if err := registry.Register(closedConnections(s.listener.Closed)); err != nil {
		return nil, errors.Join(fmt.Errorf("register metrics: %w", err), listener.Close())
	}
	return s, nil
}

func closedConnections(count func() uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: metricPrefix + "http_connections_closed_total",
		Help: "Connections to the agent's port that were closed because there were too many: the oldest of the address that has the most.",
	}, func() float64 { return float64(count()) })
}

func handler(registry *prometheus.Registry, e *engine, history *incident.History) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		Registry:      registry,
		ErrorHandling: promhttp.ContinueOnError, // what can be read is better than nothing
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.health.alive()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.health.detecting()) })
	mux.HandleFunc("GET "+status.Path, e.serveStatus)
	mux.HandleFunc("GET "+alert.IncidentsPath, history.ServeSince)
	mux.HandleFunc("GET "+alert.IncidentsPath+"/{id}", history.ServeOne)
	return mux
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// run serves until ctx ends and returns when no answer is under way any more:
// what they are made of is closed after that.
func (s *server) run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		s.drain()
	})
	out := &zapio.Writer{Log: s.log, Level: zap.WarnLevel}
	defer out.Close()
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	err := web.Serve(s.listener, s.http, &web.FlagConfig{WebConfigFile: &s.webConfig}, log)
	if !stop() {
		<-drained
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

func (s *server) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}
