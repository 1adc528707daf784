package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxSilence is how long the engine may take for one turn before the agent
// calls itself unhealthy. It turns at least once a second.
const maxSilence = 15 * time.Second

// server answers /metrics, /healthz and /readyz. A nil server serves nothing.
type server struct {
	listener net.Listener
	http     http.Server
}

// listen opens address, host:port or unix:PATH. Empty listens nowhere.
func listen(address string, registry *prometheus.Registry, e *engine) (*server, error) {
	if address == "" {
		return nil, nil
	}
	network := "tcp"
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
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.alive()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.detecting()) })
	return &server{listener: listener, http: http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}}, nil
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *server) run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = s.http.Close() })
	defer stop()
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// alive says why the engine is wedged, if it is.
func (e *engine) alive() error {
	silent := time.Since(time.Unix(0, e.metrics.beat.Load()))
	if silent > maxSilence {
		return fmt.Errorf("the reader has not turned for %s", silent.Round(time.Second))
	}
	return nil
}

// detecting says why deviations would not be found, if so.
func (e *engine) detecting() error {
	if !e.ready.Load() {
		return errors.New("running containers are not taken over yet")
	}
	return e.alive()
}
