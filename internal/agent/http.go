package agent

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"bobwatch/internal/alert"
	"bobwatch/internal/incident"
	"bobwatch/internal/status"
)

// maxSilence is how long the engine may take for one turn before the agent calls
// itself unhealthy. It turns at least once a second.
const maxSilence = 15 * time.Second

// handler answers /metrics, /healthz, /readyz, /status and /incidents.
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
